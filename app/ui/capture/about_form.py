"""What is needed to use the pairs in five years and no camera tells: operator, lenses, free notes."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.ui.calibration.jobs import emit
from app.ui.calibration.layouts import heading
from capture.dataset import read_notes, write_notes
from capture.errors import DatasetError

log = logging.getLogger(__name__)

AUTOSAVE_MS = 800
"""Notes are saved when typing has paused this long."""


class NotesKeeper(QObject):
    """Reads and writes the notes of datasets in a thread of its own, in the order that was asked for.

    Signals (in the GUI thread):
        read: folder and text.
        written: folder.
        unread, unwritten: what went wrong.
    """

    read = Signal(str, str)
    written = Signal(str)
    unread = Signal(str)
    unwritten = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notes")

    def load(self, folder: str) -> None:
        """Read; `read` follows, or `unread`."""
        self._worker.submit(self._load, folder)

    def write(self, folder: str, text: str) -> Future[None]:
        """Write; `written` follows, or `unwritten`."""
        return self._worker.submit(self._write, folder, text)

    def close(self) -> None:
        """Finish, and end the thread."""
        self._worker.shutdown(wait=True)

    def _load(self, folder: str) -> None:
        try:
            text = read_notes(Path(folder))
        except DatasetError as error:
            emit(self.unread, str(error))
        else:
            emit(self.read, folder, text)

    def _write(self, folder: str, text: str) -> None:
        try:
            write_notes(Path(folder), text)
        except DatasetError as error:
            log.warning("%s", error)
            emit(self.unwritten, str(error))
        else:
            emit(self.written, folder)


class AboutForm(QWidget):
    """Operator and lens note go with the session, free notes with the dataset.

    Signals:
        people_changed: operator and lens note.
        failed: notes could not be read or written.
        left: a field was finished with Enter: keys belong to the page again.
    """

    people_changed = Signal(str, str)
    failed = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = ""
        self._unsaved = False
        self._loading = False
        self.keeper = NotesKeeper(self)
        self.operator = QLineEdit(self)
        self.operator.setPlaceholderText("who captures")
        self.operator.setToolTip("Saved with the session")
        self.lens = QLineEdit(self)
        self.lens.setPlaceholderText("e.g. 8 mm f/2.8, IR cut")
        self.lens.setToolTip("Lenses, apertures, filters: what no camera tells. Saved with the session")
        for field in (self.operator, self.lens):
            field.editingFinished.connect(self._on_people)
            field.returnPressed.connect(self.left)
            field.setMaxLength(200)
        self.notes = QPlainTextEdit(self)
        self.notes.setTabChangesFocus(True)
        self.notes.setMinimumHeight(44)
        self.notes.textChanged.connect(self._on_typed)
        self.notes.installEventFilter(self)
        self.saved = QLabel(self)
        self.saved.setProperty("role", "smalldim")
        self._timer = QTimer(self, singleShot=True, interval=AUTOSAVE_MS)
        self._timer.timeout.connect(self.save_notes)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Operator", self.operator)
        form.addRow("Lenses", self.lens)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(heading("About this session"))
        column.addLayout(form)
        column.addWidget(self.notes, 1)
        column.addWidget(self.saved)
        self.keeper.read.connect(self._on_read)
        self.keeper.written.connect(self._on_written)
        self.keeper.unread.connect(self._on_unread)
        self.keeper.unwritten.connect(self._on_unwritten)
        self.show_folder("")

    def show_people(self, operator: str, lens_note: str) -> None:
        """Show who captures with what, but never over what is being typed."""
        for field, text in ((self.operator, operator), (self.lens, lens_note)):
            if not field.hasFocus() and field.text() != text:
                field.setText(text)

    def show_folder(self, folder: str) -> None:
        """Show the notes of another dataset; those of the one before are saved first."""
        if folder == self._folder and self.notes.placeholderText():
            return
        self.save_notes()
        self._folder = folder
        self._fill("")
        self.notes.setEnabled(bool(folder))
        self.notes.setPlaceholderText(
            "Free notes: the place, the light, what is special. Saved as you type."
            if folder
            else "Notes belong to a dataset: choose its folder first."
        )
        self.saved.setText("")
        if folder:
            self._loading = True
            self.keeper.load(folder)

    def save_notes(self) -> None:
        """Write what was typed, if it is not written yet."""
        self._timer.stop()
        if self._loading:
            self._timer.start()  # what lies in the file already must not be written over
        elif self._unsaved and self._folder:
            self._unsaved = False
            self.keeper.write(self._folder, self.notes.toPlainText())

    def close_down(self) -> None:
        """Write what was typed, and wait for it."""
        self._loading = False
        self.save_notes()
        self.keeper.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Save when the notes are left."""
        if watched is self.notes and event.type() == QEvent.Type.FocusOut:
            self.save_notes()
        return False

    def _fill(self, text: str) -> None:
        self.notes.blockSignals(True)
        self.notes.setPlainText(text)
        self.notes.blockSignals(False)
        self._unsaved = False

    def _on_typed(self) -> None:
        self._unsaved = True
        self.saved.setText("Not saved yet …")
        self._timer.start()

    def _on_read(self, folder: str, text: str) -> None:
        if folder != self._folder or not self._loading:
            return
        self._loading = False
        if self._unsaved:  # typed before the file was read: both are kept
            text = f"{text}\n{self.notes.toPlainText()}" if text else self.notes.toPlainText()
            self._fill(text)
            self._on_typed()
        else:
            self._fill(text)

    def _on_unread(self, problem: str) -> None:
        self._loading = False
        self.failed.emit(problem)

    def _on_unwritten(self, problem: str) -> None:
        self._unsaved = True  # tried again with the next letter, and when the page is left
        self.saved.setText("Notes are NOT saved")
        self.failed.emit(problem)

    def _on_written(self, folder: str) -> None:
        if folder == self._folder and not self._unsaved:
            self.saved.setText("Notes are saved")

    def _on_people(self) -> None:
        self.people_changed.emit(self.operator.text().strip(), self.lens.text().strip())
