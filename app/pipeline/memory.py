"""How much memory the app and its capture process hold, looked up in a thread of its own."""

from __future__ import annotations

import threading

import psutil

EVERY_S = 1.0
_BYTES_PER_MB = 1e6


class MemoryWatch:
    """Reads resident memory once a second: it takes milliseconds, too long for whoever asks for a status.

    `run` is the body of its thread.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self.used_mb = 0.0

    def stop(self) -> None:
        """Ask the thread to end. Idempotent."""
        self._stopping.set()

    def run(self) -> None:
        """Look until told to stop."""
        while True:
            self.used_mb = resident_mb()
            if self._stopping.wait(EVERY_S):
                return


def resident_mb() -> float:
    """Return the resident memory of this process and its children in MB; shared memory counts in each."""
    this = psutil.Process()
    total = 0
    for process in (this, *this.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # it ended between the two calls
            continue
    return total / _BYTES_PER_MB
