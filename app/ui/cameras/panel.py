"""Exposure, gain, region, format, trigger …: what the two cameras let us set, beside the live pictures."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGroupBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.cameras.fields import NumberField, SliderField, tip_of
from app.ui.side_scroll import SideScroll
from app.ui.words import spaced
from capture.frames import ROLES, Role
from capture.rig import CameraInfo, RigInfo, Setting, SettingValue

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Exposure", ("Exposure", "Gain", "BlackLevel", "Gamma")),
    ("White balance", ("Balance",)),
    ("Rate and trigger", ("AcquisitionFrameRate", "Trigger")),
    ("Region and format", ("Width", "Height", "Offset", "Binning", "Decimation", "Reverse", "PixelFormat")),
)
"""Headings, and how the names of what stands below them begin; first what one turns most."""

SHORT = {
    "AcquisitionFrameRate": "Frame rate",
    "AcquisitionFrameRateEnable": "Set frame rate",
    "AcquisitionFrameRateAuto": "Frame rate auto",
    "BalanceRatioSelector": "Channel",
    "BalanceWhiteAuto": "Auto",
    "TriggerSelector": "Trigger",
}
"""Names that are said shorter below their headings."""


class CameraBox(QGroupBox):
    """The settings of one camera, in sections.

    Signals:
        changed: name and value that the user wants.
    """

    changed = Signal(str, object)

    def __init__(self, role: Role, parent: QWidget | None = None) -> None:
        super().__init__({"mono": "Mono camera", "color": "Colour camera"}[role], parent)
        self.role: Role = role
        self._fields: dict[str, QWidget] = {}
        self._headings: list[QLabel] = []
        self._shape: tuple[object, ...] = ()
        self._form = QFormLayout(self)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setVerticalSpacing(5)
        self._about = QLabel(self)
        self._about.setProperty("role", "smalldim")
        self._about.setWordWrap(True)
        self._form.addRow(self._about)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the settings that are shown, from the top."""
        return tuple(self._fields)

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
        shape = tuple((name, setting.choices, _has_slider(setting)) for name, setting in settings.items())
        if shape != self._shape:
            self._rebuild(settings)
            self._shape = shape
        for name, setting in settings.items():
            _follow(self._fields[name], setting)

    def _rebuild(self, settings: Mapping[str, Setting]) -> None:
        for row in (*self._fields.values(), *self._headings):
            self._form.removeRow(row)
        self._fields, self._headings = {}, []
        left = dict(settings)
        for heading, beginnings in SECTIONS:
            self._add_section(heading, {n: left.pop(n) for n in list(left) if n.startswith(beginnings)})
        self._add_section("Other", left)

    def _add_section(self, heading: str, settings: Mapping[str, Setting]) -> None:
        if not settings:
            return
        label = QLabel(heading, self)
        label.setProperty("role", "section")
        self._headings.append(label)
        self._form.addRow(label)
        for name, setting in settings.items():
            field = self._make(name, setting)
            self._fields[name] = field
            self._form.addRow(SHORT.get(name) or spaced(name), field)

    def _make(self, name: str, setting: Setting) -> QWidget:
        field: QWidget
        if setting.choices:
            field = QComboBox(self)
            field.addItems(setting.choices)
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            field.setMinimumContentsLength(8)
            field.textActivated.connect(self._on_text)
        elif isinstance(setting.value, bool):
            field = QCheckBox(self)
            field.clicked.connect(self._on_check)
        elif isinstance(setting.value, int | float):
            field = SliderField(setting, self) if _has_slider(setting) else NumberField(setting, self)
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

    def _on_text(self, text: str) -> None:
        self.changed.emit(self.sender().objectName(), text)

    def _on_check(self, checked: bool) -> None:
        self.changed.emit(self.sender().objectName(), checked)

    def _on_number(self, value: float) -> None:
        field = self.sender()
        whole = isinstance(field, NumberField | SliderField) and field.whole
        wanted: SettingValue = round(value) if whole else value
        self.changed.emit(field.objectName(), wanted)


def _has_slider(setting: Setting) -> bool:
    return setting.minimum is not None and setting.maximum is not None


def _follow(field: QWidget, setting: Setting) -> None:
    if isinstance(field, NumberField | SliderField):
        field.follow(setting)
        return
    if isinstance(field, QComboBox):
        field.setCurrentText(str(setting.value))
    elif isinstance(field, QCheckBox):
        field.setChecked(bool(setting.value))
    elif isinstance(field, QLabel):
        field.setText(f"{setting.value} {setting.unit}".rstrip())
    field.setEnabled(setting.writable)
    field.setToolTip(tip_of(setting))


class CameraPanel(SideScroll):
    """The settings of both cameras.

    While a change is on its way, further ones of the same value wait, and only the last of them is sent: a
    slider can be dragged as fast as one likes.

    Signals:
        changed: role, name and value that the user wants.
        all_wanted: the user wants to see everything the cameras have.
    """

    changed = Signal(str, str, object)
    all_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._serials: tuple[str, str] | None = None
        self._sent: set[tuple[str, str]] = set()
        self._waiting: dict[tuple[str, str], SettingValue] = {}
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 4, 8, 8)
        self.boxes = {role: CameraBox(role, body) for role in ROLES}
        for box in self.boxes.values():
            box.changed.connect(self._on_changed)
            column.addWidget(box)
        self.everything = QPushButton("All features …", body)
        self.everything.setToolTip("Everything the cameras have, presets and user sets")
        self.everything.clicked.connect(self.all_wanted)
        column.addWidget(self.everything)
        column.addStretch(1)
        self.show_body(body)

    def show_rig(self, rig: RigInfo | None) -> None:
        """Say which cameras these are."""
        serials = None if rig is None else (rig.mono.serial, rig.color.serial)
        if serials != self._serials:
            self._serials = serials
            self._sent.clear()
            self._waiting.clear()
        self.boxes["mono"].show_camera(rig.mono if rig else None)
        self.boxes["color"].show_camera(rig.color if rig else None)

    def show_settings(self, role: Role, settings: Mapping[str, Setting]) -> None:
        """Show what a camera says now."""
        self.boxes[role].show_settings(settings)

    def answered(self, role: str, name: str) -> None:
        """Say that a change was made or refused: the next one of the same value may go."""
        key = (role, name)
        self._sent.discard(key)
        if key in self._waiting:
            self._send(key, self._waiting.pop(key))

    def _on_changed(self, name: str, value: SettingValue) -> None:
        box = self.sender()
        if not isinstance(box, CameraBox):
            return
        key = (box.role, name)
        if key in self._sent:
            self._waiting[key] = value
        else:
            self._send(key, value)

    def _send(self, key: tuple[str, str], value: SettingValue) -> None:
        self._sent.add(key)
        self.changed.emit(*key, value)
