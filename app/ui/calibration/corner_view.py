"""A picture of a camera with what was found in it: corners of the board, or how far each is off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.image_view import ImageView
from app.ui.theme import ACCENT, GREEN, SKY, TEXT
from app.ui.viewport import Placement, Viewport

RESIDUAL_SCALES = (200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0)
"""Residuals are drawn so many times as long as they are, in image pixels."""
LONGEST_ARROW = 0.08  # of the image's width
_SHADE = QColor(0, 0, 0, 170)


@dataclass(frozen=True, eq=False)
class Corners:
    """What is drawn over a picture.

    Attributes:
        points_px: N×2 (x, y), pixel centres have whole coordinates.
        residuals_px: N×2, found minus projected, drawn as arrows; None draws the points alone.
        residual_scale: how many times as long as they are.
        outline_px: N×2, a closed line around something.
        row_px: rows of a rectified image at which lines are drawn across, for the eye to compare.
    """

    points_px: NDArray[np.floating] | None = None
    residuals_px: NDArray[np.floating] | None = None
    residual_scale: float = RESIDUAL_SCALES[1]
    outline_px: NDArray[np.floating] | None = None
    row_px: tuple[float, ...] = ()


def residual_scale(residuals_px: Iterable[NDArray[np.floating] | None], width_px: int) -> float:
    """Return the largest scale at which the longest of some residuals (N×2 each) still is a short arrow."""
    lengths = [np.linalg.norm(each, axis=1).max() for each in residuals_px if each is not None and len(each)]
    longest = max(lengths, default=0.0)
    fitting = (scale for scale in RESIDUAL_SCALES if scale * longest <= LONGEST_ARROW * width_px)
    return next(fitting, RESIDUAL_SCALES[-1])


class CornerView(ImageView):
    """An `ImageView` with a title in its corner and marks of its own.

    Args:
        title: which picture this is.
    """

    def __init__(self, title: str, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(viewport, parent)
        self.title = title
        self._corners = Corners()
        self._good = True

    @property
    def corners(self) -> Corners:
        """What is drawn."""
        return self._corners

    def set_corners(self, corners: Corners, *, good: bool = True) -> None:
        """Draw other marks; not `good` ones in the accent colour."""
        self._corners = corners
        self._good = good
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the picture, then the marks and the title."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        placement = self.placement()
        if placement is not None and self.picture is not None:
            self._paint_rows(painter, placement, self.picture.size[0])
            self._paint_points(painter, placement)
            self._paint_outline(painter, placement)
        self._paint_title(painter)

    def _paint_title(self, painter: QPainter) -> None:
        font = self.font()
        font.setPixelSize(12)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(self.title)
        plate = QRectF(6, 6, width + 12, 19)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 190))
        painter.drawRoundedRect(plate, 3, 3)
        painter.setPen(QColor(TEXT))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), self.title)

    def _paint_rows(self, painter: QPainter, placement: Placement, width: int) -> None:
        left, right = placement.to_widget(0, 0)[0], placement.to_widget(width, 0)[0]
        for row in self._corners.row_px:
            y = placement.to_widget(0, row + 0.5)[1]
            painter.setPen(QPen(QColor(230, 159, 0, 150), 1))
            painter.drawLine(QLineF(left, y, right, y))

    def _paint_outline(self, painter: QPainter, placement: Placement) -> None:
        outline = self._corners.outline_px
        if outline is None:
            return
        at = [QPointF(*placement.to_widget(float(x) + 0.5, float(y) + 0.5)) for x, y in outline]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, thickness in ((_SHADE, 3.5), (QColor(ACCENT), 1.6)):
            painter.setPen(QPen(colour, thickness))
            painter.drawPolygon(at)

    def _paint_points(self, painter: QPainter, placement: Placement) -> None:
        points, residuals = self._corners.points_px, self._corners.residuals_px
        if points is None or len(points) == 0:
            return
        at = [QPointF(*placement.to_widget(float(x) + 0.5, float(y) + 0.5)) for x, y in points]
        if residuals is not None:
            self._paint_residuals(painter, at, residuals, placement.scale)
            return
        painter.setPen(QPen(_SHADE, 3))
        painter.drawPolyline(at)
        painter.setPen(QPen(QColor(SKY), 1))
        painter.drawPolyline(at)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(GREEN if self._good else ACCENT))
        for point in at:
            painter.drawEllipse(point, 2.8, 2.8)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(ACCENT), 1.6))
        painter.drawEllipse(at[0], 6.5, 6.5)  # where the board begins: both views must agree

    def _paint_residuals(
        self, painter: QPainter, at: list[QPointF], residuals: NDArray[np.floating], scale: float
    ) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(SKY))
        for point in at:
            painter.drawEllipse(point, 2.0, 2.0)
        length = self._corners.residual_scale * scale
        arrows = [
            QLineF(point, point + QPointF(float(dx) * length, float(dy) * length))
            for point, (dx, dy) in zip(at, residuals, strict=True)
        ]
        for colour, thickness in ((_SHADE, 3.5), (QColor(ACCENT), 1.6)):
            painter.setPen(QPen(colour, thickness))
            painter.drawLines(arrows)
