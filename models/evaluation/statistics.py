"""How sure a mean over few pairs is: percentile bootstrap over the pairs (Efron 1979), seeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 4000
CONFIDENCE = 0.95
SEED = 20260
FEWEST_FOR_CORRELATION = 3
_DRAWS_AT_ONCE = 1 << 20

_Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval of `CONFIDENCE`, over `count` pairs; low and high are NaN with one pair."""

    value: float
    low: float
    high: float
    count: int


def mean_estimate(values: Sequence[float]) -> Estimate:
    """Return the mean with its interval. Raises ValueError without values."""
    if not values:
        raise ValueError("no values to take the mean of")
    array = np.asarray(values, np.float64)
    return _bootstrap(array, lambda samples: samples.mean(axis=-1))


def correlation_estimate(first: Sequence[float], second: Sequence[float]) -> Estimate | None:
    """Return the linear correlation coefficient with its interval; None if there are too few pairs or no
    spread.
    """
    pairs = np.stack([np.asarray(first, np.float64), np.asarray(second, np.float64)])
    if pairs.shape[1] < FEWEST_FOR_CORRELATION or (np.ptp(pairs, axis=1) == 0).any():
        return None
    return _bootstrap(pairs, _correlation)


def _correlation(samples: _Values) -> _Values:
    """Return Pearson's r of 2×…×n; NaN where a resample has no spread."""
    centred = samples - samples.mean(axis=-1, keepdims=True)
    x, y = centred
    norm = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x * y).sum(axis=-1) / norm)


def _bootstrap(values: _Values, statistic: Callable[[_Values], _Values]) -> Estimate:
    """Return the statistic of values (…×n) with the interval of its resamples over the last axis."""
    count = values.shape[-1]
    value = float(statistic(values))
    if count < 2:
        return Estimate(value, float("nan"), float("nan"), count)
    # The same draws for every method: their differences are compared pair by pair.
    rng = np.random.default_rng(SEED)
    # In pieces: all draws of ten thousand pairs at once would take gigabytes.
    step = max(1, min(RESAMPLES, _DRAWS_AT_ONCE // count))
    sizes = [min(step, RESAMPLES - done) for done in range(0, RESAMPLES, step)]
    resampled = np.concatenate(
        [statistic(values[..., rng.integers(0, count, (size, count))]) for size in sizes]
    )
    low, high = np.nanquantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high), count)
