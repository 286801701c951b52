"""Text that gives way."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.ui.theme import DIM, TEXT


class ElidedLabel(QLabel):
    """A right-aligned line that takes the room that is left and shortens itself to it.

    A new text asks for no new layout: cheap enough for every move of the mouse.
    """

    def __init__(self, elide: Qt.TextElideMode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._elide = elide
        self._colour = QColor(TEXT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_dim(self, *, dim: bool) -> None:
        """Say that the text matters less, or as much as any."""
        self._colour = QColor(DIM if dim else TEXT)
        self.update()

    def set_colour(self, colour: str) -> None:
        """Paint the text in another colour."""
        if QColor(colour) != self._colour:
            self._colour = QColor(colour)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint as much of the text as there is room for."""
        painter = QPainter(self)
        painter.setPen(self._colour)
        text = QFontMetrics(self.font()).elidedText(self.text(), self._elide, self.width())
        painter.drawText(self.rect(), int(self.alignment()), text)
