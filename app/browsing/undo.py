"""Edits of a dataset that can be taken back and done again."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from capture.dataset_edits import DatasetEditor, Edit

MOST_STEPS = 200


@dataclass(frozen=True)
class Step:
    """Something a person did, and how to go on from the other side of it.

    Attributes:
        title: what it was, as a menu says it: "Tag 12 pairs: outdoor".
        edits: what takes it back (or does it again).
    """

    title: str
    edits: tuple[Edit, ...]


class EditHistory:
    """What was done to a dataset from here, in order. `do`, `undo` and `redo` wait for the disk.

    Methods may be called from any thread, one of those that wait at a time.
    """

    def __init__(self, editor: DatasetEditor) -> None:
        self._editor = editor
        self._lock = threading.Lock()
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def undo_title(self) -> str:
        """Return what `undo` would take back, empty if there is nothing."""
        with self._lock:
            return self._done[-1].title if self._done else ""

    @property
    def redo_title(self) -> str:
        """Return what `redo` would do again, empty if there is nothing."""
        with self._lock:
            return self._undone[-1].title if self._undone else ""

    def do(self, title: str, edit: Edit) -> bool:
        """Carry out an edit; False if it changed nothing. Raises DatasetError."""
        back = self._editor.apply(edit)
        if not back:
            return False
        with self._lock:
            self._done.append(Step(title, back))
            del self._done[:-MOST_STEPS]
            self._undone.clear()
        return True

    def undo(self) -> str:
        """Take back what was done last; return its title, empty if there was nothing. Raises DatasetError."""
        return self._turn(self._done, self._undone)

    def redo(self) -> str:
        """Do again what was taken back last; return its title, empty if there was nothing."""
        return self._turn(self._undone, self._done)

    def _turn(self, source: list[Step], target: list[Step]) -> str:
        with self._lock:
            if not source:
                return ""
            step = source[-1]
        back = self._editor.apply(*step.edits)
        with self._lock:
            source.remove(step)
            target.append(Step(step.title, back))
        return step.title


def titled(verb: str, count: int, what: str = "") -> str:
    """Return the title of an edit: "Tag 1 pair: outdoor"."""
    return f"{verb} {count:,} pair{'s' * (count != 1)}{f': {what}' if what else ''}"
