"""Keys of a page as one table, of which actions, tooltips and the list of shortcuts are made."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class Key:
    """One command: name in the code, words on screen, its keys, and what it does."""

    name: str
    text: str
    keys: tuple[str, ...]
    tip: str
    checkable: bool = False


def make_key_actions(keys: tuple[Key, ...], parent: QWidget) -> dict[str, QAction]:
    """Return an action for every key, by name, that works while the parent or a part of it has the focus."""
    actions = {}
    for key in keys:
        action = QAction(key.text, parent)
        action.setObjectName(key.name)
        action.setShortcuts([QKeySequence(text) for text in key.keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setCheckable(key.checkable)
        action.setToolTip(f"{key.tip} ({QKeySequence(key.keys[0]).toString()})")
        parent.addAction(action)
        actions[key.name] = action
    return actions
