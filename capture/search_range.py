"""Which disparities to search: offset and number, from a board's corners or from matches in the scene.

Disparities as the networks count them: content lies that many px further right in the reference; of a
mirrored rig further left. Infinity is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError

# The number of disparities is a multiple of this: volumes are cut into such pieces.
DISPARITY_STEP = 16
# Should something lie beyond infinity, by a calibration that is a little off, the range begins before it.
BEFORE_INFINITY_PX = 2
# Matches that differ more than this in their row are none.
LARGEST_ROW_PX = 1.5
FEWEST_MATCHES = 20
# Part of the matches beyond either end that is taken for wrong matches, unless others lie beside them.
STRAYS = 0.005
# Room for what moves nearer or farther: this part of the disparities seen, and at least so many px.
MARGIN, SMALLEST_MARGIN_PX = 0.1, 2.0


@dataclass(frozen=True)
class Cost:
    """What searching takes per pair of images."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class Proposal:
    """A range of disparities for a scene.

    Attributes:
        offset, count: disparities offset … offset + count − 1.
        lowest_px, highest_px: smallest and largest disparity believed of the scene.
        matches: how many matches that rests on.
        outside: part of the matches that the range does not hold, 0 … 1.
        cost: of the range, if a cost function was given.
        words: the proposal in one line.
    """

    offset: int
    count: int
    lowest_px: float
    highest_px: float
    matches: int
    outside: float
    cost: Cost | None
    words: str


def disparities_of(
    mono_px: NDArray[np.floating], reference_px: NDArray[np.floating], *, mirrored: bool
) -> NDArray[np.float64]:
    """Return the disparities of matched points of the rectified images, N×2 (x, y) each.

    Matches in different rows are left out.
    """
    difference = np.asarray(reference_px, np.float64) - np.asarray(mono_px, np.float64)
    same_row = np.abs(difference[:, 1]) <= LARGEST_ROW_PX
    return np.asarray((-1 if mirrored else 1) * difference[same_row, 0])


def propose(
    disparities_px: NDArray[np.floating],
    width_px: int,
    *,
    include_infinity: bool = False,
    cost: Callable[[int], Cost] | None = None,
) -> Proposal:
    """Return the range that holds the scene, with a margin.

    Args:
        disparities_px: of matches in the scene, any shape; values that are not finite are left out.
        width_px: of the rectified images.
        include_infinity: search from infinity on, even if the scene ends before.
        cost: what this number of disparities takes, of the model in use.

    Raises CalibrationError: fewer than 20 matches.
    """
    found = np.sort(np.asarray(disparities_px, np.float64).ravel())
    found = found[np.isfinite(found)]
    if found.size < FEWEST_MATCHES:
        raise CalibrationError(
            f"only {found.size} matches: {FEWEST_MATCHES} are needed to measure the scene. Point the rig at "
            "something with texture"
        )
    lowest, highest = _without_strays(found)
    margin = max(SMALLEST_MARGIN_PX, MARGIN * (highest - lowest))
    first = lowest - margin
    if include_infinity:
        first = min(first, -float(BEFORE_INFINITY_PX))
    offset = math.floor(first)
    count = whole_steps(highest + margin - offset + 1, width_px)
    outside = float(((found < offset) | (found > offset + count - 1)).mean())
    price = cost(count) if cost else None
    words = f"{count} disparities from {offset}: the scene shows {lowest:.0f} … {highest:.0f} px"
    if price is not None:
        words += f"; {1e3 * price.seconds:.0f} ms and {price.bytes / 2**20:.0f} MB per pair"
    return Proposal(offset, count, lowest, highest, int(found.size), outside, price, words)


def whole_steps(needed: float, width_px: int) -> int:
    """Return a number of disparities, a multiple of 16, that holds `needed`: at most half the width."""
    steps = max(1, math.ceil(needed / DISPARITY_STEP))
    return min(steps * DISPARITY_STEP, max(1, width_px // 2))


def _without_strays(found: NDArray[np.float64]) -> tuple[float, float]:
    """Return the smallest and largest value that is not a stray: one of few, far from all others."""
    strays = max(1, int(STRAYS * found.size))
    inner = found[strays:-strays]
    reach = max(SMALLEST_MARGIN_PX, MARGIN * float(inner[-1] - inner[0]))
    # What lies near the rest belongs to it, however little of it there is.
    believed = found[(found >= inner[0] - reach) & (found <= inner[-1] + reach)]
    return float(believed[0]), float(believed[-1])
