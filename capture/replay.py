"""The replay rig: a folder of pairs, played like a pair of cameras. See `capture.rig.Rig`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from capture.dataset import DatasetReader, PairRecord
from capture.dataset_records import image_path
from capture.errors import DatasetError, FrameTimeout, RigFileError, SettingRejected
from capture.features import Defaults, FeatureTree, tree_of_settings
from capture.frames import ROLES, Frame, Role
from capture.png import HEADER_BYTES, PngHeader, read_header
from capture.presets import Snapshot, take_snapshot
from capture.rig import CameraCounters, CameraInfo, RigInfo, Setting, SettingValue
from capture.spec import ReplaySpec
from capture.sync.config import SyncConfig
from capture.sync.report import SyncReport

DEFAULT_RATE_HZ = 10.0
FRAME_RATE_HZ = (0.05, 1000.0)
RATE = "AcquisitionFrameRate"
TRIGGER_MODE = "TriggerMode"
TRIGGER_MODES = ("Off", "On")
COMMANDS = ("TriggerSoftware",)


class ReplayRig:
    """Plays pairs in natural order of their names (a captured dataset: in order of capture).

    Both cameras share the trigger; frame ids count pairs played since `start`, also over the end of a loop.
    `device_ns` are the recorded times, going on over the end of a loop; None where nothing was recorded. No
    pair is skipped if the reader is slow: the next one then comes late, and the rhythm goes on from there.
    With TriggerMode On, each "TriggerSoftware" plays one more pair: for looking at pairs one by one.

    Sizes may differ from pair to pair; `info` has those of the pair that takes most memory.

    `stop`, `apply` and `execute` may come from another thread while one waits in `next_frame`.
    """

    def __init__(self, spec: ReplaySpec) -> None:
        self._spec = spec
        self._changed = threading.Condition()
        self._info: RigInfo | None = None
        self._reader: DatasetReader | None = None
        self._records: tuple[PairRecord, ...] = ()
        self._rate_hz = DEFAULT_RATE_HZ
        self._by_software = False
        self._triggers = 0
        self._turn_ns: dict[Role, int] = {}
        self._acquiring = False
        self._next_pair = 0
        self._due_ns = 0
        self._color_waiting: Frame | None = None
        self._delivered: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._defaults = Defaults()

    @property
    def info(self) -> RigInfo:
        """What was opened."""
        if self._info is None:
            raise RuntimeError("the rig is not open")
        return replace(self._info, frame_rate_hz=self._rate_hz)

    def __enter__(self) -> Self:
        """Read the list of pairs and all sizes.

        Raises:
            DatasetError: no such folder, no pairs, half of a pair, a broken PNG, sizes that do not fit.
            RigFileError: the rate of the spec cannot be had.
        """
        spec = self._spec
        if spec.frame_rate_hz is not None and not FRAME_RATE_HZ[0] <= spec.frame_rate_hz <= FRAME_RATE_HZ[1]:
            raise RigFileError(
                f"replay of {spec.folder}: frame_rate_hz = {spec.frame_rate_hz:g} must be "
                f"from {FRAME_RATE_HZ[0]:g} to {FRAME_RATE_HZ[1]:g}"
            )
        reader = DatasetReader.open(spec.folder)
        records = reader.records
        if not records:
            raise DatasetError(f"{spec.folder} holds no pairs yet")
        if reader.is_plain:
            records = tuple(sorted(records, key=lambda record: _natural(record.name)))
        calibration = spec.calibration or reader.calibration_path()
        largest = _largest_pair(spec.folder, records, same_size=calibration is None)
        pair = reader.load(largest)
        self._reader, self._records = reader, records
        self._rate_hz = spec.frame_rate_hz or _playable(reader.frame_rate_hz) or DEFAULT_RATE_HZ
        self._defaults = Defaults()
        self.features("mono")  # what it has at first, for both
        self._turn_ns = {role: _turn_ns(records, role, self._rate_hz) for role in ROLES}
        self._info = RigInfo(
            kind="replay",
            name=spec.folder.resolve().name,
            mono=_camera_info(pair.mono),
            color=_camera_info(pair.color),
            frame_rate_hz=self._rate_hz,
            shares_trigger=True,
            calibration=calibration,
            commands=COMMANDS,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; nothing is held open."""
        self.stop()
        self._info = self._reader = None

    def start(self) -> None:
        """Play from the first pair on, with ids and counters at zero."""
        with self._changed:
            if self._acquiring:
                return
            self._acquiring = True
            self._next_pair = self._triggers = 0
            self._due_ns = time.monotonic_ns()
            self._color_waiting = None
            self._delivered = dict.fromkeys(ROLES, 0)

    def stop(self) -> None:
        """End acquisition; whoever waits for a frame wakes."""
        with self._changed:
            self._acquiring = False
            self._changed.notify_all()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, mono before colour; None after the last pair if the replay is not looped.

        Raises FrameTimeout (at once if acquisition is stopped meanwhile), DatasetError for a broken file.
        """
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        with self._changed:
            if self._color_waiting is not None and self._acquiring:
                color, self._color_waiting = self._color_waiting, None
                return self._delivered_frame(color)
            if not self._wait_until_due(deadline_ns):
                raise FrameTimeout(self._why_no_frame(timeout_s))
            if self._next_pair >= len(self._records) and not self._spec.loop:
                return None
            mono, self._color_waiting = self._load(self._next_pair)
            self._next_pair += 1
            self._triggers = max(self._triggers - 1, 0)
            # Late by more than a period: go on from now instead of hurrying after.
            period_ns = round(1e9 / self._rate_hz)
            self._due_ns = max(self._due_ns, time.monotonic_ns() - period_ns) + period_ns
            return self._delivered_frame(mono)

    def counters(self) -> Mapping[Role, CameraCounters]:
        """Return where frames went since `start`: all that were read were delivered."""
        with self._changed:
            return {role: CameraCounters(delivered=self._delivered[role]) for role in ROLES}

    def settings(self, role: Role) -> Mapping[str, Setting]:  # noqa: ARG002 (the rate is that of both)
        """Return rate and trigger, the same for both cameras."""
        with self._changed:
            mode = TRIGGER_MODES[self._by_software]
            return {
                RATE: Setting(RATE, self._rate_hz, *FRAME_RATE_HZ, unit="Hz"),
                TRIGGER_MODE: Setting(TRIGGER_MODE, mode, choices=TRIGGER_MODES),
            }

    def features(self, role: Role) -> FeatureTree:
        """Return rate and trigger as a tree."""
        return tree_of_settings(self.settings(role), self._defaults)

    def snapshot(self, role: Role) -> Snapshot:
        """Return rate and trigger."""
        return take_snapshot(partial(self.features, role), partial(self.apply, role))

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set rate or trigger. Raises SettingRejected for anything else."""
        if name == TRIGGER_MODE:
            return self._apply_trigger_mode(value)
        if name != RATE:
            raise SettingRejected(name, value, f"a replayed {role} camera has {RATE} and {TRIGGER_MODE} only")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SettingRejected(name, value, "it takes a number")
        if not FRAME_RATE_HZ[0] <= value <= FRAME_RATE_HZ[1]:
            raise SettingRejected(name, value, f"it takes {FRAME_RATE_HZ[0]:g} … {FRAME_RATE_HZ[1]:g} Hz")
        with self._changed:
            # The pair that is being waited for comes a period of the new rate after the last one.
            self._due_ns += round(1e9 / value) - round(1e9 / self._rate_hz)
            self._rate_hz = float(value)
            self._changed.notify_all()
        return float(value)

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Raise SettingRejected: what was recorded cannot be triggered otherwise."""
        raise SettingRejected("sync mode", config.mode, "a replay plays pairs as they were recorded")

    def execute(self, command: str) -> None:
        """Play one more pair. Raises SettingRejected for other commands, and while TriggerMode is Off."""
        if command not in COMMANDS:
            raise SettingRejected("command", command, f"a replay takes {', '.join(COMMANDS)} only")
        with self._changed:
            if not self._by_software:
                raise SettingRejected("command", command, "pairs play by themselves: set TriggerMode to On")
            self._triggers += 1
            self._changed.notify_all()

    def _apply_trigger_mode(self, value: SettingValue) -> SettingValue:
        if value not in TRIGGER_MODES:
            raise SettingRejected(TRIGGER_MODE, value, f"it takes {', '.join(TRIGGER_MODES)}")
        with self._changed:
            self._by_software = value == "On"
            self._triggers = 0
            self._changed.notify_all()
        return value

    def _wait_until_due(self, deadline_ns: int) -> bool:
        """Wait for the time of the next pair; False if the deadline or a stop came first. Lock held."""
        while (now_ns := time.monotonic_ns()) < deadline_ns:
            due_ns = self._next_due_ns()
            if due_ns is not None and now_ns >= due_ns:
                return True
            until_ns = deadline_ns if due_ns is None else min(due_ns, deadline_ns)
            was_acquiring = self._acquiring
            self._changed.wait(max(0, until_ns - now_ns) / 1e9)
            if was_acquiring and not self._acquiring:
                return False
        due_ns = self._next_due_ns()
        return due_ns is not None and now_ns >= due_ns

    def _next_due_ns(self) -> int | None:
        """Return when the next pair is due, None if nothing but a call can tell."""
        if not self._acquiring or (self._by_software and not self._triggers):
            return None
        return 0 if self._by_software else self._due_ns

    def _load(self, number: int) -> tuple[Frame, Frame]:
        """Return both frames of pair `number`, counted since `start`."""
        assert self._reader is not None
        turn, index = divmod(number, len(self._records))
        pair = self._reader.load(self._records[index])
        mono, color = (
            replace(
                frame,
                frame_id=number,
                device_ns=None
                if frame.device_ns is None
                else frame.device_ns + turn * self._turn_ns[frame.role],
            )
            for frame in (pair.mono, pair.color)
        )
        return mono, color

    def _delivered_frame(self, frame: Frame) -> Frame:
        self._delivered[frame.role] += 1
        return replace(frame, host_ns=time.monotonic_ns())

    def _why_no_frame(self, timeout_s: float) -> str:
        if not self._acquiring:
            return "No frame: the replay is stopped."
        if self._by_software:
            return f"No frame for {timeout_s:g} s: the replay waits for TriggerSoftware (TriggerMode is On)."
        return f"No frame for {timeout_s:g} s: pairs are played at {self._rate_hz:g} Hz."


def _turn_ns(records: tuple[PairRecord, ...], role: Role, rate_hz: float) -> int:
    """Return how far a camera's recorded clock goes on from one turn of the loop to the next."""
    frames = [record.frame(role) for record in records]
    times = [known.device_ns for known in frames if known is not None and known.device_ns is not None]
    return max(times) - min(times) + round(1e9 / rate_hz) if times else 0


def _largest_pair(folder: Path, records: tuple[PairRecord, ...], *, same_size: bool) -> PairRecord:
    """Return the pair that takes most memory. Raises DatasetError if sizes must be the same and are not."""
    largest, most = records[0], 0
    for record in records:
        mono, color = (_header(folder, record, role) for role in ROLES)
        if same_size and (mono.width, mono.height) != (color.width, color.height):
            raise DatasetError(
                f"{folder}: the images of pair {record.name} differ in size "
                f"(mono {mono.width}×{mono.height}, colour {color.width}×{color.height}): "
                "give a calibration to rectify them"
            )
        needed = max(mono.size_bytes, color.size_bytes)
        if needed > most:
            largest, most = record, needed
    return largest


def _header(folder: Path, record: PairRecord, role: Role) -> PngHeader:
    path = image_path(folder, role, record.name)
    try:
        if not path.is_file():
            raise DatasetError(f"{path} is missing")
        with path.open("rb") as file:
            return read_header(file.read(HEADER_BYTES), str(path))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error


def _camera_info(frame: Frame) -> CameraInfo:
    height, width = frame.image.shape[:2]
    return CameraInfo(
        role=frame.role,
        serial=f"REPLAY-{frame.role.upper()}",
        vendor="CycleRig",
        model="Replayed mono" if frame.role == "mono" else "Replayed colour",
        width=width,
        height=height,
        pixel_format=frame.pixel_format,
        has_clock=frame.device_ns is not None,
    )


def _playable(rate_hz: float | None) -> float | None:
    return None if rate_hz is None else min(max(rate_hz, FRAME_RATE_HZ[0]), FRAME_RATE_HZ[1])


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts "a2" before "a10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]
