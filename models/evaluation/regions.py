"""Parts of an image where colorization is easy or hard, as masks on the mono image.

From the disparity of the mono view where it is known, else from an estimate: semi-global matching on the luma
of both views, both directions compared, gaps filled with the farther of the two neighbours on their row (what
one camera alone sees lies on the background). It is the matching of the peer `sgbm`: where disparities are
estimated, figures by region flatter that peer.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from models.engine import SearchRange
from models.evaluation.peers import match_both_ways, normalize_contrast
from models.metrics import BORDER

Mask = NDArray[np.bool_]
Gray8 = NDArray[np.uint8]
Disparity = NDArray[np.float32]

WHOLE = "all"
VISIBILITY = ("visible", "occluded", "outside")
APPEARANCE = ("edges", "textureless")
REGIONS = (WHOLE, *VISIBILITY, *APPEARANCE)

NEARER_PX = 1.5
"""What covers a pixel in the other view has a disparity larger by at least this."""
EDGE_LEVELS = 20.0
"""Slope of luma (levels per pixel, after a blur of σ 1) from which on there is an edge."""
EDGE_REACH_PX = 3
"""Pixels on each side of an edge that count as its region."""
TEXTURELESS_LEVELS = 3.0
"""Standard deviation of luma in an 11×11 window up to which there is no texture."""

_BLUR_SIGMA = 1.0
_TEXTURE_WINDOW = 11


def find_regions(
    mono: Gray8, other: Gray8, disparity: Disparity | None, search: SearchRange
) -> Mapping[str, Mask]:
    """Return the masks of `REGIONS`, each H×W, the border of the measures left out.

    Args:
        mono: H×W, the image that was colorized.
        other: H×W luma of the reference.
        disparity: H×W px of the mono view, NaN unknown (such pixels are in no region of visibility); None:
            estimate it.
        search: where to look for the estimate.
    """
    if disparity is None:
        disparity = estimate_disparity(mono, other, search)
    masks = {WHOLE: np.ones(mono.shape, np.bool_), **visibility(disparity), **appearance(mono)}
    inside = np.zeros(mono.shape, np.bool_)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    return {name: masks[name] & inside for name in REGIONS}


def visibility(disparity: Disparity) -> dict[str, Mask]:
    """Return what the colour camera sees of every mono pixel, by the disparity of the mono view (H×W px).

    outside: the pixel's content lies beyond the reference's border. occluded: something nearer on the row
    lands on the same place. visible: the rest of what is known.
    """
    height, width = disparity.shape
    known = np.isfinite(disparity)
    target = np.where(known, np.arange(width) + np.nan_to_num(disparity), -1)
    outside = known & ((target < 0) | (target > width - 1))
    inside = known & ~outside
    left = np.clip(np.floor(target), 0, width - 1).astype(np.intp)
    right = np.clip(np.ceil(target), 0, width - 1).astype(np.intp)
    rows = np.broadcast_to(np.arange(height)[:, None], disparity.shape)
    nearest = np.full((height, width), -np.inf, np.float32)
    for columns in (left, right):
        np.maximum.at(nearest, (rows[inside], columns[inside]), disparity[inside])
    # Covered on both of the columns it lands between; a pixel half covered at a depth step is seen.
    covering = np.minimum(nearest[rows, left], nearest[rows, right])
    occluded = inside & (covering - np.nan_to_num(disparity) >= NEARER_PX)
    return {"visible": inside & ~occluded, "occluded": occluded, "outside": outside}


def appearance(mono: Gray8) -> dict[str, Mask]:
    """Return where the mono image (H×W) has edges and where it has no texture."""
    levels = mono.astype(np.float32)
    smooth = cv2.GaussianBlur(levels, (0, 0), _BLUR_SIGMA)
    slope = np.hypot(*(np.gradient(smooth, axis=axis) for axis in (0, 1)))
    size = 2 * EDGE_REACH_PX + 1
    edges = cv2.dilate((slope > EDGE_LEVELS).astype(np.uint8), np.ones((size, size), np.uint8))
    window = (_TEXTURE_WINDOW, _TEXTURE_WINDOW)
    mean = cv2.blur(levels, window)
    variance = cv2.blur(levels * levels, window) - mean * mean
    return {"edges": edges > 0, "textureless": variance <= TEXTURELESS_LEVELS**2}


def estimate_disparity(mono: Gray8, other: Gray8, search: SearchRange) -> Disparity:
    """Return the disparity of every mono pixel, H×W px, gaps filled from the farther neighbour of the row."""
    gray, color_luma = (
        normalize_contrast(image.astype(np.float32) / np.float32(255)) for image in (mono, other)
    )
    disparity, agrees = match_both_ways(gray, color_luma, search)
    return _fill_from_background(np.where(agrees, disparity, np.float32(np.nan)))


def _fill_from_background(disparity: Disparity) -> Disparity:
    """Fill every gap of a row with the smaller of the disparities at its two ends."""
    known = np.isfinite(disparity)
    columns = np.arange(disparity.shape[1])
    last = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    following = np.minimum.accumulate(np.where(known, columns, len(columns))[:, ::-1], axis=1)[:, ::-1]
    rows = np.arange(len(disparity))[:, None]
    ends = [
        np.where(there, disparity[rows, np.clip(index, 0, len(columns) - 1)], np.inf)
        for index, there in ((last, last >= 0), (following, following < len(columns)))
    ]
    filled = np.minimum(*ends)
    return np.where(np.isfinite(filled), filled, np.nan).astype(np.float32)
