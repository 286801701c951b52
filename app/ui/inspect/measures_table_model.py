"""The measured results as a table that Qt can show and sort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.inspecting.measures import Measure
from app.inspecting.measures_table import Row, worst_first
from app.ui.theme import ACCENT, DIM, FAINT

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()
NAMES = ("Pair", "Method")


class MeasuresTableModel(QAbstractTableModel):
    """Rows in order of one column, the worst first (or last, when its head is clicked again)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._columns: list[Measure] = []
        self._by: str = ""
        self._best_first = False
        self._current = ""

    @property
    def rows(self) -> Sequence[Row]:
        """As they are shown."""
        return self._rows

    @property
    def columns(self) -> Sequence[Measure]:
        """Measures, behind the names."""
        return self._columns

    @property
    def sorted_by(self) -> Measure | None:
        """The column that gives the order; None: by name, or nothing is there."""
        return next((column for column in self._columns if column.key == self._by), None)

    @property
    def best_first(self) -> bool:
        """Whether the order is turned round."""
        return self._best_first

    def show(self, rows: Sequence[Row], columns: Sequence[Measure]) -> None:
        """Show these."""
        self.beginResetModel()
        self._columns = list(columns)
        self._rows = self._ordered(rows)
        self.endResetModel()

    def order_by(self, key: str, *, best_first: bool = False) -> None:
        """Sort by a measure the rows that are shown from now on; an empty key sorts by name."""
        self._by, self._best_first = key, best_first

    def set_current(self, item: str) -> None:
        """Mark the pair that is on screen."""
        if item == self._current:
            return
        self._current = item
        if self._rows:
            last = self.index(len(self._rows) - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last, [Qt.ItemDataRole.ForegroundRole])

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802
        """Return how many results are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802
        """Return names and measures."""
        return 0 if parent.isValid() else len(NAMES) + len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        """Return titles with units, and how to read them."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self._columns[section - len(NAMES)] if section >= len(NAMES) else None
        if role == Qt.ItemDataRole.DisplayRole:
            return NAMES[section] if column is None else column.heading
        if role == Qt.ItemDataRole.ToolTipRole:
            good = (
                "" if column is None else f"\nGood is {column.better}. Click: worst first, then best first."
            )
            return "Click to sort by name." if column is None else column.tip + good
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column is None else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a name or a value."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        is_name = index.column() < len(NAMES)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            if is_name:
                return (row.item, row.method)[index.column()]
            column = self._columns[index.column() - len(NAMES)]
            text = column.text(row.value(column.key))
            return text if role == Qt.ItemDataRole.DisplayRole else f"{text} {column.unit}".strip()
        if role == Qt.ItemDataRole.TextAlignmentRole and not is_name:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(row, index.column())
        return None

    def _colour(self, row: Row, column: int) -> QColor | None:
        if column == 0 and row.item == self._current:
            return QColor(ACCENT)
        if column == 1:
            return QColor(DIM)
        unknown = column >= len(NAMES) and row.value(self._columns[column - len(NAMES)].key) is None
        return QColor(FAINT) if unknown else None

    def _ordered(self, rows: Sequence[Row]) -> list[Row]:
        column = self.sorted_by
        if column is None:
            return sorted(rows, key=lambda row: (row.item, row.method), reverse=self._best_first)
        return worst_first(rows, column, best_first=self._best_first)
