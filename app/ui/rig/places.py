"""The rig from behind: who stands left, who right. Cameras are dropped here."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.rig.card import MIME_CAMERA, ShortLine
from app.ui.rig.draft import ROLE_WORDS, RigDraft, Side
from app.ui.rig.thumbnail import Thumbnail
from capture.frames import Role
from capture.preview import PreviewFrame


class Place(QFrame):
    """One side of the rig.

    Signals:
        dropped: role and serial of a camera that was dropped here.
    """

    dropped = Signal(str, str)

    def __init__(self, side: Side, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rigPlace")
        self.setAcceptDrops(True)
        self.side = side
        self.role: Role = "color" if side == "left" else "mono"
        self.serial = ""
        self.title = QLabel(self)
        self.title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.thumbnail = Thumbnail(QSize(150, 112), self)
        self.about = ShortLine(self)
        self.about.setProperty("role", "smalldim")
        self.about.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.thumbnail)
        column.addWidget(self.about)

    def show_camera(self, role: Role, serial: str, *, found: bool) -> None:
        """Say who stands here; `found`: a picture will come."""
        changed = serial != self.serial or role != self.role
        self.role, self.serial = role, serial
        self.title.setText(f"{self.side.capitalize()} · {ROLE_WORDS[role].lower()}")
        self.thumbnail.set_role(role if serial else None)
        self.about.set_line(f"№ {serial}" if serial else " ")
        if not serial:
            self.thumbnail.show_message(f"Drag the {ROLE_WORDS[role].lower()} camera here")
        elif not found:
            self.thumbnail.show_message("Not found: check its cable and power")
        elif changed or not self.thumbnail.shows_picture:
            self.thumbnail.show_message("Waiting for a picture …")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take cameras."""
        if event.mimeData().hasFormat(MIME_CAMERA):
            self.thumbnail.set_lit(lit=False)
            event.acceptProposedAction()
            self._set_hot(hot=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802, ARG002
        """It went elsewhere."""
        self._set_hot(hot=False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Give the camera the role of this place."""
        self._set_hot(hot=False)
        event.acceptProposedAction()
        self.dropped.emit(self.role, bytes(event.mimeData().data(MIME_CAMERA).data()).decode())

    def _set_hot(self, *, hot: bool) -> None:
        self.setProperty("hot", hot)
        self.style().unpolish(self)
        self.style().polish(self)


class Places(QWidget):
    """Both sides, and a button that swaps them.

    Signals:
        dropped: role and serial.
        swap_wanted: the cameras stand the other way round.
    """

    dropped = Signal(str, str)
    swap_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.left = Place("left", self)
        self.right = Place("right", self)
        self.swap = QPushButton("⇄", self)
        self.swap.setToolTip("The cameras stand the other way round: swap the sides")
        self.swap.setFixedSize(34, 28)
        self.swap.setStyleSheet("padding: 0;")
        self.swap.clicked.connect(self.swap_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.left, 1)
        row.addWidget(self.swap)
        row.addWidget(self.right, 1)
        for place in (self.left, self.right):
            place.dropped.connect(self.dropped)

    def show_draft(self, draft: RigDraft, found: frozenset[str]) -> None:
        """Show who stands where; `found`: serial numbers of cameras that are there."""
        for place in (self.left, self.right):
            role = draft.role_at(place.side)
            chosen = draft.camera(role)
            serial = chosen.serial if chosen else ""
            place.show_camera(role, serial, found=serial in found)

    def show_frame(self, frame: PreviewFrame) -> None:
        """Show a picture where its camera stands."""
        for place in (self.left, self.right):
            if place.serial == frame.serial:
                place.thumbnail.show_picture(frame.thumbnail)
