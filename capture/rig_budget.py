"""What the cameras of a rig are to send, and whether the links they hang on carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from capture.bandwidth import USUAL_PACKET_BYTES, Budget, Link, Stream, budget
from capture.preview import PreviewCamera
from capture.rig import SettingValue
from capture.spec import CameraSpec
from capture.traps.network import Adapter, adapter_of

DEFAULT_LINK_MBIT: dict[str, float] = {"GEV": 1000, "U3V": 5000}
"""Assumed where neither camera nor adapter tells what was negotiated; other transports have no budget."""


LimitSettings = dict[str, SettingValue]

LIMIT_MODE, LIMIT = "DeviceLinkThroughputLimitMode", "DeviceLinkThroughputLimit"
LIMIT_NODES = (LIMIT_MODE, LIMIT, "StreamBytesPerSecond")
"""What limits a camera's data rate, in bytes per second: SFNC's, and Allied Vision's from before it. Some
cameras have no mode: the limit is then always on."""


@dataclass(frozen=True)
class PlannedCamera:
    """A camera as it was found, and what the rig file will set on it (None: nothing)."""

    name: str
    camera: PreviewCamera
    spec: CameraSpec | None = None

    @property
    def stream(self) -> Stream:
        """Return what it is to send."""
        settings = self.spec.settings if self.spec else {}
        wanted = self.spec.pixel_format if self.spec else None
        return Stream(
            self.name,
            wanted or self.camera.pixel_format,
            int(_number(settings, "Width", self.camera.width)),
            int(_number(settings, "Height", self.camera.height)),
            _number(settings, "AcquisitionFrameRate", self.camera.frame_rate_hz or 0.0),
            int(_number(settings, "GevSCPSPacketSize", self.camera.packet_bytes or USUAL_PACKET_BYTES)),
        )


def _number(settings: Mapping[str, SettingValue], name: str, found: float) -> float:
    value = settings.get(name, found)
    return float(value) if isinstance(value, int | float) else found


def link_budgets(planned: Sequence[PlannedCamera], adapters: Sequence[Adapter] = ()) -> list[Budget]:
    """Return a budget for each link that the cameras use, the fullest first.

    Cameras share a link when they hang on the same network adapter or, where that is not known, on the same
    interface as their producer calls it. Those of which format, size or rate is not known are left out.
    """
    groups: dict[tuple[str, str], list[PlannedCamera]] = {}
    for one in planned:
        device = one.camera.device
        if device.transport in DEFAULT_LINK_MBIT and one.stream.image_bytes_per_s > 0:
            adapter = adapter_of(device, adapters) if device.transport == "GEV" else None
            place = adapter.name if adapter else device.interface
            groups.setdefault((device.transport, place), []).append(one)
    budgets = [
        budget(_link(place, group[0].camera, adapters), *(one.stream for one in group))
        for (_, place), group in groups.items()
    ]
    return sorted(budgets, key=lambda found: found.load, reverse=True)


def limit_settings(planned: Sequence[PlannedCamera], adapters: Sequence[Adapter] = ()) -> list[LimitSettings]:
    """Return what to set on each camera so that those on one link share it, in the order given.

    Empty for a camera that has a link of its own, or nothing to be limited with.
    """
    shares = {
        stream.name: limit
        for found in link_budgets(planned, adapters)
        if len(found.streams) > 1
        for stream, limit in zip(found.streams, found.limits, strict=True)
    }
    return [_limits_of(one.camera, shares.get(one.name)) for one in planned]


def _limits_of(camera: PreviewCamera, share: int | None) -> LimitSettings:
    values: LimitSettings = {}
    if share is not None:
        for name in camera.limit_nodes:
            values[name] = "On" if name == LIMIT_MODE else share
    return values


def _link(place: str, camera: PreviewCamera, adapters: Sequence[Adapter]) -> Link:
    """Return the link: as fast as the adapter says, else the camera (which tells bytes per second)."""
    transport: Literal["GEV", "U3V"] = "U3V" if camera.device.transport == "U3V" else "GEV"
    adapter = next((known for known in adapters if known.name == place), None)
    if adapter is not None and adapter.mbit_per_s:
        return Link(place, transport, adapter.mbit_per_s)
    speed = camera.link_bytes_per_s
    return Link(place or transport, transport, speed * 8 / 1e6 if speed else DEFAULT_LINK_MBIT[transport])
