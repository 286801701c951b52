"""The pairs of a source at the left of the page: any number of them, filtered by name, with what is done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QLabel, QLineEdit, QListView, QVBoxLayout, QWidget

from app.ui.theme import DIM, VERMILION

Index = QModelIndex | QPersistentModelIndex


class ItemModel(QAbstractListModel):
    """Names that pass the filter. Costs nothing per row until a row is painted."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._all: Sequence[str] = ()
        self._rows: list[str] = []
        self._filter = ""
        self._problems: dict[str, str] = {}

    @property
    def rows(self) -> Sequence[str]:
        """The names on screen, in order."""
        return self._rows

    def show_items(self, items: Sequence[str]) -> None:
        """Show other names."""
        self._all = items
        self._problems = {}
        self._apply()

    def set_filter(self, text: str) -> None:
        """Show names that contain a text, whatever the case."""
        self._filter = text.strip().casefold()
        self._apply()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return how many names there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a name; a pair of which a result could not be made stands out, and its tip says why."""
        name = self._rows[index.row()]
        problem = self._problems.get(name, "")
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{name}  !" if problem else name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{name}\n{problem}" if problem else name
        if role == Qt.ItemDataRole.ForegroundRole and problem:
            return QColor(VERMILION)
        return None

    def mark_problem(self, name: str, problem: str) -> None:
        """Say that a result of a pair could not be made, and why."""
        self._problems[name] = problem
        if name in self._rows:
            place = self.index(self._rows.index(name), 0)
            self.dataChanged.emit(place, place)

    def _apply(self) -> None:
        self.beginResetModel()
        self._rows = [name for name in self._all if self._filter in name.casefold()]
        self.endResetModel()


class ItemList(QWidget):
    """A filter, the names, and how many there are.

    Signals:
        chosen: the name that became the current one, by mouse or keyboard.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("Filter by name")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter pairs by name")
        self.model = ItemModel(self)
        self.view = QListView(self)
        self.view.setModel(self.model)
        self.view.setUniformItemSizes(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setFrameShape(QListView.Shape.NoFrame)
        self.view.setAccessibleName("Pairs")
        self.view.setToolTip("Up and Down go from pair to pair; select several to run them alone.")
        self.count = QLabel(self)
        self.count.setStyleSheet(f"color: {DIM};")
        self.count.setProperty("role", "small")
        self.count.setContentsMargins(8, 2, 8, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 2, 0)
        column.setSpacing(4)
        column.addWidget(self.filter)
        column.addWidget(self.view, 1)
        column.addWidget(self.count)
        self.setMinimumWidth(120)
        self.filter.textChanged.connect(self._on_filter)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self._total = 0
        self._current = ""

    @property
    def selected(self) -> list[str]:
        """The names that are selected, in order; at least the current one if there is any."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [self.model.rows[row] for row in rows]

    def show_items(self, items: Sequence[str]) -> None:
        """Show the names of a source."""
        self._total = len(items)
        self.model.show_items(items)
        self._count()

    def show_current(self, name: str) -> None:
        """Mark the current one, without telling."""
        self._current = name
        if name not in self.model.rows:
            return
        index = self.model.index(self.model.rows.index(name), 0)
        if index.row() != self.view.currentIndex().row():
            selection = self.view.selectionModel()
            selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.view.scrollTo(index)

    def _on_filter(self, text: str) -> None:
        self.model.set_filter(text)
        self._count()
        self.show_current(self._current)

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid():
            name = self.model.rows[index.row()]
            if name != self._current:
                self._current = name
                self.chosen.emit(name)

    def _count(self) -> None:
        shown = len(self.model.rows)
        words = f"{self._total} pairs" if shown == self._total else f"{shown} of {self._total} pairs"
        self.count.setText(words if self._total != 1 else "1 pair")
