"""Captured pairs, written so that a crash costs at most the pair under way. Format: docs/dataset.md."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import tomli_w

from capture.calibration import RigCalibration, dump_calibration
from capture.dataset_events import DatasetEvent, append_event
from capture.dataset_files import check_writable_layout
from capture.dataset_lock import EDIT_LOCK_NAME, LOCK_NAME, FolderLock
from capture.dataset_notes import PairNote, SessionAbout
from capture.dataset_records import (
    CALIBRATION_NAME,
    DATASET_NAME,
    PAIRS_NAME,
    SCHEMA,
    WRITTEN_FOLDERS,
    FrameRecord,
    PairRecord,
    image_path,
    read_sessions,
    to_line,
)
from capture.dataset_repair import Repairs, repair, used_numbers
from capture.errors import DatasetError
from capture.files import TEMPORARY_SUFFIX, sync_folder, write_atomically
from capture.frames import ROLES, Frame, FramePair
from capture.png import encode_png
from capture.rig import RigInfo

log = logging.getLogger(__name__)

_NOTHING_KNOWN = SessionAbout()
_NO_NOTE = PairNote()


class DatasetWriter:
    """Appends pairs to a dataset, which is made if the folder is missing or empty and repaired if it is not.

        with DatasetWriter(folder, rig.info, calibration) as dataset:
            name = dataset.save(pair)

    One thread at a time. Once `save` returns, the pair survives the death of this process and a power cut.

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
        if self._list is None or self._pool is None:
            raise DatasetError(f"{self.folder} is not open for writing")
        name = f"{self._next:06d}"
        written = [image_path(self.folder, role, name) for role in ROLES]
        try:
            # Both images at once: encoding and waiting for the disk leave the interpreter to others.
            halves = [
                self._pool.submit(_write_image, frame, path)
                for frame, path in zip((pair.mono, pair.color), written, strict=True)
            ]
            wait(halves)  # both are over before anything is cleared away
            mono, color = (half.result() for half in halves)
            record = PairRecord(
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
            self._append(to_line(record))
        except (OSError, DatasetError) as error:
            with suppress(OSError):
                for path in written:
                    path.unlink(missing_ok=True)
            reason = _reason(error)
            raise DatasetError(
                f"pair {name} was not saved: {reason}. The {self._count} pairs in {self.folder} are safe"
            ) from error
        self._next += 1
        self._count += 1
        self._last = name
        return name

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
        self.folder.mkdir(parents=True, exist_ok=True)
        check_writable_layout(self.folder, WRITTEN_FOLDERS)
        self._lock.acquire()
        sessions = read_sessions(self.folder)
        records, self.repairs = repair(self.folder)
        if self.repairs != Repairs():
            log.warning("%s was not closed properly: %s", self.folder, self.repairs)
        self._begin_session(sessions)
        for role in ROLES:
            (self.folder / role).mkdir(exist_ok=True)
        self._list = os.open(
            self.folder / PAIRS_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _CLOEXEC, 0o644
        )
        sync_folder(self.folder)
        self._count = len(records)
        self._last = records[-1].name if records else None
        self._next = max(used_numbers(self.folder, records), default=-1) + 1
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dataset")

    def _begin_session(self, sessions: list[dict[str, object]]) -> None:
        """Note rig and calibration in `dataset.toml`: pairs of this session refer to the entry."""
        session = _describe(self._rig)
        if self._calibration is not None:
            data = dump_calibration(self._calibration).encode()
            session["calibration"] = _keep_calibration(self.folder, data)
            session["calibration_sha256"] = hashlib.sha256(data).hexdigest()
        self._session = len(sessions)
        self._sessions = [*sessions, session]
        self._write_sessions()

    def _write_sessions(self) -> None:
        *former, own = self._sessions
        document = {"schema": SCHEMA, "sessions": [*former, own | self._about.entries()]}
        write_atomically(self.folder / DATASET_NAME, (HEADER + tomli_w.dumps(document)).encode())

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


HEADER = """\
# Pairs of a mono and a colour camera, as the sensors gave them, listed in pairs.jsonl.
# A session is one time the dataset was opened for writing. The format: docs/dataset.md of CycleRig.

"""
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


def _write_image(frame: Frame, path: Path) -> FrameRecord:
    data = encode_png(frame.image)
    write_atomically(path, data)
    return FrameRecord.of(frame, data)


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


def _describe(rig: RigInfo) -> dict[str, object]:
    session: dict[str, object] = {
        "started": datetime.now(UTC).replace(microsecond=0),
        "rig": rig.name,
        "kind": rig.kind,
        "shares_trigger": rig.shares_trigger,
    }
    if rig.frame_rate_hz is not None:
        session["frame_rate_hz"] = rig.frame_rate_hz
    return session | {"mono": asdict(rig.mono), "color": asdict(rig.color)}


def _keep_calibration(folder: Path, data: bytes) -> str:
    """Put the calibration into the dataset unless it is there; return its file name."""
    number = 1
    path = folder / CALIBRATION_NAME
    while path.exists():
        if path.read_bytes() == data:
            return path.name
        number += 1
        path = folder / f"calibration-{number}.toml"
    write_atomically(path, data)
    return path.name


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _reason(error: OSError | DatasetError) -> str:
    if isinstance(error, DatasetError):
        return str(error)
    hints = {
        errno.ENOSPC: "the disk is full: make room",
        errno.EDQUOT: "your share of the disk is used up: make room",
        errno.EFBIG: "the file would be larger than the system allows",
        errno.EACCES: "the folder is not writable: change its permissions",
        errno.EPERM: "the folder is not writable: change its permissions",
        errno.EROFS: "the disk is read-only",
    }
    return hints.get(error.errno or 0) or error.strerror or str(error)
