"""The line above the canvas: how to compare, what with what, and how close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from app.ui.inspect.keys import MOST_PANES, WAYS
from app.ui.inspect.pane import SideChooser
from app.ui.inspect.sides import Side


class CompareBar(QWidget):
    """Buttons made from the canvas's actions, and the choosers of A and B where both share a place."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareBar")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 2)
        row.setSpacing(2)
        self._ways = QActionGroup(self)
        for way in WAYS:
            self._ways.addAction(actions[way])
            button = self._button(actions[way])
            row.addWidget(button)
            if way == "panes":
                button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
                counts = QMenu(button)
                counts.addActions([actions[f"panes_{count}"] for count in range(1, MOST_PANES + 1)])
                button.setMenu(counts)
        row.addSpacing(10)
        self.first, self.second = SideChooser(self), SideChooser(self)
        self._names = []
        for letter, chooser in (("A", self.first), ("B", self.second)):
            name = QLabel(letter, self)
            name.setProperty("role", "dim")
            chooser.setObjectName("layerChooser")
            chooser.setAccessibleName(f"Picture {letter}")
            self._names.append(name)
            row.addWidget(name)
            row.addWidget(chooser, 4)
        self._swap = self._button(actions["swap"])
        self._swap.setText("⇄")
        row.addWidget(self._swap)
        row.addStretch(1)
        for command in ("loupe", "fit", "actual"):
            row.addWidget(self._button(actions[command]))

    def show_choice(self, methods: Sequence[str], first: Side, second: Side, *, joined: bool) -> None:
        """Show what is chosen. `joined`: A and B share a place, so that they are chosen here."""
        self.first.show_choice(methods, first)
        self.second.show_choice(methods, second)
        for widget in (*self._names, self.first, self.second, self._swap):
            widget.setVisible(joined)

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        return button
