"""What an engineer would do without learning: classical matching, colour warp, edge-aware fill.

Each peer matches photometrically normalised luma in both directions, takes the reference's chroma from where
both directions agree, and spreads it from there over the rest, held back by edges of the image to colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import SearchRange

Gray8 = NDArray[np.uint8]
FloatImage = NDArray[np.float32]
Matcher = Callable[[Gray8, Gray8, SearchRange], FloatImage]

_Value = TypeVar("_Value", np.uint8, np.int16, np.float32)

AGREEMENT_PX = 1.0
"""Disparities of both directions may differ by so much; more is an occlusion or a mismatch."""
GUESS_CONFIDENCE = 0.5
"""How far a filled pixel can be trusted at best, against 1 for a matched one."""

_CONTRAST_SIGMA_PX = 8.0  # neighbourhood whose mean and contrast are taken out before matching
_CONTRAST_FLOOR = 3.0  # levels; keeps noise on flat surfaces from being amplified without bound
_CONTRAST_GAIN = 40.0  # levels per standard deviation
_SGBM_BLOCK = 3
_FILL_SIGMA_PX = 40.0  # how far colour spreads on a flat surface
_FILL_SIGMA_LEVELS = 8.0  # how much change of luma counts as much as `_FILL_SIGMA_PX`
_FILL_ITERATIONS = 3
_WEAKEST = 1e-4  # support below which nothing known is in reach


@dataclass(frozen=True, eq=False)
class Colors:
    """What one pass says of the image to colour, on its own grid.

    Attributes:
        chroma: H×W×2 float32 (Cb, Cr), centred, −0.5 … 0.5.
        confidence: H×W float32, 0 … 1.
        luma: H×W float32, 0 … 1: the reference's luma taken from the same places; None if there is none.
        disparity: H×W float32 px, NaN where filled; None if the method has none.
    """

    chroma: FloatImage
    confidence: FloatImage
    luma: FloatImage | None = None
    disparity: FloatImage | None = None


def copy_colors(luma: FloatImage, reference: FloatImage, search: SearchRange) -> Colors:
    """Return the reference's colours unshifted: the floor. Arguments as `match_and_fill`."""
    del search
    return Colors(reference[..., 1:], np.zeros_like(luma), reference[..., 0], np.zeros_like(luma))


def match_and_fill(matcher: Matcher, luma: FloatImage, reference: FloatImage, search: SearchRange) -> Colors:
    """Match, warp, and fill.

    Args:
        matcher: disparity of every pixel of its first image in its second.
        luma: H×W float32, 0 … 1, the image to colour.
        reference: H×W×3 float32 YCbCr: luma 0 … 1, then (Cb, Cr) centred.
        search: candidates; content of pixel x lies at x + d. `mirrored` must be False.
    """
    images = normalize_contrast(luma), normalize_contrast(np.ascontiguousarray(reference[..., 0]))
    disparity, known = match_both_ways(*images, search, matcher)
    warped = _warp(reference, disparity)
    filled, support = spread(warped, known.astype(np.float32), luma * np.float32(255))
    colors = np.where(known[..., None], warped, filled).astype(np.float32)
    confidence = np.where(known, 1.0, GUESS_CONFIDENCE * support).astype(np.float32)
    return Colors(
        colors[..., 1:], confidence, colors[..., 0], np.where(known, disparity, np.nan).astype(np.float32)
    )


def match_both_ways(
    image: Gray8, other: Gray8, search: SearchRange, matcher: Matcher | None = None
) -> tuple[FloatImage, NDArray[np.bool_]]:
    """Return the disparity of every pixel of the first image, and where matching back from the other agrees.

    Semi-global matching unless told otherwise.
    """
    matcher = matcher or match_sgbm
    disparity = matcher(image, other, search)
    # Mirrored, content of pixel x of the other lies at x' + d in the first: the same search once more.
    back = matcher(_flip(other), _flip(image), search)[:, ::-1]
    return disparity, _agrees(disparity, back)


def match_sgbm(image: Gray8, other: Gray8, search: SearchRange) -> FloatImage:
    """Return the disparity of every pixel by semi-global matching (Hirschmüller 2008), NaN where it finds
    none: H×W float32 px, a sixteenth of a pixel fine.
    """
    candidates = -(-search.max_disparity // 16) * 16
    area = _SGBM_BLOCK**2
    matcher = cv2.StereoSGBM.create(
        minDisparity=search.offset,
        numDisparities=candidates,
        blockSize=_SGBM_BLOCK,
        P1=8 * area,
        P2=32 * area,
        disp12MaxDiff=-1,  # both directions are compared by the caller
        preFilterCap=63,
        uniquenessRatio=0,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    # OpenCV looks for content further left; it leaves out columns whose candidates are not all inside, so
    # that the images get margins with the colour of the border.
    margin = candidates + max(search.offset, 0)
    sides = (margin, max(-search.offset, 0))
    left, right = (
        cv2.copyMakeBorder(_flip(side), 0, 0, *sides, cv2.BORDER_REPLICATE) for side in (image, other)
    )
    found = matcher.compute(left, right)[:, margin : margin + image.shape[1]]
    disparity = found[:, ::-1].astype(np.float32) / np.float32(16)
    disparity[disparity < search.offset] = np.nan
    return np.asarray(disparity, np.float32)


def match_dis(image: Gray8, other: Gray8, search: SearchRange) -> FloatImage:
    """Return the horizontal part of dense inverse search flow (Kroeger et al. 2016), NaN outside range."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(0)
    # The middle of the range as a start: the pyramid alone loses large displacements.
    start = np.zeros((*image.shape, 2), np.float32)
    start[..., 0] = search.offset + 0.4 * search.max_disparity
    disparity = np.asarray(flow.calc(image, other, start), np.float32)[..., 0]
    outside = (disparity < search.offset - 1) | (disparity > search.offset + search.max_disparity)
    return np.where(outside, np.float32(np.nan), disparity)


def normalize_contrast(luma: FloatImage) -> Gray8:
    """Return luma (H×W, 0 … 1) in units of its local contrast, H×W uint8: gain, offset and slow shading are
    gone.
    """
    levels = luma * np.float32(255)
    mean = cv2.GaussianBlur(levels, (0, 0), _CONTRAST_SIGMA_PX)
    variance = cv2.GaussianBlur(levels * levels, (0, 0), _CONTRAST_SIGMA_PX) - mean * mean
    contrast = np.sqrt(np.maximum(variance, 0)) + _CONTRAST_FLOOR
    return np.clip(np.round(128 + _CONTRAST_GAIN * (levels - mean) / contrast), 0, 255).astype(np.uint8)


def spread(values: FloatImage, known: FloatImage, guide: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Spread what is known over the rest, held back by edges of the guide.

    Normalised convolution with the recursive edge-aware filter of the domain transform (Gastal and Oliveira,
    Domain Transform for Edge-Aware Image and Video Processing, 2011, section 5.2).

    Args:
        values: H×W×C float32.
        known: H×W float32, weight of every value, 0 for unknown.
        guide: H×W float32 in levels.

    Returns:
        values everywhere (H×W×C; where nothing known is in reach, the mean of all that is known, 0 if nothing
        is), and the support, H×W, 0 … 1.
    """
    steepness = _FILL_SIGMA_PX / _FILL_SIGMA_LEVELS
    across, down = (1 + steepness * np.abs(np.diff(guide, axis=axis)) for axis in (1, 0))
    weighted = np.dstack([values * known[..., None], known])
    weighted[~np.isfinite(weighted)] = 0
    total = float(known.sum())
    mean = weighted[..., :-1].sum(axis=(0, 1)) / max(total, 1.0)
    for i in range(_FILL_ITERATIONS):
        # Eq. 14: the filter's width in iteration i, so that all of them together have the width asked for.
        sigma = (
            _FILL_SIGMA_PX * np.sqrt(3) * 2 ** (_FILL_ITERATIONS - 1 - i) / np.sqrt(4**_FILL_ITERATIONS - 1)
        )
        feedback = np.exp(-np.sqrt(2) / sigma)
        weighted = _sweep(weighted.transpose(1, 0, 2), (feedback**across).T).transpose(1, 0, 2)
        weighted = _sweep(weighted, feedback**down)
    support = weighted[..., -1]
    reached = support > _WEAKEST
    filled = np.where(reached[..., None], weighted[..., :-1] / np.maximum(support, _WEAKEST)[..., None], mean)
    return filled.astype(np.float32), np.clip(support, 0, 1).astype(np.float32)


def _sweep(
    values: NDArray[np.floating[Any]], feedback: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    """Filter along the first axis, forth and back (eq. 21); `feedback[i]` links lines i and i + 1."""
    result = np.ascontiguousarray(values)
    gains = np.ascontiguousarray(feedback)[..., None].astype(values.dtype)
    for i in range(1, len(result)):
        result[i] += gains[i - 1] * (result[i - 1] - result[i])
    for i in range(len(result) - 2, -1, -1):
        result[i] += gains[i] * (result[i + 1] - result[i])
    return result


def _agrees(disparity: FloatImage, back: FloatImage) -> NDArray[np.bool_]:
    """Return where the pixel that is matched lies inside the reference and is matched back."""
    height, width = disparity.shape
    columns = np.arange(width) + np.nan_to_num(disparity, nan=-2.0 * width)
    inside = (columns >= 0) & (columns <= width - 1)
    nearest = np.clip(np.round(columns), 0, width - 1).astype(np.intp)
    returned = back[np.arange(height)[:, None], nearest]
    return np.asarray(inside & (np.abs(disparity - returned) <= AGREEMENT_PX), np.bool_)


def _warp(reference: FloatImage, disparity: FloatImage) -> FloatImage:
    """Return the reference at x + disparity, linear between its columns."""
    height, width = disparity.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    columns = columns + np.nan_to_num(disparity)
    return np.asarray(
        cv2.remap(reference, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _flip(image: NDArray[_Value]) -> NDArray[_Value]:
    return np.ascontiguousarray(image[:, ::-1])
