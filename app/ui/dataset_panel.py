"""Where pairs are saved: a line to choose the folder, and the recorder's state."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QWidget

from app.pipeline.status import RecorderStatus
from app.ui.theme import DIM, PANEL, RECORD, TEXT


def default_folder(parent: Path | None = None) -> Path:
    """Return today's dataset folder: `~/CycleRig/captures/2025-11-23`, or in another parent."""
    today = datetime.now().astimezone().strftime("%Y-%m-%d")
    return (parent or Path.home() / "CycleRig" / "captures") / today


class DatasetPanel(QWidget):
    """A line above the pictures that asks for the dataset's folder; the pictures go on below.

    Signals:
        chosen: the folder (a `Path`); cancelled: the user wants none now.
    """

    chosen = Signal(object)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("datasetPanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(f"#datasetPanel {{ background: {PANEL}; }}")
        self._dialog: QFileDialog | None = None
        self.path = QLineEdit(self)
        self.path.setToolTip(
            "The folder is made if it does not exist; an existing dataset goes on where it ended."
        )
        browse = QPushButton("Choose …", self)
        self.accept_button = QPushButton("Save here", self)
        self.accept_button.setDefault(True)
        close = QToolButton(self)
        close.setText("×")
        close.setToolTip("Cancel")
        for button in (browse, self.accept_button, close):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        browse.clicked.connect(self._browse)
        self.accept_button.clicked.connect(self._accept)
        self.path.returnPressed.connect(self._accept)
        close.clicked.connect(self.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 4, 5)
        row.setSpacing(8)
        row.addWidget(QLabel("Save pairs to", self))
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        row.addWidget(self.accept_button)
        row.addWidget(close)
        self.hide()

    def ask(self, suggestion: Path) -> None:
        """Show the line with a folder to begin with."""
        self.path.setText(str(suggestion))
        self.show()
        self.path.setFocus()
        self.path.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Cancel on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            super().keyPressEvent(event)

    def _accept(self) -> None:
        text = self.path.text().strip()
        if text:
            self.hide()
            self.chosen.emit(Path(text).expanduser())

    def cancel(self) -> None:
        """Hide the line; nothing was chosen."""
        self.hide()
        self.cancelled.emit()

    def _browse(self) -> None:
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Folder for captured pairs")
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            self._dialog.fileSelected.connect(self.path.setText)
        start = Path(self.path.text()).expanduser()
        while not start.is_dir() and start != start.parent:
            start = start.parent
        self._dialog.setDirectory(str(start))
        self._dialog.open()


LONG_S = 1.0
"""A queue whose oldest pair has waited for so long is worth a word."""


class _Dot(QWidget):
    """Red while recording."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(12, 12)
        self.colour = QColor(DIM)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.colour)
        painter.drawEllipse(2, 2, 8, 8)


class RecorderLight(QWidget):
    """Red dot, saved pairs and queue; a click asks for the folder.

    Signals:
        clicked: the user wants another folder.
    """

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dot = _Dot(self)
        self._text = QLabel(self)
        self._text.setProperty("role", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 6, 0)
        row.setSpacing(5)
        row.addWidget(self._dot)
        row.addWidget(self._text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_recorder(RecorderStatus())

    @property
    def text(self) -> str:
        """The words on screen."""
        return self._text.text()

    def show_recorder(self, recorder: RecorderStatus) -> None:
        """Show the recorder's state."""
        if not recorder.folder:
            text, tip = "no dataset", "No folder for pairs is open yet: Space or R asks for one."
        else:
            text, tip = _saved_words(recorder), _tip(recorder)
        if recorder.error:
            tip += f"\n{recorder.error}"
        self._text.setText(text)
        self._text.setStyleSheet(f"color: {TEXT if recorder.folder else DIM};")
        self.setToolTip(f"{tip}\nClick to choose another folder.")
        colour = QColor(RECORD if recorder.recording else "#565656")
        if self._dot.colour != colour:
            self._dot.colour = colour
            self._dot.update()

    def mousePressEvent(self, event: object) -> None:  # noqa: N802, ARG002
        """Ask for the folder."""
        self.clicked.emit()


def _saved_words(recorder: RecorderStatus) -> str:
    words = [f"{recorder.saved} saved"]
    if recorder.recording:
        words.append(f"{recorder.rate_hz:.0f}/s")
    if recorder.queued:
        waiting = f"{recorder.queued} queued"
        words.append(f"{waiting}, {recorder.age_s:.0f} s" if recorder.age_s >= LONG_S else waiting)
    return " · ".join(words)


def _tip(recorder: RecorderStatus) -> str:
    memory = f"{recorder.queued_bytes / 1e6:.0f} of {recorder.budget_bytes / 1e6:.0f} MB"
    lines = [
        recorder.folder,
        f"{recorder.saved} pairs saved.",
        f"Queue: {recorder.queued} waiting to be written, {memory}, the oldest for {recorder.age_s:.1f} s.",
    ]
    if recorder.recording:
        lines.append(
            f"{recorder.rate_hz:.1f} pairs/s written, safe {recorder.latency_ms:.0f} ms after they arrived."
        )
    if not recorder.compressed:
        lines.append("The queue is long: images are stored uncompressed for now.")
    if recorder.space is not None:
        room = recorder.space.pairs_left
        lines.append(f"{recorder.space}{'' if room is None else f': room for {room} pairs'}.")
    return "\n".join(lines)
