"""The ways of capturing: a button each, with its key and its number."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QPushButton, QSpinBox, QWidget

from app.capturing.modes import Kind, Plan
from app.ui.capture.ways import WAYS


class ModeBar(QWidget):
    """Buttons of all ways, of a recording, and of undo.

    Signals:
        wanted: kind of the way whose button was pressed.
        record_wanted, undo_wanted: likewise.
    """

    wanted = Signal(str)
    record_wanted = Signal()
    undo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.burst_count = QSpinBox(self, minimum=2, maximum=1000, value=10)
        self.burst_count.setToolTip("Pairs of a burst")
        self.period_s = QDoubleSpinBox(self, minimum=0.1, maximum=3600.0, value=2.0, decimals=1)
        self.period_s.setSuffix(" s")
        self.period_s.setToolTip("Seconds between two pairs")
        boxes: tuple[QAbstractSpinBox, ...] = (self.burst_count, self.period_s)
        for box in boxes:
            box.setFixedWidth(56)
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(4)
        self.buttons: dict[str, QPushButton] = {}
        for way in WAYS:
            self._add(row, way.kind, way.title, way.key, way.tip, self._on_way)
            if way.kind == "burst":
                row.addWidget(self.burst_count)
                row.addSpacing(4)
            elif way.kind == "timed":
                row.addWidget(self.period_s)
                row.addSpacing(4)
        self._add(row, "record", "Record", "R", "Save every pair until pressed again", self._on_record)
        row.addStretch(1)
        self._add(
            row,
            "undo",
            "Undo",
            "Ctrl+Z",
            "Take back the last save (to the trash), or bring the pair back that was just thrown away",
            self._on_undo,
        )
        self.buttons["single"].setCheckable(False)
        self.buttons["undo"].setCheckable(False)

    def _add(
        self, row: QHBoxLayout, name: str, title: str, key: str, tip: str, slot: Callable[[], None]
    ) -> None:
        button = QPushButton(f"{title}  {key}", self)
        button.setObjectName(name)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Space saves a pair, whatever was clicked before
        button.setToolTip(f"{tip} ({key})")
        button.setStyleSheet("padding: 4px 9px;")
        button.setFixedWidth(button.sizeHint().width())  # "Stop" must not move the others
        button.clicked.connect(slot)
        row.addWidget(button)
        self.buttons[name] = button

    def plan(self, kind: Kind, target: int) -> Plan:
        """Return the plan that a button asks for, with the numbers beside it."""
        return Plan(kind, self.burst_count.value(), self.period_s.value(), target)

    def show_state(self, plan: Plan | None, *, running: bool, recording: bool, can_undo: bool) -> None:
        """Show what is going on, and what can be asked for."""
        for way in WAYS:
            button = self.buttons[way.kind]
            button.setEnabled(running)
            if way.kind != "single":
                on = plan is not None and plan.kind == way.kind
                button.setChecked(on)
                button.setText(f"{'Stop' if on else way.title}  {way.key}")
        record = self.buttons["record"]
        record.setEnabled(running)
        record.setChecked(recording)
        record.setText(f"{'Stop' if recording else 'Record'}  R")
        self.buttons["undo"].setEnabled(running and can_undo)

    def _on_way(self) -> None:
        self.wanted.emit(cast("Kind", self.sender().objectName()))

    def _on_record(self) -> None:
        self.record_wanted.emit()

    def _on_undo(self) -> None:
        self.undo_wanted.emit()
