"""How many disparities the scene needs, from matches, and what searching them costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError
from capture.frames import Image
from capture.rectify import RectifiedView
from capture.search_range import Proposal, disparities_of, propose
from models.bench import Case, measure
from models.engine import Device, SearchRange, choose_device
from models.rows import match_rows

WIDTH_PX = 1280  # wider images are matched at about this width
NEAREST_PART = 0.5  # of the width: nearer things are not looked for
BEYOND_PART = 0.01  # of the width, on the other side of infinity: calibrations are a little off
SUPPORT, SUPPORT_PX = 2, 3.0  # a match counts if so many others lie as near: one wrong match must not decide
_MB_PER_GB = 1000.0


@dataclass(frozen=True)
class Cost:
    """What searching a range costs on this machine, measured; `memory_mb` is the peak (10⁶ bytes)."""

    search: SearchRange
    time_ms: float
    memory_mb: float
    device: str


@dataclass(frozen=True)
class SceneRange:
    """The range that a scene needs, and how far away what was seen is (inf: beyond infinity)."""

    proposal: Proposal
    nearest_mm: float
    farthest_mm: float
    pairs: int


def scene_disparities(mono: Image, reference: Image, *, mirrored: bool) -> NDArray[np.float64]:
    """Return disparities of matched corners of a rectified pair, px at full size, N; positive is nearer."""
    luma: NDArray[Any] = (
        reference if reference.ndim == 2 else np.asarray(cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY))
    )
    gray: NDArray[Any] = mono
    factor = max(1, round(mono.shape[1] / WIDTH_PX))
    if factor > 1:
        size = mono.shape[1] // factor, mono.shape[0] // factor
        gray, luma = (cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (mono, luma))
    width = gray.shape[1]
    first, last = -round(BEYOND_PART * width), round(NEAREST_PART * width)
    matches = match_rows(gray, luma, *((-last, -first) if mirrored else (first, last)))
    return np.asarray(disparities_of(matches.mono, matches.reference, mirrored=mirrored) * factor)


def scene_range(pairs: Sequence[tuple[Image, Image]], view: RectifiedView, *, mirrored: bool) -> SceneRange:
    """Return the range that these rectified pairs need.

    Raises CalibrationError: too little in them matches.
    """
    # Pair by pair: the same wrong match comes again in the next picture of a scene that stands still.
    found = [supported(scene_disparities(*pair, mirrored=mirrored)) for pair in pairs]
    proposal = propose(np.concatenate(found), view.size_px[0])
    nearest, farthest = view.depth_mm(np.array([proposal.highest_px, proposal.lowest_px]))
    return SceneRange(proposal, float(nearest), float(farthest), len(pairs))


def supported(found_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the disparities that others of the pair lie near to, in order: the rest are wrong matches."""
    found = np.sort(found_px)
    near = np.searchsorted(found, found + SUPPORT_PX) - np.searchsorted(found, found - SUPPORT_PX)
    return np.asarray(found[near > SUPPORT])


def measure_cost(
    search: SearchRange, size_px: tuple[int, int], model: str, cancelled: Callable[[], bool]
) -> Cost:
    """Measure what searching a range costs, in a process of its own (seconds). Raises CalibrationError."""
    device = cast("Device", choose_device("auto").type)
    case = Case(model, model, *size_px, search.max_disparity, device, repeats=1)
    measured = measure(case, cancelled=cancelled)
    if measured.error:
        raise CalibrationError(f"{search.max_disparity} disparities could not be tried: {measured.error}")
    return Cost(search, measured.total_ms, measured.memory_mb, measured.device_name)


def cost_in_words(cost: Cost) -> str:
    """Return time and memory, rounded as far as they can be trusted."""
    memory = (
        f"{cost.memory_mb / _MB_PER_GB:.1f} GB"
        if cost.memory_mb >= _MB_PER_GB
        else f"{cost.memory_mb:.0f} MB"
    )
    return f"{cost.time_ms:.0f} ms per pair, {memory}"
