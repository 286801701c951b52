"""How many disparities the scene needs, from matches, and what searching them costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError
from capture.frames import Image
from capture.rectify import RectifiedView
from models.bench import Case, measure
from models.engine import Device, SearchRange, choose_device
from models.rows import match_rows

WIDTH_PX = 1280  # wider images are matched at about this width
NEAREST_PART = 0.5  # of the width: nearer things are not looked for
BEYOND_PART = 0.05  # of the width, on the other side of infinity: calibrations are a little off
FEWEST_MATCHES = 30
SUPPORT = 3  # matches that a disparity needs within SUPPORT_PX of it to be believed
SUPPORT_PX = 3.0
TAIL = 0.5  # percent of the matches at either end that may be wrong all the same
MARGIN = 0.1  # of the range, added at both ends: the scene will not stay as it is
SMALLEST_MARGIN_PX = 2.0
STEP = 16
_MB_PER_GB = 1000.0


@dataclass(frozen=True)
class RangeProposal:
    """The range that a scene needs.

    Attributes:
        offset: smallest disparity to search, px.
        max_disparity: number of disparities.
        lowest_px, highest_px: disparities found, without margin.
        nearest_mm, farthest_mm: the same as depths; inf beyond infinity.
        matches, pairs: what it was measured from.
    """

    offset: int
    max_disparity: int
    lowest_px: float
    highest_px: float
    nearest_mm: float
    farthest_mm: float
    matches: int
    pairs: int


@dataclass(frozen=True)
class Cost:
    """What searching a range costs on this machine, measured; `memory_mb` is the peak (10⁶ bytes)."""

    search: SearchRange
    time_ms: float
    memory_mb: float
    device: str


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
    shift_px = (matches.reference - matches.mono)[:, 0].astype(np.float64) * factor
    return np.asarray(-shift_px if mirrored else shift_px)


def propose(pairs: Sequence[tuple[Image, Image]], view: RectifiedView, *, mirrored: bool) -> RangeProposal:
    """Return the range that these rectified pairs need.

    Raises CalibrationError: too little in them matches.
    """
    found = np.sort(np.concatenate([scene_disparities(*pair, mirrored=mirrored) for pair in pairs]))
    # One wrong match must not double the range: a disparity counts if others are near it.
    near = np.searchsorted(found, found + SUPPORT_PX) - np.searchsorted(found, found - SUPPORT_PX)
    found = found[near > SUPPORT]
    if found.size < FEWEST_MATCHES:
        raise CalibrationError(
            f"only {found.size} points match between the pictures, {FEWEST_MATCHES} are needed: show a scene "
            "with detail, near and far"
        )
    lowest, highest = (float(value) for value in np.percentile(found, [TAIL, 100 - TAIL]))
    margin = max(SMALLEST_MARGIN_PX, MARGIN * (highest - lowest))
    offset = math.floor(lowest - margin)
    # Up to one step is not worth to lose what is far away; below zero only where something was seen there.
    offset = 0 if lowest >= 0 and offset < STEP else offset
    steps = max(1, math.ceil((highest + margin - offset) / STEP))
    width = view.size_px[0]
    return RangeProposal(
        offset=offset,
        max_disparity=min(steps * STEP, max(1, width // 2)),
        lowest_px=lowest,
        highest_px=highest,
        nearest_mm=float(view.depth_mm(highest)),
        farthest_mm=float(view.depth_mm(lowest)),
        matches=int(found.size),
        pairs=len(pairs),
    )


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
