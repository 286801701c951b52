"""Datasets: what goes in comes out, and what cannot go in is said clearly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.calibration import load_calibration
from capture.dataset import DatasetEvent, DatasetReader, DatasetWriter, PairNote, read_events
from capture.dataset_records import from_line, to_line
from capture.errors import DatasetError
from capture.frames import Frame, Layout
from tests.capture.dataset_pairs import RIG, listed_pairs_that_are_not_whole, make_pair
from tests.capture.rigs_on_paper import make_calibration

ROOT = Path(__file__).resolve().parents[2]


def fill(folder: Path, count: int) -> list[str]:
    with DatasetWriter(folder, RIG) as writer:
        return [writer.save(make_pair(index)) for index in range(count)]


def same_frame(one: Frame, other: Frame) -> bool:
    assert not other.image.flags.writeable
    return np.array_equal(one.image, other.image) and all(
        getattr(one, field.name) == getattr(other, field.name)
        for field in fields(Frame)
        if field.name != "image"
    )


# In and out


@pytest.mark.parametrize(
    ("layout", "bits"),
    [(Layout.BAYER_RG, 8), (Layout.BAYER_GB, 10), (Layout.BAYER_BG, 12), (Layout.RGB, 8), (Layout.RGB, 16)],
)
def test_pairs_come_back_as_the_sensors_gave_them(tmp_path: Path, layout: Layout, bits: int) -> None:
    pairs = [make_pair(index, layout, bits) for index in range(3)]
    with DatasetWriter(tmp_path / "new" / "set", RIG) as writer:
        names = [writer.save(pair) for pair in pairs]
        assert writer.count == 3
    reader = DatasetReader.open(tmp_path / "new" / "set")
    assert [record.name for record in reader] == names == ["000000", "000001", "000002"]
    for record, pair in zip(reader, pairs, strict=True):
        loaded = reader.load(record, verify=True)
        assert same_frame(pair.mono, loaded.mono)
        assert same_frame(pair.color, loaded.color)
        assert (loaded.index, loaded.skew_ns) == (pair.index, pair.skew_ns)
    assert reader.frame_rate_hz == pytest.approx(1 / 0.033)


def test_reopening_goes_on_where_it_ended(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    with DatasetWriter(tmp_path, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"
        assert writer.count == 3
        assert writer.save(make_pair(3)) == "000003"
    reader = DatasetReader.open(tmp_path)
    assert [record.session for record in reader] == [0, 0, 0, 1]
    assert [session["rig"] for session in reader.sessions] == ["virtual", "virtual"]


def test_every_session_keeps_its_calibration(tmp_path: Path) -> None:
    first = make_calibration()
    second = replace(first, max_disparity=64)
    for index, calibration in enumerate([None, first, first, second]):
        with DatasetWriter(tmp_path, RIG, calibration) as writer:
            writer.save(make_pair(index))
    reader = DatasetReader.open(tmp_path)
    paths = [reader.calibration_path(record) for record in reader]
    assert paths == [
        None,
        *(tmp_path / name for name in ("calibration.toml", "calibration.toml", "calibration-2.toml")),
    ]
    assert load_calibration(tmp_path / "calibration.toml").max_disparity == first.max_disparity
    assert load_calibration(tmp_path / "calibration-2.toml").max_disparity == 64
    assert reader.calibration_path() == tmp_path / "calibration-2.toml"


def test_a_plain_folder_is_read_too(tmp_path: Path) -> None:
    mono = np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50
    color = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    for folder in ("mono", "color"):
        (tmp_path / folder).mkdir()
    for name in ("b", "a 1"):
        cv2.imwrite(str(tmp_path / "mono" / f"{name}.png"), mono)
        cv2.imwrite(str(tmp_path / "color" / f"{name}.png"), color[..., ::-1])
    reader = DatasetReader.open(tmp_path)
    assert reader.is_plain
    assert [record.name for record in reader] == ["a 1", "b"]
    assert reader.frame_rate_hz is None
    pair = reader.load(reader.records[1])
    assert np.array_equal(pair.mono.image, mono)
    assert np.array_equal(pair.color.image, color)
    assert (pair.mono.layout, pair.mono.bits, pair.color.layout, pair.color.bits) == (
        Layout.MONO,
        16,
        Layout.RGB,
        8,
    )


def test_the_real_pairs_are_read(shared_dir: Path) -> None:
    reader = DatasetReader.open(shared_dir / "data" / "real_pairs")
    assert len(reader) == 6
    pair = reader.load(reader.records[0])
    assert (pair.mono.image.shape, pair.color.image.shape) == ((172, 256), (172, 256, 3))


@given(
    index=st.integers(0, 2**40),
    skew=st.integers(-(2**62), 2**62),
    device=st.none() | st.integers(-(2**62), 2**62),
)
@settings(deadline=None)
def test_lines_come_back(index: int, skew: int, device: int | None) -> None:
    line = to_line(_record(index=index, skew_ns=skew, device_ns=device))
    assert line.count(b"\n") == 1
    assert to_line(from_line(line)) == line


def _record(index: int = 0, skew_ns: int = 0, device_ns: int | None = None):  # type: ignore[no-untyped-def]
    from capture.dataset import FrameRecord, PairRecord

    pair = make_pair(index % 1000)
    mono = FrameRecord.of(replace(pair.mono, device_ns=device_ns), b"x")
    return PairRecord(
        "000000", 0, "2026-01-01T00:00:00.000+00:00", index, skew_ns, mono, FrameRecord.of(pair.color, b"y")
    )


# Repair


def test_what_a_crash_leaves_is_set_aside(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    (tmp_path / "mono" / ".000004.png.77.tmp").write_bytes(b"half")
    (tmp_path / "mono" / "000004.png").write_bytes(b"whole, but unlisted")
    torn = b'{"name":"000004","session":0,"sav'
    with (tmp_path / "pairs.jsonl").open("ab") as file:
        file.write(torn)
    assert len(DatasetReader.open(tmp_path)) == 4  # reading does not wait for the repair
    with DatasetWriter(tmp_path, RIG) as writer:
        assert (
            str(writer.repairs)
            == "1 half-written files removed, 1 unlisted images set aside, 1 torn line set aside"
        )
        assert writer.save(make_pair(9)) == "000005"
    assert (tmp_path / "orphans" / "mono" / "000004.png").read_bytes() == b"whole, but unlisted"
    assert (tmp_path / "orphans" / "torn-lines.txt").read_bytes() == torn + b"\n"
    assert [record.name for record in DatasetReader.open(tmp_path)] == [
        "000000",
        "000001",
        "000002",
        "000003",
        "000005",
    ]
    assert listed_pairs_that_are_not_whole(tmp_path) == []
    with DatasetWriter(tmp_path, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"


@pytest.mark.parametrize("damage", ["missing", "shorter", "other bytes"])
def test_listed_pairs_that_are_damaged_leave_the_list_not_the_disk(tmp_path: Path, damage: str) -> None:
    fill(tmp_path, 4)
    path = tmp_path / "color" / "000002.png"
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(whole[:-9] if damage == "shorter" else whole[:100] + b"\x00" + whole[101:])
    mono = (tmp_path / "mono" / "000002.png").read_bytes()
    with DatasetWriter(tmp_path, RIG) as writer:
        assert writer.repairs.broken_pairs == 1
        assert writer.save(make_pair(9)) == "000004"
    assert [record.name for record in DatasetReader.open(tmp_path)] == [
        "000000",
        "000001",
        "000003",
        "000004",
    ]
    assert (tmp_path / "orphans" / "mono" / "000002.png").read_bytes() == mono
    kept = (tmp_path / "orphans" / "broken-pairs.jsonl").read_bytes()
    assert from_line(kept.splitlines()[0]).name == "000002"


def test_a_name_is_never_given_twice(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    for _ in range(2):
        lines = (tmp_path / "pairs.jsonl").read_bytes().splitlines(keepends=True)
        (tmp_path / "pairs.jsonl").write_bytes(b"".join(lines[:-1]))
        with DatasetWriter(tmp_path, RIG) as writer:
            name = writer.save(make_pair(5))
    assert name == "000003"
    assert sorted(path.name for path in (tmp_path / "orphans" / "mono").iterdir()) == [
        "000001.png",
        "000002.png",
    ]


# What cannot be


def test_a_second_writer_is_told_who_is_first(tmp_path: Path) -> None:
    with (
        DatasetWriter(tmp_path, RIG),
        pytest.raises(DatasetError, match=f"being written by process {os.getpid()}"),
    ):
        DatasetWriter(tmp_path, RIG).open()
    with DatasetWriter(tmp_path, RIG) as writer:  # and may go on once the first is done
        writer.save(make_pair(0))


def test_the_lock_of_a_dead_process_does_not_bind(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / ".lock").write_text("1\n")
    with DatasetWriter(tmp_path, RIG) as writer:
        assert writer.save(make_pair(1)) == "000001"


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DatasetError, match=r"is no dataset .*thesis\.tex.*choose an empty or a new folder"):
        DatasetWriter(tmp_path, RIG).open()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(DatasetError, match="is a file"):
        DatasetWriter(tmp_path / "thesis.tex", RIG).open()
    with pytest.raises(DatasetError, match="cannot write"):
        DatasetWriter(tmp_path / "thesis.tex" / "below", RIG).open()


NOT_WRITABLE = """
import os, sys
from pathlib import Path
from capture.dataset import DatasetWriter
from capture.errors import DatasetError
from tests.capture.dataset_pairs import RIG

if os.geteuid() == 0:
    os.seteuid(65534)  # root may write everywhere
try:
    DatasetWriter(Path(sys.argv[1]), RIG).open()
except DatasetError as error:
    print(error)
"""


def test_a_folder_that_is_not_writable() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not below tmp_path, which only its owner may enter
        Path(folder).chmod(0o555)
        for target in (folder, f"{folder}/new"):
            done = subprocess.run(
                [sys.executable, "-c", NOT_WRITABLE, target],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert "the folder is not writable: change its permissions" in done.stdout, done.stderr
        Path(folder).chmod(0o700)


def test_the_list_is_not_writable_or_is_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "pairs.jsonl").rename(tmp_path / "old")
    (tmp_path / "pairs.jsonl").mkdir()
    with pytest.raises(DatasetError, match=r"pairs\.jsonl"):
        DatasetWriter(tmp_path, RIG).open()
    with pytest.raises(DatasetError, match=r"pairs\.jsonl"):
        DatasetReader.open(tmp_path)


def test_saving_when_closed(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, RIG)
    with pytest.raises(DatasetError, match="not open"):
        writer.save(make_pair(0))
    writer.close()


@pytest.mark.parametrize(
    "note",
    [
        PairNote({"skew_ms": float("nan")}),
        PairNote({"skew_ms": np.float32(1)}),
        PairNote({"Skew (ms)": 1.0}),
        PairNote(tags=("x" * 65,)),
        PairNote(tags=("two\nlines",)),
        PairNote(tags=tuple(f"tag {number}" for number in range(33))),
        PairNote(mode="\ud800"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, note: PairNote) -> None:
    """One bad line would make all the others unreadable."""
    with DatasetWriter(tmp_path, RIG) as writer:
        saved = writer.save_group(
            [(make_pair(0), PairNote()), (make_pair(1), note), (make_pair(2), PairNote())]
        )
        assert saved.names == ("000000",)
        assert "pair 000001 was not saved" in str(saved.error)
        assert writer.save(make_pair(3)) == "000001"
    assert [record.index for record in DatasetReader.open(tmp_path)] == [0, 3]
    assert listed_pairs_that_are_not_whole(tmp_path) == []
    assert len(list(tmp_path.glob("mono/*"))) == len(list(tmp_path.glob("color/*"))) == 2


FULL_DISK = """
import resource, sys
from pathlib import Path
from capture.dataset import DatasetWriter
from capture.errors import DatasetError
from tests.capture.dataset_pairs import RIG, make_pair

folder, side, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with DatasetWriter(folder, RIG) as writer:
    for index in range(2):
        writer.save(make_pair(index, height=side, width=side))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        writer.save(make_pair(2, height=side, width=side))
    except DatasetError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(writer.save(make_pair(3, height=side, width=side)))
"""


@pytest.mark.parametrize(("side", "limit"), [(60, 2000), (6, 1300)], ids=["in an image", "in the line"])
def test_a_write_that_fails_halfway_loses_nothing(tmp_path: Path, side: int, limit: int) -> None:
    """The limit on file sizes makes real writes fail after some bytes, as a full disk does."""
    folder = tmp_path / "set"
    with DatasetWriter(tmp_path / "probe", RIG) as writer:
        for index in range(2):
            writer.save(make_pair(index, height=side, width=side))
    # Two lines fit, the third does not; the large images do not fit, the small ones do.
    line_end = (tmp_path / "probe" / "pairs.jsonl").stat().st_size
    image_end = max(path.stat().st_size for path in (tmp_path / "probe" / "color").iterdir())
    assert line_end < limit < 3 * line_end // 2 or limit < image_end
    assert (image_end < limit) == (side == 6)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder), str(side), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    message, name = done.stdout.splitlines()
    assert "pair 000002 was not saved" in message
    assert "larger than the system allows" in message
    assert "The 2 pairs" in message
    assert name == "000002"
    assert [record.index for record in DatasetReader.open(folder)] == [0, 1, 3]
    assert listed_pairs_that_are_not_whole(folder) == []
    assert not list(folder.glob("**/*.tmp"))
    with DatasetWriter(folder, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"


# Reading what others wrote


def damage_line(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "pairs.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    changed = change(lines[1])
    lines[1] = lines[1] if changed is None else changed
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: line.update(name="../../etc/passwd"), r"line 2: name: '../../etc/passwd' cannot be"),
        (lambda line: line.update(name=""), "line 2: name"),
        (lambda line: line.update(name="a" * 500), "line 2: name"),
        (lambda line: line.update(name="."), "line 2: name"),
        (lambda line: line.update(name="000000\n"), "line 2: name"),
        (lambda line: line.update(name="000000"), "line 2: name: '000000' is listed twice"),
        (lambda line: line.update(colour=1), "line 2: colour is not a known key"),
        (lambda line: line.pop("skew_ns"), "line 2: skew_ns is missing"),
        (lambda line: line.update(index=-1), "line 2: index"),
        (lambda line: line.update(index=True), "line 2: index"),
        (lambda line: line.update(mono=[]), "line 2: mono must be an object"),
        (lambda line: line["mono"].update(bits=33), r"line 2: mono\.bits"),
        (lambda line: line["color"].update(layout="bayer_xx"), r"line 2: color\.layout"),
        (lambda line: line["color"].update(sha256="abc"), r"line 2: color\.sha256"),
        (lambda line: line["color"].update(gain_db=float("nan")), "line 2: not JSON"),
        (lambda line: line["color"].update(gain_db="loud"), r"line 2: color\.gain_db"),
        (lambda line: [1, 2], "line 2: line must be an object"),
    ],
)
def test_lines_that_cannot_be_are_named(
    tmp_path: Path, change: Callable[[dict[str, object]], object], said: str
) -> None:
    fill(tmp_path, 3)
    damage_line(tmp_path, lambda line: result if isinstance(result := change(line), list) else None)
    with pytest.raises(DatasetError, match=said):
        DatasetReader.open(tmp_path)
    with pytest.raises(DatasetError, match=said):  # nor does the writer touch what it does not understand
        DatasetWriter(tmp_path, RIG).open()
    DatasetWriter(tmp_path / "other", RIG)


@given(
    line=st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists).map(repr).map(str.encode)
)
@settings(deadline=None)
def test_no_line_crashes_the_reader(line: bytes) -> None:
    with pytest.raises(DatasetError):
        from_line(line)


def test_a_dataset_of_another_version(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    path = tmp_path / "dataset.toml"
    path.write_text(path.read_text().replace("schema = 2", "schema = 3"))
    for attempt in (lambda: DatasetReader.open(tmp_path), lambda: DatasetWriter(tmp_path, RIG).open()):
        with pytest.raises(DatasetError, match="schema is 3"):
            attempt()


def test_a_calibration_outside_the_dataset_is_refused(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, RIG, make_calibration()) as writer:
        writer.save(make_pair(0))
    path = tmp_path / "dataset.toml"
    path.write_text(path.read_text().replace('"calibration.toml"', '"../calibration.toml"'))
    with pytest.raises(DatasetError, match="must be a file in the dataset"):
        DatasetReader.open(tmp_path).calibration_path()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: b"", "not a PNG"),
        (lambda data: data[: len(data) // 2] + b"\x00\x01" + data[len(data) // 2 + 2 :], "damaged"),
        (lambda data: b"GIF89a" + data, "not a PNG"),
    ],
)
def test_spoilt_images_are_named(tmp_path: Path, spoil: Callable[[bytes], bytes], said: str) -> None:
    fill(tmp_path, 1)
    path = tmp_path / "color" / "000000.png"
    path.write_bytes(spoil(path.read_bytes()))
    reader = DatasetReader.open(tmp_path)
    with pytest.raises(DatasetError, match=rf"000000\.png.*{said}"):
        reader.load(reader.records[0])
    with pytest.raises(DatasetError, match="hash"):
        reader.load(reader.records[0], verify=True)
    path.unlink()
    with pytest.raises(DatasetError, match="cannot read"):
        reader.load(reader.records[0])


def test_values_that_do_not_fit_the_record(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    damage_line(tmp_path, lambda line: line["color"].update(bits=10))  # type: ignore[attr-defined]
    reader = DatasetReader.open(tmp_path)
    with pytest.raises(DatasetError, match="do not fit 10 bits"):
        reader.load(reader.records[1])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "no folder mono/"),
        (["mono/"], "no folder color/"),
        (["mono/", "color/"], "holds no pairs"),
        (["mono/a.png", "mono/b.png", "color/b.png"], r"color/a\.png is missing: half of pair a"),
        (["mono/b.png", "color/a.png", "color/b.png"], r"mono/a\.png is missing"),
        (["mono/a.txt", "color/"], "holds no pairs"),
    ],
)
def test_folders_that_hold_no_pairs(tmp_path: Path, files: list[str], said: str) -> None:
    for name in files:
        folder, file = name.split("/")
        (tmp_path / folder).mkdir(exist_ok=True)
        if file:
            (tmp_path / folder / file).write_bytes(b"")
    with pytest.raises(DatasetError, match=said):
        DatasetReader.open(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        DatasetReader.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("mono_dimensions", "color_dimensions", "said"), [(3, 3, "colour image"), (2, 2, "gray image")]
)
def test_plain_images_of_the_wrong_kind(
    tmp_path: Path, mono_dimensions: int, color_dimensions: int, said: str
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    for folder, dimensions in (("mono", mono_dimensions), ("color", color_dimensions)):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.png"), image if dimensions == 3 else image[..., 0])
    reader = DatasetReader.open(tmp_path)
    with pytest.raises(DatasetError, match=said):
        reader.load(reader.records[0])


def test_events_stand_between_the_pairs_they_happened_between(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", RIG) as dataset:
        dataset.note(DatasetEvent("rig_lost", {"cause": "unplugged"}))
        name = dataset.save(make_pair(0))
        dataset.note(DatasetEvent("rig_back", {"frozen_s": 1.5, "refused": ["Gain"]}))
    with (tmp_path / "set" / "events.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-')  # the power went while a line was written
    with DatasetWriter(tmp_path / "set", RIG) as dataset:
        dataset.note(DatasetEvent("rig_lost", {"cause": "again"}))
    lost, back, again = read_events(tmp_path / "set")
    assert (lost["event"], lost["after"], lost["cause"], lost["session"]) == (
        "rig_lost",
        None,
        "unplugged",
        0,
    )
    assert (back["event"], back["after"], back["frozen_s"], back["refused"]) == (
        "rig_back",
        name,
        1.5,
        ["Gain"],
    )
    assert (again["after"], again["session"]) == (name, 1)
    assert [record.name for record in DatasetReader.open(tmp_path / "set")] == [name]
    with pytest.raises(DatasetError, match="not open for writing"):
        dataset.note(DatasetEvent("rig_lost"))
