"""Two methods against each other on the same pairs: who wins, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.inspecting.measures import Measure
from app.inspecting.measures_table import Row
from models.evaluation.statistics import Estimate, mean_estimate


@dataclass(frozen=True)
class Dot:
    """One pair: the value of either method.

    Attributes:
        outcome: 1 if the first is better, −1 if the second, 0 if they are tied.
    """

    item: str
    first: float
    second: float
    outcome: int


@dataclass(frozen=True, eq=False)
class Duel:
    """How two methods compare.

    Attributes:
        column: what was compared.
        first, second: names of the methods.
        dots: the pairs that both have a value of.
        gain: mean of how much better the first is, in the column's unit, positive if it is better.
        win_share: share of pairs that the first wins, ties counted half.
    """

    column: Measure
    first: str
    second: str
    dots: Sequence[Dot]
    gain: Estimate
    win_share: Estimate

    @property
    def wins(self) -> int:
        """Pairs that the first wins."""
        return sum(dot.outcome > 0 for dot in self.dots)

    @property
    def losses(self) -> int:
        """Pairs that the second wins."""
        return sum(dot.outcome < 0 for dot in self.dots)

    @property
    def ties(self) -> int:
        """Pairs on which both are as good as each other."""
        return sum(dot.outcome == 0 for dot in self.dots)

    @property
    def verdict(self) -> str:
        """Return in words what the interval of the gain allows to say."""
        if math.isnan(self.gain.low):
            return "one pair says nothing of others"
        if self.gain.low > 0:
            return f"{self.first} is better, beyond the choice of pairs"
        if self.gain.high < 0:
            return f"{self.second} is better, beyond the choice of pairs"
        return "no difference that the choice of pairs could not explain"


def duel(rows: Sequence[Row], column: Measure, first: str, second: str) -> Duel | None:
    """Compare two methods over the pairs that both have; None if there are none, or the two are one.

    Args:
        rows: of any methods.
        column: what to compare; values no further apart than its `tie` are tied.
    """
    if first == second:
        return None
    values: dict[str, dict[str, float]] = {first: {}, second: {}}
    for row in rows:
        value = row.value(column.key)
        if row.method in values and value is not None:
            values[row.method][row.item] = value
    sign = 1.0 if column.better == "high" else -1.0
    dots = [
        Dot(item, a, values[second][item], _outcome(sign * (a - values[second][item]), column.tie))
        for item, a in values[first].items()
        if item in values[second]
    ]
    if not dots:
        return None
    gain = mean_estimate([sign * (dot.first - dot.second) for dot in dots])
    win_share = mean_estimate([(dot.outcome + 1) / 2 for dot in dots])
    return Duel(column, first, second, dots, gain, win_share)


def _outcome(gain: float, tie: float) -> int:
    if abs(gain) <= tie:
        return 0
    return 1 if gain > 0 else -1
