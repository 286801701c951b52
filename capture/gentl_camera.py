"""One GenICam camera: buffers in, frames out. What is peculiar to `harvesters` and GenTL is in here."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

import numpy as np
from genicam import gentl
from harvesters.core import Callback
from harvesters.util.pfnc import dict_by_ints

from capture.errors import AcquisitionLocked, CaptureError, DeviceLost, RigFileError, SettingRejected
from capture.features import FeatureTree
from capture.frames import Frame, Layout, Role
from capture.node_settings import OLDER_NAMES, SHOWN, NodeSettings, vendor_message
from capture.pixel_formats import FORMATS, PixelFormat, find_format, unpack
from capture.presets import Snapshot, take_snapshot
from capture.rig import CameraCounters, CameraInfo, Setting, SettingValue
from capture.spec import CameraSpec
from capture.user_sets import LOAD
from capture.vendor_errors import VENDOR_ERRORS

log = logging.getLogger(__name__)

FETCH_WINDOW_S = 20e-6
"""Time-out of one look at the event queue; with 0 harvesters waits for ever, interpreter lock held."""

IMAGE_GEOMETRY = {
    "PixelFormat",
    "Width",
    "Height",
    "BinningHorizontal",
    "BinningVertical",
    "DecimationHorizontal",
    "DecimationVertical",
}
"""Settings that change the size of a frame. Buffers are laid out for it: they wait until acquisition ends."""

LOCKED = "it is taken only while acquisition is stopped"

AUTO_REFRESH_NS = 500_000_000
"""With automatic exposure or gain the camera changes both itself; they are read this often."""

CLOCK_NODES = ("TimestampLatch", "GevTimestampControlLatch", "GevTimestampTickFrequency", "DeviceTimestamp")

ACCESS_DENIED = 3
"""GenTL's DEVICE_ACCESS_STATUS_NOACCESS, what a producer says of a camera that is gone."""


def missing_ids(previous: int, current: int) -> tuple[int, int]:
    """Return how many ids lie between two consecutive frames, and by how much the id grew.

    GigE Vision 1.x counts 1 … 65535 and starts over at 1; other counters have 64 bits. An id that falls for
    another reason means that the camera began a new count: nothing is known to be missing.
    """
    if current > previous:
        growth = current - previous
    elif 0xFF00 <= previous <= 0xFFFF and current < 0x100:
        growth = current - previous + 0xFFFF
    else:
        growth = 1
    return growth - 1, growth


def processed_notice(name: str, choices: tuple[str, ...]) -> str:
    """Return a hint for a camera that sends finished colours although it could send what its sensor saw."""
    pixel_format = FORMATS.get(name)
    bayer = next((choice for choice in choices if choice.startswith("Bayer") and choice in FORMATS), None)
    if pixel_format is None or not pixel_format.processed or bayer is None:
        return ""
    return f"The camera sends {name}: colours it has processed itself. {bayer} keeps what the sensor saw."


class GentlCamera:
    """A camera opened with `Harvester.create`. Used by one thread; owns the acquirer and destroys it."""

    def __init__(self, role: Role, spec: CameraSpec, acquirer: Any) -> None:
        self.role = role
        self._spec = spec
        self._acquirer = acquirer
        self._nodes = NodeSettings(acquirer.remote_device.node_map)
        self._acquiring = False
        self._locked: frozenset[str] = frozenset()
        self._has_clock = any(self._nodes.has(name) for name in CLOCK_NODES)
        self._tick_hz: float | None = None
        self._exposure_us: float | None = None
        self._gain_db: float | None = None
        self._is_automatic = False
        self._read_values_ns = 0
        self._counters = CameraCounters()
        self._incomplete_since_frame = 0
        self._last_id: int | None = None
        self._running_id = 0
        self._last_frame_ns = 0
        acquirer.add_callback(acquirer.Events.INCOMPLETE_BUFFER, _IncompleteBuffers(self))

    # -- opening

    def configure(self) -> None:
        """Apply the settings of the rig file. Raises SettingRejected, RigFileError."""
        self._nodes.tree()  # what the camera had when it was opened
        if self._nodes.value("AcquisitionMode") not in (None, "Continuous"):
            self._nodes.apply("AcquisitionMode", "Continuous")
        if self._spec.pixel_format is not None:
            self._nodes.apply("PixelFormat", self._spec.pixel_format)
        for name, value in self._spec.settings.items():
            self._nodes.apply(name, value)
        self._check_format()
        self._read_values()

    def _check_format(self) -> None:
        """Raise RigFileError unless the camera sends something that fits its place in the rig."""
        name = str(self._nodes.value("PixelFormat"))
        wants_mono = self.role == "mono"
        pixel_format = FORMATS.get(name)
        if pixel_format is not None and (pixel_format.layout is Layout.MONO) == wants_mono:
            return
        offered = [choice for choice in self._nodes.choices("PixelFormat") if choice in FORMATS]
        fitting = [choice for choice in offered if (FORMATS[choice].layout is Layout.MONO) == wants_mono]
        advice = (
            f"set pixel_format to one of {', '.join(fitting)}" if fitting else "it offers no format that fits"
        )
        raise RigFileError(
            f"Camera {self._spec.serial} is the {self.role} camera but sends {name}; {advice}."
        )

    @property
    def info(self) -> CameraInfo:
        """What the camera is and sends now."""
        device = self._acquirer.device
        return CameraInfo(
            role=self.role,
            serial=self._spec.serial,
            vendor=str(device.vendor or ""),
            model=str(device.model or ""),
            width=int(self._nodes.number("Width") or 0),
            height=int(self._nodes.number("Height") or 0),
            pixel_format=str(self._nodes.value("PixelFormat")),
            has_clock=self._has_clock,
        )

    @property
    def nodes(self) -> NodeSettings:
        """The camera's node map, for recipes that write many nodes while it does not acquire."""
        return self._nodes

    @property
    def interface_nodes(self) -> NodeSettings | None:
        """The node map of the interface it hangs on, None where the producer has none."""
        try:
            node_map = self._acquirer.interface.node_map
        except VENDOR_ERRORS:
            return None
        return None if node_map is None else NodeSettings(node_map)

    @property
    def notice(self) -> str:
        """Return what a person should know of the format in use, empty if there is nothing."""
        return processed_notice(str(self._nodes.value("PixelFormat")), self._nodes.choices("PixelFormat"))

    @property
    def frame_rate_hz(self) -> float | None:
        """Return the rate the camera is set to, None if it does not tell."""
        return self._nodes.number("AcquisitionFrameRate")

    @property
    def counters(self) -> CameraCounters:
        """Where frames went since `start`; what the producer had no buffer for is an id gap."""
        return self._counters

    # -- acquiring

    def start(self) -> None:
        """Begin to acquire with fresh counters. Raises DeviceLost, CaptureError."""
        self._read_values()
        free = frozenset(f.name for f in self._nodes.tree() if f.writable)
        self._last_frame_ns = time.monotonic_ns()
        try:
            self._acquirer.start()
        except VENDOR_ERRORS as error:
            raise self._translated("could not start", error) from error
        self._acquiring = True
        self._locked = free - {feature.name for feature in self._nodes.tree() if feature.writable}
        self._reset_counters()

    def skip_waiting(self) -> None:
        """Drop the frames that are there already, uncounted, and count from the next one on."""
        for _ in range(self._acquirer.num_buffers):
            if self.fetch() is None:
                break
        self._reset_counters()

    def _reset_counters(self) -> None:
        self._counters = CameraCounters()
        self._incomplete_since_frame = 0
        self._last_id = None
        self._running_id = 0

    def stop(self) -> None:
        """End acquisition; a camera that is gone stops without complaint."""
        self._acquiring = False
        try:
            self._acquirer.stop()
        except VENDOR_ERRORS as error:
            log.debug("camera %s: %s while stopping", self._spec.serial, vendor_message(error))

    def close(self) -> None:
        """Release the device; a camera that is gone closes without complaint."""
        self._acquiring = False
        try:
            self._acquirer.destroy()
        except VENDOR_ERRORS as error:
            log.debug("camera %s: %s while closing", self._spec.serial, vendor_message(error))

    def fetch(self) -> Frame | None:
        """Return a frame if one is there, without waiting. Raises DeviceLost, CaptureError."""
        try:
            buffer = self._acquirer.try_fetch(timeout=FETCH_WINDOW_S, is_raw=True)
        except VENDOR_ERRORS as error:
            raise self._translated("stopped sending", error) from error
        if buffer is None:
            return None
        host_ns = time.monotonic_ns()
        self._last_frame_ns = host_ns
        try:
            frame = self._read_frame(buffer, host_ns)
        except VENDOR_ERRORS as error:
            raise self._translated("sent a frame that cannot be read", error) from error
        finally:
            # The image was copied out: the producer gets its buffer back before anything else happens.
            self._requeue(buffer)
        if self._is_automatic and host_ns - self._read_values_ns > AUTO_REFRESH_NS:
            self._read_values()
        return frame

    def silent_for_s(self) -> float:
        """Return the seconds since the last frame (or since the start, or since the last sign of life)."""
        return (time.monotonic_ns() - self._last_frame_ns) / 1e9

    def check_alive(self) -> None:
        """Ask the device for a sign of life. Raises DeviceLost."""
        try:
            status = self._acquirer.device.module.access_status
            self._nodes.touch()
        except VENDOR_ERRORS as error:
            raise self._lost(vendor_message(error)) from error
        if status == ACCESS_DENIED:
            raise self._lost("the producer has no access to it any more")
        self._last_frame_ns = time.monotonic_ns()

    def _read_frame(self, buffer: Any, host_ns: int) -> Frame:
        pixel_format, width, height, offset, size, padding_x = _image_in(buffer)
        data = np.frombuffer(buffer.raw_buffer, np.uint8)[offset : offset + size]
        big_endian = pixel_format.bits > 8 and _optional(buffer, "pixel_endianness") == 2
        image = unpack(data, pixel_format, width, height, padding_x, big_endian=big_endian)
        device_ns = self._device_time(buffer)
        self._has_clock = device_ns is not None
        return Frame(
            role=self.role,
            image=image,
            layout=pixel_format.layout,
            bits=pixel_format.bits,
            pixel_format=pixel_format.name,
            frame_id=self._count(int(buffer.frame_id)),
            device_ns=device_ns,
            host_ns=host_ns,
            exposure_us=self._exposure_us,
            gain_db=self._gain_db,
        )

    def _count(self, frame_id: int) -> int:
        """Count a complete frame and what is missing before it; return its id, free of 16-bit overflows."""
        gap = 0
        if self._last_id is None:
            self._running_id = frame_id
        else:
            gap, growth = missing_ids(self._last_id, frame_id)
            self._running_id += growth
        self._last_id = frame_id
        counters = self._counters
        self._counters = CameraCounters(
            delivered=counters.delivered + 1,
            incomplete=counters.incomplete,
            # An incomplete frame had an id too, and is counted as incomplete, not twice.
            id_gaps=counters.id_gaps + max(0, gap - self._incomplete_since_frame),
        )
        self._incomplete_since_frame = 0
        return self._running_id

    def count_incomplete(self) -> None:
        """Count a frame that the producer gave up on."""
        self._incomplete_since_frame += 1
        counters = self._counters
        self._counters = CameraCounters(counters.delivered, counters.incomplete + 1, counters.id_gaps)

    def _device_time(self, buffer: Any) -> int | None:
        """Return the exposure's time on the camera's clock in ns; None where there is none."""
        nanoseconds = _optional(buffer, "timestamp_ns")
        if nanoseconds:
            return int(nanoseconds)
        ticks = _optional(buffer, "timestamp")
        if not ticks:
            return None
        if self._tick_hz is None:
            frequency = _optional(self._acquirer.device.module, "timestamp_frequency")
            self._tick_hz = float(frequency or self._nodes.number("GevTimestampTickFrequency") or 1e9)
        return int(ticks) if self._tick_hz == 1e9 else round(int(ticks) * 1e9 / self._tick_hz)

    def _requeue(self, buffer: Any) -> None:
        try:
            buffer.parent.queue_buffer(buffer)
        except VENDOR_ERRORS as error:
            raise self._translated("does not take its buffer back", error) from error

    # -- settings

    def settings(self) -> dict[str, Setting]:
        """Return what can be set now, or by stopping for a moment; see `Setting.while_stopped`."""
        found = self._nodes.read_all()
        if not self._acquiring:
            return found
        for name in SHOWN:
            setting = found.get(name) or self._locked_setting(name)
            if setting is not None and self._is_locked(name):
                found[name] = replace(setting, while_stopped=True, writable=True)
        return {name: found[name] for name in SHOWN if name in found}

    def _locked_setting(self, name: str) -> Setting | None:
        """Return a setting that is read-only, perhaps just because the camera acquires."""
        feature = self._nodes.feature(name) if name in self._locked else None
        return None if feature is None or feature.value is None else feature.setting()

    def features(self) -> FeatureTree:
        """Return everything the camera has. Raises DeviceLost."""
        tree = self._nodes.tree(self._locked if self._acquiring else frozenset())
        if len(tree) == 0:
            self.check_alive()
        if not self._acquiring:
            return tree
        return replace(
            tree,
            features=tuple(
                replace(f, while_stopped=True) if f.writable and f.name in IMAGE_GEOMETRY else f for f in tree
            ),
        )

    def snapshot(self) -> Snapshot:
        """Return all stored values, for presets. Raises DeviceLost."""
        return take_snapshot(self.features, self.apply)

    def _is_locked(self, name: str) -> bool:
        """Tell whether only acquisition stands in the way of setting this."""
        if not self._acquiring:
            return False
        if name in IMAGE_GEOMETRY or name == LOAD:  # a stored set may hold another size
            return name in self._locked or self._nodes.has(name)
        return name in self._locked or OLDER_NAMES.get(name) in self._locked

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        """Set one value and return what the camera reads back.

        Raises SettingRejected, AcquisitionLocked (it would be taken while stopped), DeviceLost.
        """
        if self._is_locked(name):
            raise AcquisitionLocked(name, value, LOCKED)
        try:
            accepted = self._nodes.apply(name, value)
        except SettingRejected:
            self.check_alive()  # a cable that came loose is no matter of the value
            raise
        self._read_values()
        return accepted

    def has_command(self, name: str) -> bool:
        """Tell whether the camera has this node."""
        return self._nodes.has(name)

    def execute(self, name: str) -> None:
        """Run a command node. Raises SettingRejected, AcquisitionLocked, DeviceLost."""
        if self._is_locked(name):
            raise AcquisitionLocked(name, "execute", LOCKED)
        try:
            self._nodes.execute(name)
        except SettingRejected:
            self.check_alive()
            raise
        self._read_values()

    def trigger(self) -> None:
        """Expose now, and read nothing after: the other camera waits. Raises SettingRejected, DeviceLost."""
        try:
            self._nodes.execute("TriggerSoftware")
        except SettingRejected:
            self.check_alive()
            raise

    def _read_values(self) -> None:
        """Read what every frame carries along; once, not per frame, because each is a trip to the camera."""
        self._exposure_us = self._nodes.number("ExposureTime")
        self._gain_db = self._nodes.number("Gain") if self._nodes.unit("Gain") in ("dB", "") else None
        self._is_automatic = any(
            self._nodes.value(n) not in (None, "Off") for n in ("ExposureAuto", "GainAuto")
        )
        self._read_values_ns = time.monotonic_ns()

    # -- errors

    def _translated(self, what: str, error: Exception) -> CaptureError:
        """Return DeviceLost if the camera gives no sign of life, else CaptureError with its words."""
        try:
            self.check_alive()
        except DeviceLost as lost:
            return lost
        return CaptureError(f"Camera {self._spec.serial} ({self.role}) {what}: {vendor_message(error)}.")

    def _lost(self, reason: str) -> DeviceLost:
        return DeviceLost(
            f"Camera {self._spec.serial} ({self.role}) is gone: {reason}; check its cable and power."
        )


class _IncompleteBuffers(Callback):  # type: ignore[misc]  # harvesters has no types
    """What harvesters calls for a frame that arrived in part, its buffer is back already."""

    def __init__(self, camera: GentlCamera) -> None:
        self._camera = camera

    def emit(self, context: object = None) -> None:  # noqa: ARG002 (harvesters' signature)
        self._camera.count_incomplete()


def _image_in(buffer: Any) -> tuple[PixelFormat, int, int, int, int, int]:
    """Return format, width, height, first byte, number of bytes and row padding of the (first) image."""
    parts = list(buffer.parts or ())
    for part in parts:
        name = dict_by_ints.get(int(part.data_format), "")
        if name in FORMATS:
            size = int(part.data_size)
            return (
                FORMATS[name],
                part.width,
                part.height,
                part.data_offset,
                size,
                _optional(part, "x_padding") or 0,
            )
    if parts:
        raise CaptureError("The camera sends parts but no image among them; enable its intensity component.")
    pixel_format = find_format(dict_by_ints.get(int(buffer.pixel_format), f"{int(buffer.pixel_format):#x}"))
    height = _optional(buffer, "delivered_image_height") or buffer.height
    offset = _optional(buffer, "image_offset") or 0
    filled = _optional(buffer, "size_filled") or len(buffer.raw_buffer)
    return pixel_format, buffer.width, height, offset, filled - offset, _optional(buffer, "padding_x") or 0


def _optional(module: Any, attribute: str) -> Any | None:
    """Return an answer of the producer, None where it gives none: most questions are optional in GenTL."""
    try:
        return getattr(module, attribute)
    except gentl.GenericException:
        return None
