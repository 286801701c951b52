"""Every mode through a GenTL producer: from the recipe to the measured skew."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from capture.frames import FramePair, Role
from capture.genicam import GenicamRig
from capture.pairing import Pairer
from capture.rig import SettingValue
from capture.simulator.rig import simulator_spec
from capture.sync.config import SyncConfig
from capture.sync_health import SyncHealth, SyncState

MS = 1_000_000
PATIENCE_S = 60.0


@contextmanager
def rig_set_up(
    folder: Path, sync: SyncConfig, color: Mapping[str, SettingValue] | None = None
) -> Iterator[GenicamRig]:
    """The simulated cameras as they are at power-up (nothing set), then set up by a recipe."""
    spec = simulator_spec(folder)
    exposure: dict[str, SettingValue] = {"ExposureTime": 2000.0}
    spec = replace(
        spec,
        mono=replace(spec.mono, settings=exposure),
        color=replace(spec.color, settings={**exposure, **(color or {})}),
        sync=sync,
    )
    with GenicamRig(spec) as rig:
        yield rig


def run(rig: GenicamRig, count: int, pairer: Pairer | None = None) -> tuple[list[FramePair], SyncState]:
    """Take `count` pairs; return them with the verdict on them."""
    info = rig.info
    assert info.sync is not None
    pairer = pairer or Pairer(info.shares_trigger, info.frame_rate_hz)
    health = SyncHealth(info.sync.config.mode, info.shares_trigger)
    pairs: list[FramePair] = []
    rig.start()
    deadline = time.monotonic() + PATIENCE_S
    while len(pairs) < count and time.monotonic() < deadline:
        pair = pairer.push(rig.next_frame(PATIENCE_S))
        if pair is not None:
            pairs.append(pair)
            health.add(pair)
    now_ns = max(pairs[-1].mono.host_ns, pairs[-1].color.host_ns)
    state = health.state(now_ns, rig.counters(), pairer.counters, pairer.clocks(), pairer.slips)
    rig.stop()
    return pairs, state


def apart_ns(pairs: list[FramePair]) -> list[int]:
    """Colour clock minus mono clock of each pair: constant but for skew and drift (20 ppm)."""
    return [
        pair.color.device_ns - pair.mono.device_ns
        for pair in pairs
        if pair.mono.device_ns is not None and pair.color.device_ns is not None
    ]


@pytest.mark.parametrize("leader", ["mono", "color"])
def test_one_camera_drives_the_other_and_no_frame_is_left_over(simulator: Path, leader: Role) -> None:
    sync = SyncConfig("hardware", leader=leader, frame_rate_hz=40.0)
    with rig_set_up(simulator, sync) as rig:
        report = rig.info.sync
        assert report is not None
        assert report.complete, report.summary
        assert report.start_order[-1] == leader
        read = {(step.role, step.node): step.read_back for step in report.steps}
        assert read[leader, "LineSource"] == "ExposureActive"
        assert read[sync.follower, "TriggerSource"] == "Line0"
        pairs, state = run(rig, 40)
        # Counts begin with the same trigger: the follower waited before the leader began.
        assert [pair.mono.frame_id for pair in pairs] == [pair.color.frame_id for pair in pairs]
        assert pairs[0].mono.frame_id == 0
        distances = apart_ns(pairs)
        assert max(distances) - min(distances) < 0.3 * MS
        assert state.matched_by == "frame id"
        assert state.skew is not None
        assert state.skew.basis == "two clocks"
        assert state.skew.spread_ns < 0.1 * MS
        assert not any(camera.missed or camera.lost for camera in state.cameras.values())
        # And once more: stopped the other way round, started again, in step again.
        again, _ = run(rig, 10)
        assert again[0].mono.frame_id == again[0].color.frame_id == 0


def test_software_triggers_come_at_the_rate_that_was_asked_for(simulator: Path) -> None:
    with rig_set_up(simulator, SyncConfig("software", frame_rate_hz=40.0)) as rig:
        pairs, state = run(rig, 40)
        times = [pair.mono.device_ns or 0 for pair in pairs]
        assert (times[-1] - times[0]) / MS >= 39 * 25 - 25  # never faster
        assert max(abs(pair.mono.frame_id - pair.color.frame_id) for pair in pairs) == 0
        distances = sorted(apart_ns(pairs))
        # One camera right after the other: far closer than any free run, however busy the computer is.
        assert distances[30] - distances[10] < 5 * MS
        assert state.matched_by == "frame id"


def test_an_external_trigger_drives_both(simulator: Path) -> None:
    sync = SyncConfig("external", mono_line="Line2", color_line="Line2")
    with rig_set_up(simulator, sync) as rig:
        rig.apply("mono", "SimulatorPulseRate", 40.0)
        assert rig.info.sync is not None
        assert rig.info.sync.complete, rig.info.sync.summary
        pairs, state = run(rig, 40)
        distances = apart_ns(pairs[5:])  # the generator runs while the cameras start, one after the other
        assert max(distances) - min(distances) < 0.3 * MS
        assert state.matched_by == "time"


def test_an_action_command_triggers_both_and_ptp_gives_them_one_time(simulator: Path) -> None:
    sync = SyncConfig("action", frame_rate_hz=40.0, device_key=5, group_key=6, group_mask=7)
    with rig_set_up(simulator, sync) as rig:
        report = rig.info.sync
        assert report is not None
        assert report.complete, report.summary
        read = {(step.role, step.node): step.read_back for step in report.steps}
        assert read["color", "PtpEnable"] is True
        assert read["mono", "ActionGroupMask"] == 7
        pairer = Pairer(rig.info.shares_trigger, rig.info.frame_rate_hz)
        run(rig, 60, pairer)
        pairs, state = run(rig, 60)
        assert all(abs(distance) < MS for distance in apart_ns(pairs[-20:]))
        assert state.skew is not None
        assert state.skew.basis == "one time"
        assert state.level == "good", state.findings


def test_a_pin_with_another_wire_is_a_silent_camera_and_is_told(simulator: Path) -> None:
    """The mono camera listens to its generator pin, which nobody drives: no pair, and the reason."""
    sync = SyncConfig("hardware", leader="color", frame_rate_hz=40.0, mono_line="Line2")
    with rig_set_up(simulator, sync) as rig:
        info = rig.info
        assert info.sync is not None
        assert info.sync.complete
        rig.start()
        frames = [rig.next_frame(PATIENCE_S) for _ in range(5)]
        assert {frame.role for frame in frames if frame is not None} == {"color"}
        health = SyncHealth("hardware", info.shares_trigger)
        for frame in frames:
            assert frame is not None
            health.saw(frame.role)
        pairer = Pairer(info.shares_trigger)
        state = health.state(time.monotonic_ns(), rig.counters(), pairer.counters, {}, {})
        assert state.level == "bad"
        assert "nothing comes from the mono camera" in state.findings[0].text
        assert "check the wire" in state.findings[0].advice


def test_missed_triggers_of_a_follower_that_exposes_too_long_are_told(simulator: Path) -> None:
    """Every trigger comes 25 ms after the last; the follower takes 30 ms to expose."""
    sync = SyncConfig("hardware", frame_rate_hz=40.0)
    with rig_set_up(simulator, sync, color={"ExposureTime": 30_000.0}) as rig:
        pairs, state = run(rig, 20)
        distances = apart_ns(pairs)
        assert max(distances) - min(distances) < 0.3 * MS  # and still every frame has its own partner
        assert state.cameras["color"].missed >= 19
        assert "The colour camera did not answer" in " ".join(finding.text for finding in state.findings)


def test_what_a_camera_refuses_is_told_with_what_it_would_take(simulator: Path) -> None:
    sync = SyncConfig("external", mono_line="Line7", color_line="Line2")
    with rig_set_up(simulator, sync) as rig:
        report = rig.info.sync
        assert report is not None
        assert not report.complete
        assert "TriggerSource = Line7 was refused: it takes Software, Line0, Line2" in report.summary
        assert rig.info.notice.startswith("External trigger could not be set up")
        rig.start()
        assert rig.next_frame(PATIENCE_S) is not None  # they run freely
