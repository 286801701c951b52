"""When the next trigger is due. Pure."""

from __future__ import annotations

FIRST_AFTER_NS = 100_000_000
"""Cameras need a moment after the start of acquisition until they take triggers."""

CLOSEST = 0.8
"""Triggers come no closer than this many periods after one that was late: cameras ignore what is too fast."""


class TriggerPacer:
    """Gives triggers at a rate, in step with the first: late ones do not shift those that follow.

    Args:
        rate_hz: triggers per second, > 0.

    Attributes:
        left_out: triggers for which it was too late, because nobody asked.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._due_ns: float | None = None
        self._last_ns: float | None = None
        self.left_out = 0

    def due(self, now_ns: int) -> bool:
        """Return whether to trigger now; call often. The first call begins the count."""
        if self._due_ns is None:
            self._due_ns = now_ns + FIRST_AFTER_NS
        if now_ns < self._due_ns:
            return False
        if self._last_ns is not None and now_ns - self._last_ns < CLOSEST * self._period_ns:
            return False
        late = int((now_ns - self._due_ns) // self._period_ns)
        self.left_out += late
        self._due_ns += (late + 1) * self._period_ns
        self._last_ns = now_ns
        return True
