"""A rig of two GenICam cameras; meant to run in the capture process (`capture/process.py`)."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harvesters.core import Harvester, ParameterKey, ParameterSet

from capture.discovery import (
    Device,
    describe_library,
    installed_producers,
    unique_devices,
    usable_producers,
)
from capture.errors import (
    CaptureError,
    DeviceLost,
    DeviceNotFound,
    FrameTimeout,
    RigFileError,
    SettingRejected,
)
from capture.features import FeatureTree
from capture.frames import ROLES, Frame, Role
from capture.gentl_camera import GentlCamera
from capture.libraries import LoadedLibrary
from capture.memory import return_freed_memory
from capture.node_settings import vendor_message
from capture.presets import Snapshot
from capture.rig import CameraCounters, RigInfo, Setting, SettingValue
from capture.simulator.rig import BOARD_NODE
from capture.spec import CameraSpec, GenicamSpec
from capture.sync.conductor import Conductor
from capture.sync.config import SyncConfig
from capture.sync.report import SyncReport
from capture.vendor_errors import VENDOR_ERRORS

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 1e-3
"""Pause between two looks at both cameras; arrival times are this exact. Waiting in the vendor's library
instead would look at one camera only, with the interpreter lock held."""

SILENCE_S = 2.0
"""A camera that sent nothing for so long is asked whether it is still there: none reports its own end."""

ARMING_S = 0.05
"""Time for a follower to become ready for triggers, before the leader begins."""

COMMANDS = ("TriggerSoftware",)
BOARD_COMMANDS = ("ShowBoard", "HideBoard")
"""What the virtual rig can do, simulated cameras can, too."""


class GenicamRig:
    """Two GenICam cameras, opened by serial number through `harvesters`, without its threads.

    `execute` takes "TriggerSoftware" (both cameras, one right after the other) and "TriggerSoftware:mono" or
    ":color", where the cameras have it; with simulated cameras "ShowBoard" and "HideBoard", too.
    """

    def __init__(self, spec: GenicamSpec) -> None:
        self._spec = spec
        self._closing = ExitStack()
        self._cameras: dict[Role, GentlCamera] = {}
        self._next_role = 0
        self._acquiring = False
        self._libraries: tuple[LoadedLibrary, ...] = ()
        self._info: RigInfo | None = None
        self._conductor = Conductor()

    @property
    def info(self) -> RigInfo:
        """What was opened; follows changes of size, format and rate."""
        if self._info is None:
            raise RuntimeError("the rig is not open")
        return self._info

    def __enter__(self) -> Self:
        """Open both cameras, apply the spec's settings and run its recipe for synchronization.

        Raises:
            DeviceNotFound: no such serial number, or the camera is taken.
            RigFileError: the spec contradicts the cameras.
            SettingRejected: a camera refused a setting of the spec.
        """
        if self._spec.mono.serial == self._spec.color.serial:
            raise RigFileError(
                f"Rig {self._spec.name}: mono and colour are both camera {self._spec.mono.serial}."
            )
        with ExitStack() as undo:
            harvester, devices = self._find_devices(undo)
            for role in ROLES:
                camera_spec = self._spec.mono if role == "mono" else self._spec.color
                camera = self._open(harvester, devices, role, camera_spec)
                undo.callback(camera.close)
                camera.configure()
                self._cameras[role] = camera
            self._refresh_info()
            if self._spec.sync is not None:
                self.synchronize(self._spec.sync)
            self._closing = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and release the cameras."""
        self.stop()
        self._conductor.close()
        self._closing.close()
        self._cameras.clear()

    def _find_devices(self, undo: ExitStack) -> tuple[Any, dict[str, tuple[Device, Any]]]:
        """Return a harvester and the devices it sees. Raises DeviceNotFound, CaptureError."""
        wanted = {self._spec.mono.serial, self._spec.color.serial}
        named, problems = usable_producers(self._spec.producers)
        if problems:
            raise CaptureError(problems[0])
        harvester = Harvester(config=ParameterSet({ParameterKey.LOGGER: quiet_logger()}))
        undo.callback(_reset, harvester)
        devices = _devices_of(harvester, [os.fspath(path) for path in named]) if named else {}
        if not wanted <= devices.keys():
            # Other vendors' libraries are loaded only when those the rig file names do not do.
            installed, problems = usable_producers(installed_producers())
            devices = _devices_of(harvester, [os.fspath(path) for path in installed])
        self._libraries = _libraries_of(harvester)
        missing = sorted(wanted - devices.keys())
        if missing:
            found = ", ".join(str(device) for device, _ in devices.values()) or "none"
            hint = f" {problems[0]}" if problems else ""
            raise DeviceNotFound(
                f"Camera {' and '.join(missing)} not found (cameras found: {found}).{hint} "
                "Check cable and power; `python main.py doctor` lists producers and cameras."
            )
        return harvester, devices

    def _open(
        self, harvester: Any, devices: Mapping[str, tuple[Device, Any]], role: Role, spec: CameraSpec
    ) -> GentlCamera:
        config = ParameterSet(
            {
                ParameterKey.NUM_BUFFERS_FOR_FETCH_CALL: self._spec.buffers,
                ParameterKey.TIMEOUT_PERIOD_ON_UPDATE_EVENT_DATA_CALL: 0,
                ParameterKey.ENABLE_AUTO_CHUNK_DATA_UPDATE: False,
            }
        )
        try:
            with _interrupt_handler_kept():
                return GentlCamera(role, spec, harvester.create(devices[spec.serial][1], config=config))
        except VENDOR_ERRORS as error:
            raise DeviceNotFound(
                f"Camera {spec.serial} could not be opened: {vendor_message(error)}; "
                "close other programs that use it."
            ) from error

    def _refresh_info(self) -> None:
        mono, color, sync = self._cameras["mono"], self._cameras["color"], self._conductor.report
        commands: list[str] = []
        for command in COMMANDS:
            roles = [role for role in ROLES if self._cameras[role].has_command(command)]
            commands += ([command] if len(roles) == len(ROLES) else []) + [
                f"{command}:{role}" for role in roles
            ]
        if mono.has_command(BOARD_NODE):
            commands += BOARD_COMMANDS
        self._info = RigInfo(
            kind="genicam",
            name=self._spec.name,
            mono=mono.info,
            color=color.info,
            frame_rate_hz=self._conductor.frame_rate_hz(self._cameras),
            shares_trigger=self._spec.shares_trigger if sync is None else sync.shares_trigger,
            calibration=self._spec.calibration,
            commands=tuple(commands),
            notice=" ".join(
                filter(
                    None,
                    (
                        sync.summary if sync is not None else "",
                        color.notice,
                        *(library.warning for library in self._libraries),
                    ),
                )
            ),
            sync=sync,
            libraries=self._libraries,
        )

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Run the recipe of a mode. Raises SettingRejected while acquiring, DeviceLost."""
        if self._acquiring:
            raise SettingRejected("sync mode", config.mode, "stop acquisition first")
        report = self._conductor.set_up(config, self._cameras)
        self._refresh_info()
        return report

    def start(self) -> None:
        """Begin to acquire on both cameras, with counters at zero. Raises DeviceLost, CaptureError.

        Where one camera drives the other, the follower waits before the leader begins.
        """
        if self._acquiring:
            return
        self._acquiring = True
        first, last = self._conductor.start_order
        self._cameras[first].start()
        if self._conductor.starts_together:
            time.sleep(ARMING_S)
        self._cameras[last].start()
        if not self._conductor.starts_together:
            for role in ROLES:
                # What one camera sent while the other was still starting has no partner.
                self._cameras[role].skip_waiting()
        self._conductor.started()

    def stop(self) -> None:
        """End acquisition."""
        if not self._acquiring:
            return
        self._acquiring = False
        self._conductor.stopped()
        for role in reversed(self._conductor.start_order):
            self._cameras[role].stop()
        # harvesters' buffers hang in reference cycles: without this, those of several starts (16 large images
        # per camera each) pile up until the collector happens to run.
        gc.collect()
        return_freed_memory()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame of either camera; cameras have no end, so never None.

        Raises FrameTimeout, DeviceLost.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            for camera in self._cameras.values():
                if camera.silent_for_s() > SILENCE_S:
                    camera.check_alive()
            self._conductor.beat(time.monotonic_ns(), self._cameras)
            # The camera that did not have its turn last goes first: a fast one must not starve the other.
            for _ in ROLES:
                self._next_role = 1 - self._next_role
                frame = self._cameras[ROLES[self._next_role]].fetch()
                if frame is not None:
                    return frame
            if time.monotonic() >= deadline:
                raise FrameTimeout(f"No frame for {timeout_s:g} s; are the cameras waiting for a trigger?")
            time.sleep(POLL_INTERVAL_S)

    def counters(self) -> Mapping[Role, CameraCounters]:
        """Return where frames went since `start`."""
        return {role: camera.counters for role, camera in self._cameras.items()}

    def settings(self, role: Role) -> Mapping[str, Setting]:
        """Return what can be set on a camera now."""
        return self._cameras[role].settings()

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set any node of a camera and return what it reads back. Raises SettingRejected, DeviceLost."""
        accepted = self._cameras[role].apply(name, value)
        self._refresh_info()
        return accepted

    def features(self, role: Role) -> FeatureTree:
        """Return everything a camera has. Raises DeviceLost."""
        return self._cameras[role].features()

    def snapshot(self, role: Role) -> Snapshot:
        """Return all values of a camera that belong into a preset. Raises DeviceLost."""
        return self._cameras[role].snapshot()

    def execute(self, command: str) -> None:
        """Run one of `info.commands`, or any command node of one camera as NAME:ROLE.

        Raises SettingRejected, AcquisitionLocked, DeviceLost.
        """
        name, _, only = command.partition(":")
        if command not in self.info.commands and only not in ROLES:
            raise SettingRejected(
                "command", command, f"this rig takes {', '.join(self.info.commands) or 'none'}"
            )
        roles = [role for role in ROLES if only in ("", role)]
        if name == "TriggerSoftware":
            self._conductor.trigger(self._cameras, roles)
            return
        if command in BOARD_COMMANDS and command in self.info.commands:
            self._cameras["mono"].apply(BOARD_NODE, command == "ShowBoard")
            return
        for role in roles:
            self._cameras[role].execute(name)
        if command not in self.info.commands:
            self._refresh_info()  # a user set may hold another size or format


def _devices_of(harvester: Any, producers: list[str]) -> dict[str, tuple[Device, Any]]:
    """Add producers and look for devices; before any camera is open, because harvesters closes them all."""
    for producer in producers:
        harvester.add_file(producer)
    try:
        harvester.update()
    except VENDOR_ERRORS as error:
        raise DeviceLost(f"Looking for cameras failed: {vendor_message(error)}.") from error
    return unique_devices(harvester.device_info_list)


def _libraries_of(harvester: Any) -> tuple[LoadedLibrary, ...]:
    """Return the libraries that were loaded, with what they say of themselves."""
    # harvesters tells the files only; what it opened of them it keeps for itself.
    systems = {Path(str(system.path_name)): system for system in getattr(harvester, "_systems", ())}
    return tuple(describe_library(path, systems.get(path)) for path in map(Path, harvester.files))


def _reset(harvester: Any) -> None:
    try:
        harvester.reset()
    except VENDOR_ERRORS as error:
        log.debug("%s while releasing the producers", vendor_message(error))


def quiet_logger() -> logging.Logger:
    """Return the logger harvesters reports to: by itself it prints tracebacks of what we translate."""
    logger = logging.getLogger("capture.harvesters")
    logger.propagate = log.isEnabledFor(logging.DEBUG)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger


@contextmanager
def _interrupt_handler_kept() -> Iterator[None]:
    """Put back the handler of Ctrl-C, which `Harvester.create` replaces by its own in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
