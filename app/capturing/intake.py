"""What waits for a capture session's thread, in this order: jobs, a burst, a single shot, the newest pair."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from capture.frames import FramePair

Work = Callable[[], None]

BURST_BYTES = 256 << 20
"""Raw pairs of a burst that may wait to be measured; beyond, they must not be."""


@dataclass(frozen=True, eq=False)
class Arrival:
    """A pair, and the one before it, if that is known."""

    pair: FramePair
    before: FramePair | None = None


class Intake:
    """For any thread, except `next`, which belongs to the session's own.

    Args:
        look_at: gets the newest pair when it is due.
        take_single: gets the very pair that was wanted.
        take_of_burst: gets every pair of a burst, and whether there is no time to measure it.
    """

    def __init__(
        self,
        look_at: Callable[[Arrival], None],
        take_single: Callable[[Arrival], None],
        take_of_burst: Callable[[Arrival, bool], None],
    ) -> None:
        self._look_at = look_at
        self._take_single = take_single
        self._take_of_burst = take_of_burst
        self._changed = threading.Condition()
        self._jobs: deque[Work] = deque()
        self._before: FramePair | None = None
        self._newest: Arrival | None = None
        self._is_fresh = False  # nobody looked at the newest yet
        self._single: Arrival | None = None
        self._burst: deque[Arrival] = deque()
        self._burst_left = 0
        self._burst_bytes = 0
        self._closing = False

    def arrive(self, pair: FramePair) -> None:
        """Take the next pair of the stream: for a burst every one counts, else the newest."""
        with self._changed:
            arrival = Arrival(pair, self._before)
            self._before = pair
            self._newest, self._is_fresh = arrival, True
            if self._burst_left:
                self._burst_left -= 1
                self._burst.append(arrival)
                self._burst_bytes += _size(pair)
            self._changed.notify()

    def post(self, job: Work) -> None:
        """Let the thread do something, before any pictures."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def look_again(self) -> None:
        """Something changed that decides whether the newest pair is due."""
        with self._changed:
            self._changed.notify()

    def want(self, pair: FramePair | None) -> None:
        """Let this very pair be taken, whatever comes after it; None: the newest, if there is one."""
        with self._changed:
            newest = self._newest
            is_newest = newest is not None and (pair is None or newest.pair is pair)
            self._single = newest if is_newest or pair is None else Arrival(pair)
            self._changed.notify()

    def begin_burst(self, count: int) -> None:
        """Collect every one of the next pairs."""
        with self._changed:
            self._burst_left = count

    def end_burst(self) -> None:
        """Collect no more, and let go of what waits."""
        with self._changed:
            self._burst_left = self._burst_bytes = 0
            self._burst.clear()

    @property
    def burst_is_over(self) -> bool:
        """Return whether nothing of a burst waits or is to come."""
        with self._changed:
            return not self._burst_left and not self._burst

    def begin_anew(self) -> None:
        """Another rig: pairs so far have nothing to do with those to come."""
        with self._changed:
            self._before = self._newest = self._single = None
            self._is_fresh = False

    def close(self) -> None:
        """Let `next` return None once all jobs are done. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def next(self, due_in_s: Callable[[], float | None], idle_work: Callable[[], Work | None]) -> Work | None:
        """Wait for what is to be done next; None once closed.

        Args:
            due_in_s: time until the newest pair is to be looked at; None: not at all.
            idle_work: what to do while nothing else is, in small pieces.
        """
        with self._changed:
            while True:
                due_s = due_in_s()
                work = self._ready(due_s) or (None if self._closing else idle_work())
                if work is not None or self._closing:
                    return work
                self._changed.wait(due_s if self._is_fresh else None)

    def _ready(self, due_s: float | None) -> Work | None:
        if self._jobs:
            return self._jobs.popleft()
        if self._closing:
            return None
        if self._burst:
            arrival = self._burst.popleft()
            hurried = self._burst_bytes > BURST_BYTES
            self._burst_bytes -= _size(arrival.pair)
            return partial(self._take_of_burst, arrival, hurried)
        if self._single is not None:
            single, self._single = self._single, None
            return partial(self._take_single, single)
        if self._newest is not None and self._is_fresh and due_s is not None and due_s <= 0:
            self._is_fresh = False
            return partial(self._look_at, self._newest)
        return None


def _size(pair: FramePair) -> int:
    return pair.mono.image.nbytes + pair.color.image.nbytes
