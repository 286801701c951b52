"""What a dataset holds already, for a session that adds to it: names, signatures, the last few pictures."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from app.capturing.fingerprints import Fingerprints, Signature, signature
from app.capturing.gates import Verdict
from app.capturing.measuring import thumbnail
from app.capturing.picture_measures import small_picture
from app.capturing.status import SavedPair
from capture.dataset import DatasetEditor, DatasetReader, Edit, PairRecord
from capture.dataset_edits import EDITS_NAME
from capture.errors import DatasetError

log = logging.getLogger(__name__)

STRIP_LENGTH = 24
SHOWN_AT_FIRST = 8


@dataclass(frozen=True, eq=False)
class _Discarded:
    """What is needed to take a pair in again: its place, its signature, its place in the strip."""

    name: str
    place: int
    signature: Signature | None
    shown: SavedPair | None


class History:
    """The pairs of the open dataset. One thread at a time.

    Args:
        folder: of the dataset; None: none is open, and there are no pairs.

    Attributes:
        missing: pairs that nobody has looked at yet: duplicates of them are not noticed.

    Raises:
        DatasetError: its list cannot be read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._fingerprints = Fingerprints(folder)
        self._names: list[str] = []
        self._last: str | None = None  # that somebody looked at
        self._strip: deque[SavedPair] = deque(maxlen=STRIP_LENGTH)
        self._discarded: list[_Discarded] = []
        self.missing: deque[PairRecord] = deque()
        self._reader: DatasetReader | None = None
        self._editor: DatasetEditor | None = None
        if folder is not None:
            self._reader = reader = DatasetReader.open(folder)
            self._editor = DatasetEditor(folder)
            self._names = [record.name for record in reader]
            self._last = self._names[-1] if self._names else None
            unknown = set(self._fingerprints.load(self._names))
            # What was saved last is most likely to come again.
            self.missing.extend(record for record in reversed(reader.records) if record.name in unknown)
            for record in reader.records[-SHOWN_AT_FIRST:]:
                self._show_again(record)
        self._edits_size = self._size_of_edits()

    def __len__(self) -> int:
        return len(self._names)

    @property
    def strip(self) -> tuple[SavedPair, ...]:
        """Return what was saved last, oldest first."""
        return tuple(self._strip)

    def distance(self, value: Signature) -> float | None:
        """Return the distance to the most similar pair, 0 … 2; None if there is none."""
        return self._fingerprints.distance(value)

    def distance_to_last(self, value: Signature) -> float | None:
        """Return the distance to the pair that was saved last; None if it is not known."""
        return None if self._last is None else self._fingerprints.distance_to(self._last, value)

    def add(self, name: str, value: Signature | None) -> None:
        """Take in a pair that was just saved; None: nobody looked at it."""
        self._names.append(name)
        self._discarded.clear()  # what is undone first is this
        if value is not None:
            self._fingerprints.add(name, value)
            self._last = name

    def show(self, pair: SavedPair) -> None:
        """Append to the strip."""
        self._strip.append(pair)

    @property
    def can_undo(self) -> bool:
        """Return whether there is something to take back: a save, or a pair that was discarded."""
        return bool(self._names or self._discarded)

    def undo(self) -> str:
        """Take back what was done last, and return what that was, in one line: a save or `discard`.

        Raises DatasetError.
        """
        if self._discarded:
            name = self._discarded[-1].name
            self._restore(self._discarded[-1])
            self._discarded.pop()
            return f"Pair {name} is back"
        if not self._names:
            raise DatasetError("there is no save to take back")
        name = self._names[-1]
        self._remove(name)
        return f"Pair {name} is in the trash"

    def discard(self, name: str) -> str:
        """Move a pair to the trash, and return what was done, in one line. Raises DatasetError."""
        self._discarded.append(self._remove(name))
        return f"Pair {name} is in the trash"

    @property
    def is_stale(self) -> bool:
        """Return whether somebody else has edited the dataset since it was read."""
        return self._size_of_edits() != self._edits_size

    def sign_one(self) -> None:
        """Look at one of the pairs that nobody has looked at yet."""
        record = self.missing.popleft()
        assert self._reader is not None
        try:
            mono = self._reader.load_frame(record, "mono")
        except DatasetError:
            log.info("pair %s could not be looked at", record.name, exc_info=True)
        else:
            self._fingerprints.add(record.name, signature(small_picture(mono)))

    def _remove(self, name: str) -> _Discarded:
        if self._editor is None or name not in self._names:
            raise DatasetError(f"the dataset has no pair {name}")
        self._edit(Edit((name,), trashed=True))
        shown = next((pair for pair in self._strip if pair.name == name), None)
        removed = _Discarded(name, self._names.index(name), self._fingerprints.value(name), shown)
        self._names.remove(name)
        self._fingerprints.remove(name)
        self._last = self._names[-1] if self._names else None
        self._strip = deque((pair for pair in self._strip if pair.name != name), maxlen=STRIP_LENGTH)
        return removed

    def _edit(self, edit: Edit) -> None:
        assert self._editor is not None
        was_stale = self.is_stale
        self._editor.apply(edit)
        if not was_stale:
            self._edits_size = self._size_of_edits()

    def _size_of_edits(self) -> int:
        if self._editor is None:
            return 0
        try:
            return (self._editor.folder / EDITS_NAME).stat().st_size
        except OSError:  # there are none
            return 0

    def _restore(self, removed: _Discarded) -> None:
        self._edit(Edit((removed.name,), trashed=False))
        self._names.insert(removed.place, removed.name)
        if removed.signature is not None:
            self._fingerprints.add(removed.name, removed.signature)
        if removed.shown is not None:
            strip = sorted((*self._strip, removed.shown), key=lambda pair: self._names.index(pair.name))
            self._strip = deque(strip, maxlen=STRIP_LENGTH)
        self._last = self._names[-1]

    def _show_again(self, record: PairRecord) -> None:
        assert self._reader is not None
        try:
            picture = thumbnail(self._reader.load(record))
        except DatasetError:
            log.info("pair %s could not be shown", record.name, exc_info=True)
        else:
            self._strip.append(
                SavedPair(record.name, picture, Verdict(record.gates, (), record.warnings), record.tags)
            )
