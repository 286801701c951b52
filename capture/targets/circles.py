"""The asymmetric grid of circles: every second row is shifted by half a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError
from capture.targets.base import (
    Detection,
    Gray,
    NotSeen,
    Points,
    edge_width_px,
    size_of,
    spacing_px,
    why_nothing,
)
from capture.targets.drawing import Disc, Shape

# A disc is weighed within this many of its radii: the paper around it counts nothing.
REACH_IN_RADII = 1.45
WEIGHINGS = 3


@dataclass(frozen=True)
class CircleGrid:
    """Black discs of `diameter_mm` in `rows` rows of `columns`, every second row shifted.

    Attributes:
        columns: discs per row, at least 3.
        rows: odd, at least 3: with an even number the grid looks the same upside down.
        spacing_mm: distance of the rows; discs within a row are two spacings apart (as OpenCV counts).
    """

    kind: ClassVar[str] = "circles"

    columns: int
    rows: int
    spacing_mm: float
    diameter_mm: float

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or max(self.columns, self.rows) > 60:
            raise CalibrationError(
                f"a grid of {self.columns}x{self.rows} circles cannot be used (3 … 60 each)"
            )
        if self.rows % 2 == 0:
            raise CalibrationError(
                f"a grid of {self.rows} rows looks the same upside down: the number of rows must be odd"
            )
        if not 0 < self.spacing_mm < float("inf"):
            raise CalibrationError(f"the rows of the grid cannot be {self.spacing_mm} mm apart")
        if not 0.3 * self.spacing_mm <= self.diameter_mm <= 1.2 * self.spacing_mm:
            raise CalibrationError(
                f"discs of {self.diameter_mm:g} mm do not suit rows {self.spacing_mm:g} mm apart: "
                "0.3 … 1.2 of it"
            )

    @property
    def points_mm(self) -> Points:
        """Return the middles of the discs, N×3, row by row, z = 0."""
        row, column = np.divmod(np.arange(self.columns * self.rows), self.columns)
        points = np.zeros((row.size, 3), np.float32)
        points[:, 0], points[:, 1] = (2 * column + row % 2), row
        return points * np.float32(self.spacing_mm)

    @property
    def neighbours_mm(self) -> float:
        """Return the distance of a disc to the nearest in the next row."""
        return self.spacing_mm * 2**0.5

    def __str__(self) -> str:
        return (
            f"asymmetric circles, {self.columns}x{self.rows}, rows {self.spacing_mm:g} mm apart, "
            f"diameter {self.diameter_mm:g} mm"
        )

    def detect(self, gray: Gray, *, quick: bool = False) -> Detection | NotSeen:
        """Find the middles of all discs in an H×W uint8 image, row by row; see `Target.detect`."""
        size = (self.columns, self.rows)
        attempts = [cv2.CALIB_CB_ASYMMETRIC_GRID, cv2.CALIB_CB_ASYMMETRIC_GRID | cv2.CALIB_CB_CLUSTERING]
        for flags in attempts[: 1 if quick else 2]:
            found, centers = cv2.findCirclesGrid(
                gray, size, flags=flags, blobDetector=_blob_detector(gray.shape)
            )
            if found:
                break
        else:
            return why_nothing(
                gray, f"No grid of {self.columns}x{self.rows} circles is seen whole: show all of it."
            )
        points = self._weighed(gray, np.asarray(centers, np.float64).reshape(-1, 2)).astype(np.float32)
        ids = np.arange(len(points), dtype=np.int32)
        spacing = spacing_px(points, ids, self)
        around = self.diameter_mm / self.neighbours_mm * spacing * 1.25  # reaches beyond the disc's rim
        return Detection(points, ids, size_of(gray), spacing, edge_width_px(gray, points, around))

    def paired(self, mono: Detection, color: Detection) -> tuple[Detection, Detection]:
        """Return both as they are: the grid has one reading only."""
        return mono, color

    def shapes(self) -> tuple[Shape, ...]:
        """Return the discs."""
        radius = self.diameter_mm / 2
        return tuple(Disc(float(x) + radius, float(y) + radius, radius) for x, y, _ in self.points_mm)

    @property
    def extent_mm(self) -> tuple[float, float]:
        """Return (width, height) from rim to rim."""
        width = (2 * (self.columns - 1) + 1) * self.spacing_mm
        return width + self.diameter_mm, (self.rows - 1) * self.spacing_mm + self.diameter_mm

    @property
    def origin_mm(self) -> tuple[float, float]:
        """Return where the middle of the first disc is in the printed area."""
        return self.diameter_mm / 2, self.diameter_mm / 2

    def _weighed(self, gray: Gray, centers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the projected middles: the discs' centres of gravity, less what perspective adds.

        The centre of the ellipse that a disc becomes is not where its middle is seen. The homography from
        target to image says by how much: 0.1 px and more for large, tilted discs.
        """
        on_target = self.points_mm[:, :2].astype(np.float64)
        for _ in range(WEIGHINGS):
            homography, _ = cv2.findHomography(on_target, centers)
            ellipses, radii = _ellipses(np.asarray(homography, np.float64), on_target, self.diameter_mm / 2)
            middles = cv2.perspectiveTransform(on_target[:, None], homography)[:, 0]
            weighed = np.array(
                [_gravity(gray, center, radius) for center, radius in zip(ellipses, radii, strict=True)]
            )
            centers = weighed - (ellipses - middles)
        return centers


def _blob_detector(shape: tuple[int, ...]) -> cv2.SimpleBlobDetector:
    settings = cv2.SimpleBlobDetector.Params()
    # The defaults end at 5000 px²: discs of a near board in a large image are larger.
    settings.maxArea = max(5000.0, shape[0] * shape[1] / 40)
    settings.minArea = 12.0
    settings.minDistBetweenBlobs = 4.0
    return cv2.SimpleBlobDetector.create(settings)


def _ellipses(
    homography: NDArray[np.float64], middles: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres (N×2) and longer half axes (N) of circles seen through a homography.

    The dual conic of a circle maps as C* → H C* Hᵀ; the centre of an ellipse is the pole of infinity.
    """
    centers, radii = [], []
    for x, y in middles:
        dual = np.array([[x * x - radius**2, x * y, x], [x * y, y * y - radius**2, y], [x, y, 1.0]])
        seen = homography @ dual @ homography.T
        seen = seen / seen[2, 2]
        center = seen[:2, 2]
        centers.append(center)
        radii.append(np.sqrt(np.linalg.eigvalsh(np.outer(center, center) - seen[:2, :2])[-1]))
    return np.array(centers), np.array(radii)


def _gravity(gray: Gray, center: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Return the centre of gravity of a dark disc on bright paper around `center`."""
    reach = REACH_IN_RADII * radius
    left, top = (max(0, int(np.floor(value - reach))) for value in center)
    patch = gray[top : int(center[1] + reach) + 2, left : int(center[0] + reach) + 2].astype(np.float64)
    y, x = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]].astype(np.float64)
    within = (x - center[0]) ** 2 + (y - center[1]) ** 2 <= reach**2
    if within.sum() < 9:
        return center
    ink, paper = np.percentile(patch[within], (5, 90))
    # Between ink and paper everything counts by its share; noise of either does not.
    darkness = np.clip((paper - patch) / max(paper - ink, 1.0), 0, 1) * within
    darkness[darkness < 0.1] = 0
    total = darkness.sum()
    return np.array([(x * darkness).sum(), (y * darkness).sum()]) / total if total > 0 else center
