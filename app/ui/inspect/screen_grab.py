"""What the canvas shows, taken at the resolution of its images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from app.inspecting.export_draw import BarScale
from app.inspecting.export_screen import ScreenPane
from app.ui.image_view import ImageView
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.compare_view import CompareView
from app.ui.inspect.pane import Pane
from app.ui.inspect.sides import title_of
from app.ui.picture import Picture, Scale
from app.ui.viewport import Placement

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in image pixels; right and bottom not included."""


def grab_panes(canvas: Canvas, *, annotated: bool) -> list[ScreenPane]:
    """Return every pane that shows a picture, cut to what is visible. For the GUI thread; takes ms.

    Args:
        annotated: with overlays, shapes and marks painted into the pixels.
    """
    return [taken for pane in canvas.panes if (taken := _grab(canvas, pane, annotated=annotated)) is not None]


def visible_box(view: ImageView) -> Box | None:
    """Return the part of a view's picture that is on screen, whole pixels; None without a picture."""
    placement, picture = view.placement(), _picture_of(view)
    if placement is None or picture is None:
        return None
    x0, y0 = placement.to_image(0, 0)
    x1, y1 = placement.to_image(view.width(), view.height())
    width, height = picture.size
    box = (max(0, int(x0)), max(0, int(y0)), min(width, math.ceil(x1)), min(height, math.ceil(y1)))
    return box if box[2] > box[0] and box[3] > box[1] else None


def _grab(canvas: Canvas, pane: Pane, *, annotated: bool) -> ScreenPane | None:
    view = pane.view
    box, picture = visible_box(view), _picture_of(view)
    if box is None or picture is None:
        return None
    if isinstance(view, CompareView):
        pixels = _compared(view, picture, box)
        titles = [title_of(side) for side in canvas.sides]
        title = titles["ab".index(view.shown_side)] if view.way == "blink" else " | ".join(titles)
        scale = None
    else:
        pixels, title, scale = _cut(picture, box), pane.title, _bar(picture.scale)
    if annotated:
        pixels = _with_annotations(view, pixels, box)
    return ScreenPane(title, pixels, scale)


def _picture_of(view: ImageView) -> Picture | None:
    if isinstance(view, CompareView):
        first, second = view.sides
        if view.way == "blink" and view.shown_side == "b":
            return second or first
        return first or second
    return view.picture


def _compared(view: CompareView, picture: Picture, box: Box) -> NDArray[np.uint8]:
    """Return one picture left of the divider and the other right of it, or the one that blinks."""
    pixels = _cut(picture, box)
    first, second = view.sides
    placement = view.placement()
    if view.way == "blink" or first is None or second is None or placement is None:
        return pixels
    if first.size == second.size:
        x, _ = placement.to_image(view.divider * view.width(), 0)
        at = min(max(round(x) - box[0], 0), pixels.shape[1])
        pixels[:, at:] = _cut(second, box)[:, at:]
    return pixels


def _cut(picture: Picture, box: Box) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    return np.ascontiguousarray(picture.buffers[0][top:bottom, left:right, 2::-1])


def _with_annotations(view: ImageView, pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Paint what lies over a picture into a copy of its pixels."""
    height, width = pixels.shape[:2]
    buffer = np.full((height, width, 4), 255, np.uint8)
    buffer[..., :3] = pixels[..., ::-1]
    image = QImage(buffer.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    view.paint_annotations(painter, Placement(1.0, -float(box[0]), -float(box[1])))
    painter.end()
    return np.ascontiguousarray(buffer[..., 2::-1])


def _bar(scale: Scale | None) -> BarScale | None:
    return None if scale is None else BarScale(scale.low, scale.high, scale.unit, scale.colour_map)
