"""Captured pairs, written so that a crash costs at most the pair under way. Format: docs/dataset.md."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from capture.calibration import RigCalibration, dump_calibration
from capture.dataset_events import DatasetEvent, append_event
from capture.dataset_files import check_writable_layout
from capture.dataset_lock import EDIT_LOCK_NAME, LOCK_NAME, FolderLock
from capture.dataset_notes import PairNote, SessionAbout
from capture.dataset_records import (
    DATASET_NAME,
    PAIRS_NAME,
    WRITTEN_FOLDERS,
    FrameRecord,
    PairRecord,
    image_path,
    read_sessions,
    to_line,
)
from capture.dataset_repair import Repairs, repair, used_numbers
from capture.dataset_sessions import describe_rig, keep_calibration, write_sessions
from capture.errors import DatasetError
from capture.files import (
    TEMPORARY_SUFFIX,
    make_folder,
    sync_folder,
    temporary_path,
    write_synced,
)
from capture.frames import ROLES, Frame, FramePair
from capture.png import encode_png
from capture.rig import RigInfo

log = logging.getLogger(__name__)

WRITING_THREADS = 2
"""Encoding is what takes time; more threads only come in each other's way on two cores."""

_NOTHING_KNOWN = SessionAbout()
_NO_NOTE = PairNote()


@dataclass(frozen=True)
class SavedGroup:
    """What became of pairs that were to be saved together.

    Attributes:
        names: of those that are on disk now: the first ones, in order.
        size_bytes: what their images take there.
        error: why the next one is not; None if all are.
    """

    names: tuple[str, ...]
    size_bytes: int = 0
    error: DatasetError | None = None


class DatasetWriter:
    """Appends pairs to a dataset, which is made if the folder is missing or empty and repaired if it is not.

        with DatasetWriter(folder, rig.info, calibration) as dataset:
            name = dataset.save(pair)

    One thread at a time. Once `save` or `save_group` returns, the pairs survive the death of this process and
    a power cut.

    Args:
        folder: the dataset's folder; its parents are made.
        rig: what the pairs come from; noted in `dataset.toml`.
        calibration: a copy goes into the dataset.
        about: what else is known of this session.
    """

    def __init__(
        self,
        folder: Path,
        rig: RigInfo,
        calibration: RigCalibration | None = None,
        about: SessionAbout = _NOTHING_KNOWN,
    ) -> None:
        self.folder = folder
        self.repairs = Repairs()
        self._rig = rig
        self._calibration = calibration
        self._about = about
        self._sessions: list[dict[str, object]] = []
        self._lock = FolderLock(folder)
        self._list: int | None = None
        self._session = 0
        self._next = 0
        self._count = 0
        self._last: str | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def count(self) -> int:
        """Return how many pairs the dataset lists."""
        return self._count

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Lock, make or repair the dataset. `repairs` says what had to be done.

        Raises:
            DatasetError: the folder cannot be written, holds something else, is being written by another
                process, or
                was damaged in a way no crash explains.
        """
        try:
            self._open()
        except OSError as error:
            self.close()
            raise DatasetError(f"cannot write to {self.folder}: {_reason(error)}") from error
        except DatasetError:
            self.close()
            raise

    def close(self) -> None:
        """Let the folder go. Idempotent."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        if self._list is not None:
            os.close(self._list)
            self._list = None
        self._lock.release()

    def save(self, pair: FramePair, note: PairNote = _NO_NOTE) -> str:
        """Write one pair as the sensors gave it, with what is known of it, and return its name.

        Raises DatasetError if it cannot be written. The dataset is then as it was before, and `save` may be
        tried again.
        """
        saved = self.save_group([(pair, note)])
        if saved.error is not None:
            raise saved.error
        return saved.names[0]

    def save_group(self, group: Sequence[tuple[FramePair, PairNote]], *, stored: bool = False) -> SavedGroup:
        """Write pairs that go to disk together: folders and list are flushed once for all of them.

        Names are given in the order of the pairs. Where one cannot be written, those before it are saved, and
        neither it nor those after it leave a trace.

        Args:
            group: pairs with what is known of them.
            stored: leave the images uncompressed, for when time is short; see `encode_png`.
        """
        if self._list is None or self._pool is None:
            return SavedGroup((), error=DatasetError(f"{self.folder} is not open for writing"))
        names = [f"{self._next + position:06d}" for position in range(len(group))]
        # All images at once: encoding and waiting for the disk leave the interpreter to others.
        drafts = [
            [
                self._pool.submit(_draft_image, frame, image_path(self.folder, frame.role, name), stored)
                for frame in (pair.mono, pair.color)
            ]
            for name, (pair, _) in zip(names, group, strict=True)
        ]
        wait([half for halves in drafts for half in halves])  # all are over before anything is cleared away
        records: list[PairRecord] = []
        lines: list[bytes] = []
        failure: OSError | DatasetError | MemoryError | None = None
        try:
            for name, (pair, note), halves in zip(names, group, drafts, strict=True):
                mono, color = (half.result() for half in halves)
                record = self._record(name, pair, note, mono, color)
                lines.append(to_line(record))
                records.append(record)
        except (OSError, DatasetError, MemoryError) as error:
            failure = error
        try:
            self._list_pairs(records, b"".join(lines))
        except OSError as error:
            failure, records = error, []
        saved = SavedGroup(
            tuple(record.name for record in records), sum(_size_bytes(record) for record in records)
        )
        if failure is None:
            return saved
        self._take_back(names[len(records) :])
        told = DatasetError(
            f"pair {names[len(records)]} was not saved: {_reason(failure)}. "
            f"The {self._count} pairs in {self.folder} are safe"
        )
        told.__cause__ = failure
        return replace(saved, error=told)

    def _record(
        self, name: str, pair: FramePair, note: PairNote, mono: FrameRecord, color: FrameRecord
    ) -> PairRecord:
        return PairRecord(
            name,
            self._session,
            _now(),
            pair.index,
            pair.skew_ns,
            mono,
            color,
            gates=note.gates,
            warnings=note.warnings,
            tags=note.tags,
            mode=note.mode,
        )

    def _list_pairs(self, records: Sequence[PairRecord], lines: bytes) -> None:
        """Give whole images their names, and list the pairs once that is on disk. Raises OSError."""
        if not records:
            return
        for role in ROLES:
            for record in records:
                path = image_path(self.folder, role, record.name)
                temporary_path(path).replace(path)
            sync_folder(self.folder / role)
        self._append(lines)
        self._next += len(records)
        self._count += len(records)
        self._last = records[-1].name

    def _take_back(self, names: Sequence[str]) -> None:
        for name in names:
            for role in ROLES:
                path = image_path(self.folder, role, name)
                for written in (temporary_path(path), path):
                    with suppress(OSError):
                        written.unlink(missing_ok=True)

    def describe(self, about: SessionAbout) -> None:
        """Replace what is known of this session. Raises DatasetError if it cannot be written."""
        if self._list is None:
            raise DatasetError(f"{self.folder} is not open for writing")
        former, self._about = self._about, about
        try:
            self._write_sessions()
        except OSError as error:
            self._about = former
            raise DatasetError(f"the session was not described in {self.folder}: {_reason(error)}") from error

    def begin_session(self, rig: RigInfo, calibration: RigCalibration | None, about: SessionAbout) -> None:
        """Begin another session: what comes is of another calibration, or of cameras set to another size.

        Raises DatasetError if it cannot be written; the former session goes on then.
        """
        if self._list is None:
            raise DatasetError(f"{self.folder} is not open for writing")
        former = self._rig, self._calibration, self._about, self._session, self._sessions
        *earlier, own = self._sessions
        over = own | self._about.entries()
        self._rig, self._calibration, self._about = rig, calibration, about
        try:
            self._begin_session([*earlier, over])
        except OSError as error:
            self._rig, self._calibration, self._about, self._session, self._sessions = former
            raise DatasetError(f"no session was begun in {self.folder}: {_reason(error)}") from error

    def note(self, event: DatasetEvent) -> None:
        """Write down an event after the last pair. Raises DatasetError if it cannot be written."""
        if self._list is None:
            raise DatasetError(f"{self.folder} is not open for writing")
        try:
            append_event(self.folder, event, self._session, self._last)
        except OSError as error:
            raise DatasetError(
                f"an event was not noted in {self.folder}: {_reason(error)}. Its {self._count} pairs are safe"
            ) from error

    def _open(self) -> None:
        _refuse_foreign_folder(self.folder)
        make_folder(self.folder)
        check_writable_layout(self.folder, WRITTEN_FOLDERS)
        self._lock.acquire()
        sessions = read_sessions(self.folder)
        records, self.repairs = self._repair()
        if self.repairs != Repairs():
            log.warning("%s was not closed properly: %s", self.folder, self.repairs)
        self._begin_session(sessions)
        for role in ROLES:
            make_folder(self.folder / role)
        self._list = os.open(
            self.folder / PAIRS_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _CLOEXEC, 0o644
        )
        sync_folder(self.folder)
        self._count = len(records)
        self._last = records[-1].name if records else None
        self._next = max(used_numbers(self.folder, records), default=-1) + 1
        self._pool = ThreadPoolExecutor(WRITING_THREADS, thread_name_prefix="dataset")

    def _repair(self) -> tuple[list[PairRecord], Repairs]:
        # An edit made just now must not have its files put back where they were before it.
        editing = FolderLock(self.folder, EDIT_LOCK_NAME)
        editing.acquire(wait=True)
        try:
            return repair(self.folder)
        finally:
            editing.release()

    def _begin_session(self, sessions: list[dict[str, object]]) -> None:
        """Note rig and calibration in `dataset.toml`: pairs of this session refer to the entry."""
        session = describe_rig(self._rig)
        if self._calibration is not None:
            data = dump_calibration(self._calibration).encode()
            session["calibration"] = keep_calibration(self.folder, data)
            session["calibration_sha256"] = hashlib.sha256(data).hexdigest()
        self._session = len(sessions)
        self._sessions = [*sessions, session]
        self._write_sessions()

    def _write_sessions(self) -> None:
        *former, own = self._sessions
        write_sessions(self.folder, [*former, own | self._about.entries()])

    def _append(self, line: bytes) -> None:
        """Add the line as a whole or not at all. Raises OSError."""
        assert self._list is not None
        end = os.fstat(self._list).st_size
        try:
            rest = line
            while rest:
                rest = rest[os.write(self._list, rest) :]
            os.fsync(self._list)
        except OSError:
            os.ftruncate(self._list, end)
            raise


_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


def _draft_image(frame: Frame, path: Path, stored: bool) -> FrameRecord:
    """Put the image on disk under its temporary name."""
    data = encode_png(frame.image, stored=stored)
    write_synced(temporary_path(path), data)
    return FrameRecord.of(frame, data)


def _size_bytes(record: PairRecord) -> int:
    return sum(frame.size_bytes for role in ROLES if (frame := record.frame(role)) is not None)


def _refuse_foreign_folder(folder: Path) -> None:
    """Raise DatasetError if something else is there: pairs among other files would be lost sight of."""
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file; choose another name for the dataset")
    if not folder.exists() or (folder / DATASET_NAME).exists():
        return
    # A crash right after the folder was made leaves at most these.
    foreign = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name not in (LOCK_NAME, EDIT_LOCK_NAME) and entry.suffix != TEMPORARY_SUFFIX
    )
    if foreign:
        raise DatasetError(
            f"{folder} exists and is no dataset (it holds {foreign[0]}{' and more' * (len(foreign) > 1)}): "
            "choose an empty or a new folder"
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _reason(error: OSError | DatasetError | MemoryError) -> str:
    if isinstance(error, DatasetError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    hints = {
        errno.ENOSPC: "the disk is full: make room",
        errno.EDQUOT: "your share of the disk is used up: make room",
        errno.EFBIG: "the file would be larger than the system allows",
        errno.EACCES: "the folder is not writable: change its permissions",
        errno.EPERM: "the folder is not writable: change its permissions",
        errno.EROFS: "the disk is read-only",
    }
    return hints.get(error.errno or 0) or error.strerror or str(error)
