"""Captured datasets become pairs to train on: rectified, the search direction right, no empty borders."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.training_data import CapturedPairs, is_captured, largest_box, open_training_pairs
from capture.calibration import RigCalibration, save_calibration
from capture.dataset import DatasetWriter
from capture.frames import ROLES, Frame, FramePair, Role
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.geometry import RigGeometry, rig_geometry, true_calibration
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS
from capture.virtual.stage import Stage
from models.data.ranges import disparity_range
from models.data.split import split_pairs
from models.errors import ModelError
from tests.capture.dataset_pairs import RIG
from tests.models.planted import planted_pair, write

SPEC = VirtualSpec(width=320, height=240)
SECOND_NS = 1_000_000_000


def rig(mirrored: bool) -> RigGeometry:
    usual = rig_geometry(SPEC)
    if not mirrored:
        return usual
    return RigGeometry(usual.mono, replace(usual.color, position=-usual.color.position))


@pytest.fixture(scope="module", params=[False, True], ids=["colour left", "colour right"])
def captured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RigCalibration]:
    """Three pairs, half a minute apart, and the exact calibration."""
    geometry = rig(request.param)
    calibration = true_calibration(SPEC, geometry)
    stage = Stage(SPEC, geometry)
    folder = tmp_path_factory.mktemp("captured") / "set"
    capture(folder, stage, [0, 30, 60], calibration)
    return folder, calibration


def capture(folder: Path, stage: Stage, seconds: Sequence[int], calibration: RigCalibration | None) -> None:
    with DatasetWriter(folder, RIG, calibration) as writer:
        for index, second in enumerate(seconds):
            mono, color = (frame(stage, role, index, second * SECOND_NS) for role in ROLES)
            writer.save(FramePair(index, mono, color, 0))


def frame(stage: Stage, role: Role, index: int, time_ns: int) -> Frame:
    look = SENSORS[role].look
    name, (layout, bits) = next(iter(PIXEL_FORMATS[role].items()))
    image = stage.image(role, index, time_ns, look)
    return Frame(role, image, layout, bits, name, index, time_ns, time_ns, look.exposure_us, look.gain_db)


def test_pairs_are_rectified_and_content_lies_further_right(captured: tuple[Path, RigCalibration]) -> None:
    folder, calibration = captured
    source = open_training_pairs([folder])
    assert list(source.names) == ["000000", "000001", "000002"]
    pair = source.read(0)
    assert pair.mono.shape == pair.reference.shape[:2]
    assert pair.mono.shape[1] > 0.8 * SPEC.width
    assert pair.max_disparity == calibration.max_disparity
    rectifier = Rectifier(calibration)
    nearest, farthest = (float(rectifier.disparity_px(mm)) for mm in (450.0, 4200.0))
    low, high = disparity_range(replace(pair, max_disparity=None))
    assert farthest - 5 <= low <= farthest + 2
    assert 0.7 * nearest <= high <= nearest + 5


def test_borders_are_cut_off(captured: tuple[Path, RigCalibration]) -> None:
    folder, calibration = captured
    rectifier = Rectifier(calibration)
    rows, columns = largest_box(rectifier.mono_valid & rectifier.reference_valid)
    pair = open_training_pairs([folder]).read(1)
    assert pair.mono.shape == (rows.stop - rows.start, columns.stop - columns.start)
    for image in (pair.mono, pair.reference.max(axis=2)):
        assert all(line.max() > 0 for line in (image[0], image[-1], image[:, 0], image[:, -1]))


@pytest.mark.parametrize("offset", [-6, 4])
def test_a_range_that_does_not_begin_at_0_is_moved_there(
    captured: tuple[Path, RigCalibration], tmp_path: Path, offset: int
) -> None:
    folder, calibration = captured
    save_calibration(replace(calibration, offset=offset), tmp_path / "moved.toml")
    usual, moved = (open_training_pairs([folder], path).read(0) for path in (None, tmp_path / "moved.toml"))
    assert moved.mono.shape[1] == usual.mono.shape[1] - abs(offset)
    before, after = (disparity_range(replace(pair, max_disparity=None)) for pair in (usual, moved))
    assert abs(after[1] - (before[1] - offset)) <= 2


def test_pairs_far_apart_in_time_are_different_scenes(captured: tuple[Path, RigCalibration]) -> None:
    source = open_training_pairs([captured[0]])
    assert len({source.scene_of(index) for index in range(3)}) == 3
    split = split_pairs(source)
    assert split.by_scene
    assert (len(split.train), len(split.held_out)) == (2, 1)


def test_workers_read_the_same(captured: tuple[Path, RigCalibration]) -> None:
    source = open_training_pairs([captured[0]])
    first = source.read(2)
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(copy.read(2).reference, first.reference)


def test_datasets_and_folders_are_joined(captured: tuple[Path, RigCalibration], tmp_path: Path) -> None:
    planted = planted_pair()
    write(tmp_path / "mono" / "planted.png", planted.mono)
    write(tmp_path / "color" / "planted.png", planted.reference)
    assert (is_captured(captured[0]), is_captured(tmp_path)) == (True, False)
    source = open_training_pairs([captured[0], tmp_path])
    assert list(source.names) == ["000000", "000001", "000002", "planted"]
    np.testing.assert_array_equal(source.read(3).mono, planted.mono)


def test_a_dataset_without_a_calibration_is_refused(tmp_path: Path) -> None:
    capture(tmp_path / "set", Stage(replace(SPEC, width=64, height=64)), [0], None)
    with pytest.raises(ModelError, match=r"no calibration.*calibrate"):
        open_training_pairs([tmp_path / "set"])


def test_a_calibration_of_another_size_is_refused(
    captured: tuple[Path, RigCalibration], tmp_path: Path
) -> None:
    save_calibration(true_calibration(VirtualSpec(width=640, height=480)), tmp_path / "other.toml")
    source = open_training_pairs([captured[0]], tmp_path / "other.toml")
    with pytest.raises(ModelError, match="640×480"):
        source.read(0)


def test_a_damaged_image_is_refused(captured: tuple[Path, RigCalibration], tmp_path: Path) -> None:
    folder, _ = captured
    copied = tmp_path / "set"
    for path in folder.rglob("*"):
        if path.is_file():
            target = copied / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    image = copied / "color" / "000001.png"
    image.write_bytes(image.read_bytes()[:200])
    source = CapturedPairs(copied)
    source.read(0)
    with pytest.raises(ModelError, match=r"000001\.png is truncated"):
        source.read(1)


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no folder"):
        open_training_pairs([])
    with pytest.raises(ModelError, match="not a folder"):
        open_training_pairs([tmp_path / "nowhere"])


def test_the_largest_box_has_no_holes() -> None:
    valid = np.ones((20, 30), np.bool_)
    valid[:3, :12] = False
    valid[17:, 20:] = False
    valid[:, 29] = False
    rows, columns = largest_box(valid)
    assert valid[rows, columns].all()
    assert (rows, columns) == (slice(3, 17), slice(0, 29))
