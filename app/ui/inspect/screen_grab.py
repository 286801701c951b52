"""What the canvas shows, taken at the resolution of its images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPainter, QPicture

from app.inspecting.export_draw import BarScale
from app.inspecting.export_screen import ScreenPane
from app.ui.image_view import ImageView
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.compare_view import CompareView
from app.ui.inspect.pane import Pane
from app.ui.inspect.sides import title_of
from app.ui.marking import Overlay
from app.ui.picture import Picture, Scale
from app.ui.viewport import Placement

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in image pixels; right and bottom not included."""


@dataclass(frozen=True, eq=False)
class Grabbed:
    """What a pane showed at one moment, to be turned into pixels in any thread.

    Attributes:
        title: what it shows.
        picture: what is painted.
        other, divider_px: what is painted from this column of the image on, if two share the pane.
        box: what is visible.
        notes: what lies over it, recorded with the image's corner at 0, 0; None without annotations.
        overlay: whose memory `notes` paints from.
    """

    title: str
    picture: Picture
    other: Picture | None
    divider_px: int
    box: Box
    notes: QPicture | None
    overlay: Overlay | None


def grab_panes(canvas: Canvas, *, annotated: bool) -> list[Grabbed]:
    """Return every pane that shows a picture. For the GUI thread; copies no pixels.

    Args:
        annotated: with overlays, shapes and marks.
    """
    return [taken for pane in canvas.panes if (taken := _grab(canvas, pane, annotated=annotated)) is not None]


def pane_of(grabbed: Grabbed) -> ScreenPane:
    """Return the visible part of a pane in the resolution of its image. For a worker thread."""
    pixels = _cut(grabbed.picture, grabbed.box)
    scale = grabbed.picture.scale
    if grabbed.other is not None:
        at = min(max(grabbed.divider_px - grabbed.box[0], 0), pixels.shape[1])
        pixels[:, at:] = _cut(grabbed.other, grabbed.box)[:, at:]
        scale = None
    if grabbed.notes is not None:
        pixels = _painted(grabbed.notes, pixels, grabbed.box)
    return ScreenPane(grabbed.title, pixels, _bar(scale))


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


def _grab(canvas: Canvas, pane: Pane, *, annotated: bool) -> Grabbed | None:
    view = pane.view
    box, picture = visible_box(view), _picture_of(view)
    if box is None or picture is None:
        return None
    title, other, divider_px = pane.title, None, 0
    if isinstance(view, CompareView):
        titles = [title_of(side) for side in canvas.sides]
        title = titles["ab".index(view.shown_side)] if view.way == "blink" else " | ".join(titles)
        other, divider_px = _beyond_divider(view, picture)
    notes = _record(view) if annotated else None
    return Grabbed(title, picture, other, divider_px, box, notes, view.overlay)


def _beyond_divider(view: CompareView, picture: Picture) -> tuple[Picture | None, int]:
    """Return what is right of the divider, and where that is in the image."""
    placement, (_, second) = view.placement(), view.sides
    if view.way == "blink" or second is None or placement is None or second is picture:
        return None, 0
    if second.size != picture.size:
        return None, 0
    x, _ = placement.to_image(view.divider * view.width(), 0)
    return second, round(x)


def _record(view: ImageView) -> QPicture:
    notes = QPicture()
    painter = QPainter(notes)
    view.paint_annotations(painter, Placement(1.0, 0.0, 0.0))
    painter.end()
    return notes


def _picture_of(view: ImageView) -> Picture | None:
    if isinstance(view, CompareView):
        first, second = view.sides
        if view.way == "blink" and view.shown_side == "b":
            return second or first
        return first or second
    return view.picture


def _cut(picture: Picture, box: Box) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    return np.ascontiguousarray(picture.buffers[0][top:bottom, left:right, 2::-1])


def _painted(notes: QPicture, pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Paint what lies over a picture into a copy of its visible pixels."""
    height, width = pixels.shape[:2]
    buffer = np.full((height, width, 4), 255, np.uint8)
    buffer[..., :3] = pixels[..., ::-1]
    image = QImage(buffer.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.drawPicture(QPoint(-box[0], -box[1]), notes)
    painter.end()
    return np.ascontiguousarray(buffer[..., 2::-1])


def _bar(scale: Scale | None) -> BarScale | None:
    return None if scale is None else BarScale(scale.low, scale.high, scale.unit, scale.colour_map)
