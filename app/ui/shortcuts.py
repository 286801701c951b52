"""The list of shortcuts, laid over the window until a key or a click sends it away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.page_keys import Line
from app.ui.theme import ACCENT, LINE, PANEL

COLUMNS = 3
MOST_LINES = 17
LONG_LINE = 40
WORDS_PX = 240
Group = tuple[str, Sequence[Line]]


class ShortcutOverlay(QWidget):
    """Covers its parent; hidden at first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._card = QFrame(self)
        self._centred = QVBoxLayout(self)
        self._centred.addWidget(self._card, 0, Qt.AlignmentFlag.AlignCenter)
        self._covered = parent
        parent.installEventFilter(self)
        self.hide()

    def toggle(self, groups: Sequence[Group]) -> None:
        """Show the list, or hide it. `groups`: headings with (keys, what they do)."""
        if self.isVisible():
            self.hide()
            return
        self._fill(groups)
        self.setGeometry(self._covered.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def _fill(self, groups: Sequence[Group]) -> None:
        """Lay the groups out in columns of about the same height, in their order."""
        self._card.deleteLater()
        self._card = QFrame(self)
        self._card.setObjectName("shortcutCard")
        self._card.setStyleSheet(
            f"#shortcutCard {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 8px; }}"
        )
        columns = QHBoxLayout(self._card)
        columns.setContentsMargins(28, 20, 28, 22)
        columns.setSpacing(36)
        for part in _in_columns(_broken(groups), COLUMNS):
            column = QVBoxLayout()
            column.setSpacing(14)
            for heading, lines in part:
                column.addLayout(self._group(heading, lines))
            column.addStretch(1)
            columns.addLayout(column)
        self._centred.addWidget(self._card, 0, Qt.AlignmentFlag.AlignCenter)

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
    def _group(heading: str, lines: Sequence[Line]) -> QGridLayout:
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
            words = QLabel(what)
            if len(what) > LONG_LINE:
                words.setWordWrap(True)
                words.setFixedWidth(WORDS_PX)
            grid.addWidget(words, row, 1)
        grid.setColumnStretch(1, 1)
        return grid


def _in_columns(groups: Sequence[Group], count: int) -> list[list[Group]]:
    """Return the groups in at most `count` columns, in their order."""
    heights = [len(lines) + 2 for _, lines in groups]
    most = max(max(heights, default=1), -(-sum(heights) // count))
    columns: list[list[Group]] = [[]]
    height = 0
    for group, own in zip(groups, heights, strict=True):
        if columns[-1] and height + own > most and len(columns) < count:
            columns.append([])
            height = 0
        columns[-1].append(group)
        height += own
    return columns


def _broken(groups: Sequence[Group]) -> list[Group]:
    """Return the groups, those that are too long for a column in two halves."""
    parts: list[Group] = []
    for heading, lines in groups:
        if len(lines) <= MOST_LINES:
            parts.append((heading, lines))
        else:
            half = -(-len(lines) // 2)
            parts += [(heading, lines[:half]), (" ", lines[half:])]
    return parts
