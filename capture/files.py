"""Files that are there as a whole or not at all, also after a power cut; and reading TOML."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

# What a crash leaves behind is recognised by this ending.
TEMPORARY_SUFFIX = ".tmp"


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file beside `path`, flush to disk, rename over `path`.

    Raises OSError and leaves nothing behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
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


def read_toml(path: Path, error_kind: type[Exception]) -> dict[str, Any]:
    """Return what a TOML file holds. Raises `error_kind`, in one line that names the file."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise error_kind(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise error_kind(f"{path} is not a TOML file: {error}") from error
