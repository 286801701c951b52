"""How well two cameras keep together, in numbers and in words.

Fed with pairs as they are made and with what the stages before have counted; docs/sync-verdicts.md explains
what it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from capture.clocks import WINDOW, ClockState
from capture.frames import ROLES, FramePair, Role
from capture.pairing import PairingCounters
from capture.rig import CameraCounters
from capture.sync.config import SyncMode
from capture.sync_facts import CameraHealth, Facts, Finding, Level, SkewStats
from capture.sync_skew import FEW_PAIRS, Values, histogram, judged_skews, skew_stats, slope
from capture.sync_verdict import find, worst

SPAN_NS = 60_000_000_000
"""What is judged: the last minute."""

PAIRS_KEPT = 4096

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SyncState:
    """What the Sync page shows. Arrays are read-only.

    Attributes:
        level: the worst of the findings; "unknown" before there is anything to judge.
        findings: what was found, worst first; the first one is the verdict.
        matched_by: "frame id" or "time".
        pairs: pairs in the last minute.
        skew: None before the first pair.
        times_s, skews_ms: of the pairs of the last minute, seconds before now (≤ 0) and ms; same length.
        counts, edges_ms: the histogram of the skews that are judged: BINS and BINS + 1 values; empty before
            the first pair.
        period_ms: between pairs, None while unknown.
        relative_drift_ppm: colour clock against mono clock; None while unknown.
    """

    level: Level = "unknown"
    findings: tuple[Finding, ...] = ()
    matched_by: Literal["frame id", "time"] = "time"
    pairs: int = 0
    skew: SkewStats | None = None
    times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    skews_ms: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    edges_ms: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    period_ms: float | None = None
    cameras: Mapping[Role, CameraHealth] = field(default_factory=dict)
    relative_drift_ppm: float | None = None


class SyncHealth:
    """Keeps the last minute of pairs. Pure: no clock, no thread, no I/O. Not thread-safe.

    Args:
        mode: how the cameras were set up; None if nobody said.
        shares_trigger: as `RigInfo.shares_trigger`.
    """

    def __init__(self, mode: SyncMode | None, shares_trigger: bool) -> None:
        self._mode = mode
        self._shares_trigger = shares_trigger
        self._pairs: deque[tuple[int, int, float, float]] = deque(maxlen=PAIRS_KEPT)
        self._frames: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._added = 0
        self._counted: deque[tuple[int, dict[Role, tuple[int, int, int, int, int]]]] = deque()

    def saw(self, role: Role) -> None:
        """Count a frame of a camera."""
        self._frames[role] += 1

    def add(self, pair: FramePair) -> None:
        """Take the next pair."""
        host_ns = max(pair.mono.host_ns, pair.color.host_ns)
        mono, color = pair.mono.device_ns, pair.color.device_ns
        apart_ns = float(color - mono) if mono is not None and color is not None else np.nan
        self._added += 1
        self._pairs.append((host_ns, pair.skew_ns, apart_ns, pair.mono.exposure_us or np.nan))

    def state(
        self,
        now_ns: int,
        cameras: Mapping[Role, CameraCounters],
        pairing: PairingCounters,
        clocks: Mapping[Role, ClockState],
        missed: Mapping[Role, int],
    ) -> SyncState:
        """Return numbers and verdict as of `now_ns` (`time.monotonic_ns()`). Costs about 1 ms.

        Args:
            cameras, pairing: counters since the start; they may fall when cameras start anew.
            clocks: of the cameras that have sent anything.
            missed: triggers each camera did not answer.
        """
        health = self._cameras(now_ns, cameras, pairing, clocks, missed)
        kept = [entry for entry in self._pairs if now_ns - entry[0] <= SPAN_NS]
        if not kept:
            facts = Facts(self._mode, self._shares_trigger, None, None, 0, health, now_ns, dict(self._frames))
            findings = find(facts)
            return SyncState(worst(findings), findings, self._matched_by, cameras=health)
        table = np.array(kept, np.float64)
        times_s = (table[:, 0] - now_ns) / 1e9
        period_ns = float(np.median(np.diff(table[:, 0]))) if len(table) > 3 else None
        judged = self._judged(table, health)
        skews_ns, basis = judged_skews(table, judged, period_ns, shares_trigger=self._shares_trigger)
        stats = skew_stats(times_s[judged], skews_ns[judged], basis, period_ns)
        exposure_ns = float(np.nan_to_num(table[-1, 3])) * 1e3
        facts = Facts(
            mode=self._mode,
            shares_trigger=self._shares_trigger,
            skew=stats,
            period_ns=period_ns,
            pairs=len(kept),
            cameras=health,
            now_ns=now_ns,
            frames=dict(self._frames),
            exposure_ns=exposure_ns,
            newest_ns=kept[-1][0],
        )
        findings = find(facts)
        counts, edges = histogram(skews_ns[judged])
        return SyncState(
            level=worst(findings),
            findings=findings,
            matched_by=self._matched_by,
            pairs=len(kept),
            skew=stats,
            times_s=_frozen(times_s),
            skews_ms=_frozen(skews_ns / 1e6),
            counts=_frozen(counts),
            edges_ms=_frozen(edges / 1e6),
            period_ms=None if period_ns is None else period_ns / 1e6,
            cameras=health,
            relative_drift_ppm=self._relative_drift(table, health),
        )

    @property
    def _matched_by(self) -> Literal["frame id", "time"]:
        return "frame id" if self._shares_trigger else "time"

    def _judged(self, table: Values, health: Mapping[Role, CameraHealth]) -> NDArray[np.bool_]:
        """Return which pairs are judged.

        Those since a clock jumped, and not the first ones after that or after the start, when the pairing did
        not know the clocks yet; unless there are few others.
        """
        judged = table[:, 0] > max(health[role].clock.last_jump_at_ns or 0 for role in ROLES)
        if judged.sum() < FEW_PAIRS:
            return np.ones(len(table), np.bool_)
        began = self._added == len(table) or not judged.all()
        if began and judged.sum() >= WINDOW + FEW_PAIRS:
            judged[np.flatnonzero(judged)[:WINDOW]] = False
        return judged

    def _relative_drift(self, table: Values, health: Mapping[Role, CameraHealth]) -> float | None:
        """Return how much faster the colour clock runs than the mono clock.

        On one trigger the clocks tell it themselves, far better than by the computer's.
        """
        clocks = [health[role].clock for role in ROLES]
        since_ns = max((clock.last_jump_at_ns or 0 for clock in clocks), default=0)
        if self._shares_trigger and all(clock.ticks for clock in clocks):
            steady = table[table[:, 0] > since_ns]
            if len(steady) > 30 and np.ptp(steady[:, 0]) > 5e9:
                return slope(steady[:, 0], steady[:, 2]) * 1e6
            return None
        mono, color = (clock.drift_ppm for clock in clocks)
        return None if mono is None or color is None else color - mono

    def _cameras(
        self,
        now_ns: int,
        cameras: Mapping[Role, CameraCounters],
        pairing: PairingCounters,
        clocks: Mapping[Role, ClockState],
        missed: Mapping[Role, int],
    ) -> dict[Role, CameraHealth]:
        now = {role: _counts(role, cameras.get(role, CameraCounters()), pairing) for role in ROLES}
        if self._counted and any(
            a < b for role in ROLES for a, b in zip(now[role], self._counted[-1][1][role], strict=True)
        ):
            self._counted.clear()  # counters began anew
        if not self._counted or now_ns - self._counted[-1][0] > SPAN_NS // 60:
            self._counted.append((now_ns, now))
        while now_ns - self._counted[0][0] > SPAN_NS:
            self._counted.popleft()
        before = self._counted[0][1]
        found: dict[Role, CameraHealth] = {}
        for role in ROLES:
            delivered, bad, overrun, unpaired, pushed = (
                a - b for a, b in zip(now[role], before[role], strict=True)
            )
            total = cameras.get(role, CameraCounters())
            found[role] = CameraHealth(
                lost=total.id_gaps,
                incomplete=total.incomplete,
                overrun=total.overrun,
                unpaired=now[role][3],
                missed=missed.get(role, 0),
                recent_loss=_share(bad, delivered + bad + overrun),
                recent_overrun=_share(overrun, delivered + bad + overrun),
                recent_unpaired=_share(unpaired, pushed),
                clock=clocks.get(role, ClockState()),
            )
        return found


def _counts(role: Role, camera: CameraCounters, pairing: PairingCounters) -> tuple[int, int, int, int, int]:
    """Return delivered, lost or incomplete, overrun, unpaired, pushed."""
    unpaired = pairing.unpaired_mono if role == "mono" else pairing.unpaired_color
    pushed = pairing.pushed_mono if role == "mono" else pairing.pushed_color
    return camera.delivered, camera.id_gaps + camera.incomplete, camera.overrun, unpaired, pushed


def _share(part: int, whole: int) -> float:
    return part / whole if whole > 0 else 0.0


def _frozen(array: NDArray[Number]) -> NDArray[Number]:
    array.flags.writeable = False
    return array
