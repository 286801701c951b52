"""Which rig to open, as plain data that can cross to another process, and how a person names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from capture.rig import Rig, SettingValue
from capture.sync.config import SyncConfig


@dataclass(frozen=True)
class VirtualSpec:
    """The virtual rig. Sizes in pixels; the same seed gives the same pictures. `sync` as in GenicamSpec.

    `room_s`: it is carried into another room after so many seconds, again and again; 0: it stays.
    """

    seed: int = 0
    width: int = 640
    height: int = 480
    frame_rate_hz: float = 15.0
    calibration: Path | None = None
    notice: str = ""
    sync: SyncConfig | None = None
    room_s: float = 0.0


@dataclass(frozen=True)
class ReplaySpec:
    """A folder with `mono/` and `color/`, or a captured dataset. Rate None: its own, else 10 Hz."""

    folder: Path
    frame_rate_hz: float | None = None
    loop: bool = True
    calibration: Path | None = None


@dataclass(frozen=True)
class CameraSpec:
    """One GenICam camera: by serial number, with the settings to apply after opening (SFNC names)."""

    serial: str
    pixel_format: str | None = None
    settings: dict[str, SettingValue] = field(default_factory=dict)


@dataclass(frozen=True)
class GenicamSpec:
    """Two GenICam cameras.

    Attributes:
        producers: `.cti` files searched besides the usual places.
        shares_trigger: frame ids of both cameras count the same trigger.
        color_side: where the colour camera stands, seen from behind the rig; what a calibration says
            comes first.
        sync: how the cameras are made to expose together; None leaves all triggers as they are.
    """

    name: str
    mono: CameraSpec
    color: CameraSpec
    producers: tuple[Path, ...] = ()
    shares_trigger: bool = False
    buffers: int = 16
    calibration: Path | None = None
    color_side: Literal["left", "right"] = "left"
    sync: SyncConfig | None = None


RigSpec = VirtualSpec | ReplaySpec | GenicamSpec


def open_rig(spec: RigSpec) -> Rig:
    """Return the (not yet opened) rig of this spec, in this process."""
    if isinstance(spec, VirtualSpec):
        from capture.virtual.rig import VirtualRig

        return VirtualRig(spec)
    if isinstance(spec, ReplaySpec):
        from capture.replay import ReplayRig

        return ReplayRig(spec)
    from capture.genicam import GenicamRig

    return GenicamRig(spec)
