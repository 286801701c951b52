"""Pairs that something else took: found, with times and calibration where they can be had."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.dataset import DatasetReader
from capture.datasets.check import check_dataset
from capture.datasets.foreign import camera_numbers, find_pairs, take_in
from capture.datasets.kitti import read_calibration, read_times
from capture.datasets.sources import SOURCES_NAME
from capture.errors import CalibrationError, DatasetError
from capture.rectify import Rectifier

SIZE = (64, 48)
# Of the 2011-09-26 drives of KITTI, published with the data; the first camera is gray, the third colour.
P0 = "7.215377e+02 0 6.095593e+02 0 0 7.215377e+02 1.728540e+02 0 0 0 1 0"
P2 = "7.215377e+02 0 6.095593e+02 4.485728e+01 0 7.215377e+02 1.728540e+02 2.163791e-01 0 0 1 2.745884e-03"
CALIB = f"calib_time: 09-Jan-2012 13:57:47\nP_rect_00: {P0}\nP_rect_02: {P2}\n"


def write_images(folder: Path, mono: str, color: str, names: list[str], suffix: str = ".png") -> None:
    rng = np.random.default_rng(0)
    for place, shape in ((mono, SIZE[::-1]), (color, (*SIZE[::-1], 3))):
        (folder / place).mkdir(parents=True)
        for name in names:
            cv2.imwrite(str(folder / place / f"{name}{suffix}"), rng.integers(0, 256, shape, np.uint8))


def test_kitti_raw_data(tmp_path: Path) -> None:
    drive = tmp_path / "2011_09_26" / "drive"
    write_images(drive, "image_00/data", "image_02/data", ["0000000000", "0000000001"])
    (tmp_path / "2011_09_26" / "calib_cam_to_cam.txt").write_text(CALIB)
    for camera, late in (("image_00", "123456789"), ("image_02", "123456999")):
        lines = [f"2011-09-26 13:02:2{n}.{late}" for n in (5, 6)]
        (drive / camera / "timestamps.txt").write_text("\n".join(lines) + "\n")
    found = find_pairs(drive)
    assert found.kind == "KITTI, image_00 and image_02"
    assert found.calib == (tmp_path / "2011_09_26" / "calib_cam_to_cam.txt").resolve()
    calibration = read_calibration(found.calib, *camera_numbers(found), SIZE, SIZE)
    # 4.485728e+01 / 7.215377e+02, less what the camera's z position and its principal point explain.
    assert calibration.translation_mm == pytest.approx([59.849, -0.358, 2.746], abs=0.001)
    assert calibration.color_side == "left"
    out = tmp_path / "set"
    seen: list[int] = []
    assert take_in(found, out, calibration, source="drive", progress=lambda n, _: seen.append(n)) == 2
    assert seen == [1, 2]
    assert check_dataset(out).damage == 0
    first, second = DatasetReader.open(out).records
    assert (first.skew_ns, second.skew_ns) == (210, 210)
    assert first.mono is not None
    assert second.mono is not None
    assert second.mono.host_ns - first.mono.host_ns == 1_000_000_000


def test_kitti_odometry_with_times_by_number(tmp_path: Path) -> None:
    write_images(tmp_path, "image_0", "image_2", ["000000", "000004"])
    (tmp_path / "times.txt").write_text("".join(f"{0.1 * n:e}\n" for n in range(6)))
    found = find_pairs(tmp_path)
    assert found.mono_ns == {"000000": 0, "000004": 400_000_000}
    assert found.calib is None
    (tmp_path / "times.txt").write_text("0\n")
    with pytest.raises(DatasetError, match="has 1 times for 2 pairs"):
        find_pairs(tmp_path)
    assert find_pairs(tmp_path, with_times=False).mono_ns == {}


def test_plain_folders_of_any_name_and_kind_of_file(tmp_path: Path) -> None:
    write_images(tmp_path / "in", "gray", "rgb", ["a", "b"], ".jpg")
    with pytest.raises(DatasetError, match="--mono and --color"):
        find_pairs(tmp_path / "in")
    found = find_pairs(tmp_path / "in", "gray", "rgb")
    assert take_in(found, tmp_path / "set", None, source="in", tags=("desk",)) == 2
    reader = DatasetReader.open(tmp_path / "set")
    assert [record.tags for record in reader] == [("desk",), ("desk",)]
    assert (tmp_path / "set" / SOURCES_NAME).read_text().split() == [
        "name,source,name_there",
        "000000,in,a",
        "000001,in,b",
    ]
    pair = reader.load(reader.records[1], verify=True)
    mono, color = found.read("b")
    assert np.array_equal(pair.mono.image, mono)
    assert np.array_equal(pair.color.image, color)


def test_the_real_car_becomes_a_dataset(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "data" / "kitti_mono_color"
    found = find_pairs(source)
    assert found.calib is not None
    calibration = read_calibration(found.calib, 0, 2, (1242, 375), (1242, 375))
    assert Rectifier(calibration).baseline_mm == pytest.approx(59.9, abs=0.1)


def test_halves_datasets_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        find_pairs(tmp_path / "nowhere")
    write_images(tmp_path, "mono", "color", ["a", "b"])
    (tmp_path / "color" / "b.png").unlink()
    with pytest.raises(DatasetError, match="half of pair b"):
        find_pairs(tmp_path)
    (tmp_path / "pairs.jsonl").touch()
    with pytest.raises(DatasetError, match="is a dataset already"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P0: 1 2 3\nP2: 1 2 3\n",
        CALIB.replace("4.485728e+01", "nan"),
        CALIB.replace("4.485728e+01", "0"),
        CALIB.replace("7.215377e+02", "0"),
        CALIB.replace("7.215377e+02", "1e400"),
    ],
)
def test_calibrations_that_cannot_be_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "calib.txt").write_text(text)
    with pytest.raises(CalibrationError):
        read_calibration(tmp_path / "calib.txt", 0, 2, SIZE, SIZE)


@given(data=st.binary(max_size=300))
@settings(deadline=None, max_examples=200)
def test_hostile_texts_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "text.txt"
    path.write_bytes(data)
    with suppress(DatasetError):
        assert all(isinstance(time_ns, int) for time_ns in read_times(path))
    with pytest.raises((DatasetError, CalibrationError)):
        read_calibration(path, 0, 2, SIZE, SIZE)
