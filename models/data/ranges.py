"""Which disparities a pair has: known from its truth or its rig, else measured by block matching."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.pairs import Pair, luma_of, unit

# Matches are trusted that hold in both directions; some are wrong all the same, most of them too large.
_LOWEST_PERCENT, _HIGHEST_PERCENT = 0.5, 98.5
_MARGIN_PX = 3
_FEWEST_MATCHES = 0.02


def disparity_range(pair: Pair) -> tuple[int, int]:
    """Return the smallest and the largest disparity of a pair, whole px, rounded outwards.

    From its disparity map; else 0 … max_disparity − 1; else measured (a quarter of the width at most).
    """
    if pair.disparity is not None and not np.isnan(pair.disparity).all():
        return int(np.floor(np.nanmin(pair.disparity))), int(np.ceil(np.nanmax(pair.disparity)))
    if pair.max_disparity is not None:
        return 0, pair.max_disparity - 1
    return _measured(pair)


def _measured(pair: Pair) -> tuple[int, int]:
    width = pair.mono.shape[1]
    candidates = 16 * max(1, width // 4 // 16)
    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=candidates,
        blockSize=5,
        P1=200,
        P2=800,
        disp12MaxDiff=1,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
    )
    # The matcher looks for content of its left image further left in the right one: mirrored, that is ours.
    images = [_flat(pair.mono)[:, ::-1], _flat(luma_of(pair.reference))[:, ::-1]]
    padded = [cv2.copyMakeBorder(image, 0, 0, candidates, 0, cv2.BORDER_REPLICATE) for image in images]
    disparity = matcher.compute(*padded)[:, candidates:] / 16.0
    found = disparity[disparity > 0]
    if found.size < _FEWEST_MATCHES * disparity.size:
        return 0, candidates - 1
    low, high = np.percentile(found, (_LOWEST_PERCENT, _HIGHEST_PERCENT))
    return max(0, int(low) - _MARGIN_PX), min(candidates - 1, int(np.ceil(high)) + _MARGIN_PX)


def _flat(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return the image in 8 bits, local brightness and contrast evened out: the sensors differ in them."""
    values = unit(image)  # type: ignore[arg-type]
    mean = cv2.boxFilter(values, -1, (15, 15))
    spread = np.sqrt(np.maximum(cv2.boxFilter(values * values, -1, (15, 15)) - mean * mean, 0))
    return np.clip((values - mean) / (spread + 0.02) * 40 + 128, 0, 255).astype(np.uint8)
