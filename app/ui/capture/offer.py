"""One line above the pictures that says what to do next: continue, choose a folder, calibrate."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.ui.theme import ACCENT, SKY, TEXT

_LOOKS = {"question": ("#3b3423", ACCENT), "hint": ("#33383d", SKY)}


class OfferLine(QWidget):
    """A sentence with up to two buttons; hidden while there is nothing to offer.

    Signals:
        chosen: key of the button that was pressed.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("offerLine")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shown: tuple[str, str, tuple[tuple[str, str], ...]] = ("", "", ())
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.buttons = (QPushButton(self), QPushButton(self))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 6, 3)
        row.setSpacing(8)
        row.addWidget(self._text, 1)
        for button in self.buttons:
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(self._on_clicked)
            row.addWidget(button)
        self.hide()

    @property
    def text(self) -> str:
        """What it says, empty while hidden."""
        return self._shown[1]

    def show_offer(self, look: str, text: str, buttons: tuple[tuple[str, str], ...] = ()) -> None:
        """Show a "question" or a "hint"; `buttons` are keys with their words. No text: hide the line."""
        if (look, text, buttons) == self._shown:
            return
        self._shown = (look, text, buttons)
        self._text.setText(text)
        background, bar = _LOOKS.get(look, _LOOKS["hint"])
        self.setStyleSheet(
            f"#offerLine {{ background: {background}; border-left: 3px solid {bar}; }}"
            f"QLabel {{ color: {TEXT}; }}"
        )
        for index, button in enumerate(self.buttons):
            button.setVisible(index < len(buttons))
            if index < len(buttons):
                button.setObjectName(buttons[index][0])
                button.setText(buttons[index][1])
        self.setVisible(bool(text))

    def _on_clicked(self) -> None:
        self.chosen.emit(self.sender().objectName())
