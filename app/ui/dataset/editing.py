"""What can be done with the selected pairs: tag, exclude, throw away, bring back; undo and redo."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from app.browsing.undo import titled
from app.ui.dataset.bars import SelectionBar
from app.ui.dataset.model import PairModel
from app.ui.dataset.selection import Selection
from app.ui.dataset.session import DatasetSession
from capture.dataset_edits import Edit
from capture.dataset_records import check_tag
from capture.errors import DatasetError

_KEYS = {"undo": "Ctrl+Z", "redo": "Ctrl+Shift+Z"}


class Editing(QObject):
    """Turns commands into edits, and says which are possible.

    Signals:
        refused: why something cannot be done.
        told: a word in passing.
    """

    refused = Signal(str)
    told = Signal(str)

    def __init__(
        self,
        session: DatasetSession,
        model: PairModel,
        selection: Selection,
        bar: SelectionBar,
        actions: Mapping[str, QAction],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._model = model
        self._selection = selection
        self._bar = bar
        self._actions = actions
        for name, slot in {
            "tag": self._on_tag_key,
            "exclude": self._on_exclude,
            "trash": self._on_trash,
            "undo": session.undo,
            "redo": session.redo,
        }.items():
            actions[name].triggered.connect(slot)
        bar.tag.given.connect(self._on_tag)
        selection.changed.connect(self.show_possible)
        session.history_changed.connect(self.show_history)

    def show_possible(self) -> None:
        """Enable what can be done with what is selected."""
        table, rows = self._model.table, self._selection.rows
        count = len(rows)
        self._bar.count.setText(f"{count:,} selected")
        editable = count > 0 and table is not None and not table.is_plain
        in_trash = self._model.wanted.trash
        self._bar.tag.setEnabled(editable)
        self._actions["exclude"].setEnabled(editable and not in_trash)
        self._actions["trash"].setEnabled(editable)
        self._actions["inspect"].setEnabled(count > 0 and not in_trash)
        self._actions["trash"].setText("Restore" if in_trash else "Move to trash")
        all_excluded = editable and table is not None and bool(table.excluded[rows].all())
        self._actions["exclude"].setText("Include" if all_excluded else "Exclude")

    def show_history(self) -> None:
        """Say what can be undone and redone."""
        for name, title in (("undo", self._session.undo_title), ("redo", self._session.redo_title)):
            action = self._actions[name]
            action.setEnabled(bool(title))
            words = f"{name.capitalize()}: {title}" if title else f"Nothing to {name}"
            action.setToolTip(f"{words} ({_KEYS[name]})")

    def _on_tag_key(self) -> None:
        if self._bar.tag.isEnabled():
            self._bar.tag.setFocus()
            self._bar.tag.selectAll()
        else:
            self.told.emit("Select pairs first")

    def _on_tag(self, tag: str, taken: bool) -> None:
        names = self._selection.names
        try:
            check_tag(tag)
        except DatasetError as error:
            self.refused.emit(str(error))
            return
        title = titled("Untag" if taken else "Tag", len(names), tag)
        edit = Edit(names, remove_tags=(tag,)) if taken else Edit(names, add_tags=(tag,))
        self._session.edit(title, edit)

    def _on_exclude(self) -> None:
        table, names = self._model.table, self._selection.names
        if table is not None:
            excluded = not bool(table.excluded[self._selection.rows].all())
            title = titled("Exclude" if excluded else "Include", len(names))
            self._session.edit(title, Edit(names, excluded=excluded))

    def _on_trash(self) -> None:
        names, back = self._selection.names, self._model.wanted.trash
        title = titled("Restore" if back else "Move to trash:", len(names))
        self._session.edit(title, Edit(names, trashed=not back))
