"""A map's values as a histogram over its colours, with handles for what the colours span."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.picture import Scale, colour_table
from app.ui.plots import make_plot, style_plot
from app.ui.theme import ACCENT, TEXT

BINS = 128
BAR_SHARE = 0.16
"""Height of the colour bar, as a share of the plot."""


class ColourHistogram(QWidget):
    """The handles at the ends of the shaded span are the smallest and the largest value of the colours.

    Signals:
        span_changed: low, high: a person moved a handle; emitted while it moves.
    """

    span_changed = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = make_plot("", self)
        item = style_plot(self._plot)
        item.getAxis("left").setStyle(showValues=False)
        item.getAxis("left").setWidth(6)
        self._plot.setToolTip(
            "How often each value occurs, on the map's colours.\n"
            "Drag the ends: they are the values of the first and the last colour."
        )
        self._bars = item.plot(
            pen=pg.mkPen(TEXT, width=1), fillLevel=0.0, brush=pg.mkBrush(216, 216, 216, 60), stepMode="center"
        )
        self._strip = pg.ImageItem()
        item.addItem(self._strip)
        self._span = pg.LinearRegionItem(
            brush=pg.mkBrush(255, 255, 255, 14),
            hoverBrush=pg.mkBrush(255, 255, 255, 24),
            pen=pg.mkPen(ACCENT, width=1.5),
            swapMode="block",
        )
        item.addItem(self._span)
        self._limits = [
            pg.InfiniteLine(angle=90, pen=pg.mkPen(TEXT, width=1, style=Qt.PenStyle.DashLine))
            for _ in range(2)
        ]
        for line in self._limits:
            item.addItem(line)
        self._span.sigRegionChanged.connect(self._on_span)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 0)
        column.addWidget(self._plot)
        self._bounds = (0.0, 1.0)

    @property
    def span(self) -> tuple[float, float]:
        """Values of the first and the last colour."""
        low, high = self._span.getRegion()
        return float(low), float(high)

    def show_values(self, values: NDArray[np.float32], limits: tuple[float, float], unit: str) -> None:
        """Show how values are spread between two limits; undefined ones are left out."""
        finite = values[np.isfinite(values)]
        self._bounds = limits
        counts, edges = np.histogram(finite, BINS, range=limits)
        # The root brings out what is rare, too.
        heights = np.sqrt(counts / max(int(counts.max()), 1))
        self._bars.setData(edges, heights)
        self._plot.getPlotItem().getAxis("bottom").set_unit(unit)
        self._plot.setXRange(*limits, padding=0.02)
        self._plot.setYRange(-BAR_SHARE, 1.0, padding=0)
        blocked = self._span.blockSignals(True)
        self._span.setBounds(limits)
        self._span.blockSignals(blocked)

    def set_scale(self, scale: Scale) -> None:
        """Show other colours, and what they span."""
        low, high = self._bounds
        values = np.linspace(low, high, 512)
        share = (values - scale.low) / max(scale.high - scale.low, 1e-9)
        table = colour_table(scale.colour_map)[0, :, [2, 1, 0]].T
        self._strip.setImage(
            table[np.clip(share * 255, 0, 255).astype(np.intp)][:, None], autoLevels=False, levels=(0, 255)
        )
        self._strip.setRect(QRectF(low, -BAR_SHARE, high - low, BAR_SHARE))
        blocked = self._span.blockSignals(True)
        self._span.setRegion((scale.low, scale.high))
        self._span.blockSignals(blocked)

    def set_thresholds(self, low: float, high: float) -> None:
        """Mark which values are shown."""
        for line, value in zip(self._limits, (low, high), strict=True):
            line.setPos(value)

    def _on_span(self) -> None:
        low, high = self.span
        if high - low > 1e-6:
            self.span_changed.emit(low, high)
