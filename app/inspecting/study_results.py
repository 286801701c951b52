"""What a study says: who is dropped, and how often each method got each level, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.inspecting.study import GOOD_LEVELS, LARGEST_STEP, LEVELS, StudyPlan
from app.inspecting.study_store import Vote
from models.evaluation.statistics import CONFIDENCE, Estimate, mean_estimate

_NORMAL_975 = 1.959963984540054
"""Quantile of the normal distribution for an interval of `CONFIDENCE` = 95 %."""


@dataclass(frozen=True)
class RaterCheck:
    """How a rater agrees with themselves.

    Attributes:
        votes: answers to first-time questions.
        asked_again: results that they answered twice.
        slips: of these, how many are off by more than `LARGEST_STEP`.
        dropped: none of their answers count.
    """

    rater: str
    votes: int
    asked_again: int
    slips: int
    dropped: bool


@dataclass(frozen=True)
class MethodResult:
    """What a method got.

    Attributes:
        counts: answers at each of `LEVELS`.
        shares: the same as shares, with Wilson intervals (Wilson 1927).
        good: share of Perfect and Few Errors, mean of the pairs' own shares, with the Wilson interval of as
            many answers as there are pairs: answers to one picture are alike and count as one.
        mean_level: mean level (1 … 5, lower is better), bootstrapped over the pairs.
    """

    method: str
    counts: tuple[int, ...]
    shares: tuple[Estimate, ...]
    good: Estimate
    mean_level: Estimate


@dataclass(frozen=True, eq=False)
class StudyResult:
    """Methods from best to worst by the mean level, and the raters."""

    plan: StudyPlan
    methods: Sequence[MethodResult]
    raters: Sequence[RaterCheck]


def evaluate_study(plan: StudyPlan, votes: Mapping[str, Mapping[int, Vote]]) -> StudyResult:
    """Return the result of the answers so far (by rater and question), of the methods that got any."""
    checks = [check_rater_votes(plan, rater, list(given.values())) for rater, given in votes.items()]
    kept = {check.rater for check in checks if not check.dropped}
    counted = [
        vote for rater, given in votes.items() if rater in kept for vote in given.values() if not vote.again
    ]
    results = [
        _method_result(method, mine)
        for method in plan.methods
        if (mine := [vote for vote in counted if vote.method == method])
    ]
    results.sort(key=lambda result: result.mean_level.value)
    return StudyResult(plan, results, checks)


def check_rater_votes(plan: StudyPlan, rater: str, votes: Sequence[Vote]) -> RaterCheck:
    """Return how a rater's second answers differ from their first ones."""
    first = {(vote.item, vote.method): vote.level for vote in votes if not vote.again}
    steps = [
        abs(vote.level - first[vote.item, vote.method])
        for vote in votes
        if vote.again and (vote.item, vote.method) in first
    ]
    slips = sum(step > LARGEST_STEP for step in steps)
    return RaterCheck(rater, len(first), len(steps), slips, dropped=slips > plan.allowed_slips)


def wilson(count: float, total: int) -> Estimate:
    """Return a share with its Wilson score interval. Raises ValueError without a total."""
    if total <= 0:
        raise ValueError("a share of nothing")
    share, z2 = count / total, _NORMAL_975**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = (_NORMAL_975 / (1 + z2 / total)) * math.sqrt(
        share * (1 - share) / total + z2 / (4 * total * total)
    )
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), total)


def _method_result(method: str, votes: Sequence[Vote]) -> MethodResult:
    counts = tuple(sum(vote.level == level for vote in votes) for level in range(1, len(LEVELS) + 1))
    by_item: dict[str, list[int]] = {}
    for vote in votes:
        by_item.setdefault(vote.item, []).append(vote.level)
    good = [sum(level <= GOOD_LEVELS for level in levels) / len(levels) for levels in by_item.values()]
    mean = [sum(levels) / len(levels) for levels in by_item.values()]
    return MethodResult(
        method,
        counts,
        tuple(wilson(count, len(votes)) for count in counts),
        wilson(sum(good), len(good)),
        mean_estimate(mean),
    )


assert CONFIDENCE == 0.95, "the quantile above is that of a 95 % interval"
