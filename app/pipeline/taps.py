"""Taps: whoever wants to look at pairs as they pass gets a slot of the newest one. Free without any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from app.pipeline.slots import LatestSlot
from app.pipeline.status import RectifiedPair
from capture.frames import FramePair

T = TypeVar("T")


class Tap(Generic[T]):
    """One place in the pipeline at which any number of slots may hang. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: tuple[LatestSlot[T], ...] = ()

    def open(self, on_put: Callable[[], None] | None = None) -> LatestSlot[T]:
        """Return a slot that gets every item from now on; who takes too slowly sees the newest only.

        Close the slot when done: a closed one is let go of with the next item.

        Args:
            on_put: called after each item, in the pipeline's thread: it must return at once.
        """
        slot = LatestSlot[T](on_put)
        with self._lock:
            self._slots = (*self._slots, slot)
        return slot

    def put(self, item: T) -> None:
        """Hand an item to every slot; never waits."""
        slots = self._slots
        for slot in slots:
            slot.put(item)
        if any(slot.closed for slot in slots):
            with self._lock:
                self._slots = tuple(slot for slot in self._slots if not slot.closed)

    @property
    def in_use(self) -> bool:
        """Return whether anybody listens."""
        return any(not slot.closed for slot in self._slots)


class Taps:
    """The taps of a pipeline. They outlive it, so that a page keeps its slots when another rig is chosen.

    Attributes:
        raw: every pair as captured, before rectification, also while the pictures are frozen.
        rectified: every pair that goes to the screen (none while frozen), rectified or not.
    """

    def __init__(self) -> None:
        self.raw: Tap[FramePair] = Tap()
        self.rectified: Tap[RectifiedPair] = Tap()
