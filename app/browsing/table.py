"""The pairs of a dataset as columns of numbers, so that 10,000 are filtered within milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.browsing.columns import COLUMN, NUMBERS
from capture.dataset_records import PairRecord

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PairTable:
    """All pairs of a dataset as they were saved, trash included. Immutable: any thread may read it.

    Attributes:
        folder: of the dataset.
        records: what is known of each pair, edits included.
        numbers: by column, a value per pair; NaN where it is unknown.
        words: by pair, what a text is searched in: name, tags, mode, in lower case.
        excluded, trashed: by pair.
        sessions: entries of `dataset.toml`.
        is_plain: a folder of images only: nothing can be edited, nothing is known but names.
    """

    folder: Path
    records: tuple[PairRecord, ...] = ()
    numbers: Mapping[str, Floats] = field(default_factory=lambda: _numbers(()))
    words: tuple[str, ...] = ()
    excluded: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    trashed: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    sessions: tuple[Mapping[str, object], ...] = ()
    is_plain: bool = False

    @classmethod
    def of(
        cls,
        folder: Path,
        records: Sequence[PairRecord],
        sessions: Sequence[Mapping[str, object]] = (),
        *,
        is_plain: bool = False,
    ) -> PairTable:
        """Return the table of these records."""
        return cls(folder, is_plain=is_plain, sessions=tuple(sessions)).grown(records)

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Return the row of each pair by its name."""
        return {record.name: row for row, record in enumerate(self.records)}

    @cached_property
    def tags(self) -> Mapping[str, int]:
        """Return how many pairs outside the trash have each tag, the most frequent first."""
        counted = Counter(tag for record in self.records if not record.trashed for tag in record.tags)
        return dict(counted.most_common())

    @property
    def size(self) -> int:
        """Return how many pairs there are outside the trash."""
        return len(self) - int(self.trashed.sum())

    def grown(self, records: Sequence[PairRecord]) -> PairTable:
        """Return the table with more pairs at its end."""
        more = _numbers(records)
        return replace(
            self,
            records=(*self.records, *records),
            numbers={key: np.concatenate([self.numbers[key], more[key]]) for key in more},
            words=(*self.words, *map(_words, records)),
            excluded=np.concatenate([self.excluded, np.array([r.excluded for r in records], np.bool_)]),
            trashed=np.concatenate([self.trashed, np.array([r.trashed for r in records], np.bool_)]),
        )

    def changed(self, records: Mapping[int, PairRecord]) -> PairTable:
        """Return the table with other records in some rows: their tags, exclusion or trash were edited."""
        if not records:
            return self
        everything, words = list(self.records), list(self.words)
        excluded, trashed = self.excluded.copy(), self.trashed.copy()
        for row, record in records.items():
            everything[row], words[row] = record, _words(record)
            excluded[row], trashed[row] = record.excluded, record.trashed
        return replace(
            self,
            records=tuple(everything),
            numbers={**self.numbers, "excluded": excluded.astype(np.float64)},
            words=tuple(words),
            excluded=excluded,
            trashed=trashed,
        )

    def sorted_rows(self, rows: Rows, key: str, *, descending: bool) -> Rows:
        """Return rows in the order of a column; equal ones as they were saved, unknown values at the end."""
        if key in self.numbers:
            values = self.numbers[key][rows]
            order = np.argsort(-values if descending else values, kind="stable")
            return rows[order]  # NaN is sorted to the end either way
        column = COLUMN[key]
        texts = [column.text(self.records[row]) for row in rows.tolist()]
        # `reverse` keeps equal ones in their order.
        indices = sorted(range(len(texts)), key=texts.__getitem__, reverse=descending)
        return rows[np.array(indices, np.intp)]


def _words(record: PairRecord) -> str:
    return "\n".join((record.name, *record.tags, record.mode)).lower()


def _numbers(records: Iterable[PairRecord]) -> dict[str, Floats]:
    found: dict[str, list[float]] = {column.key: [] for column in NUMBERS}
    for record in records:
        for column in NUMBERS:
            assert column.value is not None
            value = column.value(record)
            found[column.key].append(np.nan if value is None else value)
    return {key: np.array(values, np.float64) for key, values in found.items()}
