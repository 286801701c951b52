"""The whole pipeline on real rigs in real capture processes, with a real engine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

import app.pipeline.live
from app.pipeline.board import Board
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.pairing import PairStage
from app.pipeline.recorder import Recorder
from app.search import SearchWish
from capture.calibration import save_calibration
from capture.dataset import DatasetReader, DatasetWriter, PairNote, SavedGroup
from capture.errors import CalibrationError, DatasetError, DeviceLost, DeviceNotFound, SettingRejected
from capture.frames import FramePair
from capture.rig_file import viky_spec
from capture.spec import CameraSpec, GenicamSpec, ReplaySpec, VirtualSpec
from capture.virtual.geometry import true_calibration
from capture.virtual.rig import VirtualRig
from models.engine import Colorization, Engine, SearchRange
from models.errors import InferenceFailed, WeightsMismatch
from models.metrics import psnr
from tests.app.pipelines import Watched, number_of, write_replay

pytestmark = pytest.mark.usefixtures("no_leaks")

SMALL = VirtualSpec(width=160, height=120, frame_rate_hz=20)
ROOM_FOR_PAIRS = 200_000  # bytes: five small ones


def config(rig: VirtualSpec | ReplaySpec | GenicamSpec = SMALL, **changes: object) -> LiveConfig:
    return LiveConfig(rig, device="cpu", threads=1, **{"max_disparity": 32, **changes})  # type: ignore[arg-type]


def test_pairs_come_colorized_and_everything_is_joined() -> None:
    with Watched(config()) as watched:
        watched.wait_for_results(2)
        status = watched.pipeline.status()
        assert status.state == "running"
        assert status.error == ""
        assert status.rig is not None
        assert status.rig.kind == "virtual"
        assert status.device.startswith("CPU")
        assert status.memory_mb > 50
        assert status.search.max_disparity == 32
        assert all(status.stages[stage].finished for stage in ("capture", "pair", "rectify", "colorize"))
    result = watched.results[-1]
    assert result.colorization.refined.shape == (120, 160, 3)
    assert result.latency_ms > 0
    stopped = watched.pipeline.status()
    assert stopped.state == "stopped"
    for name in ("rectify", "colorize"):
        stage = stopped.stages[name]
        assert stage.taken == stage.finished + stage.dropped
    pairing, cameras = stopped.pairing, stopped.cameras
    assert cameras["mono"].delivered == pairing.paired + pairing.unpaired_mono + pairing.waiting_mono
    assert cameras["color"].delivered == pairing.paired + pairing.unpaired_color + pairing.waiting_color
    assert stopped.stages["rectify"].taken == pairing.paired
    watched.pipeline.stop()  # a second time does nothing


def test_a_pipeline_that_never_started_can_be_stopped() -> None:
    pipeline = LivePipeline(config())
    pipeline.stop()
    pipeline.stop()
    with pytest.raises(RuntimeError):
        pipeline.start()


def test_stopping_at_once_leaves_nothing() -> None:
    with Watched(config()):
        pass


class PatientEngine(Engine):
    """The real engine, which waits for a permit before each pair and fails when told to."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.permits = threading.Semaphore(0)
        self.failures: list[Exception] = []
        engines.append(self)

    def colorize(self, *args: object, **options: object) -> Colorization:
        self.permits.acquire()
        if self.failures:
            raise self.failures.pop(0)
        return super().colorize(*args, **options)  # type: ignore[arg-type]


engines: list[PatientEngine] = []


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PatientEngine]]:
    monkeypatch.setattr(app.pipeline.live, "Engine", PatientEngine)
    engines.clear()
    yield engines
    for engine in engines:
        engine.permits.release(1000)


def test_views_keep_camera_rate_while_the_model_is_busy(patient: list[PatientEngine]) -> None:
    with Watched(config()) as watched:
        watched.wait_for("the first pair at the engine", lambda: watched.pipeline.status().device)
        watched.wait_for_views(30)
        assert watched.results == []
        assert watched.pipeline.status().stages["colorize"].dropped >= 25
        patient[0].permits.release()
        watched.wait_for_results(1)
        # The next one is the newest pair there was, not the one after the first.
        before = watched.views[-1].pair.index
        patient[0].permits.release()
        watched.wait_for_results(1)
        assert watched.results[-1].rectified.pair.index >= before - 1
        patient[0].permits.release(1000)


def test_a_failure_is_shown_and_the_next_pair_is_tried(patient: list[PatientEngine]) -> None:
    with Watched(config()) as watched:
        patient[0].failures = [RuntimeError("CUDA error: an illegal memory access was encountered")]
        patient[0].permits.release()
        watched.wait_for("the error", lambda: "illegal memory access" in watched.pipeline.status().error)
        assert watched.pipeline.failure is None
        patient[0].permits.release(1000)
        watched.wait_for_results(1)
        watched.wait_for("recovery", lambda: watched.pipeline.status().error == "")


def test_three_failures_in_a_row_end_colorizing_but_not_the_views(patient: list[PatientEngine]) -> None:
    with Watched(config()) as watched:
        patient[0].failures = [RuntimeError("out of memory")] * 3
        patient[0].permits.release(1000)
        watched.wait_for("the end", lambda: "stopped after 3" in watched.pipeline.status().error)
        watched.wait_for_views(3)
        assert isinstance(watched.pipeline.failure, InferenceFailed)
        assert watched.results == []


def test_without_weights_the_views_still_run() -> None:
    with Watched(config(model="/nowhere/at_all.safetensors")) as watched:
        watched.wait_for("the error", lambda: "at_all.safetensors" in watched.pipeline.status().error)
        watched.wait_for_views(3)
        assert isinstance(watched.pipeline.failure, WeightsMismatch)


def test_a_lost_camera_comes_back_with_its_settings() -> None:
    with Watched(config(colorize=False)) as watched:
        watched.wait_for_views(1)
        assert watched.pipeline.apply("mono", "ExposureTime", 4000.0) == 4000.0
        watched.wait_for("the exposure", lambda: watched.views[-1].pair.mono.exposure_us == 4000)
        before = watched.pipeline.status()
        watched.pipeline.execute("LoseDevice:mono")
        watched.wait_for("the loss", lambda: watched.pipeline.status().recovery.reconnecting)
        with pytest.raises(DeviceLost):
            watched.pipeline.apply("mono", "ExposureTime", 5000.0)
        last = watched.views[-1].pair.index
        watched.wait_for("recovery", lambda: watched.pipeline.status().error == "")
        watched.wait_for_views(2)
        view = watched.views[-1]
        assert view.pair.mono.exposure_us == 4000
        assert view.pair.index > last
        delivered = watched.pipeline.status().cameras["mono"].delivered
        assert delivered > before.cameras["mono"].delivered


def test_a_killed_capture_process_is_started_again() -> None:
    with Watched(config(colorize=False)) as watched:
        watched.wait_for_views(1)
        (child,) = [
            process for process in psutil.Process().children() if "spawn_main" in " ".join(process.cmdline())
        ]
        os.kill(child.pid, signal.SIGKILL)
        watched.wait_for("the loss", lambda: watched.pipeline.status().recovery.reconnecting)
        watched.wait_for("recovery", lambda: watched.pipeline.status().error == "")
        watched.wait_for_views(2)


def test_refused_settings_and_commands_say_so() -> None:
    with Watched(config(colorize=False)) as watched:
        watched.wait_for_views(1)
        with pytest.raises(SettingRejected):
            watched.pipeline.apply("mono", "ExposureTime", -1.0)
        with pytest.raises(SettingRejected):
            watched.pipeline.execute("Fly")
        assert "ExposureTime" in watched.pipeline.settings("mono")


def test_a_rig_that_cannot_be_opened_fails_with_one_line(tmp_path: Path) -> None:
    rig = GenicamSpec("bench", CameraSpec("no such"), CameraSpec("neither"))
    with Watched(config(rig)) as watched:
        watched.wait_for_state("failed")
        assert isinstance(watched.pipeline.failure, DeviceNotFound)
        assert "no such" in watched.pipeline.status().error


def test_freezing_holds_the_view_and_a_step_lets_one_pair_through() -> None:
    with Watched(config(colorize=False)) as watched:
        watched.wait_for_views(2)
        watched.pipeline.set_frozen(True)
        assert watched.pipeline.status().state == "frozen"
        watched.wait_until_held()
        shown = len(watched.views)
        watched.pipeline.step()
        watched.wait_for_views(1)
        watched.wait_until_held()
        assert len(watched.views) == shown + 1
        watched.pipeline.set_frozen(False)
        watched.wait_for_views(3)


def test_stepping_through_a_replay_skips_no_pair(tmp_path: Path) -> None:
    rig = ReplaySpec(write_replay(tmp_path / "pairs", pairs=6), frame_rate_hz=50)
    with Watched(config(rig, colorize=False)) as watched:
        watched.wait_for_views(3)
        watched.pipeline.set_frozen(True)
        watched.wait_for("the replay to wait", lambda: watched.settled("rectify"))
        first = watched.views[-1].pair.index
        shown = len(watched.views)
        for _ in range(8):  # more than once round
            watched.pipeline.step()
        watched.wait_for("eight steps", lambda: len(watched.views) >= shown + 8)
        stepped = [view.pair.index for view in watched.views[shown - 1 :]]
        assert stepped == list(range(first, first + 9))
        assert [number_of(view) for view in watched.views[shown - 1 :]] == [index % 6 for index in stepped]
        watched.pipeline.set_frozen(False)
        watched.wait_for_views(3)


def test_every_pair_of_a_replay_is_colorized_when_asked_for(tmp_path: Path) -> None:
    rig = ReplaySpec(write_replay(tmp_path / "pairs", pairs=5), frame_rate_hz=200, loop=False)
    with Watched(config(rig, every_pair=True, max_disparity=8)) as watched:
        watched.wait_for_state("ended")
        assert [number_of(result.rectified) for result in watched.results] == [0, 1, 2, 3, 4]
        status = watched.pipeline.status()
        assert status.stages["colorize"].dropped == 0
        assert status.search.max_disparity == 8


def test_only_a_replay_can_wait_for_every_pair() -> None:
    with pytest.raises(ValueError, match="replay"):
        LivePipeline(config(every_pair=True))


def test_a_replay_without_calibration_says_so_and_searches_a_usual_range(tmp_path: Path) -> None:
    rig = ReplaySpec(write_replay(tmp_path / "pairs", pairs=2))
    with Watched(config(rig, colorize=False, max_disparity=None)) as watched:
        watched.wait_for_views(1)
        assert not watched.views[0].rectified
        status = watched.pipeline.status()
        assert "not rectified" in status.notice
        assert status.search == SearchWish().range(None, width=96)
        assert 8 < status.search.max_disparity < 96


def test_the_virtual_rig_is_rectified_and_its_truth_is_told(tmp_path: Path) -> None:
    exact = true_calibration(SMALL)
    save_calibration(exact, tmp_path / "exact.toml")
    with Watched(config(calibration=tmp_path / "exact.toml", max_disparity=None)) as watched:
        watched.wait_for_results(1)
        status = watched.pipeline.status()
    assert status.notice == ""
    assert status.search == SearchRange(exact.max_disparity, exact.offset, exact.mirrored)
    result = watched.results[0]
    assert result.rectified.rectified
    assert result.truth is not None
    assert result.truth.color.shape == result.colorization.refined.shape
    assert result.psnr_truth_db is not None
    # Even a dim idea of the scene is nearer to the truth than the gray picture is.
    gray = np.repeat(result.rectified.mono[..., None], 3, axis=2)
    assert result.psnr_truth_db > psnr(gray, result.truth.color)


def test_pairs_are_recorded_as_the_sensors_gave_them(tmp_path: Path) -> None:
    with Watched(config(colorize=False)) as watched:
        with pytest.raises(DatasetError, match="no dataset"):
            watched.pipeline.set_recording(True)
        watched.wait_for_views(1)
        watched.pipeline.open_dataset(tmp_path / "captured")
        watched.pipeline.set_frozen(True)
        watched.wait_until_held()
        frozen = watched.views[-1].pair
        watched.pipeline.save_pair()
        watched.pipeline.set_frozen(False)
        watched.pipeline.set_recording(True)
        watched.wait_for("recorded pairs", lambda: watched.pipeline.status().recorder.saved >= 6)
        watched.pipeline.set_recording(False)
    saved = watched.pipeline.status().recorder.saved
    reader = DatasetReader.open(tmp_path / "captured")
    assert len(reader.records) == saved
    first = reader.load(reader.records[0])
    assert np.array_equal(first.mono.image, frozen.mono.image)
    assert np.array_equal(first.color.image, frozen.color.image)
    indices = [record.index for record in reader.records[1:]]
    assert indices == list(range(indices[0], indices[0] + len(indices)))


def test_recording_stops_with_an_error_when_the_disk_is_too_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = threading.Semaphore(1)
    save = DatasetWriter.save_group

    def save_slowly(
        writer: DatasetWriter, group: Sequence[tuple[FramePair, PairNote]], *, stored: bool = False
    ) -> SavedGroup:
        slow.acquire()
        return save(writer, group, stored=stored)

    monkeypatch.setattr(DatasetWriter, "save_group", save_slowly)
    monkeypatch.setattr(app.pipeline.live, "Recorder", partial(Recorder, budget_bytes=ROOM_FOR_PAIRS))
    with Watched(config(colorize=False)) as watched:
        watched.wait_for_views(1)
        watched.pipeline.open_dataset(tmp_path / "captured")
        watched.pipeline.set_recording(True)
        watched.wait_for("the error", lambda: "too slow" in watched.pipeline.status().error)
        status = watched.pipeline.status().recorder
        assert not status.recording
        assert "too slow" in status.error
        assert status.queued_bytes <= status.budget_bytes == ROOM_FOR_PAIRS
        assert status.age_s > 0
        accepted = status.saved + status.queued
        watched.wait_for_views(2)
        slow.release(10)
    # What was accepted before is written.
    assert len(DatasetReader.open(tmp_path / "captured").records) == accepted
    assert watched.pipeline.status().recorder.queued == 0


def test_every_frame_of_two_genicam_cameras_is_accounted_for() -> None:
    rig = viky_spec()
    with Watched(config(rig, colorize=False)) as watched:
        watched.pipeline.set_frozen(True)
        watched.wait_for("frames", lambda: watched.pipeline.status().pairing.paired >= 20)
        watched.pipeline.set_frozen(False)
        watched.wait_for_views(5)
    status = watched.pipeline.status()
    pairing, stage = status.pairing, status.stages["rectify"]
    assert status.cameras["mono"].delivered == pairing.pushed_mono
    assert status.cameras["color"].delivered == pairing.pushed_color
    assert pairing.pushed_mono == pairing.paired + pairing.unpaired_mono + pairing.waiting_mono
    assert pairing.pushed_color == pairing.paired + pairing.unpaired_color + pairing.waiting_color
    assert pairing.paired == stage.taken == stage.finished + stage.dropped
    assert stage.finished == len(watched.views)
    assert stage.dropped >= 20


def test_frames_that_never_pair_are_reported() -> None:
    lines: list[str] = []
    board = Board(("pair",), lambda: lines.append(board.text))
    stage = PairStage(board)
    with VirtualRig(SMALL) as rig:
        stage.use(rig.info)
        rig.start()
        mono, color = rig.next_frame(5), rig.next_frame(5)
    assert mono is not None
    assert color is not None
    apart = replace(color, frame_id=color.frame_id + 100)
    assert stage.push(mono) is None
    assert stage.push(apart) is None
    for step in range(1, 4):
        assert lines == []
        late = replace(mono, frame_id=mono.frame_id + step, host_ns=mono.host_ns + step * 1_100_000_000)
        assert stage.push(late) is None
    assert "none belong together" in board.text
    partner = replace(
        late, role=color.role, image=color.image, layout=color.layout, frame_id=color.frame_id + 101
    )
    other = replace(late, frame_id=color.frame_id + 101)
    assert stage.push(other) is None
    assert stage.push(partner) is not None
    assert board.text == ""


def test_cameras_of_different_size_need_a_calibration() -> None:
    settings = {"ChunkModeActive": False, "Height": 240}
    viky = viky_spec()
    rig = GenicamSpec(
        "uneven",
        CameraSpec("0", "Mono8", {**settings, "Width": 320}),
        CameraSpec("1", "RGBa8", {**settings, "Width": 160}),
        producers=viky.producers,
    )
    with Watched(config(rig, colorize=False)) as watched:
        watched.wait_for("the error", lambda: "320×240" in watched.pipeline.status().error)
        assert isinstance(watched.pipeline.failure, CalibrationError)
        assert watched.views == []
