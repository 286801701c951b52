"""What every calibration target offers, and what a search for one in an image returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.targets.drawing import Shape

Gray = NDArray[np.uint8]
Points = NDArray[np.float32]
Ids = NDArray[np.int32]

# Below these the image itself is why nothing was found (values of 255).
DARK, BRIGHT, FLAT = 45.0, 235.0, 25.0
BRIGHT_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Detection:
    """A target found in one image.

    Attributes:
        points_px: N×2 float32 (x, y), pixel centres have whole coordinates.
        ids: N int32, ascending; point k is `target.points_mm[ids[k]]`.
        size_px: (width, height) of the image.
        spacing_px: median distance between neighbouring points.
        edge_px: width of the black–white edges beside the points, 2 px for a perfectly sharp image.
    """

    points_px: Points
    ids: Ids
    size_px: tuple[int, int]
    spacing_px: float
    edge_px: float


@dataclass(frozen=True)
class NotSeen:
    """Why no target was found: one line for a person at the bench."""

    reason: str


class Target(Protocol):
    """A flat target with known points. Frozen dataclasses; checked when made (CalibrationError).

    Attributes:
        kind: name in files: "chessboard", "charuco", "circles".
    """

    kind: ClassVar[str]

    @property
    def points_mm(self) -> Points:
        """Return all points, N×3 float32 mm, z = 0, in the order of their ids."""
        ...

    @property
    def neighbours_mm(self) -> float:
        """Return the distance of the nearest two points."""
        ...

    def detect(self, gray: Gray, *, quick: bool = False) -> Detection | NotSeen:
        """Find the target in an H×W uint8 image.

        Args:
            quick: for live pictures: gives up early where nothing looks like the target.
        """
        ...

    def paired(self, mono: Detection, color: Detection) -> tuple[Detection, Detection]:
        """Return both detections so that equal ids are the same point of the target."""
        ...

    def shapes(self) -> tuple[Shape, ...]:
        """Return what is black on white paper, in mm from the upper left corner of the printed area."""
        ...

    @property
    def extent_mm(self) -> tuple[float, float]:
        """Return (width, height) of the printed area."""
        ...

    @property
    def origin_mm(self) -> tuple[float, float]:
        """Return where the printed area has the point (0, 0, 0) of `points_mm`."""
        ...


def common_ids(one: Detection, other: Detection) -> tuple[Ids, Points, Points]:
    """Return (ids, points of one, points of other) of the points that both hold."""
    ids, ours, theirs = np.intersect1d(one.ids, other.ids, assume_unique=True, return_indices=True)
    return ids.astype(np.int32), one.points_px[ours], other.points_px[theirs]


def size_of(gray: Gray) -> tuple[int, int]:
    """Return (width, height)."""
    return gray.shape[1], gray.shape[0]


def spacing_px(points_px: Points, ids: Ids, target: Target) -> float:
    """Return the median image distance of points that are nearest neighbours on the target."""
    on_target = target.points_mm[ids, :2]
    apart = np.linalg.norm(on_target[:, None] - on_target[None], axis=2)
    first, second = np.nonzero((apart > 0) & (apart < 1.05 * target.neighbours_mm))
    if first.size == 0:
        return 0.0
    return float(np.median(np.linalg.norm(points_px[first] - points_px[second], axis=1)))


def edge_width_px(gray: Gray, points_px: Points, spacing: float) -> float:
    """Return the median width of the edges around the points: contrast divided by the steepest slope.

    A step blurred by a Gaussian of sigma s has 2.5 · s (the slope is taken over two pixels: at least 2).
    """
    reach = max(3, round(0.4 * spacing))
    widths = []
    for x, y in np.rint(points_px[:: max(1, len(points_px) // 24)]).astype(int):
        patch = gray[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        if min(patch.shape) < 5:
            continue
        values = patch.astype(np.float32)
        slope = np.hypot(
            0.5 * (values[1:-1, 2:] - values[1:-1, :-2]), 0.5 * (values[2:, 1:-1] - values[:-2, 1:-1])
        )
        steepest = float(np.percentile(slope, 98))
        dark, bright = np.percentile(values, (5, 95))
        widths.append((bright - dark) / max(steepest, 1e-3))
    return float(np.median(widths)) if widths else float("inf")


def why_nothing(gray: Gray, otherwise: str) -> NotSeen:
    """Return what in the image itself explains that nothing was found, else the reason given."""
    small = gray[:: max(1, gray.shape[0] // 200), :: max(1, gray.shape[1] // 200)]
    dark, bright = (float(value) for value in np.percentile(small, (2, 98)))
    if bright < DARK:
        return NotSeen(f"The image is too dark (98 % of it below {bright:.0f} of 255): expose longer.")
    if float((small >= BRIGHT).mean()) > BRIGHT_SHARE:
        return NotSeen("More than half of the image is nearly white: expose shorter.")
    if bright - dark < FLAT:
        return NotSeen("The image has hardly any contrast: is a lens cap on, is the board in the light?")
    return NotSeen(otherwise)


def refine(gray: Gray, corners: Points, window: int) -> Points:
    """Return corners moved to where the edges around them meet; `window` is half its side in px."""
    refined = cv2.cornerSubPix(
        gray,
        np.ascontiguousarray(corners, dtype=np.float32).reshape(-1, 1, 2),
        (window, window),
        (-1, -1),
        (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-4),
    )
    return np.asarray(refined, np.float32).reshape(-1, 2)
