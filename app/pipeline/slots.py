"""The two ways a thread hands work to another; the policy is in the type's name.

`LatestSlot` never makes its producer wait and never makes its consumer see something stale.
`LosslessQueue` never loses anything: when it is full, the producer is told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Room for one item: the newest wins, what it overwrites is counted. Safe to use from any thread.

    Args:
        on_put: called after each accepted item, in the thread that put it and outside of the lock.
    """

    def __init__(self, on_put: Callable[[], None] | None = None) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._overwritten = 0
        self._closed = False
        self._on_put = on_put

    @property
    def overwritten(self) -> int:
        """Return how many items were replaced before anybody took them."""
        with self._changed:
            return self._overwritten

    @property
    def closed(self) -> bool:
        """Return whether `close` was called."""
        with self._changed:
            return self._closed

    def put(self, item: T) -> T | None:
        """Store an item and return the one that it displaced, None if there was none.

        A closed slot takes nothing: the item comes back as if it had been displaced at once.
        """
        with self._changed:
            if self._closed:
                return item
            displaced, self._item = self._item, item
            self._overwritten += displaced is not None
            self._changed.notify()
        if self._on_put is not None:
            self._on_put()
        return displaced

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for an item and remove it. Returns None once the slot is closed, or when the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            return self._remove()

    def try_take(self) -> T | None:
        """Remove and return the item, None if there is none. Never waits."""
        with self._changed:
            return self._remove()

    def close(self) -> T | None:
        """Wake everybody who waits and return the item that nobody will take now, if any. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return self._remove()

    def _remove(self) -> T | None:
        item, self._item = self._item, None
        return item


class LosslessQueue(Generic[T]):
    """First in, first out, bounded; nothing that was accepted is lost. Safe to use from any thread.

    Closing refuses new items but hands out what is already in, so that a writer can finish its work.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a queue needs room for at least one item, not {capacity}")
        self.capacity = capacity
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def put(self, item: T, timeout_s: float | None = 0) -> bool:
        """Append an item and return True; False if it was not accepted.

        That is when it is closed, or still full after `timeout_s` (None waits for room or for `close`).
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self.capacity, timeout_s)
            if self._closed or len(self._items) >= self.capacity:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for the oldest item and remove it. None once closed and empty, or when the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            self._changed.notify_all()
            return self._items.popleft() if self._items else None

    def close(self) -> None:
        """Refuse new items and wake everybody who waits. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
