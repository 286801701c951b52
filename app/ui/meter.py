"""What really reached the screen: rates and the latency from exposure to paint."""

from __future__ import annotations

from collections import deque
from statistics import median

from capture.frames import FramePair

WINDOW_NS = 2_000_000_000


def exposure_began_ns(pair: FramePair) -> int:
    """Return when the later frame's exposure began, on the clock of `host_ns`.

    That is its arrival less its exposure time where the camera tells it; the transfer counts as latency.
    """
    later = max(pair.mono, pair.color, key=lambda frame: frame.host_ns)
    return later.host_ns - int((later.exposure_us or 0.0) * 1000)


class ScreenMeter:
    """Counts pairs when they are painted, each once, however many panes show it."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_latency_ms = 0.0
        self._last_ns: int | None = None
        self._interval_ns: int | None = None
        self._painted: deque[tuple[int, float]] = deque()
        self._total = 0

    @property
    def total(self) -> int:
        """Return how many pairs were painted since `clear`."""
        return self._total

    def painted(self, index: int, began_ns: int, now_ns: int) -> None:
        """Take note that pair `index`, exposed from `began_ns` on, is on screen now."""
        if index == self._last:
            return
        self._last = index
        self._total += 1
        if self._last_ns is not None:
            self._interval_ns = now_ns - self._last_ns
        self._last_ns = now_ns
        self._last_latency_ms = (now_ns - began_ns) / 1e6
        self._painted.append((now_ns, self._last_latency_ms))
        self._forget(now_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Return pairs per second over two seconds; where fewer come, from the time between the last two."""
        self._forget(now_ns)
        if len(self._painted) > 1 or self._last_ns is None or self._interval_ns is None:
            return len(self._painted) / (WINDOW_NS / 1e9)
        return 1e9 / max(self._interval_ns, now_ns - self._last_ns)

    def latency_ms(self, now_ns: int) -> float:
        """Return the median over two seconds, the last one if it is older; 0 if nothing was painted."""
        self._forget(now_ns)
        return median(latency for _, latency in self._painted) if self._painted else self._last_latency_ms

    def clear(self) -> None:
        """Begin anew."""
        self._last, self._last_latency_ms, self._total = None, 0.0, 0
        self._last_ns = self._interval_ns = None
        self._painted.clear()

    def _forget(self, now_ns: int) -> None:
        while self._painted and now_ns - self._painted[0][0] > WINDOW_NS:
            self._painted.popleft()
