"""Threads that never just die."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable

from capture.errors import CalibrationError, CaptureError, DatasetError
from models.errors import ModelError

log = logging.getLogger(__name__)

EXPECTED_ERRORS = (CaptureError, CalibrationError, DatasetError, ModelError)


def step_back(niceness: int) -> None:
    """Let other threads go before the one that calls this; its own later threads inherit it.

    Linux gives each thread a niceness of its own. Elsewhere it would slow the whole process: nothing is done.
    """
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        except OSError:
            log.info("thread %s keeps its priority", threading.current_thread().name, exc_info=True)


class Worker:
    """One thread of the pipeline. What its function does not handle is logged and reported, never lost.

    Args:
        name: name of the thread, for people and for debuggers.
        work: runs in the thread until its input is closed.
        on_crash: gets what `work` raised, in the thread.
    """

    def __init__(
        self, name: str, work: Callable[[], None], on_crash: Callable[[str, Exception], None]
    ) -> None:
        self.name = name
        self._work = work
        self._on_crash = on_crash
        # Not a daemon: whoever started it joins it, and a forgotten one shows up in tests.
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread is running."""
        return self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the thread to end; at once if it never started. Returns whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except EXPECTED_ERRORS as error:
            log.info("thread %s ended by an error", self.name, exc_info=True)
            self._on_crash(self.name, error)
        except Exception as error:
            log.exception("thread %s ended by an error that nobody expected", self.name)
            self._on_crash(self.name, error)
