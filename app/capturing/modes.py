"""The ways of capturing: each decides which measured pairs are saved. Pure; time comes from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.capturing.gates import Limits, Verdict

Kind = Literal["single", "burst", "timed", "change", "walk"]
KINDS: tuple[Kind, ...] = ("single", "burst", "timed", "change", "walk")

CHANGED_BY = 0.05
"""Distance (see `fingerprints`) from the last saved pair that counts as another scene."""
STILL_PX = 0.5
"""A walk-through waits until the picture moves by less than this during skew and exposure."""
WALK_NEW = 0.02
"""Distance from every saved pair that a walk-through asks for at least."""
WALK_PAUSE_S = 0.5
"""Shortest time between two pairs of a walk-through."""


@dataclass(frozen=True)
class Plan:
    """What was asked for.

    Attributes:
        kind: "single": the next pair; "burst": `count` pairs in a row; "timed": one every `period_s`;
            "change": when the picture differs from the last saved one; "walk": still, new pairs that pass all
            gates, until the dataset has `target` pairs.
        count: pairs of a burst.
        period_s: of "timed".
        target: number of pairs in the dataset at which "timed", "change" and "walk" end.
    """

    kind: Kind
    count: int = 1
    period_s: float = 2.0
    target: int = 1000

    def __post_init__(self) -> None:
        if self.count < 1 or self.target < 1 or not 0.05 <= self.period_s <= 86_400:
            raise ValueError("count and target are at least 1, the period 0.05 s to a day")

    @property
    def goes_on(self) -> bool:
        """Return whether it goes on until the target is reached."""
        return self.kind in ("timed", "change", "walk")


@dataclass(frozen=True)
class Situation:
    """What a decision depends on.

    Attributes:
        verdict: of the pair.
        changed: distance from the pair that was saved last; None if there is none.
        since_saved_s: since the last pair was saved by this plan; None if none was.
    """

    verdict: Verdict
    changed: float | None
    since_saved_s: float | None


@dataclass(frozen=True)
class Decision:
    """Save the pair, or wait for another; `reason` in one line if something is wrong with this one."""

    save: bool
    reason: str = ""


def decide(plan: Plan, now: Situation, limits: Limits) -> Decision:
    """Return what to do with a pair that was just measured."""
    if plan.kind == "timed" and now.since_saved_s is not None and now.since_saved_s < plan.period_s:
        return Decision(False)
    if plan.kind == "change" and now.changed is not None and now.changed < CHANGED_BY:
        return Decision(False)
    if plan.kind == "walk":
        waiting = _walk_waits_for(now)
        if waiting is not None:
            return Decision(False, waiting)
    reasons = now.verdict.reasons(limits)
    if plan.kind == "walk" and not reasons:
        # A walk-through runs by itself: what only warns a person stops it, too.
        reasons = tuple(Verdict(now.verdict.values, now.verdict.warnings).reasons(limits))
    return Decision(not reasons, "; ".join(reasons))


def _walk_waits_for(now: Situation) -> str | None:
    """Return why the pair is not worth judging yet; empty if that needs no words, None if it is."""
    if now.since_saved_s is not None and now.since_saved_s < WALK_PAUSE_S:
        return ""
    motion = now.verdict.values.get("motion_px")
    if motion is not None and motion > STILL_PX:
        return "Waiting until the picture stands still"
    new = now.verdict.values.get("duplicate_distance")
    if new is not None and new < WALK_NEW:
        return "Seen already: move on to something else"
    return None
