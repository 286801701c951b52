"""The process behind `capture/preview.py`: opens every camera of a producer and sends thumbnails."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harvesters.core import Harvester, ParameterKey, ParameterSet

from capture.capture_server import end_with_parent
from capture.discovery import Device, check_producer, unique_devices
from capture.errors import CaptureError, SettingRejected
from capture.genicam import quiet_logger
from capture.gentl_camera import GentlCamera
from capture.node_settings import NodeSettings, vendor_message
from capture.pixel_formats import FORMATS
from capture.preview import PreviewCamera, PreviewFrame, PreviewMessage, PreviewProblem, thumbnail_of
from capture.rig import SettingValue
from capture.rig_budget import LIMIT_NODES
from capture.spec import CameraSpec
from capture.vendor_errors import VENDOR_ERRORS

PREVIEW_RATE_HZ = 8.0
POLL_S = 0.015
BUFFERS = 4
BLINK_S, BLINKS = 0.25, 8


def serve(producer: Path, skip: frozenset[str], connection: Connection) -> None:
    """Run in the preview process, until the parent sends None or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to judge
    threading.Thread(target=end_with_parent, name="parent-watch", daemon=True).start()
    try:
        with ExitStack() as closing:
            _run(producer, skip, connection, closing)
    except CaptureError as error:
        _say(connection, PreviewProblem("", str(error)))
    except VENDOR_ERRORS as error:
        _say(connection, PreviewProblem("", f"Producer {producer.name}: {vendor_message(error)}."))
    finally:
        connection.close()
    # Leaves without unloading: some vendors' libraries crash on the way out.
    os._exit(0)


def _run(producer: Path, skip: frozenset[str], connection: Connection, closing: ExitStack) -> None:
    file = check_producer(producer)
    harvester = Harvester(config=ParameterSet({ParameterKey.LOGGER: quiet_logger()}))
    closing.callback(harvester.reset)
    harvester.add_file(os.fspath(file))
    harvester.update()
    cameras: dict[str, _Camera] = {}
    for serial, (device, info) in unique_devices(harvester.device_info_list).items():
        if serial in skip:
            continue
        try:
            acquirer = harvester.create(info, config=_config())
        except VENDOR_ERRORS as error:
            text = f"{vendor_message(error)}; does another program use it?"
            _say(connection, PreviewProblem(serial, text))
            continue
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # `create` puts harvesters' own handler there
        found = replace(device, producer=os.fspath(producer))
        camera = closing.enter_context(_opened(found, acquirer))
        _say(connection, camera.described())
        cameras[serial] = camera
    for serial, camera in list(cameras.items()):
        if not _shows(camera.start, serial, connection):
            del cameras[serial]
    _stream(cameras, connection)


def _config() -> ParameterSet:
    return ParameterSet(
        {
            ParameterKey.NUM_BUFFERS_FOR_FETCH_CALL: BUFFERS,
            ParameterKey.TIMEOUT_PERIOD_ON_UPDATE_EVENT_DATA_CALL: 0,
            ParameterKey.ENABLE_AUTO_CHUNK_DATA_UPDATE: False,
        }
    )


def _stream(cameras: dict[str, _Camera], connection: Connection) -> None:
    """Send thumbnails until told to end."""
    while True:
        # Waiting for a request is the pause between two looks at the cameras.
        if connection.poll(POLL_S):
            try:
                request = connection.recv()
            except (EOFError, OSError):
                return
            if request is None:
                return
            if request in cameras:
                cameras[request].begin_to_blink()
        for serial, camera in list(cameras.items()):
            if not _shows(camera.step, serial, connection):
                del cameras[serial]


def _shows(action: Any, serial: str, connection: Connection) -> bool:
    """Do something with a camera and send what comes of it; False, and a problem is sent, if it failed."""
    try:
        message = action()
    except (CaptureError, *VENDOR_ERRORS) as error:
        text = str(error) if isinstance(error, CaptureError) else vendor_message(error)
        _say(connection, PreviewProblem(serial, text))
        return False
    if message is not None:
        _say(connection, message)
    return True


def _say(connection: Connection, message: PreviewMessage) -> None:
    try:
        connection.send(message)
    except OSError:  # the parent is gone: nobody is left to tell
        os._exit(0)


def describe_nodes(device: Device, nodes: NodeSettings) -> PreviewCamera:
    """Return what a camera's node map says of it."""
    packet = nodes.number("GevSCPSPacketSize")
    return PreviewCamera(
        device=device,
        pixel_formats=tuple(name for name in nodes.choices("PixelFormat") if name in FORMATS),
        pixel_format=str(nodes.value("PixelFormat") or ""),
        width=int(nodes.number("Width") or 0),
        height=int(nodes.number("Height") or 0),
        color_filter=str(nodes.value("PixelColorFilter") or ""),
        frame_rate_hz=nodes.number("AcquisitionFrameRate"),
        link_bytes_per_s=nodes.number("DeviceLinkSpeed"),
        limit_bytes_per_s=nodes.number("DeviceLinkThroughputLimit"),
        packet_bytes=None if packet is None else int(packet),
        limit_nodes=tuple(name for name in LIMIT_NODES if nodes.has(name)),
        can_blink={"Active", "Inactive"} <= set(nodes.choices("DeviceIndicatorMode")),
    )


class _Camera:
    """One opened camera: set to send slowly by itself, and set back in the end."""

    def __init__(self, device: Device, acquirer: Any) -> None:
        self._device = device
        self._nodes = NodeSettings(acquirer.remote_device.node_map)
        self._camera = GentlCamera("mono", CameraSpec(device.serial), acquirer)
        self._changed: list[tuple[str, SettingValue]] = []
        self._last_s = 0.0
        self._toggles_left = 0
        self._next_toggle_s = 0.0

    def described(self) -> PreviewCamera:
        """Return what it says of itself, as it was found."""
        return describe_nodes(self._device, self._nodes)

    def start(self) -> None:
        """Let it run freely and slowly, and begin. Raises CaptureError."""
        self._set("AcquisitionMode", "Continuous")
        self._set("ChunkModeActive", value=False)
        for selector in self._nodes.choices("TriggerSelector") or ("",):
            self._release_trigger(selector)
        if (self._nodes.number("AcquisitionFrameRate") or PREVIEW_RATE_HZ) > PREVIEW_RATE_HZ:
            self._set("AcquisitionFrameRateEnable", value=True)
            self._set("AcquisitionFrameRate", PREVIEW_RATE_HZ)
        self._camera.start()

    def _release_trigger(self, selector: str) -> None:
        before = self._nodes.value("TriggerSelector")
        if selector and before != selector and not self._set("TriggerSelector", selector):
            return
        if self._nodes.value("TriggerMode") == "On":
            self._set("TriggerMode", "Off")

    def _set(self, name: str, value: SettingValue) -> bool:
        """Set what differs and remember how it was; False where the camera does not want to."""
        before = self._nodes.value(name)
        if before is None or before == value:
            return before is not None
        try:
            self._nodes.apply(name, value)
        except SettingRejected:
            return False
        self._changed.append((name, before))
        return True

    def step(self) -> PreviewFrame | None:
        """Blink, fetch, and return a thumbnail if one is due. Raises CaptureError."""
        self._blink()
        frame = self._camera.fetch()
        now_s = time.monotonic()
        if frame is None or now_s - self._last_s < 0.8 / PREVIEW_RATE_HZ:
            return None
        self._last_s = now_s
        return thumbnail_of(self._device.serial, frame)

    def begin_to_blink(self) -> None:
        """Switch its light on and off for a while."""
        if not self._toggles_left:
            self._set("DeviceIndicatorMode", "Inactive")  # remembers how it was
        self._toggles_left = BLINKS
        self._next_toggle_s = 0.0

    def _blink(self) -> None:
        if self._toggles_left and time.monotonic() >= self._next_toggle_s:
            self._toggles_left -= 1
            self._next_toggle_s = time.monotonic() + BLINK_S
            with suppress(SettingRejected):
                mode = "Active" if self._toggles_left % 2 else "Inactive"
                self._nodes.apply("DeviceIndicatorMode", mode)

    def close(self) -> None:
        """Stop, set everything back, and release the device; one that is gone closes without complaint."""
        self._camera.stop()
        for name, before in reversed(self._changed):
            with suppress(SettingRejected):
                self._nodes.apply(name, before)
        self._camera.close()


@contextmanager
def _opened(device: Device, acquirer: Any) -> Iterator[_Camera]:
    camera = _Camera(device, acquirer)
    try:
        yield camera
    finally:
        camera.close()
