"""The last things that were used, within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


class Kept(Generic[T]):
    """Things by key; those used longest ago go when there is no room, the newest stays. For any thread.

    Args:
        limit_bytes: for all of them together.
        bytes_of: of one.
    """

    def __init__(self, limit_bytes: int, bytes_of: Callable[[T], int]) -> None:
        self._limit = limit_bytes
        self._bytes_of = bytes_of
        self._lock = threading.Lock()
        self._things: OrderedDict[str, T] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._things)

    @property
    def bytes(self) -> int:
        """Return what they take together."""
        return self._bytes

    def get(self, key: str) -> T | None:
        """Return what is kept under a key, None if nothing is."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
            return self._things.get(key)

    def put(self, key: str, thing: T) -> T:
        """Keep a thing and return it; of two with one key the first stays, so that nobody has another one."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
            self._things[key] = thing
            self._bytes += self._bytes_of(thing)
            while self._bytes > self._limit and len(self._things) > 1:
                self._bytes -= self._bytes_of(self._things.popitem(last=False)[1])
            return thing


def array_bytes(thing: object) -> int:
    """Return the memory of a dataclass's own arrays."""
    if not is_dataclass(thing):
        return 0
    values = (getattr(thing, field.name) for field in fields(thing))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
