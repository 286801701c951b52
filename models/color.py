"""Full-range BT.601 YCbCr, the colour space of the networks: differentiable in torch, fast on uint8 images.

Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B − Y) / 1.772, Cr = (R − Y) / 1.402, as in JPEG and OpenCV's YCrCb.
Chroma is always (Cb, Cr), in this order; OpenCV's own (Cr, Cb) order does not leave this module.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor, cat

LUMA_RED, LUMA_GREEN, LUMA_BLUE = 0.299, 0.587, 0.114
CB_RANGE = 2 * (1 - LUMA_BLUE)
CR_RANGE = 2 * (1 - LUMA_RED)
CHROMA_CENTRE = 128
"""Level of neutral chroma in uint8 images."""


def luma(rgb: Tensor) -> Tensor:
    """Return Y of an RGB image, …×3×H×W → …×1×H×W, in the range of the input."""
    red, green, blue = rgb.chunk(3, dim=-3)
    return LUMA_RED * red + LUMA_GREEN * green + LUMA_BLUE * blue


def split(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Return luma (…×1×H×W) and chroma (…×2×H×W: Cb, Cr) of an RGB image (…×3×H×W).

    For input in 0 … 1 luma is in 0 … 1 and chroma in −0.5 … 0.5; any other scale is kept likewise.
    """
    red, green, blue = rgb.chunk(3, dim=-3)
    y = LUMA_RED * red + LUMA_GREEN * green + LUMA_BLUE * blue
    return y, cat([(blue - y) / CB_RANGE, (red - y) / CR_RANGE], dim=-3)


def combine(luma: Tensor, chroma: Tensor) -> Tensor:
    """Return RGB (…×3×H×W) of luma (…×1×H×W) and centred chroma (…×2×H×W: Cb, Cr): the inverse of `split`.

    The result is not clamped: a combination that no display can show leaves the range of the input.
    """
    cb, cr = chroma.chunk(2, dim=-3)
    red = luma + CR_RANGE * cr
    blue = luma + CB_RANGE * cb
    green = (luma - LUMA_RED * red - LUMA_BLUE * blue) / LUMA_GREEN
    return cat([red, green, blue], dim=-3)


def as_uint8(image: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return a full-scale image in 8 bits, rounded."""
    if image.dtype == np.uint8:
        return image.astype(np.uint8, copy=False)
    return np.round(image / 257).astype(np.uint8)


def luma_uint8(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return Y (H×W uint8) of an RGB image (H×W×3 uint8), rounded."""
    return split_uint8(rgb)[0]


def split_uint8(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return luma (H×W uint8) and chroma (H×W×2 uint8: Cb, Cr, neutral at 128) of H×W×3 uint8 RGB."""
    ycrcb = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), dtype=np.uint8)
    return np.ascontiguousarray(ycrcb[..., 0]), np.ascontiguousarray(ycrcb[..., :0:-1])


def combine_uint8(luma: NDArray[np.uint8], chroma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return H×W×3 uint8 RGB, clipped, of luma (H×W uint8) and chroma (H×W×2 uint8, neutral at 128)."""
    ycrcb = np.dstack([luma, chroma[..., 1], chroma[..., 0]])
    return np.asarray(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)
