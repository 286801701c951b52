"""The left side of the page: the mode of synchronization and what it needs to know."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from capture.frames import ROLES, Role
from capture.sync.config import EDGES, LARGEST_KEY, MODES, TITLES, SyncConfig, SyncMode

PANEL_WIDTH = 348
FASTEST_HZ = 1000.0
NAMES: dict[Role, str] = {"mono": "Mono", "color": "Colour"}
EDGE_WORDS = {"RisingEdge": "rising edge", "FallingEdge": "falling edge"}

HINTS: dict[SyncMode, str] = {
    "free_run": "No wires. Frames are matched by time, up to half a period apart: for scenes that stand "
    "still.",
    "software": "No wires. This computer triggers both cameras, one right after the other: some 0.1 to 5 ms "
    "apart.",
    "hardware": "One cable from the leader's output to the follower's input, and one between their grounds. "
    "Microseconds apart.",
    "external": "A generator, light barrier or encoder drives both inputs. Microseconds apart.",
    "action": "GigE cameras on one network: a broadcast triggers both, PTP gives them one time.",
}
RATE_NONE: dict[SyncMode, str] = {
    "free_run": "as the cameras are set",
    "software": "only when asked for",
    "hardware": "as the leader is set",
    "external": "",
    "action": "only when asked for",
}


class ModeForm(QFrame):
    """Asks for a `SyncConfig`; shows only what the chosen mode needs.

    Signals:
        apply_wanted: set the cameras up like this (`SyncConfig`).
        save_wanted: write it into the rig file (`SyncConfig`).
    """

    apply_wanted = Signal(object)
    save_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("syncPanel")
        self.setFixedWidth(PANEL_WIDTH)
        self._make_modes()
        self._make_fields()
        self._make_buttons()
        self._arrange()
        self.show_config(SyncConfig())

    # --- building ---

    def _make_modes(self) -> None:
        self.modes: dict[SyncMode, QRadioButton] = {}
        self._group = QButtonGroup(self)
        for mode in MODES:
            button = QRadioButton(TITLES[mode], self)
            button.setToolTip(HINTS[mode])
            button.toggled.connect(self._on_mode)
            self._group.addButton(button)
            self.modes[mode] = button
        self.hint = QLabel(self)
        self.hint.setWordWrap(True)
        self.hint.setProperty("role", "smalldim")

    def _make_fields(self) -> None:
        self.leader = QComboBox(self)
        self.leader.setToolTip("The camera that runs by itself; its exposure triggers the other one")
        for role in ROLES:
            self.leader.addItem(f"{NAMES[role]} camera", role)
        self.leader.currentIndexChanged.connect(self._on_mode)
        self.rate = QDoubleSpinBox(self)
        self.rate.setRange(0.0, FASTEST_HZ)
        self.rate.setDecimals(1)
        self.rate.setSuffix(" Hz")
        self.rate.setKeyboardTracking(False)
        self.rate.lineEdit().setTextMargins(5, 0, 0, 0)
        self.rate.setToolTip("Frames per second, in Hz; 0 leaves it as the text says")
        self.lines: dict[Role, QLineEdit] = {}
        for role in ROLES:
            line = QLineEdit(self)
            line.setPlaceholderText("the first that fits")
            line.setToolTip(
                f"The pin at the {NAMES[role].lower()} camera that carries the signal, as the camera calls "
                "it: Line1, SyncOut1 …"
            )
            self.lines[role] = line
        self.edge = QComboBox(self)
        self.edge.setToolTip(
            "The edge that starts an exposure; falling where the wire is inverted (opto output)"
        )
        for edge in EDGES:
            self.edge.addItem(EDGE_WORDS[edge], edge)
        self.keys = {
            name: self._key_field(tip)
            for name, tip in (
                ("device_key", "Cameras answer to commands with this key"),
                ("group_key", "Key of the group that answers"),
                ("group_mask", "Groups that answer, as a bit mask"),
            )
        }
        self.broadcast = QLineEdit(self)
        self.broadcast.setToolTip("Where the command is sent: the broadcast address of the cameras' network")

    def _key_field(self, tip: str) -> QLineEdit:
        field = QLineEdit(self)
        # A spin box holds 31 bits, a key has 32.
        field.setValidator(
            QRegularExpressionValidator(QRegularExpression(r"0x[0-9a-fA-F]{1,8}|\d{1,10}"), field)
        )
        field.setToolTip(f"{tip}: 0 to {LARGEST_KEY}, also as 0x…")
        return field

    def _make_buttons(self) -> None:
        self.apply = QPushButton("Apply", self)
        self.apply.setDefault(True)
        self.apply.setToolTip("Set both cameras up; they stop for a moment")
        self.apply.clicked.connect(self._on_apply)
        self.save = QPushButton("Save in rig file", self)
        self.save.setToolTip("Write this into the [sync] table of the rig file that is open")
        self.save.clicked.connect(self._on_save)

    def _arrange(self) -> None:
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(6)
        self._form.addRow("Leader", self.leader)
        self._form.addRow("Frame rate", self.rate)
        for role in ROLES:
            self._form.addRow(f"{NAMES[role]} pin", self.lines[role])
        self._form.addRow("Starts at", self.edge)
        for text, name in (
            ("Device key", "device_key"),
            ("Group key", "group_key"),
            ("Group mask", "group_mask"),
        ):
            self._form.addRow(text, self.keys[name])
        self._form.addRow("Send to", self.broadcast)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.apply, 1)
        buttons.addWidget(self.save, 1)
        title = QLabel("Mode", self)
        title.setProperty("role", "section")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 14)
        column.setSpacing(7)
        column.addWidget(title)
        for button in self.modes.values():
            column.addWidget(button)
        column.addSpacing(2)
        column.addWidget(self.hint)
        column.addSpacing(6)
        column.addLayout(self._form)
        column.addSpacing(8)
        column.addLayout(buttons)
        column.addStretch(1)

    # --- what it says ---

    @property
    def mode(self) -> SyncMode:
        """The mode that is chosen."""
        return next(mode for mode, button in self.modes.items() if button.isChecked())

    def config(self) -> SyncConfig:
        """Return what is asked for; fields that the mode does not need keep what they show."""
        leader: Role = self.leader.currentData()
        return SyncConfig(
            mode=self.mode,
            leader=leader,
            frame_rate_hz=self.rate.value() or None,
            mono_line=self.lines["mono"].text().strip(),
            color_line=self.lines["color"].text().strip(),
            activation=self.edge.currentData(),
            device_key=self._key("device_key"),
            group_key=self._key("group_key"),
            group_mask=self._key("group_mask"),
            broadcast=self.broadcast.text().strip() or SyncConfig.broadcast,
        )

    def _key(self, name: str) -> int:
        return min(int(self.keys[name].text() or "0", 0), LARGEST_KEY)

    def show_config(self, config: SyncConfig) -> None:
        """Show what a rig was set up with."""
        self.modes[config.mode].setChecked(True)
        self.leader.setCurrentIndex(self.leader.findData(config.leader))
        self.rate.setValue(config.frame_rate_hz or 0.0)
        self.lines["mono"].setText(config.mono_line)
        self.lines["color"].setText(config.color_line)
        self.edge.setCurrentIndex(self.edge.findData(config.activation))
        for name, field in self.keys.items():
            field.setText(str(getattr(config, name)))
        self.broadcast.setText(config.broadcast)
        self._on_mode()

    def set_possible(self, *, apply: bool, save: bool, why_not_save: str = "") -> None:
        """Say whether there are cameras to set up, and a rig file to write to."""
        self.apply.setEnabled(apply)
        self.save.setEnabled(save)
        self.save.setToolTip(why_not_save or "Write this into the [sync] table of the rig file that is open")

    def _on_mode(self) -> None:
        """Show the fields that the mode needs."""
        if not any(button.isChecked() for button in self.modes.values()):
            return
        mode = self.mode
        self.hint.setText(HINTS[mode])
        self.rate.setSpecialValueText(RATE_NONE[mode])
        wired = mode in ("hardware", "external")
        self._form.setRowVisible(self.leader, mode == "hardware")
        self._form.setRowVisible(self.rate, mode != "external")
        for role, line in self.lines.items():
            self._form.setRowVisible(line, wired)
            direction = "out" if mode == "hardware" and role == self.leader.currentData() else "in"
            label = self._form.labelForField(line)
            if isinstance(label, QLabel):
                label.setText(f"{NAMES[role]}, {direction}put pin")
        self._form.setRowVisible(self.edge, wired)
        for field in (*self.keys.values(), self.broadcast):
            self._form.setRowVisible(field, mode == "action")

    def _on_apply(self) -> None:
        self.apply_wanted.emit(self.config())

    def _on_save(self) -> None:
        self.save_wanted.emit(self.config())
