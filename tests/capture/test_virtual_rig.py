"""The virtual rig: what it adds to the contract of all rigs (`test_rig_contract.py`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from capture.develop import develop
from capture.errors import DeviceLost, FrameTimeout, RigFileError, SettingRejected
from capture.frames import ROLES, Frame, Layout, Role
from capture.spec import VirtualSpec
from capture.virtual.board import INNER_CORNERS
from capture.virtual.rig import SHIPPED_CALIBRATION, VirtualRig
from tests.capture.rig_specs import PATIENCE_S, take

SPEC = VirtualSpec(width=160, height=120, frame_rate_hz=50.0)


@pytest.fixture(scope="module")
def opened() -> Iterator[VirtualRig]:
    with VirtualRig(SPEC) as rig:
        yield rig


@pytest.fixture
def rig(opened: VirtualRig) -> Iterator[VirtualRig]:
    """The rig, stopped and with default settings."""
    before = {role: opened.settings(role) for role in ROLES}
    yield opened
    opened.stop()
    opened.execute("HideBoard")
    for role in ROLES:
        for name, setting in before[role].items():
            opened.apply(role, name, setting.value)


def next_of(rig: VirtualRig, role: Role) -> Frame:
    while True:
        frame = rig.next_frame(PATIENCE_S)
        assert frame is not None
        if frame.role == role:
            return frame


def test_pairs_share_ids_and_nearly_the_time(rig: VirtualRig) -> None:
    rig.start()
    frames = take(rig, 12)
    for mono in (frame for frame in frames if frame.role == "mono"):
        partners = [frame for frame in frames if frame.role == "color" and frame.frame_id == mono.frame_id]
        for color in partners:
            assert mono.device_ns is not None
            assert color.device_ns is not None
            assert abs(color.device_ns - mono.device_ns) < 50_000
    assert frames[0].frame_id == 0
    assert {frame.layout for frame in frames} == {Layout.MONO, Layout.BAYER_RG}


def test_a_software_trigger_gives_one_pair(rig: VirtualRig) -> None:
    rig.apply("mono", "TriggerMode", "On")
    rig.start()
    with pytest.raises(FrameTimeout, match="TriggerSoftware"):
        rig.next_frame(0.05)
    rig.execute("TriggerSoftware")
    pair = take(rig, 2)
    assert sorted(frame.role for frame in pair) == ["color", "mono"]
    assert pair[0].frame_id == pair[1].frame_id
    with pytest.raises(FrameTimeout):
        rig.next_frame(0.05)


def test_a_trigger_and_a_stop_wake_who_waits(rig: VirtualRig) -> None:
    rig.apply("mono", "TriggerMode", "On")
    rig.start()
    waiting = threading.Event()
    ended: list[str] = []

    def read() -> None:
        waiting.set()
        ended.append(take(rig, 1)[0].role)
        take(rig, 1)
        waiting.set()
        try:
            rig.next_frame(PATIENCE_S)
        except FrameTimeout as error:
            ended.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert waiting.wait(PATIENCE_S)
    waiting.clear()
    rig.execute("TriggerSoftware")
    assert waiting.wait(PATIENCE_S)
    rig.stop()
    reader.join(PATIENCE_S / 2)  # a fraction of what it would wait by itself
    assert not reader.is_alive()
    assert ended[0] in ROLES
    assert "not acquiring" in ended[1]


def test_exposure_and_gain_show_in_the_picture_and_in_the_frame(rig: VirtualRig) -> None:
    rig.start()
    normal = next_of(rig, "mono")
    rig.apply("mono", "ExposureTime", 1000.0)
    rig.apply("mono", "Gain", 3.0)
    changed = next_of(rig, "mono")
    while changed.gain_db != 3.0:
        changed = next_of(rig, "mono")
    assert changed.exposure_us == 1000.0
    assert changed.image.mean() < 0.8 * normal.image.mean()
    assert next_of(rig, "color").exposure_us != 1000.0


def test_twelve_bits_and_their_lock(rig: VirtualRig) -> None:
    rig.apply("mono", "PixelFormat", "Mono12")
    assert rig.info.mono.pixel_format == "Mono12"
    rig.start()
    frame = next_of(rig, "mono")
    assert (frame.bits, frame.pixel_format, frame.image.dtype) == (12, "Mono12", np.uint16)
    assert 255 < frame.image.max() < 4096
    with pytest.raises(SettingRejected, match="stop"):
        rig.apply("mono", "PixelFormat", "Mono8")


def test_white_balance_goes_through_its_selector(rig: VirtualRig) -> None:
    rig.apply("color", "BalanceRatioSelector", "Blue")
    rig.apply("color", "BalanceRatio", 3.0)
    rig.apply("color", "BalanceRatioSelector", "Red")
    assert rig.settings("color")["BalanceRatio"].value != 3.0
    rig.apply("color", "BalanceRatioSelector", "Blue")
    assert rig.settings("color")["BalanceRatio"].value == 3.0
    rig.apply("color", "BalanceRatio", 1.62)


def test_the_rate_is_that_of_both(rig: VirtualRig) -> None:
    rig.apply("color", "AcquisitionFrameRate", 25.0)
    assert rig.settings("mono")["AcquisitionFrameRate"].value == 25.0
    assert rig.info.frame_rate_hz == pytest.approx(25.0)


def test_a_dropped_frame_is_missing_and_counted(rig: VirtualRig) -> None:
    rig.start()
    take(rig, 4)
    rig.execute("DropFrame:color")
    ids = [frame.frame_id for frame in take(rig, 16) if frame.role == "color"]
    missing = set(range(ids[0], ids[-1] + 1)) - set(ids)
    assert rig.counters()["color"].id_gaps == 1
    # A busy computer may overrun a frame as well; then that is counted too.
    assert len(missing) <= 1 + rig.counters()["color"].overrun


def test_a_late_frame_comes_after_its_partner(rig: VirtualRig) -> None:
    rig.apply("mono", "TriggerMode", "On")
    rig.start()
    rig.execute("DelayFrame:mono")
    rig.execute("TriggerSoftware")
    color, mono = take(rig, 2)
    assert (color.role, mono.role) == ("color", "mono")
    assert mono.host_ns - color.host_ns > 2 * 20_000_000
    assert mono.device_ns is not None
    assert color.device_ns is not None
    assert abs(mono.device_ns - color.device_ns) < 50_000, "it was exposed in time"


def test_a_lost_camera_is_lost_until_the_rig_is_opened_again() -> None:
    rig = VirtualRig(replace(SPEC, width=64, height=64))
    with rig:
        rig.start()
        take(rig, 2)
        rig.execute("LoseDevice:mono")
        for _ in range(2):
            with pytest.raises(DeviceLost, match="mono"):
                rig.next_frame(PATIENCE_S)
        with pytest.raises(DeviceLost):
            rig.apply("color", "Gain", 1.0)
        rig.stop()
        with pytest.raises(DeviceLost):
            rig.start()
    with rig:
        rig.start()
        take(rig, 2)


def test_the_board_is_seen_by_both_cameras() -> None:
    with VirtualRig(replace(SPEC, width=480, height=360)) as rig:
        rig.execute("ShowBoard")
        rig.start()
        for frame in take(rig, 2):
            image = develop(frame)
            gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            found, _ = cv2.findChessboardCornersSB(gray, INNER_CORNERS)
            assert found, frame.role


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"width": 161}, "width"),
        ({"height": 10}, "height"),
        ({"frame_rate_hz": 0.0}, "frame_rate_hz"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(change: dict[str, int], named: str) -> None:
    with pytest.raises(RigFileError, match=named):
        VirtualRig(replace(SPEC, **change)).__enter__()  # type: ignore[arg-type]


def test_the_shipped_calibration_belongs_to_its_size_only(rig: VirtualRig) -> None:
    assert rig.info.calibration is None
    assert SHIPPED_CALIBRATION.is_file()
