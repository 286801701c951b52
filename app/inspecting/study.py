"""The paper's user study: what is asked of whom, in which order, and what may be answered.

A rater sees one result at a time, not knowing whose it is, and gives it one of five levels. Every rater has
an order of their own. Some results are asked again later, to find raters who do not agree with themselves
(Dong et al., section "Comparison with other colorization methods on Real Dataset").
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capture.errors import DatasetError

LEVELS = ("Perfect", "Few Errors", "Partly Wrong", "Mostly Wrong", "Totally Wrong")
"""The paper's words, from level 1 to level 5."""
GOOD_LEVELS = 2
"""The first two levels are what the paper counts as success."""
PAPER_PAIRS = 100
"""Pairs that the paper drew from its data for the study."""
AGAIN_SHARE = 0.1
"""Share of the results that are asked again, unless a study says otherwise."""
LARGEST_STEP = 1
"""Levels by which a rater may differ from their own first answer."""
_LEAST_BETWEEN = 10
MOST_QUESTIONS = 100_000


@dataclass(frozen=True)
class StudyPlan:
    """What a study asks.

    Attributes:
        seed: of every order.
        items: names of the pairs, drawn and in order.
        methods: names of the methods; a rater never sees them.
        again_share: share of the results that every rater is asked again, 0 … 1.
        allowed_slips: re-asked results on which a rater may be off by more than `LARGEST_STEP` before all
            their answers are dropped.
    """

    seed: int
    items: tuple[str, ...]
    methods: tuple[str, ...]
    again_share: float = AGAIN_SHARE
    allowed_slips: int = 0

    def __post_init__(self) -> None:
        for kind, names in (("pair", self.items), ("method", self.methods)):
            if not names:
                raise DatasetError(f"a study needs at least one {kind}")
            if len(set(names)) < len(names):
                raise DatasetError(f"a study names a {kind} twice")
        if not 0 <= self.again_share <= 1:
            raise DatasetError(f"the share of results to ask again is {self.again_share:g}: give 0 to 1")
        if self.allowed_slips < 0 or self.seed < 0:
            raise DatasetError("seed and allowed slips of a study must not be negative")
        if self.results > MOST_QUESTIONS:
            raise DatasetError(f"{self.results} results are too many for a study: {MOST_QUESTIONS} at most")

    @property
    def results(self) -> int:
        """Return how many different results are rated."""
        return len(self.items) * len(self.methods)


@dataclass(frozen=True)
class Question:
    """One result to rate; `again`: the rater was asked for it before."""

    item: str
    method: str
    again: bool


def draw_plan(
    items: Sequence[str],
    methods: Sequence[str],
    *,
    count: int = PAPER_PAIRS,
    seed: int = 0,
    again_share: float = AGAIN_SHARE,
) -> StudyPlan:
    """Return a study of `count` pairs drawn at random (all, if there are no more). Raises DatasetError."""
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(items))[: max(1, count)]
    return StudyPlan(seed, tuple(items[int(i)] for i in sorted(drawn)), tuple(methods), again_share)


def questions(plan: StudyPlan, rater: str) -> tuple[Question, ...]:
    """Return what a rater is asked, in order: the same whenever it is asked for.

    All results shuffled; those asked again come at least `_LEAST_BETWEEN` questions after the first time
    (half of all, in a small study).
    """
    digest = hashlib.sha256(f"{plan.seed} {rater}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    results = [(item, method) for item in plan.items for method in plan.methods]
    order = [results[int(i)] for i in rng.permutation(len(results))]
    placed = [(float(place), Question(*result, again=False)) for place, result in enumerate(order)]
    apart = min(_LEAST_BETWEEN, len(order) // 2)
    early = len(order) - apart
    count = min(round(plan.again_share * len(order)), early)
    if plan.again_share > 0 and early > 0:
        count = max(count, 1)
    for first in rng.permutation(early)[:count]:
        # Between two first-time questions: half a place before the later one.
        place = int(rng.integers(first + apart + 1, len(order) + 1)) - 0.5
        placed.append((place, Question(*order[int(first)], again=True)))
    return tuple(question for _, question in sorted(placed, key=lambda entry: entry[0]))
