"""The thread that owns the rig: reads frames, carries out wishes, brings a lost rig back."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from app.pipeline.board import Board
from capture.errors import CaptureError, DeviceLost, FrameTimeout, SettingRejected
from capture.frames import ROLES, Frame, Role
from capture.process import RigProcess
from capture.rig import CameraCounters, Rig, RigInfo, Setting, SettingValue
from capture.spec import RigSpec

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_S = 0.05  # longest wait for a frame, and so for a wish to be noticed
STALL_S = 3.0  # silence of a camera that is worth a word
COUNTERS_EVERY_S = 0.25
BACKOFF_S = (0.5, 1.0, 2.0, 5.0)  # before the first, second, … attempt to reopen; the last one repeats


class Source:
    """Reads one rig until told to stop. `run` is the body of its thread; the rest is for any thread.

    Args:
        spec: the rig to open, and to open again after each loss.
        on_open: called in the thread with the rig each time it is open, before it acquires.
        on_info: called in the thread when a setting changed what is known of the rig: size, format, rate.
        on_frame: called in the thread with every frame.
        on_end: called in the thread when a finite stream is over.
        board: where errors are shown, under the topics "capture" and "settings".
    """

    def __init__(
        self,
        spec: RigSpec,
        on_open: Callable[[Rig], None],
        on_info: Callable[[RigInfo], None],
        on_frame: Callable[[Frame], None],
        on_end: Callable[[], None],
        board: Board,
    ) -> None:
        self._spec = spec
        self._on_open = on_open
        self._on_info = on_info
        self._on_frame = on_frame
        self._on_end = on_end
        self._board = board
        self._stopping = threading.Event()
        self._wishes: queue.SimpleQueue[_Wish[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = False
        self._settings: dict[Role, dict[str, Setting]] = {role: {} for role in ROLES}
        self._chosen: dict[_Chosen, SettingValue] = {}
        self._ledger = _Ledger()

    def stop(self) -> None:
        """Ask the thread to end. Idempotent."""
        self._stopping.set()
        self._wishes.put(_Wish(lambda _rig: None))  # wakes it where it waits for one

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
        actual = rig.apply(role, name, value)
        chosen = _Chosen(role, name, self._selectors(role, name))
        self._chosen.pop(chosen, None)  # the order of the last changes is the one to repeat
        self._chosen[chosen] = value
        self._read_settings(rig)
        if rig.info != before:
            self._on_info(rig.info)
        self._board.clear("settings")
        return actual

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
        attempt = 0
        connected_before = False
        while not self._stopping.is_set():
            try:
                with RigProcess(self._spec) as rig:
                    self._connect(rig)
                    attempt, connected_before = 0, True
                    try:
                        self._read_until_stopped(rig)
                    finally:
                        self._ledger.update(rig.counters())
            except CaptureError as error:
                if not connected_before:
                    raise
                log.info("rig lost", exc_info=True)
                self._board.pin("capture", f"{error} Reconnecting.")
                self._stopping.wait(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1
            finally:
                self._disconnect()

    def _connect(self, rig: Rig) -> None:
        for chosen, value in self._chosen.items():
            try:
                for selector, choice in chosen.selectors:
                    rig.apply(chosen.role, selector, choice)
                rig.apply(chosen.role, chosen.name, value)
            except SettingRejected as error:
                self._board.pin("settings", f"{chosen.role} camera: {error}")
        with self._lock:
            self._open = True
        self._on_open(rig)
        self._read_settings(rig)
        rig.start()

    def _disconnect(self) -> None:
        self._ledger.close()
        with self._lock:
            self._open = False
            while not self._wishes.empty():
                self._wishes.get_nowait().refuse()

    def _read_until_stopped(self, rig: Rig) -> None:
        watch = _StallWatch(self._board)
        counters_due_s = 0.0
        while not self._stopping.is_set():
            self._carry_out_wishes(rig)
            try:
                frame = rig.next_frame(POLL_S)
            except FrameTimeout:
                watch.nothing(waits_for_trigger=self._waits_for_trigger())
            else:
                if frame is None:
                    self._on_end()
                    self._wait_for_stop(rig)
                    return
                self._ledger.read(frame.role)
                self._on_frame(frame)
                watch.heard(frame.role)
            if time.monotonic() > counters_due_s:
                counters_due_s = time.monotonic() + COUNTERS_EVERY_S
                self._ledger.update(rig.counters())
        rig.stop()

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

    def _selectors(self, role: Role, name: str) -> tuple[tuple[str, SettingValue], ...]:
        if name.endswith("Selector"):
            return ()
        settings = self.settings(role)
        return tuple((other, settings[other].value) for other in settings if other.endswith("Selector"))

    def _waits_for_trigger(self) -> bool:
        with self._lock:
            return any(
                camera["TriggerMode"].value == "On"
                for camera in self._settings.values()
                if "TriggerMode" in camera
            )


@dataclass(frozen=True)
class _Chosen:
    """A setting that somebody chose, and what the camera's selectors pointed at then (as in SFNC)."""

    role: Role
    name: str
    selectors: tuple[tuple[str, SettingValue], ...]


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


class _Ledger:
    """Camera counters across reconnections: a rig counts from zero each time it is opened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = dict.fromkeys(ROLES, CameraCounters())
        self._current = dict.fromkeys(ROLES, CameraCounters())
        self._read = dict.fromkeys(ROLES, 0)

    def read(self, role: Role) -> None:
        """Count a frame that was read."""
        with self._lock:
            self._read[role] += 1

    def update(self, counters: Mapping[Role, CameraCounters]) -> None:
        """Take over what the open rig has counted."""
        with self._lock:
            self._current.update(counters)

    def close(self) -> None:
        """Keep what the rig counted last, before it is opened anew."""
        with self._lock:
            self._closed = self._sum()
            self._current = dict.fromkeys(ROLES, CameraCounters())

    def total(self) -> dict[Role, CameraCounters]:
        """Return all of it; `delivered` is what was read from the rig, to the frame."""
        with self._lock:
            return {role: replace(total, delivered=self._read[role]) for role, total in self._sum().items()}

    def _sum(self) -> dict[Role, CameraCounters]:
        return {
            role: CameraCounters(
                delivered=self._closed[role].delivered + current.delivered,
                incomplete=self._closed[role].incomplete + current.incomplete,
                id_gaps=self._closed[role].id_gaps + current.id_gaps,
                overrun=self._closed[role].overrun + current.overrun,
            )
            for role, current in self._current.items()
        }


class _StallWatch:
    """Notices a camera that sends nothing although it should."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._heard_s = dict.fromkeys(ROLES, time.monotonic())
        self._stalled = True  # whatever the board says of a lost rig goes with the first frames

    def heard(self, role: Role) -> None:
        """Note a frame."""
        self._heard_s[role] = time.monotonic()
        self._look()

    def nothing(self, waits_for_trigger: bool) -> None:
        """Note that nothing came for a while."""
        if waits_for_trigger:
            self._heard_s = dict.fromkeys(ROLES, time.monotonic())
        self._look()

    def _look(self) -> None:
        silent = [role for role in ROLES if time.monotonic() - self._heard_s[role] > STALL_S]
        if silent:
            self._stalled = True
            names = " and the ".join(role.replace("color", "colour") for role in silent)
            self._board.pin(
                "capture",
                f"No frame from the {names} camera for {STALL_S:g} s: check its exposure, trigger and cable.",
            )
        elif self._stalled:
            self._stalled = False
            self._board.clear("capture")
