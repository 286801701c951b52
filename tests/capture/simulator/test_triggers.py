"""Triggers: software, the other camera's exposure, a pulse generator, action commands; and the clocks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.capture.simulator.cameras import Taken, execute, setting, take, take_one, value, wait_until


def follow(follower: Any, source: str, **more: Any) -> None:
    """Let a camera wait for a trigger."""
    setting(follower, TriggerSelector="FrameStart", TriggerSource=source, TriggerMode="On", **more)


def take_pairs(mono: Any, color: Any, count: int) -> list[tuple[Taken, Taken]]:
    return [(take_one(mono), take_one(color)) for _ in range(count)]


def lead(leader: Any, source: str = "ExposureActive") -> None:
    """Show the exposure on the output."""
    setting(leader, LineSelector="Line1", LineMode="Output", LineSource=source)


def test_one_camera_triggers_the_other(mono: Any, color: Any) -> None:
    """Follower first, leader last: both count the same trigger."""
    lead(mono)
    follow(color, "Line0")
    setting(mono, AcquisitionFrameRate=100.0, AcquisitionMode="MultiFrame", AcquisitionFrameCount=20)
    color.start()
    mono.start()
    pairs = take_pairs(mono, color, 20)
    assert all(m.frame_id == c.frame_id for m, c in pairs)
    # Both clocks see the same intervals, up to the jitter of the trigger and the drift of the crystals.
    gaps = [(later.device_ns - earlier.device_ns) for earlier, later in pairwise(m for m, _ in pairs)]
    others = [(later.device_ns - earlier.device_ns) for earlier, later in pairwise(c for _, c in pairs)]
    assert np.abs(np.subtract(gaps, others)).max() < 2_000
    mono.stop()
    color.stop()


def test_the_color_camera_can_lead_as_well(mono: Any, color: Any) -> None:
    lead(color)
    follow(mono, "Line0")
    setting(color, AcquisitionFrameRate=50.0)
    mono.start()
    color.start()
    assert [taken.frame_id for taken in take(mono, 3)] == [0, 1, 2]


def test_a_line_that_is_not_driven_triggers_nothing(mono: Any, color: Any) -> None:
    lead(mono, "Off")
    follow(color, "Line0")
    color.start()
    mono.start()
    take(mono, 3)
    assert color.try_fetch(timeout=0.02) is None


@pytest.mark.parametrize(
    ("activation", "inverted", "late"),
    [
        ("RisingEdge", False, False),
        ("FallingEdge", False, True),
        ("RisingEdge", True, True),
        ("FallingEdge", True, False),
    ],
)
def test_edges_and_inverters(mono: Any, color: Any, activation: str, inverted: bool, late: bool) -> None:
    """The falling edge comes at the end of the exposure: later by its length. PTP gives both one clock."""
    setting(mono, PtpEnable=True, ExposureTime=3000.0, AcquisitionFrameRate=100.0, LineSelector="Line1")
    setting(mono, LineInverter=inverted)
    setting(color, PtpEnable=True, ExposureTime=100.0)
    lead(mono)
    follow(color, "Line0", TriggerActivation=activation)
    wait_until(lambda: ptp_status(color) == "Slave", "PTP")
    color.start()
    mono.start()
    lag_us = (take_one(color).device_ns - take_one(mono).device_ns) / 1000
    assert lag_us == pytest.approx(3000 if late else 0, abs=10)


def test_trigger_delay(mono: Any, color: Any) -> None:
    setting(mono, PtpEnable=True, AcquisitionFrameRate=100.0)
    setting(color, PtpEnable=True)
    lead(mono)
    follow(color, "Line0", TriggerDelay=1500.0)
    wait_until(lambda: ptp_status(color) == "Slave", "PTP")
    color.start()
    mono.start()
    assert (take_one(color).device_ns - take_one(mono).device_ns) / 1000 == pytest.approx(1500, abs=10)


def test_a_trigger_that_comes_too_early_is_missed(mono: Any) -> None:
    follow(mono, "Software", ExposureTime=1_000_000.0)
    mono.start()
    for _ in range(3):
        execute(mono, "TriggerSoftware")
    wait_until(lambda: value(mono, "SimulatorMissedTriggers") == 2, "both triggers")
    assert take_one(mono).frame_id == 0


def test_software_triggers_of_another_source_are_ignored(mono: Any) -> None:
    follow(mono, "Line0")
    mono.start()
    execute(mono, "TriggerSoftware")
    assert mono.try_fetch(timeout=0.02) is None


def test_pulses_from_outside_trigger_both(mono: Any, color: Any) -> None:
    for camera in (mono, color):
        follow(camera, "Line2")
        setting(camera, AcquisitionMode="MultiFrame", AcquisitionFrameCount=5)
        camera.start()
    setting(mono, SimulatorPulseRate=100.0)
    assert value(color, "SimulatorPulseRate") == 100.0
    for camera in (mono, color):
        taken = take(camera, 5)
        assert [one.frame_id for one in taken] == [0, 1, 2, 3, 4]
        periods = np.diff([one.device_ns for one in taken])
        assert np.abs(periods - 10_000_000).max() < 5_000
    setting(mono, SimulatorPulseRate=0.0)


def prepare_actions(cameras: list[Any], group_mask: int = 1) -> Any:
    for camera in cameras:
        setting(camera, ActionDeviceKey=7, ActionSelector=1, ActionGroupKey=3, ActionGroupMask=group_mask)
        follow(camera, "Action1")
    node_map = cameras[0].interface.node_map
    node_map.ActionDeviceKey.value = 7
    node_map.ActionGroupKey.value = 3
    node_map.ActionGroupMask.value = 1
    return node_map


def test_an_action_command_triggers_both(mono: Any, color: Any) -> None:
    interface = prepare_actions([mono, color])
    for camera in (mono, color):
        camera.start()
    interface.ActionCommand.execute()
    assert [take_one(camera).frame_id for camera in (mono, color)] == [0, 0]


@pytest.mark.parametrize(
    ("name", "other"), [("ActionDeviceKey", 8), ("ActionGroupKey", 4), ("ActionGroupMask", 2)]
)
def test_action_commands_for_others_are_ignored(mono: Any, name: str, other: int) -> None:
    interface = prepare_actions([mono])
    interface.get_node(name).value = other
    mono.start()
    interface.ActionCommand.execute()
    assert mono.try_fetch(timeout=0.02) is None


def ptp_status(camera: Any) -> str:
    execute(camera, "PtpDataSetLatch")
    return str(value(camera, "PtpStatus"))


def test_a_scheduled_action_is_obeyed_by_the_clocks(mono: Any, color: Any) -> None:
    """With PTP both clocks agree, so both expose at that moment."""
    interface = prepare_actions([mono, color])
    assert ptp_status(mono) == "Disabled"
    for camera in (mono, color):
        setting(camera, PtpEnable=True)
    wait_until(lambda: ptp_status(color) == "Slave", "PTP")
    assert ptp_status(mono) == "Master"
    assert abs(value(color, "PtpOffsetFromMaster")) < 1_000
    for camera in (mono, color):
        camera.start()
    execute(mono, "TimestampLatch")
    moment_ns = value(mono, "TimestampLatchValue") + 1_000_000_000
    interface.ActionScheduledTimeEnable.value = True
    interface.ActionScheduledTime.value = moment_ns
    interface.ActionCommand.execute()
    for camera in (mono, color):
        assert take_one(camera).device_ns - moment_ns == pytest.approx(2_500, abs=2_000)


def test_clocks_drift_apart_and_step(mono: Any, color: Any) -> None:
    def latch(camera: Any) -> int:
        execute(camera, "TimestampLatch")
        return int(value(camera, "TimestampLatchValue"))

    assert latch(color) - latch(mono) > 60e9, "they were not switched on together"
    setting(mono, SimulatorClockDrift=1000.0, AcquisitionFrameRate=50.0)
    setting(color, SimulatorClockDrift=-1000.0)
    lead(mono)
    follow(color, "Line0")
    color.start()
    mono.start()
    pairs = take_pairs(mono, color, 11)
    assert all(m.frame_id == c.frame_id for m, c in pairs)
    mono_ns, color_ns = (np.ptp([pair[index].device_ns for pair in pairs]) for index in (0, 1))
    assert mono_ns / color_ns == pytest.approx(1.002, abs=2e-5)
    before = take_one(mono)
    execute(mono, "SimulatorClockStep")
    wait_until(lambda: take_one(mono).device_ns - before.device_ns > 36e9, "the step of 37 s")
    execute(mono, "TimestampReset")
    assert latch(mono) < 36e9


def test_cameras_that_run_freely_have_clocks_of_their_own(mono: Any) -> None:
    setting(mono, AcquisitionFrameRate=100.0, AcquisitionMode="MultiFrame", AcquisitionFrameCount=10)
    mono.start()
    taken = take(mono, 10)
    assert [one.frame_id for one in taken] == list(range(10))
    assert np.abs(np.diff([one.device_ns for one in taken]) - 10_000_000).max() <= 2


def test_line_status(mono: Any, color: Any) -> None:
    setting(color, LineSelector="Line0")
    assert value(color, "LineStatus") is False
    setting(color, LineInverter=True)
    assert value(color, "LineStatus") is True
    lead(mono)
    setting(mono, ExposureTime=1_000_000.0)
    mono.start()
    wait_until(lambda: value(mono, "LineStatus") is True, "the exposure")
    wait_until(lambda: value(color, "LineStatus") is False, "the exposure, inverted at the input")
