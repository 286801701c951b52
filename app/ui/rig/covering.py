"""Which camera is which: notices the one whose lens somebody covers with a hand. No Qt in here."""

from __future__ import annotations

from collections import deque
from statistics import median

DARKENED = 0.5
"""Covered, once the picture has less than this share of its usual level …"""

RECOVERED = 0.75
"""… and until it has this share again."""

DARK_LEVEL = 0.015
"""A scene that is as dark as this (of full scale) cannot be told from a covered lens."""

MEMORY = 40
"""Pictures that make up what is usual: some five seconds."""

PATIENCE = 80
"""After so many dark pictures, the dark is what is usual: somebody has switched off the light."""


class CoverWatch:
    """One camera's picture over time."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=MEMORY)
        self._dark = 0

    @property
    def covered(self) -> bool:
        """Whether the newest picture is much darker than usual."""
        return self._dark > 0

    def add(self, level: float) -> bool:
        """Take the mean level of a picture, 0 … 1, and return whether the lens is covered."""
        usual = median(self._levels) if self._levels else 0.0
        threshold = RECOVERED if self._dark else DARKENED
        if usual > DARK_LEVEL and level < threshold * usual:
            self._dark += 1
        else:
            self._dark = 0
        if self._dark > PATIENCE:
            self._levels.clear()
            self._dark = 0
        if not self._dark:
            self._levels.append(level)
        return self.covered


def covered_one(watches: dict[str, CoverWatch]) -> str | None:
    """Return the one camera that is covered; None if it is none, or several: then it is the light."""
    covered = [serial for serial, watch in watches.items() if watch.covered]
    return covered[0] if len(covered) == 1 else None
