"""Why a pixel got its colour: its weights over the candidates."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.inspector import Pixel, entropy_bits
from app.ui.picture import nice_ceiling
from app.ui.plots import make_plot, style_plot
from app.ui.theme import ACCENT, TEXT
from models.engine import Colorization


class WeightPlot(QWidget):
    """The weight curve W of the pinned pixel over disparity, its peak and its entropy."""

    EMPTY = "Click a pixel to see which candidates of the reference its colour comes from."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._headline = QLabel(self.EMPTY)
        self._headline.setContentsMargins(8, 3, 0, 3)
        self._headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._headline.setProperty("role", "smalldim")
        self._headline.setWordWrap(False)
        self._headline.setToolTip(
            "W over disparity: how much each candidate of the reference contributes to the pixel's colour.\n"
            "Peak: the candidate with the most weight, and that weight.\n"
            "Entropy: 0 bit for one certain candidate, log2 of their number for no idea."
        )
        self._plot = make_plot("px", self)
        item = style_plot(self._plot)
        self._curve = item.plot(
            pen=pg.mkPen(TEXT, width=1), fillLevel=0.0, brush=pg.mkBrush(216, 216, 216, 45), stepMode="center"
        )
        self._peak = pg.InfiniteLine(angle=90, pen=pg.mkPen(ACCENT, width=1, style=Qt.PenStyle.DashLine))
        item.addItem(self._peak)
        self._disparities: NDArray[np.float64] = np.zeros(0)
        self._weights: NDArray[np.float32] = np.zeros(0, np.float32)
        self._shown: bool | None = None
        self.headline_label = self._headline
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 2)
        column.addWidget(self._plot)
        self.clear()

    @property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Disparities in px and their weights, as plotted; empty if no pixel is pinned."""
        return self._disparities, self._weights

    @property
    def headline(self) -> str:
        """The words above the plot."""
        return self._headline.text()

    def clear(self) -> None:
        """Show that no pixel is pinned."""
        self._disparities, self._weights = np.zeros(0), np.zeros(0, np.float32)
        self._headline.setText(self.EMPTY)
        self._show_curve(shown=False)

    def show_pixel(self, colorization: Colorization, pixel: Pixel) -> None:
        """Show the curve of a mono pixel."""
        x, y = pixel
        weights = colorization.weight_curve(x, y)
        search = colorization.search
        self._disparities = search.offset + np.arange(len(weights), dtype=np.float64)
        self._weights = weights
        peak = float(colorization.disparity[y, x])
        bits = entropy_bits(weights)
        share = float(weights.max()) if weights.size else 0.0
        most = float(np.log2(max(len(weights), 2)))
        self._headline.setText(
            f"W of ({x}, {y})   peak {peak:.1f} px, {share:.2f}   entropy {bits:.1f} of {most:.1f} bit"
        )
        edges = np.concatenate([self._disparities - 0.5, self._disparities[-1:] + 0.5])
        self._curve.setData(edges, weights)
        self._peak.setPos(peak)
        self._show_curve(shown=True)
        self._plot.setXRange(edges[0], edges[-1], padding=0)
        # A round end that holds still: an axis is dear to paint.
        self._plot.setYRange(0.0, nice_ceiling(max(share, 0.05), (1.0, 2.0, 3.0, 5.0, 7.0)), padding=0)

    def _show_curve(self, *, shown: bool) -> None:
        if shown == self._shown:
            return
        self._shown = shown
        self._curve.setVisible(shown)
        self._peak.setVisible(shown)
        for side in ("bottom", "left"):
            self._plot.getPlotItem().getAxis(side).setStyle(showValues=shown)
