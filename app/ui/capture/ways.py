"""The ways of capturing and their keys, as the page and the list of shortcuts show them."""

from __future__ import annotations

from dataclasses import dataclass

from app.capturing.modes import Kind
from app.ui.keys import Key


@dataclass(frozen=True)
class Way:
    """A way of capturing on screen: its button, its key, what it does, and the same for the list of keys."""

    kind: Kind
    title: str
    key: str
    tip: str
    short: str


WAYS: tuple[Way, ...] = (
    Way(
        "single",
        "Save pair",
        "Space",
        "Save the next pair, unless a wall among the gates refuses it",
        "Save the next pair",
    ),
    Way(
        "burst",
        "Burst",
        "B",
        "Save so many pairs in a row, each one that the cameras give",
        "Save a burst, or cut it short",
    ),
    Way(
        "timed",
        "Timed",
        "T",
        "Save a pair every so many seconds, until the target is reached",
        "Save every few seconds, or no longer",
    ),
    Way(
        "change",
        "On change",
        "C",
        "Save a pair whenever the scene differs from the last saved one, until the target is reached",
        "Save when the scene changes, or no longer",
    ),
    Way(
        "walk",
        "Walk-through",
        "W",
        "Walk about and hold still now and then: saves still, new pairs that pass all gates, "
        "until the target is reached",
        "Begin or end a walk-through",
    ),
)

TAGS = 9
"""Scene tags at hand, one under each digit."""

KEYS: tuple[Key, ...] = (
    *(Key(way.kind, way.title, (way.key,), way.short) for way in WAYS if way.kind != "single"),
    *(
        Key(f"tag_{number}", f"Tag {number}", (str(number),), "Tag the next pairs, or no longer")
        for number in range(1, TAGS + 1)
    ),
    Key("undo", "Undo", ("Ctrl+Z",), "Take back the last save or the last pair thrown away"),
    Key("large", "Next picture", ("V",), "Let the next picture be the large one"),
    Key("raw", "Raw", ("Shift+V",), "Pictures raw, as they are saved, or rectified"),
    Key("edit_tags", "Edit tags", ("Ctrl+T",), "Rename the tags, or be done with it"),
    Key("trash", "To the trash", ("Del",), "Pair shown large: to the trash"),
    Key("inspect", "Open in Inspect", ("I",), "Pair shown large: to the page Inspect"),
    Key("back", "Back", ("Esc",), "Back to the live pictures; end what runs"),
)
"""Keys of the page; Space and R are the window's own."""
