"""One gate on screen: its value and its limit on the same bar, and what happens beyond."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QWidget

from app.capturing.gates import GateLimit, GateSpec, Mode
from app.ui.capture.gate_controls import STEPS, GateBar, ModeSwitch, Standing, verdict_of
from app.ui.labels import ElidedLabel
from app.ui.theme import ACCENT, DIM, FAINT, GREEN, TEXT, VERMILION

_SIGNS = {"ok": ("✓", GREEN), "warn": ("!", ACCENT), "wall": ("✕", VERMILION), "off": ("–", FAINT)}
_WORDS = {
    "ok": "within its limit",
    "warn": "beyond its limit: a shot is saved with a warning",
    "wall": "beyond its limit: a shot is refused",
    "off": "not known, or the gate is off",
}


class GateRow(QWidget):
    """Sign, name, value and mode above the bar and the limit as a number.

    Signals:
        changed: key and the new `GateLimit`, once a person has let go of it.
    """

    changed = Signal(str, object)

    def __init__(self, spec: GateSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._value: float | None = None
        self.limit = GateLimit(spec.default_limit, spec.default_mode)
        self._asked: GateLimit | None = None
        self.sign = QLabel(self)
        self.sign.setFixedWidth(14)
        self.sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel(spec.title, self)
        self.value = ElidedLabel(Qt.TextElideMode.ElideRight, self)
        self.switch = ModeSwitch(spec.title, self)
        self.bar = GateBar(spec, self)
        self.box = self._make_box()
        for widget in (self, title, self.value, self.bar):
            widget.setToolTip(_tip(spec))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        grid.addWidget(self.sign, 0, 0)
        grid.addWidget(title, 0, 1)
        grid.addWidget(self.value, 0, 2)
        grid.addWidget(self.switch, 0, 3)
        grid.addWidget(self.bar, 1, 0, 1, 3)
        grid.addWidget(self.box, 1, 3)
        grid.setColumnStretch(2, 1)
        self.switch.chosen.connect(self._on_mode)
        self.bar.moved.connect(self._on_moved)
        self.bar.let_go.connect(self._on_limit)
        self.box.valueChanged.connect(self._on_limit)
        self._show()

    def _make_box(self) -> QDoubleSpinBox:
        box = QDoubleSpinBox(self)
        box.setDecimals(self.spec.decimals)
        low, high = self.spec.span
        box.setRange(low, high * 10 if self.spec.better == "low" else max(high, 1.0))
        box.setSingleStep((high - low) / STEPS)
        box.setPrefix("≤ " if self.spec.better == "low" else "≥ ")
        box.setSuffix(f" {self.spec.unit}" if self.spec.unit else "")
        box.setKeyboardTracking(False)
        box.setFixedWidth(114)
        box.setFixedHeight(20)
        box.setStyleSheet("padding: 0 6px;")
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.setToolTip(
            f"The limit of {self.spec.title.lower()}" + (f", {self.spec.unit}" * bool(self.spec.unit))
        )
        return box

    @property
    def verdict(self) -> Standing:
        """How the value stands: "ok", "warn", "wall", or "off" where there is nothing to judge."""
        return verdict_of(self.spec, self._value, self.limit)

    def show_gate(self, value: float | None, limit: GateLimit) -> None:
        """Show the newest value, and the limit unless a person is just changing it."""
        self._value = value
        if self._asked == limit:
            self._asked = None
        if self._asked is None and not self.bar.dragging:
            self.limit = limit
        self._show()

    def forget_wish(self) -> None:
        """What was asked for last will not be answered any more: another rig is running."""
        self._asked = None

    def _show(self) -> None:
        verdict = self.verdict
        sign, colour = _SIGNS[verdict]
        if self.sign.text() != sign:
            self.sign.setText(sign)
            self.sign.setStyleSheet(f"color: {colour}; font-weight: bold;")
            loud = verdict in ("warn", "wall")
            self.value.set_colour(colour if loud else (TEXT if verdict == "ok" else DIM))
            self.sign.setToolTip(_WORDS[verdict])
        self.value.setText(self.spec.text(self._value) if self.isEnabled() else "")
        self.bar.show_gate(self._value, self.limit)
        self.switch.show_mode(self.limit.mode)
        if not self.box.hasFocus() or self.bar.dragging:
            self.box.blockSignals(True)
            self.box.setValue(self.limit.limit)
            self.box.blockSignals(False)

    def _on_mode(self, mode: Mode) -> None:
        self._ask(GateLimit(self.limit.limit, mode))

    def _on_moved(self, limit: float) -> None:
        self.limit = GateLimit(limit, self.limit.mode)
        self._show()

    def _on_limit(self, limit: float) -> None:
        self._ask(GateLimit(limit, self.limit.mode))

    def _ask(self, limit: GateLimit) -> None:
        self._asked = self.limit = limit
        self._show()
        self.changed.emit(self.spec.key, limit)


def _tip(spec: GateSpec) -> str:
    unit = f" in {spec.unit}" if spec.unit else ""
    good = "at most" if spec.better == "low" else "at least"
    return (
        f"<b>{spec.title}</b>{unit}<p>{spec.tip}</p>"
        f"<p>Good: {good} the limit. Drag the handle, or type the limit beside it.</p>"
    )
