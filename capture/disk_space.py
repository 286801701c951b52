"""How much of a disk is left for pairs, and when to stop before it is full."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

RESERVE_BYTES = 2_000_000_000
"""Stays free: a full disk takes more down than a recording. Lists, edits and notes are written from it."""

_BYTES_PER_GB = 1e9


@dataclass(frozen=True)
class DiskSpace:
    """What a disk has left for a dataset.

    Attributes:
        free_bytes: free for this user, what waits to be written already taken off.
        reserve_bytes: of these, what stays free.
        pair_bytes: what a pair takes; 0 if unknown.
    """

    free_bytes: int
    reserve_bytes: int = RESERVE_BYTES
    pair_bytes: int = 0

    @property
    def pairs_left(self) -> int | None:
        """Return how many pairs fit, None if it is not known what one takes."""
        if self.pair_bytes <= 0:
            return None
        return max(0, self.free_bytes - self.reserve_bytes) // self.pair_bytes

    def has_room_for(self, size_bytes: int) -> bool:
        """Return whether that can be written without touching the reserve."""
        return self.free_bytes - size_bytes >= self.reserve_bytes

    def __str__(self) -> str:
        return (
            f"{self.free_bytes / _BYTES_PER_GB:.1f} GB are free on the disk of the dataset, and "
            f"{self.reserve_bytes / _BYTES_PER_GB:.1f} GB are kept free"
        )


def free_bytes(folder: Path) -> int:
    """Return what is free for this user where a folder lies, or will lie. Raises OSError."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free
