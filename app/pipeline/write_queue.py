"""What waits to be written, until it is written: bounded by the memory it takes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

_NS_PER_S = 1e9


@dataclass(frozen=True)
class QueueState:
    """What waits now: items, what they take in memory, and for how long the oldest one has waited."""

    items: int = 0
    size_bytes: int = 0
    age_s: float = 0.0


class WriteQueue(Generic[T]):
    """First in, first out, for one reader that takes several items at once and any number of producers.

    An item counts until the reader has said that it is done with it: what is being written still takes
    memory, and is not safe yet. Closing refuses new items but hands out what is already in.

    Args:
        budget_bytes: memory that all items may take together; one item is taken whatever its size.
        clock_ns: a monotonic clock.
    """

    def __init__(self, budget_bytes: int, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.budget_bytes = budget_bytes
        self._clock_ns = clock_ns
        self._changed = threading.Condition()
        self._items: deque[tuple[T, int, int]] = deque()
        self._size_bytes = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """Return whether `close` was called."""
        with self._changed:
            return self._closed

    def put(self, item: T, size_bytes: int) -> bool:
        """Append an item and return True; False if it is closed or there is no room. Never waits."""
        with self._changed:
            is_full = bool(self._items) and self._size_bytes + size_bytes > self.budget_bytes
            if self._closed or is_full:
                return False
            self._items.append((item, size_bytes, self._clock_ns()))
            self._size_bytes += size_bytes
            self._changed.notify_all()
            return True

    def first(self, most: int, timeout_s: float | None = None) -> list[T]:
        """Wait for items and return the oldest ones; they stay in until `done`.

        Empty once it is closed and all is done, or when the time is up.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            return [item for item, _, _ in islice(self._items, most)]

    def done(self, count: int) -> None:
        """Let go of the oldest items."""
        with self._changed:
            for _ in range(count):
                _, size_bytes, _ = self._items.popleft()
                self._size_bytes -= size_bytes

    def close(self) -> None:
        """Refuse new items and wake the reader. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def state(self) -> QueueState:
        """Return a snapshot."""
        with self._changed:
            if not self._items:
                return QueueState()
            _, _, since_ns = self._items[0]
            age_s = (self._clock_ns() - since_ns) / _NS_PER_S
            return QueueState(len(self._items), self._size_bytes, age_s)
