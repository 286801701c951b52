"""Pairs frames in the source thread, across reconnections, and counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import astuple, replace

from app.pipeline.board import Board
from app.pipeline.rectifying import arrival_ns
from app.pipeline.stages import StageMeter
from app.pipeline.status import StageStatus
from capture.clocks import ClockState
from capture.frames import ROLES, Frame, FramePair, Role
from capture.pairing import Pairer, PairingCounters
from capture.rig import CameraCounters, RigInfo
from capture.sync_health import SyncHealth, SyncState

TOPIC = "pair"
CLOCKS_EVERY_NS = 500_000_000  # how often drift and steps of the clocks are looked at
UNPAIRED_NS = 3_000_000_000  # this long without a pair is worth a word
_NS_PER_MS = 1e6


class PairStage:
    """One `Pairer` per connection: after a loss, clocks and frame ids start anew. Pair numbers go on.

    `push`, `flush` and `use` belong to the source thread, the rest to anyone.

    Args:
        board: where errors are shown, under the topic "pair".
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._meter = StageMeter()
        self._last_pair_ns = 0
        self._alone: set[Role] = set()
        self._lock = threading.Lock()
        self._pairer: Pairer | None = None
        self._closed = PairingCounters()
        self._current = PairingCounters()
        self._newest: FramePair | None = None
        self._health = SyncHealth(None, shares_trigger=False)
        self._clocks: dict[Role, ClockState] = {}
        self._missed: dict[Role, int] = {}
        self._clocks_due_ns = 0

    def use(self, info: RigInfo) -> None:
        """Pair the frames of a rig just opened; what waited for a partner of the former one stays alone."""
        if self._pairer is not None:
            self._pairer.flush()
            with self._lock:
                self._closed = _add(self._closed, self._pairer.counters)
                self._current = PairingCounters()
        self._pairer = Pairer(info.shares_trigger, info.frame_rate_hz)
        mode = info.sync.config.mode if info.sync is not None and info.sync.complete else None
        with self._lock:
            self._health = SyncHealth(mode, info.shares_trigger)
            self._clocks, self._missed = {}, {}
        self._alone.clear()

    def push(self, frame: Frame) -> FramePair | None:
        """Take the next frame and return the pair that it completes."""
        assert self._pairer is not None, "frames come after the rig was opened"
        with self._lock:
            self._health.saw(frame.role)
        pair = self._count(self._pairer.push(frame))
        self._watch(frame, pair)
        if frame.host_ns >= self._clocks_due_ns:
            self._clocks_due_ns = frame.host_ns + CLOCKS_EVERY_NS
            clocks, missed = self._pairer.clocks(), self._pairer.slips
            with self._lock:
                self._clocks, self._missed = clocks, missed
        return pair

    def flush(self) -> list[FramePair]:
        """Return the pairs that were still undecided when the stream ended."""
        pairs = self._pairer.flush() if self._pairer is not None else ()
        return [counted for pair in pairs if (counted := self._count(pair)) is not None]

    def counters(self) -> PairingCounters:
        """Return what became of the frames of each camera."""
        with self._lock:
            return _add(self._closed, self._current)

    def sync_state(self, cameras: Mapping[Role, CameraCounters]) -> SyncState:
        """Return how well the cameras keep together since the rig was opened or set up."""
        pairing = self.counters()
        with self._lock:
            return self._health.state(time.monotonic_ns(), cameras, pairing, self._clocks, self._missed)

    def newest(self) -> FramePair | None:
        """Return the newest pair."""
        with self._lock:
            return self._newest

    def skew_ms(self) -> float:
        """Return colour minus mono of the newest pair."""
        newest = self.newest()
        return newest.skew_ns / _NS_PER_MS if newest is not None else 0.0

    def status(self) -> StageStatus:
        """Return counts: frames taken and dropped, pairs finished."""
        counters = self.counters()
        return replace(
            self._meter.status(),
            taken=counters.pushed_mono + counters.pushed_color,
            dropped=counters.unpaired_mono + counters.unpaired_color,
        )

    def _watch(self, frame: Frame, pair: FramePair | None) -> None:
        """Notice two cameras that both send frames of which none belong together."""
        if pair is not None or not self._alone:
            self._last_pair_ns = frame.host_ns
        if pair is not None:
            self._alone.clear()
            self._board.clear(TOPIC)
            return
        self._alone.add(frame.role)
        if len(self._alone) == len(ROLES) and frame.host_ns - self._last_pair_ns > UNPAIRED_NS:
            self._board.pin(
                TOPIC,
                "Both cameras send frames, but none belong together: check that they run at one rate, and "
                "shares_trigger in the rig file.",
            )

    def _count(self, pair: FramePair | None) -> FramePair | None:
        assert self._pairer is not None
        if pair is not None:
            pair = replace(pair, index=self._closed.paired + pair.index)
            self._meter.finish(arrival_ns(pair))
        with self._lock:
            self._current = self._pairer.counters
            self._newest = pair or self._newest
            if pair is not None:
                self._health.add(pair)
        return pair


def _add(one: PairingCounters, other: PairingCounters) -> PairingCounters:
    return PairingCounters(*(a + b for a, b in zip(astuple(one), astuple(other), strict=True)))
