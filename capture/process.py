"""Any rig in a process of its own, behind the same contract (`capture/rig.py`).

Why: `harvesters` holds the interpreter lock while it waits, and a vendor library that crashes or hangs must
not take the app along. Three pipes and one piece of shared memory connect the two sides:

    requests   ↔  start, stop, settings, apply, execute, close, and their answers
    frames     ←  one small header per frame; the image lies in a slot of the ring
    returns    →  slots whose image was copied out

A slot is free again as soon as its image was copied. While none is free the capture process drops new frames
and counts them (`CameraCounters.overrun`).

A process that dies, and one that hangs in a vendor's library (`capture/pulse.py`), is a lost device: the app
lives on and may open the rig anew.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Self

from capture.capture_server import FrameHeader, Ports, Reply, StreamEnded, serve
from capture.errors import CaptureError, DeviceLost, FrameTimeout
from capture.features import FeatureTree
from capture.frames import ROLES, Frame, Role
from capture.journal import SettingsJournal
from capture.pixel_formats import FORMATS
from capture.presets import Snapshot
from capture.pulse import LOOK_S, Activity, Pulse, PulseWatch, patience_s
from capture.rig import CameraCounters, CameraInfo, RigInfo, Setting, SettingValue
from capture.ring import FrameRing
from capture.spec import ReplaySpec, RigSpec
from capture.sync.config import SyncConfig
from capture.sync.report import SyncReport

OPEN_TIMEOUT_S = 60.0
"""A GigE camera may take seconds to be found, and several vendors' libraries to load."""

REQUEST_TIMEOUT_S = 10.0

CLOSE_TIMEOUT_S = 5.0
"""Time for closing cameras: one that is not released stays reserved for seconds (GigE's own heartbeat)."""

CLOSE_LOST_TIMEOUT_S = 1.5
"""The same for a rig that failed: closing what is gone hangs in some libraries, and recovery waits for it."""

REPLAY_PATIENCE_S = 60.0
"""A disk or a network share may take long to wake up, and a replay has no driver that could hang."""

SIGNAL_MEANINGS = {
    9: ": by somebody, or by the system because memory ran out",
    **dict.fromkeys((4, 6, 7, 8, 11), ": a crash inside a library, most likely the cameras' driver"),
}
"""What to make of a process that was ended by a signal (POSIX: kill; ill, abort, bus, fpe, segv)."""


class RigProcess:
    """A rig in a spawned process. Constructing does nothing; `with` starts the process and opens the rig.

    One thread at a time may be in `next_frame`, `start` or `stop`; `settings`, `apply`, `execute` and
    `counters` may be called from other threads meanwhile. Waiting releases the interpreter lock.

    When the process dies, `next_frame` raises DeviceLost at once (as do requests), after the frames that were
    captured before; when it hangs, it is ended and the same happens. Leave the `with` block and enter a new
    one to start over. `cancel` may be called from any thread, at any time.

    Args:
        journal: gets every setting that a camera took, to be set again after a loss.
    """

    def __init__(self, spec: RigSpec, journal: SettingsJournal | None = None) -> None:
        self._spec = spec
        self._journal = journal or SettingsJournal()
        self._process: SpawnProcess | None = None
        self._info: RigInfo | None = None
        self._requests: Connection
        self._frames: Connection
        self._returns: Connection
        self._asking = threading.Lock()
        self._ring: FrameRing | None = None
        self._acquiring = False
        self._ended: StreamEnded | None = None
        self._pulse: Pulse
        self._watch = PulseWatch(patience_s())
        self._watching = threading.Lock()
        self._verdict = ""
        self._cancelling = threading.Lock()
        self._cancelled = False
        self._wake: Connection | None = None
        self._woken: Connection
        self._delivered: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._discarded: dict[Role, int] = dict.fromkeys(ROLES, 0)

    @property
    def info(self) -> RigInfo:
        """What was opened; follows changes of size and format."""
        if self._info is None:
            raise RuntimeError("the rig is not open")
        return self._info

    @property
    def pid(self) -> int:
        """Process id of the capture process."""
        if self._process is None or self._process.pid is None:
            raise RuntimeError("the rig is not open")
        return self._process.pid

    @property
    def acquiring(self) -> bool:
        """Whether frames were asked for: between `start` and `stop`, also once the stream has ended."""
        return self._acquiring

    def __enter__(self) -> Self:
        """Start the process and open the rig in it.

        Raises what the rig raises, DeviceLost, or CaptureError (cancelled, or no process can be started).
        """
        context = multiprocessing.get_context("spawn")
        self._requests, child_requests = context.Pipe()
        self._frames, child_frames = context.Pipe(duplex=False)
        child_returns, self._returns = context.Pipe(duplex=False)
        self._pulse = Pulse.create(context)
        self._verdict = ""
        ports = Ports(child_requests, child_frames, child_returns, self._pulse)
        process = context.Process(
            target=serve, args=(self._spec, ports), name="cyclerig-capture", daemon=True
        )
        try:
            with _interrupt_blocked():
                process.start()
        except OSError as error:  # no memory, too many processes
            for connection in (self._requests, self._frames, self._returns):
                connection.close()
            raise CaptureError(
                f"The capture process could not be started: {error.strerror or error}."
            ) from error
        finally:
            # Only the child may hold these ends, or its death would not close the pipes.
            for connection in (child_requests, child_frames, child_returns):
                connection.close()
        self._process = process
        with self._cancelling:
            self._woken, self._wake = context.Pipe(duplex=False)
            if self._cancelled:
                self._wake.send_bytes(b"x")
        try:
            self._info = self._receive(OPEN_TIMEOUT_S).info
        except BaseException:
            self._end_process()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the rig, end the process (by force if it does not go) and free the shared memory."""
        if self._process is not None:
            self._end_process()

    def _end_process(self) -> None:
        process = self._process
        assert process is not None
        with suppress(OSError):  # it may be gone already
            self._requests.send(("close", ()))
        failed = self._ended is not None and self._ended.error is not None
        process.join(CLOSE_LOST_TIMEOUT_S if failed else CLOSE_TIMEOUT_S)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
        self._process = None
        self._acquiring = False
        with self._cancelling:
            assert self._wake is not None
            self._wake.close()
            self._wake = None
        for connection in (self._requests, self._frames, self._returns, self._woken):
            connection.close()
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def cancel(self) -> None:
        """Let whoever waits for the process get CaptureError, now and from now on. Idempotent."""
        with self._cancelling:
            if not self._cancelled and self._wake is not None:
                self._wake.send_bytes(b"x")
            self._cancelled = True

    def start(self) -> None:
        """Begin to acquire, with counters at zero. Does nothing while it already acquires."""
        if self._acquiring:
            return
        needed = max(_image_bytes(self.info.mono), _image_bytes(self.info.color))
        if self._ring is None or self._ring.layout.slot_bytes < needed:
            if self._ring is not None:
                self._ring.close()
                self._ring = None
            self._ring = FrameRing.create(needed)
        self._delivered = dict.fromkeys(ROLES, 0)
        self._discarded = dict.fromkeys(ROLES, 0)
        self._ended = None
        sizes = ((camera.width, camera.height) for camera in (self.info.mono, self.info.color))
        patience = REPLAY_PATIENCE_S if isinstance(self._spec, ReplaySpec) else patience_s(*sizes)
        self._watch = PulseWatch(patience)
        self._ask("start", self._ring.layout)
        self._acquiring = True

    def stop(self) -> None:
        """End acquisition. Frames on their way are dropped and counted as overrun."""
        if not self._acquiring:
            return
        self._acquiring = False
        try:
            self._ask("stop")
            while self._frames.poll():
                message = self._frames.recv()
                if isinstance(message, FrameHeader):
                    self._discarded[message.fields["role"]] += 1
        except (DeviceLost, EOFError, OSError):
            pass  # a rig that is gone has stopped; `next_frame` said so
        except CaptureError:
            if not self._cancelled:
                raise

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame of either camera; None once the stream has ended.

        Raises FrameTimeout, DeviceLost, or what the rig raised.
        """
        if self._process is None:
            raise RuntimeError("the rig is not open")
        deadline = monotonic() + timeout_s
        while True:
            if self._ended is not None:
                if self._ended.error is not None:
                    raise self._ended.error
                return None
            message = self._wait_for(self._frames, min(deadline - monotonic(), LOOK_S))
            if message is None:
                self._look_at_pulse()
                if monotonic() >= deadline:
                    raise FrameTimeout(
                        f"No frame for {timeout_s:g} s; are the cameras waiting for a trigger?"
                    )
                continue
            if isinstance(message, FrameHeader):
                return self._take(message)
            self._ended = message

    def _look_at_pulse(self) -> None:
        """End a process that hangs while it should fetch frames. Raises DeviceLost."""
        beats, activity = self._pulse.beats, self._pulse.activity
        with self._watching:
            hangs = self._watch.look(beats, monotonic())
        if hangs and activity is Activity.FETCHING:  # a request has a time-out of its own
            self._give_up(
                f"hung for {self._watch.silent_s:.1f} s while it fetched frames (a call into the cameras' "
                "driver did not return)"
            )

    def _give_up(self, how: str) -> NoReturn:
        """End the process by force: nothing will come of waiting longer. Raises DeviceLost.

        Frames that it sent before are in the pipe still.
        """
        assert self._process is not None
        self._verdict = f"{how} and was ended"
        self._process.kill()
        raise self._lost()

    def _take(self, header: FrameHeader) -> Frame:
        """Copy the image out of its slot and give the slot back."""
        assert self._ring is not None
        role: Role = header.fields["role"]
        image = self._ring.read(role, header.slot, header.shape, header.dtype)
        self._delivered[role] += 1
        with suppress(OSError):  # the frame is whole; the next call finds out that the process is gone
            self._returns.send_bytes(bytes((ROLES.index(role), header.slot)))
        return Frame(image=image, **header.fields)

    def counters(self) -> Mapping[Role, CameraCounters]:
        """Return where frames went since `start`, also after the process died. Never waits for it."""
        if self._ring is None:
            return dict.fromkeys(ROLES, CameraCounters())
        return {
            role: replace(
                counters, delivered=self._delivered[role], overrun=counters.overrun + self._discarded[role]
            )
            for role, counters in self._ring.counters().items()
        }

    def settings(self, role: Role) -> Mapping[str, Setting]:
        """Return what can be set on a camera now."""
        found: Mapping[str, Setting] = self._ask("settings", role)
        self._journal.saw(role, found)
        return found

    def features(self, role: Role) -> FeatureTree:
        """Return everything a camera can be asked or told. Raises DeviceLost."""
        tree: FeatureTree = self._ask("features", role)
        return tree

    def snapshot(self, role: Role) -> Snapshot:
        """Return all values of a camera that belong into a preset. Raises DeviceLost."""
        values: Snapshot = self._ask("snapshot", role)
        return values

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set one value and return what the camera reads back. Raises SettingRejected, DeviceLost."""
        accepted: SettingValue = self._ask("apply", role, name, value)
        self._journal.applied(role, name, value, accepted)
        return accepted

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Set the cameras up to expose together; only while stopped. Raises SettingRejected, DeviceLost."""
        report: SyncReport = self._ask("synchronize", config)
        self._journal.called("synchronize", config)
        return report

    def execute(self, command: str) -> None:
        """Run one of `info.commands`. Raises SettingRejected, DeviceLost."""
        self._ask("execute", command)
        self._journal.executed(command)

    def _ask(self, method: str, *arguments: object) -> Any:
        """Send a request and return its answer. Raises what the rig raised, or DeviceLost."""
        if self._process is None:
            raise RuntimeError("the rig is not open")
        with self._asking:
            try:
                self._requests.send((method, arguments))
            except OSError as error:
                raise self._lost() from error
            reply = self._receive(REQUEST_TIMEOUT_S)
        if reply.info is not None:
            self._info = reply.info
        return reply.value

    def _receive(self, timeout_s: float) -> Reply:
        deadline = monotonic() + timeout_s
        reply: Reply | None = None
        while reply is None:
            reply = self._wait_for(self._requests, min(deadline - monotonic(), LOOK_S))
            if reply is None:
                self._look_at_pulse()
                if monotonic() >= deadline:
                    self._give_up(f"did not answer for {timeout_s:g} s")
        if reply.error is not None:
            raise reply.error
        return reply

    def _wait_for(self, connection: Connection, timeout_s: float) -> Any | None:
        """Return the next message, None if none comes in time. Raises DeviceLost if the process has died."""
        if self._process is None:
            raise RuntimeError("the rig is not open")
        ready = wait([connection, self._process.sentinel, self._woken], max(0.0, timeout_s))
        if connection in ready:  # messages sent before the process died are good
            try:
                return connection.recv()
            except (EOFError, OSError) as error:
                raise self._lost() from error
        if self._woken in ready:
            raise CaptureError("The rig was told to stop.")
        if ready:
            raise self._lost()
        return None

    def _lost(self) -> CaptureError:
        assert self._process is not None
        self._process.join(1.0)
        code = self._process.exitcode
        if code is not None and code < 0:
            how = f"was ended by signal {-code}{SIGNAL_MEANINGS.get(-code, '')}"
        else:
            how = f"ended (exit code {code})"
        return DeviceLost(f"The capture process {self._verdict or how}.")


def _image_bytes(camera: CameraInfo) -> int:
    """Return the size of one unpacked image; for a format that is not in the table, the largest it can be."""
    pixel_format = FORMATS.get(camera.pixel_format)
    if pixel_format is None:
        return camera.width * camera.height * 3 * 2
    return pixel_format.image_bytes(camera.width, camera.height)


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Start a process deaf to Ctrl-C: it inherits the mask, and ignores the signal itself once it runs."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else it would be started in between, and unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
