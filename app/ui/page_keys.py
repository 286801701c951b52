"""The keys that act on a page: those it names, and those of every button and action it holds."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.keys import Key
from app.ui.words import spaced

Line = tuple[str, str]
"""Keys as this desktop writes them, and what they do."""


def key_text(key: QKeySequence | str) -> str:
    """Return a key as this desktop writes it."""
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    return {"Right": "→", "Left": "←", "Up": "↑", "Down": "↓"}.get(text, text)


def taken_keys(page: QWidget) -> frozenset[str]:
    """Return the key sequences that a page uses itself, in Qt's portable words."""
    return frozenset(keys.toString() for keys, _, _ in _held(page))


def lines_of(page: QWidget, named: tuple[Key, ...] = ()) -> list[Line]:
    """Return a line for every key of a page: first those it names, then what else its parts hold."""
    names = {key.name for key in named}
    found: dict[str, list[str]] = {}
    for keys, words, name in _held(page):
        if name not in names:
            texts = found.setdefault(words, [])
            if key_text(keys) not in texts:
                texts.append(key_text(keys))
    return _named_lines(named) + [("  ".join(keys), words) for words, keys in found.items()]


def _named_lines(named: tuple[Key, ...]) -> list[Line]:
    """Return a line per key; what the digits do alike stands in one: "1 … 9"."""
    lines: list[Line] = []
    for key in named:
        digit = key.keys[0] if key.keys[0].isdecimal() and key.name.endswith(f"_{key.keys[0]}") else ""
        if not digit:
            lines.append(("  ".join(map(key_text, key.keys)), key.tip))
        elif digit == "1":
            family = key.name.removesuffix("1")
            last = max(each.keys[0] for each in named if each.name.startswith(family))
            lines.append((f"1 … {last}", key.tip.replace("1", "N").partition(":")[0]))
    return lines


def _held(page: QWidget) -> Iterator[tuple[QKeySequence, str, str]]:
    """Return key, what it does, and name, of every action, button and shortcut of a page."""
    for action in page.findChildren(QAction):
        for keys in action.shortcuts():
            yield keys, _told(action.toolTip() or action.text(), keys), action.objectName()
    for button in page.findChildren(QAbstractButton):
        if not button.shortcut().isEmpty():
            words = _told(button.toolTip() or button.text(), button.shortcut())
            yield button.shortcut(), words, button.objectName()
    for shortcut in page.findChildren(QShortcut):
        yield shortcut.key(), shortcut.whatsThis() or spaced(shortcut.objectName()), shortcut.objectName()


def _told(words: str, keys: QKeySequence) -> str:
    """Return the first line of a tooltip, without the key it ends with."""
    line = words.split("\n", maxsplit=1)[0].replace("&", "")
    return line.removesuffix(f"({keys.toString()})").removesuffix(f"({key_text(keys)})").strip().rstrip(".")
