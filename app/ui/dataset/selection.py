"""Which pairs are selected, and which is the current one: kept while rows move, go and come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QObject, Signal

from app.browsing.table import Rows
from app.ui.dataset.model import PairModel
from capture.dataset_records import PairRecord

_Flag = QItemSelectionModel.SelectionFlag


class Selection(QObject):
    """The one selection that sheet and table share.

    Signals:
        changed: other pairs are selected.
        moved: another pair is the current one, or none.
    """

    changed = Signal()
    moved = Signal()

    def __init__(
        self, model: PairModel, selection: QItemSelectionModel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._selection = selection
        self._row = -1
        selection.selectionChanged.connect(self._on_changed)
        selection.currentChanged.connect(self._on_moved)

    @property
    def rows(self) -> Rows:
        """The rows of the table (not of the model) that are selected, in the order on screen."""
        return self._model.selected_rows(self._selection)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the selected pairs, in the order on screen."""
        table = self._model.table
        return () if table is None else tuple(table.records[row].name for row in self.rows.tolist())

    @property
    def current(self) -> PairRecord | None:
        """The current pair."""
        index = self._selection.currentIndex()
        return self._model.record(index.row()) if index.isValid() else None

    @property
    def place(self) -> int:
        """Where the current pair is on screen; −1 without one."""
        return self._selection.currentIndex().row()

    def clear(self) -> None:
        """Select nothing."""
        self._selection.clear()

    def begin(self) -> None:
        """Make the first pair the current one, if none is."""
        if self._model.rowCount() and not self._selection.currentIndex().isValid():
            self._selection.setCurrentIndex(self._model.index(0, 0), _Flag.NoUpdate)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Select the same pairs after rows have moved, and stay at the current one, or near it."""
        before, rows, current = self._model.table, self.rows, self.current
        yield
        table = self._model.table
        if table is None or before is None or before.folder != table.folder:
            return
        if len(rows) and not len(self.rows):
            self._selection.select(self._model.selection_of(rows), _Flag.ClearAndSelect | _Flag.Rows)
        now = self.current
        if now is not None and current is not None and now.name == current.name:
            return
        row = self._model.model_row(table.row_of.get(current.name, -1)) if current is not None else -1
        if row < 0:
            row = min(max(self._row, 0), self._model.rowCount() - 1)
        if row >= 0:
            self._selection.setCurrentIndex(self._model.index(row, 0), _Flag.NoUpdate)
        else:
            self.moved.emit()

    def _on_changed(self) -> None:
        self.changed.emit()

    def _on_moved(self, index: QModelIndex) -> None:
        if index.isValid():
            self._row = index.row()
        self.moved.emit()
