"""Maps of a result: what they are, how they are made, and which pixels a threshold leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from app.inspecting.measures import comparable_truth, final_picture
from capture.rectify import RectifiedView
from models import color
from models.data.pairs import Pair, unit
from models.engine import SearchRange
from models.evaluation.measures import chroma_planes, color_error
from models.evaluation.methods import Prediction
from models.evaluation.regions import visibility
from models.metrics import ssim_image
from models.structure import StructureNetwork, load_structure

FloatMap = NDArray[np.float32]
Mask = NDArray[np.bool_]

OCCLUDED_PX = 8.0
"""Way back misses by more: the colour camera hardly sees the pixel (decision 128)."""
WIDEST = 3.0
"""How much further than its colours the thresholds of a map reach, in spans."""


@dataclass(frozen=True, eq=False)
class MapInput:
    """What maps are made of.

    Attributes:
        pair: as it was colorized.
        prediction: what a method says of it.
        search: where colours were searched.
        view: how the pair was rectified, before it was cut (never scaled) to what both cameras see; None if
            that is not known.
    """

    pair: Pair
    prediction: Prediction
    search: SearchRange
    view: RectifiedView | None = None


class Undefined(Exception):
    """There is no such map of this result; the message says why, for a person."""


@dataclass(frozen=True)
class MapKind:
    """One kind of map.

    Attributes:
        key: its name in settings and files.
        title: its name on screen.
        unit: of its values; empty for shares and indices.
        tip: what it is and how to read it.
        aligned: whose pixels it shows.
        colour_map: what it is drawn with unless a person chooses.
        span: lowest and highest value; None: as the values are.
        decimals: digits that make sense.
        tail: percentage of the values at each end that the colours leave out, where there is no span.
        slow: it takes a network: longer than a second on large images.
    """

    key: str
    title: str
    unit: str
    tip: str
    aligned: Literal["mono", "reference"]
    colour_map: str
    span: tuple[float, float] | None = None
    decimals: int = 2
    tail: float = 1.0
    slow: bool = False


KINDS: tuple[MapKind, ...] = (
    MapKind(
        "confidence",
        "Confidence",
        "",
        "From the way there and back, the cycle error and the structure: 0 a guess, 1 sure.",
        "mono",
        "viridis",
        (0.0, 1.0),
    ),
    MapKind(
        "occlusion",
        "Occlusion",
        "px",
        "From a pixel to its match by the first pass, and from there back by the second: by how many px that "
        f"misses the pixel.\nAbove {OCCLUDED_PX:g} px the colour camera may not see it, hidden by what lies "
        "in front; flat surfaces, where W is wide, miss by as much (decision 128).",
        "mono",
        "magma",
        (0.0, 16.0),
        1,
    ),
    MapKind(
        "true_occlusion",
        "Occlusion, truth",
        "",
        "1: the colour camera does not see the pixel, hidden by something nearer or beyond its border. From "
        "the true visibility or the true disparity.",
        "mono",
        "magma",
        (0.0, 1.0),
        0,
    ),
    MapKind(
        "disparity",
        "Disparity",
        "px",
        "How far to the side a pixel's colour lies in the reference: the peak of W.",
        "mono",
        "viridis",
        None,
        1,
    ),
    MapKind(
        "depth",
        "Depth",
        "m",
        "Distance along the optical axis: focal length × baseline / disparity, for mono pixels. Undefined "
        "where the disparity is 0 or less, and where the method has none.",
        "mono",
        "cividis",
        None,
        2,
        tail=6.0,  # disparities near 0 are kilometres away
    ),
    MapKind(
        "structure",
        "Structure, SSIM",
        "",
        "SSIM of the mono image and the reference's luma taken from where the colours came. 1: the same.",
        "mono",
        "cividis",
        (0.0, 1.0),
    ),
    MapKind(
        "ssm",
        "Structure, learned (SSM)",
        "",
        "What the structure network says of mono image and averaged luma: as SSIM, but it knows that two "
        "sensors see the same thing differently.",
        "mono",
        "cividis",
        (0.0, 1.0),
        slow=True,
    ),
    MapKind(
        "cycle_error",
        "Cycle error",
        "levels",
        "|R'_C − R_C|: mean of |ΔCb| and |ΔCr| in levels of 255. Aligned with the reference.",
        "reference",
        "magma",
        (0.0, 20.0),
        1,
    ),
    MapKind(
        "disparity_error",
        "Disparity error",
        "px",
        "|disparity − true disparity|. Undefined where either is unknown.",
        "mono",
        "magma",
        (0.0, 5.0),
        1,
    ),
    MapKind(
        "delta_e",
        "ΔE00 against truth",
        "",
        "CIEDE2000 of the result and the truth. Below 1 nobody sees it, above 3.5 anyone does.",
        "mono",
        "magma",
        (0.0, 10.0),
        1,
    ),
)

BY_KEY = {kind.key: kind for kind in KINDS}


def make_map(key: str, given: MapInput) -> FloatMap:
    """Return a map of a kind: H×W float32, NaN where it is undefined. For any thread.

    Raises Undefined where there is no such map of this result.
    """
    values = _MAKERS[key](given)
    return np.ascontiguousarray(values, np.float32)


def shown(values: FloatMap, low: float, high: float) -> Mask:
    """Return the pixels from low to high, both included; undefined ones are never shown."""
    with np.errstate(invalid="ignore"):
        return np.asarray((values >= low) & (values <= high))


def share_shown(values: FloatMap, low: float, high: float) -> float:
    """Return the share of all defined pixels that lie from low to high, 0 … 1; 0 where none is defined."""
    defined = np.count_nonzero(np.isfinite(values))
    return np.count_nonzero(shown(values, low, high)) / defined if defined else 0.0


def span_of(kind: MapKind, values: FloatMap) -> tuple[float, float]:
    """Return what the colours of a map span: as the kind says, else the values without their tails."""
    if kind.span is not None:
        return kind.span
    sample = values[::4, ::4]
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(sample, (kind.tail, 100 - kind.tail)))
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-3))) / 2
    low, high = float(np.floor(low / step) * step), float(np.ceil(high / step) * step)
    return low, max(high, low + step)


def limits_of(kind: MapKind, values: FloatMap) -> tuple[float, float]:
    """Return the smallest and the largest value, widened to what the colours span, but by no more than
    `WIDEST` spans: a way back that ends outside of the image misses by its width, a disparity near 0 is
    kilometres away, and neither should leave no room for all others.
    """
    low, high = span_of(kind, values)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return low, high
    least, most = min(low, float(finite.min())), max(high, float(finite.max()))
    room = WIDEST * (high - low)
    return max(least, low - room), min(most, low + room)


def _confidence(given: MapInput) -> FloatMap:
    return given.prediction.confidence


def _occlusion(given: MapInput) -> FloatMap:
    if given.prediction.return_error is None:
        raise Undefined("This method keeps no way back: run a network.")
    return given.prediction.return_error


def _true_occlusion(given: MapInput) -> NDArray[Any]:
    pair = given.pair
    if pair.visible is not None:
        return ~pair.visible
    if pair.disparity is None:
        raise Undefined("The truth is not known: neither what the colour camera sees nor the disparity.")
    seen = visibility(pair.disparity)
    hidden = seen["occluded"] | seen["outside"]
    return np.where(np.isfinite(pair.disparity), hidden, np.nan)


def _disparity(given: MapInput) -> FloatMap:
    if given.prediction.disparity is None:
        raise Undefined("This method matches nothing, so it has no disparity.")
    return given.prediction.disparity


def _depth(given: MapInput) -> NDArray[Any]:
    view = given.view
    disparity = _disparity(given)
    if view is None:
        raise Undefined("No calibration is known for this pair, so px cannot become metres.")
    width, height = view.size_px
    # A pair may be cut to what both cameras see, which changes no disparity; a larger one is of others.
    if disparity.shape[1] > width or disparity.shape[0] > height:
        raise Undefined(
            f"The calibration is for {width}×{height}, the pair is {disparity.shape[1]}×{disparity.shape[0]}."
        )
    depth = view.depth_mm(np.nan_to_num(disparity, nan=0.0)) / 1000
    return np.where(np.isfinite(depth), depth, np.nan)


def _structure(given: MapInput) -> FloatMap:
    return ssim_image(_averaged_luma(given), color.as_uint8(given.pair.mono))


def _ssm(given: MapInput) -> FloatMap:
    network = _structure_network()
    images = (unit(given.pair.mono), unit(_averaged_luma(given)))
    mono, luma = (torch.from_numpy(image)[None, None] for image in images)
    with torch.inference_mode():
        return np.asarray(network(mono, luma)[0, 0].numpy(), np.float32)


def _averaged_luma(given: MapInput) -> NDArray[np.uint8]:
    if given.prediction.warped_luma is None:
        raise Undefined("This method does not say where in the reference its colours come from.")
    return given.prediction.warped_luma


def _cycle_error(given: MapInput) -> FloatMap:
    there = chroma_planes(given.prediction.second_pass)
    return np.asarray(np.abs(there - chroma_planes(color.as_uint8(given.pair.reference))).mean(axis=-1))


def _disparity_error(given: MapInput) -> FloatMap:
    if given.pair.disparity is None:
        raise Undefined("The true disparity of this pair is not known.")
    found = _disparity(given)
    return np.asarray(np.abs((-found if given.search.mirrored else found) - given.pair.disparity))


def _delta_e(given: MapInput) -> FloatMap:
    truth = comparable_truth(given.pair)
    if truth is None:
        raise Undefined("The true colours of this pair are not known.")
    return color_error(final_picture(given.prediction), truth)


@cache
def _structure_network() -> StructureNetwork:
    return load_structure()


_MAKERS: dict[str, Callable[[MapInput], NDArray[Any]]] = {
    "confidence": _confidence,
    "occlusion": _occlusion,
    "true_occlusion": _true_occlusion,
    "disparity": _disparity,
    "depth": _depth,
    "structure": _structure,
    "ssm": _ssm,
    "cycle_error": _cycle_error,
    "disparity_error": _disparity_error,
    "delta_e": _delta_e,
}
