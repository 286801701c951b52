"""Scene tags, each under a key: pairs get those that are lit."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.calibration.layouts import heading
from app.ui.capture.ways import TAGS
from capture.dataset_records import LONGEST_TAG, check_tag
from capture.errors import DatasetError

COLUMNS = 3


class TagButton(QPushButton):
    """A key with its tag, shortened to the room there is."""

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.tag = ""
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("text-align: left; padding: 3px 6px;")

    def show_tag(self, tag: str) -> None:
        """Show a tag; empty: none is under this key."""
        self.tag = tag
        self.setEnabled(bool(tag))
        self.setToolTip(
            f"Tag the next pairs “{tag}” ({self.number})" if tag else "No tag under this key: Edit"
        )
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Shorten the tag to the room there is."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        words = f"{self.number}  {self.tag}"
        self.setText(self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, self.width() - 14))


class TagPanel(QWidget):
    """Nine buttons, and the same nine to be renamed.

    Signals:
        tags_changed: what coming pairs are tagged with, a tuple.
        palette_changed: which tags are at hand, a tuple.
        refused: why a tag cannot be called so.
    """

    tags_changed = Signal(tuple)
    palette_changed = Signal(tuple)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette: tuple[str, ...] = ()
        self._tags: tuple[str, ...] = ()
        self.edit = QToolButton(self)
        self.edit.setText("Edit")
        self.edit.setCheckable(True)
        self.edit.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.edit.setToolTip("Rename the tags, add others, or empty one to take it away (Ctrl+T)")
        self.edit.toggled.connect(self._on_edit)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(heading("Scene tags for the next pairs"))
        head.addStretch(1)
        head.addWidget(self.edit)
        self.buttons = [TagButton(number, self) for number in range(1, TAGS + 1)]
        for button in self.buttons:
            button.clicked.connect(self._on_clicked)
        self.fields = [self._field(number) for number in range(1, TAGS + 1)]
        self._stack = QStackedWidget(self)
        for widgets in (self.buttons, self.fields):
            page = QWidget(self)
            grid = QGridLayout(page)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setSpacing(4)
            for index, widget in enumerate(widgets):
                grid.addWidget(widget, index // COLUMNS, index % COLUMNS)
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._stack)

    def _field(self, number: int) -> QLineEdit:
        field = QLineEdit(self)
        field.setMaxLength(LONGEST_TAG)
        field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        field.setPlaceholderText(f"{number}: none")
        field.returnPressed.connect(self._on_done)
        return field

    @property
    def tags(self) -> tuple[str, ...]:
        """What coming pairs are tagged with."""
        return self._tags

    def show_tags(self, palette: tuple[str, ...], tags: tuple[str, ...]) -> None:
        """Show which tags there are, and which are lit."""
        if (palette, tags) == (self._palette, self._tags):
            return
        self._palette, self._tags = palette, tags
        for index, button in enumerate(self.buttons):
            known = index < len(palette)
            button.show_tag(palette[index] if known else "")
            button.setChecked(known and palette[index] in tags)
        if not self.edit.isChecked():
            self._fill_fields()

    def toggle(self, number: int) -> None:
        """Light tag 1 … 9, or put it out; a number without a tag changes nothing."""
        if number > len(self._palette):
            return
        tag = self._palette[number - 1]
        lit = set(self._tags) ^ {tag}
        others = tuple(other for other in self._tags if other not in self._palette and other in lit)
        tags = (*(known for known in self._palette if known in lit), *others)
        self.show_tags(self._palette, tags)
        self.tags_changed.emit(tags)

    def _fill_fields(self) -> None:
        for index, field in enumerate(self.fields):
            field.setText(self._palette[index] if index < len(self._palette) else "")

    def _on_clicked(self) -> None:
        button = self.sender()
        assert isinstance(button, TagButton)
        self.toggle(button.number)

    def _on_done(self) -> None:
        self.edit.setChecked(False)

    def _on_edit(self, editing: bool) -> None:
        self._stack.setCurrentIndex(int(editing))
        self.edit.setText("Done" if editing else "Edit")
        if editing:
            self._fill_fields()
            self.fields[0].setFocus()
            self.fields[0].selectAll()
            return
        names = [name for field in self.fields if (name := field.text().strip())]
        try:
            palette = tuple(dict.fromkeys(check_tag(name) for name in names))
        except DatasetError as error:
            self.refused.emit(str(error))
            return
        gone = set(self._palette) - set(palette)
        tags = tuple(tag for tag in self._tags if tag not in gone)
        changed = tags != self._tags
        self.show_tags(palette, tags)
        self.palette_changed.emit(palette)
        if changed:
            self.tags_changed.emit(tags)
