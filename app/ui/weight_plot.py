"""Why a pixel got its colour: its weights over the candidates, with the candidates' colours below."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.inspector import Pixel
from app.ui.picture import nice_ceiling
from app.ui.plots import make_plot, style_plot
from app.ui.theme import ACCENT, TEXT
from models.engine import Colorization
from models.tracing import Contributions, Image, Tracer

LOWEST_DECADE = -5.0
"""Weights below 10⁻⁵ lie on the floor of the log axis."""
STRIP_SHARE = 0.09
"""Height of the candidates' colours, as a share of the plot."""


class WeightPlot(QWidget):
    """The weight curve W of a pixel over disparity, its peak and its entropy."""

    EMPTY = "Click a pixel to see which candidates of the reference its colour comes from."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._headline = QLabel(self.EMPTY)
        self._headline.setContentsMargins(8, 3, 0, 3)
        self._headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._headline.setProperty("role", "smalldim")
        self._headline.setWordWrap(False)
        self._plot = make_plot("px", self)
        tip = (
            "W over disparity: how much each candidate of the reference contributes to the pixel's colour.\n"
            "The colours below are the candidates' own.\n"
            "Peak: the disparity with the most weight, and what the heaviest candidate weighs.\n"
            "Entropy: 0 bit for one certain candidate, log2 of their number for no idea.\n"
            "Effective: 1 / Σ W², as many candidates of one weight would be as spread out."
        )
        self._headline.setToolTip(tip)
        self._plot.setToolTip(tip)
        item = style_plot(self._plot)
        self._curve = item.plot(
            pen=pg.mkPen(TEXT, width=1), fillLevel=0.0, brush=pg.mkBrush(216, 216, 216, 45), stepMode="center"
        )
        self._strip = pg.ImageItem()
        item.addItem(self._strip)
        self._peak = pg.InfiniteLine(angle=90, pen=pg.mkPen(ACCENT, width=1, style=Qt.PenStyle.DashLine))
        item.addItem(self._peak)
        self._contributions: Contributions | None = None
        self._logarithmic = False
        self._shown: bool | None = None
        self.headline_label = self._headline
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 2)
        column.addWidget(self._plot)
        self.clear()

    @property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Disparities in px and their weights, as plotted; empty if no pixel is pinned."""
        if self._contributions is None:
            return np.zeros(0), np.zeros(0)
        return self._contributions.disparities, self._contributions.weights

    @property
    def headline(self) -> str:
        """The words above the plot."""
        return self._headline.text()

    def clear(self, message: str = EMPTY) -> None:
        """Show no curve, and say why."""
        self._contributions = None
        self._headline.setText(message)
        self._show_curve(shown=False)

    def show_pixel(self, colorization: Colorization, pixel: Pixel, reference: Image) -> None:
        """Show the curve of a mono pixel; costs some milliseconds.

        Args:
            colorization: with its W.
            pixel: (x, y).
            reference: R_C as it was given to the engine.
        """
        mirrored = colorization.search.mirrored
        tracer = Tracer(colorization.weights, reference, colorization.rows, mirrored=mirrored)
        x, y = pixel
        self.show_contributions(tracer.trace(x, y), pixel, float(colorization.disparity[y, x]))

    def show_contributions(self, contributions: Contributions, pixel: Pixel, peak_px: float) -> None:
        """Show what a mono pixel was averaged from."""
        self._contributions = contributions
        most = float(np.log2(max(len(contributions.weights), 2)))
        self._headline.setText(
            f"W of ({pixel[0]}, {pixel[1]})   peak {peak_px:.1f} px, {contributions.weights.max():.2f}   "
            f"entropy {contributions.entropy_bits:.1f} of {most:.1f} bit, "
            f"{contributions.effective:.1f} effective"
        )
        self._peak.setPos(peak_px)
        self._draw(contributions)
        self._show_curve(shown=True)

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Draw weights on a log axis, or on a linear one from 0."""
        if logarithmic == self._logarithmic:
            return
        self._logarithmic = logarithmic
        axis = self._plot.getPlotItem().getAxis("left")
        axis.logMode = logarithmic
        axis.picture = None
        axis.update()
        if self._contributions is not None:
            self._draw(self._contributions)

    def _draw(self, contributions: Contributions) -> None:
        weights, half = contributions.weights, contributions.stride / 2
        edges = np.concatenate([contributions.disparities - half, contributions.disparities[-1:] + half])
        if self._logarithmic:
            floor, ceiling = LOWEST_DECADE, 0.0
            heights = np.log10(np.maximum(weights, 10.0**LOWEST_DECADE))
        else:
            # A round end that holds still: an axis is dear to paint.
            floor = 0.0
            ceiling = nice_ceiling(max(float(weights.max()), 0.05), (1.0, 2.0, 3.0, 5.0, 7.0))
            heights = weights
        self._curve.setData(edges, heights, fillLevel=floor)
        depth = (ceiling - floor) * STRIP_SHARE
        self._strip.setImage(contributions.pictured[:, None], autoLevels=False, levels=(0, 255))
        self._strip.setRect(QRectF(edges[0], floor - depth, edges[-1] - edges[0], depth))
        self._plot.setXRange(edges[0], edges[-1], padding=0)
        self._plot.setYRange(floor - depth, ceiling, padding=0)

    def _show_curve(self, *, shown: bool) -> None:
        if shown == self._shown:
            return
        self._shown = shown
        for part in (self._curve, self._peak, self._strip):
            part.setVisible(shown)
        for side in ("bottom", "left"):
            self._plot.getPlotItem().getAxis(side).setStyle(showValues=shown)
