"""A rig that was knocked: the light goes on, and a small turn is found and taken out again."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

import app.pipeline.calibrations
from app.pipeline.board import Board
from app.pipeline.calibrations import Calibrations, save_keeping_former
from app.pipeline.drift import TOPIC, DriftWatch, next_light
from app.pipeline.live import LiveConfig
from app.pipeline.slots import LatestSlot
from app.pipeline.status import RectifiedPair
from app.pipeline.turning import corrected, measure_rows, rms_px
from capture.calibration import RigCalibration, load_calibration, save_calibration
from capture.correction import with_turn
from capture.develop import develop_pair
from capture.errors import CalibrationError
from capture.frames import Frame, FramePair
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from capture.virtual.rig import SHIPPED_CALIBRATION
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS
from tests.app.pipelines import PATIENCE_S, Watched
from tests.capture.virtual_stage import SPEC, stage

EXACT = true_calibration(SPEC)
# Wrong from the start, as far as the app can know: nothing in the file tells of the turn.
PITCHED, ROLLED = (
    replace(with_turn(EXACT, turn_deg), correction=None) for turn_deg in ([0.2, 0.0, 0.0], [0.05, 0.0, -0.25])
)


@pytest.fixture(scope="module")
def pair() -> FramePair:
    def frame(role: str) -> Frame:
        name, (layout, bits) = next(iter(PIXEL_FORMATS[role].items()))
        image = stage().image(role, 0, 0, replace(SENSORS[role].look, bits=bits))
        return Frame(role, image, layout, bits, name, 0, 0, 0)

    return FramePair(0, frame("mono"), frame("color"), 0)


def rectified(pair: FramePair, calibration: RigCalibration) -> RectifiedPair:
    images = Rectifier(calibration).rectify(*develop_pair(pair))
    return RectifiedPair(pair, *images, rectified=True, calibration=calibration)


@pytest.mark.parametrize("turned", [PITCHED, ROLLED])
def test_a_small_turn_is_measured_and_taken_out(pair: FramePair, turned: RigCalibration) -> None:
    shift = measure_rows(rectified(pair, turned), turned)
    assert shift is not None
    assert rms_px(shift) > 0.25
    mended = corrected(turned, shift, pair)
    left = measure_rows(rectified(pair, mended), mended)
    assert left is not None
    assert rms_px(left) < 0.1
    # What is left of the turn is the part that rows do not show: about the vertical axis.
    left_deg = np.rad2deg(cv2.Rodrigues(mended.rotation @ EXACT.rotation.T)[0]).ravel()
    assert left_deg[[0, 2]] == pytest.approx([0, 0], abs=0.02)


def test_a_right_calibration_is_left_alone(pair: FramePair) -> None:
    shift = measure_rows(rectified(pair, EXACT), EXACT)
    assert shift is not None
    assert rms_px(shift) < 0.1
    with pytest.raises(CalibrationError, match="recalibrate"):
        # What is left is noise: nothing that a turn would make better by itself.
        corrected(EXACT, replace(shift, offset_px=0.0, stretch_px=0.0, shear_px=0.0), pair)


def test_the_light_does_not_flicker() -> None:
    assert next_light("unknown", 0.24) == "green"
    assert next_light("green", 0.26) == "amber"
    assert next_light("amber", 0.24) == "amber", "just below is not yet good"
    assert next_light("amber", 0.19) == "green"
    assert next_light("amber", 0.51) == "red"
    assert next_light("red", 0.45) == "red"
    assert next_light("red", 0.30) == "amber"


def test_pairs_from_before_a_change_do_not_count(pair: FramePair) -> None:
    slot: LatestSlot[RectifiedPair] = LatestSlot()
    notices = Board((TOPIC,), lambda: None)
    watch = DriftWatch(slot, notices, period_s=0.0)
    watch.use(EXACT)
    thread = threading.Thread(target=watch.run)
    old, new = rectified(pair, PITCHED), rectified(pair, EXACT)
    taken = threading.Event()
    thread.start()
    try:
        slot.put(old)
        while watch.status().measured < 1 and not taken.wait(0.01):
            slot.put(new)
    finally:
        watch.stop()
        thread.join(PATIENCE_S)
    assert watch.status().light == "green"
    assert watch.newest() is new


def test_the_calibration_that_ships_is_not_written_to() -> None:
    before = SHIPPED_CALIBRATION.read_bytes()
    with Watched(LiveConfig(VirtualSpec(frame_rate_hz=5), colorize=False)) as live:
        live.wait_for_views(1)
        pipeline = live.pipeline
        assert pipeline.calibration is not None
        pipeline.use_calibration(with_turn(pipeline.calibration.calibration, [0.3, 0, 0]))
        live.wait_for("a red light", lambda: pipeline.status().drift.light == "red")
        live.wait_for("a word of it", lambda: "has moved" in pipeline.status().notice)
        pipeline.correct_rotation()
        assert "has moved" not in pipeline.status().notice
        live.wait_for("a green light", lambda: pipeline.status().drift.light == "green")
    assert SHIPPED_CALIBRATION.read_bytes() == before


def test_a_calibration_for_another_size_is_refused() -> None:
    spec = VirtualSpec(width=96, height=64, frame_rate_hz=10)
    with Watched(LiveConfig(spec, colorize=False)) as live:
        live.wait_for_views(1)
        with pytest.raises(CalibrationError, match="96×64"):
            live.pipeline.use_calibration(EXACT)
        assert live.pipeline.calibration is None


def test_a_former_calibration_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    former = replace(EXACT, date=datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    save_keeping_former(former, path)
    save_keeping_former(replace(former, max_disparity=64), path)  # the same one, with another range
    assert [file.name for file in tmp_path.iterdir()] == ["rig.toml"]
    save_keeping_former(PITCHED, path)
    kept = load_calibration(tmp_path / "rig.2026-03-01_120000.toml")
    assert kept.max_disparity == 64
    assert load_calibration(path).date == PITCHED.date
    path.write_text("not a calibration")
    save_keeping_former(PITCHED, path)
    assert (tmp_path / "rig.unreadable.toml").read_text() == "not a calibration"


def test_only_files_that_were_asked_for_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_ours(path: Path, *, asked_for: bool) -> bool:
        save_calibration(EXACT, path)
        topics = ("calibration",)
        calibrations = Calibrations(Board(topics, lambda: None), Board(topics, lambda: None))
        calibrations.open(path, is_ours=asked_for)
        assert calibrations.in_use is not None
        return calibrations.in_use.is_ours

    assert is_ours(tmp_path / "rig.toml", asked_for=True)
    assert not is_ours(tmp_path / "rig.toml", asked_for=False)
    monkeypatch.setattr(app.pipeline.calibrations, "PACKAGE", tmp_path / "package")
    assert not is_ours(tmp_path / "package" / "simulator" / "rig.toml", asked_for=True)
