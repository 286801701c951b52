"""Work in threads of their own that may outlive the page which wanted it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, Signal, SignalInstance

from app.pipeline.worker import EXPECTED_ERRORS, step_back
from capture.calibrate import SolveCancelled

log = logging.getLogger(__name__)

NICENESS = 5


def emit(signal: SignalInstance, *values: object) -> None:
    """Emit from a thread that may outlive the object whose signal it is: then nobody is told."""
    with suppress(RuntimeError):  # what PySide raises for an object that is gone
        signal.emit(*values)


class Job(QObject):
    """One kind of work, one piece at a time; a new piece cancels the one before.

    Signals (in the GUI thread):
        progressed: whatever the work tells of itself, newest last.
        finished: what it returned.
        failed: what went wrong and what to do.
        ended: after `finished`, `failed`, or a cancel.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(str)
    ended = Signal()
    _over = Signal(int, object, str)
    _told = Signal(int, object)

    def __init__(self, name: str, parent: QObject) -> None:
        super().__init__(parent)
        self._name = name
        self._number = 0
        self._cancel = threading.Event()
        self._running = False
        self._threads: list[threading.Thread] = []
        self._over.connect(self._on_over)
        self._told.connect(self._on_told)

    @property
    def running(self) -> bool:
        """Whether work is under way whose result is wanted."""
        return self._running

    def start(self, work: Callable[[Callable[[object], None], Callable[[], bool]], object]) -> None:
        """Run `work(tell, cancelled)` in a thread of its own."""
        self._cancel.set()
        self._cancel = cancel = threading.Event()
        self._number += 1
        self._running = True
        number = self._number
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(number, work, cancel), name=self._name)
        self._threads.append(thread)
        thread.start()

    def cancel(self) -> None:
        """Give up what is under way; `ended` follows at once, the thread ends when it notices."""
        if self._running:
            self._cancel.set()
            self._number += 1
            self._running = False
            self.ended.emit()

    def close(self) -> None:
        """Give up what is under way and wait for it to notice."""
        self.cancel()
        for thread in self._threads:
            thread.join()

    def _run(
        self,
        number: int,
        work: Callable[[Callable[[object], None], Callable[[], bool]], object],
        cancel: threading.Event,
    ) -> None:
        step_back(NICENESS)
        result, problem = None, ""

        def tell(news: object) -> None:
            if not cancel.is_set():
                emit(self._told, number, news)

        try:
            result = work(tell, cancel.is_set)
        except SolveCancelled:
            cancel.set()
        except EXPECTED_ERRORS as error:
            problem = str(error)
        except Exception as error:
            log.exception("%s failed", self._name)
            problem = f"{self._name.capitalize()} failed: {error!r}"
        if not cancel.is_set():
            emit(self._over, number, result, problem)

    def _on_told(self, number: int, news: object) -> None:
        if number == self._number:
            self.progressed.emit(news)

    def _on_over(self, number: int, result: object, problem: str) -> None:
        if number != self._number:
            return
        self._running = False
        if problem:
            self.failed.emit(problem)
        else:
            self.finished.emit(result)
        self.ended.emit()
