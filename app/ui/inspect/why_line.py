"""W along a line: a picture of position × disparity, and what disparity, chroma and luma do along it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.inspecting.why import LineWhy
from app.ui.plots import make_plot, style_plot
from app.ui.theme import ACCENT, DIM, GREEN, SKY, TEXT, VERMILION


def _named(*names: tuple[str, str]) -> str:
    return " &nbsp;".join(f'<span style="color:{colour}">{name}</span>' for name, colour in names)


_PARTS: tuple[tuple[str, str, int], ...] = (
    (
        f"W, px &nbsp;{_named(('peak', ACCENT), ('truth', GREEN))}",
        (
            "W of every pixel of the line: position along it from left to right, disparity upwards, bright "
            "where there is weight. A surface is a level line, an occlusion a jump.\n"
            "Click: explain that pixel."
        ),
        150,
    ),
    (
        f"Chroma, levels &nbsp;{_named(('Cb', SKY), ('Cr', VERMILION), ('first ― refined ╌ truth ┈', DIM))}",
        "Chroma of the pictures along the line, in levels around neutral.",
        110,
    ),
    (
        f"Luma, levels &nbsp;{_named(('mono', TEXT), ('averaged', ACCENT))}",
        (
            "The mono image along the line, and the luma that W averages. Where they part, the match is wrong"
            " or W is wide."
        ),
        80,
    ),
)
"""Head, tip and height in px of each plot."""

_DASHES = {
    "first": Qt.PenStyle.SolidLine,
    "refined": Qt.PenStyle.DashLine,
    "truth": Qt.PenStyle.DotLine,
}


class LinePlots(QWidget):
    """Three plots over one axis: distance along the line in px.

    Signals:
        picked: number of the sample that was clicked.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line: LineWhy | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 4)
        column.setSpacing(0)
        self._plots = []
        for number, (head, tip, height) in enumerate(_PARTS):
            label = QLabel(head, self)
            label.setProperty("role", "smalldim")
            label.setContentsMargins(6, 3, 0, 1)
            label.setToolTip(tip)
            plot = make_plot("px" if number == len(_PARTS) - 1 else "", self)
            style_plot(plot)
            plot.setFixedHeight(height)
            plot.setToolTip(tip)
            plot.viewport().installEventFilter(self)
            column.addWidget(label)
            column.addWidget(plot)
            self._plots.append(plot)
        self._image = pg.ImageItem()
        self._image.setLookupTable(pg.colormap.get("viridis").getLookupTable(nPts=256))
        self._plots[0].addItem(self._image)
        self._cursors = []
        for plot in self._plots:
            cursor = pg.InfiniteLine(angle=90, pen=pg.mkPen(TEXT, width=1))
            cursor.hide()
            plot.addItem(cursor)
            self._cursors.append(cursor)
        self._curves: tuple[list[pg.PlotDataItem], ...] = tuple([] for _ in self._plots)

    @property
    def line(self) -> LineWhy | None:
        """What is shown."""
        return self._line

    def show_line(self, line: LineWhy) -> None:
        """Show another line."""
        self._line = line
        length = max(float(line.distances_px[-1]), 1.0)
        step = float(line.disparities[1] - line.disparities[0]) if len(line.disparities) > 1 else 1.0
        low, high = float(line.disparities[0]) - step / 2, float(line.disparities[-1]) + step / 2
        # The root brings out what has little weight, too.
        self._image.setImage(np.sqrt(line.weights), autoLevels=False, levels=(0.0, 1.0))
        self._image.setRect(QRectF(0, low, length, high - low))
        for plot, drawn, wanted in zip(self._plots, self._curves, self._curves_of(line), strict=True):
            while len(drawn) < len(wanted):
                drawn.append(plot.getPlotItem().plot(connect="finite"))
            for curve in drawn[len(wanted) :]:
                curve.setData([], [])
            for curve, (values, colour, style) in zip(drawn, wanted, strict=False):
                curve.setData(line.distances_px, values, pen=pg.mkPen(colour, width=1, style=style))
            plot.setXRange(0, length, padding=0)
        self._plots[0].setYRange(low, high, padding=0)
        chroma = np.concatenate([values.ravel() for values in line.chroma.values()])
        self._plots[1].setYRange(float(chroma.min()) - 3, float(chroma.max()) + 3, padding=0)
        self._plots[2].setYRange(0, 255, padding=0)
        for cursor in self._cursors:
            cursor.hide()

    def mark(self, sample: int | None) -> None:
        """Put a mark at a sample; None takes it away."""
        for cursor in self._cursors:
            cursor.setVisible(sample is not None and self._line is not None)
            if sample is not None and self._line is not None:
                cursor.setPos(float(self._line.distances_px[sample]))

    def eventFilter(self, watched: QWidget, event: QMouseEvent) -> bool:  # type: ignore[override]  # noqa: N802
        """Tell which sample was clicked."""
        if event.type() == event.Type.MouseButtonPress and self._line is not None:
            plot = next((plot for plot in self._plots if plot.viewport() is watched), None)
            if plot is not None:
                scene = plot.mapToScene(event.position().toPoint())
                x = plot.getPlotItem().vb.mapSceneToView(QPointF(scene)).x()
                sample = int(np.abs(self._line.distances_px - x).argmin())
                self.mark(sample)
                self.picked.emit(sample)
        return super().eventFilter(watched, event)

    @staticmethod
    def _curves_of(line: LineWhy) -> tuple[list[tuple[np.ndarray, str, Qt.PenStyle]], ...]:
        solid = Qt.PenStyle.SolidLine
        disparity = [(line.peak_px, ACCENT, solid)]
        if line.true_px is not None:
            disparity.append((line.true_px, GREEN, solid))
        chroma = [
            (values[:, plane], colour, _DASHES[name])
            for name, values in line.chroma.items()
            for plane, colour in enumerate((SKY, VERMILION))
        ]
        luma = [(line.averaged_luma, ACCENT, solid), (line.luma, TEXT, solid)]
        return disparity, chroma, luma
