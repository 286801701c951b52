"""What a set of board views shows: parts of the image, and the ways in which the board was held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.frames import Role
from capture.targets.base import Detection, Target

# Coverage is counted in cells of the image, (across, down).
COVERAGE_CELLS = (8, 6)
# Ranges in which each way of holding the board should have been seen for a full bar.
FULL_RANGE = {"x": 0.7, "y": 0.7, "size": 0.35, "skew": 0.4, "tilt": 0.9}
# A tilt of this many degrees counts 1: then depth changes enough across the board to tell the focal length.
FULL_TILT_DEG = 45.0


@dataclass(frozen=True, eq=False)
class BoardView:
    """The board as the cameras saw it at one moment; None where one did not see it.

    Equal ids are the same point in both (see `Target.paired`).
    """

    name: str
    mono: Detection | None
    color: Detection | None

    def of(self, role: Role) -> Detection | None:
        """Return what a camera saw."""
        return self.mono if role == "mono" else self.color


@dataclass(frozen=True)
class Holding:
    """How the board was held, as one camera saw it.

    Attributes:
        x, y: 0 … 1, where its middle was between the outermost places it fits in at this size.
        size: square root of its part of the image, 0 … 1.
        skew: 0 … 1, how far its corner is from a right angle.
        tilt: −1 … 1 about each image axis (two numbers), 1 is 45 degrees.
    """

    x: float
    y: float
    size: float
    skew: float
    tilt_x: float
    tilt_y: float

    def distance(self, other: Holding) -> float:
        """Return the sum of the differences."""
        return float(np.abs(np.subtract(astuple(self), astuple(other))).sum())


@dataclass(frozen=True)
class Bars:
    """How much of the useful range was shown: 0 … 1 for place (x, y), size, skew and tilt."""

    x: float
    y: float
    size: float
    skew: float
    tilt: float


def holding(seen: Detection, target: Target) -> Holding:
    """Return how the board is held, from the outline of the points seen.

    The focal length need not be known: tilt is taken from the homography with that of a usual lens.
    """
    width, height = seen.size_px
    on_target = target.points_mm[seen.ids, :2].astype(np.float64)
    homography = np.asarray(cv2.findHomography(on_target, seen.points_px.astype(np.float64))[0], np.float64)
    low, high = on_target.min(axis=0), on_target.max(axis=0)
    outline = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    corners = cv2.perspectiveTransform(outline[:, None], homography)[:, 0]
    area = float(abs(cv2.contourArea(corners.astype(np.float32))))
    side = area**0.5
    x, y = corners.mean(axis=0)
    return Holding(
        x=_within((x - side / 2) / max(width - side, 1.0)),
        y=_within((y - side / 2) / max(height - side, 1.0)),
        size=(area / (width * height)) ** 0.5,
        skew=_within(2 * abs(np.pi / 2 - _angle(corners[0], corners[1], corners[2]))),
        **_tilt(homography, seen.size_px),
    )


def bars(holdings: Sequence[Holding]) -> Bars:
    """Return how much of the useful ranges these views show."""

    def shown(values: Sequence[float], name: str) -> float:
        return _within((max(values) - min(values)) / FULL_RANGE[name]) if values else 0.0

    # Small is the smallest size seen, and skew counts from none at all: one extreme of each is enough.
    return Bars(
        x=shown([h.x for h in holdings], "x"),
        y=shown([h.y for h in holdings], "y"),
        size=shown([h.size for h in holdings], "size"),
        skew=shown([0.0, *(h.skew for h in holdings)] if holdings else [], "skew"),
        tilt=min(
            shown([h.tilt_x for h in holdings], "tilt"),
            shown([h.tilt_y for h in holdings], "tilt"),
        ),
    )


def corner_counts(views: Sequence[BoardView], role: Role) -> NDArray[np.int64]:
    """Return how many corners a camera saw in each cell of its image, rows × columns (6×8)."""
    across, down = COVERAGE_CELLS
    counts = np.zeros((down, across), np.int64)
    for view in views:
        if (seen := view.of(role)) is not None:
            columns, rows = cells_of(seen)
            np.add.at(counts, (rows, columns), 1)
    return counts


def cells_of(seen: Detection) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (columns, rows) of the cells in which the points lie."""
    cells = np.floor((seen.points_px + 0.5) / seen.size_px * COVERAGE_CELLS).astype(np.int64)
    cells = np.clip(cells, 0, np.array(COVERAGE_CELLS) - 1)
    return cells[:, 0], cells[:, 1]


def coverage(views: Sequence[BoardView], role: Role) -> float:
    """Return the part of the image's cells in which a corner was seen, 0 … 1."""
    return float((corner_counts(views, role) > 0).mean())


def _tilt(homography: NDArray[np.float64], size_px: tuple[int, int]) -> dict[str, float]:
    focal = 1.2 * max(size_px)
    matrix = np.array([[focal, 0, size_px[0] / 2], [0, focal, size_px[1] / 2], [0, 0, 1]])
    columns = np.linalg.solve(matrix, homography)
    right, down = (columns[:, k] / np.linalg.norm(columns[:, k]) for k in (0, 1))
    normal = np.cross(right, down)
    normal = normal / np.linalg.norm(normal) * np.sign(normal[2] or 1.0)
    degrees = np.rad2deg(np.arcsin(np.clip(normal[:2], -1, 1))) / FULL_TILT_DEG
    return {"tilt_x": float(np.clip(degrees[0], -1, 1)), "tilt_y": float(np.clip(degrees[1], -1, 1))}


def _angle(one: NDArray[np.floating], middle: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    first, second = one - middle, other - middle
    cosine = float(first @ second) / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-9)
    return float(np.arccos(np.clip(cosine, -1, 1)))


def _within(value: float) -> float:
    return float(np.clip(value, 0.0, 1.0))
