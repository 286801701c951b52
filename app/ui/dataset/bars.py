"""The two bars of the page: what is open above, what is selected below."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from app.browsing.columns import COLUMNS
from app.browsing.filters import PairFilter
from app.browsing.table import PairTable
from app.ui.dataset.sheet_view import WIDTHS_PX
from app.ui.labels import ElidedLabel


def _framed(action: QAction, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setDefaultAction(action)
    button.setProperty("framed", True)
    return button


class HeadBar(QWidget):
    """Opens datasets, says what is open, and how it is shown.

    Signals:
        recent_chosen: a folder; order_chosen: key of a column ("": as saved) and whether downwards;
        way_chosen: "sheet" or "table".
    """

    recent_chosen = Signal(object)
    order_chosen = Signal(str, bool)
    way_chosen = Signal(str)

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.open = _framed(actions["open"], self)
        self.recent = QMenu(self)
        self.open.setMenu(self.recent)
        self.open.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.title = QLabel("No dataset is open", self)
        self.counts = ElidedLabel(Qt.TextElideMode.ElideRight, self)
        self.counts.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.counts.set_dim(dim=True)
        self.trash = _framed(actions["show_trash"], self)
        self.undo = QToolButton(self)
        self.undo.setDefaultAction(actions["undo"])
        self.redo = QToolButton(self)
        self.redo.setDefaultAction(actions["redo"])
        self.order = QComboBox(self)
        self.order.setToolTip("The order of the pairs")
        self.order.addItem("As saved", "")
        for column in COLUMNS:
            if column.key != "name":
                self.order.addItem(column.title, column.key)
        self.down = QToolButton(self)
        self.down.setCheckable(True)
        self.down.setProperty("framed", True)
        self._show_direction(descending=False)
        self._ways = {}
        group = QButtonGroup(self)
        for way, text in (("sheet", "Sheet"), ("table", "Table")):
            button = QToolButton(self)
            button.setText(text)
            button.setObjectName(way)
            button.setCheckable(True)
            button.setProperty("framed", True)
            button.setToolTip(f"Show pairs as a {'contact sheet' if way == 'sheet' else 'table'} (V)")
            button.clicked.connect(self._on_way)
            group.addButton(button)
            self._ways[way] = button
        self._ways["sheet"].setChecked(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(6)
        row.addWidget(self.open)
        row.addSpacing(4)
        row.addWidget(self.title)
        row.addWidget(self.counts, 1)
        for widget in (self.undo, self.redo, self.trash, self.order, self.down, *self._ways.values()):
            row.addWidget(widget)
        self.order.activated.connect(self._on_order)
        self.down.clicked.connect(self._on_order)
        self.recent.triggered.connect(self._on_recent)

    def show_dataset(self, table: PairTable | None, shown: int, wanted: PairFilter) -> None:
        """Say what is open, and how many pairs of it are shown."""
        if table is None:
            self.title.setText("No dataset is open")
            self.counts.setText("")
            return
        self.title.setText(f"<b>{escape(table.folder.name)}</b>")
        self.title.setToolTip(escape(str(table.folder)))
        if wanted.trash:
            words = f"Trash: {shown:,} pair{'s' * (shown != 1)}"
        else:
            words = f"{shown:,} shown of " if wanted.narrows else ""
            words += f"{table.size:,} pair{'s' * (table.size != 1)}"
            excluded = int((table.excluded & ~table.trashed).sum())
            words += f" · {excluded:,} excluded" if excluded else ""
            words += " · plain folder" if table.is_plain else ""
        self.counts.setText(f" {words}")

    def show_recent(self, folders: tuple[Path, ...]) -> None:
        """Offer folders that were open before."""
        self.recent.clear()
        for folder in folders:
            action = self.recent.addAction(f"{folder.name}    {folder.parent}".replace("&", "&&"))
            action.setData(str(folder))
        if not folders:
            self.recent.addAction("Nothing was open before").setEnabled(False)

    def show_order(self, key: str, *, descending: bool) -> None:
        """Say how it is sorted."""
        self.order.setCurrentIndex(max(0, self.order.findData(key)))
        self._show_direction(descending=descending)

    def show_way(self, way: str) -> None:
        """Say how it is shown."""
        self._ways[way].setChecked(True)

    def _show_direction(self, *, descending: bool) -> None:
        self.down.setChecked(descending)
        self.down.setText("↓" if descending else "↑")
        self.down.setToolTip("Largest or newest first" if descending else "Smallest or oldest first")

    def _on_order(self) -> None:
        self._show_direction(descending=self.down.isChecked())
        self.order_chosen.emit(str(self.order.currentData() or ""), self.down.isChecked())

    def _on_recent(self, action: QAction) -> None:
        if action.data():
            self.recent_chosen.emit(Path(action.data()))

    def _on_way(self) -> None:
        self.way_chosen.emit(self.sender().objectName())


class TagLine(QLineEdit):
    """Takes a tag; a minus before it takes it away. Escape gives it up.

    Signals:
        given: tag and whether it is taken away; left: nothing (more) is typed.
    """

    given = Signal(str, bool)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Tag (T)")
        self.setToolTip("A scene tag for the selected pairs: Enter gives it, -tag takes it away")
        self.setFixedWidth(110)
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(completer)
        self.returnPressed.connect(self._on_return)

    def offer(self, tags: tuple[str, ...]) -> None:
        """Complete what is typed with tags that there are."""
        self._known.setStringList([*tags, *(f"-{tag}" for tag in tags)])

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Escape leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _on_return(self) -> None:
        text = self.text().strip()
        self.clear()
        if text.lstrip("-").strip():
            self.given.emit(text.lstrip("-").strip(), text.startswith("-"))
        self.left.emit()


class SelectionBar(QWidget):
    """What can be done with the selected pairs, and how large thumbnails are."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.count = QLabel(self)
        self.tag = TagLine(self)
        self._buttons = [_framed(actions[name], self) for name in ("exclude", "trash", "inspect")]
        self.progress = ElidedLabel(Qt.TextElideMode.ElideRight, self)
        self.progress.set_dim(dim=True)
        self.width_slider = QSlider(Qt.Orientation.Horizontal, self)
        self.width_slider.setRange(*WIDTHS_PX)
        self.width_slider.setFixedWidth(100)
        self.width_slider.setToolTip(
            "Width of a pair in the contact sheet, in pixels (+ and −, or Ctrl and the wheel)"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 8, 5)
        row.setSpacing(6)
        row.addWidget(self.count)
        row.addSpacing(6)
        row.addWidget(self.tag)
        for button in self._buttons:
            row.addWidget(button)
        row.addWidget(self.progress, 1)
        row.addSpacing(8)
        row.addWidget(self.width_slider)
