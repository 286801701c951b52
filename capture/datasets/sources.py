"""`sources.csv`: where the pairs of a dataset come from, and what they were called there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from capture.dataset_files import MOST_LIST_BYTES, read_inside
from capture.errors import DatasetError
from capture.files import write_atomically
from capture.words import printable

SOURCES_NAME = "sources.csv"
_HEADER = b"name,source,name_there\r\n"


def add_sources(folder: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Add a line for each pair: its name, the dataset or folder it comes from, its name there.

    Raises DatasetError: the file cannot be read or written.
    """
    path = folder / SOURCES_NAME
    text = io.StringIO(newline="")
    csv.writer(text).writerows([name, printable(source), printable(there)] for name, source, there in rows)
    try:
        before = read_inside(folder, path, MOST_LIST_BYTES) if path.exists() else _HEADER
        write_atomically(path, before + text.getvalue().encode())
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error
