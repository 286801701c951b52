"""The ChArUco board: a chessboard whose white squares carry markers, so that a part of it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from capture.errors import CalibrationError
from capture.targets.base import (
    Detection,
    Gray,
    NotSeen,
    Points,
    edge_width_px,
    refine,
    size_of,
    spacing_px,
    why_nothing,
)
from capture.targets.chessboard import LARGEST_WINDOW_PX, SMALLEST_WINDOW_PX, WINDOW_IN_SPACINGS
from capture.targets.drawing import Rectangle, Shape

# Fewer corners say little of the pose of the board.
FEWEST_CORNERS = 8
# A view whose corners lie on a line has no pose: the thinner side of what is seen, in squares.
THINNEST_PART = 0.5

DICTIONARIES = {
    name: getattr(cv2.aruco, name)
    for name in (
        *(f"DICT_{side}X{side}_{count}" for side in (4, 5, 6, 7) for count in (50, 100, 250, 1000)),
        "DICT_ARUCO_ORIGINAL",
        "DICT_APRILTAG_16h5",
        "DICT_APRILTAG_25h9",
        "DICT_APRILTAG_36h10",
        "DICT_APRILTAG_36h11",
        "DICT_ARUCO_MIP_36h12",
    )
}


@dataclass(frozen=True)
class Charuco:
    """A ChArUco board of `columns` × `rows` squares.

    Attributes:
        square_mm, marker_mm: sides of the squares and of the markers in the white ones.
        dictionary: name of OpenCV's predefined dictionary.
        legacy: the pattern of OpenCV before 4.6, where boards of an even number of rows start with white.
    """

    kind: ClassVar[str] = "charuco"

    columns: int
    rows: int
    square_mm: float
    marker_mm: float
    dictionary: str = "DICT_5X5_100"
    legacy: bool = False

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or max(self.columns, self.rows) > 60:
            raise CalibrationError(
                f"a ChArUco board of {self.columns}x{self.rows} squares cannot be used (3 … 60 each)"
            )
        if not 0 < self.square_mm < float("inf"):
            raise CalibrationError(f"the squares of the board cannot measure {self.square_mm} mm")
        if not 0.3 * self.square_mm <= self.marker_mm <= 0.9 * self.square_mm:
            raise CalibrationError(
                f"markers of {self.marker_mm:g} mm do not fit squares of {self.square_mm:g} mm: "
                "30 … 90 % of the square, so that their corners and the squares' can be told apart"
            )
        if self.dictionary not in DICTIONARIES:
            raise CalibrationError(
                f"{self.dictionary!r} is no dictionary of markers; known are {', '.join(DICTIONARIES)}"
            )
        have = len(self._dictionary().bytesList)
        if self._markers() > have:
            raise CalibrationError(
                f"a board of {self.columns}x{self.rows} squares needs {self._markers()} markers, "
                f"{self.dictionary} has {have}"
            )

    @property
    def points_mm(self) -> Points:
        """Return the inner corners of the squares, N×3, row by row, z = 0, from the printed area's corner."""
        return np.asarray(self._board().getChessboardCorners(), np.float32).reshape(-1, 3)

    @property
    def neighbours_mm(self) -> float:
        """Return the side of a square."""
        return self.square_mm

    def __str__(self) -> str:
        return (
            f"ChArUco, {self.columns}x{self.rows} squares of {self.square_mm:g} mm, markers of "
            f"{self.marker_mm:g} mm, {self.dictionary}{', legacy' if self.legacy else ''}"
        )

    def detect(self, gray: Gray, *, quick: bool = False) -> Detection | NotSeen:
        """Find what is seen of the board in an H×W uint8 image; see `Target.detect`."""
        del quick  # looking for markers takes the same time whether there are any or not
        corners, ids, _, marker_ids = cv2.aruco.CharucoDetector(self._board()).detectBoard(gray)
        if marker_ids is None or len(marker_ids) == 0:
            return why_nothing(
                gray, f"No marker of {self.dictionary} is seen: is it the board of these settings?"
            )
        count = 0 if ids is None else len(ids)
        if count < FEWEST_CORNERS:
            return NotSeen(
                f"{len(marker_ids)} markers, but only {count} corners between them are seen: "
                f"{FEWEST_CORNERS} are needed. Show more of the board; if all of it is shown, check the "
                "number of squares."
            )
        order = np.argsort(np.asarray(ids).ravel())
        known = np.asarray(ids, np.int32).ravel()[order]
        points = np.asarray(corners, np.float32).reshape(-1, 2)[order]
        if np.ptp(self.points_mm[known, :2], axis=0).min() < THINNEST_PART * self.square_mm:
            return NotSeen("Only one row of the board is seen: show more of it.")
        spacing = spacing_px(points, known, self)
        points = refine(gray, points, self._window(spacing))
        return Detection(points, known, size_of(gray), spacing, edge_width_px(gray, points, spacing))

    def paired(self, mono: Detection, color: Detection) -> tuple[Detection, Detection]:
        """Return both as they are: every corner has a number of its own."""
        return mono, color

    def shapes(self) -> tuple[Shape, ...]:
        """Return the black squares and the black cells of the markers."""
        side = self.square_mm
        white_first = self.legacy and self.rows % 2 == 0
        squares = tuple(
            Rectangle(column * side, row * side, side, side)
            for row in range(self.rows)
            for column in range(self.columns)
            if (row + column) % 2 == int(white_first)
        )
        return squares + self._marker_cells()

    @property
    def extent_mm(self) -> tuple[float, float]:
        """Return (width, height) of all squares."""
        return self.columns * self.square_mm, self.rows * self.square_mm

    @property
    def origin_mm(self) -> tuple[float, float]:
        """Return where points are counted from: the corner of the printed area."""
        return 0.0, 0.0

    def _marker_cells(self) -> tuple[Rectangle, ...]:
        board, dictionary = self._board(), self._dictionary()
        cells = int(dictionary.markerSize) + 2  # a black border of one cell all around
        cell = self.marker_mm / cells
        shapes = []
        for number, corners in zip(np.asarray(board.getIds()).ravel(), board.getObjPoints(), strict=True):
            left, top = (float(value) for value in np.asarray(corners)[:, :2].min(axis=0))
            bits = cv2.aruco.generateImageMarker(dictionary, int(number), cells)
            for row, values in enumerate(np.asarray(bits)):
                for first, last in _runs(values == 0):
                    shapes.append(
                        Rectangle(left + first * cell, top + row * cell, (last - first) * cell, cell)
                    )
        return tuple(shapes)

    def _window(self, spacing: float) -> int:
        """Return half the side of the window for a corner: it must not reach the marker's corner."""
        margin = min(WINDOW_IN_SPACINGS, 0.9 * (1 - self.marker_mm / self.square_mm) / 2)
        return int(np.clip(int(margin * spacing), SMALLEST_WINDOW_PX, LARGEST_WINDOW_PX))

    def _markers(self) -> int:
        return self.columns * self.rows // 2

    def _dictionary(self) -> cv2.aruco.Dictionary:
        return cv2.aruco.getPredefinedDictionary(DICTIONARIES[self.dictionary])

    def _board(self) -> cv2.aruco.CharucoBoard:
        board = cv2.aruco.CharucoBoard(
            (self.columns, self.rows), self.square_mm, self.marker_mm, self._dictionary()
        )
        board.setLegacyPattern(self.legacy)
        return board


def _runs(black: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Return (first, behind the last) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], black.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
