"""The table of a dataset, kept up with its files: what is recorded or edited meanwhile, here or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from app.browsing.table import PairTable
from capture.dataset_edits import EDITS_NAME, Edits, ListTail, from_edit_line
from capture.dataset_reader import DatasetReader
from capture.dataset_records import DATASET_NAME, PAIRS_NAME, PairRecord, from_line, read_sessions
from capture.errors import DatasetError

FIRST_PAIRS = 300
"""Pairs that are shown while the others are still being read."""

TOLD_EVERY = 2048

Stamp = tuple[tuple[int, int], ...]


class Feed:
    """Reads a dataset, then only what was added to it. For one thread at a time.

    Args:
        folder: a captured dataset, or a plain folder with `mono/` and `color/`.
        told: called now and then with the number of pairs read so far; what it raises ends the reading.
    """

    def __init__(self, folder: Path, told: Callable[[int], None] | None = None) -> None:
        self._folder = folder
        self._told = told
        self._pairs, self._changes = ListTail(folder, PAIRS_NAME), ListTail(folder, EDITS_NAME)
        self._edits = Edits()
        self._pairs_read = self._edits_read = 0
        self._stamp: Stamp = ()
        self._broken = False
        self._table = PairTable(folder)

    @property
    def table(self) -> PairTable:
        """Return what was read last."""
        return self._table

    def open(self, show_first: Callable[[PairTable], None] | None = None) -> PairTable:
        """Read everything.

        Args:
            show_first: gets the first pairs of a long list before the others are read.

        Raises DatasetError that names the line.
        """
        if not self._folder.is_dir():
            raise DatasetError(f"{self._folder} is not a folder")
        if not any((self._folder / name).exists() for name in (PAIRS_NAME, DATASET_NAME)):
            reader = DatasetReader.open(self._folder)
            self._stamp = self._look()
            self._table = PairTable.of(self._folder, reader.records, is_plain=True)
            return self._table
        try:
            self._stamp = self._look()
            self._read_anew(show_first)
        except OSError as error:
            raise DatasetError(f"cannot read {self._folder}: {error.strerror or error}") from error
        return self._table

    def poll(self) -> PairTable | None:
        """Return the table if it changed since it was read last, else None.

        Of lists that only grew only the new lines are read.

        Raises DatasetError that names the line, once for every time that the files change.
        """
        if self._table.is_plain or self._look() == self._stamp:
            return None
        before, self._stamp = self._table, self._look()
        try:
            grew = [tail.grew() for tail in (self._pairs, self._changes)]
            if all(grew) and not self._broken:
                self._take_new()
            else:
                self._read_anew(None)
            self._broken = False
        except OSError as error:
            self._broken = True
            raise DatasetError(f"cannot read {self._folder}: {error.strerror or error}") from error
        except DatasetError:
            self._broken = True
            raise
        return None if self._table is before else self._table

    def _take_new(self) -> None:
        before = self._table
        new = list(self._new_records())
        changed = {}
        for name in self._follow_edits():
            row = before.row_of.get(name)
            if row is not None:
                record = self._edits.applied(before.records[row])
                if record is not before.records[row]:
                    changed[row] = record
        table = before.changed(changed)
        if new:
            table = table.grown([self._edits.applied(record) for record in new])
        sessions = tuple(read_sessions(self._folder))
        self._table = table if sessions == table.sessions else replace(table, sessions=sessions)

    def _read_anew(self, show_first: Callable[[PairTable], None] | None) -> None:
        self._edits = Edits()
        self._pairs_read = self._edits_read = 0
        for tail in (self._pairs, self._changes):
            tail.grew()
            tail.restart()
        sessions = read_sessions(self._folder)
        changes = self._changes.take()
        records: list[PairRecord] = []
        for record in self._new_records():
            records.append(record)
            if len(records) == FIRST_PAIRS and show_first is not None:
                preview = Edits.of(records)
                self._follow(preview, changes)
                show_first(self._made(preview, records, sessions))
        self._follow(self._edits, changes)
        self._edits_read = len(changes)
        self._table = self._made(self._edits, records, sessions)

    def _made(self, edits: Edits, records: list[PairRecord], sessions: list[dict[str, object]]) -> PairTable:
        return PairTable.of(self._folder, [edits.applied(record) for record in records], sessions)

    def _new_records(self) -> Iterator[PairRecord]:
        """Return the pairs of new lines, one by one."""
        known = self._edits.states
        for line in self._pairs.take():
            self._pairs_read += 1
            place = f"{self._folder / PAIRS_NAME}, line {self._pairs_read}"
            try:
                record = from_line(line)
            except DatasetError as error:
                raise DatasetError(f"{place}: {error}") from error
            if record.name in known:
                raise DatasetError(f"{place}: name: {record.name!r} is listed twice")
            known.update(Edits.of([record]).states)
            if self._told is not None and self._pairs_read % TOLD_EVERY == 0:
                self._told(self._pairs_read)
            yield record

    def _follow_edits(self) -> set[str]:
        """Take in new edits; return the names of the pairs they are about."""
        lines = self._changes.take()
        names = self._follow(self._edits, lines)
        self._edits_read += len(lines)
        return names

    def _follow(self, edits: Edits, lines: list[bytes]) -> set[str]:
        names: set[str] = set()
        for number, line in enumerate(lines, start=self._edits_read + 1):
            try:
                edit = from_edit_line(line)
                edits.follow(edit)
            except DatasetError as error:
                raise DatasetError(f"{self._folder / EDITS_NAME}, line {number}: {error}") from error
            names.update(edit.names)
        return names

    def _look(self) -> Stamp:
        """Return size and time of the lists: cheap enough to be asked every second."""
        return tuple(map(_stamp, (self._folder / name for name in (PAIRS_NAME, EDITS_NAME, DATASET_NAME))))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 (a link is not followed out of the folder to be read, only looked at)
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns
