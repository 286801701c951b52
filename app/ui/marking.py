"""What can lie over a picture besides the crosshair: a map with its opacity, and shapes with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from app.ui.picture import Scale, colour_table
from app.ui.theme import SMALL_PX, TEXT
from app.ui.viewport import Placement

Tool = Literal["look", "line", "rectangle", "lasso"]

SMALLEST_DISC_PX, LARGEST_DISC_PX = 3.0, 18.0
"""Radius on screen of weights 0 and 1; the area grows with the weight."""
_SHADE = QColor(0, 0, 0, 150)
_PLATE = QColor(0, 0, 0, 175)


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture of the size of what it lies over, with its own opacity for every pixel.

    Attributes:
        image: ARGB32, premultiplied.
        buffer: the memory it looks at; kept alive with it.
    """

    image: QImage
    buffer: NDArray[np.uint8]


@dataclass(frozen=True)
class Outline:
    """A line or, closed, an area. Points are image positions (pixel i spans i … i + 1).

    Attributes:
        colour: "#rrggbb".
        fill: opacity of what is inside, 0 … 1.
        label: at its first point.
    """

    points: tuple[tuple[float, float], ...]
    colour: str
    closed: bool = False
    fill: float = 0.0
    thickness: float = 1.6
    label: str = ""


@dataclass(frozen=True)
class Disc:
    """A weight at an image position: the more weight, the larger and the more opaque.

    Attributes:
        weight: 0 … 1.
        colour: of its inside, "#rrggbb".
        label: above it; labels that would lie on each other are stacked.
    """

    x: float
    y: float
    weight: float
    colour: str
    label: str = ""


Shape = Outline | Disc


def make_overlay(values: NDArray[Any], scale: Scale, shown: NDArray[np.bool_], opacity: float) -> Overlay:
    """Return a map as an overlay. For any thread.

    Args:
        values: H×W.
        scale: how values become colours.
        shown: H×W; other pixels are transparent.
        opacity: of the shown ones, 0 … 1.
    """
    span = max(scale.high - scale.low, 1e-9)
    finite = np.nan_to_num(values, nan=scale.low, posinf=scale.high, neginf=scale.low)
    indices = np.clip((finite - scale.low) * (255.0 / span) + 0.5, 0, 255).astype(np.uint8)
    table = colour_table(scale.colour_map).copy()
    table[..., 3] = 255
    table = np.round(table * opacity).astype(np.uint8)
    buffer = np.asarray(cv2.LUT(cv2.merge([indices] * 4), table), np.uint8)
    buffer[~shown] = 0
    buffer = np.ascontiguousarray(buffer)
    height, width = values.shape
    image = QImage(buffer.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    return Overlay(image, buffer)


def paint_overlay(
    painter: QPainter, overlay: Overlay, placement: Placement, size: tuple[int, int], *, smooth: bool
) -> None:
    """Paint an overlay over a picture of `size` that lies as placed."""
    target = QRectF(
        QPointF(*placement.to_widget(0, 0)), QPointF(*placement.to_widget(float(size[0]), float(size[1])))
    )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(target, overlay.image)


def paint_shapes(painter: QPainter, shapes: Sequence[Shape], placement: Placement) -> None:
    """Paint shapes: outlines first, then discs, the heaviest last, then all labels."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = painter.font()
    font.setPixelSize(SMALL_PX - 1)
    painter.setFont(font)
    labels: list[tuple[QPointF, str]] = []
    for shape in shapes:
        if isinstance(shape, Outline):
            _paint_outline(painter, shape, placement)
            if shape.label:
                x, y = placement.to_widget(*min(shape.points, key=lambda point: point[1]))
                labels.append((QPointF(x, y - 6), shape.label))
    for disc in sorted((s for s in shapes if isinstance(s, Disc)), key=lambda s: s.weight):
        middle, radius = QPointF(*placement.to_widget(disc.x, disc.y)), disc_radius(disc.weight)
        fill = QColor(disc.colour)
        fill.setAlphaF(min(0.25 + 0.75 * disc.weight**0.5, 1.0))
        painter.setBrush(fill)
        painter.setPen(QPen(_SHADE, 3.0))
        painter.drawEllipse(middle, radius, radius)
        painter.setPen(QPen(QColor(255, 255, 255, round(90 + 165 * disc.weight**0.5)), 1.2))
        painter.drawEllipse(middle, radius, radius)
        if disc.label:
            labels.append((QPointF(middle.x(), middle.y() - radius - 4), disc.label))
    _paint_labels(painter, labels)
    painter.restore()


def disc_radius(weight: float) -> float:
    """Return the radius of a disc on screen, in logical px."""
    return float(SMALLEST_DISC_PX + (LARGEST_DISC_PX - SMALLEST_DISC_PX) * max(weight, 0.0) ** 0.5)


def _paint_outline(painter: QPainter, outline: Outline, placement: Placement) -> None:
    points = QPolygonF([QPointF(*placement.to_widget(x, y)) for x, y in outline.points])
    colour = QColor(outline.colour)
    if outline.closed and outline.fill > 0:
        inside = QColor(colour)
        inside.setAlphaF(outline.fill)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(inside)
        painter.drawPolygon(points)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    draw = painter.drawPolygon if outline.closed else painter.drawPolyline
    for pen_colour, width in ((_SHADE, outline.thickness + 2), (colour, outline.thickness)):
        painter.setPen(QPen(pen_colour, width))
        draw(points)


def _paint_labels(painter: QPainter, labels: list[tuple[QPointF, str]]) -> None:
    """Paint labels above their places; the heaviest, which comes last, stays nearest to its own."""
    metrics = painter.fontMetrics()
    taken: list[QRectF] = []
    for place, text in reversed(labels):
        width, height = metrics.horizontalAdvance(text) + 8, metrics.height() + 2
        box = QRectF(place.x() - width / 2, place.y() - height, width, height)
        while (other := next((t for t in taken if t.intersects(box)), None)) is not None:
            box.moveBottom(other.top() - 1)
        if box.top() < 0:
            continue  # no room: what is named is the heaviest
        taken.append(box)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_PLATE)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(TEXT))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
