"""How a page is arranged, from one day to the next: its splitters and the widths of its columns."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtWidgets import QHeaderView, QSplitter, QWidget

from app.ui.settings import UiSettings

_PROPERTY = "arrangement"


def remember(part: QSplitter | QHeaderView, name: str) -> None:
    """Let a part of a page be restored and saved with it. `name`: unique in the page."""
    part.setProperty(_PROPERTY, name)


def restore_arrangement(page: QWidget, key: str, settings: UiSettings) -> None:
    """Arrange a page that was just built as it was left; what is not known stays as built."""
    for name, part in _parts(page):
        state = settings.layout_of(f"{key}/{name}")
        if not state.isEmpty():
            part.restoreState(state)


def save_arrangement(page: QWidget, key: str, settings: UiSettings) -> None:
    """Remember how a page is arranged."""
    for name, part in _parts(page):
        settings.set_layout_of(f"{key}/{name}", part.saveState())


def _parts(page: QWidget) -> Iterator[tuple[str, QSplitter | QHeaderView]]:
    for part in (*page.findChildren(QSplitter), *page.findChildren(QHeaderView)):
        name = part.property(_PROPERTY)
        if isinstance(name, str) and isinstance(part, QSplitter | QHeaderView):
            yield name, part
