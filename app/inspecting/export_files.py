"""Exports on disk: whole or not at all, with an error that names the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import DatasetError
from capture.files import TEMPORARY_SUFFIX, write_atomically


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write an H×W or H×W×3 RGB picture. Raises DatasetError."""
    ordered = picture if picture.ndim == 2 else picture[..., ::-1]
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(ordered))
    if not done:
        raise DatasetError(f"{path}: a picture of {picture.shape} cannot be written as PNG")
    write_file(path, encoded.tobytes())


def write_file(path: Path, data: bytes) -> None:
    """Write a file, with the folders it needs. Raises DatasetError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a temporary path of the same ending; it takes the place of `path` when all went well.

    Raises DatasetError if that is impossible.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{TEMPORARY_SUFFIX}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # what cannot be written cannot be there
            temporary.unlink(missing_ok=True)


def free_name(path: Path) -> Path:
    """Return the path, with a number before its ending if something lies there: nothing is replaced."""
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate
