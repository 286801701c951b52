"""The ways of capturing and their keys, as the page and the list of shortcuts show them."""

from __future__ import annotations

from dataclasses import dataclass

from app.capturing.modes import Kind
from app.ui.keys import Key


@dataclass(frozen=True)
class Way:
    """A way of capturing on screen: its button, its key and what it does."""

    kind: Kind
    title: str
    key: str
    tip: str


WAYS: tuple[Way, ...] = (
    Way("single", "Save pair", "Space", "Save the next pair, unless a wall among the gates refuses it"),
    Way("burst", "Burst", "B", "Save so many pairs in a row, each one that the cameras give"),
    Way("timed", "Timed", "T", "Save a pair every so many seconds, until the target is reached"),
    Way("change", "On change", "C", "Save a pair whenever the scene differs from the last saved one"),
    Way(
        "walk",
        "Walk-through",
        "W",
        "Walk about and hold still now and then: saves still, new pairs that pass all gates, "
        "until the target is reached",
    ),
)

TAGS = 9
"""Scene tags at hand, one under each digit."""

KEYS: tuple[Key, ...] = (
    *(Key(way.kind, way.title, (way.key,), way.tip) for way in WAYS if way.kind != "single"),
    *(
        Key(f"tag_{number}", f"Tag {number}", (str(number),), "Tag the next pairs, or no longer")
        for number in range(1, TAGS + 1)
    ),
    Key("undo", "Undo", ("Ctrl+Z",), "Move the pair that was saved last to the trash"),
    Key("large", "Next picture", ("V",), "Let the next picture be the large one"),
    Key("trash", "To the trash", ("Del",), "Move the saved pair that is shown large to the trash"),
    Key("inspect", "Open in Inspect", ("I",), "Inspect the saved pair that is shown large"),
    Key("back", "Back", ("Esc",), "Back to the live pictures; end what runs"),
)
"""Keys of the page; Space and R are the window's own."""

PAGE_KEYS: tuple[tuple[str, str], ...] = tuple(
    ("1 … 9" if key.name == "tag_1" else key.keys[0], key.tip)
    for key in KEYS
    if not key.name.startswith("tag_") or key.name == "tag_1"
)
"""The same as they are listed: nine tags in one line."""
