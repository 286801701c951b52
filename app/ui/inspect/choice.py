"""What is chosen to be compared, and how: a value that can be written as one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.ui.inspect.keys import MOST_PANES, WAYS
from app.ui.inspect.pane import sides_of
from app.ui.inspect.sides import LAYERS, Side

USUAL_SIDES = (
    Side("mono"),
    Side("refined", "live"),
    Side("reference"),
    Side("first", "live"),
    Side("truth"),
    Side("confidence", "live"),
)


@dataclass(frozen=True)
class Choice:
    """Sides, the way they are compared, and how many panes there are.

    Attributes:
        sides: `MOST_PANES` of them: A, B, …; what is compared two by two is A and B.
        way: one of `WAYS`.
        count: panes side by side, 1 … `MOST_PANES`.
    """

    sides: tuple[Side, ...] = USUAL_SIDES
    way: str = "panes"
    count: int = 4

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Return what `text` wrote; the usual one if it was not that."""
        try:
            table = json.loads(text)
            sides = tuple(Side(str(layer), str(method)) for layer, method in table["sides"])
            choice = cls(sides, str(table["way"]), int(table["count"]))
        except (ValueError, KeyError, TypeError):
            return cls()
        sound = (
            len(sides) == MOST_PANES
            and all(side.layer in LAYERS for side in sides)
            and choice.way in WAYS
            and 1 <= choice.count <= MOST_PANES
        )
        return choice if sound else cls()

    def text(self) -> str:
        """Return the choice as one line, for `parse`."""
        sides = [[side.layer, side.method] for side in self.sides]
        return json.dumps({"sides": sides, "way": self.way, "count": self.count})

    def with_way(self, way: str) -> Choice:
        """Compare in another way."""
        return replace(self, way=way)

    def with_count(self, count: int) -> Choice:
        """Show another number of panes."""
        return replace(self, count=min(max(count, 1), MOST_PANES))

    def with_side(self, number: int, side: Side) -> Choice:
        """Show a side at a place."""
        return replace(self, sides=(*self.sides[:number], side, *self.sides[number + 1 :]))

    def with_sides(self, sides: Sequence[Side], way: str) -> Choice:
        """Show these sides from A on, as panes as many of them."""
        chosen = tuple(sides[:MOST_PANES])
        return Choice((*chosen, *self.sides[len(chosen) :]), way, max(len(chosen), 1))

    def swapped(self) -> Choice:
        """Swap A and B."""
        first, second, *others = self.sides
        return replace(self, sides=(second, first, *others))

    def stepped(self, number: int, by: int, methods: Sequence[str]) -> Choice:
        """Show the next of all sides at a place, or the one before."""
        sides, side = sides_of(methods), self.sides[number]
        at = sides.index(side) + by if side in sides else 0
        return self.with_side(number, sides[at % len(sides)])

    def of_method(self, method: str) -> Choice:
        """Show the same layers of one method everywhere."""
        return replace(
            self,
            sides=tuple(Side(side.layer, method) if side.method else side for side in self.sides),
        )

    def with_methods(self, methods: Sequence[str]) -> Choice:
        """Let sides of methods that are gone show those that are there."""
        if not methods:
            return self
        return replace(
            self,
            sides=tuple(
                side if not side.method or side.method in methods else Side(side.layer, methods[0])
                for side in self.sides
            ),
        )
