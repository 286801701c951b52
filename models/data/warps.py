"""Random warps that stand for a colorization gone wrong (paper, "Structure similarity loss").

A warp is a small grid of random shifts, resized to the image. Coarse grids shift and stretch the whole image,
fine ones bend it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

GRIDS = (1, 2, 3, 4, 5)
"""Seed grids are n×n."""
VARIANCES_PX2 = (1.0, 5.0, 10.0, 20.0, 40.0)
"""Variance of the seeds, whose mean is 0, in px² (docs/decisions/070-random-warps.md)."""


@dataclass(frozen=True, eq=False)
class Warp:
    """One random warping map.

    Attributes:
        shift_px: H×W×2 float32, (x, y): pixel (x, y) of a warped image shows what lies at (x, y) + shift_px.
        grid: size of the seed grid.
        variance_px2: what its seeds were drawn with.
    """

    shift_px: Float
    grid: int
    variance_px2: float

    @property
    def strength_px(self) -> float:
        """Mean length of the shift."""
        return float(np.linalg.norm(self.shift_px, axis=-1).mean(dtype=np.float64))


def random_warp(rng: np.random.Generator, height: int, width: int) -> Warp:
    """Draw a warp: grid and variance out of the paper's, normal seeds, bicubic to height × width."""
    grid, variance = int(rng.choice(GRIDS)), float(rng.choice(VARIANCES_PX2))
    seeds = rng.normal(0, np.sqrt(variance), (grid, grid, 2)).astype(np.float32)
    shift = cv2.resize(seeds, (width, height), interpolation=cv2.INTER_CUBIC)
    return Warp(np.asarray(shift, np.float32), grid, variance)


def apply_warp(image: Float, warp: Warp) -> Float:
    """Return the warped image, H×W or H×W×C float32, bicubic; outside, the image is mirrored.

    Values stay within the range of the input: bicubic interpolation alone would overshoot at edges.
    """
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    warped = cv2.remap(
        image,
        x + warp.shift_px[..., 0],
        y + warp.shift_px[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(np.clip(warped, image.min(), image.max()), np.float32)
