"""Thumbnails of the simulated cameras, from a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from harvesters.core import Harvester

from capture.discovery import Device, viky_producer
from capture.errors import DeviceLost
from capture.frames import Frame, Layout, frozen
from capture.node_settings import NodeSettings
from capture.preview import (
    THUMBNAIL_PX,
    PreviewCamera,
    PreviewFrame,
    PreviewProblem,
    PreviewProcess,
    describe_cameras,
    thumbnail_of,
)
from capture.preview_server import BLINKS, _opened, describe_nodes
from capture.simulator.rig import COLOR_SERIAL, MONO_SERIAL, producer_path
from capture.sync.described import DescribedCamera

DESCRIBED_BY = (
    "PixelFormat",
    "PixelColorFilter",
    "AcquisitionFrameRate",
    "DeviceLinkSpeed",
    "DeviceLinkThroughputLimit",
    "DeviceLinkThroughputLimitMode",
    "StreamBytesPerSecond",
    "GevSCPSPacketSize",
    "DeviceIndicatorMode",
)
TIMEOUT_S = 60.0


def test_every_camera_tells_what_it_is_and_shows_a_picture() -> None:
    cameras: dict[str, PreviewCamera] = {}
    frames: dict[str, PreviewFrame] = {}
    with PreviewProcess(viky_producer(), skip=frozenset({"2"})) as preview:
        while len(frames) < 2:
            message = preview.next_message(TIMEOUT_S)
            assert not isinstance(message, PreviewProblem | None)
            if isinstance(message, PreviewCamera):
                cameras[message.device.serial] = message
            else:
                frames[message.serial] = message
        preview.blink("0")  # has no light: nothing happens
    assert cameras.keys() == frames.keys() == {"0", "1"}, "the camera to skip was left alone"
    assert cameras["0"].device.vendor
    assert "Mono8" in cameras["0"].pixel_formats
    assert cameras["0"].width > 0
    for frame in frames.values():
        assert frame.thumbnail.dtype == np.uint8
        assert max(frame.thumbnail.shape[:2]) <= THUMBNAIL_PX
        assert frame.thumbnail.shape[2] == 3
        assert 0 < frame.level < 1


def test_cameras_can_be_described_without_pictures() -> None:
    described = describe_cameras(viky_producer(), frozenset({"1", "nobody"}), timeout_s=TIMEOUT_S)
    assert [camera.device.serial for camera in described] == ["1"]
    assert described[0].height > 0


def test_who_shows_cameras_needs_no_harvesters() -> None:
    code = "import sys, capture.preview; print('harvesters' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_producer_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    bad = tmp_path / "bad.cti"
    bad.write_text("nonsense")
    with PreviewProcess(bad) as preview:
        message = preview.next_message(TIMEOUT_S)
    assert isinstance(message, PreviewProblem)
    assert message.serial == ""
    assert "no GenTL producer" in message.text


def read_on(preview: PreviewProcess) -> None:
    while True:
        preview.next_message(TIMEOUT_S)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_process_that_dies_is_noticed() -> None:
    with PreviewProcess(viky_producer()) as preview:
        assert preview._process is not None
        assert preview._process.pid is not None
        os.kill(preview._process.pid, signal.SIGKILL)
        with pytest.raises(DeviceLost, match=r"viky\.cti ended"):
            read_on(preview)


def test_a_camera_that_waits_for_a_trigger_is_shown_too(
    simulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CYCLERIG_SIMULATOR_SETTINGS", "color.TriggerMode=On")
    with PreviewProcess(producer_path(simulator), skip=frozenset({MONO_SERIAL})) as preview:
        message = preview.next_message(TIMEOUT_S)
        assert isinstance(message, PreviewCamera)
        assert message.device.producer == str(producer_path(simulator))
        assert message.limit_nodes[-1] == "DeviceLinkThroughputLimit"
        while not isinstance(message, PreviewFrame):
            message = preview.next_message(TIMEOUT_S)
            assert message is not None
    assert message.serial == COLOR_SERIAL


def test_a_camera_is_left_as_it_was_found(simulator: Path) -> None:
    harvester = Harvester()
    harvester.add_file(str(producer_path(simulator)))
    harvester.update()
    try:
        before = {"TriggerMode": "On", "AcquisitionFrameRateEnable": False, "ChunkModeActive": True}
        with harvester.create({"serial_number": COLOR_SERIAL}) as acquirer:
            nodes = NodeSettings(acquirer.remote_device.node_map)
            for name, value in before.items():
                nodes.apply(name, value)
        acquirer = harvester.create({"serial_number": COLOR_SERIAL})
        nodes = NodeSettings(acquirer.remote_device.node_map)
        device = Device(COLOR_SERIAL, "", "", "", "", accessible=True)
        with _opened(device, acquirer) as camera:
            camera.start()
            assert nodes.value("TriggerMode") == "Off"
        with harvester.create({"serial_number": COLOR_SERIAL}) as acquirer:
            nodes = NodeSettings(acquirer.remote_device.node_map)
            assert {name: nodes.value(name) for name in before} == before
    finally:
        harvester.reset()


def test_the_light_of_a_camera_blinks_and_then_shows_what_it_showed(simulator: Path) -> None:
    harvester = Harvester()
    harvester.add_file(str(producer_path(simulator)))
    harvester.update()
    try:
        acquirer = harvester.create({"serial_number": COLOR_SERIAL})
        nodes = NodeSettings(acquirer.remote_device.node_map)
        nodes.apply("DeviceIndicatorMode", "ErrorStatus")
        with _opened(Device(COLOR_SERIAL, "", "", "", "", accessible=True), acquirer) as camera:
            assert camera.described().can_blink
            camera.start()
            camera.begin_to_blink()
            shown = [nodes.value("DeviceIndicatorMode")]
            while camera._toggles_left:
                camera.step()
                if nodes.value("DeviceIndicatorMode") != shown[-1]:
                    shown.append(nodes.value("DeviceIndicatorMode"))
        assert shown == ["Inactive", "Active"] * (BLINKS // 2) + ["Inactive"]
        with harvester.create({"serial_number": COLOR_SERIAL}) as acquirer:
            nodes = NodeSettings(acquirer.remote_device.node_map)
            assert nodes.value("DeviceIndicatorMode") == "ErrorStatus"
    finally:
        harvester.reset()


def test_real_cameras_are_described_from_their_own_descriptions(shared_dir: Path) -> None:
    described = {}
    for path in sorted((shared_dir / "data" / "genicam_xml").glob("*.xml")):
        nodes = NodeSettings(DescribedCamera(path, DESCRIBED_BY).node_map)
        device = Device(path.stem, "", "", "GEV", "", accessible=True)
        described[path.stem] = describe_nodes(device, nodes)
    assert len(described) == 12
    for camera in described.values():
        assert {"Mono8", "BayerRG8"} & set(camera.pixel_formats)
    limits = {name: camera.limit_nodes for name, camera in described.items()}
    assert limits["AVT_Manta_G235C"] == ("StreamBytesPerSecond",)
    assert limits["FLIR-BFS-PGE-13Y3M"] == ("DeviceLinkThroughputLimit",)
    assert limits["Basler-a2A2600-20gmBAS"] == ("DeviceLinkThroughputLimitMode", "DeviceLinkThroughputLimit")
    assert sum(camera.can_blink for camera in described.values()) == 6


def test_a_mosaic_becomes_a_small_colour_picture() -> None:
    mosaic = np.zeros((480, 1280), np.uint16)
    mosaic[::2, ::2] = 4095  # red of RGGB, at 12 bits
    frame = Frame("color", frozen(mosaic), Layout.BAYER_RG, 12, "BayerRG12p", 0, None, 0, None)
    shown = thumbnail_of("7", frame)
    assert shown.thumbnail.shape == (120, THUMBNAIL_PX, 3)
    red, green, blue = shown.thumbnail[60, 160]
    assert red > 200
    assert green < 60
    assert blue < 60
    assert not shown.thumbnail.flags.writeable
