"""What each stage of the pipeline did so far, and how fast: counted in its thread, read from anywhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from statistics import median

from app.pipeline.status import StageStatus

WINDOW_NS = 2_000_000_000
_SHORTEST_SPAN_NS = 500_000_000  # a rate taken over less says nothing
_NS_PER_MS = 1e6
_NS_PER_S = 1e9


class StageMeter:
    """Counts of one stage: what was taken is finished, dropped, or still under way.

    Args:
        clock_ns: a monotonic clock; the same one that stamps `Frame.host_ns`.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._started_ns = clock_ns()
        self._taken = self._finished = self._dropped = 0
        self._last_error = ""
        self._recent: deque[tuple[int, float]] = deque()
        self._newest: deque[tuple[int, float]] = deque(maxlen=2)

    def take(self, count: int = 1) -> None:
        """Count items that were offered to the stage."""
        with self._lock:
            self._taken += count

    def drop(self, count: int = 1, error: str = "") -> None:
        """Count items that it did not finish: overwritten, held back, or failed with `error`."""
        with self._lock:
            self._dropped += count
            self._last_error = error or self._last_error

    def finish(self, since_ns: int) -> float:
        """Count one finished item and return its latency in ms, from `since_ns` on the meter's clock."""
        now_ns = self._clock_ns()
        latency_ms = (now_ns - since_ns) / _NS_PER_MS
        with self._lock:
            self._finished += 1
            self._recent.append((now_ns, latency_ms))
            self._newest.append((now_ns, latency_ms))
            self._forget(now_ns)
        return latency_ms

    def status(self) -> StageStatus:
        """Return a snapshot; rate and latency over the last two seconds (over less in the first two).

        A stage that takes longer than that is judged by its last two items.
        """
        now_ns = self._clock_ns()
        with self._lock:
            self._forget(now_ns)
            span_ns = min(max(now_ns - self._started_ns, _SHORTEST_SPAN_NS), WINDOW_NS)
            rate_hz = len(self._recent) / (span_ns / _NS_PER_S)
            if len(self._recent) < 2 <= len(self._newest):
                (before_ns, _), (last_ns, _) = self._newest
                rate_hz = _NS_PER_S / max(last_ns - before_ns, now_ns - last_ns)
            judged = self._recent or list(self._newest)[-1:]
            return StageStatus(
                taken=self._taken,
                finished=self._finished,
                dropped=self._dropped,
                rate_hz=rate_hz,
                latency_ms=median(latency for _, latency in judged) if judged else 0.0,
                last_error=self._last_error,
            )

    def _forget(self, now_ns: int) -> None:
        while self._recent and now_ns - self._recent[0][0] > WINDOW_NS:
            self._recent.popleft()
