"""One writer per dataset: a lock that the system takes back when its owner dies, however it dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from capture.errors import DatasetError

LOCK_NAME = ".lock"
"""Held by whoever adds pairs, for as long as the dataset is open."""
EDIT_LOCK_NAME = ".edit-lock"
"""Held for the moment of an edit."""


# What a lock file holds is replaced: it must not be another file, reached by a link or by its second name.
_NO_LINK, _CLOEXEC = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_CLOEXEC", 0)
_LONGEST_PID = 32


def is_locked(folder: Path, name: str = LOCK_NAME) -> bool:
    """Return whether somebody holds a lock of the folder. Changes nothing."""
    try:
        descriptor = os.open(folder / name, os.O_RDWR | _NO_LINK | _CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, wait=False)
    except OSError:
        return False
    finally:
        os.close(descriptor)


class FolderLock:
    """Holds `folder/NAME` from `acquire` to `release`. The file stays: what counts is the lock on it."""

    def __init__(self, folder: Path, name: str = LOCK_NAME) -> None:
        self._path = folder / name
        self._descriptor: int | None = None

    def acquire(self, *, wait: bool = False) -> None:
        """Take the lock; `wait` for its owner, where that is a matter of milliseconds.

        Raises DatasetError that names the process which has it, OSError if the folder is not writable.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _NO_LINK | _CLOEXEC, 0o644)
        if os.fstat(descriptor).st_size > _LONGEST_PID:
            os.close(descriptor)
            raise DatasetError(f"{self._path} is not a lock file of ours: remove it")
        if not _try_lock(descriptor, wait):
            owner = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise DatasetError(
                f"{self._path.parent} is being written by process {owner or '(unknown)'}: "
                "close it there first, or choose another folder"
            )
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Give it back. Does nothing if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, wait: bool) -> bool:
        # A byte far behind the end, so that the number of the process stays readable.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
