"""The table of measured results: rows, their order, and how a column is spread."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from app.inspecting.measures import BY_KEY, MEASURES, Measure, Values

LEAST_BINS, MOST_BINS = 5, 40


@dataclass(frozen=True, eq=False)
class Row:
    """One result.

    Attributes:
        item: name of the pair, unique in what is open.
        method: name of the method.
        values: by key of a column; missing or None where unknown.
    """

    item: str
    method: str
    values: Values

    def value(self, key: str) -> float | None:
        """Return a finite value or None."""
        value = self.values.get(key)
        return value if value is not None and math.isfinite(value) else None


def columns_of(rows: Sequence[Row], gates: Mapping[str, Measure] | None = None) -> list[Measure]:
    """Return the columns for which any row has a value: measures first, then the gates of a dataset.

    Args:
        gates: how gates are called and read, by key; a gate that is not in it is shown by its key.
    """
    return ordered_columns({key for row in rows for key in row.values if row.value(key) is not None}, gates)


def ordered_columns(keys: Collection[str], gates: Mapping[str, Measure] | None = None) -> list[Measure]:
    """Return the columns of keys, as `columns_of` does."""
    known = [measure for measure in MEASURES if measure.key in keys]
    others = sorted(set(keys) - BY_KEY.keys())
    return known + [(gates or {}).get(key, _unknown(key)) for key in others]


def worst_first(rows: Sequence[Row], column: Measure, *, best_first: bool = False) -> list[Row]:
    """Return the rows in order of a column; rows without a value come last, equal ones keep their order."""
    valued: list[tuple[float, Row]] = []
    without: list[Row] = []
    for row in rows:
        value = row.value(column.key)
        if value is None:
            without.append(row)
        else:
            valued.append((value, row))
    falling = (column.better == "low") != best_first
    # Reversed, sorting still keeps the order of equal values.
    valued.sort(key=itemgetter(0), reverse=falling)
    return [row for _, row in valued] + without


@dataclass(frozen=True, eq=False)
class Histogram:
    """How the values of a column are spread: `counts[i]` of them from `edges[i]` to `edges[i + 1]`."""

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    median: float


def histogram(values: Sequence[float]) -> Histogram | None:
    """Return the histogram of finite values, its bins by Freedman and Diaconis; None without any."""
    array = np.asarray([value for value in values if math.isfinite(value)], np.float64)
    if array.size == 0:
        return None
    low, high = float(array.min()), float(array.max())
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
        middle, half = (low + high) / 2, max(abs(low) * 0.01, 1e-3)
        low, high, bins = middle - half, middle + half, 1
    else:
        bins = _bins(array, high - low)
    counts, edges = np.histogram(array, bins=bins, range=(low, high))
    return Histogram(edges, counts.astype(np.int64), float(np.median(array)))


def _bins(values: NDArray[np.float64], span: float) -> int:
    """Return how many bins Freedman and Diaconis's rule gives, within reason."""
    lower, upper = np.percentile(values, (25, 75))
    width = 2 * float(upper - lower) / len(values) ** (1 / 3)
    return (
        LEAST_BINS if width * LEAST_BINS >= span else int(min(MOST_BINS, span / max(width, span / MOST_BINS)))
    )


def brushed(rows: Sequence[Row], key: str, span: tuple[float, float] | None) -> list[Row]:
    """Return the rows whose value lies in a span, ends included; all of them without a span."""
    if span is None:
        return list(rows)
    low, high = span
    return [row for row in rows if (value := row.value(key)) is not None and low <= value <= high]


def of_methods(rows: Sequence[Row], methods: Collection[str]) -> list[Row]:
    """Return the rows of some methods."""
    return [row for row in rows if row.method in methods]


def _unknown(key: str) -> Measure:
    return Measure(key, key, "", "A value that the dataset brings along.", "low", 3, 0.0)
