"""Merging and taking parts out: everything goes along, nothing is changed, conflicts are refused."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from capture.calibration import load_calibration
from capture.dataset import (
    DatasetEditor,
    DatasetEvent,
    DatasetReader,
    DatasetWriter,
    Edit,
    PairNote,
    SessionAbout,
    read_events,
    read_notes,
    write_notes,
)
from capture.datasets.check import check_dataset
from capture.datasets.combine import Combined, Part, combine
from capture.datasets.sources import SOURCES_NAME
from capture.errors import DatasetError
from tests.capture.dataset_pairs import RIG, make_pair
from tests.capture.rigs_on_paper import make_calibration

CALIBRATION = make_calibration(mono_size=(40, 30), color_size=(40, 30))


def fill(folder: Path, first: int, count: int, *, disparities: int = 48, tag: str = "desk") -> Path:
    with DatasetWriter(
        folder, RIG, replace(CALIBRATION, max_disparity=disparities), SessionAbout(operator=folder.name)
    ) as writer:
        for index in range(first, first + count):
            writer.save(
                make_pair(index), PairNote(gates={"skew_ms": 0.1 * index}, tags=(tag,), mode="single")
            )
        writer.note(DatasetEvent("rig_lost", {"cause": "unplugged"}))
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return fill(tmp_path / "one", 0, 3)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return fill(tmp_path / "two", 10, 4, disparities=64, tag="plants")


def state(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_merging_carries_everything_along(one: Path, two: Path, tmp_path: Path) -> None:
    DatasetEditor(two).apply(
        Edit(("000001",), excluded=True, add_tags=("odd",), remove_tags=("plants",)),
        Edit(("000002",), trashed=True),
    )
    write_notes(one, "first notes\n")
    write_notes(two, "second notes\n")
    before = state(one), state(two)
    out = tmp_path / "deep" / "er" / "both"
    seen: list[tuple[int, int]] = []
    done = combine([Part(one), Part(two)], out, progress=lambda n, total: seen.append((n, total)))
    assert done == Combined(6, (), 1, 12, 0)
    assert seen[-1] == (6, 6)
    assert (state(one), state(two)) == before
    assert check_dataset(out).findings == ()
    reader = DatasetReader.open(out)
    assert [record.name for record in reader] == [f"{n:06d}" for n in range(6)]
    assert [record.session for record in reader] == [0, 0, 0, 1, 1, 1]
    assert [record.tags for record in reader][3:] == [("plants",), ("odd",), ("plants",)]
    assert [record.excluded for record in reader] == [False] * 4 + [True, False]
    assert reader.records[5].gates == {"skew_ms": pytest.approx(1.3)}
    assert [session["operator"] for session in reader.sessions] == ["one", "two"]
    assert [session["merged_from"] for session in reader.sessions] == ["one", "two"]
    paths = [reader.calibration_path(record) for record in reader]
    assert [load_calibration(p).max_disparity for p in paths if p] == [48, 48, 48, 64, 64, 64]
    assert [(e["session"], e["after"]) for e in read_events(out)] == [(0, "000002"), (1, "000005")]
    assert "[one]\nfirst notes" in read_notes(out)
    with (out / SOURCES_NAME).open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["000000", "one", "000000"]
    assert rows[-1] == ["000005", "two", "000003"]


def test_images_are_links_or_copies(one: Path, two: Path, tmp_path: Path) -> None:
    combine([Part(one), Part(two)], tmp_path / "linked")
    combine([Part(one), Part(two)], tmp_path / "copied", link=False)
    source = (one / "mono" / "000000.png").stat()
    assert (tmp_path / "linked" / "mono" / "000000.png").stat().st_ino == source.st_ino
    assert (tmp_path / "copied" / "mono" / "000000.png").stat().st_ino != source.st_ino


def test_a_merged_dataset_goes_on(one: Path, two: Path, tmp_path: Path) -> None:
    out = tmp_path / "both"
    combine([Part(one), Part(two)], out)
    before = state(one)
    with DatasetWriter(out, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"
        assert writer.save(make_pair(99)) == "000007"
    DatasetEditor(out).apply(Edit(("000000",), trashed=True))
    assert state(one) == before
    assert check_dataset(out).damage == 0


def test_doubles_are_left_out_unless_wanted(one: Path, two: Path, tmp_path: Path) -> None:
    combine([Part(one), Part(two)], tmp_path / "both")
    done = combine([Part(one), Part(tmp_path / "both")], tmp_path / "again")
    assert (done.pairs, done.doubles) == (7, ("both/000000", "both/000001", "both/000002"))
    done = combine([Part(one), Part(tmp_path / "both")], tmp_path / "doubled", keep_doubles=True)
    assert (done.pairs, done.doubles) == (10, ())


def test_a_part_keeps_its_names(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "part"
    combine([Part(two, frozenset({"000001", "000003"}))], out)
    assert [record.name for record in DatasetReader.open(out)] == ["000001", "000003"]
    assert check_dataset(out).findings == ()
    assert [e["after"] for e in read_events(out)] == ["000003"]


def test_damaged_and_foreign_sources_are_refused_and_nothing_is_left(
    one: Path, two: Path, tmp_path: Path
) -> None:
    out = tmp_path / "both"
    names = {path.name for path in tmp_path.iterdir()}
    path = two / "color" / "000002.png"
    good = path.read_bytes()
    path.write_bytes(good[:-30] + bytes(18) + good[-12:])
    with pytest.raises(DatasetError, match=r"color/000002\.png is not the file that was captured"):
        combine([Part(one), Part(two)], out)
    path.write_bytes(good)
    table = two / "dataset.toml"
    text = table.read_text()
    table.write_text(re.sub("schema = 2", "schema = 9", text))
    with pytest.raises(DatasetError, match="schema is 9"):
        combine([Part(one), Part(two)], out)
    table.write_text(text)
    (two / "calibration.toml").write_text("x = ")
    with pytest.raises(DatasetError, match="not a TOML file"):
        combine([Part(one), Part(two)], out)
    assert {path.name for path in tmp_path.iterdir()} == names


def test_bad_requests_are_refused(one: Path, two: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="named twice"):
        combine([Part(one), Part(two / ".." / "one")], tmp_path / "out")
    with pytest.raises(DatasetError, match="exists already"):
        combine([Part(one)], two)
    with pytest.raises(DatasetError, match="no pairs are left"):
        combine([Part(one, frozenset())], tmp_path / "out")


def test_breaking_off_leaves_nothing(one: Path, two: Path, tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    names = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        combine([Part(one), Part(two)], tmp_path / "out", progress=stop)
    assert {path.name for path in tmp_path.iterdir()} == names


def test_what_an_earlier_attempt_left_is_cleared_but_nothing_else(one: Path, tmp_path: Path) -> None:
    partial = tmp_path / ".out.partial"
    (partial / "mono").mkdir(parents=True)
    combine([Part(one)], tmp_path / "out")
    assert not partial.exists()
    partial = tmp_path / ".out2.partial"
    partial.mkdir()
    (partial / "precious").touch()
    with pytest.raises(DatasetError, match="in the way"):
        combine([Part(one)], tmp_path / "out2")
    assert (partial / "precious").exists()
