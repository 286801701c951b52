"""Ctrl-C between two steps, never inside one: what is saved is whole."""

from __future__ import annotations

import signal
import sys
import threading
from types import TracebackType
from typing import Self


class Interrupts:
    """Takes note of SIGINT and SIGTERM while it is entered; a second one interrupts at once.

    Signals can only be handled in the main thread; elsewhere nothing is noted.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, lambda *_: self._note())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print(
            "\nstopping after this step, with a checkpoint; again to stop at once",
            file=sys.stderr,
            flush=True,
        )


def ignore_in_worker(_worker: int) -> None:
    """Let a data-loading process outlive signals to the whole group: its parent ends it after the step."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
