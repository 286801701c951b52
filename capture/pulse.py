"""The heartbeat of the capture process, so that a call into a vendor's library that never returns is noticed.

The thread that serves the rig counts up a number in shared memory each time round its loop and says what it
is about to do. The parent looks at it while it waits for frames. Nothing is locked and no clock is shared, so
neither side can hold up the other, and a process that dies or hangs leaves the last word readable.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from enum import IntEnum
from multiprocessing.context import SpawnContext

LOOK_S = 0.25
"""Longest time between two looks at the heartbeat while waiting."""

PATIENCE_S = 4.0
"""A loop without a beat for so long hangs. A camera that does not answer costs some producers two seconds."""

PATIENCE_PER_MEGAPIXEL_S = 1.0
"""Large images take longer to unpack, to render, or to load: patience for each megapixel of both cameras."""


class Activity(IntEnum):
    """What the capture process is doing."""

    OPENING = 0
    WAITING = 1
    FETCHING = 2
    ANSWERING = 3
    CLOSING = 4


class Pulse:
    """The shared numbers: beats and activity. Crosses to a spawned process as an argument."""

    def __init__(self, numbers: MutableSequence[int]) -> None:
        self._numbers = numbers

    @classmethod
    def create(cls, context: SpawnContext) -> Pulse:
        """Make one for a process to be started. The memory has no name: it goes with its last user."""
        return cls(context.RawArray("q", 2))

    def beat(self, activity: Activity) -> None:
        """Say that the loop goes round, and what comes next. For the serving thread only."""
        self._numbers[0] += 1
        self._numbers[1] = activity

    @property
    def beats(self) -> int:
        """How many times the loop has gone round."""
        return self._numbers[0]

    @property
    def activity(self) -> Activity:
        """What the process said last that it would do."""
        return Activity(self._numbers[1])


class PulseWatch:
    """Decides from looks at the beats whether the other side hangs. Pure: the caller brings the time."""

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self._beats = -1
        self._looked_s = 0.0
        self._silent_s = 0.0

    @property
    def silent_s(self) -> float:
        """For how long no beat came."""
        return self._silent_s

    def look(self, beats: int, now_s: float) -> bool:
        """Note the beats at a time; return True once they have stood still for longer than the patience.

        Only time between looks that follow each other closely counts: if the watcher itself was held up (a
        debugger, a computer asleep), that says nothing of the other side.
        """
        if beats == self._beats:
            self._silent_s += min(now_s - self._looked_s, 2 * LOOK_S)
        else:
            self._silent_s = 0.0
        self._beats, self._looked_s = beats, now_s
        return self._silent_s > self.patience_s


def patience_s(*sizes_px: tuple[int, int]) -> float:
    """Return how long a rig with images of these sizes (width, height) may take for one step."""
    megapixels = sum(width * height for width, height in sizes_px) / 1e6
    return PATIENCE_S + PATIENCE_PER_MEGAPIXEL_S * megapixels
