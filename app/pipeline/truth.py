"""What the virtual rig knows of a pair, and how near to it the networks came."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import RectifiedPair, Truth

BORDER_PX = 10  # left out of every measure: the networks see less there


class TruthTeller(Protocol):
    """Knows the truth of pairs. One thread calls it."""

    def truth(self, rectified: RectifiedPair) -> Truth:
        """Return the truth of a rectified pair."""


def psnr_db(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio over all channels, without the border, in dB; inf if equal.

    Args:
        picture, truth: H×W×3 uint8 RGB of one size.
    """
    inner = slice(BORDER_PX, -BORDER_PX)
    difference = picture[inner, inner].astype(np.float32) - truth[inner, inner]
    error = float(np.mean(np.square(difference)))
    return float(10 * np.log10(255**2 / error)) if error > 0 else float("inf")
