"""Presets of the rig: save, compare, apply, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.pipeline.cameras import CameraDesk
from app.presets import (
    Differences,
    PresetShelf,
    Reports,
    apply_preset,
    compare_preset,
    foreign,
    undo_preset,
)
from app.ui.bridge import Bridge
from capture.errors import PresetError
from capture.preset_file import Preset
from capture.rig import RigInfo

ROLE_WORDS = {"mono": "Mono", "color": "Colour"}
QUESTIONS = ("preset save", "preset compare", "preset apply", "preset undo")
LIMIT = 400
"""Lines of a comparison: more than that is another camera, not another setting."""


class PresetBox(QGroupBox):
    """One rig's presets. Nothing here blocks: the cameras are asked in the bridge's worker thread."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Presets", parent)
        self._bridge = bridge
        self._shelf: PresetShelf | None = None
        self._info: RigInfo | None = None
        self._applied: Reports = {}
        self._busy = False
        self.choice = QComboBox(self)
        self.choice.setPlaceholderText("No presets yet")
        self.choice.setToolTip("Stored settings of both cameras of this rig")
        self.name = QLineEdit(self)
        self.name.setPlaceholderText("Name of a new preset")
        self.save = QPushButton("Save", self)
        self.save.setToolTip("Store what both cameras have now; a preset of this name is replaced")
        self.compare = QPushButton("Compare", self)
        self.compare.setToolTip("List what the cameras have otherwise now")
        self.apply = QPushButton("Apply", self)
        self.apply.setToolTip("Set both cameras to the preset; what they refuse is listed")
        self.undo = QPushButton("Undo", self)
        self.undo.setToolTip("Set both cameras to what they had before a preset was applied")
        self.delete = QPushButton("Delete", self)
        self.told = QLabel(self)
        self.told.setWordWrap(True)
        self.told.setProperty("role", "small")
        self.table = self._make_table()
        self._lay_out()
        self.save.clicked.connect(self._on_save)
        self.name.returnPressed.connect(self._on_save)
        self.compare.clicked.connect(self._on_compare)
        self.apply.clicked.connect(self._on_apply)
        self.undo.clicked.connect(self._on_undo)
        self.delete.clicked.connect(self._on_delete)
        self.name.textChanged.connect(self._show_state)
        self.choice.currentTextChanged.connect(self._on_choice)
        bridge.answered.connect(self._on_answered)
        self._show_state()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 3, self)
        table.setHorizontalHeaderLabels(["Setting", "Now", "Preset"])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        table.hide()
        return table

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.save, 0, 1)
        grid.addWidget(self.choice, 1, 0)
        grid.addWidget(self.delete, 1, 1)
        grid.setColumnStretch(0, 1)
        row = QHBoxLayout()
        for button in (self.compare, self.apply, self.undo):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.addLayout(grid)
        column.addLayout(row)
        column.addWidget(self.told)
        column.addWidget(self.table, 100)
        column.addStretch(1)

    def show_rig(self, info: RigInfo | None, shelf: PresetShelf | None) -> None:
        """Show the presets of a rig; None: nothing is running."""
        if shelf != self._shelf:
            self._applied = {}
            self.told.clear()
            self.table.hide()
        self._shelf, self._info = shelf, info
        self._busy = self._busy and info is not None
        self._fill()

    def _fill(self, chosen: str = "") -> None:
        names = () if self._shelf is None else self._shelf.names()
        if tuple(self.choice.itemText(n) for n in range(self.choice.count())) != names:
            before = chosen or self.choice.currentText()
            self.choice.clear()
            self.choice.addItems(names)
            self.choice.setCurrentText(before)
        if chosen:
            self.choice.setCurrentText(chosen)
        self._show_state()

    def _show_state(self) -> None:
        ready = self._info is not None and not self._busy
        chosen = bool(self.choice.currentText())
        self.choice.setEnabled(chosen)
        self.save.setEnabled(ready and bool(self.name.text().strip()))
        self.compare.setEnabled(ready and chosen)
        self.apply.setEnabled(ready and chosen)
        self.undo.setEnabled(ready and bool(self._applied))
        self.delete.setEnabled(chosen and not self._busy)

    def _on_choice(self) -> None:
        self.table.hide()
        self.told.clear()
        self._show_state()

    # --- asking ---

    def _on_save(self) -> None:
        if self._shelf is None or self._info is None or not self.save.isEnabled():
            return
        shelf, name, info = self._shelf, self.name.text().strip(), self._info
        self._ask("preset save", "Reading the cameras …", partial(_save, shelf, name, info))

    def _on_compare(self) -> None:
        preset = self._load()
        if preset is not None:
            self._ask("preset compare", "Reading the cameras …", partial(compare_preset, preset))

    def _on_apply(self) -> None:
        preset = self._load()
        if preset is not None:
            self._ask("preset apply", "Setting the cameras …", partial(apply_preset, preset))

    def _on_undo(self) -> None:
        self._ask("preset undo", "Putting everything back …", partial(undo_preset, self._applied))

    def _on_delete(self) -> None:
        if self._shelf is None:
            return
        try:
            self._shelf.delete(self.choice.currentText())
        except PresetError as error:
            self._bridge.failed.emit(str(error))
        self._fill()

    def _load(self) -> Preset | None:
        if self._shelf is None or not self.choice.currentText():
            return None
        try:
            return self._shelf.load(self.choice.currentText())
        except PresetError as error:
            self._bridge.failed.emit(str(error))
            return None

    def _ask(self, name: str, words: str, question: Callable[[CameraDesk], object]) -> None:
        self._busy = self._bridge.ask(name, question)
        self.told.setText(words if self._busy else "")
        self._show_state()

    # --- what comes back ---

    def _on_answered(self, name: str, answer: object) -> None:
        if name not in QUESTIONS:
            return
        self._busy = False
        self.told.clear()
        if answer is not None:
            if name == "preset save":
                self.name.clear()
                self._fill(str(answer))
                self.told.setText(f"Saved as {answer}.")
            elif name == "preset compare":
                self._show_differences(cast("Differences", answer))
            else:
                self._show_reports(cast("Reports", answer), undone=name == "preset undo")
        self._show_state()

    def _show_differences(self, found: Differences) -> None:
        lines = [
            (f"{ROLE_WORDS[role]}: {line.label}", _word(line.now), _word(line.stored))
            for role, differences in found.items()
            for line in differences
        ]
        warning = self._warning()
        count = f"{len(lines)} settings differ." if lines else "The cameras have exactly what the preset has."
        self.told.setText(f"{count} {warning}".strip())
        self._show_lines(("Setting", "Now", "Preset"), lines)

    def _show_reports(self, reports: Reports, *, undone: bool) -> None:
        self._applied = {} if undone else reports
        changed = sum(len(report.applied) for report in reports.values())
        refused = [
            (
                f"{ROLE_WORDS[role]}: {refusal.label}",
                _word(refusal.has),
                f"{refusal.wanted}: {refusal.reason}",
            )
            for role, report in reports.items()
            for refusal in report.refused
        ]
        what = "put back" if undone else "set"
        text = f"{changed} settings {what} and read back, {len(refused)} refused."
        self.told.setText(f"{text} {'' if undone else self._warning()}".strip())
        self._show_lines(("Refused", "Has", "Preset, and why not"), refused)

    def _warning(self) -> str:
        preset = self._load()
        return "" if preset is None or self._info is None else foreign(preset, self._info)

    def _show_lines(self, headings: Iterable[str], lines: list[tuple[str, str, str]]) -> None:
        self.table.setHorizontalHeaderLabels(list(headings))
        self.table.setRowCount(min(len(lines), LIMIT))
        for row, line in enumerate(lines[:LIMIT]):
            for column, text in enumerate(line):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self.table.setVisible(bool(lines))


def _save(shelf: PresetShelf, name: str, info: RigInfo, cameras: CameraDesk) -> str:
    return shelf.save(name, cameras, info)


def _word(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.7g}" if isinstance(value, float) else str(value)
