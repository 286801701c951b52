"""Measures pairs one after the other: what the gates want to know, at a known cost."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capturing.fingerprints import Signature, signature
from app.capturing.gates import Values
from app.capturing.picture_measures import (
    FloatImage,
    MotionMeter,
    clipped_share,
    edge_steepness,
    small_picture,
    texture_share,
)
from capture.develop import develop, to_8_bits
from capture.frames import ROLES, FramePair, Role

_LONGEST_STEP_S = 1.0
"""A picture older than this says nothing about how fast the scene moves now."""
THUMBNAIL_WIDTH = 192


@dataclass(frozen=True, eq=False)
class Measured:
    """A pair with what was measured of it; `duplicate_distance` is not among the values.

    Attributes:
        values: by gate.
        signature: see `fingerprints`.
    """

    pair: FramePair
    values: Values
    signature: Signature


class PairMeasurer:
    """Measures pairs of one rig in the order in which they came. One thread at a time.

    Sharpness is relative to the best that each camera has shown since this object was made.
    """

    def __init__(self) -> None:
        self._motion = MotionMeter()
        self._before: tuple[int, FloatImage] | None = None
        self._best: dict[Role, float] = {}

    def measure(self, pair: FramePair, row_error_px: float | None, cycle_ssim: float | None) -> Measured:
        """Measure a pair; row error and cycle SSIM are known from elsewhere.

        Some 10 ms for 640×480, 20 for 1024×780, on one core.
        """
        small = small_picture(pair.mono)
        values: dict[str, float | None] = {
            "skew_ms": abs(pair.skew_ns) / 1e6,
            "clipped_share": max(clipped_share(frame) for frame in (pair.mono, pair.color)),
            "sharpness": self._sharpness(pair),
            "motion_px": self._motion_px(pair, small),
            "row_error_px": row_error_px,
            "texture_share": texture_share(small),
            "cycle_ssim": cycle_ssim,
        }
        return Measured(pair, values, signature(small))

    def _sharpness(self, pair: FramePair) -> float | None:
        shares = []
        for role, frame in zip(ROLES, (pair.mono, pair.color), strict=True):
            steepness = edge_steepness(frame)
            if steepness is None:
                continue
            self._best[role] = max(self._best.get(role, 0.0), steepness)
            shares.append(steepness / self._best[role] if self._best[role] > 0 else 1.0)
        return min(shares) if shares else None

    def _motion_px(self, pair: FramePair, small: FloatImage) -> float | None:
        """Return by how many px of the mono image the scene moves from the start of the earlier exposure to
        the end of the later one, as fast as it moved since the pair before.
        """
        before, self._before = self._before, (pair.mono.host_ns, small)
        if before is None:
            return None
        step_s = (pair.mono.host_ns - before[0]) / 1e9
        if not 0 < step_s <= _LONGEST_STEP_S:
            return None
        moved = self._motion.displacement(before[1], small)
        if moved is None:
            return None
        scale = pair.mono.image.shape[1] / small.shape[1]
        open_s = abs(pair.skew_ns) / 1e9 + (pair.mono.exposure_us or 0.0) / 1e6
        return float(moved * scale / step_s * open_s)


def thumbnail(pair: FramePair) -> NDArray[np.uint8]:
    """Return the mono and the colour picture side by side, h×2w×3 uint8 RGB, each THUMBNAIL_WIDTH px wide."""
    pictures = []
    for frame in (pair.mono, pair.color):
        image = to_8_bits(develop(frame))
        height, width = image.shape[:2]
        size = (THUMBNAIL_WIDTH, max(1, round(height * THUMBNAIL_WIDTH / width)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        pictures.append(np.dstack([small] * 3) if small.ndim == 2 else small)
    height = min(picture.shape[0] for picture in pictures)
    return np.ascontiguousarray(np.hstack([picture[:height] for picture in pictures]))
