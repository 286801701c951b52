"""Files of a dataset, read and written as if a stranger had made the folder: nothing outside it, nothing
endless.
"""

from __future__ import annotations

import os
import reprlib
import stat
from pathlib import Path

from capture.errors import DatasetError
from capture.words import printable

MOST_LIST_BYTES = 1 << 30
"""Of `pairs.jsonl`, `edits.jsonl` or `events.jsonl`: some 800,000 pairs."""
MOST_LINE_BYTES = 1 << 20
MOST_TABLE_BYTES = 16 << 20
"""Of `dataset.toml`."""
MOST_IMAGE_BYTES = 1 << 30

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlong = 40
_FOLLOW_NOTHING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def quoted(value: object) -> str:
    """Return a value as a short text of printable characters, in quotes if it is one: for messages."""
    return _short.repr(value).encode("utf-8", "backslashreplace").decode()


def check_inside(folder: Path, path: Path) -> None:
    """Raise DatasetError if a path below the folder is, or lies behind, a link that leaves the folder."""
    place = str(folder)
    for part in path.relative_to(folder).parts:
        place = os.path.join(place, part)  # noqa: PTH118 (called for every image: three times as fast)
        if not os.path.islink(place):  # noqa: PTH114
            continue
        target, root = Path(os.path.realpath(place)), Path(os.path.realpath(folder))
        if not target.is_relative_to(root):
            raise DatasetError(f"{printable(place)} is a link to something outside the dataset")


def read_inside(folder: Path, path: Path, most_bytes: int) -> bytes:
    """Return the content of a file below the folder.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it cannot be read.
        DatasetError: it lies outside, behind a link; it is no regular file (reading a pipe never ends); it is
            larger than `most_bytes`.
    """
    check_inside(folder, path)
    return read_regular(path, most_bytes)


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Return the content of a file. Raises as `read_inside` does, wherever the file lies."""
    try:
        descriptor = os.open(path, _FOLLOW_NOTHING | _BINARY)
    except ValueError as error:
        raise DatasetError(f"{printable(str(path))} cannot be the name of a file") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DatasetError(f"{printable(str(path))} is not a file")
        if status.st_size > most_bytes:
            raise DatasetError(
                f"{printable(str(path))} has {status.st_size} bytes; at most {most_bytes} are read"
            )
        return file.read(most_bytes)


def check_writable_layout(folder: Path, folders: tuple[str, ...]) -> None:
    """Raise DatasetError if writing into this dataset could change something outside it, or never end.

    Args:
        folder: of the dataset; missing is fine.
        folders: names below it that are written into.
    """
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                check_inside(folder, folder / entry.name)
            elif not entry.is_file() and not entry.is_dir():
                raise DatasetError(f"{printable(entry.path)} is neither a file nor a folder: remove it")
    for name in folders:
        path = folder / name
        check_inside(folder, path)
        if path.exists() and not path.is_dir():
            raise DatasetError(f"{printable(str(path))} should be a folder")
