"""A line on stderr for every step, with the time that is left."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence


class Progress:
    """Counts steps of several kinds, each with a pace of its own.

    Args:
        stage: what is done.
        kinds: the kind of every step to come, in order; a kind that has not been met yet is taken for as slow
            as the others are on average.
    """

    def __init__(self, stage: str, kinds: Sequence[str]) -> None:
        self._stage, self._kinds = stage, list(kinds)
        self._done = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._worked: Counter[str] = Counter()
        self._last = time.perf_counter()

    def skip(self) -> None:
        """Count a step that was done before."""
        self._done += 1
        self._last = time.perf_counter()

    def step(self, what: str) -> None:
        """Count a step that was just done, and say so."""
        now = time.perf_counter()
        kind, took = self._kinds[self._done], now - self._last
        self._done += 1
        self._last = now
        self._seconds[kind] += took
        self._worked[kind] += 1
        place = f"{self._stage} [{self._done}/{len(self._kinds)}]"
        print(f"{place} {what}: {took:.1f} s, {self._left()} left", file=sys.stderr, flush=True)

    def _left(self) -> str:
        average = sum(self._seconds.values()) / sum(self._worked.values())
        pace = {kind: self._seconds[kind] / count for kind, count in self._worked.items()}
        seconds = round(sum(pace.get(kind, average) for kind in self._kinds[self._done :]))
        return f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} min"
