"""Pairs of a dataset as pictures for the eye: developed, rectified, 8 bits."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.calibration import load_calibration
from capture.dataset_reader import DatasetReader
from capture.dataset_records import PairRecord, image_path
from capture.develop import develop_pair, to_8_bits
from capture.errors import CalibrationError, DatasetError
from capture.frames import ROLES
from capture.rectify import Rectifier

KEPT_RECTIFIERS = 2

Picture8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PairPictures:
    """Both images of a pair, rectified if there is a calibration.

    Attributes:
        mono: H×W uint8.
        color: H×W×3 uint8, RGB.
        rectified: whether they are.
        problem: why they are not, although there is a calibration; else empty.
    """

    mono: Picture8
    color: Picture8
    rectified: bool
    problem: str = ""


class PairStudio:
    """Makes pictures of the pairs of one dataset. Any number of threads may use it.

    Args:
        folder: of the dataset.
        sessions: entries of its `dataset.toml`.
    """

    def __init__(self, folder: Path, sessions: Sequence[Mapping[str, object]]) -> None:
        self._reader = DatasetReader(folder, (), tuple(dict(session) for session in sessions))
        self._lock = threading.Lock()
        self._rectifiers: OrderedDict[Path, Rectifier | str] = OrderedDict()
        self._hashes: dict[Path, str] = {}

    def pictures(self, record: PairRecord, *, verify: bool = False) -> PairPictures:
        """Read a pair.

        Args:
            record: of the pair; it may be in the trash.
            verify: compare the files with their hashes.

        Raises DatasetError: a file is missing, damaged or not what the record says.
        """
        pair = self._reader.load(record, verify)
        mono, color = (to_8_bits(image) for image in develop_pair(pair))
        if mono.ndim != 2 or color.ndim != 3:
            raise DatasetError(f"{record.name} is not a pair of a gray and a colour image")
        rectifier = self._rectifier(self._reader.calibration_path(record))
        if rectifier is None:
            return PairPictures(mono, color, rectified=False)
        if isinstance(rectifier, str):
            return PairPictures(mono, color, rectified=False, problem=rectifier)
        try:
            mono, color = (to_8_bits(image) for image in rectifier.rectify(mono, color))
        except CalibrationError as error:
            return PairPictures(mono, color, rectified=False, problem=str(error))
        return PairPictures(mono, color, rectified=True)

    def content_key(self, record: PairRecord) -> str:
        """Return a text that changes with the files of a pair and with its calibration.

        Raises DatasetError: a file is missing, or the calibration cannot be named.
        """
        calibration = self._reader.calibration_path(record)
        parts = [self._hash_of(calibration) if calibration else "-"]
        for role in ROLES:
            known = record.frame(role)
            if known is not None:
                parts.append(known.sha256)
                continue
            path = image_path(self._reader.folder, role, record.name)
            try:
                status = path.stat()
            except OSError as error:
                raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
            parts.append(f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _hash_of(self, path: Path) -> str:
        if path not in self._hashes:
            try:
                self._hashes[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
        return self._hashes[path]

    def _rectifier(self, path: Path | None) -> Rectifier | str | None:
        """Return what rectifies a pair; why it cannot be done, in words; None without a calibration."""
        if path is None:
            return None
        with self._lock:
            if path not in self._rectifiers:
                try:
                    self._rectifiers[path] = Rectifier(load_calibration(path))
                except CalibrationError as error:
                    self._rectifiers[path] = str(error)
                while len(self._rectifiers) > KEPT_RECTIFIERS:
                    self._rectifiers.popitem(last=False)
            self._rectifiers.move_to_end(path)
            return self._rectifiers[path]
