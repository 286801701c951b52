"""Replaying folders of pairs, plain and captured."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.dataset import DatasetWriter
from capture.errors import DatasetError, FrameTimeout, RigFileError, SettingRejected
from capture.frames import ROLES, Frame, Layout
from capture.replay import DEFAULT_RATE_HZ, ReplayRig
from capture.spec import ReplaySpec, open_rig
from tests.capture.dataset_pairs import RIG, make_pair
from tests.capture.rig_specs import PATIENCE_S, take


def write(path: Path, shape: tuple[int, ...], value: int, dtype: type = np.uint8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full(shape, value, dtype))


def write_pair(folder: Path, name: str, value: int, size: tuple[int, int] = (12, 16)) -> None:
    write(folder / "mono" / f"{name}.png", size, value)
    write(folder / "color" / f"{name}.png", (*size, 3), value + 1)


def spec(folder: Path) -> ReplaySpec:
    return ReplaySpec(folder, frame_rate_hz=500.0, loop=False)


def play(spec: ReplaySpec) -> list[Frame]:
    """Return all frames of a finite replay."""
    frames = []
    with open_rig(spec) as rig:
        rig.start()
        while (frame := rig.next_frame(PATIENCE_S)) is not None:
            frames.append(frame)
    return frames


def test_pairs_come_in_natural_order_with_equal_ids(tmp_path: Path) -> None:
    for name, value in (("p10", 100), ("p2", 20), ("p1", 10)):
        write_pair(tmp_path, name, value)
    frames = play(spec(tmp_path))
    assert [(frame.role, frame.frame_id, int(frame.image.flat[0])) for frame in frames] == [
        (role, index, value + (role == "color"))
        for index, value in enumerate((10, 20, 100))
        for role in ROLES
    ]
    assert {frame.layout for frame in frames} == {Layout.MONO, Layout.RGB}
    assert all(frame.device_ns is None for frame in frames)


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    write(tmp_path / "mono" / "a.png", (8, 8), 40_000, np.uint16)
    write(tmp_path / "color" / "a.png", (8, 8, 3), 50_000, np.uint16)
    mono, color = play(spec(tmp_path))
    assert (mono.bits, int(mono.image[0, 0])) == (16, 40_000)
    assert (color.bits, int(color.image[0, 0, 0])) == (16, 50_000)


def test_a_loop_goes_on_counting(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pair(tmp_path, name, 1)
    with open_rig(replace(spec(tmp_path), loop=True)) as rig:
        rig.start()
        assert [frame.frame_id for frame in take(rig, 10)] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_start_begins_anew(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 5)):
        write_pair(tmp_path, name, value)
    with open_rig(spec(tmp_path)) as rig:
        for _ in range(2):
            rig.start()
            frame = take(rig, 1)[0]
            assert (frame.frame_id, int(frame.image[0, 0])) == (0, 1)
            rig.stop()


def test_pairs_keep_their_rhythm_and_a_slow_reader_skips_none(tmp_path: Path) -> None:
    for index in range(6):
        write_pair(tmp_path, f"{index}", index)
    with open_rig(replace(spec(tmp_path), frame_rate_hz=50.0)) as rig:
        rig.start()
        first = take(rig, 2)
        with pytest.raises(FrameTimeout, match="50 Hz"):
            rig.next_frame(0.001)
        rest = take(rig, 10)
    times = [frame.host_ns for frame in (*first, *rest) if frame.role == "mono"]
    assert times[-1] - times[0] >= 5 * 20_000_000 * 0.95
    assert [frame.frame_id for frame in rest if frame.role == "mono"] == [1, 2, 3, 4, 5]


def test_a_changed_rate_and_a_stop_wake_who_waits(tmp_path: Path) -> None:
    for index in range(3):
        write_pair(tmp_path, f"{index}", index)
    with open_rig(replace(spec(tmp_path), frame_rate_hz=0.05)) as rig:
        rig.start()
        take(rig, 2)
        got: list[Frame | None] = []
        errors: list[Exception] = []
        arrived = threading.Event()

        def read() -> None:
            got.extend(take(rig, 2))
            arrived.set()
            try:
                rig.next_frame(PATIENCE_S)
            except FrameTimeout as error:
                errors.append(error)

        reader = threading.Thread(target=read)
        started = time.monotonic()
        reader.start()
        rig.apply("mono", "AcquisitionFrameRate", 1000.0)
        assert arrived.wait(PATIENCE_S / 2)
        rig.apply("color", "AcquisitionFrameRate", 0.05)
        rig.stop()
        reader.join(PATIENCE_S / 2)
        assert time.monotonic() - started < PATIENCE_S / 2
        assert not reader.is_alive()
        assert len(got) == 2


def test_only_rates_that_exist_are_taken(tmp_path: Path) -> None:
    write_pair(tmp_path, "a", 1)
    with open_rig(ReplaySpec(tmp_path)) as rig:
        assert rig.info.frame_rate_hz == DEFAULT_RATE_HZ
        for value in (0.0, 1e6, True, "fast"):
            with pytest.raises(SettingRejected, match="AcquisitionFrameRate"):
                rig.apply("mono", "AcquisitionFrameRate", value)
        assert rig.apply("mono", "AcquisitionFrameRate", 25) == 25.0
        assert rig.info.frame_rate_hz == 25.0
    with pytest.raises(RigFileError, match="frame_rate_hz"):
        ReplayRig(ReplaySpec(tmp_path, frame_rate_hz=0.0)).__enter__()


def test_sizes_may_vary_from_pair_to_pair(tmp_path: Path) -> None:
    for name, size in (("a", (12, 16)), ("b", (30, 40)), ("c", (10, 10))):
        write_pair(tmp_path, name, 1, size)
    with open_rig(spec(tmp_path)) as rig:
        assert (rig.info.mono.width, rig.info.mono.height) == (40, 30), "room for the largest"
    assert [frame.image.shape[:2] for frame in play(spec(tmp_path))[::2]] == [(12, 16), (30, 40), (10, 10)]


def test_a_captured_dataset_keeps_layouts_times_and_rate(tmp_path: Path) -> None:
    folder = tmp_path / "captured"
    pairs = [make_pair(index) for index in range(4)]
    with DatasetWriter(folder, RIG) as writer:
        for pair in pairs:
            writer.save(pair)
    with open_rig(ReplaySpec(folder)) as rig:
        assert rig.info.frame_rate_hz == pytest.approx(1e9 / 33_000_000, rel=1e-3)
        assert rig.info.color.has_clock
        assert not rig.info.mono.has_clock
    frames = play(replace(ReplaySpec(folder), frame_rate_hz=500.0, loop=False))
    for index, pair in enumerate(pairs):
        mono, color = frames[2 * index : 2 * index + 2]
        np.testing.assert_array_equal(mono.image, pair.mono.image)
        np.testing.assert_array_equal(color.image, pair.color.image)
        assert (color.layout, color.bits) == (Layout.BAYER_GB, 12)
        assert (color.device_ns, mono.device_ns) == (pair.color.device_ns, None)
        assert (color.exposure_us, color.gain_db) == (1500.5, 0.0)
        assert mono.frame_id == color.frame_id == index


def test_recorded_clocks_go_on_over_the_end_of_the_loop(tmp_path: Path) -> None:
    folder = tmp_path / "captured"
    with DatasetWriter(folder, RIG) as writer:
        for index in range(3):
            writer.save(make_pair(index))
    with open_rig(ReplaySpec(folder, frame_rate_hz=500.0)) as rig:
        rig.start()
        times = [frame.device_ns for frame in take(rig, 14) if frame.role == "color"]
    assert None not in times
    steps = np.diff(np.array(times, np.int64))
    assert (steps > 0).all()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no folder", "nowhere"),
        ("no images", "no pairs"),
        ("no color", "color"),
        ("half", r"color/b\.png is missing"),
        ("no png", r"mono/b\.png is not a PNG"),
        ("sizes", r"pair b .*16×12.*20×10"),
    ],
)
def test_what_is_wrong_with_a_folder_is_named_on_opening(tmp_path: Path, damage: str, message: str) -> None:
    folder = tmp_path / "pairs"
    for name in ("a", "b"):
        write_pair(folder, name, 3)
    match damage:
        case "no folder":
            folder = tmp_path / "nowhere"
        case "no images":
            for path in folder.rglob("*.png"):
                path.unlink()
        case "no color":
            for path in (folder / "color").iterdir():
                path.unlink()
            (folder / "color").rmdir()
        case "half":
            (folder / "color" / "b.png").unlink()
        case "no png":
            (folder / "mono" / "b.png").write_bytes(b"GIF89a, really")
        case "sizes":
            write(folder / "color" / "b.png", (10, 20, 3), 3)
    with pytest.raises(DatasetError, match=message):
        ReplayRig(spec(folder)).__enter__()


def test_a_truncated_file_is_named_when_its_turn_comes(tmp_path: Path) -> None:
    for name, value in (("a", 3), ("b", 4)):
        write_pair(tmp_path, name, value)
    path = tmp_path / "color" / "b.png"
    path.write_bytes(path.read_bytes()[:-20])
    with open_rig(spec(tmp_path)) as rig:
        rig.start()
        take(rig, 2)
        with pytest.raises(DatasetError, match=r"color/b\.png is truncated"):
            rig.next_frame(PATIENCE_S)


def test_real_pairs_replay(shared_dir: Path) -> None:
    for folder in (shared_dir / "data" / "real_pairs", shared_dir / "data" / "kitti_mono_color"):
        frames = play(ReplaySpec(folder, frame_rate_hz=1000.0, loop=False))
        assert len(frames) >= 10
        assert all(
            mono.image.shape == color.image.shape[:2]
            for mono, color in zip(frames[::2], frames[1::2], strict=True)
        )
