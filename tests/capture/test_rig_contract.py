"""What every rig promises (`capture/rig.py`): virtual, replayed and GenICam, here and in a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from capture.errors import FrameTimeout, SettingRejected
from capture.frames import ROLES, Frame, Layout
from capture.process import RigProcess
from capture.rig import Rig
from capture.spec import RigSpec, open_rig
from tests.capture import rig_specs
from tests.capture.rig_specs import PATIENCE_S, take


@pytest.fixture(scope="module", params=["virtual", "replay", "viky", "simulator"])
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RigSpec:
    if request.param == "simulator":
        return rig_specs.simulator(request.getfixturevalue("simulator_build"))
    if request.param == "virtual":
        return rig_specs.virtual()
    if request.param == "viky":
        return rig_specs.viky()
    return rig_specs.replay(tmp_path_factory.mktemp("replay") / "pairs")


@pytest.fixture(scope="module", params=["here", "in its process"])
def opened(request: pytest.FixtureRequest, spec: RigSpec) -> Iterator[Rig]:
    """A rig that is opened once for all tests: some take seconds to open."""
    rig = open_rig(spec) if request.param == "here" else RigProcess(spec)
    with pytest.raises(RuntimeError, match="not open"):
        _ = rig.info
    with rig:
        yield rig
    rig.__exit__(None, None, None)  # once more does no harm


@pytest.fixture
def rig(opened: Rig) -> Iterator[Rig]:
    yield opened
    opened.stop()


def test_info_describes_both_cameras(rig: Rig) -> None:
    for role, camera in (("mono", rig.info.mono), ("color", rig.info.color)):
        assert camera.role == role
        assert camera.width > 0
        assert camera.height > 0
        assert camera.pixel_format


def test_frames_are_whole_immutable_and_in_order(rig: Rig) -> None:
    rig.start()
    frames = take(rig, 20)
    for role in ROLES:
        camera = rig.info.mono if role == "mono" else rig.info.color
        mine = [frame for frame in frames if frame.role == role]
        assert len(mine) >= 5, "both cameras must get their turn"
        assert all(later.frame_id > earlier.frame_id for earlier, later in pairwise(mine))
        assert all(later.host_ns >= earlier.host_ns for earlier, later in pairwise(mine))
        for frame in mine:
            check_frame(frame)
            assert frame.image.shape[:2] == (camera.height, camera.width)
            assert frame.pixel_format == camera.pixel_format
            assert (frame.device_ns is not None) == camera.has_clock
            assert (frame.layout is Layout.MONO) == (role == "mono")


def check_frame(frame: Frame) -> None:
    assert frame.image.flags.c_contiguous
    assert not frame.image.flags.writeable
    assert frame.image.dtype == (np.uint8 if frame.bits == 8 else np.uint16)
    assert frame.image.max() < 1 << frame.bits
    assert frame.image.ndim == (3 if frame.layout is Layout.RGB else 2)
    assert frame.host_ns <= time.monotonic_ns()


def test_earlier_images_stay_as_they_were(rig: Rig) -> None:
    """Buffers and slots are used again; what was handed out must not change under its reader."""
    rig.start()
    kept = [(frame, frame.image.copy()) for frame in take(rig, 4)]
    take(rig, 80)
    for frame, image in kept:
        np.testing.assert_array_equal(frame.image, image)


def test_counters_tell_what_was_handed_out(rig: Rig) -> None:
    rig.start()
    frames = take(rig, 12)
    counters = rig.counters()
    for role in ROLES:
        assert counters[role].delivered == sum(frame.role == role for frame in frames)
    rig.stop()
    rig.start()
    assert all(rig.counters()[role].delivered == 0 for role in ROLES)
    take(rig, 4)
    assert sum(rig.counters()[role].delivered for role in ROLES) == 4


def test_start_and_stop_may_be_repeated(rig: Rig) -> None:
    rig.stop()
    rig.start()
    rig.start()
    take(rig, 3)
    rig.stop()
    rig.stop()
    rig.start()
    take(rig, 3)


def test_a_stopped_rig_sends_nothing(rig: Rig) -> None:
    rig.start()
    take(rig, 3)
    rig.stop()
    with pytest.raises(FrameTimeout):
        rig.next_frame(0.1)


def test_settings_take_their_own_value_and_refuse_others(rig: Rig) -> None:
    for role in ROLES:
        for name, setting in rig.settings(role).items():
            assert setting.name == name
            if not setting.writable:
                continue
            assert rig.apply(role, name, setting.value) == pytest.approx(setting.value)
            if setting.maximum is not None:
                with pytest.raises(SettingRejected, match=name):
                    rig.apply(role, name, setting.maximum + 1)
            if setting.choices:
                assert setting.value in setting.choices
                with pytest.raises(SettingRejected, match=name):
                    rig.apply(role, name, "NoSuchChoice")
        with pytest.raises(SettingRejected, match="NoSuchSetting") as caught:
            rig.apply(role, "NoSuchSetting", 1)
        assert caught.value.setting == "NoSuchSetting"


def test_unknown_commands_are_refused(rig: Rig) -> None:
    with pytest.raises(SettingRejected, match="NoSuchCommand"):
        rig.execute("NoSuchCommand")


def test_a_finite_stream_ends_with_none(tmp_path: Path) -> None:
    spec = rig_specs.replay(tmp_path / "pairs", pairs=3, loop=False)
    rigs: list[AbstractContextManager[Rig]] = [open_rig(spec), RigProcess(spec)]
    for opened in rigs:
        with opened as rig:
            rig.start()
            frames = []
            while (frame := rig.next_frame(PATIENCE_S)) is not None:
                frames.append(frame)
            assert len(frames) == 6
            assert rig.next_frame(PATIENCE_S) is None, "the end is the end"
