"""When the virtual cameras are triggered and when their frames arrive. Pure: no clock, no thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from capture.frames import ROLES, Role
from capture.rig import CameraCounters
from capture.virtual.sensor import Look

# From the end of an exposure to the arrival of the frame.
READOUT_NS = 3_000_000
# The two cameras react to the trigger within this time of each other (uniform, per frame).
JITTER_NS = 25_000
# A frame that is made late arrives this many periods after its time.
LATE_PERIODS = 2.5
# Triggers whose frames wait in the cameras' buffers while nobody fetches them.
BUFFERED_TRIGGERS = 3
# By how much a clock that steps goes forward: TAI − UTC, seen in the field when a PTP master changed.
CLOCK_STEP_NS = 37_000_000_000


@dataclass(frozen=True)
class Shot:
    """One frame to come.

    Attributes:
        frame_id: number of the trigger, the same for both cameras.
        scene_ns: time of the scene at exposure.
        device_ns: the same on the camera's clock, which may have stepped.
        arrival_ns: host time at which it is there.
        look: settings it is taken with.
        with_board: whether the calibration board is in the picture.
    """

    role: Role
    frame_id: int
    scene_ns: int
    device_ns: int
    arrival_ns: int
    look: Look
    with_board: bool


@dataclass
class Schedule:
    """Triggers, free-running or by software, and what becomes of their frames. For one thread at a time.

    Times are host times in ns. The cameras' clocks start with 0 at `restart`; running freely, trigger n
    comes at n periods by those clocks, whatever the host does.

    Attributes:
        looks: settings of each camera; frames take those that hold when their trigger comes.
        with_board: whether the board is held before the rig.
    """

    seed: int
    frame_rate_hz: float
    looks: dict[Role, Look]
    with_board: bool = False
    by_software: bool = False
    _running: bool = False
    _start_ns: int = 0
    _origin_ns: int = 0  # trigger `_origin_id` came, or would have come, at this time
    _origin_id: int = 0
    _next_id: int = 0
    _coming: dict[Role, list[Shot]] = field(default_factory=lambda: {role: [] for role in ROLES})
    _last_arrival_ns: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))
    _counters: dict[Role, CameraCounters] = field(
        default_factory=lambda: {role: CameraCounters() for role in ROLES}
    )
    _to_drop: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))
    _to_delay: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))
    _clock_ahead_ns: dict[Role, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))

    @property
    def period_ns(self) -> int:
        """Return the time between free-running triggers: at least the longest exposure and its readout."""
        longest = max(look.exposure_us for look in self.looks.values())
        return max(round(1e9 / self.frame_rate_hz), round(longest * 1000) + READOUT_NS)

    @property
    def counters(self) -> Mapping[Role, CameraCounters]:
        """Return where frames went since `restart`."""
        return dict(self._counters)

    def restart(self, now_ns: int) -> None:
        """Begin anew: clocks, frame ids and counters at zero."""
        self._running = True
        self._start_ns = self._origin_ns = now_ns
        self._origin_id = self._next_id = 0
        for role in ROLES:
            self._coming[role] = []
            self._last_arrival_ns[role] = 0
            self._counters[role] = CameraCounters()
            self._to_drop[role] = self._to_delay[role] = 0
            self._clock_ahead_ns[role] = 0

    def halt(self) -> None:
        """Trigger no more; what is on its way is lost, counters stay."""
        self._running = False
        for role in ROLES:
            self._coming[role] = []

    def show_board(self, shown: bool, now_ns: int) -> None:
        """Hold the calibration board before the rig from now on, or take it away."""
        self.advance(now_ns)
        self.with_board = shown

    def drop_next(self, role: Role) -> None:
        """Lose the next frame of a camera: its id will be missing."""
        self._to_drop[role] += 1

    def delay_next(self, role: Role) -> None:
        """Let the next frame of a camera arrive late, and those behind it wait for it."""
        self._to_delay[role] += 1

    def step_clock(self, role: Role) -> None:
        """Put a camera's clock forward; the scene goes on by the time that has really passed."""
        self._clock_ahead_ns[role] += CLOCK_STEP_NS

    def change_rate(self, frame_rate_hz: float, now_ns: int) -> None:
        """Trigger at another rate from now on."""
        self._rebase(now_ns)
        self.frame_rate_hz = frame_rate_hz

    def change_look(self, role: Role, look: Look, now_ns: int) -> None:
        """Take frames with other settings from now on."""
        self._rebase(now_ns)
        self.looks[role] = look

    def change_trigger(self, by_software: bool, now_ns: int) -> None:
        """Run freely, or wait for `trigger`."""
        self.advance(now_ns)
        if self.by_software and not by_software:
            self._origin_id, self._origin_ns = self._next_id, now_ns
        self.by_software = by_software

    def trigger(self, now_ns: int) -> None:
        """Expose one pair now. Ignored while running freely, as cameras do."""
        if self._running and self.by_software:
            self._expose(now_ns, now_ns - self._start_ns)

    def advance(self, now_ns: int) -> None:
        """Let all triggers up to now happen; those too old for the cameras' buffers are overrun."""
        if self.by_software or not self._running:
            return
        due = self._origin_id + (now_ns - self._origin_ns) // self.period_ns  # newest trigger that has come
        waiting = max(sum(shot.arrival_ns <= now_ns for shot in shots) for shots in self._coming.values())
        room = max(0, BUFFERED_TRIGGERS - waiting)
        missed = due + 1 - self._next_id - room
        # Buffers that are full take nothing new until somebody fetches: the oldest frames are kept.
        for _ in range(min(room, due + 1 - self._next_id)):
            time_ns = self._time_of(self._next_id)
            self._expose(time_ns, time_ns - self._start_ns)
        if missed > 0:
            self._next_id += missed
            for role in ROLES:
                counters = self._counters[role]
                self._counters[role] = replace(counters, overrun=counters.overrun + missed)

    def take(self, now_ns: int) -> Shot | None:
        """Return the frame that arrived first of all that are there, None if there is none."""
        self.advance(now_ns)
        first = self._first()
        if first is None or first.arrival_ns > now_ns:
            return None
        self._coming[first.role].pop(0)
        counters = self._counters[first.role]
        self._counters[first.role] = replace(counters, delivered=counters.delivered + 1)
        return first

    def next_event_ns(self) -> int | None:
        """Return when the next frame arrives, or the next trigger comes; None if nothing will by itself."""
        first = self._first()
        times = [] if first is None else [first.arrival_ns]
        if self._running and not self.by_software:
            times.append(self._time_of(self._next_id))
        return min(times, default=None)

    def _first(self) -> Shot | None:
        heads = [shots[0] for shots in self._coming.values() if shots]
        return min(heads, key=lambda shot: shot.arrival_ns, default=None)

    def _time_of(self, frame_id: int) -> int:
        return self._origin_ns + (frame_id - self._origin_id) * self.period_ns

    def _rebase(self, now_ns: int) -> None:
        """Count from the last trigger on, so that another period changes nothing of the past."""
        self.advance(now_ns)
        if self._running and not self.by_software:
            self._origin_ns, self._origin_id = self._time_of(self._next_id), self._next_id

    def _expose(self, time_ns: int, scene_ns: int) -> None:
        frame_id, self._next_id = self._next_id, self._next_id + 1
        for index, role in enumerate(ROLES):
            if self._to_drop[role]:
                self._to_drop[role] -= 1
                counters = self._counters[role]
                self._counters[role] = replace(counters, id_gaps=counters.id_gaps + 1)
                continue
            jitter = int(np.random.default_rng([self.seed, 5, index, frame_id]).integers(0, JITTER_NS))
            look = self.looks[role]
            arrival_ns = time_ns + jitter + round(look.exposure_us * 1000) + READOUT_NS
            if self._to_delay[role]:
                self._to_delay[role] -= 1
                arrival_ns += round(LATE_PERIODS * self.period_ns)
            # Frames of one camera never overtake each other.
            arrival_ns = max(arrival_ns, self._last_arrival_ns[role] + 1)
            self._last_arrival_ns[role] = arrival_ns
            exposed_ns = scene_ns + jitter
            clock_ns = exposed_ns + self._clock_ahead_ns[role]
            self._coming[role].append(
                Shot(role, frame_id, exposed_ns, clock_ns, arrival_ns, look, self.with_board)
            )
