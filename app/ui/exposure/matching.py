"""Runs a match of the cameras' luma in a thread of its own, and undoes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal

from app.exposure import LumaMatch, MatchResult, MatchStep, undo
from app.ui.bridge import Bridge
from app.ui.mailbox import Mailbox
from capture.errors import CaptureError
from capture.rig import SettingValue


@dataclass(frozen=True)
class MatchWish:
    """What the match has to respect. `motion_us`: longest exposure, None for any."""

    motion_us: float | None = None
    keep_rate: bool = True


class Matching(QObject):
    """One match at a time. All methods return at once.

    Signals:
        stepped: a `MatchStep`, the newest.
        ended: a `MatchResult`.
        undone: what was refused, empty if all is as it was.
    """

    stepped = Signal(object)
    ended = Signal(object)
    undone = Signal(str)
    _step_ready = Signal()
    _result_ready = Signal(object)
    _undo_ready = Signal(str)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._match: LumaMatch | None = None
        self._thread: threading.Thread | None = None
        self._steps: Mailbox[MatchStep] = Mailbox()
        self._before: tuple[tuple[str, SettingValue], ...] = ()
        queued = Qt.ConnectionType.QueuedConnection
        self._step_ready.connect(self._take_step, queued)
        self._result_ready.connect(self._take_result, queued)
        self._undo_ready.connect(self._take_undo, queued)

    @property
    def running(self) -> bool:
        """Whether a match, or an undo, is under way."""
        return self._thread is not None

    @property
    def can_undo(self) -> bool:
        """Whether there is something to put back."""
        return bool(self._before) and not self.running

    def start(self, wish: MatchWish) -> bool:
        """Begin a match; False if no rig is running, or one is under way."""
        cameras = self._bridge.cameras
        if cameras is None or self.running:
            return False
        rig = self._bridge.status().rig
        rate_hz = rig.frame_rate_hz if rig is not None and wish.keep_rate else None
        match = LumaMatch(
            cameras,
            self._bridge.taps.rectified.open(),
            motion_us=wish.motion_us,
            frame_rate_hz=rate_hz,
            on_step=self._tell_step,
        )
        self._match = match

        def work() -> None:
            try:
                result = match.run()
            except Exception as error:  # noqa: BLE001 - a thread never just dies
                result = MatchResult(False, False, f"The match failed: {error}.", ())
            self._result_ready.emit(result)

        self._run("luma match", work)
        return True

    def cancel(self) -> None:
        """Give up; `ended` follows when everything is back."""
        if self._match is not None:
            self._match.cancel()

    def undo(self) -> None:
        """Put back what the last match changed."""
        cameras, before = self._bridge.cameras, self._before
        if cameras is None or not self.can_undo:
            return

        def put_back() -> None:
            try:
                self._undo_ready.emit(" ".join(undo(cameras, before)))
            except CaptureError as error:
                self._undo_ready.emit(str(error))

        self._run("undo of a luma match", put_back)

    def close(self) -> None:
        """Cancel and wait for the end."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def forget(self) -> None:
        """Another rig is there: nothing of before can be put back."""
        self._before = ()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=work, name=name)
        self._thread.start()

    def _tell_step(self, step: MatchStep) -> None:
        if self._steps.put(step):
            self._step_ready.emit()

    def _take_step(self) -> None:
        step = self._steps.take()
        if step is not None:
            self.stepped.emit(step)

    def _take_result(self, result: MatchResult) -> None:
        self._finish()
        self._before = () if result.cancelled else result.before
        self.ended.emit(result)

    def _take_undo(self, refused: str) -> None:
        self._finish()
        self._before = ()
        self.undone.emit(refused)

    def _finish(self) -> None:
        if self._thread is not None:
            self._thread.join()
        self._thread = self._match = None
