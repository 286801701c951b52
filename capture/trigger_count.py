"""Frame ids of two cameras on one trigger, as one count: also after one of them restarted or missed some."""

from __future__ import annotations

from collections import deque
from statistics import median, multimode

from capture.frames import ROLES, Frame, Role

# With a shared trigger: frames of either camera without a single pair before the ids are aligned anew.
REALIGN_AFTER_FRAMES = 8
# Clocks nearer than this many periods show one time: by chance they would not be.
SHARED_WITHIN = 1.5
# How near to a whole number of periods, in periods.
SLIP_WITHIN = 0.2
# Pairs whose distance by the cameras' own clocks is the usual one.
USUAL_PAIRS = 16


class TriggerCount:
    """Turns the frame ids of two cameras on one trigger into one count, also after one of them started
    afresh.

    A count is (run, number): the run goes up when a camera's ids go back. Runs and ids agree if both cameras
    restart together. If they do not (no pair for `REALIGN_AFTER_FRAMES` of both), the ids are aligned by
    arrival.
    """

    def __init__(self) -> None:
        self._run: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._shift: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._last_id: dict[Role, int | None] = dict.fromkeys(ROLES)
        self._alone: dict[Role, deque[tuple[int, int]]] = {  # id, arrival of frames since the last pair
            role: deque(maxlen=REALIGN_AFTER_FRAMES) for role in ROLES
        }

    def count(self, frame: Frame) -> tuple[int, int]:
        """Return the place of the frame in the common count; call once per frame, in order."""
        role, last_id = frame.role, self._last_id[frame.role]
        self._last_id[role] = frame.frame_id
        if last_id is not None and frame.frame_id <= last_id:
            self._run[role] += 1
            self._shift[role] = 0
            self._alone[role].clear()
        self._alone[role].append((frame.frame_id, frame.host_ns))
        if all(len(self._alone[each]) == REALIGN_AFTER_FRAMES for each in ROLES):
            self._realign()
        return self._run[role], frame.frame_id + self._shift[role]

    def shift(self, role: Role, by: int) -> None:
        """Count a camera's ids from elsewhere on: it missed triggers, or the other one did (`by` < 0)."""
        self._shift[role] += by

    def agreed(self) -> None:
        """A pair was found: runs and ids fit."""
        for role in ROLES:
            self._alone[role].clear()

    def _realign(self) -> None:
        """Take the difference of ids that most frames have to the other camera's nearest arrival."""
        mono, color = self._alone["mono"], self._alone["color"]
        differences = [
            min(mono, key=lambda other: abs(other[1] - arrival_ns))[0] - color_id
            for color_id, arrival_ns in color
        ]
        run = max(self._run.values()) + 1
        for role in ROLES:
            self._run[role] = run
            self._alone[role].clear()
        self._shift = {"mono": 0, "color": multimode(differences)[0]}


class SlipWatch:
    """Notices that equal ids have come to lie whole periods apart, by the cameras' own clocks.

    The clocks' difference itself means nothing (they started at different times), but it stays what it was
    with the first pair as long as both frames belong to one trigger. The way of the frames to the computer
    has no part in it: it may vary by more than a period.
    """

    def __init__(self) -> None:
        self.missed: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._usual_ns: deque[int] = deque(maxlen=USUAL_PAIRS)
        self._jumps = 0
        self._last_ids = (-1, -1)

    def look(self, mono: Frame, color: Frame, rhythm: tuple[float | None, int]) -> int:
        """Look at two frames that would make a pair.

        Args:
            rhythm: period of the triggers in ns, None while unknown; how often clocks have jumped so far.

        Returns how many triggers the colour camera has missed since the last pair (< 0: the mono camera); 0
        if they are one.
        """
        period_ns, jumps = rhythm
        if mono.device_ns is None or color.device_ns is None:
            return 0
        ids = (mono.frame_id, color.frame_id)
        restarted = any(now < before for now, before in zip(ids, self._last_ids, strict=True))
        if jumps != self._jumps or restarted:
            self._usual_ns.clear()
        self._jumps, self._last_ids = jumps, ids
        gap_ns = color.device_ns - mono.device_ns
        periods = self._periods_off(gap_ns, period_ns)
        if periods:
            self.missed["color" if periods > 0 else "mono"] += abs(periods)
        else:
            self._usual_ns.append(gap_ns)
        return periods

    def _periods_off(self, gap_ns: int, period_ns: float | None) -> int:
        """Return by how many whole periods a gap is not the usual one, 0 if by none or by something else."""
        if period_ns is None:
            return 0
        if abs(gap_ns) < SHARED_WITHIN * period_ns:
            usual_ns = 0.0  # one clock (PTP, or reset together): even the first pair may be wrong
        elif self._usual_ns:
            usual_ns = median(self._usual_ns)
        else:
            return 0
        off = (gap_ns - usual_ns) / period_ns
        periods = round(off)
        return periods if abs(off - periods) < SLIP_WITHIN else 0
