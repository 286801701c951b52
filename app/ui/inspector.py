"""Which pixels belong together: from the pixel under the mouse to its place in every pane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.ui.layers import Alignment
from models.engine import SearchRange

Pixel = tuple[int, int]


class Matched(Protocol):
    """What knows where in the reference mono pixels belong: a `Colorization`, or a kept result."""

    @property
    def disparity(self) -> NDArray[np.float32]:
        """Return H×W px, offset included; NaN where nothing is known."""

    @property
    def search(self) -> SearchRange:
        """Return the range that was searched."""


@dataclass(frozen=True)
class Place:
    """One point of the scene in both images, as (x, y) pixels; None where it is not known.

    `reference_x` keeps the fraction of the match; `row` is the common row (the epipolar line) of both.
    """

    row: int
    mono: Pixel | None
    reference_x: float | None

    def pixel(self, aligned: Alignment) -> Pixel | None:
        """Return the pixel in an image of this alignment."""
        if aligned == "mono":
            return self.mono
        return None if self.reference_x is None else (round(self.reference_x), self.row)


@dataclass(frozen=True)
class Marks:
    """What is drawn over a picture; all positions in image pixels.

    Attributes:
        cross: the crosshair's pixel.
        row: the epipolar line.
        span: first and last column of the row that were searched.
        pin: the pinned pixel, or its match.
    """

    cross: Pixel | None = None
    row: int | None = None
    span: tuple[float, float] | None = None
    pin: Pixel | None = None


def locate(colorization: Matched | None, aligned: Alignment, x: int, y: int) -> Place:
    """Return where a pixel of an image lies in the other one.

    From mono to reference that is the peak of W. The way back takes, in the same row, the mono pixel whose
    match comes closest; None if no match comes within one pixel (nothing takes its colour from there).
    """
    if colorization is None:
        return Place(y, (x, y) if aligned == "mono" else None, float(x) if aligned == "reference" else None)
    height, width = colorization.disparity.shape
    if not (0 <= x < width and 0 <= y < height):
        return Place(y, None, None)
    shifts = colorization.disparity[y]
    matches = np.arange(width) + (-shifts if colorization.search.mirrored else shifts)
    if aligned == "mono":
        match = float(matches[x])
        return Place(y, (x, y), match if np.isfinite(match) else None)
    distances = np.nan_to_num(np.abs(matches - x), nan=np.inf)
    nearest = int(np.argmin(distances))
    return Place(y, (nearest, y) if distances[nearest] <= 1.0 else None, float(x))


def searched_span(colorization: Matched, mono_x: int) -> tuple[float, float]:
    """Return the first and last column of the reference that were searched, clipped to the image."""
    search = colorization.search
    sign = -1 if search.mirrored else 1
    ends = (mono_x + sign * search.offset, mono_x + sign * (search.offset + search.max_disparity - 1))
    last = colorization.disparity.shape[1] - 1
    low, high = (float(min(max(end, 0), last)) for end in sorted(ends))
    return low, high


def marks_for(
    aligned: Alignment, place: Place | None, pin: Place | None, colorization: Matched | None
) -> Marks:
    """Return what to draw over a picture for the pixel under the mouse and the pinned one."""
    pinned = None if pin is None else pin.pixel(aligned)
    followed = place or pin
    row, span = None, None
    if (
        aligned == "reference"
        and followed is not None
        and followed.mono is not None
        and colorization is not None
    ):
        row = followed.row
        span = searched_span(colorization, followed.mono[0])
    if place is None:
        return Marks(row=row, span=span, pin=pinned)
    cross = place.pixel(aligned)
    if cross is None:
        row = place.row
    return Marks(cross, row, span, pinned)


def entropy_bits(curve: np.ndarray) -> float:
    """Return the entropy of a weight curve in bits: 0 for one certain candidate, log2(d) for no idea."""
    positive = curve[curve > 0].astype(np.float64)
    return float(-(positive * np.log2(positive)).sum()) + 0.0
