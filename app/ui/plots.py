"""Scrolling plots of the last minute: cycle SSIM, skew, and the time of every stage."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.pipeline.status import PipelineStatus
from app.ui.history import History
from app.ui.layers import Scene
from app.ui.picture import nice_ceiling
from app.ui.theme import ACCENT, DIM, GREEN, LINE, SKY, TEXT, VERMILION, WELL

SPAN_S = 60.0
"""How far back the plots reach."""


class UnitAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis whose numbers carry their unit: "−30 s"; powers of ten are written out."""

    def __init__(self, side: str, unit: str = "") -> None:
        super().__init__(side)
        self.set_unit(unit)

    def set_unit(self, unit: str) -> None:
        """Write another unit behind the numbers."""
        self._unit = f" {unit}" if unit else ""
        self.picture = None
        self.update()

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802
        """Return the labels of ticks."""
        if self.logMode:
            return self.logTickStrings(values, scale, spacing)
        strings: list[str] = super().tickStrings(values, scale, spacing)
        return [f"{string.replace('-', '−')}{self._unit}" for string in strings]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802, ARG002
        """Return the labels of ticks on a log axis: only whole decades have one."""
        return [f"{10**value:g}" if abs(value - round(value)) < 1e-6 else "" for value in values]


def make_plot(x_unit: str, parent: QWidget) -> pg.PlotWidget:
    """Return a plot with its unit on the horizontal axis."""
    return pg.PlotWidget(parent, axisItems={"bottom": UnitAxis("bottom", x_unit), "left": UnitAxis("left")})


def style_plot(plot: pg.PlotWidget) -> pg.PlotItem:
    """Make a quiet, cheap plot: no antialiasing, no menus, no mouse, small labels; return its item."""
    plot.setBackground(WELL)
    plot.setFrameShape(plot.Shape.NoFrame)
    plot.setMinimumSize(120, 60)
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    item.setMouseEnabled(x=False, y=False)
    item.disableAutoRange()
    item.showGrid(x=False, y=True, alpha=0.15)
    font = QFont()
    font.setPixelSize(10)
    for side in ("bottom", "left"):
        axis = item.getAxis(side)
        axis.setPen(pg.mkPen(LINE))
        axis.setTextPen(pg.mkPen(DIM))
        axis.setStyle(tickFont=font, tickLength=-3, tickTextOffset=3)
    item.getAxis("left").setWidth(38)
    item.getAxis("bottom").setHeight(18)
    return item


def round_range(low: float, high: float, at_most: float = np.inf) -> tuple[float, float]:
    """Return a range with round ends around two values: it changes seldom while the values change always."""
    step = nice_ceiling(max((high - low) / 3, abs(high) * 0.005, 1e-3))
    return float(np.floor(low / step) * step), float(min(np.ceil(high / step + 1e-9) * step, at_most))


def decades(low: float, high: float) -> tuple[float, float]:
    """Return the whole powers of ten around two positive values, as exponents, at least one decade."""
    first = float(np.floor(np.log10(low)))
    return first, max(float(np.ceil(np.log10(high))), first + 1)


class Strip(QWidget):
    """One scrolling plot; `head` names its lines in their colours and goes above it.

    Args:
        title: what is plotted, with its unit.
        lines: name → colour.
        tip: how to read it.
        logarithmic: values (> 0) on a log axis.
        at_most: a value that cannot be exceeded; the axis ends there.
    """

    def __init__(
        self,
        title: str,
        lines: Mapping[str, str],
        tip: str,
        *,
        logarithmic: bool = False,
        at_most: float = np.inf,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._logarithmic = logarithmic
        self._at_most = at_most
        self._span: tuple[float, float] | None = (0.0, 0.0)
        self._plot = make_plot("s", self)
        item = style_plot(self._plot)
        item.setLogMode(x=False, y=logarithmic)
        item.setXRange(-SPAN_S, 0.0, padding=0)
        self._plot.setToolTip(tip)
        self.histories = {name: History() for name in lines}
        self._curves = {name: item.plot(pen=pg.mkPen(colour, width=1)) for name, colour in lines.items()}
        names = "&nbsp; ".join(
            f'<span style="color:{colour}">{name}</span>' for name, colour in lines.items()
        )
        self.head = QLabel(f"{title}&nbsp;&nbsp; {names}")
        self.head.setProperty("role", "smalldim")
        self.head.setContentsMargins(8, 3, 0, 3)
        self.head.setToolTip(tip)
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 2)
        column.addWidget(self._plot)
        self.clear()

    def add(self, name: str, time_s: float, value: float) -> None:
        """Append a sample to a line."""
        self.histories[name].add(time_s, value)

    def clear(self) -> None:
        """Forget all samples."""
        for history in self.histories.values():
            history.clear()
        self.draw(0.0)

    def draw(self, now_s: float) -> None:
        """Paint the last minute; the vertical range follows what is in it."""
        everything = []
        for name, history in self.histories.items():
            times, values = history.since(now_s - SPAN_S)
            self._curves[name].setData(times - now_s, values)
            everything.append(values)
        values = np.concatenate(everything)
        values = values[np.isfinite(values) & ((values > 0) if self._logarithmic else True)]
        self._show_range(None if values.size == 0 else (float(values.min()), float(values.max())))

    def _show_range(self, span: tuple[float, float] | None) -> None:
        """Fit the axis to the values. An axis is dear to paint: it is touched only where it must change."""
        if span is not None:
            span = decades(*span) if self._logarithmic else round_range(*span, self._at_most)
        if span == self._span:
            return
        if (span is None) != (self._span is None):
            # Numbers on an axis without lines would mean nothing.
            self._plot.getPlotItem().getAxis("left").setStyle(showValues=span is not None)
        if span is not None:
            self._plot.setYRange(*span, padding=0)
        self._span = span


class LivePlots(QWidget):
    """Cycle SSIM, skew and stage times, drawn one after the other so that no single moment is expensive."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ssim = Strip(
            "Cycle SSIM",
            {"Cb": SKY, "Cr": VERMILION},
            "SSIM of R'_C and the reference: 1 if the second pass brings the colours back. Last 60 s.",
            at_most=1.0,
        )
        self.skew = Strip(
            "Skew, ms",
            {"colour − mono": TEXT},
            "Time of the colour frame minus time of the mono frame of every shown pair, in ms. Last 60 s.",
        )
        self.times = Strip(
            "Times, ms",
            {"rectify": GREEN, "colorize": SKY, "screen": ACCENT},
            "From arrival to the end of each stage, and from exposure until the colorized pair is on screen, "
            "in ms, log scale. Last 60 s.",
            logarithmic=True,
        )
        self.headline = QWidget(self)
        heads, row = QHBoxLayout(self.headline), QHBoxLayout(self)
        for layout in (heads, row):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(2)
        for strip in self.strips:
            heads.addWidget(strip.head, 1)
            row.addWidget(strip, 1)
        self._turn = 0

    @property
    def strips(self) -> tuple[Strip, ...]:
        """All plots from left to right."""
        return (self.ssim, self.skew, self.times)

    def add_scene(self, scene: Scene, before: Scene, now_s: float) -> None:
        """Append what is new in a scene."""
        if scene.result is not None and scene.result is not before.result:
            self.ssim.add("Cb", now_s, scene.result.colorization.cycle_ssim_cb)
            self.ssim.add("Cr", now_s, scene.result.colorization.cycle_ssim_cr)
            self.times.add("colorize", now_s, scene.result.latency_ms)
        if scene.pair is not None and scene.pair is not before.pair:
            self.skew.add("colour − mono", now_s, scene.pair.pair.skew_ns / 1e6)

    def add_status(self, status: PipelineStatus, screen_latency_ms: float, now_s: float) -> None:
        """Append the times of a status, and draw one of the plots."""
        rectify = status.stages.get("rectify")
        if rectify is not None and rectify.latency_ms > 0:
            self.times.add("rectify", now_s, rectify.latency_ms)
        if screen_latency_ms > 0:
            self.times.add("screen", now_s, screen_latency_ms)
        if self.isVisible():
            self.strips[self._turn].draw(now_s)
            self._turn = (self._turn + 1) % len(self.strips)

    def clear(self) -> None:
        """Begin anew."""
        for strip in self.strips:
            strip.clear()
