"""Measured values on disk, one small file per result: a table of a thousand pairs is there at once."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

from app.inspecting.measures import BY_KEY, Values, code_version
from capture.errors import DatasetError
from capture.files import write_atomically


class MeasuresCache:
    """Values by the key of the result that they were measured of. For any thread.

    Args:
        folder: where they lie; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> dict[str, float | None] | None:
        """Return what was measured, None if nothing was, or by other code, or the file is damaged."""
        try:
            stored = json.loads(self._path(key).read_bytes())
            values = {str(name): _number(value) for name, value in stored.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return None
        return values if values.keys() == BY_KEY.keys() else None

    def put(self, key: str, values: Values) -> None:
        """Keep values. Raises DatasetError if they cannot be written."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(dict(values), allow_nan=False).encode())
        except OSError as error:
            raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error

    def _path(self, key: str) -> Path:
        digest = hashlib.sha256(f"{code_version()} {key}".encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:34]}.json"


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no measured value")
    return float(value)
