"""One camera that was found: its picture, its names, and the buttons that say what it is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QDrag, QFontMetrics, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.rig.draft import ROLE_WORDS
from app.ui.rig.thumbnail import Thumbnail
from capture.discovery import Device
from capture.frames import ROLES, Role
from capture.preview import PreviewCamera
from capture.rig import CameraInfo

MIME_CAMERA = "application/x-cyclerig-camera"
"""What a dragged card carries: a serial number."""

CARD_WIDTH, MAX_CARD_WIDTH = 264, 400
PICTURE_SHAPE = 0.64
"""Height of a picture's place, for one of width 1."""

TRANSPORTS = {
    "GEV": "GigE Vision",
    "U3V": "USB3 Vision",
    "CXP": "CoaXPress",
    "CL": "Camera Link",
    "Custom": "",
}


class ShortLine(QLabel):
    """A line of text that shortens itself in the middle; the tooltip has all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = ""
        self.setMinimumWidth(20)

    def set_line(self, text: str, tip: str = "") -> None:
        """Show a text."""
        self._full = text
        self.setToolTip(tip or text)
        self._fit()

    @property
    def line(self) -> str:
        """The whole text."""
        return self._full

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Shorten anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self._full, Qt.TextElideMode.ElideMiddle, self.width()))


def short_path(path: Path) -> str:
    """Return a path with the user's own folder as ~."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


class CameraCard(QFrame):
    """A camera. Drag it to its place, or press what it is.

    Signals:
        role_wanted: serial and role ("mono", "color"; empty: none any more).
        blink_wanted: serial.
    """

    role_wanted = Signal(str, str)
    blink_wanted = Signal(str)

    def __init__(self, device: Device, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.device = device
        self.setObjectName("cameraCard")
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.thumbnail = Thumbnail(QSize(), self)
        self.set_width(CARD_WIDTH)
        self.thumbnail.show_message("Opening …" if device.accessible else "Taken by another program")
        self.name = ShortLine(self)
        self.name.set_line(f"{device.vendor} {device.model}".strip() or "Camera")
        self.detail = ShortLine(self)
        self.detail.setProperty("role", "smalldim")
        self._show_detail("")
        self._pressed: QMouseEvent | None = None
        self.buttons = {role: self._make_button(role) for role in ROLES}
        self.blink = QPushButton("Blink", self)
        self.blink.setToolTip("Let the light on the camera blink (DeviceIndicatorMode)")
        self.blink.setCursor(Qt.CursorShape.ArrowCursor)
        self.blink.clicked.connect(self._on_blink)
        self.blink.hide()
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in self.buttons.values():
            row.addWidget(button, 1)
        row.addWidget(self.blink)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(4)
        column.addWidget(self.thumbnail)
        column.addWidget(self.name)
        column.addWidget(self.detail)
        column.addSpacing(2)
        column.addLayout(row)

    def _make_button(self, role: Role) -> QPushButton:
        button = QPushButton(ROLE_WORDS[role], self)
        button.setObjectName(role)
        button.setCheckable(True)
        button.setCursor(Qt.CursorShape.ArrowCursor)
        button.setToolTip(f"This is the {ROLE_WORDS[role].lower()} camera; press again to take it back")
        button.clicked.connect(self._on_role)
        return button

    def set_width(self, width: int) -> None:
        """Be so wide; the picture keeps its shape."""
        self.setFixedWidth(width)
        self.thumbnail.set_size(QSize(width - 16, round((width - 16) * PICTURE_SHAPE)))

    def show_camera(self, camera: PreviewCamera) -> None:
        """Say what the camera said of itself."""
        self._show_detail(f"{camera.width}×{camera.height} {camera.pixel_format}")
        self.blink.setVisible(camera.can_blink)
        self.thumbnail.show_message("Waiting for a picture …")

    def show_running(self, info: CameraInfo) -> None:
        """Say what it sends in the rig that runs."""
        self._show_detail(f"{info.width}×{info.height} {info.pixel_format}")
        self.blink.hide()
        self.thumbnail.show_message("In the rig that runs")

    def show_role(self, role: Role | None) -> None:
        """Mark what it is."""
        for name, button in self.buttons.items():
            button.setChecked(name == role)
        self.thumbnail.set_role(role)

    def _show_detail(self, sends: str) -> None:
        transport = TRANSPORTS.get(self.device.transport, self.device.transport)
        parts = [f"№ {self.device.serial}", transport, sends]
        where = f"{self.device.transport}, {self.device.interface}\n{self.device.producer}"
        tip = f"Serial number {self.device.serial}\n{where}"
        self.detail.set_line(" · ".join(filter(None, parts)), tip)

    def _on_role(self, checked: bool) -> None:
        self.role_wanted.emit(self.device.serial, self.sender().objectName() if checked else "")

    def _on_blink(self) -> None:
        self.blink_wanted.emit(self.device.serial)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Remember where a drag may begin."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.clone()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """It was no drag."""
        self._pressed = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin to drag the camera to its place."""
        if self._pressed is None:
            return
        way = (event.position() - self._pressed.position()).manhattanLength()
        if way < QApplication.startDragDistance():
            return
        self._pressed = None
        drag = QDrag(self)
        data = QMimeData()
        data.setData(MIME_CAMERA, QByteArray(self.device.serial.encode()))
        drag.setMimeData(data)
        drag.setPixmap(self.thumbnail.grab().scaledToWidth(160, Qt.TransformationMode.SmoothTransformation))
        drag.exec(Qt.DropAction.CopyAction)
