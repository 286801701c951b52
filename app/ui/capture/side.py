"""The column at the right: gates, tags, what is noted of a session; what is set up here is asked for here."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from app.capturing.controller import Capturing
from app.capturing.gates import GATES, GateLimit
from app.capturing.state import CaptureState
from app.capturing.status import CaptureStatus
from app.ui.calibration.layouts import heading
from app.ui.capture.about_form import AboutForm
from app.ui.capture.gate_row import GateRow
from app.ui.capture.tags import TagPanel
from app.ui.settings import UiSettings


class SidePanel(QWidget):
    """Shows a capture session's set-up, and changes it.

    Signals:
        failed: what went wrong.
        finished: a field was finished with Enter: keys belong to the page again.
    """

    failed = Signal(str)
    finished = Signal()

    def __init__(self, settings: UiSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rigPanelBody")
        self._settings = settings
        self._capturing: Capturing | None = None
        self._state = CaptureState()
        self.gates = {spec.key: GateRow(spec) for spec in GATES}
        self.tags = TagPanel()
        self.about = AboutForm()
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 8)
        column.setSpacing(5)
        column.addLayout(self._build_gates_head())
        for gate in self.gates.values():
            column.addWidget(gate)
            gate.changed.connect(self._on_limit)
            gate.box.lineEdit().returnPressed.connect(self.finished)
        column.addSpacing(2)
        column.addWidget(self.tags)
        column.addSpacing(2)
        column.addWidget(self.about, 1)
        self.reset.triggered.connect(self._on_reset)
        self.refocused.triggered.connect(self._on_refocused)
        self.tags.tags_changed.connect(self._on_tags)
        self.tags.palette_changed.connect(self._on_palette)
        self.tags.refused.connect(self.failed)
        self.about.people_changed.connect(self._on_people)
        self.about.left.connect(self.finished)
        self.about.failed.connect(self.failed)

    def _build_gates_head(self) -> QHBoxLayout:
        self.reset = QAction("Put all limits back", self)
        self.reset.setToolTip("All gates as they were at first")
        self.refocused = QAction("Find the best sharpness anew", self)
        self.refocused.setToolTip("A lens was changed or focused better: what was the best counts no more")
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addActions([self.reset, self.refocused])
        more = QToolButton(self)
        more.setText("More")
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        head = QHBoxLayout()
        head.addWidget(heading("Gates"))
        head.addStretch(1)
        head.addWidget(more)
        return head

    def use(self, capturing: Capturing | None) -> None:
        """Change this session from now on; who captured last captures again."""
        self._capturing = capturing
        for gate in self.gates.values():
            gate.forget_wish()
        if capturing is not None:
            capturing.set_people(*self._settings.people)

    def show_status(self, capture: CaptureStatus, *, running: bool, fresh: bool) -> None:
        """Show how things stand; `fresh`: the values are of the picture on screen."""
        self._state = state = capture.state
        for key, gate in self.gates.items():
            gate.setEnabled(running)
            gate.show_gate(capture.verdict.values.get(key) if fresh else None, state.limits[key])
        self.tags.setEnabled(running)
        self.tags.show_tags(state.palette, state.tags)
        self.about.setEnabled(running)
        self.about.show_people(state.operator, state.lens_note)
        self.about.show_folder(capture.folder)

    def _on_limit(self, key: str, limit: GateLimit) -> None:
        if self._capturing is not None:
            self._capturing.set_limit(key, limit)

    def _on_reset(self) -> None:
        if self._capturing is not None:
            self._capturing.reset_limits()

    def _on_refocused(self) -> None:
        if self._capturing is not None:
            self._capturing.forget_sharpest()

    def _on_tags(self, tags: tuple[str, ...]) -> None:
        if self._capturing is not None:
            self._capturing.set_tags(tags)

    def _on_palette(self, palette: tuple[str, ...]) -> None:
        if self._capturing is not None:
            self._capturing.set_palette(palette)

    def _on_people(self, operator: str, lens_note: str) -> None:
        state = self._state
        if self._capturing is not None and (operator, lens_note) != (state.operator, state.lens_note):
            self._settings.people = (operator, lens_note)
            self._capturing.set_people(operator, lens_note)
