"""Measures pairs one after the other: what the gates want to know, at a known cost."""

from __future__ import annotations

from collections.abc import Mapping
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
from capture.frames import ROLES, Frame, FramePair, Role

_LONGEST_STEP_S = 1.0
"""A picture older than this says nothing about how fast the scene moves now."""
THUMBNAIL_WIDTH = 192


@dataclass(frozen=True, eq=False)
class Measured:
    """A pair with what its pictures and times tell.

    Attributes:
        values: by gate: skew, clipping, sharpness, motion and texture.
        signature: see `fingerprints`.
    """

    pair: FramePair
    values: Values
    signature: Signature


class PairMeasurer:
    """Measures pairs of one rig. One thread at a time.

    Args:
        best: steepness of edges (see `edge_steepness`) that each camera has reached before.

    Attributes:
        best: the most that each camera has reached so far: sharpness is relative to it.
    """

    def __init__(self, best: Mapping[Role, float] | None = None) -> None:
        self.best: dict[Role, float] = dict(best or {})
        self._motion = MotionMeter()
        self._small: tuple[FramePair, FloatImage] | None = None

    def measure(self, pair: FramePair, before: FramePair | None) -> Measured:
        """Measure a pair, in about 4 ms for 640×480 and 8 ms for 1024×780 on one core (decision 117).

        Args:
            pair: to measure.
            before: the pair that came before it, for how fast the scene moves; None: that is not known.
        """
        small = self._small_of(pair)
        values: dict[str, float | None] = {
            "skew_ms": abs(pair.skew_ns) / 1e6,
            "clipped_share": max(clipped_share(frame) for frame in (pair.mono, pair.color)),
            "sharpness": self._sharpness(pair),
            "motion_px": None if before is None else self._motion_px(pair, small, before),
            "texture_share": texture_share(small),
        }
        self._small = pair, small
        return Measured(pair, values, signature(small))

    def _small_of(self, pair: FramePair) -> FloatImage:
        if self._small is not None and self._small[0] is pair:
            return self._small[1]
        return small_picture(pair.mono)

    def _sharpness(self, pair: FramePair) -> float | None:
        shares = []
        for role, frame in zip(ROLES, (pair.mono, pair.color), strict=True):
            steepness = edge_steepness(frame)
            if steepness is not None:
                self.best[role] = max(self.best.get(role, 0.0), steepness)
                shares.append(steepness / self.best[role] if self.best[role] > 0 else 0.0)
        return min(shares) if shares else None

    def _motion_px(self, pair: FramePair, small: FloatImage, before: FramePair) -> float | None:
        """Return by how many px of the mono image the scene moves from the start of the earlier exposure to
        the end of the later one, as fast as it moved since the pair before.
        """
        step_s = _seconds_between(before.mono, pair.mono)
        if not 0 < step_s <= _LONGEST_STEP_S:
            return None
        moved = self._motion.displacement(self._small_of(before), small)
        if moved is None:
            return None
        scale = pair.mono.image.shape[1] / small.shape[1]
        exposures_us = [f.exposure_us for f in (pair.mono, pair.color) if f.exposure_us is not None]
        if not exposures_us and not pair.skew_ns:
            return None  # a camera that does not tell, or pictures from elsewhere
        open_s = abs(pair.skew_ns) / 1e9 + max(exposures_us, default=0.0) / 1e6
        return float(moved * scale / step_s * open_s)


def _seconds_between(before: Frame, after: Frame) -> float:
    """Return the time between two frames of a camera, by its own clock if it has one that goes on."""
    if before.device_ns is not None and after.device_ns is not None:
        step_s = (after.device_ns - before.device_ns) / 1e9
        if 0 < step_s <= _LONGEST_STEP_S:
            return step_s
    return (after.host_ns - before.host_ns) / 1e9


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
