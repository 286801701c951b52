"""Thumbnails of all cameras for the page: one preview process per producer, one thread that listens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from app.pipeline.slots import LatestSlot
from app.pipeline.taps import Tap
from app.ui.mailbox import Mailbox
from capture.errors import DeviceLost
from capture.frames import FramePair, Role
from capture.preview import (
    PreviewCamera,
    PreviewFrame,
    PreviewMessage,
    PreviewProblem,
    PreviewProcess,
    thumbnail_of,
)

LISTEN_S = 0.2
TAP_PERIOD_S = 0.1


class _Inbox:
    """Collects what arrives between two looks of the GUI: every word, but of pictures the newest only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: list[PreviewMessage] = []
        self._frames: dict[str, PreviewFrame] = {}

    def put(self, message: PreviewMessage) -> None:
        with self._lock:
            if isinstance(message, PreviewFrame):
                self._frames[message.serial] = message
            else:
                self._words.append(message)

    def take(self) -> list[PreviewMessage]:
        with self._lock:
            messages = [*self._words, *self._frames.values()]
            self._words, self._frames = [], {}
            return messages


class Previews(QObject):
    """Shows cameras until told to stop. All methods are for the GUI thread and return at once.

    Signals (in the GUI thread):
        described: a camera was opened (`PreviewCamera`).
        pictured: a new thumbnail (`PreviewFrame`).
        failed: a camera, or a whole producer, shows nothing (`PreviewProblem`).
        stopped: every process has let go of its cameras.
    """

    described = Signal(object)
    pictured = Signal(object)
    failed = Signal(object)
    stopped = Signal()
    _arrived = Signal()
    _ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inbox = _Inbox()
        self._told: Mailbox[bool] = Mailbox()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listening = 0
        self._processes: dict[Path, PreviewProcess] = {}
        self._slot: LatestSlot[FramePair] | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self._arrived.connect(self._deliver, queued)
        self._ended.connect(self._on_ended, queued)

    @property
    def running(self) -> bool:
        """Whether any process may still hold a camera."""
        return bool(self._threads)

    def start(
        self, producers: Iterable[Path], tap: Tap[FramePair], running: Mapping[Role, str] | None = None
    ) -> None:
        """Show the cameras of these producers. Only while none is shown.

        Args:
            tap: where the pairs of the rig that runs pass by.
            running: the serial numbers of that rig: its cameras are open already, and left to it.
        """
        assert not self._threads
        self._stopping = threading.Event()
        skip = frozenset((running or {}).values())
        self._processes = {path: PreviewProcess(path, skip) for path in producers}
        for path, process in self._processes.items():
            self._spawn(self._listen, path.name, process, self._stopping)
        if running:
            self._slot = tap.open()
            self._spawn(self._look, "tap", self._slot, running, self._stopping)

    def stop(self) -> None:
        """Let go of all cameras; `stopped` follows, also if nothing ran."""
        self._tell_to_stop()
        if not self._threads:
            self.stopped.emit()

    def wait(self) -> None:
        """Stop and wait until every camera is free: for the end of the window."""
        self._tell_to_stop()
        for thread in self._threads:
            thread.join()

    def _tell_to_stop(self) -> None:
        self._stopping.set()
        if self._slot is not None:
            self._slot.close()
            self._slot = None

    def blink(self, producer: Path, serial: str) -> None:
        """Let a camera blink its light."""
        process = self._processes.get(producer)
        if process is not None:
            process.blink(serial)

    # --- in the listeners' threads ---

    def _spawn(self, target: Callable[..., None], name: str, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=f"preview {name}")
        self._threads.append(thread)
        self._listening += 1
        thread.start()

    def _listen(self, process: PreviewProcess, stopping: threading.Event) -> None:
        try:
            with process:
                while not stopping.is_set():
                    message = process.next_message(LISTEN_S)
                    if message is not None:
                        self._post(message)
        except (DeviceLost, OSError) as error:
            if not stopping.is_set():
                self._post(PreviewProblem("", str(error)))
        except Exception as error:  # noqa: BLE001 (a thread never just dies)
            self._post(PreviewProblem("", f"The cameras cannot be shown: {error}"))
        finally:
            self._ended.emit()

    def _look(
        self, slot: LatestSlot[FramePair], serials: Mapping[Role, str], stopping: threading.Event
    ) -> None:
        try:
            while (pair := slot.take()) is not None:
                for frame in (pair.mono, pair.color):
                    self._post(thumbnail_of(serials[frame.role], frame))
                stopping.wait(TAP_PERIOD_S)
        except Exception as error:  # noqa: BLE001
            self._post(PreviewProblem("", f"The rig's cameras cannot be shown: {error}"))
        finally:
            self._ended.emit()

    def _post(self, message: PreviewMessage) -> None:
        self._inbox.put(message)
        if self._told.put(item=True):
            self._arrived.emit()

    # --- in the GUI thread ---

    def _deliver(self) -> None:
        self._told.take()
        for message in self._inbox.take():
            if self._stopping.is_set():
                continue
            if isinstance(message, PreviewCamera):
                self.described.emit(message)
            elif isinstance(message, PreviewFrame):
                self.pictured.emit(message)
            else:
                self.failed.emit(message)

    def _on_ended(self) -> None:
        self._listening -= 1
        if self._listening == 0:
            for thread in self._threads:
                thread.join()  # has said its last word
            self._threads = []
            if self._stopping.is_set():
                self.stopped.emit()
