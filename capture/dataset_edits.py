"""What people decide about pairs after they were captured: `edits.jsonl`. Format: docs/dataset.md.

Captured facts (`pairs.jsonl`, images) are never changed. An edit is a line at the end of `edits.jsonl`,
and so is taking it back. What a pair is now follows from its own line and all edits in order. Trash is a
folder: its files can be moved back.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from capture.dataset_files import MOST_LIST_BYTES, check_writable_layout, quoted, read_inside
from capture.dataset_lock import EDIT_LOCK_NAME, FolderLock
from capture.dataset_records import (
    MOST_TAGS,
    PAIRS_NAME,
    WRITTEN_FOLDERS,
    Fields,
    PairRecord,
    check_tag,
    from_line,
    image_path,
    is_pair_name,
    parse_json,
)
from capture.dataset_sessions import migrate
from capture.errors import DatasetError
from capture.files import make_folder, sync_folder
from capture.frames import ROLES

EDITS_NAME = "edits.jsonl"
MOST_EDIT_BYTES = 64 << 20
"""Of a line: one edit may name a million pairs."""


@dataclass(frozen=True)
class Edit:
    """A decision about some pairs.

    Attributes:
        names: of the pairs.
        add_tags, remove_tags: scene tags to give and to take.
        excluded: leave them out of training and export (True), or use them again (False); None: as before.
        trashed: move them to the trash, or back; None: as before.
    """

    names: tuple[str, ...]
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    excluded: bool | None = None
    trashed: bool | None = None


@dataclass(frozen=True)
class PairState:
    """What edits made of a pair: its tags in alphabetical order, whether it is excluded or in the trash."""

    tags: tuple[str, ...] = ()
    excluded: bool = False
    trashed: bool = False

    def after(self, edit: Edit) -> PairState:
        """Return the state after an edit of this pair. Raises DatasetError if it has too many tags then."""
        tags = tuple(sorted({*self.tags} - {*edit.remove_tags} | {*edit.add_tags}))
        if len(tags) > MOST_TAGS and len(tags) > len(self.tags):
            raise DatasetError(f"a pair can have {MOST_TAGS} tags at most")
        return PairState(
            tags,
            self.excluded if edit.excluded is None else edit.excluded,
            self.trashed if edit.trashed is None else edit.trashed,
        )


@dataclass
class Edits:
    """The state of all pairs of a dataset, as edits are read one after the other."""

    states: dict[str, PairState] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[PairRecord]) -> Edits:
        """Return the state of pairs as they were captured."""
        return cls({record.name: PairState(tuple(sorted({*record.tags}))) for record in records})

    @classmethod
    def read(cls, folder: Path, records: Iterable[PairRecord]) -> Edits:
        """Read all edits of a dataset. A last line that is not whole does not count. Raises DatasetError."""
        edits = cls.of(records)
        lines, _ = _whole_lines(folder)
        for number, line in enumerate(lines, start=1):
            try:
                edits.follow(from_edit_line(line))
            except DatasetError as error:
                raise DatasetError(f"{folder / EDITS_NAME}, line {number}: {error}") from error
        return edits

    def follow(self, edit: Edit) -> None:
        """Take an edit in; names that are not listed (any more) have nothing to change."""
        for name in edit.names:
            if name in self.states:
                self.states[name] = self.states[name].after(edit)

    def state(self, name: str) -> PairState:
        """Return the state of a pair; as captured if nothing is known of it."""
        return self.states.get(name, PairState())

    def applied(self, record: PairRecord) -> PairRecord:
        """Return the record with its tags and places as they are now."""
        state = self.states.get(record.name)
        if state is None or state == PairState(record.tags, record.excluded, record.trashed):
            return record
        return replace(record, tags=state.tags, excluded=state.excluded, trashed=state.trashed)


class DatasetEditor:
    """Edits the pairs of a dataset, also while it is being written, here or in another process.

    Any number of editors and threads may work on one folder: each edit takes a lock for as long as it takes
    and sees all edits before it.

    Args:
        folder: of the dataset.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._thread_lock = threading.Lock()
        self._known = _Known(folder)
        self._migrated = False

    def read_ahead(self) -> None:
        """Read what is known of the pairs now, so that the first edit need not wait for it.

        Raises DatasetError: it cannot be read.
        """
        with self._thread_lock:
            try:
                self._known.read()
            except OSError as error:
                raise DatasetError(f"cannot read {self.folder}: {error.strerror or error}") from error

    def apply(self, *edits: Edit) -> tuple[Edit, ...]:
        """Carry out edits, in order, and return those that take them back.

        Once it returns, the decision survives a power cut; moving the files of a trashed pair is completed by
        whoever opens the dataset next, if this process dies over it.

        Raises:
            DatasetError: a name is not in the dataset, a tag cannot be one, the folder cannot be written.
        """
        for edit in edits:
            for tag in (*edit.add_tags, *edit.remove_tags):
                check_tag(tag)
        with self._thread_lock:
            lock = FolderLock(self.folder, EDIT_LOCK_NAME)
            try:
                check_writable_layout(self.folder, WRITTEN_FOLDERS)
                lock.acquire(wait=True)
                try:
                    if not self._migrated:
                        migrate(self.folder)
                        self._migrated = True
                    state = self._known.read()
                    inverse = [back for edit in edits for back in _follow(state, edit)]
                    _append(self.folder, edits)
                    moved = {n for edit in edits if edit.trashed is not None for n in edit.names}
                    move_trash(self.folder, {name: state.state(name).trashed for name in moved})
                except BaseException:
                    self._known = _Known(self.folder)  # its state may be ahead of what is written
                    raise
                finally:
                    lock.release()
            except OSError as error:
                raise DatasetError(f"cannot edit {self.folder}: {error.strerror or error}") from error
        return tuple(reversed(inverse))


class _Known:
    """The state of a dataset, kept between edits: of lists that only grew, only the new lines are read."""

    def __init__(self, folder: Path) -> None:
        self._pairs, self._changes = ListTail(folder, PAIRS_NAME), ListTail(folder, EDITS_NAME)
        self._edits = Edits()

    def read(self) -> Edits:
        """Return the state as it is on disk now; nobody else may edit meanwhile. Raises DatasetError."""
        grew = [tail.grew() for tail in (self._pairs, self._changes)]
        if not all(grew):
            self._edits = Edits()
            self._pairs.restart()
            self._changes.restart()
        for line in self._pairs.take():
            record = from_line(line)
            self._edits.states.setdefault(record.name, PairState(tuple(sorted({*record.tags}))))
        for line in self._changes.take():
            self._edits.follow(from_edit_line(line))
        return self._edits


class ListTail:
    """The whole lines of a file that were not taken yet."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._path = folder, folder / name
        self._data = b""
        self._end = 0
        self._checksum = 0

    def grew(self) -> bool:
        """Read the file; return whether what was taken of it is still how it begins."""
        try:
            self._data = read_inside(self._folder, self._path, MOST_LIST_BYTES)
        except FileNotFoundError:
            self._data = b""
        return zlib.crc32(memoryview(self._data)[: self._end]) == self._checksum

    def restart(self) -> None:
        """Take everything again that was read just now."""
        self._end = 0

    def take(self) -> list[bytes]:
        """Return the lines after those that were taken before."""
        lines = self._data[self._end :].split(b"\n")[:-1]
        self._end = self._data.rfind(b"\n") + 1
        self._checksum = zlib.crc32(memoryview(self._data)[: self._end])
        self._data = b""
        return lines


def _follow(state: Edits, edit: Edit) -> list[Edit]:
    """Take an edit in and return what undoes it, one edit for all pairs that were in the same state."""
    groups: dict[Edit, list[str]] = {}
    for name in edit.names:
        if name not in state.states:
            raise DatasetError(f"the dataset has no pair {quoted(name)}")
        before = state.states[name]
        after = before.after(edit)
        back = Edit(
            names=(),
            add_tags=tuple(tag for tag in before.tags if tag not in after.tags),
            remove_tags=tuple(tag for tag in after.tags if tag not in before.tags),
            excluded=before.excluded if before.excluded != after.excluded else None,
            trashed=before.trashed if before.trashed != after.trashed else None,
        )
        if back != Edit(names=()):
            groups.setdefault(back, []).append(name)
        state.states[name] = after
    return [replace(back, names=tuple(names)) for back, names in groups.items()]


def move_trash(folder: Path, trashed: Mapping[str, bool]) -> int:
    """Put the files of pairs where they belong; return how many moved. Raises OSError."""
    moved = 0
    for name, is_trashed in trashed.items():
        for role in ROLES:
            source = image_path(folder, role, name, trashed=not is_trashed)
            target = image_path(folder, role, name, trashed=is_trashed)
            if source.is_file() and not target.exists():
                make_folder(target.parent)
                source.rename(target)
                moved += 1
    if moved:
        for role in ROLES:
            for example in (image_path(folder, role, "x"), image_path(folder, role, "x", trashed=True)):
                if example.parent.is_dir():
                    sync_folder(example.parent)
    return moved


def to_edit_line(edit: Edit) -> bytes:
    """Return the line of `edits.jsonl`, with its line feed."""
    values: dict[str, object] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "names": list(edit.names),
        "add_tags": list(edit.add_tags),
        "remove_tags": list(edit.remove_tags),
        "excluded": edit.excluded,
        "trashed": edit.trashed,
    }
    kept = {key: value for key, value in values.items() if value not in (None, [])}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def from_edit_line(line: bytes) -> Edit:
    """Read a line of `edits.jsonl`. Raises DatasetError that names the key."""
    fields = Fields(parse_json(line, MOST_EDIT_BYTES), "")
    fields.text("at")
    edit = Edit(
        names=fields.texts("names", most=1 << 20),
        add_tags=tuple(check_tag(tag) for tag in fields.texts("add_tags", most=MOST_TAGS)),
        remove_tags=tuple(check_tag(tag) for tag in fields.texts("remove_tags", most=MOST_TAGS)),
        excluded=fields.flag_or_none("excluded"),
        trashed=fields.flag_or_none("trashed"),
    )
    for name in edit.names:
        if not is_pair_name(name):
            raise DatasetError(f"names: {quoted(name)} cannot be the name of a pair")
    fields.done()
    return edit


def _append(folder: Path, edits: Iterable[Edit]) -> None:
    """Add lines, safely on disk; what a crash left of a last line was never acknowledged and is cut off."""
    _, end = _whole_lines(folder)
    data = b"".join(to_edit_line(edit) for edit in edits)
    descriptor = os.open(folder / EDITS_NAME, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    try:
        os.ftruncate(descriptor, end)
        os.lseek(descriptor, end, os.SEEK_SET)
        rest = data
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
    sync_folder(folder)


def _whole_lines(folder: Path) -> tuple[list[bytes], int]:
    """Return the lines that end in a line feed, and where they end in bytes. Raises DatasetError."""
    try:
        data = read_inside(folder, folder / EDITS_NAME, MOST_LIST_BYTES)
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise DatasetError(f"cannot read {folder / EDITS_NAME}: {error.strerror or error}") from error
    *lines, rest = data.split(b"\n")
    return lines, len(data) - len(rest)
