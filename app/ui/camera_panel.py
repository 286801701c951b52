"""Exposure, gain, frame rate, trigger …: whatever the two cameras let us set."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.words import spaced
from capture.frames import ROLES, Role
from capture.rig import CameraInfo, RigInfo, Setting, SettingValue

_NO_LIMIT = 1e9


class NumberField(QDoubleSpinBox):
    """A number with its unit and limits; `entered` when the user is done with it (not at every key)."""

    entered = Signal(float)

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = isinstance(setting.value, int)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.follow(setting)
        self.valueChanged.connect(self.entered)

    def follow(self, setting: Setting) -> None:
        """Show what the camera says now."""
        if self.hasFocus() and self.lineEdit().isModified():
            return
        before = self.blockSignals(True)
        low = -_NO_LIMIT if setting.minimum is None else setting.minimum
        high = _NO_LIMIT if setting.maximum is None else setting.maximum
        self.setDecimals(0 if self._whole else 1 if abs(high) >= 1000 else 2)
        self.setRange(low, high)
        self.setSuffix(f" {setting.unit}" if setting.unit else "")
        self.setValue(float(setting.value))
        if setting.minimum is not None and setting.maximum is not None:
            self.setToolTip(f"{setting.name}: {setting.minimum:g} to {setting.maximum:g} {setting.unit}")
        self.blockSignals(before)


class CameraBox(QGroupBox):
    """The settings of one camera.

    Signals:
        changed: name and value that the user wants.
    """

    changed = Signal(str, object)

    def __init__(self, role: Role, parent: QWidget | None = None) -> None:
        super().__init__({"mono": "Mono camera", "color": "Colour camera"}[role], parent)
        self.role: Role = role
        self._fields: dict[str, QWidget] = {}
        self._shape: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self._form = QFormLayout(self)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._about = QLabel(self)
        self._about.setProperty("role", "smalldim")
        self._about.setWordWrap(True)
        self._form.addRow(self._about)

    def field(self, name: str) -> QWidget:
        """Return the input of a setting."""
        return self._fields[name]

    def show_camera(self, camera: CameraInfo | None) -> None:
        """Say which camera it is."""
        if camera is None:
            self._about.setText("Start a rig to see its settings.")
            return
        size = f"{camera.width}×{camera.height} {camera.pixel_format}"
        self._about.setText(f"{camera.vendor} {camera.model}\n{camera.serial} · {size}")

    def show_settings(self, settings: Mapping[str, Setting]) -> None:
        """Show what the camera says; inputs are rebuilt only if there are others than before."""
        shape = tuple((name, setting.choices) for name, setting in settings.items())
        if shape != self._shape:
            self._rebuild(settings)
            self._shape = shape
        for name, setting in settings.items():
            self._follow(self._fields[name], setting)

    def _rebuild(self, settings: Mapping[str, Setting]) -> None:
        for field in self._fields.values():
            self._form.removeRow(field)
        self._fields = {}
        for name, setting in settings.items():
            field = self._make(name, setting)
            self._fields[name] = field
            self._form.addRow(spaced(name), field)

    def _make(self, name: str, setting: Setting) -> QWidget:
        field: QWidget
        if setting.choices:
            field = QComboBox(self)
            field.addItems(setting.choices)
            field.textActivated.connect(self._on_text)
        elif isinstance(setting.value, bool):
            field = QCheckBox(self)
            field.clicked.connect(self._on_check)
        elif isinstance(setting.value, int | float):
            field = NumberField(setting, self)
            field.entered.connect(self._on_number)
        else:
            field = QLabel(self)
        field.setObjectName(name)
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.installEventFilter(self)
        return field

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the wheel scroll the panel: only an input that has the focus may be turned by it."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    @staticmethod
    def _follow(field: QWidget, setting: Setting) -> None:
        if isinstance(field, QComboBox):
            field.setCurrentText(str(setting.value))
        elif isinstance(field, QCheckBox):
            field.setChecked(bool(setting.value))
        elif isinstance(field, NumberField):
            field.follow(setting)
        elif isinstance(field, QLabel):
            field.setText(f"{setting.value} {setting.unit}".rstrip())

    def _on_text(self, text: str) -> None:
        self.changed.emit(self.sender().objectName(), text)

    def _on_check(self, checked: bool) -> None:
        self.changed.emit(self.sender().objectName(), checked)

    def _on_number(self, value: float) -> None:
        field = self.sender()
        whole = isinstance(field, NumberField) and field.decimals() == 0
        wanted: SettingValue = round(value) if whole else value
        self.changed.emit(field.objectName(), wanted)


class CameraPanel(QScrollArea):
    """The settings of both cameras.

    Signals:
        changed: role, name and value that the user wants.
    """

    changed = Signal(str, str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 4, 8, 8)
        self.boxes = {role: CameraBox(role, body) for role in ROLES}
        for box in self.boxes.values():
            box.changed.connect(self._on_changed)
            column.addWidget(box)
        column.addStretch(1)
        self._body = body
        body.installEventFilter(self)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Be wide enough for the longest line whenever that has changed: settings scroll only up and down."""
        if watched is self._body and event.type() == QEvent.Type.LayoutRequest:
            bar = self.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(self._body.sizeHint().width() + bar)
        return super().eventFilter(watched, event)

    def show_rig(self, rig: RigInfo | None) -> None:
        """Say which cameras these are."""
        self.boxes["mono"].show_camera(rig.mono if rig else None)
        self.boxes["color"].show_camera(rig.color if rig else None)

    def show_settings(self, role: Role, settings: Mapping[str, Setting]) -> None:
        """Show what a camera says now."""
        self.boxes[role].show_settings(settings)

    def _on_changed(self, name: str, value: object) -> None:
        box = self.sender()
        if isinstance(box, CameraBox):
            self.changed.emit(box.role, name, value)
