"""What people decide about pairs: tags, exclusion, trash, and taking it back."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.dataset import (
    DatasetEditor,
    DatasetReader,
    DatasetWriter,
    Edit,
    PairNote,
    SessionAbout,
    read_notes,
    write_notes,
)
from capture.dataset_edits import EDITS_NAME, Edits
from capture.errors import DatasetError
from tests.capture.dataset_pairs import RIG, make_pair
from tests.capture.rigs_on_paper import make_calibration


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with DatasetWriter(tmp_path, RIG) as writer:
        for index in range(4):
            writer.save(make_pair(index), PairNote(tags=("bench",)))
    return tmp_path


def states(folder: Path) -> dict[str, tuple[tuple[str, ...], bool, bool]]:
    reader = DatasetReader.open(folder)
    return {r.name: (r.tags, r.excluded, r.trashed) for r in (*reader.records, *reader.trash)}


def test_what_is_known_of_a_pair_comes_back(tmp_path: Path) -> None:
    note = PairNote({"skew_ms": 0.25, "cycle_ssim": None}, ("skew_ms",), ("bench", "blue light"), "walk")
    about = SessionAbout(
        "1.2", "Kim", "f/4, no filter", {"mono": {"BlackLevel": 4.0}}, {"skew_ms": 1.0, "x": None}
    )
    with DatasetWriter(tmp_path, RIG, make_calibration(), about) as writer:
        writer.save(make_pair(0), note)
    reader = DatasetReader.open(tmp_path)
    record = reader.records[0]
    assert PairNote(record.gates, record.warnings, record.tags, record.mode) == note
    session = reader.sessions[0]
    assert (session["app_version"], session["operator"], session["lens_note"]) == (
        "1.2",
        "Kim",
        "f/4, no filter",
    )
    assert session["nodes"] == {"mono": {"BlackLevel": 4.0}}
    assert session["gate_limits"] == {"skew_ms": 1.0}
    assert len(str(session["calibration_sha256"])) == 64


def test_a_session_can_be_described_again(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, RIG, None, SessionAbout(operator="Kim")) as writer:
        writer.save(make_pair(0))
        writer.describe(SessionAbout(operator="Lee", lens_note="f/8"))
    (session,) = DatasetReader.open(tmp_path).sessions
    assert (session["operator"], session["lens_note"], session["rig"]) == ("Lee", "f/8", "virtual")


def test_a_dataset_of_schema_1_is_read_and_migrated(folder: Path) -> None:
    document, pairs = folder / "dataset.toml", folder / "pairs.jsonl"
    document.write_text(document.read_text().replace("schema = 2", "schema = 1"))
    lines = [json.loads(line) for line in pairs.read_text().splitlines()]
    new = ("gates", "warnings", "tags", "mode")
    old = [json.dumps({key: value for key, value in line.items() if key not in new}) + "\n" for line in lines]
    pairs.write_text("".join(old))
    assert DatasetReader.open(folder).records[0].tags == ()
    with DatasetWriter(folder, RIG) as writer:
        writer.save(make_pair(4), PairNote(mode="single"))
    assert "schema = 2" in document.read_text()
    assert [record.mode for record in DatasetReader.open(folder)] == ["", "", "", "", "single"]
    assert pairs.read_text().startswith("".join(old))  # what was captured stays as it was written


def test_an_edit_migrates_too_and_leaves_it_to_whoever_writes(folder: Path) -> None:
    document = folder / "dataset.toml"
    former = document.read_text().replace("schema = 2", "schema = 1")
    document.write_text(former)
    sessions = DatasetReader.open(folder).sessions
    with DatasetWriter(folder, RIG):
        document.write_text(former)  # as another writer, about to migrate, would still have it
        DatasetEditor(folder).apply(Edit(("000000",), excluded=True))
        assert document.read_text() == former
    DatasetEditor(folder).apply(Edit(("000001",), excluded=True))
    assert "schema = 2" in document.read_text()
    assert DatasetReader.open(folder).sessions == sessions


def test_edits_and_their_inverse(folder: Path) -> None:
    editor = DatasetEditor(folder)
    before = states(folder)
    undo_one = editor.apply(Edit(("000001",), add_tags=("wall",), excluded=True))
    undo_two = editor.apply(Edit(("000000", "000001"), add_tags=("wall",), remove_tags=("bench",)))
    assert states(folder)["000000"] == (("wall",), False, False)
    assert states(folder)["000001"] == (("wall",), True, False)
    redo = editor.apply(*undo_two)
    assert states(folder)["000001"] == (("bench", "wall"), True, False)
    editor.apply(*redo)
    assert states(folder)["000001"] == (("wall",), True, False)
    editor.apply(*undo_two)
    editor.apply(*undo_one)
    assert states(folder) == before


def test_edits_made_together_are_taken_back_last_one_first(folder: Path) -> None:
    before = states(folder)
    out, back = Edit(("000000",), excluded=True), Edit(("000000",), excluded=False)
    undo = DatasetEditor(folder).apply(out, back)
    DatasetEditor(folder).apply(*undo)
    assert states(folder) == before


def test_trash_takes_the_files_along_and_gives_them_back(folder: Path) -> None:
    undo = DatasetEditor(folder).apply(Edit(("000002",), trashed=True))
    reader = DatasetReader.open(folder)
    assert [record.name for record in reader] == ["000000", "000001", "000003"]
    assert (folder / "trash" / "mono" / "000002.png").exists()
    assert not (folder / "color" / "000002.png").exists()
    reader.load(reader.trash[0], verify=True)
    with DatasetWriter(folder, RIG) as writer:  # reopening finds nothing to repair, and gives no name twice
        assert str(writer.repairs) == "nothing to repair"
        assert writer.save(make_pair(4)) == "000004"
    DatasetEditor(folder).apply(*undo)
    reader = DatasetReader.open(folder)
    assert [record.name for record in reader] == ["000000", "000001", "000002", "000003", "000004"]
    reader.load(reader.records[2], verify=True)


@pytest.mark.parametrize("half", [0, 1, 2])
def test_a_crash_while_files_move_is_completed(folder: Path, half: int) -> None:
    DatasetEditor(folder).apply(Edit(("000002",), trashed=True))
    for role in ("mono", "color")[:half]:
        (folder / "trash" / role / "000002.png").rename(folder / role / "000002.png")
    with DatasetWriter(folder, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"
    assert states(folder)["000002"] == (("bench",), False, True)
    reader = DatasetReader.open(folder)
    reader.load(reader.trash[0], verify=True)


def test_an_emptied_trash_is_no_damage(folder: Path) -> None:
    DatasetEditor(folder).apply(Edit(("000002",), trashed=True))
    for role in ("mono", "color"):
        (folder / "trash" / role / "000002.png").unlink()
    with DatasetWriter(folder, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"
    assert len(DatasetReader.open(folder)) == 3


def test_a_torn_edit_was_never_made(folder: Path) -> None:
    editor = DatasetEditor(folder)
    editor.apply(Edit(("000000",), excluded=True))
    with (folder / EDITS_NAME).open("ab") as file:
        file.write(b'{"at":"now","names":["000001"],"excl')
    assert [state[1] for state in states(folder).values()] == [True, False, False, False]
    editor.apply(Edit(("000003",), excluded=True))
    assert [state[1] for state in states(folder).values()] == [True, False, False, True]


@pytest.mark.parametrize(
    "line",
    [
        b'{"at":"now","names":["../../etc/passwd"],"trashed":true}',
        b'{"at":"now","names":"000001","trashed":true}',
        b'{"at":"now","names":["000001"],"trashed":"yes"}',
        b'{"at":"now","names":["000001"],"add_tags":["a\\nb"]}',
        b'{"at":"now","names":["000001"],"colour":"red"}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_makes_no_sense_is_named(folder: Path, line: bytes) -> None:
    (folder / EDITS_NAME).write_bytes(line + b"\n")
    with pytest.raises(DatasetError, match=r"edits\.jsonl, line 1: "):
        DatasetReader.open(folder)


def test_what_cannot_be_edited_changes_nothing(folder: Path) -> None:
    editor = DatasetEditor(folder)
    for edit in (Edit(("000000", "nobody"), excluded=True), Edit(("000000",), add_tags=("",))):
        with pytest.raises(DatasetError):
            editor.apply(edit)
    assert not (folder / EDITS_NAME).exists()
    with pytest.raises(DatasetError, match="32 tags"):
        editor.apply(Edit(("000000",), add_tags=tuple(f"tag {n}" for n in range(32))))


def test_many_editors_beside_a_writer(folder: Path) -> None:
    def tag(name: str) -> None:
        for number in range(5):
            DatasetEditor(folder).apply(Edit((name,), add_tags=(f"tag {number}",)))

    with DatasetWriter(folder, RIG) as writer:
        threads = [threading.Thread(target=tag, args=(f"00000{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        saved = writer.save(make_pair(4))
        for thread in threads:
            thread.join()
        DatasetEditor(folder).apply(Edit((saved,), trashed=True))  # undo the last save
    assert all(len(state[0]) == 6 for name, state in states(folder).items() if name != saved)
    assert states(folder)[saved][2]


_TAGS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True).map(tuple)
_EDITS = st.builds(
    Edit,
    names=st.lists(st.sampled_from(["0", "1", "2"]), min_size=1, unique=True).map(tuple),
    add_tags=_TAGS,
    remove_tags=_TAGS,
    excluded=st.none() | st.booleans(),
    trashed=st.none() | st.booleans(),
)


@given(st.lists(_EDITS, max_size=6))
@settings(max_examples=100)
def test_undoing_everything_leads_back(edits: list[Edit]) -> None:
    from capture.dataset_edits import PairState, _follow

    state = Edits({name: PairState(("a",)) for name in "012"})
    inverse = [back for edit in edits for back in _follow(state, edit)]
    for back in reversed(inverse):
        state.follow(back)
    for each in state.states.values():
        assert sorted(each.tags) == ["a"]
        assert not each.excluded
        assert not each.trashed


def test_notes(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == ""
    write_notes(tmp_path, "Café, 5 µm\n")
    assert read_notes(tmp_path) == "Café, 5 µm\n"
    (tmp_path / "notes.txt").write_bytes(b"\xff")
    with pytest.raises(DatasetError, match="UTF-8"):
        read_notes(tmp_path)
    with pytest.raises(DatasetError, match="1 MiB"):
        write_notes(tmp_path, "x" * (1 << 21))


def test_an_editor_follows_what_others_do_to_the_lists(folder: Path) -> None:
    editor, other = DatasetEditor(folder), DatasetEditor(folder)
    editor.apply(Edit(("000000",), add_tags=("first",)))
    other.apply(Edit(("000000",), add_tags=("second",)))
    with DatasetWriter(folder, RIG) as writer:
        new = writer.save(make_pair(5))
    undo = editor.apply(Edit(("000000", new), add_tags=("second", "third")))
    assert {back.names: back.remove_tags for back in undo} == {
        ("000000",): ("third",),
        (new,): ("second", "third"),
    }
    assert states(folder)["000000"] == (("bench", "first", "second", "third"), False, False)
    assert states(folder)[new] == (("second", "third"), False, False)

    (folder / EDITS_NAME).unlink()  # somebody starts anew
    editor.apply(Edit((new,), excluded=True))
    assert states(folder) == {
        **{f"{number:06d}": (("bench",), False, False) for number in range(4)},
        new: ((), True, False),
    }


def test_an_edit_that_is_refused_leaves_the_editor_as_the_folder_is(folder: Path) -> None:
    editor = DatasetEditor(folder)
    with pytest.raises(DatasetError, match="no pair '000009'"):
        editor.apply(Edit(("000000", "000009"), trashed=True))
    assert editor.apply(Edit(("000000",), trashed=True)) == (Edit(("000000",), trashed=False),)
    assert states(folder)["000000"] == (("bench",), False, True)
