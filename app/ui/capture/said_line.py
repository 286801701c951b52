"""A line right below the pictures: what became of a shot, and what would become of the next one."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.ui.capture.pictures import TONES
from app.ui.capture.words import Said
from app.ui.theme import DIM, PANEL, TEXT

ANSWER_MS = 4000
"""The answer to a shot stays this long, then the line follows the pictures again."""


class SaidLine(QWidget):
    """What follows the pictures (`follow`) gives way to an answer (`answer`) for a while.

    Signals:
        changed: what is on screen now (`Said`).
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar = QWidget(self)
        self._bar.setFixedWidth(4)
        self._text = QLabel(self)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._followed = Said("")
        self._answer: Said | None = None
        self._shown: Said | None = None
        self._timer = QTimer(self, singleShot=True, interval=ANSWER_MS)
        self._timer.timeout.connect(self._forget_answer)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(10)
        row.addWidget(self._bar)
        row.addWidget(self._text, 1)
        self.setFixedHeight(28)
        self.setObjectName("saidLine")
        self.setStyleSheet(f"#saidLine {{ background: {PANEL}; }}")
        self._show()

    @property
    def said(self) -> Said:
        """What is on screen."""
        return self._answer or self._followed

    def follow(self, said: Said) -> None:
        """Say this while there is no answer."""
        self._followed = said
        self._show()

    def answer(self, said: Said) -> None:
        """Say what became of a shot."""
        self._answer = said
        self._timer.start()
        self._show()

    def _forget_answer(self) -> None:
        self._answer = None
        self._show()

    def _show(self) -> None:
        said = self.said
        if said == self._shown:
            return
        self._shown = said
        self._text.setText(said.text)
        self._text.setToolTip(said.text)
        self._text.setStyleSheet(f"color: {DIM if said.tone == 'quiet' else TEXT};")
        self._bar.setStyleSheet(f"background: {TONES[said.tone]};")
        self.changed.emit(said)
