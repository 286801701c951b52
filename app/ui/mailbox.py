"""Between a worker thread and the GUI: the newest item, and at most one signal under way."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Keeps the newest item and knows whether the reader has been told. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: T | None = None
        self._told = False
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """Return how many items were overwritten before they were taken."""
        with self._lock:
            return self._replaced

    def put(self, item: T) -> bool:
        """Store an item; True if the reader must be told (it has taken what it was told of)."""
        with self._lock:
            self._replaced += self._item is not None
            self._item = item
            must_tell, self._told = not self._told, True
            return must_tell

    def take(self) -> T | None:
        """Remove and return the newest item, None if there is none."""
        with self._lock:
            item, self._item, self._told = self._item, None, False
            return item
