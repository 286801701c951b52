"""The settings that a camera stores itself: load, save, and which set it wakes up with."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QGroupBox, QHBoxLayout, QPushButton, QWidget

from capture.user_sets import FACTORY, LOAD, SAVE, UserSets


class UserSetBox(QGroupBox):
    """The user sets of one camera; hidden where it has none.

    Signals:
        wanted: name of a set, and LOAD or SAVE.
        power_up_wanted: name of a feature, and the set it is to name.
    """

    wanted = Signal(str, str)
    power_up_wanted = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("User sets in the camera", parent)
        self._sets: UserSets | None = None
        self.choice = QComboBox(self)
        self.load = QPushButton("Load", self)
        self.load.setToolTip("The camera takes over what the set holds; acquisition stops for a moment")
        self.save = QPushButton("Save", self)
        self.save.setToolTip("The camera stores what it has now in the set; it keeps it without power")
        self.power_up = QComboBox(self)
        self.power_up.setToolTip("The set that the camera loads when it is switched on")
        row = QHBoxLayout()
        row.addWidget(self.choice, 1)
        row.addWidget(self.load)
        row.addWidget(self.save)
        self._form = QFormLayout(self)
        self._form.addRow("Set", row)
        self._form.addRow("At power-up", self.power_up)
        self.choice.currentTextChanged.connect(self._show_state)
        self.load.clicked.connect(self._on_load)
        self.save.clicked.connect(self._on_save)
        self.power_up.textActivated.connect(self._on_power_up)
        self.hide()

    def show_sets(self, sets: UserSets | None) -> None:
        """Show what the camera has."""
        if sets is not None and (self._sets is None or sets.names != self._sets.names):
            for box in (self.choice, self.power_up):
                box.clear()
                box.addItems(sets.names)
            self.choice.setCurrentText(sets.chosen)
        self._sets = sets
        self.setVisible(sets is not None)
        if sets is not None:
            self._form.setRowVisible(self.power_up, bool(sets.power_up_node))
            self.power_up.setCurrentText(sets.power_up)
        self._show_state()

    def _show_state(self) -> None:
        sets = self._sets
        self.load.setEnabled(sets is not None and sets.can_load)
        self.save.setEnabled(sets is not None and sets.can_save and self.choice.currentText() != FACTORY)

    def _on_load(self) -> None:
        self.wanted.emit(self.choice.currentText(), LOAD)

    def _on_save(self) -> None:
        self.wanted.emit(self.choice.currentText(), SAVE)

    def _on_power_up(self, name: str) -> None:
        if self._sets is not None:
            self.power_up_wanted.emit(self._sets.power_up_node, name)
