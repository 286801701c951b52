"""Shows one page at a time, builds each when it is first wanted, and the slim switch that chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QWidget

from app.ui.arrangement import restore_arrangement, save_arrangement
from app.ui.pages import LIVE, PAGES, Host, Page


class PageStack(QStackedWidget):
    """The middle of the window.

    Args:
        live: what the page Live shows.

    Signals:
        switched: key of the page that is on screen now.
    """

    switched = Signal(str)

    def __init__(self, live: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addWidget(live)
        self._pages: dict[str, Page] = {}
        self._current = LIVE
        self._host: Host | None = None

    def set_host(self, host: Host) -> None:
        """Say what pages are built with; before the first `show_page`."""
        self._host = host

    @property
    def current(self) -> str:
        """Key of the page on screen."""
        return self._current

    def page(self, key: str) -> Page:
        """Return a page other than Live, built now if it was not there yet. Raises KeyError."""
        if key not in self._pages:
            make = {spec.key: spec.make for spec in PAGES}[key]
            if make is None or self._host is None:
                raise KeyError(key)
            page = make(self._host)
            restore_arrangement(page, key, self._host.settings)
            self._pages[key] = page
            self.addWidget(page)
        return self._pages[key]

    def show_page(self, key: str) -> None:
        """Switch to a page. An unknown key, of another version perhaps, is Live."""
        if key not in {spec.key for spec in PAGES}:
            key = LIVE
        if key == self._current:
            return
        self.leave()
        self._current = key
        if key == LIVE:
            self.setCurrentIndex(0)
        else:
            page = self.page(key)
            self.setCurrentWidget(page)
            page.entered()
            page.setFocus()
        self.switched.emit(key)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the toast in its place."""
        super().resizeEvent(event)
        if self._host is not None:
            self._host.toast.place()

    def release(self, then: Callable[[], None]) -> None:
        """Let every page let go of its cameras, then go on."""
        for page in self._pages.values():
            then = partial(page.release, then)
        then()

    def close_pages(self) -> None:
        """End what pages still run, and wait for it."""
        for page in self._pages.values():
            page.closed()

    def live_layers(self) -> frozenset[str]:
        """Return the live layers that the page on screen shows; Live itself is not asked."""
        return frozenset() if self._current == LIVE else self._pages[self._current].live_layers()

    def leave(self) -> None:
        """Tell the page on screen that it is left."""
        if self._current != LIVE and self._host is not None:
            page = self._pages[self._current]
            save_arrangement(page, self._current, self._host.settings)
            page.left()


class PageSwitch(QWidget):
    """A row of names, the one on screen underlined. Stands at the right end of the menu bar."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pageSwitch")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 6, 0)
        row.setSpacing(0)
        self._group = QActionGroup(self)
        for spec in PAGES:
            action = actions[f"page_{spec.key}"]
            self._group.addAction(action)
            button = QToolButton(self)
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            # Space and digits are shortcuts of Live: they must never end up in a focused button.
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            row.addWidget(button)
