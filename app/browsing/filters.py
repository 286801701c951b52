"""Which pairs are shown: text, tags, ranges of values, warnings, exclusion, session, trash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app.browsing.table import Floats, Mask, PairTable, Rows

Used = Literal["all", "used", "excluded"]
HISTOGRAM_BINS = 48
_SPAN_SHARE = (0.5, 99.5)
"""Percentiles that a histogram spans: one outlier must not squeeze all others into a bin."""


@dataclass(frozen=True)
class Range:
    """Values to show, both ends included; None: open. A pair whose value is unknown is shown if both are."""

    low: float | None = None
    high: float | None = None

    @property
    def is_open(self) -> bool:
        """Return whether everything passes."""
        return self.low is None and self.high is None


@dataclass(frozen=True)
class PairFilter:
    """What a person wants to see.

    Attributes:
        text: words that name, tags or mode must contain, all of them, upper or lower case.
        tag: a tag that a pair must have; "" for none in particular.
        untagged: pairs without any tag only.
        session: number of a session, None for all.
        warned: True: pairs that a gate warned of; False: the others; None: all.
        used: excluded pairs too ("all"), without them, or nothing else.
        ranges: by column.
        trash: what lies in the trash instead of what does not.
    """

    text: str = ""
    tag: str = ""
    untagged: bool = False
    session: int | None = None
    warned: bool | None = None
    used: Used = "all"
    ranges: Mapping[str, Range] = field(default_factory=dict)
    trash: bool = False

    @property
    def narrows(self) -> bool:
        """Return whether it hides anything outside the trash."""
        return (
            bool(self.text.strip() or self.tag or self.untagged)
            or self.session is not None
            or self.warned is not None
            or self.used != "all"
            or any(not limits.is_open for limits in self.ranges.values())
        )


def rows_of(table: PairTable, wanted: PairFilter) -> Rows:
    """Return the rows that a filter lets through, in the order they were saved."""
    return np.flatnonzero(_mask(table, wanted))


def _mask(table: PairTable, wanted: PairFilter) -> Mask:
    mask = table.trashed.copy() if wanted.trash else ~table.trashed
    if wanted.session is not None:
        mask &= table.numbers["session"] == wanted.session
    if wanted.warned is not None:
        mask &= (table.numbers["warnings"] > 0) == wanted.warned
    if wanted.used != "all":
        mask &= table.excluded == (wanted.used == "excluded")
    for key, limits in wanted.ranges.items():
        if limits.low is not None:
            mask &= table.numbers[key] >= limits.low  # NaN is not
        if limits.high is not None:
            mask &= table.numbers[key] <= limits.high
    for word in wanted.text.lower().split():
        mask &= np.fromiter((word in words for words in table.words), np.bool_, len(table))
    if wanted.tag:
        mask &= np.fromiter((wanted.tag in record.tags for record in table.records), np.bool_, len(table))
    if wanted.untagged:
        mask &= np.fromiter((not record.tags for record in table.records), np.bool_, len(table))
    return mask


@dataclass(frozen=True, eq=False)
class Histogram:
    """How the values of a column are distributed.

    Attributes:
        low, high: what the bins span; values beyond are counted in the outermost.
        counts: by bin, of all pairs outside the trash.
        shown: by bin, of the pairs that pass the filter.
        unknown: how many pairs have no value.
    """

    low: float
    high: float
    counts: Rows
    shown: Rows
    unknown: int


def histogram(table: PairTable, key: str, shown: Rows) -> Histogram | None:
    """Return the histogram of a column; None if no pair has a value, or all have the same."""
    values = table.numbers[key][~table.trashed]
    known = values[np.isfinite(values)]
    if known.size == 0:
        return None
    low, high = (float(edge) for edge in np.percentile(known, _SPAN_SHARE))
    if not high > low:
        low, high = float(known.min()), float(known.max())
    if not high > low:
        return None
    return Histogram(
        low,
        high,
        _counts(known, low, high),
        _counts(table.numbers[key][shown], low, high),
        int(values.size - known.size),
    )


def _counts(values: Floats, low: float, high: float) -> Rows:
    known = values[np.isfinite(values)]
    bins = np.clip((known - low) * (HISTOGRAM_BINS / (high - low)), 0, HISTOGRAM_BINS - 1).astype(np.intp)
    return np.bincount(bins, minlength=HISTOGRAM_BINS)
