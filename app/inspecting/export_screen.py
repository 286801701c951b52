"""What is on screen as one picture, every pane at the resolution of its image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.inspecting.export_draw import (
    BAR_TEXT_PX,
    BAR_WIDTH_PX,
    BarScale,
    Colour,
    Rgb8,
    colour_bar,
    draw_box,
    draw_cross,
    draw_text,
    rgb_of,
)

GAP_PX = 8
_DARK: Colour = (27, 27, 27)
_LIGHT: Colour = (216, 216, 216)


@dataclass(frozen=True)
class Mark:
    """Something drawn over a pane: a cross at x, y, or with a width and height a box; in image pixels."""

    x: int
    y: int
    colour: Colour
    width: int = 0
    height: int = 0


@dataclass(frozen=True, eq=False)
class ScreenPane:
    """One pane.

    Attributes:
        title: what it shows.
        picture: H×W or H×W×3 uint8, as it is painted, colour map and all.
        scale: what the colours of a map mean, None for gray and colour pictures.
        marks: what lies over it.
    """

    title: str
    picture: NDArray[np.uint8]
    scale: BarScale | None = None
    marks: Sequence[Mark] = ()


def compose(panes: Sequence[ScreenPane], columns: int, *, annotated: bool) -> Rgb8:
    """Return the panes in rows of `columns`, each at its own resolution.

    Args:
        annotated: with titles, colour bars and marks; without, nothing but the pixels and gaps between panes.

    Raises ValueError without a pane.
    """
    if not panes or columns < 1:
        raise ValueError("there is no pane to export")
    tiles = [_tile(pane, annotated=annotated) for pane in panes]
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    widths = [
        max(row[column].shape[1] for row in rows if column < len(row)) for column in range(len(rows[0]))
    ]
    heights = [max(tile.shape[0] for tile in row) for row in rows]
    gap = GAP_PX if len(panes) > 1 else 0
    canvas = np.full(
        (sum(heights) + gap * (len(rows) - 1), sum(widths) + gap * (len(widths) - 1), 3), _DARK, np.uint8
    )
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for tile, width in zip(row, widths, strict=False):
            canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
            left += width + gap
        top += height + gap
    return canvas


def columns_for(count: int) -> int:
    """Return how many panes go into a row where the screen does not say: a grid wider than high."""
    return count if count <= 3 else math.ceil(count / 2)


def _tile(pane: ScreenPane, *, annotated: bool) -> Rgb8:
    picture = rgb_of(pane.picture)
    if not annotated:
        return picture
    height, width = picture.shape[:2]
    letters = int(np.clip(width // 40, 12, 22))
    for mark in pane.marks:
        if mark.width and mark.height:
            draw_box(picture, (mark.x, mark.y, mark.width, mark.height), mark.colour)
        else:
            draw_cross(picture, (mark.x, mark.y), mark.colour)
    head = np.full((letters + 10, width, 3), _DARK, np.uint8)
    draw_text(head, (6, head.shape[0] / 2), pane.title, letters, _LIGHT, most_px=width - 12)
    tile = np.vstack([head, picture])
    if pane.scale is None:
        return tile
    side = np.full((len(tile), GAP_PX + BAR_WIDTH_PX + BAR_TEXT_PX, 3), _DARK, np.uint8)
    side[len(head) :, GAP_PX:] = colour_bar(pane.scale, height, _LIGHT, _DARK)
    return np.hstack([tile, side])
