"""The row of steps at the top of the page."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from app.ui.labels import ElidedLabel

STEPS = (
    ("shots", "1  Board and shots", "Choose the board and collect shots of it (Alt+1)"),
    ("result", "2  Result", "What the calibration is worth, shot by shot (Alt+2)"),
    ("check", "3  Check", "See the rectified pair, and which disparities it needs (Alt+3)"),
    ("light", "4  Light and colour", "Optional: black level, flat field, white balance, colours (Alt+4)"),
)


class StepBar(QWidget):
    """The steps as a row of buttons, and which calibration is in use.

    Signals:
        chosen: key of a step.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 0)
        row.setSpacing(4)
        for number, (key, title, tip) in enumerate(STEPS):
            button = QToolButton(self)
            button.setText(title)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setShortcut(QKeySequence(f"Alt+{number + 1}"))
            button.setObjectName(key)
            button.clicked.connect(self._on_clicked)
            self._group.addButton(button)
            self.buttons[key] = button
            row.addWidget(button)
        self.in_use = ElidedLabel(Qt.TextElideMode.ElideMiddle, self)
        self.in_use.set_dim(dim=True)
        row.addWidget(self.in_use, 1)

    def show_step(self, key: str) -> None:
        """Mark the step on screen."""
        self.buttons[key].setChecked(True)

    def _on_clicked(self) -> None:
        self.chosen.emit(self.sender().objectName())
