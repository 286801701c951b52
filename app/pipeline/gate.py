"""Freeze and step: decides which pairs go on to the screen and the networks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from capture.frames import FramePair


class PairGate:
    """Stands between pairer and rectifier. Open, it lets everything through; frozen, one pair per step.

    A stepped pair goes through only when the one before it is settled (colorized, or given up on), so that
    steps in quick succession do not overwrite each other in a slot further on. All methods may be called from
    any thread.

    Args:
        release: gets every pair that may pass.
        hold: gets the number of pairs that were turned away while frozen.
        request_pair: asks the rig for one more pair; given for rigs that can wait (a replay). Then nothing is
            turned away: pairs that arrive while frozen are kept, and the rig is asked when none are left.
        every_pair: step by itself, each time a pair is settled, so that no pair of a replay is skipped.
    """

    def __init__(
        self,
        release: Callable[[FramePair], None],
        hold: Callable[[int], None],
        request_pair: Callable[[], None] | None = None,
        every_pair: bool = False,
    ) -> None:
        self._release = release
        self._hold = hold
        self._request_pair = request_pair
        self._every_pair = every_pair
        self._lock = threading.RLock()
        self._frozen = False
        self._steps = 0
        self._requested = 0
        self._waiting: deque[FramePair] = deque()
        self._under_way: FramePair | None = None

    @property
    def frozen(self) -> bool:
        """Return whether the pictures are held."""
        with self._lock:
            return self._frozen

    @property
    def paces_rig(self) -> bool:
        """Return whether the rig can wait: pairs come when asked for."""
        return self._request_pair is not None

    @property
    def idle(self) -> bool:
        """Return whether nothing is kept and what was let through last is settled."""
        with self._lock:
            return not self._waiting and self._under_way is None

    def offer(self, pair: FramePair) -> None:
        """Take the next pair of the stream."""
        with self._lock:
            self._requested = max(self._requested - 1, 0)
            if not self._held:
                self._pass(pair)
            elif self._request_pair is not None:
                self._waiting.append(pair)
                self._pass_steps()
            elif self._steps and self._under_way is None:
                self._steps -= 1
                self._pass(pair)
            else:
                self._hold(1)

    def settle(self, pair: FramePair) -> None:
        """Say that a pair is through, with or without a result."""
        with self._lock:
            if pair is not self._under_way:
                return
            self._under_way = None
            self._pass_steps()
            if not self._frozen:
                self._go_on()

    def set_frozen(self, frozen: bool) -> None:
        """Hold the pictures, or let them run (with what was kept meanwhile first)."""
        with self._lock:
            self._frozen = frozen
            self._steps = 0
            if not self._held:
                while self._waiting:
                    self._pass(self._waiting.popleft())
            elif not frozen:
                self._go_on()

    def step(self) -> None:
        """Let one more pair through. Does nothing while open."""
        with self._lock:
            if not self._held:
                return
            self._steps += 1
            self._pass_steps()
            self._request_missing()

    def restart(self) -> None:
        """Begin, or begin again with a rig that was lost and has forgotten what it was asked for."""
        with self._lock:
            self._requested = 0
            self._request_missing()
            if not self._frozen:
                self._go_on()

    @property
    def _held(self) -> bool:
        return self._frozen or self._every_pair

    def _go_on(self) -> None:
        """Step by itself where every pair is wanted and none is under way."""
        if self._every_pair and not self._steps and self._under_way is None:
            self.step()

    def _request_missing(self) -> None:
        if self._request_pair is None:
            return
        while self._steps > len(self._waiting) + self._requested:
            self._requested += 1
            self._request_pair()

    def _pass_steps(self) -> None:
        if self._held and self._steps and self._waiting and self._under_way is None:
            self._steps -= 1
            self._pass(self._waiting.popleft())

    def _pass(self, pair: FramePair) -> None:
        self._under_way = pair
        self._release(pair)
