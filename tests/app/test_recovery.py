"""A rig that is broken in every way we know comes back by itself, and nothing that was captured is lost."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

import app.pipeline.live
from app.pipeline.live import LiveConfig
from app.pipeline.recovery import (
    BACKOFF_S,
    STABLE_S,
    TRIGGER_WAIT_S,
    Recovery,
    reconnecting_words,
    recovered_words,
)
from app.pipeline.status import PipelineStatus, RecoveryStatus
from capture import process as process_module
from capture import ring as ring_module
from capture.dataset import DatasetReader, read_events
from capture.discovery import viky_producer
from capture.errors import CaptureError
from capture.frames import ROLES, Frame, Layout, Role, frozen
from capture.simulator.rig import simulator_spec
from capture.spec import GenicamSpec, RigSpec, VirtualSpec
from capture.sync.config import SyncConfig
from tests.app.pipelines import Watched
from tests.capture.rig_specs import viky

VIRTUAL = VirtualSpec(width=160, height=120, frame_rate_hz=30)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture process that is silent for a second hangs; on a busy machine that is sometimes untrue."""
    monkeypatch.setattr(process_module, "patience_s", lambda *_: 1.0)


def watched(rig: RigSpec) -> Watched:
    return Watched(LiveConfig(rig, device="cpu", colorize=False))


def wait_until_back(run: Watched, outages: int) -> None:
    """Wait for the end of so many outages, and for pictures after it."""
    run.wait_for(f"outage {outages} to end", lambda: len(run.pipeline.status().recovery.outages) >= outages)
    run.wait_for_views(2)


def end_capture(run: Watched, how: signal.Signals) -> None:
    pid = run.pipeline.capture_pid
    assert pid is not None
    os.kill(pid, how)


def capture_processes(but: set[int | None]) -> list[psutil.Process]:
    """Return the capture processes that are there, also before their rig is open."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "spawn_main" in " ".join(child.cmdline()) and child.pid not in but:
                found.append(child)
    return found


def assert_accounted(status: PipelineStatus) -> None:
    pairing, cameras = status.pairing, status.cameras
    assert cameras["mono"].delivered == pairing.paired + pairing.unpaired_mono + pairing.waiting_mono
    assert cameras["color"].delivered == pairing.paired + pairing.unpaired_color + pairing.waiting_color
    assert status.stages["rectify"].taken == pairing.paired


# -- the capture process dies or hangs


@pytest.mark.usefixtures("no_leaks")
def test_random_deaths_while_recording_cost_no_pair_that_was_captured(tmp_path: Path) -> None:
    rng = random.Random(4)
    with watched(viky()) as run:
        run.wait_for_views(1)
        run.pipeline.open_dataset(tmp_path / "captured")
        run.pipeline.set_recording(True)
        handles = []
        for death in range(1, 4):
            goal = run.pipeline.status().recorder.saved + rng.randint(1, 20)
            run.wait_for("pairs", lambda goal=goal: run.pipeline.status().recorder.saved >= goal)
            end_capture(run, rng.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]))
            wait_until_back(run, death)
            handles.append(psutil.Process().num_fds() if os.name == "posix" else 0)
        # One or two may be open for a moment, by whoever looks at memory or writes a pair.
        assert max(handles) - handles[0] <= 3
        before = run.pipeline.status().recorder.saved
        run.wait_for("recording to go on", lambda: run.pipeline.status().recorder.saved > before + 3)
        assert run.pipeline.status().recorder.recording
    status = run.pipeline.status()
    assert_accounted(status)
    assert status.recovery.losses == 3
    assert all("ended by signal" in outage.cause for outage in status.recovery.outages)

    reader = DatasetReader.open(tmp_path / "captured")
    assert len(reader.records) == status.recorder.saved
    for record in reader.records:
        reader.load(record, verify=True)
    indices = [record.index for record in reader.records]
    assert indices == list(range(indices[0], indices[0] + len(indices))), (
        "every pair since the start, in order"
    )
    events = read_events(tmp_path / "captured")
    assert [event["event"] for event in events] == ["rig_lost", "rig_back"] * 3
    names = [record.name for record in reader.records]
    for lost, back in zip(events[::2], events[1::2], strict=True):
        assert lost["after"] in names
        assert back["after"] == lost["after"], "no pairs between the two"
        assert isinstance(back["frozen_s"], float)


@pytest.mark.usefixtures("no_leaks", "impatient")
def test_a_process_that_hangs_is_noticed_and_replaced() -> None:
    with watched(viky()) as run:
        run.wait_for_views(3)
        end_capture(run, signal.SIGSTOP)
        wait_until_back(run, 1)
        outage = run.pipeline.status().recovery.outages[0]
        assert "hung for" in outage.cause
        assert outage.detection_s is not None
        assert outage.detection_s >= 1.0
        assert outage.frozen_s == outage.detection_s + outage.recovery_s
    assert_accounted(run.pipeline.status())


@pytest.mark.usefixtures("no_leaks")
def test_stop_works_while_the_driver_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.pipeline.live, "STOP_PATIENCE_S", 0.2)
    monkeypatch.setattr(process_module, "CLOSE_TIMEOUT_S", 0.2)
    with watched(viky()) as run:
        run.wait_for_views(1)
        end_capture(run, signal.SIGSTOP)
        run.pipeline.stop()
        assert run.pipeline.status().state == "stopped"


@pytest.mark.usefixtures("no_leaks")
def test_stop_works_while_the_rig_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "CLOSE_TIMEOUT_S", 0.2)
    with watched(viky()) as run:
        run.wait_for("the capture process", lambda: capture_processes(set()))
        os.kill(
            capture_processes(set())[0].pid, signal.SIGSTOP
        )  # a driver that hangs while it looks for cameras
        run.pipeline.stop()
        assert run.pipeline.status().state == "stopped"
        assert run.pipeline.failure is None


@pytest.mark.usefixtures("no_leaks")
def test_deaths_while_the_rig_is_being_opened_again_are_part_of_the_same_outage() -> None:
    with watched(viky()) as run:
        run.wait_for_views(1)
        ended = {run.pipeline.capture_pid}
        end_capture(run, signal.SIGKILL)
        while len(ended) < 3:
            run.wait_for("another attempt", lambda: capture_processes(ended))
            (process,) = capture_processes(ended)
            ended.add(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        wait_until_back(run, 1)
        recovery = run.pipeline.status().recovery
        assert (recovery.losses, len(recovery.outages)) == (1, 1)
        assert recovery.outages[0].attempts == 3


# -- cameras go and come back


@pytest.fixture
def unpluggable(tmp_path: Path) -> tuple[GenicamSpec, Path]:
    """Cameras that are gone while a file is."""
    link = tmp_path / "driver.cti"
    link.symlink_to(viky_producer())
    return replace(viky(), producers=(link,)), link


@pytest.mark.usefixtures("no_leaks")
def test_cameras_that_stay_away_are_looked_for_until_they_are_back(
    unpluggable: tuple[GenicamSpec, Path],
) -> None:
    spec, link = unpluggable
    with watched(spec) as run:
        run.wait_for_views(2)
        link.unlink()
        end_capture(run, signal.SIGKILL)
        run.wait_for("three attempts", lambda: run.pipeline.status().recovery.attempt >= 3)
        status = run.pipeline.status()
        assert status.state == "reconnecting"
        assert "No such file" in status.error
        words = reconnecting_words(status.recovery)
        assert words.startswith("Reconnecting to cameras 0 and 1 … ")
        shown = run.views[-1].pair.index
        link.symlink_to(viky_producer())
        wait_until_back(run, 1)
        status = run.pipeline.status()
        assert status.state == "running"
        assert status.error == ""
        assert run.views[-1].pair.index > shown
        (outage,) = status.recovery.outages
        assert outage.attempts >= 3
        assert "signal 9" in outage.cause
        assert recovered_words(status.recovery).startswith(f"Recovered in {outage.recovery_s:.1f} s")


@pytest.mark.usefixtures("no_leaks")
def test_stop_works_while_cameras_are_away(unpluggable: tuple[GenicamSpec, Path]) -> None:
    spec, link = unpluggable
    with watched(spec) as run:
        run.wait_for_views(1)
        link.unlink()
        end_capture(run, signal.SIGKILL)
        run.wait_for("a wait", lambda: run.pipeline.status().recovery.wait_s > 0.2)
        run.pipeline.stop()
        assert run.pipeline.status().state == "stopped"


@pytest.mark.usefixtures("no_leaks")
def test_everything_that_was_set_is_set_again() -> None:
    with watched(viky()) as run:
        run.wait_for_views(1)
        pipeline = run.pipeline
        assert pipeline.apply("mono", "Width", 320) == 320
        assert pipeline.apply("color", "Width", 320) == 320
        assert pipeline.apply("color", "AcquisitionFrameRate", 50.0) == 50.0
        run.wait_for("wide pictures", lambda: run.views[-1].pair.mono.image.shape == (120, 320))
        end_capture(run, signal.SIGKILL)
        wait_until_back(run, 1)
        frame = run.views[-1].pair.mono
        assert frame.image.shape == (120, 320)
        assert pipeline.settings("color")["AcquisitionFrameRate"].value == 50.0
        assert pipeline.status().recovery.outages[0].refused == ()


@pytest.mark.usefixtures("no_leaks")
def test_a_setting_with_which_nothing_can_be_captured_may_be_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with watched(viky()) as run:
        run.wait_for_views(1)
        monkeypatch.setattr(ring_module, "_free_bytes", lambda: 100_000)  # a container short of memory
        with pytest.raises(CaptureError, match="Shared memory is too small"):
            run.pipeline.apply("color", "Width", 800)
        run.wait_for("the banner", lambda: "too small" in run.pipeline.status().error)
        monkeypatch.undo()
        assert run.pipeline.apply("color", "Width", 160) == 160
        run.wait_for_views(3)
        run.wait_for("all well", lambda: run.pipeline.status().error == "")
        assert run.pipeline.status().recovery.losses == 0


@pytest.mark.usefixtures("no_leaks")
def test_a_rig_that_never_ran_is_not_reconnected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "_free_bytes", lambda: 100_000)
    with watched(viky()) as run:
        run.wait_for_state("failed")
        assert "too small" in str(run.pipeline.failure)
        assert run.pipeline.status().recovery.losses == 0


@pytest.mark.usefixtures("no_leaks")
def test_the_way_of_synchronizing_is_set_up_again(simulated: GenicamSpec) -> None:
    with watched(simulated) as run:
        run.wait_for_views(1)
        report = run.pipeline.synchronize(SyncConfig("hardware", leader="color", frame_rate_hz=20.0))
        assert report.complete
        end_capture(run, signal.SIGSEGV)
        wait_until_back(run, 1)
        status = run.pipeline.status()
        assert status.recovery.outages[0].refused == ()
        assert status.rig is not None
        assert status.rig.sync == report
        assert status.rig.shares_trigger
        assert run.pipeline.settings("mono")["TriggerMode"].value == "On"
        assert run.pipeline.settings("color")["TriggerMode"].value == "Off"


# -- frames that are lost, late, or have strange times


@pytest.mark.usefixtures("no_leaks")
def test_lost_and_late_frames_and_a_clock_that_steps_are_no_loss(tmp_path: Path) -> None:
    with watched(VIRTUAL) as run:
        run.wait_for_views(3)
        run.pipeline.open_dataset(tmp_path / "captured")
        run.pipeline.set_recording(True)
        for role in ROLES:
            for fault in ("DropFrame", "DelayFrame", "StepClock"):
                run.pipeline.execute(f"{fault}:{role}")
                run.wait_for_views(3)
        run.wait_for("both clocks to be understood", lambda: abs(run.pipeline.status().skew_ms) < 5)
        status = run.pipeline.status()
        assert status.recovery.losses == 0
        assert all(status.cameras[role].id_gaps == 1 for role in ROLES)
    assert_accounted(run.pipeline.status())
    records = DatasetReader.open(tmp_path / "captured").records
    # A late frame right after a step sets the clock late for a while, by 2.5 periods at most.
    assert all(abs(record.skew_ns) < 1e9 for record in records), "37 s are in none of them"
    clocks = [record.mono.device_ns for record in records if record.mono.device_ns is not None]
    assert max(np.diff(clocks)) > 36e9, "the clock did step"
    assert read_events(tmp_path / "captured") == []


# -- keeping the time


def frame(role: Role, host_ns: int = 0) -> Frame:
    image = frozen(np.zeros((2, 2), np.uint8))
    return Frame(role, image, Layout.MONO, 8, "Mono8", 0, None, host_ns)


def test_waiting_grows_while_the_rig_stays_away_and_is_forgotten_once_it_is_stable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("app.pipeline.recovery.time.monotonic_ns", lambda: round(now_s[0] * 1e9))
    recovery = Recovery(lambda: None)
    recovery.opened(())
    for role in ROLES:
        assert recovery.frame(frame(role, round((now_s[0] - 0.5) * 1e9))) is None
    recovery.lost("it fell", ("1", "2"), waits_for_trigger=False)
    waits = [recovery.next_attempt() for _ in range(7)]
    assert waits == [*BACKOFF_S, BACKOFF_S[-1], BACKOFF_S[-1]]
    now_s[0] += 2.0
    assert recovery.status().elapsed_s == pytest.approx(2.0)
    recovery.opened(("a refusal",))
    assert recovery.frame(frame("mono")) is None, "one camera is not a rig"
    outage = recovery.frame(frame("color"))
    assert outage is not None
    assert (outage.attempts, outage.refused) == (7, ("a refusal",))
    assert (outage.detection_s, outage.recovery_s) == (pytest.approx(0.5), pytest.approx(2.0))

    now_s[0] += 1.0
    recovery.lost("at once again", ("1", "2"), waits_for_trigger=True)
    assert recovery.next_attempt() == BACKOFF_S[-1]
    recovery.opened(())
    assert recovery.silence() is None
    now_s[0] += TRIGGER_WAIT_S
    outage = recovery.silence()
    assert outage is not None, "cameras that wait for a trigger need not send"
    assert (outage.detection_s, outage.recovery_s) == (None, 0.0)
    now_s[0] += STABLE_S
    recovery.lost("later", ("1", "2"), waits_for_trigger=True)
    assert recovery.next_attempt() == BACKOFF_S[0]
    assert recovery.status().losses == 3


def test_a_lost_attempt_belongs_to_the_same_outage() -> None:
    news: list[None] = []
    recovery = Recovery(lambda: news.append(None))
    recovery.lost("unplugged", ("7",), waits_for_trigger=False)
    recovery.next_attempt()
    recovery.lost("not found", ("7",), waits_for_trigger=False)
    status = recovery.status()
    assert (status.losses, status.cause, len(news)) == (1, "unplugged", 1)
    assert reconnecting_words(status).startswith("Reconnecting to camera 7 … ")
    assert recovered_words(RecoveryStatus()) == ""


# -- the whole way from GenApi on: simulated cameras behind a GenTL producer


@pytest.fixture
def simulated(simulator: Path) -> GenicamSpec:
    return replace(simulator_spec(simulator), calibration=None)  # it is for one size only


@pytest.mark.usefixtures("no_leaks")
def test_a_simulated_camera_vanishes_and_comes_back_with_format_region_and_trigger(
    simulated: GenicamSpec,
) -> None:
    with watched(simulated) as run:
        run.wait_for_views(1)
        pipeline = run.pipeline
        assert pipeline.apply("mono", "Width", 96) == 96
        assert pipeline.apply("mono", "OffsetX", 32) == 32
        # From here on the offset comes before the width in the list: too large for a camera just opened.
        assert pipeline.apply("mono", "Width", 64) == 64
        assert pipeline.apply("mono", "PixelFormat", "Mono12p") == "Mono12p"
        assert pipeline.apply("mono", "ExposureTime", 3000.0) == pytest.approx(3000.0, rel=0.01)
        assert pipeline.apply("color", "Width", 64) == 64
        pipeline.apply("mono", "SimulatorAbsence", 1.5)
        run.wait_for("the new format", lambda: run.views[-1].pair.mono.pixel_format == "Mono12p")
        pipeline.cameras.execute("SimulatorVanish:mono")
        wait_until_back(run, 1)
        outage = pipeline.status().recovery.outages[0]
        assert "SIM-MONO" in outage.cause
        assert outage.refused == ()
        frame = run.views[-1].pair.mono
        assert (frame.image.shape[1], frame.pixel_format) == (64, "Mono12p")
        assert frame.exposure_us == pytest.approx(3000.0, rel=0.01)
        settings = pipeline.settings("mono")
        assert (settings["OffsetX"].value, settings["Width"].value) == (32, 64)
        assert pipeline.settings("color")["TriggerMode"].value == "On"


@pytest.mark.usefixtures("no_leaks", "impatient")
def test_a_driver_that_hangs_with_the_interpreter_held_or_crashes(simulated: GenicamSpec) -> None:
    with watched(simulated) as run:
        run.wait_for_views(1)
        run.pipeline._source.post(lambda rig: rig.apply("color", "SimulatorHangFetch", 3600.0))
        wait_until_back(run, 1)
        run.pipeline._source.post(lambda rig: rig.execute("SimulatorCrash:mono"))
        wait_until_back(run, 2)
        hang, crash = run.pipeline.status().recovery.outages
        assert "hung for" in hang.cause
        assert "signal 11" in crash.cause
    assert_accounted(run.pipeline.status())


@pytest.mark.usefixtures("no_leaks")
def test_lost_packets_lost_and_late_frames_and_a_clock_step_through_gentl(
    simulated: GenicamSpec, tmp_path: Path
) -> None:
    with watched(simulated) as run:
        run.wait_for_views(2)
        pipeline = run.pipeline
        pipeline.open_dataset(tmp_path / "captured")
        pipeline.set_recording(True)
        pipeline.apply("mono", "SimulatorLosePackets", 2)
        run.wait_for("incomplete frames", lambda: pipeline.status().cameras["mono"].incomplete == 2)
        pipeline.apply("color", "SimulatorLoseFrames", 3)
        run.wait_for("a gap", lambda: pipeline.status().cameras["color"].id_gaps == 3)
        pipeline.apply("mono", "SimulatorDelay", 150.0)
        pipeline.apply("mono", "SimulatorDelayFrames", 1)
        run.wait_for_views(3)
        pipeline.cameras.execute("SimulatorClockStep:color")
        run.wait_for_views(5)
        run.wait_for("both clocks to be understood", lambda: abs(pipeline.status().skew_ms) < 20)
        status = pipeline.status()
        assert status.recovery.losses == 0
        assert status.recorder.recording
    assert_accounted(run.pipeline.status())
    reader = DatasetReader.open(tmp_path / "captured")
    assert len(reader.records) == run.pipeline.status().recorder.saved
    clocks = [record.color.device_ns for record in reader.records if record.color.device_ns is not None]
    assert max(np.diff(clocks)) > 36e9, "the clock did step"
    assert all(abs(record.skew_ns) < 1e9 for record in reader.records), "37 s are in none of them"
