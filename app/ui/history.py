"""The last minutes of the numbers that are plotted: rings of fixed size, however long the app is open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class History:
    """Samples of one number over time; the newest `capacity` are kept."""

    def __init__(self, capacity: int = 1200) -> None:
        self._times = np.zeros(capacity)
        self._values = np.zeros(capacity)
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, len(self._times))

    def add(self, time_s: float, value: float) -> None:
        """Append a sample; times must not decrease."""
        slot = self._count % len(self._times)
        self._times[slot], self._values[slot] = time_s, value
        self._count += 1

    def clear(self) -> None:
        """Forget everything."""
        self._count = 0

    def since(self, start_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return times and values from `start_s` on, oldest first."""
        size = len(self)
        order = np.arange(self._count - size, self._count) % len(self._times)
        times, values = self._times[order], self._values[order]
        first = int(np.searchsorted(times, start_s))
        return times[first:], values[first:]
