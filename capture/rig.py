"""The contract every kind of rig keeps: GenICam cameras, a replayed folder, the virtual rig, and each of them
in a process.

`tests/capture/test_rig_contract.py` runs over all of them. A rig is used like this:

    with open_rig(spec) as rig:         # __enter__ opens the devices: `info` is known from here on
        rig.start()
        while (frame := rig.next_frame(timeout_s=1.0)) is not None:
            ...
                                        # __exit__ stops and closes; both are idempotent
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from capture.frames import Frame, Role
from capture.libraries import LoadedLibrary

if TYPE_CHECKING:  # both are made of what is defined here
    from capture.features import FeatureTree
    from capture.presets import Snapshot
    from capture.sync.config import SyncConfig
    from capture.sync.report import SyncReport

SettingValue = float | int | bool | str


@dataclass(frozen=True)
class CameraInfo:
    """One camera of a rig. `width` and `height` in pixels; `has_clock` tells whether frames carry
    `device_ns`.
    """

    role: Role
    serial: str
    vendor: str
    model: str
    width: int
    height: int
    pixel_format: str
    has_clock: bool


@dataclass(frozen=True)
class RigInfo:
    """What is known of an opened rig.

    Attributes:
        kind: the kind of rig, for people and for logs.
        name: short name, e.g. "virtual", "viky", the folder's or the rig file's name.
        frame_rate_hz: nominal rate, None where it is the cameras' own affair.
        shares_trigger: frame ids of both cameras count the same trigger, so that equal ids belong together.
        calibration: calibration file that belongs to this rig, None if there is none yet.
        commands: names that `execute` takes, e.g. "TriggerSoftware", "ShowBoard", "LoseDevice:mono".
        notice: a line for the banner (e.g. "No camera found: showing the virtual rig."), else empty.
        sync: what came of setting the cameras up to expose together; None if nobody asked for it.
        libraries: GenTL libraries that the rig has loaded.
    """

    kind: Literal["genicam", "replay", "virtual"]
    name: str
    mono: CameraInfo
    color: CameraInfo
    frame_rate_hz: float | None
    shares_trigger: bool
    calibration: Path | None
    commands: tuple[str, ...] = ()
    notice: str = ""
    sync: SyncReport | None = None
    libraries: tuple[LoadedLibrary, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One thing that can be set on a camera, named and measured as in SFNC (ExposureTime in µs, Gain in dB,
    …).

    Attributes:
        minimum, maximum: limits now; they follow other settings.
        increment: step between values that are taken, counted from the minimum; None for any.
        logarithmic: its range spans decades.
        while_stopped: taken only while acquisition is stopped; `apply` raises AcquisitionLocked meanwhile.
        writable: False while the camera controls it by itself, or something else switches it off.
    """

    name: str
    value: SettingValue
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    increment: float | None = None
    logarithmic: bool = False
    while_stopped: bool = False
    writable: bool = True


@dataclass(frozen=True)
class CameraCounters:
    """Where the frames of one camera went since `start`.

    Attributes:
        delivered: complete frames handed out by the rig.
        incomplete: frames the producer marked incomplete; not handed out.
        id_gaps: frames missing between consecutive frame ids: lost in the camera, the cable or the producer.
        overrun: complete frames dropped because the reader of the rig was too slow.
    """

    delivered: int = 0
    incomplete: int = 0
    id_gaps: int = 0
    overrun: int = 0


class Rig(Protocol):
    """A mono and a colour camera. One thread calls it at a time; constructors do no I/O."""

    @property
    def info(self) -> RigInfo:
        """What was opened. Raises RuntimeError before `__enter__`."""

    def __enter__(self) -> Self:
        """Open the devices. Raises DeviceNotFound, DeviceLost or RigFileError."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and close."""

    def start(self) -> None:
        """Begin to acquire on both cameras, with counters at zero. Does nothing while it already acquires."""

    def stop(self) -> None:
        """End acquisition; `start` may follow. Does nothing while stopped."""

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame of either camera, in order of arrival; None once a finite stream has ended.

        Raises FrameTimeout if none arrives in time, DeviceLost if a camera is gone.
        """

    def counters(self) -> Mapping[Role, CameraCounters]:
        """Return where frames went since `start`."""

    def settings(self, role: Role) -> Mapping[str, Setting]:
        """Return what can be set on a camera now, by name. What the camera lacks is absent."""

    def features(self, role: Role) -> FeatureTree:
        """Return everything a camera can be asked or told, `settings` and more. Raises DeviceLost."""

    def snapshot(self, role: Role) -> Snapshot:
        """Return all values of a camera that belong into a preset, at every position of its selectors.

        May take seconds on a real camera. Raises DeviceLost.
        """

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set one value and return what the camera reads back.

        Raises SettingRejected, AcquisitionLocked (it would be taken while stopped), DeviceLost.
        """

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Set the cameras up to expose together, from the next `start` on; only while stopped.

        What a camera refuses is in the report. Raises SettingRejected: the rig has nothing to set up, or it
        acquires; DeviceLost.
        """

    def execute(self, command: str) -> None:
        """Run one of `info.commands`; with a node map also any command of one camera, as NAME:ROLE.

        Raises SettingRejected for any other name, AcquisitionLocked, DeviceLost.
        """
