"""When the next trigger is due. Pure."""

from __future__ import annotations

CATCH_UP_PERIODS = 1
"""Triggers that could not be given in time are left out: cameras ignore those that come too fast."""


class TriggerPacer:
    """Gives triggers at a rate, in step with the first: late ones do not shift those that follow.

    Args:
        rate_hz: triggers per second, > 0.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._first_ns: int | None = None
        self._given = 0
        self.left_out = 0

    def due(self, now_ns: int) -> bool:
        """Return whether to trigger now; call often. The first call begins the count."""
        if self._first_ns is None:
            self._first_ns = now_ns
        behind = int((now_ns - self._first_ns) // self._period_ns) - self._given
        if behind < 0:
            return False
        late = max(0, behind - CATCH_UP_PERIODS + 1)
        self.left_out += late
        self._given += late + 1
        return True
