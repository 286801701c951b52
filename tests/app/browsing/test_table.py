"""Sorting and filtering: numbers of numpy against what a loop over records says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.browsing.columns import COLUMNS
from app.browsing.feed import Feed
from app.browsing.filters import PairFilter, Range, histogram, rows_of
from app.browsing.table import PairTable
from capture.dataset_records import PairRecord
from tests.app.browsing.pairs import write_dataset


@pytest.fixture
def table(tmp_path: Path) -> PairTable:
    write_dataset(tmp_path / "set")
    return Feed(tmp_path / "set").open()


def names(table: PairTable, rows: np.ndarray) -> list[str]:
    return [table.records[row].name for row in rows]


def test_unknown_values_come_last_whichever_way_it_is_sorted(table: PairTable) -> None:
    rows = rows_of(table, PairFilter())
    up = table.sorted_rows(rows, "sharpness", descending=False)
    down = table.sorted_rows(rows, "sharpness", descending=True)
    assert up.tolist() == [8, 7, 5, 4, 2, 1, 0, 3, 6, 9]
    assert down.tolist() == [1, 2, 4, 5, 7, 8, 0, 3, 6, 9]


def test_equal_texts_stay_in_the_order_of_saving(table: PairTable) -> None:
    rows = rows_of(table, PairFilter())
    assert table.sorted_rows(rows, "mode", descending=True).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert table.sorted_rows(rows, "mode", descending=False).tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (PairFilter(text="NIGHT single"), [6, 9]),
        (PairFilter(text="000004"), [4]),
        (PairFilter(tag="night"), [0, 3, 6, 9]),
        (PairFilter(untagged=True, warned=True), [1, 5, 7]),
        (PairFilter(warned=False), [0, 2, 4, 6, 8]),
        (PairFilter(session=1), []),
        (PairFilter(ranges={"skew_ms": Range(1, 2)}), [1, 2, 4, 5]),
        (PairFilter(ranges={"sharpness": Range(high=0.93)}), [7, 8]),
        (PairFilter(used="excluded"), []),
        (PairFilter(trash=True), []),
    ],
)
def test_filters(table: PairTable, wanted: PairFilter, expected: list[int]) -> None:
    assert rows_of(table, wanted).tolist() == expected


def test_every_column_has_words_for_a_record_that_knows_nothing() -> None:
    bare = PairRecord("x", 0, "", 0, 0, None, None)
    table = PairTable.of(Path(), [bare])
    assert all(isinstance(column.text(bare), str) for column in COLUMNS)
    assert np.isnan(table.numbers["saved"]).all()
    assert histogram(table, "sharpness", np.array([0])) is None


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
def test_a_histogram_counts_every_known_value_once(values: list[float | None]) -> None:
    records = [PairRecord(f"p{n}", 0, "", n, 0, None, None, {"skew_ms": v}) for n, v in enumerate(values)]
    table = PairTable.of(Path(), records)
    found = histogram(table, "skew_ms", np.arange(len(values)))
    known = [value for value in values if value is not None]
    if found is None:
        assert len(set(known)) < 2 or np.ptp(known) == pytest.approx(0)
    else:
        assert found.counts.sum() == found.shown.sum() == len(known)
        assert found.unknown == len(values) - len(known)
