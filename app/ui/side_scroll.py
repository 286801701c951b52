"""A column of settings that scrolls up and down, never to the side."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QScrollArea, QWidget


class SideScroll(QScrollArea):
    """Shows one widget, and is always wide enough for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._body: QWidget | None = None
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_body(self, body: QWidget) -> None:
        """Show a widget."""
        self._body = body
        body.installEventFilter(self)
        self.setWidget(body)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Be wide enough for the longest line whenever that has changed."""
        if watched is self._body and event.type() == QEvent.Type.LayoutRequest and self._body is not None:
            bar = self.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(self._body.sizeHint().width() + bar)
        return super().eventFilter(watched, event)
