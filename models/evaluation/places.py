"""Where colour is hard to give, by the truth of a pair: what the colour camera does not see, what has no
texture, and where the depth steps.

The regions of the report (`regions`) also serve pairs without truth and leave out the border of SSIM; here
the border is of interest, and noise must not pass for texture.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from models import color
from models.color import as_uint8
from models.data.pairs import Pair
from models.errors import ModelError
from models.evaluation.measures import Rgb8
from models.evaluation.methods import Prediction
from models.evaluation.regions import (
    EDGE_REACH_PX,
    NEARER_PX,
    WHOLE,
    Disparity,
    Mask,
    appearance,
    visibility,
)

CAMERA, FIRST, REFINED = "camera", "first", "refined"
"""Pictures that are measured: `seen_reference`, first pass, refined result."""

TEXTURED, TEXTURELESS = "visible, textured", "visible, textureless"
OCCLUDED, OUTSIDE, DEPTH_EDGES = "occluded", "outside", "depth edges"
PLACES = (WHOLE, TEXTURED, TEXTURELESS, OCCLUDED, OUTSIDE, DEPTH_EDGES)


def truth_of(pair: Pair) -> tuple[Rgb8, Disparity]:
    """Return truth (H×W×3) and disparity (H×W px). Raises ModelError if the pair has none."""
    if pair.truth is None or pair.disparity is None:
        raise ModelError(f"{pair.name}: needs truth/ and disparity/ (main.py render makes such pairs)")
    return as_uint8(pair.truth), pair.disparity


def places_of(pair: Pair) -> Mapping[str, Mask]:
    """Return the masks of `PLACES`, H×W.

    outside: the content lies at x + d < 0 or > W − 1. occluded: the rest of what the colour camera does not
    see, by the pair's own mask where it has one. Texture is that of the truth, which has no noise. depth
    edges: visible pixels up to `EDGE_REACH_PX` from a step of more than `NEARER_PX`. Pixels of unknown
    disparity are in none but the whole. Raises ModelError as `truth_of`.
    """
    truth, disparity = truth_of(pair)
    seen = visibility(disparity)
    known = np.isfinite(disparity)
    outside = seen["outside"]
    visible = seen["visible"] if pair.visible is None else pair.visible & known & ~outside
    textureless = appearance(color.luma_uint8(truth))["textureless"]
    return {
        WHOLE: np.ones(disparity.shape, np.bool_),
        TEXTURED: visible & ~textureless,
        TEXTURELESS: visible & textureless,
        OCCLUDED: known & ~visible & ~outside,
        OUTSIDE: outside,
        DEPTH_EDGES: visible & _depth_edges(disparity),
    }


def seen_reference(pair: Pair) -> Rgb8:
    """Return the reference's pixel that every mono pixel lies on, H×W×3; the border's where it lies outside.

    The nearest pixel, not a mean of two: that would have less noise than the camera's image.
    """
    _, disparity = truth_of(pair)
    height, width = disparity.shape
    column = np.round(np.arange(width) + np.nan_to_num(disparity)).astype(np.intp)
    rows = np.arange(height)[:, None]
    return as_uint8(pair.reference)[rows, np.clip(column, 0, width - 1)]


def pictures_of(prediction: Prediction) -> dict[str, Rgb8]:
    """Return the results for the mono image, by name."""
    refined = {} if prediction.refined is None else {REFINED: prediction.refined}
    return {FIRST: prediction.first_pass, **refined}


def _depth_edges(disparity: Disparity) -> Mask:
    steps = np.zeros(disparity.shape, np.uint8)
    across = np.abs(np.diff(disparity, axis=1)) > NEARER_PX  # False where unknown
    down = np.abs(np.diff(disparity, axis=0)) > NEARER_PX
    steps[:, :-1] |= across
    steps[:, 1:] |= across
    steps[:-1] |= down
    steps[1:] |= down
    size = 2 * EDGE_REACH_PX - 1  # the pixels on both sides of the step are within reach already
    near: Mask = cv2.dilate(steps, np.ones((size, size), np.uint8)) > 0
    return near
