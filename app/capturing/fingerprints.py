"""Finds saved pairs that look like the picture of now: a small signature of each, kept beside the dataset.

A signature is the mono picture at 20×15 px, local brightness taken out, scaled to unit length: gain, exposure
and noise leave it as it is. The distance of two is 1 − their correlation. The file `.fingerprints` only saves
the time of reading all pictures again; it may be deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capturing.picture_measures import FloatImage

FILE_NAME = ".fingerprints"
SIZE = (20, 15)
_LENGTH = SIZE[0] * SIZE[1]
_NAME_BYTES = 64
_RECORD = np.dtype([("name", f"S{_NAME_BYTES}"), ("signature", np.int8, (_LENGTH,))])

Signature = NDArray[np.float32]


def signature(small: FloatImage) -> Signature:
    """Return the signature of a small gray picture, 0 … 1: float32 of unit length, zero without detail."""
    tiny = np.asarray(cv2.resize(small, SIZE, interpolation=cv2.INTER_AREA), np.float32)
    local = np.asarray(cv2.GaussianBlur(tiny, (0, 0), 4.0, borderType=cv2.BORDER_REPLICATE), np.float32)
    # A dark corner must not count more than its noise: differences relative to brightness, softened.
    detail = ((tiny - local) / (local + np.float32(0.05))).reshape(-1)
    length = float(np.linalg.norm(detail))
    return np.asarray(detail / max(length, 1e-6), np.float32)


class Fingerprints:
    """The signatures of the saved pairs of one dataset. One thread at a time.

    Args:
        folder: of the dataset; None keeps nothing on disk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._names: list[str] = []
        self._rows = np.zeros((64, _LENGTH), np.float32)

    def load(self, names: Iterable[str]) -> list[str]:
        """Read the file, keep the signatures of these pairs, and return the names that it lacks."""
        known = self._read()
        missing = []
        for name in names:
            if name in known:
                self._remember(name, known[name])
            else:
                missing.append(name)
        return missing

    def add(self, name: str, value: Signature) -> None:
        """Remember a saved pair. A file that cannot be written costs time at the next start, nothing else."""
        self._remember(name, value)
        if self._path is None:
            return
        record = np.zeros(1, _RECORD)
        record["name"], record["signature"] = name.encode(), _quantized(value)
        try:
            with self._path.open("ab") as file:
                file.seek(0, os.SEEK_END)
                if file.tell() % _RECORD.itemsize:  # a crash tore the last one
                    file.truncate(file.tell() // _RECORD.itemsize * _RECORD.itemsize)
                file.write(record.tobytes())
        except OSError:
            return

    def remove(self, name: str) -> None:
        """Forget a pair: it is in the trash."""
        if name in self._names:
            row = self._names.index(name)
            self._names.pop(row)
            self._rows[row : len(self._names)] = self._rows[row + 1 : len(self._names) + 1]

    def value(self, name: str) -> Signature | None:
        """Return the signature of a saved pair; None if it is not known."""
        return self._rows[self._names.index(name)].copy() if name in self._names else None

    def distance(self, value: Signature) -> float | None:
        """Return the distance to the most similar saved pair, 0 … 2; None if there is none."""
        if not self._names:
            return None
        return max(0.0, 1 - float((self._rows[: len(self._names)] @ value).max()))

    def distance_to(self, name: str, value: Signature) -> float | None:
        """Return the distance to one saved pair; None if it is not known."""
        if name not in self._names:
            return None
        return max(0.0, 1 - float(self._rows[self._names.index(name)] @ value))

    def _remember(self, name: str, value: Signature) -> None:
        if len(self._names) == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[len(self._names)] = value
        self._names.append(name)

    def _read(self) -> dict[str, Signature]:
        if self._path is None:
            return {}
        try:
            data = self._path.read_bytes()
        except OSError:
            return {}
        records = np.frombuffer(data, _RECORD, count=len(data) // _RECORD.itemsize)
        values = records["signature"].astype(np.float32)
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        values /= np.maximum(lengths, 1)
        return {
            name.decode(errors="replace"): value
            for name, value in zip(records["name"].tolist(), values, strict=True)
        }


def _quantized(value: Signature) -> NDArray[np.int8]:
    largest = float(np.abs(value).max())
    return np.round(value * (127 / largest if largest else 0)).astype(np.int8)
