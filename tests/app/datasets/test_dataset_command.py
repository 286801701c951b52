"""`main.py dataset …` as a person at the bench uses it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import main
from app.datasets.export import ExportPlan, export_pairs
from app.datasets.shards import read_shard
from app.datasets.shown_progress import ShownProgress
from app.training_data import open_training_pairs
from capture.dataset import DatasetEditor, DatasetReader, DatasetWriter, Edit, PairNote, SessionAbout
from capture.errors import DatasetError
from capture.frames import ROLES, Frame, FramePair, Role
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS
from capture.virtual.stage import Stage
from models.data.pairs import open_pairs
from models.data.split import split_pairs
from tests.capture.dataset_pairs import RIG

SPEC = VirtualSpec(width=160, height=120)
COUNT = 10


def frame(stage: Stage, role: Role, index: int, time_ns: int) -> Frame:
    look = SENSORS[role].look
    name, (layout, bits) = next(iter(PIXEL_FORMATS[role].items()))
    image = stage.image(role, index, time_ns, look)
    return Frame(role, image, layout, bits, name, index, time_ns, time_ns, look.exposure_us, look.gain_db)


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of five scenes, two each; one pair is excluded, one in the trash. Not to be changed."""
    folder = tmp_path_factory.mktemp("captured") / "garden"
    stage = Stage(SPEC)
    rig = replace(
        RIG,
        **{role: replace(getattr(RIG, role), width=160, height=120) for role in ROLES},  # type: ignore[arg-type]
    )
    about = SessionAbout(operator="Kim <3", gate_limits={"skew_ms": 2.0})
    with DatasetWriter(folder, rig, true_calibration(SPEC), about) as writer:
        for index in range(COUNT):
            time_ns = index // 2 * 20_000_000_000
            mono, color = (frame(stage, role, index, time_ns + index) for role in ROLES)
            note = PairNote({"skew_ms": 0.1 * index}, tags=("plants" if index < 4 else "desk",), mode="timed")
            writer.save(FramePair(index, mono, color, index * 1000), note)
    DatasetEditor(folder).apply(Edit(("000008",), excluded=True), Edit(("000009",), trashed=True))
    return folder


def dataset(*arguments: object) -> int:
    return main.main(["dataset", *map(str, arguments)])


def test_check_says_what_is_wrong_by_its_exit_code(
    captured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    assert dataset("merge", captured, "--out", copy, "--copy") == 0
    assert dataset("check", captured, copy) == 0
    assert "9 of 9 pairs whole" in capsys.readouterr().out
    (copy / "mono" / "000003.png").unlink()
    assert dataset("check", "--quick", copy) == 1
    assert "000003: mono/000003.png is missing (--repair sets it aside)" in capsys.readouterr().out
    assert dataset("check", "--json", copy) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["kind"] == "missing"
    assert dataset("check", "--repair", copy) == 0
    assert dataset("check", copy) == 0
    assert "8 of 8 pairs whole" in capsys.readouterr().out
    assert dataset("check", tmp_path / "nowhere") == 2
    assert "is not a folder" in capsys.readouterr().err


def test_stats_draw_what_was_captured(
    captured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "page.html"
    assert dataset("stats", captured, "--html", page) == 0
    text = capsys.readouterr().out
    assert "garden: 9 pairs, 1 sessions" in text
    assert "1 excluded, 1 in the trash" in text
    assert "tags: desk 5 (56%), plants 4 (44%)" in text
    assert "Skew, gate (ms)" in text
    assert "limit 2.00" in text
    assert "the calibration searches disparities 0 … 23 px" in text
    drawn = page.read_text()
    assert "Kim &lt;3" in drawn
    assert drawn.count("<svg") >= 6
    assert "http" not in drawn.replace("http-equiv", "")  # nothing comes from elsewhere
    assert dataset("stats", captured, "--json", "--disparity-pairs", "0") == 0
    figures = json.loads(capsys.readouterr().out)
    skew = next(column for column in figures["columns"] if column["key"] == "gate_skew_ms")
    assert skew["values"] == pytest.approx([0.1 * index for index in range(9)])


def test_export_is_what_training_reads(captured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert dataset("export", captured, "--out", out, "--train-share", "0.5") == 0
    source = open_training_pairs([captured])
    sides = {side: open_pairs(out / side) for side in ("train", "held_out")}
    names = {side: set(pairs.names) for side, pairs in sides.items()}
    assert names["train"] | names["held_out"] == set(source.names) == {f"{n:06d}" for n in range(8)}
    assert not names["train"] & names["held_out"]
    for first in range(0, 8, 2):  # two pairs of a scene
        assert f"{first:06d}" in names["train"] or f"{first + 1:06d}" in names["held_out"]
    # What reads the folder finds the same pairs, scenes and search range as what reads the dataset.
    for pairs in sides.values():
        for index, name in enumerate(pairs.names):
            there, here = pairs.read(index), source.read(list(source.names).index(name))
            assert (there.scene, there.max_disparity) == (here.scene, here.max_disparity)
            np.testing.assert_array_equal(there.mono, here.mono)
            np.testing.assert_array_equal(there.reference, here.reference)
    again = split_pairs(open_pairs(out), seed=0, train_share=0.5)
    assert again.by_scene


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (16, np.uint16)])
def test_export_in_8_or_16_bits(captured: Path, tmp_path: Path, bits: int, kind: type) -> None:
    assert dataset("export", captured, "--out", tmp_path / "out", "--no-split", "--bits", bits) == 0
    pairs = open_pairs(tmp_path / "out")
    pair, original = pairs.read(0), open_training_pairs([captured]).read(0)
    assert pair.mono.dtype == pair.reference.dtype == kind
    scale = np.iinfo(kind).max / np.iinfo(original.mono.dtype).max
    np.testing.assert_allclose(pair.mono, original.mono * scale, atol=1)


def test_export_as_tiff(captured: Path, tmp_path: Path) -> None:
    assert dataset("export", captured, "--out", tmp_path / "out", "--no-split", "--format", "tiff") == 0
    assert (tmp_path / "out" / "mono" / "000000.tif").is_file()
    pair, original = open_pairs(tmp_path / "out").read(0), open_training_pairs([captured]).read(0)
    np.testing.assert_array_equal(pair.mono, original.mono)
    np.testing.assert_array_equal(pair.reference, original.reference)


def test_export_that_was_stopped_is_valid_and_goes_on(
    captured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = open_training_pairs([captured]), tmp_path / "out"

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_pairs(source, out, ExportPlan(split=False), stop)
    assert not json.loads((out / "export.json").read_text())["complete"]
    there = len(open_pairs(out))  # which raises if half of a pair is there
    assert 3 <= there < 8
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert dataset("export", captured, "--out", out, "--no-split") == 0
    assert f"({there} were there before)" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(open_pairs(out)) == 8
    assert json.loads((out / "export.json").read_text())["complete"]


def test_an_export_that_was_stopped_early_opens_too(captured: Path, tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export_pairs(open_training_pairs([captured]), out, ExportPlan(), stop)
    assert 1 <= len(open_pairs(out)) < 8
    assert dataset("export", captured, "--out", out) == 0
    assert len(open_pairs(out)) == 8


def test_another_export_is_not_mixed_in(captured: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert dataset("export", captured, "--out", out) == 0
    assert dataset("export", captured, "--out", out, "--bits", "16") == 2
    assert dataset("export", captured, "--out", out, "--seed", "1") == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()
    assert dataset("export", captured, "--out", tmp_path / "full") == 2


def test_a_changed_file_is_not_exported(captured: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert dataset("merge", captured, "--out", copy, "--copy") == 0
    other = (copy / "mono" / "000001.png").read_bytes()
    (copy / "mono" / "000000.png").write_bytes(other)
    assert dataset("export", copy, "--out", tmp_path / "out") == 2


# Shards


def test_shards_are_the_same_bytes_every_time_and_read_as_samples(captured: Path, tmp_path: Path) -> None:
    arguments = ("--shards", "--shard-pairs", "3", "--train-share", "0.5")
    for name in ("one", "two"):
        assert dataset("export", captured, "--out", tmp_path / name, *arguments) == 0
    paths = sorted((tmp_path / "one").glob("*.tar"))
    assert {path.name.split("-")[0] for path in paths} == {"train", "held_out"}
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    samples = {key: sample for path in paths for key, sample in read_shard(path).items()}
    assert set(samples) == {f"{n:06d}" for n in range(8)}
    for key, sample in samples.items():
        assert set(sample) == {"mono.png", "color.png", "json"}
        about = json.loads(sample["json"])
        assert about["captured"]["name"] == about["name"] == key
        assert about["captured"]["gates"]["skew_ms"] == pytest.approx(0.1 * int(key))
    folder = tmp_path / "folder"
    assert dataset("export", captured, "--out", folder, "--no-split") == 0
    assert samples["000003"]["color.png"] == (folder / "color" / "000003.png").read_bytes()


def test_shards_go_on_where_they_ended(captured: Path, tmp_path: Path) -> None:
    source, out = open_training_pairs([captured]), tmp_path / "out"
    plan = ExportPlan(split=False, shard_pairs=3)

    def stop(done: int, _: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_pairs(source, out, plan, stop)
    assert [path.name for path in sorted(out.iterdir())] == ["export.json", "pairs-000000.tar"]
    assert export_pairs(source, out, plan).there_before == 3
    assert sum(len(read_shard(path)) for path in out.glob("*.tar")) == 8


def tar_of(*names: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no tar", "cannot read"),
        (tar_of("noextension"), "no file of a sample"),
        (tar_of("a.json", "b.json", "a.mono.png"), "do not follow each other"),
        (tar_of("a.json", "a.JSON"), "twice"),
    ],
)
def test_what_webdataset_would_not_read_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=said):
        read_shard(path)


# Split


def test_split_makes_two_datasets_by_scene(
    captured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dataset("split", captured, tmp_path / "out") == 0
    assert dataset("split", captured, tmp_path / "lists", "--lists") == 0
    assert dataset("check", tmp_path / "out" / "train", tmp_path / "out" / "held_out") == 0
    seen: list[str] = []
    for side in ("train", "held_out"):
        names = [record.name for record in DatasetReader.open(tmp_path / "out" / side)]
        assert (tmp_path / "lists" / f"{side}.txt").read_text().split() == names
        seen += names
    assert sorted(seen) == [f"{n:06d}" for n in range(8)]
    assert dataset("split", captured, tmp_path / "out") == 2
    capsys.readouterr()
    assert dataset("split", captured, tmp_path / "share", "--train-share", "1.5") == 2
    assert not (tmp_path / "share").exists()


def test_tags_keep_scenes_together(captured: Path, tmp_path: Path) -> None:
    assert dataset("split", captured, tmp_path / "out", "--lists", "--scenes", "tags") == 0
    sides = [set((tmp_path / "out" / f"{side}.txt").read_text().split()) for side in ("train", "held_out")]
    plants = {f"{n:06d}" for n in range(4)}
    assert plants in sides
    copy = tmp_path / "copy"
    assert dataset("merge", captured, "--out", copy) == 0
    DatasetEditor(copy).apply(Edit(("000000", "000007"), add_tags=("scene:gate",)))
    for seed in range(6):
        assert dataset("split", copy, tmp_path / f"s{seed}", "--lists", "--seed", seed) == 0
        train = set((tmp_path / f"s{seed}" / "train.txt").read_text().split())
        assert len({"000000", "000001", "000006", "000007"} & train) in (0, 4)


def test_every_action_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("check", "stats", "export", "split", "merge", "import"):
        with pytest.raises(SystemExit, match="0"):
            dataset(action, "--help")
        assert len(capsys.readouterr().out) > 200


# Import


def test_the_car_is_taken_in_with_its_calibration_and_exported(
    shared_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "car"
    source = shared_dir / "data" / "kitti_mono_color"
    assert dataset("import", source, out, "--tag", "street") == 0
    said = capsys.readouterr().out
    assert "baseline 59.9 mm, colour camera on the left" in said
    assert dataset("import", source, out) == 2
    assert dataset("import", source, out, "--append", "--no-calibration") == 0
    assert [s.get("calibration") for s in DatasetReader.open(out).sessions] == ["calibration.toml", None]
    assert dataset("check", out) == 0
    assert dataset("import", out, tmp_path / "other") == 2


def test_a_long_command_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("app.datasets.shown_progress.time.monotonic", lambda: now[0])
    said = io.StringIO()
    with ShownProgress("exporting", stream=said) as progress:
        progress(1, 100)
        now[0] += 2
        progress(50, 100)
        progress(51, 100)
    assert said.getvalue() == "exporting: 50 of 100 pairs, 2 s left\n"


@pytest.mark.parametrize("spoil", [lambda f: (f / "pairs.jsonl").write_bytes(b"\xff\n"), lambda f: None])
def test_commands_refuse_damage_in_one_line(
    captured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object]
) -> None:
    copy = tmp_path / "copy"
    assert dataset("merge", captured, "--out", copy, "--copy") == 0
    is_spoiled = spoil(copy) is not None
    capsys.readouterr()
    codes = [
        dataset("stats", copy, "--disparity-pairs", "0"),
        dataset("merge", copy, captured, "--out", tmp_path / "m"),
        dataset("split", copy, tmp_path / "s", "--lists"),
        dataset("export", copy, "--out", tmp_path / "e"),
    ]
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert codes == ([2] * 4 if is_spoiled else [0] * 4)
    assert len(errors) == (4 if is_spoiled else 0)
