"""Which mono frame and which colour frame belong together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from capture.clocks import ClockState, StreamClock
from capture.frames import ROLES, Frame, FramePair, Role
from capture.trigger_count import SlipWatch, TriggerCount

# Frames of one camera that may wait for the other: more means that the other is silent.
LONGEST_WAIT_FRAMES = 16
# Tolerance while neither camera's rhythm is known.
FIRST_TOLERANCE_NS = 20_000_000
# Frames at the nearest possible distance are half a period apart at most; a tenth on top for jitter.
TOLERANCE_IN_PERIODS = 0.55
# Closer than half a period no later frame can come closer; a tenth less for jitter.
SURE_IN_PERIODS = 0.45
# Equal ids that arrive further apart are no pair: one counter started anew unnoticed.
LARGEST_ARRIVAL_GAP_NS = 1_000_000_000


@dataclass(frozen=True)
class PairingCounters:
    """Where frames went. For each camera: pushed = paired + unpaired + waiting."""

    paired: int = 0
    pushed_mono: int = 0
    pushed_color: int = 0
    unpaired_mono: int = 0
    unpaired_color: int = 0
    waiting_mono: int = 0
    waiting_color: int = 0


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame, its time on the common axis, and its place in the count of triggers (run, number)."""

    frame: Frame
    time_ns: int
    count: tuple[int, int]


class Pairer:
    """Finds pairs in two streams of frames as they arrive. Pure: no clock, no thread, no I/O. Not
    thread-safe.

    With a shared trigger equal frame ids belong together; the ids are aligned anew by arrival if one camera
    starts to count afresh. Otherwise frames are paired that are nearest to each other in time, by the
    cameras' clocks where they have one (`StreamClock`), else by arrival. A pair is handed out as soon as no
    frame still to come could fit
    better: at once for cameras in step, a frame later if they run half a period apart.

    A camera that misses a trigger (it was still exposing) does not count it, and from then on equal ids lie a
    period apart. Where both cameras have a clock that shows, and the count is put right (`slips`).

    Args:
        shares_trigger: as `RigInfo.shares_trigger`.
        frame_rate_hz: nominal rate, so that the first frames are judged like the rest; None learns it.
        tolerance_ns: largest skew of a pair without a shared trigger; None takes just over half the shorter
            period.
    """

    def __init__(
        self, shares_trigger: bool, frame_rate_hz: float | None = None, tolerance_ns: int | None = None
    ) -> None:
        self._shares_trigger = shares_trigger
        self._tolerance_ns = tolerance_ns
        self._clocks: dict[Role, StreamClock] = {role: StreamClock(frame_rate_hz) for role in ROLES}
        self._waiting: dict[Role, deque[_Waiting]] = {role: deque() for role in ROLES}
        self._ready: deque[FramePair] = deque()
        self._pushed: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._unpaired: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._pairs = 0
        self._ids = TriggerCount()
        self._slips = SlipWatch()

    @property
    def counters(self) -> PairingCounters:
        """Return where frames went so far; a pair not yet handed out counts as waiting."""
        ready = len(self._ready)
        return PairingCounters(
            paired=self._pairs - ready,
            pushed_mono=self._pushed["mono"],
            pushed_color=self._pushed["color"],
            unpaired_mono=self._unpaired["mono"],
            unpaired_color=self._unpaired["color"],
            waiting_mono=len(self._waiting["mono"]) + ready,
            waiting_color=len(self._waiting["color"]) + ready,
        )

    def clocks(self) -> dict[Role, ClockState]:
        """Return what is known of the cameras' clocks."""
        return {role: clock.state() for role, clock in self._clocks.items()}

    @property
    def slips(self) -> dict[Role, int]:
        """Return the triggers that each camera was found to have missed without losing a frame id."""
        return dict(self._slips.missed)

    def push(self, frame: Frame) -> FramePair | None:
        """Take the next frame of either camera, in order of arrival; return a pair if one is complete."""
        role = frame.role
        self._pushed[role] += 1
        time_ns = self._clocks[role].time_ns(frame)
        count = self._ids.count(frame) if self._shares_trigger else (0, 0)
        self._waiting[role].append(_Waiting(frame, time_ns, count))
        if self._shares_trigger:
            self._pair_by_count()
        else:
            self._pair_by_time(final=False)
        if len(self._waiting[role]) > LONGEST_WAIT_FRAMES:
            self._drop(role)
        return self._ready.popleft() if self._ready else None

    def flush(self) -> tuple[FramePair, ...]:
        """End of the streams: return the pairs still undecided; what has no partner counts as unpaired."""
        if not self._shares_trigger:
            self._pair_by_time(final=True)
        for role in ROLES:
            while self._waiting[role]:
                self._drop(role)
        pairs = tuple(self._ready)
        self._ready.clear()
        return pairs

    def _pair_by_count(self) -> None:
        """Pair equal places in the count. Both count upwards: what the other camera has passed is alone."""
        mono, color = self._waiting["mono"], self._waiting["color"]
        while mono and color:
            if mono[0].count < color[0].count:
                self._drop("mono")
            elif mono[0].count > color[0].count:
                self._drop("color")
            elif abs(mono[0].frame.host_ns - color[0].frame.host_ns) > LARGEST_ARRIVAL_GAP_NS:
                self._drop("mono" if mono[0].frame.host_ns < color[0].frame.host_ns else "color")
            else:
                self._ids.agreed()
                missed = self._slips.look(mono[0].frame, color[0].frame, self._rhythm())
                if missed:
                    self._ids.shift("color", missed)
                    self._waiting["color"] = color = deque(
                        replace(each, count=(each.count[0], each.count[1] + missed)) for each in color
                    )
                else:
                    self._pair()

    def _rhythm(self) -> tuple[float | None, int]:
        """Return the period of the triggers (the faster camera's), and how often clocks have jumped."""
        periods = [period for role in ROLES if (period := self._clocks[role].period_ns) is not None]
        return min(periods, default=None), sum(self._clocks[role].jumps for role in ROLES)

    def _pair_by_time(self, final: bool) -> None:
        """Pair the oldest frames while that is certain; `final`: there is nothing to wait for."""
        while self._waiting["mono"] and self._waiting["color"]:
            mono, color = self._waiting["mono"][0], self._waiting["color"][0]
            earlier: Role = "mono" if mono.time_ns <= color.time_ns else "color"
            later_ns = max(mono.time_ns, color.time_ns)
            gap_ns = abs(color.time_ns - mono.time_ns)
            if gap_ns > self._tolerance():
                self._drop(earlier)
            elif len(self._waiting[earlier]) > 1:
                # Only the earlier camera's next frame can come closer; the later one's moves away.
                if abs(self._waiting[earlier][1].time_ns - later_ns) < gap_ns:
                    self._drop(earlier)
                else:
                    self._pair()
            elif final or self._is_sure(earlier, gap_ns):
                self._pair()
            else:
                return

    def _is_sure(self, earlier: Role, gap_ns: int) -> bool:
        period_ns = self._clocks[earlier].period_ns
        return period_ns is None or gap_ns < SURE_IN_PERIODS * period_ns

    def _tolerance(self) -> float:
        if self._tolerance_ns is not None:
            return self._tolerance_ns
        periods = [period for role in ROLES if (period := self._clocks[role].period_ns) is not None]
        return TOLERANCE_IN_PERIODS * min(periods) if periods else FIRST_TOLERANCE_NS

    def _pair(self) -> None:
        mono, color = self._waiting["mono"].popleft(), self._waiting["color"].popleft()
        self._ready.append(FramePair(self._pairs, mono.frame, color.frame, color.time_ns - mono.time_ns))
        self._pairs += 1

    def _drop(self, role: Role) -> None:
        self._waiting[role].popleft()
        self._unpaired[role] += 1
