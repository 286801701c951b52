"""The ways of capturing and their keys, as the page and the list of shortcuts show them. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.capturing.modes import Kind


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

PAGE_KEYS: tuple[tuple[str, str], ...] = (
    *((way.key, way.tip) for way in WAYS if way.kind != "single"),
    ("1 … 9", "Tag the next pairs, or no longer"),
    ("Ctrl+Z", "Move the pair that was saved last to the trash"),
    ("V", "Let the next picture be the large one"),
    ("Esc", "Back to the live pictures; end what runs"),
)
"""Keys of the page with what they do; Space and R are the window's own."""
