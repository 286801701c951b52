"""Lines for the banner: each part of the pipeline pins up its own and takes it down again."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Board:
    """One line per topic, safe to use from any thread.

    Args:
        topics: what may be pinned up, most important first.
        on_change: called, outside of the lock, when `text` has changed.
    """

    def __init__(self, topics: tuple[str, ...], on_change: Callable[[], None]) -> None:
        self._lines = dict.fromkeys(topics, "")
        self._fatal: dict[str, Exception] = {}
        self._lock = threading.Lock()
        self._on_change = on_change

    @property
    def text(self) -> str:
        """Return all lines, most important first, empty if there are none."""
        with self._lock:
            return self._text()

    @property
    def fatal(self) -> Exception | None:
        """Return the most important error that keeps results from coming until somebody does something."""
        with self._lock:
            return next((self._fatal[topic] for topic in self._lines if topic in self._fatal), None)

    def pin(self, topic: str, line: str, fatal: Exception | None = None) -> None:
        """Show a line in place of what its topic showed. `fatal`: nothing more will come because of this."""
        with self._lock:
            before = self._text()
            if topic not in self._lines:
                raise KeyError(topic)
            self._lines[topic] = " ".join(line.split())
            self._fatal.pop(topic, None)
            if fatal is not None:
                self._fatal[topic] = fatal
            changed = self._text() != before
        if changed:
            self._on_change()

    def clear(self, topic: str) -> None:
        """Take a topic's line down."""
        self.pin(topic, "")

    def notify(self) -> None:
        """Tell that something shown beside the lines has changed."""
        self._on_change()

    def _text(self) -> str:
        return " ".join(line for line in self._lines.values() if line)
