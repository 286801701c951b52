"""The thread that owns the rig: reads frames, carries out wishes, brings a lost rig back."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from app.pipeline.board import Board
from app.pipeline.ledger import Ledger
from app.pipeline.recovery import Recovery
from app.pipeline.stall import StallWatch
from app.pipeline.status import Outage, RecoveryStatus
from capture.errors import AcquisitionLocked, CaptureError, DeviceLost, FrameTimeout
from capture.frames import ROLES, Frame, Role
from capture.journal import SettingsJournal
from capture.process import RigProcess
from capture.rig import CameraCounters, Rig, RigInfo, Setting, SettingValue
from capture.spec import RigSpec
from capture.sync.config import SyncConfig
from capture.sync.report import SyncReport

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_S = 0.05  # longest wait for a frame, and so for a wish to be noticed
COUNTERS_EVERY_S = 0.25
START_EVERY_S = 0.2  # between attempts to acquire with settings that did not let it
SYNC_TIMEOUT_S = 10.0  # some dozens of nodes are written and read back, one trip to the camera each


class Source:
    """Reads one rig until told to stop. `run` is the body of its thread; the rest is for any thread.

    A rig that is lost (a camera unplugged, a driver that crashed or hangs) is opened again in a new process,
    as often as it takes, with every setting that was changed since the start; then it acquires again.

    Args:
        spec: the rig to open, and to open again after each loss.
        on_open: called in the thread with the rig each time it is open, before it acquires.
        on_info: called in the thread when a setting changed what is known of the rig: size, format, rate.
        on_frame: called in the thread with every frame.
        on_end: called in the thread when a finite stream is over.
        on_pause: called in the thread when acquisition was interrupted for a moment: frames count anew.
        on_lost: called in the thread with the cause when the rig is lost and its last frame was handed on.
        on_back: called in the thread with the outage when both cameras send again, before their frame.
        board: where errors are shown, under the topics "capture" and "settings".
    """

    def __init__(
        self,
        spec: RigSpec,
        on_open: Callable[[Rig], None],
        on_info: Callable[[RigInfo], None],
        on_frame: Callable[[Frame], None],
        on_end: Callable[[], None],
        on_pause: Callable[[RigInfo], None],
        on_lost: Callable[[str], None],
        on_back: Callable[[Outage], None],
        board: Board,
    ) -> None:
        self._spec = spec
        self._on_open = on_open
        self._on_info = on_info
        self._on_frame = on_frame
        self._on_end = on_end
        self._on_pause = on_pause
        self._on_lost = on_lost
        self._on_back = on_back
        self._board = board
        self._stopping = threading.Event()
        self._wishes: queue.SimpleQueue[_Wish[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = False
        self._rig: RigProcess | None = None
        self._info: RigInfo | None = None
        self._ran = False  # a rig that has never acquired is no rig that was lost
        self._settings: dict[Role, dict[str, Setting]] = {role: {} for role in ROLES}
        self._journal = SettingsJournal()
        self._ledger = Ledger()
        self._recovery = Recovery(board.notify)

    def stop(self) -> None:
        """Ask the thread to end, also while it opens the rig or waits for one that is lost. Idempotent."""
        self._stopping.set()
        self._wishes.put(_Wish(lambda _rig: None))  # wakes it where it waits for one
        with self._lock:
            opening = self._rig if not self._open else None
        if opening is not None:
            opening.cancel()

    def give_up(self) -> None:
        """Let the thread end although the rig does not answer: what it was asked for last may be lost."""
        with self._lock:
            rig = self._rig
        if rig is not None:
            rig.cancel()

    @property
    def pid(self) -> int | None:
        """Return the process id of the capture process, None while there is none."""
        with self._lock:
            return self._rig.pid if self._rig is not None and self._open else None

    def recovery(self) -> RecoveryStatus:
        """Return how often the rig was lost, and how it came back."""
        return self._recovery.status()

    def counters(self) -> dict[Role, CameraCounters]:
        """Return where frames went since the beginning, all connections added up."""
        return self._ledger.total()

    def settings(self, role: Role) -> dict[str, Setting]:
        """Return what can be set on a camera, as last read."""
        with self._lock:
            return dict(self._settings[role])

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set a value, now and after every reconnection. Raises SettingRejected, DeviceLost, CaptureError."""
        return self.ask(lambda rig: self.apply_to(rig, role, name, value))

    def apply_to(self, rig: Rig, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Do what `apply` does; for functions that run in the thread already."""
        before = rig.info
        try:
            actual = rig.apply(role, name, value)
        except AcquisitionLocked:
            with self.paused(rig):
                actual = rig.apply(role, name, value)
        self.settings_changed(rig, before)
        return actual

    def settings_changed(self, rig: Rig, before: RigInfo) -> None:
        """Read settings anew after something changed them; for functions that run in the thread.

        Args:
            before: what was known of the rig before.
        """
        self._read_settings(rig)
        if rig.info != before:
            self._on_info(rig.info)
        self._board.clear("settings")

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Set the cameras up to expose together; they start anew. Blocks.

        Raises SettingRejected (a replay), DeviceLost, CaptureError.
        """
        return self.ask(lambda rig: self._synchronize(rig, config), SYNC_TIMEOUT_S)

    def _synchronize(self, rig: Rig, config: SyncConfig) -> SyncReport:
        before = rig.info
        with self.paused(rig):
            report = rig.synchronize(config)
        self.settings_changed(rig, before)
        return report

    @contextmanager
    def paused(self, rig: Rig) -> Iterator[None]:
        """Interrupt acquisition, for functions that run in the thread; what was captured before is kept."""
        rig.stop()
        try:
            yield
        finally:
            rig.start()
            self._on_pause(rig.info)

    def ask(self, action: Callable[[Rig], T], timeout_s: float = 1.0) -> T:
        """Run `action` in the thread and return its result.

        Raises what it raises, DeviceLost while not connected, CaptureError if there is no answer in time.
        """
        try:
            return self.post(action).result(timeout_s)
        except FutureTimeout:
            raise CaptureError(f"the rig did not answer within {timeout_s:g} s: try again") from None

    def post(self, action: Callable[[Rig], T]) -> Future[T]:
        """Run `action` in the thread, soon, and after everything posted earlier."""
        wish = _Wish(action)
        with self._lock:
            if self._open:
                self._wishes.put(wish)
            else:
                wish.refuse()
        return wish.future

    def run(self) -> None:
        """Read until stopped. Raises CaptureError if the rig cannot even be opened the first time."""
        while not self._stopping.is_set():
            if self._recovery.reconnecting:
                self._stopping.wait(self._recovery.next_attempt())
            rig = RigProcess(self._spec, self._journal)
            with self._lock:
                if self._stopping.is_set():
                    return
                self._rig = rig
            try:
                self._run_once(rig)
            except CaptureError as error:
                if self._stopping.is_set():
                    return
                if not self._ran:
                    raise
                self._lost(error)
            finally:
                with self._lock:
                    self._rig = None

    def _run_once(self, rig: RigProcess) -> None:
        """Open the rig and read it until it is lost (CaptureError) or the thread is to stop."""
        with rig:
            try:
                self._connect(rig)
                self._read_until_stopped(rig)
            except CaptureError as error:
                # What was captured before is in the pipe still, if a request found out about the loss.
                with suppress(CaptureError):
                    while (frame := rig.next_frame(0.0)) is not None:
                        self._take(frame)
                if self._ran and not self._stopping.is_set():
                    self._lost(error)  # before the process is closed: that may take its time
                raise
            finally:
                self._ledger.update(rig.counters())
                self._disconnect()

    def _connect(self, rig: Rig) -> None:
        refused = self._journal.replay(rig)
        if refused:
            self._board.pin("settings", f"Not restored: {' '.join(refused)}")
        with self._lock:
            self._open = True
        self._info = rig.info
        self._on_open(rig)
        self._read_settings(rig)
        rig.start()
        self._read_settings(rig)  # what acquisition locks, it locks from here on
        self._ran = True
        self._recovery.opened(refused)

    def _lost(self, error: CaptureError) -> None:
        """Say that the rig is gone; once per loss, and again when an attempt to open it failed."""
        log.info("rig lost", exc_info=error)
        assert self._info is not None
        first = not self._recovery.reconnecting
        serials = tuple(dict.fromkeys(camera.serial for camera in (self._info.mono, self._info.color)))
        self._recovery.lost(str(error), serials, waits_for_trigger=self._waits_for_trigger())
        self._board.pin("capture", str(error))
        if first:
            self._on_lost(str(error))

    def _disconnect(self) -> None:
        self._ledger.close()
        with self._lock:
            self._open = False
            while not self._wishes.empty():
                self._wishes.get_nowait().refuse()

    def _read_until_stopped(self, rig: RigProcess) -> None:
        watch = StallWatch(self._board)
        counters_due_s = 0.0
        while not self._stopping.is_set():
            self._carry_out_wishes(rig)
            if not rig.acquiring:
                self._start_again(rig)
                continue
            try:
                frame = rig.next_frame(POLL_S)
            except FrameTimeout:
                waits = self._waits_for_trigger()
                watch.nothing(waits_for_trigger=waits)
                outage = self._recovery.silence() if waits else None
                if outage is not None:
                    self._on_back(outage)
            else:
                if frame is None:
                    self._on_end()
                    self._wait_for_stop(rig)
                    return
                self._take(frame)
                watch.heard(frame.role)
            if time.monotonic() > counters_due_s:
                counters_due_s = time.monotonic() + COUNTERS_EVERY_S
                self._ledger.update(rig.counters())
        rig.stop()

    def _start_again(self, rig: Rig) -> None:
        """Try to acquire after a setting made that impossible; until then whoever set it may mend it."""
        try:
            rig.start()
        except DeviceLost:
            raise
        except CaptureError as error:
            self._board.pin("capture", str(error))
            self._stopping.wait(START_EVERY_S)
        else:
            self._board.clear("capture")
            self._on_pause(rig.info)

    def _take(self, frame: Frame) -> None:
        self._ledger.read(frame.role)
        outage = self._recovery.frame(frame)
        if outage is not None:
            self._on_back(outage)
        self._on_frame(frame)

    def _carry_out_wishes(self, rig: Rig) -> None:
        while not self._wishes.empty():
            self._wishes.get_nowait().carry_out(rig)

    def _wait_for_stop(self, rig: Rig) -> None:
        while not self._stopping.is_set():
            self._wishes.get().carry_out(rig)

    def _read_settings(self, rig: Rig) -> None:
        settings = {role: dict(rig.settings(role)) for role in ROLES}
        with self._lock:
            self._settings = settings

    def _waits_for_trigger(self) -> bool:
        with self._lock:
            return any(
                camera["TriggerMode"].value == "On"
                for camera in self._settings.values()
                if "TriggerMode" in camera
            )


class _Wish(Generic[T]):
    """Something to do with the rig in its thread, and the promise of a result."""

    def __init__(self, action: Callable[[Rig], T]) -> None:
        self.future: Future[T] = Future()
        self._action = action

    def carry_out(self, rig: Rig) -> None:
        """Do it. What it raises goes to whoever waits for the result."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._action(rig))
        except Exception as error:  # noqa: BLE001 (handed over, not swallowed)
            self.future.set_exception(error)

    def refuse(self) -> None:
        """Say that there is no rig to do it with."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(
                DeviceLost("the rig is not connected: wait until it is, or choose another one")
            )
