"""Skews of pairs, by the best clock there is, and what they amount to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capture.sync_facts import SkewBasis, SkewStats

Values = NDArray[np.float64]

BINS = 41
NARROWEST_NS = 1_000.0
"""Width of a bin at least: clocks do not tell more."""

FEW_PAIRS = 20
PASSING_NEEDS_S = 10.0
OUTLIER_IN_MEDIANS = 5.0
SKEW, APART = 1, 2
"""Columns of a table of pairs, in ns: skew as the pairing has it; colour clock minus mono clock (NaN: no
clocks). Column 0 is the arrival."""


def judged_skews(
    table: Values, judged: NDArray[np.bool_], period_ns: float | None, *, shares_trigger: bool
) -> tuple[Values, SkewBasis]:
    """Return the skews of all pairs in ns, and what those that are judged (a mask) were measured by.

    Pairs of one trigger have a skew that does not drift: what drifts is the clocks, and is taken off.
    """
    skews = table[:, SKEW].copy()
    apart = table[judged, APART]
    if judged.sum() < FEW_PAIRS or period_ns is None or not np.isfinite(apart).all():
        return skews, "arrival"
    if np.abs(apart).max() < period_ns / 2:
        skews[judged] = apart
        return skews, "one time"
    if not shares_trigger:
        return skews, "arrival"
    skews[judged] = _without_drift(table[judged, 0], apart) + np.median(skews[judged])
    return skews, "two clocks"


def skew_stats(times_s: Values, skews_ns: Values, basis: SkewBasis, period_ns: float | None) -> SkewStats:
    """Return what the judged skews amount to."""
    median_ns = float(np.median(skews_ns))
    return SkewStats(
        median_ns=median_ns,
        spread_ns=float(np.percentile(np.abs(skews_ns - median_ns), 95)),
        low_ns=float(skews_ns.min()),
        high_ns=float(skews_ns.max()),
        basis=basis,
        slope_ns_per_s=0.0 if period_ns is None else _passing(times_s, skews_ns, period_ns),
    )


def histogram(skews_ns: Values) -> tuple[NDArray[np.int64], Values]:
    """Return BINS counts over all skews, and the edges in ns."""
    low, high = float(skews_ns.min()), float(skews_ns.max())
    short = max(0.0, NARROWEST_NS * BINS - (high - low)) / 2
    counts, edges = np.histogram(skews_ns, BINS, (low - short, high + short))
    return counts.astype(np.int64), edges


def slope(times: Values, values: Values) -> float:
    """Return the slope of the line through points (least squares)."""
    centred = times - times.mean()
    spread = float(centred @ centred)
    return float(centred @ (values - values.mean())) / spread if spread > 0 else 0.0


def _without_drift(times: Values, values: Values) -> Values:
    """Return values without their line, around 0; single outliers do not tilt it."""
    kept = np.ones(len(values), np.bool_)
    left = values
    for _ in range(2):
        tilt = slope(times[kept], values[kept])
        left = values - tilt * (times - times.mean())
        left = left - np.median(left)
        kept = np.abs(left) <= OUTLIER_IN_MEDIANS * np.median(np.abs(left)) + 1.0
    return left


def _passing(times_s: Values, skews_ns: Values, period_ns: float) -> float:
    """Return by how much the skew grows, ns/s, 0 while too little is known.

    Cameras that pass each other jump by a whole period from one pair to the next.
    """
    if len(times_s) < FEW_PAIRS or np.ptp(times_s) < PASSING_NEEDS_S:
        return 0.0
    return slope(times_s, np.unwrap(skews_ns, period=period_ns))
