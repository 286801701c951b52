"""The pairs on screen as a Qt model: rows of the table in the order and choice that a person wants."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QColor

from app.browsing.columns import COLUMNS
from app.browsing.filters import PairFilter, rows_of
from app.browsing.table import PairTable, Rows
from app.ui.theme import ACCENT, FAINT
from capture.dataset_records import PairRecord

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()


class PairModel(QAbstractTableModel):
    """Shows a `PairTable`. Filtering and sorting are numpy on the whole table; no row has an object."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table: PairTable | None = None
        self._rows: Rows = np.zeros(0, np.intp)
        self._filter = PairFilter()
        self._sort_key = ""
        self._descending = False
        self._warned, self._excluded = QColor(ACCENT), QColor(FAINT)

    # --- what is shown ---

    @property
    def table(self) -> PairTable | None:
        """The dataset, None before one is open."""
        return self._table

    @property
    def rows(self) -> Rows:
        """Rows of the table that are on screen, in order."""
        return self._rows

    @property
    def wanted(self) -> PairFilter:
        """What is let through."""
        return self._filter

    @property
    def order(self) -> tuple[str, bool]:
        """Key of the column that it is sorted by ("": as saved), and whether downwards."""
        return self._sort_key, self._descending

    def record(self, row: int) -> PairRecord:
        """Return the pair in a row of the model."""
        assert self._table is not None
        return self._table.records[int(self._rows[row])]

    def show_table(self, table: PairTable | None) -> None:
        """Show a dataset, or what became of it; keeps views where they are if only values changed."""
        before = self._table
        if table is None:
            self.beginResetModel()
            self._table, self._rows = None, np.zeros(0, np.intp)
            self.endResetModel()
            return
        rows = self._arranged(table)
        count = len(self._rows)
        same_start = before is not None and before.folder == table.folder and len(rows) >= count
        if same_start and np.array_equal(rows[:count], self._rows):
            self._append(table, rows)
        else:
            self._reset(table, rows)

    def set_filter(self, wanted: PairFilter) -> None:
        """Let other pairs through."""
        if wanted != self._filter:
            self._filter = wanted
            self._rearrange()

    def set_order(self, key: str, *, descending: bool) -> None:
        """Sort by a column; "" is the order in which pairs were saved."""
        if (key, descending) != (self._sort_key, self._descending):
            self._sort_key, self._descending = key, descending
            self._rearrange()

    def _rearrange(self) -> None:
        if self._table is not None:
            self._reset(self._table, self._arranged(self._table))

    def _arranged(self, table: PairTable) -> Rows:
        rows = rows_of(table, self._filter)
        if self._sort_key:
            return table.sorted_rows(rows, self._sort_key, descending=self._descending)
        return rows[::-1] if self._descending else rows

    def _append(self, table: PairTable, rows: Rows) -> None:
        count = len(self._rows)
        if len(rows) > count:
            self.beginInsertRows(_NO_INDEX, count, len(rows) - 1)
            self._table, self._rows = table, rows
            self.endInsertRows()
        else:
            self._table = table
        if count:
            self.dataChanged.emit(self.index(0, 0), self.index(count - 1, len(COLUMNS) - 1))

    def _reset(self, table: PairTable, rows: Rows) -> None:
        self.beginResetModel()
        self._table, self._rows = table, rows
        self.endResetModel()

    # --- selections ---

    def selected_rows(self, selection: QItemSelectionModel) -> Rows:
        """Return the rows of the table (not of the model) that are selected, in the order on screen."""
        chosen = np.zeros(len(self._rows), np.bool_)
        chosen_spans = selection.selection()
        for number in range(chosen_spans.count()):
            span = chosen_spans.at(number)
            chosen[span.top() : span.bottom() + 1] = True
        return self._rows[chosen]

    def selection_of(self, table_rows: Rows) -> QItemSelection:
        """Return the selection of these rows of the table, as far as they are on screen."""
        selection = QItemSelection()
        if self._table is None or not len(table_rows):
            return selection
        wanted = np.zeros(len(self._table), np.bool_)
        wanted[table_rows[table_rows < len(wanted)]] = True
        edges = np.diff(np.concatenate([[0], wanted[self._rows].astype(np.int8), [0]]))
        last = len(COLUMNS) - 1
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            selection.select(self.index(start, 0), self.index(end - 1, last))
        return selection

    def model_row(self, table_row: int) -> int:
        """Return where a row of the table is on screen, −1 if it is not."""
        found = np.flatnonzero(self._rows == table_row)
        return int(found[0]) if len(found) else -1

    # --- Qt's questions ---

    def rowCount(self, parent: Index = _NO_INDEX) -> int:  # noqa: N802
        """Return how many pairs are let through."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if self._table is None or not index.isValid():
            return None
        record, column = self.record(index.row()), COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(record)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column.value is None else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole:
            if column.key in record.warnings:
                return self._warned
            return self._excluded if record.excluded else None
        if role == Qt.ItemDataRole.ToolTipRole and column.key in ("tags", "saved"):
            return escape(column.text(record)) or None
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return titles with units, and tooltips."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.heading
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{column.tip}{f' [{column.unit}]' if column.unit else ''}. Click to sort."
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column.value is None else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column that was clicked; column −1 is the order of saving."""
        key = COLUMNS[column].key if 0 <= column < len(COLUMNS) else ""
        self.set_order(key, descending=order == Qt.SortOrder.DescendingOrder)
