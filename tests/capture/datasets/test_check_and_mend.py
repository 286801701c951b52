"""What is wrong with a dataset is named; what can be mended is, and nothing that was captured is lost."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.dataset import DatasetEditor, DatasetReader, DatasetWriter, Edit, PairNote
from capture.dataset_lock import FolderLock
from capture.datasets.check import check_dataset
from capture.datasets.findings import Checked, Finding
from capture.datasets.mend import mend_dataset
from capture.errors import DatasetError
from capture.frames import ROLES
from tests.capture.dataset_pairs import RIG, make_pair
from tests.capture.rigs_on_paper import make_calibration

COUNT = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dataset = tmp_path / "set"
    calibration = make_calibration(mono_size=(40, 30), color_size=(40, 30))
    with DatasetWriter(dataset, RIG, calibration) as writer:
        for index in range(COUNT):
            writer.save(make_pair(index), PairNote(tags=("desk",)))
    DatasetEditor(dataset).apply(Edit(("000001",), trashed=True), Edit(("000002",), excluded=True))
    return dataset


def found(folder: Path) -> list[tuple[str, str]]:
    return [(f.kind, f.name) for f in check_dataset(folder).findings if f.is_damage]


def images(folder: Path) -> Counter[str]:
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.png"))


def relist(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = folder / "pairs.jsonl"
    path.write_bytes(b"\n".join(change(path.read_bytes().split(b"\n"))))


def test_a_sound_dataset_has_no_findings(folder: Path) -> None:
    seen = []
    checked = check_dataset(folder, progress=lambda done, total: seen.append((done, total)))
    assert checked.findings == ()
    assert (checked.pairs, checked.whole) == (COUNT, COUNT)
    assert checked.size_bytes == sum(p.stat().st_size for p in folder.rglob("*.png"))
    assert seen == [(n, COUNT) for n in range(1, COUNT + 1)]


def missing(folder: Path) -> None:
    (folder / "mono" / "000003.png").unlink()


def longer(folder: Path) -> None:
    with (folder / "color" / "000003.png").open("ab") as file:
        file.write(b"\x00")


def other_content(folder: Path) -> None:
    path = folder / "color" / "000003.png"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def believed_garbage(folder: Path) -> None:
    """A file that is no image, with a line that knows its hash."""
    data = b"\x89PNG\r\n\x1a\n garbage"
    (folder / "mono" / "000003.png").write_bytes(data)

    def change(lines: list[bytes]) -> list[bytes]:
        value = json.loads(lines[3])
        value["mono"] |= {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return [*lines[:3], json.dumps(value).encode(), *lines[4:]]

    relist(folder, change)


def link_out(folder: Path) -> None:
    path = folder / "mono" / "000003.png"
    path.rename(folder.parent / "elsewhere.png")
    path.symlink_to(folder.parent / "elsewhere.png")


@pytest.mark.parametrize(
    ("spoil", "kind", "lost"),
    [
        (missing, "missing", 1),
        (longer, "size", 1),
        (other_content, "hash", 1),
        (believed_garbage, "image", 1),
        (link_out, "link", 0),
    ],
)
def test_a_pair_with_a_bad_file_is_named_and_set_aside(
    folder: Path, spoil: Callable[[Path], None], kind: str, lost: int
) -> None:
    before = images(folder)
    spoil(folder)
    spoiled = images(folder)
    assert found(folder) == [(kind, "000003")]
    mended, after = mend_dataset(folder, check_dataset(folder))
    assert mended.repairs.broken_pairs == 1
    assert after.damage == 0
    assert [record.name for record in DatasetReader.open(folder)] == ["000000", "000002", "000004", "000005"]
    assert not spoiled - images(folder)
    assert sum((before - spoiled).values()) == lost
    assert "000003" in (folder / "orphans" / "broken-pairs.jsonl").read_text()


def test_bad_lines_are_named_by_number_and_kept_aside(folder: Path) -> None:
    relist(folder, lambda lines: [lines[0], b"garbage", b'{"name":"../../x"}', *lines[1:-1], b'{"torn'])
    checked = check_dataset(folder)
    assert [(f.kind, f.name) for f in checked.findings] == [
        ("line", "pairs.jsonl, line 2"),
        ("line", "pairs.jsonl, line 3"),
        ("line", "pairs.jsonl"),
    ]
    mended, after = mend_dataset(folder, checked)
    assert (mended.lines, mended.repairs.torn_lines, after.damage) == (2, 1, 0)
    assert (folder / "orphans" / "bad-lines.jsonl").read_bytes().split(b"\n")[:2] == [
        b"garbage",
        b'{"name":"../../x"}',
    ]
    assert len(DatasetReader.open(folder)) == COUNT - 1


def test_of_repeated_names_the_line_that_fits_the_files_stays(folder: Path) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        wrong = json.loads(lines[4])
        wrong["mono"]["sha256"] = "0" * 64
        return [json.dumps(wrong).encode(), *lines]

    relist(folder, change)
    checked = check_dataset(folder)
    assert [(f.kind, f.name) for f in checked.findings] == [("duplicate", "000004")]
    _, after = mend_dataset(folder, checked)
    assert after.damage == 0
    reader = DatasetReader.open(folder)
    assert len(reader) == COUNT - 1
    for record in reader:
        reader.load(record, verify=True)


def test_unlisted_images_and_what_a_crash_left(folder: Path) -> None:
    (folder / "mono" / "000099.png").write_bytes((folder / "mono" / "000000.png").read_bytes())
    (folder / "mono" / ".000100.png.1.tmp").write_bytes(b"half")
    (folder / "notes.md").write_text("mine")
    checked = check_dataset(folder)
    assert {(f.kind, f.name, f.is_damage) for f in checked.findings} == {
        ("unlisted", "mono/000099.png", True),
        ("temporary", "mono/.000100.png.1.tmp", True),
        ("unknown", "notes.md", False),
    }
    _, after = mend_dataset(folder, checked)
    assert after.damage == 0
    assert (folder / "orphans" / "mono" / "000099.png").is_file()
    assert (folder / "notes.md").is_file()


def test_a_move_to_the_trash_that_a_crash_broke_off_is_completed(folder: Path) -> None:
    (folder / "trash" / "mono" / "000001.png").rename(folder / "mono" / "000001.png")
    assert ("trash", "mono/000001.png") in found(folder)
    _, after = mend_dataset(folder, check_dataset(folder))
    assert after.damage == 0
    assert (folder / "trash" / "mono" / "000001.png").is_file()


def test_an_emptied_trash_is_no_damage(folder: Path) -> None:
    for role in ROLES:
        (folder / "trash" / role / "000001.png").unlink()
    checked = check_dataset(folder)
    assert checked.damage == 0
    assert {f.name for f in checked.findings} == {"000001"}


def test_edits_that_cannot_be_followed(folder: Path) -> None:
    path = folder / "edits.jsonl"
    path.write_bytes(b'{"at":"x","names":["../x"]}\n' + path.read_bytes() + b"[]\n")
    assert found(folder) == [("edit", "edits.jsonl, line 1"), ("edit", "edits.jsonl, line 4")]
    mended, after = mend_dataset(folder, check_dataset(folder))
    assert (mended.edits, after.damage) == (2, 0)
    reader = DatasetReader.open(folder)
    assert [record.name for record in reader.trash] == ["000001"]


def test_a_lost_table_of_sessions_is_made_anew(folder: Path) -> None:
    (folder / "dataset.toml").unlink()
    assert found(folder) == [("session", "dataset.toml")]
    mended, after = mend_dataset(folder, check_dataset(folder))
    assert (mended.sessions, after.damage) == (1, 0)
    reader = DatasetReader.open(folder)
    assert reader.sessions[0]["rig"] == "unknown"
    assert reader.calibration_path() == folder / "calibration.toml"


def test_sessions_before_the_damage_are_kept(folder: Path) -> None:
    with DatasetWriter(folder, RIG) as writer:
        writer.save(make_pair(9))
    path = folder / "dataset.toml"
    path.write_bytes(path.read_bytes()[:-30] + b"\xff\xfe")
    mended, after = mend_dataset(folder, check_dataset(folder))
    assert (mended.sessions, after.damage) == (1, 0)
    assert [session["rig"] for session in DatasetReader.open(folder).sessions] == ["virtual", "unknown"]
    assert (folder / "orphans" / "bad-dataset.toml").is_file()


def edited(folder: Path) -> str:
    return (folder / "calibration.toml").read_text() + "\n# mine\n"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "calibration.toml").unlink(), "is missing"),
        (lambda f: (f / "calibration.toml").write_text("x = "), "not a TOML file"),
        (lambda f: (f / "calibration.toml").write_text(edited(f)), "its hash differs"),
    ],
)
def test_calibrations_are_checked(folder: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(folder)
    (finding,) = check_dataset(folder).findings
    assert finding.kind == "calibration"
    assert said in finding.message
    assert not finding.mend


def test_a_calibration_for_another_size_is_noted(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", RIG, make_calibration()) as writer:
        writer.save(make_pair(0))
    checked = check_dataset(tmp_path / "set")
    assert {f.kind for f in checked.findings} == {"calibration"}
    assert "is for mono images of 320×240, the camera gave 40×30" in checked.findings[0].message
    assert checked.damage == 0


def test_a_newer_schema_is_refused_whole(folder: Path) -> None:
    path = folder / "dataset.toml"
    path.write_text(re.sub("schema = 2", "schema = 3", path.read_text()))
    (folder / "pairs.jsonl").write_text('{"something": "new"}\n')
    before = images(folder)
    with pytest.raises(DatasetError, match="schema is 3"):
        check_dataset(folder)
    with pytest.raises(DatasetError, match="schema is 3"):
        mend_dataset(folder, Checked((), 0, 0, 0))
    assert images(folder) == before
    assert (folder / "pairs.jsonl").read_text() == '{"something": "new"}\n'


def test_what_another_process_writes_is_not_mended(folder: Path) -> None:
    missing(folder)
    checked = check_dataset(folder)
    lock = FolderLock(folder)
    lock.acquire()
    with pytest.raises(DatasetError, match="being written"):
        mend_dataset(folder, checked)
    lock.release()
    assert mend_dataset(folder, checked)[1].damage == 0


def test_a_dataset_that_is_being_written_is_not_called_damaged(folder: Path) -> None:
    with DatasetWriter(folder, RIG) as writer:
        writer.save(make_pair(7))
        (folder / "mono" / "000008.png").write_bytes(b"not listed yet")
        (folder / "color" / ".000008.png.1.tmp").write_bytes(b"not whole yet")
        checked = check_dataset(folder)
        assert checked.damage == 0
        assert [f.name for f in checked.findings] == [".lock"]
    assert check_dataset(folder).damage == 2


@pytest.mark.parametrize("name", ["mono", "orphans", "trash", "pairs.jsonl", ".lock", "events.jsonl"])
def test_links_out_are_named_and_nothing_is_written_through_them(folder: Path, name: str) -> None:
    outside = folder.parent / "outside"
    path = folder / name
    if path.exists():
        path.rename(outside)
    elif "." in name:
        outside.write_text("kept")
    else:
        outside.mkdir()
    path.symlink_to(outside)
    state = sorted((p.name, p.stat().st_mtime_ns) for p in [outside, *outside.rglob("*")])
    checked = check_dataset(folder)
    assert ("link", name) in {(f.kind, f.name.rstrip("/")) for f in checked.findings}
    with pytest.raises(DatasetError, match="outside the dataset"):
        mend_dataset(folder, checked)
    with pytest.raises(DatasetError, match="outside the dataset"), DatasetWriter(folder, RIG):
        pass
    with pytest.raises(DatasetError, match="outside the dataset"):
        DatasetEditor(folder).apply(Edit(("000000",), trashed=True))
    assert sorted((p.name, p.stat().st_mtime_ns) for p in [outside, *outside.rglob("*")]) == state


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["pairs.jsonl", "dataset.toml", "edits.jsonl", "mono/000000.png"])
def test_a_pipe_is_never_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert check_dataset(folder).damage > 0


def test_a_bomb_is_refused_before_it_unfolds(folder: Path) -> None:
    path = folder / "mono" / "000000.png"
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    reader = DatasetReader.open(folder)
    with pytest.raises(DatasetError, match="claims to be 60000×60000"):
        reader.load(reader.records[0])
    data[16:24] = (12_000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot hold"):
        reader.load(reader.records[0])


# Plain folders


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    for role, shape in (("mono", (20, 30)), ("color", (20, 30, 3))):
        (tmp_path / role).mkdir()
        for name in ("a", "b", "c"):
            cv2.imwrite(str(tmp_path / role / f"{name}.png"), np.full(shape, 99, np.uint8))
    return tmp_path


def test_plain_folders_are_checked_too(plain: Path) -> None:
    assert check_dataset(plain).findings == ()
    (plain / "color" / "a.png").unlink()
    (plain / "mono" / "b.png").write_bytes(b"nothing")
    cv2.imwrite(str(plain / "mono" / "c.png"), np.zeros((21, 30), np.uint8))
    checked = check_dataset(plain)
    assert [(f.kind, f.name) for f in checked.findings] == [("half", "a"), ("image", "b"), ("size", "c")]
    assert (checked.pairs, checked.whole, checked.is_plain) == (2, 0, True)
    with pytest.raises(DatasetError, match="plain folder"):
        mend_dataset(plain, checked)


def test_what_is_no_dataset_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        check_dataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="no dataset and no pair folder"):
        check_dataset(tmp_path)


def test_findings_are_shown_not_obeyed(folder: Path) -> None:
    (folder / "mono" / "\x1b[31mred.png").write_bytes(b"x")
    (finding,) = [f for f in check_dataset(folder).findings if isinstance(f, Finding)]
    assert "\x1b" not in finding.name
    assert "red.png" in finding.name
