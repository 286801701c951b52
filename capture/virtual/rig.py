"""The virtual rig: two cameras on one trigger before a drawn scene. Keeps the contract `capture.rig.Rig`."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from capture.errors import AcquisitionLocked, DeviceLost, FrameTimeout, RigFileError, SettingRejected
from capture.features import Defaults, FeatureTree, tree_of_settings
from capture.frames import ROLES, Frame, Role
from capture.presets import Snapshot, take_snapshot
from capture.rig import CameraCounters, CameraInfo, RigInfo, Setting, SettingValue
from capture.spec import VirtualSpec
from capture.sync.conductor import Conductor
from capture.sync.config import SyncConfig
from capture.sync.report import SyncReport
from capture.virtual.controls import FRAME_RATE_HZ, TRIGGER_MODES, Controls, chosen, within
from capture.virtual.schedule import Schedule, Shot
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS
from capture.virtual.tour import Tour
from capture.virtual.triggering import VirtualCamera

COMMANDS = (
    "TriggerSoftware",
    "ShowBoard",
    "HideBoard",
    *(
        f"{fault}:{role}"
        for fault in ("DropFrame", "DelayFrame", "StepClock", "LoseDevice")
        for role in ROLES
    ),
    "HangFetch",
)
# Solved from pictures of the board at this size.
SHIPPED_CALIBRATION = Path(__file__).resolve().parents[2] / "calibration_data" / "virtual.toml"
SHIPPED_SIZE = (640, 480)
SMALLEST_PX, LARGEST_PX = 64, 8192
# Building a room takes about that long.
SHORTEST_ROOM_S = 2.0
# How exact triggers at a rate are.
TRIGGER_EVERY_NS = 1_000_000


class VirtualRig:
    """Both cameras share the trigger: equal frame ids belong together. Clocks and ids start at 0 with
    `start`.

    Commands besides "TriggerSoftware": "ShowBoard" and "HideBoard" for the calibration board; faults, each
    for ":mono" or ":color": "DropFrame" loses the next frame, "DelayFrame" makes it late, "StepClock" puts
    the camera's clock forward by 37 s (TAI and UTC differ by that: a PTP clock that changes its mind),
    "LoseDevice" unplugs the camera until the rig is opened anew. "HangFetch": `next_frame` does not return
    until acquisition is stopped by another thread, like a driver that waits for ever.

    `stop`, `apply` and `execute` may come from another thread while one waits in `next_frame`.
    """

    def __init__(self, spec: VirtualSpec) -> None:
        self._spec = spec
        self._changed = threading.Condition()
        self._tour: Tour | None = None
        self._acquiring = False
        self._lost: set[Role] = set()
        self._hangs = False
        self._controls: dict[Role, Controls] = {}
        self._defaults: dict[Role, Defaults] = {}
        self._schedule = self._new_schedule()
        self._cameras = {role: VirtualCamera(self, role) for role in ROLES}
        self._conductor = Conductor()

    @property
    def info(self) -> RigInfo:
        """What was opened."""
        if self._tour is None:
            raise RuntimeError("the rig is not open")
        spec = self._spec
        calibration = spec.calibration
        if (
            calibration is None
            and (spec.width, spec.height) == SHIPPED_SIZE
            and SHIPPED_CALIBRATION.is_file()
        ):
            calibration = SHIPPED_CALIBRATION
        sync = self._conductor.report
        rate_hz: float | None = 1e9 / self._schedule.period_ns
        if sync is not None and sync.complete and sync.config.mode == "software":
            rate_hz = sync.trigger_rate_hz
        return RigInfo(
            kind="virtual",
            name="virtual",
            mono=self._camera_info("mono"),
            color=self._camera_info("color"),
            frame_rate_hz=rate_hz,
            shares_trigger=sync is None or sync.shares_trigger,
            calibration=calibration,
            commands=COMMANDS,
            notice=" ".join(filter(None, (sync.summary if sync is not None else "", spec.notice))),
            sync=sync,
        )

    def __enter__(self) -> Self:
        """Build the scene. Raises RigFileError if the size or rate of the spec cannot be had."""
        spec = self._spec
        for name, pixels in (("width", spec.width), ("height", spec.height)):
            if not SMALLEST_PX <= pixels <= LARGEST_PX or pixels % 2:
                raise RigFileError(
                    f"virtual rig: {name} = {pixels} must be even, from {SMALLEST_PX} to {LARGEST_PX} px"
                )
        if spec.room_s and not SHORTEST_ROOM_S <= spec.room_s < float("inf"):
            raise RigFileError(
                f"virtual rig: room_s = {spec.room_s:g} must be 0 (stay) or at least {SHORTEST_ROOM_S:g} s"
            )
        if spec.seed < 0:
            raise RigFileError(f"virtual rig: seed = {spec.seed} must not be negative")
        if not FRAME_RATE_HZ[0] <= spec.frame_rate_hz <= FRAME_RATE_HZ[1]:
            raise RigFileError(
                f"virtual rig: frame_rate_hz = {spec.frame_rate_hz:g} must be "
                f"from {FRAME_RATE_HZ[0]:g} to {FRAME_RATE_HZ[1]:g}"
            )
        self._tour = Tour(spec)
        self._lost = set()
        self._hangs = False
        self._controls = {role: Controls(role) for role in ROLES}
        self._defaults = {role: Defaults() for role in ROLES}
        self._schedule = self._new_schedule()
        for role in ROLES:
            self.features(role)  # what they have at first
        self._conductor = Conductor()
        if spec.sync is not None:
            self.synchronize(spec.sync)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and let go of the scene."""
        self.stop()
        if self._tour is not None:
            self._tour.close()
            self._tour = None

    def start(self) -> None:
        """Begin to acquire, with clocks, ids and counters at zero. Raises DeviceLost."""
        with self._changed:
            self._check_alive()
            if not self._acquiring:
                self._schedule.restart(time.monotonic_ns())
                self._acquiring = True
                self._conductor.started()

    def stop(self) -> None:
        """End acquisition; whoever waits for a frame wakes."""
        with self._changed:
            self._acquiring = self._hangs = False
            self._conductor.stopped()
            self._schedule.halt()
            self._changed.notify_all()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame of either camera; the scene has no end, so never None.

        Raises FrameTimeout (at once if acquisition is stopped meanwhile), DeviceLost.
        """
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        with self._changed:
            was_acquiring = self._acquiring
            while self._hangs and self._acquiring:
                self._changed.wait()
            while True:
                self._check_alive()
                now_ns = time.monotonic_ns()
                self._conductor.beat(now_ns, self._cameras)
                shot = self._schedule.take(now_ns)
                if shot is not None:
                    break
                if now_ns >= deadline_ns or (was_acquiring and not self._acquiring):
                    raise FrameTimeout(self._why_no_frame(timeout_s))
                event_ns = self._schedule.next_event_ns()
                until_ns = deadline_ns if event_ns is None else min(event_ns, deadline_ns)
                if self._conductor.paces:
                    until_ns = min(until_ns, now_ns + TRIGGER_EVERY_NS)
                self._changed.wait(max(0, until_ns - now_ns) / 1e9)
        return self._expose(shot)

    def counters(self) -> Mapping[Role, CameraCounters]:
        """Return where frames went since `start`."""
        with self._changed:
            return self._schedule.counters

    def settings(self, role: Role) -> Mapping[str, Setting]:
        """Return what can be set on a camera now; frame rate and trigger are the same for both."""
        with self._changed:
            found = self._controls[role].settings() | self._shared_settings()
            found["PixelFormat"] = replace(found["PixelFormat"], while_stopped=self._acquiring)
            return found

    def features(self, role: Role) -> FeatureTree:
        """Return the settings as a tree."""
        return tree_of_settings(self.settings(role), self._defaults[role])

    def snapshot(self, role: Role) -> Snapshot:
        """Return all settings, those of each colour channel too."""
        return take_snapshot(partial(self.features, role), partial(self.apply, role))

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set one value and return what holds now. Raises SettingRejected, AcquisitionLocked, DeviceLost."""
        with self._changed:
            self._check_alive()
            now_ns = time.monotonic_ns()
            setting = self._shared_settings().get(name)
            if setting is not None and name == "TriggerMode":
                self._schedule.change_trigger(chosen(setting, value) == "On", now_ns)
            elif setting is not None:
                self._schedule.change_rate(within(setting, value), now_ns)
            else:
                if name == "PixelFormat" and self._acquiring:
                    raise AcquisitionLocked(name, value, "it is taken only while acquisition is stopped")
                look = self._controls[role].changed(name, value)
                self._schedule.change_look(role, look, now_ns)
            self._changed.notify_all()
            return (self._controls[role].settings() | self._shared_settings())[name].value

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Run the recipe of a mode: free run and software trigger work, these cameras have no pins.

        Raises SettingRejected while acquiring, DeviceLost.
        """
        with self._changed:
            self._check_alive()
            if self._acquiring:
                raise SettingRejected("sync mode", config.mode, "stop acquisition first")
            return self._conductor.set_up(config, self._cameras)

    def execute(self, command: str) -> None:
        """Run one of `info.commands`. Raises SettingRejected, DeviceLost."""
        if command not in COMMANDS:
            raise SettingRejected("command", command, f"this rig takes {', '.join(COMMANDS)}")
        name, _, of_role = command.partition(":")
        role = cast("Role", of_role)
        with self._changed:
            self._check_alive()
            now_ns = time.monotonic_ns()
            if name == "LoseDevice":
                self._lost.add(role)
            elif name == "HangFetch":
                self._hangs = True
            elif name == "StepClock":
                self._schedule.step_clock(role)
            elif name in ("ShowBoard", "HideBoard"):
                self._schedule.show_board(name == "ShowBoard", now_ns)
            elif name == "DropFrame":
                self._schedule.drop_next(role)
            elif name == "DelayFrame":
                self._schedule.delay_next(role)
            else:
                self._schedule.trigger(now_ns)
            self._changed.notify_all()

    def _new_schedule(self) -> Schedule:
        looks = {role: SENSORS[role].look for role in ROLES}
        return Schedule(self._spec.seed, self._spec.frame_rate_hz, looks)

    def _shared_settings(self) -> dict[str, Setting]:
        mode = TRIGGER_MODES[self._schedule.by_software]
        return {
            "AcquisitionFrameRate": Setting(
                "AcquisitionFrameRate", self._schedule.frame_rate_hz, *FRAME_RATE_HZ, unit="Hz"
            ),
            "TriggerMode": Setting("TriggerMode", mode, choices=TRIGGER_MODES),
        }

    def _check_alive(self) -> None:
        if self._lost:
            names = " and ".join(sorted(self._lost))
            raise DeviceLost(f"The virtual {names} camera was unplugged (by command).")

    def _why_no_frame(self, timeout_s: float) -> str:
        if not self._acquiring:
            return "No frame: the virtual rig is not acquiring."
        if self._schedule.by_software:
            return f"No frame for {timeout_s:g} s: TriggerMode is On and no TriggerSoftware came."
        return f"No frame from the virtual rig for {timeout_s:g} s."

    def _expose(self, shot: Shot) -> Frame:
        tour = self._tour
        if tour is None:
            raise FrameTimeout("No frame: the virtual rig was closed.")
        look = shot.look
        name, layout = next(
            (name, layout) for name, (layout, bits) in PIXEL_FORMATS[shot.role].items() if bits == look.bits
        )
        image = tour.stage(shot.scene_ns).image(
            shot.role, shot.frame_id, shot.scene_ns, look, with_board=shot.with_board
        )
        return Frame(
            role=shot.role,
            image=image,
            layout=layout,
            bits=look.bits,
            pixel_format=name,
            frame_id=shot.frame_id,
            device_ns=shot.device_ns,
            host_ns=shot.arrival_ns,  # rendering stands for exposure and cable, which take no longer for it
            exposure_us=look.exposure_us,
            gain_db=look.gain_db,
        )

    def _camera_info(self, role: Role) -> CameraInfo:
        return CameraInfo(
            role=role,
            serial=f"VIRTUAL-{role.upper()}",
            vendor="CycleRig",
            model="Virtual mono" if role == "mono" else "Virtual colour",
            width=self._spec.width,
            height=self._spec.height,
            pixel_format=self._controls[role].pixel_format,
            has_clock=True,
        )
