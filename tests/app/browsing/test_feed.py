"""A table that follows its files: appended pairs, edits from elsewhere, lines that are broken."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import app.browsing.feed as feed_module
from app.browsing.feed import Feed
from app.browsing.table import PairTable
from app.browsing.undo import EditHistory, titled
from capture.dataset import DatasetEditor, DatasetReader, Edit
from capture.dataset_records import PAIRS_NAME
from capture.errors import DatasetError
from tests.app.browsing.pairs import write_dataset


def test_it_says_what_the_reader_says(tmp_path: Path) -> None:
    names = write_dataset(tmp_path)
    DatasetEditor(tmp_path).apply(Edit((names[1],), trashed=True), Edit((names[2],), excluded=True))
    table, reader = Feed(tmp_path).open(), DatasetReader.open(tmp_path)
    assert tuple(record for record in table.records if not record.trashed) == reader.records
    assert tuple(record for record in table.records if record.trashed) == reader.trash
    assert table.size == 9
    assert table.excluded.sum() == 1


def test_pairs_that_are_added_appear_and_nothing_else_is_read(tmp_path: Path) -> None:
    write_dataset(tmp_path, 3)
    feed = Feed(tmp_path)
    first = feed.open()
    assert feed.poll() is None
    write_dataset(tmp_path, 2, first=3)
    second = feed.poll()
    assert second is not None
    assert len(second) == 5
    assert second.records[0] is first.records[0]
    assert len(second.sessions) == 2
    assert second.numbers["index"].tolist() == [0, 1, 2, 3, 4]


def test_edits_from_elsewhere_are_seen(tmp_path: Path) -> None:
    names = write_dataset(tmp_path, 4)
    feed = Feed(tmp_path)
    feed.open()
    DatasetEditor(tmp_path).apply(Edit((names[0],), add_tags=("b", "a")), Edit((names[3],), trashed=True))
    table = feed.poll()
    assert table is not None
    assert table.records[0].tags == ("a", "b", "night")
    assert table.trashed.tolist() == [False, False, False, True]
    assert table.tags == {"a": 1, "b": 1, "night": 1}


def test_the_first_pairs_of_a_long_list_come_with_their_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = write_dataset(tmp_path, 6)
    DatasetEditor(tmp_path).apply(Edit(tuple(names), add_tags=("all",)))
    monkeypatch.setattr(feed_module, "FIRST_PAIRS", 2)
    first: list[PairTable] = []
    table = Feed(tmp_path).open(first.append)
    assert [len(each) for each in first] == [2]
    assert "all" in first[0].records[1].tags
    assert table.tags["all"] == 6


def test_reading_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path, 6)
    monkeypatch.setattr(feed_module, "TOLD_EVERY", 2)
    counts = []

    def told(count: int) -> None:
        counts.append(count)
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Feed(tmp_path, told).open()
    assert counts == [2, 4]


def test_a_broken_line_is_named_and_what_was_read_stays(tmp_path: Path) -> None:
    write_dataset(tmp_path, 2)
    feed = Feed(tmp_path)
    feed.open()
    path = tmp_path / PAIRS_NAME
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"name": "../evil"}\n')
    with pytest.raises(DatasetError, match="line 3"):
        feed.poll()
    assert len(feed.table) == 2
    assert feed.poll() is None, "it is said once"
    path.write_bytes(whole)
    assert feed.poll() is None or len(feed.table) == 2
    with pytest.raises(DatasetError, match="not a folder"):
        Feed(tmp_path / "none").open()


def test_a_plain_folder_is_a_table_of_names(tmp_path: Path) -> None:
    for role, shape in (("mono", (8, 8)), ("color", (8, 8, 3))):
        (tmp_path / role).mkdir()
        cv2.imwrite(str(tmp_path / role / "a.png"), np.zeros(shape, np.uint8))
    table = Feed(tmp_path).open()
    assert table.is_plain
    assert [record.name for record in table.records] == ["a"]


def test_undo_and_redo_lead_back_and_forth(tmp_path: Path) -> None:
    names = tuple(write_dataset(tmp_path, 4))
    history, feed = EditHistory(DatasetEditor(tmp_path)), Feed(tmp_path)
    before = feed.open().records
    assert history.do(titled("Tag", 4, "x"), Edit(names, add_tags=("x",)))
    assert history.do(titled("Move to trash:", 1), Edit(names[:1], trashed=True))
    assert not history.do("Tag again", Edit(names, add_tags=("x",)))
    assert history.undo_title == "Move to trash: 1 pair"
    after = feed.poll()
    assert history.undo() == "Move to trash: 1 pair"
    assert history.undo() == "Tag 4 pairs: x"
    assert history.undo() == ""
    back = feed.poll()
    assert back is not None
    assert back.records == before
    assert (tmp_path / "mono" / f"{names[0]}.png").is_file()
    assert [history.redo(), history.redo(), history.redo()] == [
        "Tag 4 pairs: x", "Move to trash: 1 pair", ""]  # fmt: skip
    again = feed.poll()
    assert again is not None
    assert after is not None
    assert again.records == after.records
    history.undo()
    history.do("Exclude", Edit(names[:1], excluded=True))
    assert history.redo_title == ""
