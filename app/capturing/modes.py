"""The ways of capturing: each decides which measured pairs are saved. Pure; time comes from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.capturing.gates import Limits, Verdict

Kind = Literal["single", "burst", "timed", "change", "walk"]
KINDS: tuple[Kind, ...] = ("single", "burst", "timed", "change", "walk")

CHANGED_BY = 0.1
"""Distance (see `fingerprints`) from the last saved pair that counts as another scene: about what panning by
2 % of the picture's width makes of it; noise, exposure and gain make less than 0.03 (decision 118)."""
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
        due_in_s: until the next pair of "timed" or "walk" may be saved; 0 or less: now.
        colors_to_come: this scene's colorization is under way, and its cycle SSIM not known yet.
    """

    verdict: Verdict
    changed: float | None
    due_in_s: float
    colors_to_come: bool = False


@dataclass(frozen=True)
class Decision:
    """Save the pair, or wait for another; `reason` in one line if something is wrong with this one."""

    save: bool
    reason: str = ""


def pause_s(plan: Plan) -> float:
    """Return the time from one pair of a plan to the next."""
    return {"timed": plan.period_s, "walk": WALK_PAUSE_S}.get(plan.kind, 0.0)


def decide(plan: Plan, now: Situation, limits: Limits) -> Decision:
    """Return what to do with a pair that was just measured."""
    if now.due_in_s > 0:
        return Decision(False)
    if plan.kind == "change" and now.changed is not None and now.changed < CHANGED_BY:
        return Decision(False, "Waiting for the scene to change")
    beyond = now.verdict.refused
    if plan.kind == "walk":
        # It runs by itself: what only warns a person stops it, too.
        beyond = (*beyond, *now.verdict.warnings)
        if "motion_px" in beyond:
            return Decision(False, "Waiting until the picture stands still")
        if "duplicate_distance" in beyond:
            return Decision(False, "Seen already: move on to something else")
        if not beyond and now.colors_to_come and limits["cycle_ssim"].mode != "off":
            return Decision(False, "Waiting for the colours of this scene")
    return Decision(not beyond, "; ".join(Verdict(now.verdict.values, beyond).reasons(limits)))
