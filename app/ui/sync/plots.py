"""Skew over the last minute, its histogram, and how the cameras' clocks run away from the computer's."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.plots import make_plot, round_range, style_plot
from app.ui.theme import ACCENT, LINE, SKY, TEXT
from capture.clocks import ClockState
from capture.frames import ROLES, Role
from capture.sync_facts import SkewBasis
from capture.sync_health import SyncState
from capture.sync_verdict import duration

SPAN_S = 60.0
CLOCK_SPAN_S = 300.0
SMALLEST_CLOCK_MS = 0.05
CLOCK_COLOURS: dict[Role, str] = {"mono": TEXT, "color": SKY}
BASES: dict[SkewBasis, str] = {
    "one time": "by the cameras' clocks",
    "two clocks": "by the cameras' clocks, constant part by arrival",
    "arrival": "by arrival, constant part uncertain",
}
CLOCK_NAMES: dict[Role, str] = {"mono": "mono", "color": "colour"}


class _Titled(QWidget):
    """A plot with a line of text above it."""

    def __init__(self, x_unit: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = make_plot(x_unit, self)
        self.item = style_plot(self.plot)
        self.item.getAxis("left").setWidth(52)
        self.plot.setToolTip(tip)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.head = QLabel(self)
        self.head.setProperty("role", "smalldim")
        self.head.setTextFormat(Qt.TextFormat.RichText)
        self.head.setContentsMargins(8, 2, 0, 2)
        self.head.setToolTip(tip)
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.plot, 1)
        self._range: tuple[float, float] | None = None

    def fit(self, low: float, high: float) -> None:
        """Fit the vertical axis; it is dear to paint and touched only where it must change."""
        span = round_range(low, high)
        if span != self._range and span[0] < span[1]:
            self._range = span
            self.plot.setYRange(*span, padding=0)

    def show_numbers(self, *, shown: bool) -> None:
        """Numbers on an axis without anything drawn would mean nothing."""
        for side in ("left", "bottom"):
            self.item.getAxis(side).setStyle(showValues=shown)


class SkewPlot(_Titled):
    """One dot per pair."""

    def __init__(self, parent: QWidget | None = None) -> None:
        tip = "Exposure of the colour camera minus that of the mono camera, of every pair, in ms. Last 60 s."
        super().__init__("s", tip, parent)
        self.item.setXRange(-SPAN_S, 0.0, padding=0)
        self._dots = self.item.plot(
            pen=None, symbol="o", symbolSize=3, symbolPen=None, symbolBrush=pg.mkBrush(SKY), pxMode=True
        )
        self.show_state(SyncState())

    def show_state(self, state: SyncState) -> None:
        """Draw the last minute."""
        self._dots.setData(state.times_s, state.skews_ms)
        self.show_numbers(shown=state.skew is not None)
        if state.skew is None:
            self.head.setText("Skew, ms")
            return
        self.head.setText(f"Skew, ms&nbsp;&nbsp; colour − mono, {BASES[state.skew.basis]}")
        self.fit(state.skew.low_ns / 1e6, state.skew.high_ns / 1e6)


class SkewHistogram(_Titled):
    """How often each skew came in the last minute."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("ms", "Pairs of the last minute by their skew, in ms", parent)
        self._bars = pg.BarGraphItem(
            x=[0.0], height=[0.0], width=1.0, brush=pg.mkBrush(SKY), pen=pg.mkPen(None)
        )
        self.item.addItem(self._bars)
        self.show_state(SyncState())

    def show_state(self, state: SyncState) -> None:
        """Draw the histogram."""
        self.show_numbers(shown=state.skew is not None)
        self._bars.setVisible(state.skew is not None)
        if state.skew is None:
            self.head.setText("Pairs")
            return
        edges = state.edges_ms
        self._bars.setOpts(x0=edges[:-1], width=np.diff(edges), height=state.counts)
        self.item.setXRange(float(edges[0]), float(edges[-1]), padding=0.02)
        self.fit(0.0, float(state.counts.max()))
        sign = "−" if state.skew.median_ns < 0 else ""
        middle = f"{sign}{duration(state.skew.median_ns)}"
        self.head.setText(f"{middle} in the middle, 95 % within ±{duration(state.skew.spread_ns)}")


class ClockPlot(_Titled):
    """How each camera's clock runs away from the computer's; a straight line is drift, a new start a step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        tip = (
            "Camera clock minus computer clock since the first second, in ms, over five minutes. "
            "1 ppm is 0.06 ms in a minute; a step of the clock begins a new line."
        )
        super().__init__("s", tip, parent)
        self.item.setXRange(-CLOCK_SPAN_S, 0.0, padding=0)
        self._lines = {role: self.item.plot(pen=pg.mkPen(CLOCK_COLOURS[role], width=2)) for role in ROLES}
        zero = pg.InfiniteLine(0.0, angle=0, pen=pg.mkPen(LINE))
        self.item.addItem(zero)
        self.show_state(SyncState(), 0)

    def show_state(self, state: SyncState, now_ns: int) -> None:
        """Draw the last five minutes before `now_ns` (`time.monotonic_ns()`)."""
        everything = [-SMALLEST_CLOCK_MS, SMALLEST_CLOCK_MS]
        for role, line in self._lines.items():
            health = state.cameras.get(role)
            offsets = np.array(health.clock.offsets if health is not None else (), np.float64).reshape(-1, 2)
            values = offsets[:, 1] / 1e6
            line.setData((offsets[:, 0] - now_ns) / 1e9, values)
            everything += values.tolist()
        self.show_numbers(shown=len(everything) > 2)
        self.fit(min(everything), max(everything))
        self.head.setText("Clocks, ms&nbsp;&nbsp; " + "&nbsp; ".join(self._words(state)))

    @staticmethod
    def _words(state: SyncState) -> list[str]:
        words = []
        for role, health in state.cameras.items():
            told = drift_words(health.clock, any_pair=state.pairs > 0)
            words.append(f'<span style="color:{CLOCK_COLOURS[role]}">{CLOCK_NAMES[role]}</span> {told}')
        if state.relative_drift_ppm is not None:
            words.append(
                f'<span style="color:{ACCENT}">colour against mono</span> {ppm(state.relative_drift_ppm, 2)}'
            )
        return words


def drift_words(clock: ClockState, *, any_pair: bool) -> str:
    """Return what is known of a clock's drift."""
    if not any_pair:
        return "–"
    if not clock.ticks:
        return "no clock"
    return "…" if clock.drift_ppm is None else ppm(clock.drift_ppm)


def ppm(value: float, digits: int = 1) -> str:
    """Return a drift for people: "+12.1 ppm", "−8.0 ppm"."""
    return f"{value:+.{digits}f} ppm".replace("-", "−")
