"""How one column is spread, with a brush: what it leaves out goes from the table."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.inspecting.measures import Measure
from app.inspecting.measures_table import Histogram
from app.ui.plots import make_plot, style_plot
from app.ui.theme import ACCENT, DIM, SKY

_BAR = (*pg.mkColor(DIM).getRgb()[:3], 150)
_BRUSH = (*pg.mkColor(ACCENT).getRgb()[:3], 28)


class HistogramView(QWidget):
    """Bars, the median as a dashed line, and a band whose edges can be dragged.

    Signals:
        brushed: lower and upper end of the band, or None, None when it holds everything.
    """

    brushed = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = make_plot("", self)
        self._item = style_plot(self._plot)
        self._item.getAxis("left").setStyle(maxTickLevel=0)
        self._plot.setToolTip(
            "How many results have which value; the dashed line is the median.\n"
            "Drag an edge of the band to see only the results inside it, double-click to see all again."
        )
        self._bars = pg.BarGraphItem(x0=[], height=[], width=[], brush=_BAR, pen=pg.mkPen(None))
        self._median = pg.InfiniteLine(
            angle=90, pen=pg.mkPen(SKY, width=1, style=pg.QtCore.Qt.PenStyle.DashLine)
        )
        self._band = pg.LinearRegionItem(
            brush=_BRUSH, hoverBrush=_BRUSH, pen=pg.mkPen(ACCENT, width=1), hoverPen=pg.mkPen(ACCENT, width=3)
        )
        for part in (self._bars, self._median, self._band):
            self._item.addItem(part)
        self._histogram: Histogram | None = None
        self._band.sigRegionChangeFinished.connect(self._on_band)
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self._show_parts(shown=False)

    @property
    def span(self) -> tuple[float, float] | None:
        """What the band holds, None if that is everything."""
        found = self._histogram
        if found is None:
            return None
        low, high = (float(edge) for edge in self._band.getRegion())
        slack = 1e-6 * float(found.edges[-1] - found.edges[0])
        whole = low <= found.edges[0] + slack and high >= found.edges[-1] - slack
        return None if whole else (low, high)

    @property
    def counts(self) -> list[int]:
        """The bars as they are drawn."""
        return [] if self._histogram is None else [int(count) for count in self._histogram.counts]

    def show_column(self, histogram: Histogram | None, column: Measure | None) -> None:
        """Show another spread; the band opens, unless only a few values came to the same column."""
        kept = self.span
        before, self._histogram = self._histogram, histogram
        self._show_parts(shown=histogram is not None)
        if histogram is None or column is None:
            return
        edges = histogram.edges
        self._bars.setOpts(x0=edges[:-1], width=0.94 * (edges[1:] - edges[:-1]), height=histogram.counts)
        self._median.setPos(histogram.median)
        self._item.setXRange(float(edges[0]), float(edges[-1]), padding=0.02)
        self._item.setYRange(0, max(1, int(histogram.counts.max())) * 1.05, padding=0)
        self._band.setBounds((float(edges[0]), float(edges[-1])))
        self._set_band(kept if kept is not None and before is not None else None)

    def set_span(self, span: tuple[float, float] | None) -> None:
        """Set the band."""
        self._set_band(span)
        self._on_band()

    def open_band(self) -> None:
        """Let the band hold everything."""
        self.set_span(None)

    def forget_band(self) -> None:
        """Let the band hold everything, because another column comes: nobody is told."""
        self._histogram = None

    def _set_band(self, span: tuple[float, float] | None) -> None:
        if self._histogram is None:
            return
        edges = self._histogram.edges
        self._band.blockSignals(True)
        self._band.setRegion(span or (float(edges[0]), float(edges[-1])))
        self._band.blockSignals(False)

    def _show_parts(self, *, shown: bool) -> None:
        for part in (self._bars, self._median, self._band):
            part.setVisible(shown)
        for side in ("bottom", "left"):
            self._item.getAxis(side).setStyle(showValues=shown)

    def _on_band(self) -> None:
        span = self.span
        low, high = span if span is not None else (None, None)
        self.brushed.emit(low, high)

    def _on_click(self, event: object) -> None:
        if getattr(event, "double", lambda: False)():
            self.open_band()
