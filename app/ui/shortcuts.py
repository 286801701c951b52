"""The list of shortcuts, laid over the window until a key or a click sends it away."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.commands import shortcut_groups
from app.ui.theme import ACCENT, LINE, PANEL


class ShortcutOverlay(QWidget):
    """Covers its parent; hidden at first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        card = QFrame(self)
        card.setObjectName("shortcutCard")
        card.setStyleSheet(
            f"#shortcutCard {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 8px; }}"
        )
        columns = QHBoxLayout(card)
        columns.setContentsMargins(28, 20, 28, 22)
        columns.setSpacing(36)
        groups = shortcut_groups()
        own = tuple(heading for heading, _ in groups if heading.startswith("Page "))
        for part in (("Rig", "Capture", "Pages", "Help"), ("View", "Mouse"), own):
            column = QVBoxLayout()
            column.setSpacing(14)
            for heading, lines in groups:
                if heading in part:
                    column.addLayout(self._group(heading, lines))
            column.addStretch(1)
            columns.addLayout(column)
        centred = QVBoxLayout(self)
        centred.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)
        self._covered = parent
        parent.installEventFilter(self)
        self.hide()

    def toggle(self) -> None:
        """Show the list, or hide it."""
        if self.isVisible():
            self.hide()
            return
        self.setGeometry(self._covered.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep covering the parent when it changes its size."""
        if event.type() == QEvent.Type.Resize and watched is self._covered:
            self.setGeometry(self._covered.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Darken what lies below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 140))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """Go away."""
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802, ARG002
        """Go away."""
        self.hide()

    @staticmethod
    def _group(heading: str, lines: list[tuple[str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        title = QLabel(heading)
        title.setProperty("role", "dim")
        grid.addWidget(title, 0, 0, 1, 2)
        for row, (keys, what) in enumerate(lines, start=1):
            key = QLabel(keys)
            key.setTextFormat(Qt.TextFormat.PlainText)
            key.setStyleSheet(f"color: {ACCENT};")
            grid.addWidget(key, row, 0)
            grid.addWidget(QLabel(what), row, 1)
        grid.setColumnStretch(1, 1)
        return grid
