"""How bright both pictures of a pair are, in a way that can be compared.

Both cameras look at one scene, so the brightness that a given share of the pixels stays below can be compared
between them without knowing which pixel is which. Those shares at which either picture is clipped say nothing
and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import RectifiedPair
from capture.frames import Image

PERCENTILES = np.arange(5.0, 96.0, 2.5)
FEWEST_PERCENTILES = 8
DARK, BRIGHT = 0.02, 0.97
"""Shares of full scale below and above which a value says nothing: noise floor and clipping."""
CENTRAL = 0.8
"""Share of each side that is looked at: borders are seen by one camera only, or empty after rectification."""


@dataclass(frozen=True)
class Levels:
    """Luma of both pictures of a pair.

    Attributes:
        mono, color: mean over the shares of pixels that both show unclipped, in shares of full scale.
        used: how many of the percentiles these are; with too few, the means say nothing.
        mono_median, color_median: for the direction, when nothing can be compared.
    """

    mono: float
    color: float
    used: int
    mono_median: float
    color_median: float

    @property
    def comparable(self) -> bool:
        """Whether enough of both pictures is free of clipping."""
        return self.used >= FEWEST_PERCENTILES and self.mono > 0

    @property
    def ratio(self) -> float:
        """Colour luma by mono luma: how much brighter the mono picture should be."""
        return self.color / self.mono


def measure_levels(pair: RectifiedPair) -> Levels:
    """Return the luma levels of a pair; see `Levels`."""
    mono = _percentiles(_central(pair.mono))
    reference = _central(pair.reference)
    luma: Image = cv2.cvtColor(np.ascontiguousarray(reference), cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
    color = _percentiles(luma)
    usable = (mono > DARK) & (mono < BRIGHT) & (color > DARK) & (color < BRIGHT)
    middle = len(PERCENTILES) // 2
    return Levels(
        mono=float(mono[usable].mean()) if usable.any() else 0.0,
        color=float(color[usable].mean()) if usable.any() else 0.0,
        used=int(usable.sum()),
        mono_median=float(mono[middle]),
        color_median=float(color[middle]),
    )


def mean_levels(seen: Sequence[Levels]) -> Levels:
    """Return the mean of what was measured on some pictures: of those that can be compared, if any can."""
    good = [levels for levels in seen if levels.comparable] or seen
    return Levels(
        mono=float(np.mean([levels.mono for levels in good])),
        color=float(np.mean([levels.color for levels in good])),
        used=min(levels.used for levels in good),
        mono_median=float(np.mean([levels.mono_median for levels in good])),
        color_median=float(np.mean([levels.color_median for levels in good])),
    )


def _central(image: Image) -> Image:
    height, width = image.shape[:2]
    top, left = round(height * (1 - CENTRAL) / 2), round(width * (1 - CENTRAL) / 2)
    step = max(1, height // 480)
    return image[top : height - top : step, left : width - left : step]


def _percentiles(image: Image) -> NDArray[np.float64]:
    full = np.iinfo(image.dtype).max
    counts = np.bincount(image.reshape(-1), minlength=full + 1)
    # The middle of the values' steps: an 8-bit picture would otherwise compare whole levels only.
    below = np.cumsum(counts) - counts / 2
    return np.asarray(np.interp(PERCENTILES / 100 * counts.sum(), below, np.arange(full + 1)) / full)
