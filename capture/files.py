"""Files that are there as a whole or not at all, also after a power cut; and reading TOML."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

# What a crash leaves behind is recognised by this ending.
TEMPORARY_SUFFIX = ".tmp"

MOST_TOML_BYTES = 16 << 20
MOST_KEY_PARTS = 32
_ENDLESS_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++\s*+\.\s*+){{{MOST_KEY_PARTS}}}")


def temporary_path(path: Path) -> Path:
    """Return where this process puts `path` together before it takes its place."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and flush it to disk. Raises OSError and leaves nothing behind."""
    try:
        path.unlink(missing_ok=True)
        with path.open("xb", buffering=0) as file:  # nothing that lay there is followed or reused
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file beside `path`, flush to disk, rename over `path`.

    Raises OSError and leaves nothing behind.
    """
    temporary = temporary_path(path)
    write_synced(temporary, data)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and new files in `folder` outlive a power cut (where folders can be opened)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, that outlive a power cut: whatever is put into them would be lost.

    Does nothing if it is there. Raises OSError.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:  # a drive that is not there has no parent
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    with suppress(PermissionError):  # a folder that may be written but not read cannot be flushed
        sync_folder(folder.parent)


def read_toml(path: Path, error_kind: type[Exception]) -> dict[str, Any]:
    """Return what a TOML file holds. Raises `error_kind`, in one line that names the file."""
    try:
        status = path.stat()
        if stat.S_ISFIFO(status.st_mode) or status.st_size > MOST_TOML_BYTES:
            raise error_kind(
                f"{path} is a pipe or has more than {MOST_TOML_BYTES >> 20} MiB: no file of ours"
            )
        return parse_toml(path.read_bytes())
    except OSError as error:
        raise error_kind(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise error_kind(f"{path} is not a TOML file: {error}") from error


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return what a TOML text holds. Raises ValueError in one line, whatever the text is.

    The parser's own weak spots are caught here: nesting without end, whole numbers without end, and keys of
    very many parts, which cost it time and memory by the square.
    """
    text = data.decode()
    if _ENDLESS_KEY.search(text):
        raise ValueError(f"a key of more than {MOST_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
