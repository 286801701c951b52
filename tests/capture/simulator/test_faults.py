"""Faults on request, and what a camera remembers when it was off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genicam import genapi, gentl
from harvesters.core import Callback, Harvester

from capture.probe import probe_producers
from capture.simulator.rig import COLOR_SERIAL, MONO_SERIAL, producer_path
from tests.capture.simulator.cameras import (
    PATIENCE_S,
    execute,
    setting,
    take,
    take_one,
    take_single,
    value,
    wait_until,
)

ACCESS_DENIED = 3


class Incomplete(Callback):  # type: ignore[misc]
    """Counts what harvesters gave up on."""

    def __init__(self) -> None:
        self.count = 0

    def emit(self, context: object = None) -> None:
        self.count += 1


def finite(camera: Any, frames: int) -> None:
    setting(camera, AcquisitionMode="MultiFrame", AcquisitionFrameCount=frames, AcquisitionFrameRate=100.0)


def test_lost_frames_leave_a_gap(mono: Any) -> None:
    finite(mono, 6)
    setting(mono, SimulatorLoseFrames=2)
    mono.start()
    assert [taken.frame_id for taken in take(mono, 4)] == [2, 3, 4, 5]
    assert value(mono, "SimulatorLoseFrames") == 0


def test_lost_packets_make_frames_incomplete(mono: Any) -> None:
    finite(mono, 4)
    setting(mono, SimulatorLosePackets=2)
    incomplete = Incomplete()
    mono.add_callback(mono.Events.INCOMPLETE_BUFFER, incomplete)
    mono.start()
    found = [mono.try_fetch(timeout=PATIENCE_S, is_raw=True) for _ in range(4)]
    assert [buffer is None for buffer in found] == [True, True, False, False]
    assert incomplete.count == 2
    for buffer in found[2:]:
        buffer.parent.queue_buffer(buffer)


def test_a_share_of_the_frames(mono: Any) -> None:
    finite(mono, 300)
    setting(mono, SimulatorFrameLoss=25.0, ExposureTime=100.0, AcquisitionFrameRateEnable=False)
    mono.start()
    last, received = 0, 0
    while last < 250:
        last = take_one(mono).frame_id
        received += 1
    assert 0.5 < received / last < 0.95


def test_delayed_frames_arrive_late_and_in_order(mono: Any) -> None:
    finite(mono, 4)
    setting(mono, SimulatorDelayFrames=1, SimulatorDelay=50.0)
    mono.start()
    assert [taken.frame_id for taken in take(mono, 4)] == [0, 1, 2, 3]
    assert value(mono, "SimulatorDelayFrames") == 0


def test_too_few_buffers(mono: Any) -> None:
    """Frames for which no buffer is queued are counted by the stream, and missing."""
    mono.num_buffers = 2
    setting(mono, AcquisitionFrameRate=100.0)
    mono.start()
    stream = mono.data_streams[0].node_map
    wait_until(lambda: stream.StreamLostFrameCount.value >= 3, "the lost frames")
    assert [taken.frame_id for taken in take(mono, 2)] == [0, 1]
    assert take_one(mono).frame_id >= 5


def test_a_hung_fetch_ignores_its_time_out(mono: Any) -> None:
    setting(mono, SimulatorHangFetch=0.2, TriggerMode="On")
    mono.start()
    before = os.times().elapsed
    assert mono.try_fetch(timeout=0.01) is None
    assert os.times().elapsed - before >= 0.19
    assert value(mono, "SimulatorHangFetch") == 0


def let_go(camera: Any) -> None:
    """Destroy the acquirer of a camera that is gone: stopping it raises, as it does with real cameras."""
    with pytest.raises(gentl.IoException):
        camera.stop()
    camera.destroy()


def test_a_device_vanishes_and_returns(simulator: Path, mono: Any, harvester: Any) -> None:
    setting(mono, ExposureTime=1234.0, SimulatorAbsence=3600.0)
    mono.start()
    take_one(mono)
    execute(mono, "SimulatorVanish")
    with pytest.raises(gentl.IoException, match="does not answer"):
        value(mono, "Width")
    assert mono.device.module.access_status == ACCESS_DENIED
    let_go(mono)

    [report] = probe_producers([producer_path(simulator)])  # in another process
    assert [device.serial for device in report.devices] == [COLOR_SERIAL]
    with pytest.raises(gentl.GenericException):
        harvester.create({"serial_number": MONO_SERIAL})

    memory = Path(os.environ["CYCLERIG_SIMULATOR_STATE"]) / f"{MONO_SERIAL}.state"
    assert memory.read_text().startswith("AbsentUntil=")
    memory.write_text("AbsentUntil=0\n")  # time passes
    harvester.update()
    with harvester.create({"serial_number": MONO_SERIAL}) as again:
        assert value(again, "ExposureTime") == 5000.0, "it was off: settings are back to power-up"
        take_single(again)


def test_what_was_opened_before_stays_dead(mono: Any) -> None:
    """A camera that is back is another one to those who had it open."""
    setting(mono, SimulatorAbsence=0.0)
    mono.start()
    execute(mono, "SimulatorVanish")
    with pytest.raises(gentl.IoException, match="does not answer"):
        value(mono, "Width")
    assert mono.device.module.access_status == ACCESS_DENIED
    let_go(mono)


def test_a_crash_takes_the_process_along(simulator: Path) -> None:
    code = f"""
from harvesters.core import Harvester
h = Harvester()
h.add_file({str(producer_path(simulator))!r})
h.update()
h.create(0).remote_device.node_map.SimulatorCrash.execute()
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True)
    assert done.returncode == -11


def test_settings_from_the_environment(simulator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CYCLERIG_SIMULATOR_SETTINGS", "mono.ExposureTime=321, color.PixelFormat=BayerRG12p, mono.Nonsense"
    )
    with Harvester() as harvester:
        harvester.add_file(str(producer_path(simulator)))
        harvester.update()
        with harvester.create(0) as mono, harvester.create(1) as color:
            assert value(mono, "ExposureTime") == 321.0
            assert value(color, "PixelFormat") == "BayerRG12p"
            assert value(color, "ExposureTime") == 8000.0


def test_a_setting_that_does_not_exist_is_an_error(simulator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYCLERIG_SIMULATOR_SETTINGS", "mono.NoSuchFeature=1")
    [report] = probe_producers([producer_path(simulator)])
    assert not report.devices
    assert "no such feature" in report.problem


def test_user_sets(mono: Any) -> None:
    setting(mono, ExposureTime=111.0, PixelFormat="Mono12", Gain=3.0)
    setting(mono, UserSetSelector="UserSet1")
    execute(mono, "UserSetSave")
    setting(mono, UserSetSelector="Default")
    execute(mono, "UserSetLoad")
    assert (value(mono, "ExposureTime"), value(mono, "PixelFormat"), value(mono, "Gain")) == (
        5000.0,
        "Mono8",
        0.0,
    )
    with pytest.raises(genapi.GenericException):
        execute(mono, "UserSetSave")
    setting(mono, UserSetSelector="UserSet1")
    execute(mono, "UserSetLoad")
    assert (value(mono, "ExposureTime"), value(mono, "PixelFormat"), value(mono, "Gain")) == (
        111.0,
        "Mono12",
        3.0,
    )
    mono.start()
    with pytest.raises(genapi.GenericException):
        execute(mono, "UserSetLoad")
    mono.stop()


def test_user_sets_keep_what_selectors_select(color: Any) -> None:
    for channel, ratio in (("Red", 1.25), ("Blue", 2.5)):
        setting(color, BalanceRatioSelector=channel, BalanceRatio=ratio)
    setting(color, UserSetSelector="UserSet0")
    execute(color, "UserSetSave")
    for channel in ("Red", "Blue"):
        setting(color, BalanceRatioSelector=channel, BalanceRatio=1.0)
    execute(color, "UserSetLoad")
    for channel, ratio in (("Red", 1.25), ("Blue", 2.5)):
        setting(color, BalanceRatioSelector=channel)
        assert value(color, "BalanceRatio") == ratio


def test_what_survives_switching_off(simulator: Path, mono: Any, harvester: Any) -> None:
    setting(mono, ExposureTime=222.0, DeviceUserID="left eye", UserSetSelector="UserSet0")
    execute(mono, "UserSetSave")
    setting(mono, UserSetDefault="UserSet0")
    setting(mono, ExposureTime=333.0)
    mono.destroy()
    harvester.update()  # loads the producer anew
    assert harvester.device_info_list[0].user_defined_name == "left eye"
    with harvester.create(0) as again:
        assert value(again, "ExposureTime") == 222.0
        assert value(again, "UserSetDefault") == "UserSet0"


def test_starting_and_stopping_again_and_again(mono: Any) -> None:
    """Each acquisition begins a count of its own, and no buffer of the one before comes in."""
    setting(mono, ExposureTime=100.0, AcquisitionFrameRate=500.0)
    for _ in range(30):
        mono.start()
        taken = take(mono, 2)
        assert taken[0].frame_id == 0
        assert taken[1].device_ns > taken[0].device_ns
        mono.stop()


def test_acquiring_at_full_speed_keeps_every_frame(mono: Any) -> None:
    finite(mono, 200)
    setting(mono, AcquisitionFrameRateEnable=False, ExposureTime=20.0)
    mono.num_buffers = 200
    mono.start()
    assert np.array_equal([taken.frame_id for taken in take(mono, 200)], np.arange(200))


def test_a_camera_belongs_to_one_process(simulator: Path, mono: Any) -> None:
    """Another process finds it, but taken; once it is let go, anybody can have it."""

    def seen_elsewhere() -> dict[str, bool]:
        [report] = probe_producers([producer_path(simulator)])
        return {device.serial: device.accessible for device in report.devices}

    assert seen_elsewhere() == {MONO_SERIAL: False, COLOR_SERIAL: True}
    code = f"""
from harvesters.core import Harvester
h = Harvester()
h.add_file({str(producer_path(simulator))!r})
h.update()
try:
    h.create(0)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
    assert "already in use" in done.stdout
    mono.destroy()
    assert seen_elsewhere() == {MONO_SERIAL: True, COLOR_SERIAL: True}
