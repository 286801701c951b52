"""Pairs to train on: datasets that the app captured, rectified as they are read, and folders of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from capture.dataset_records import DATASET_NAME, PAIRS_NAME, PairRecord
from capture.errors import CalibrationError, DatasetError
from models.data.pairs import JoinedPairs, Pair, PairSource, open_pairs
from models.errors import ModelError

if TYPE_CHECKING:
    # Needed for captured datasets only, and so are the packages they need.
    from capture.dataset_reader import DatasetReader
    from capture.frames import Image
    from capture.rectify import Rectifier

SCENE_S = 10.0
"""Pairs that were captured within so many seconds are taken for one scene."""
_SMALLEST_VIEW = 0.2


def open_training_pairs(
    paths: Sequence[Path], calibration: Path | None = None, *, verify: bool = False
) -> PairSource:
    """Open captured datasets and folders of pairs, one after the other.

    Args:
        paths: each a captured dataset (docs/dataset.md), or what `models.data.pairs.open_pairs` takes.
        calibration: of the rig, for datasets in place of their own.
        verify: compare captured files with their hashes whenever they are read.

    Raises:
        ModelError: nothing there, a dataset without a calibration, or what `open_pairs` raises.
    """
    sources = [
        CapturedPairs(path, calibration, verify=verify) if is_captured(path) else open_pairs(path)
        for path in paths
    ]
    if not sources:
        raise ModelError("no folder of pairs was named")
    return sources[0] if len(sources) == 1 else JoinedPairs(sources)


def scene_of_record(folder: Path, record: PairRecord) -> str:
    """Return the name of the session and the ten seconds in which a pair of a dataset was captured."""
    window = int(record.mono.host_ns / (SCENE_S * 1e9)) if record.mono is not None else 0
    return f"{folder.name}/{record.session}/{window}"


def is_captured(folder: Path) -> bool:
    """Return whether the app captured this dataset."""
    return any((folder / name).exists() for name in (PAIRS_NAME, DATASET_NAME))


class CapturedPairs:
    """The pairs of a captured dataset: developed, rectified with their own calibration, borders cut off.

    The images are mirrored if the colour camera stands right, and moved if its disparities may be negative,
    so that content of mono pixel x lies at x + d, d ≥ 0, as everywhere in `models`.

    Args:
        folder: of the dataset.
        calibration: file to use in place of the dataset's own.
        verify: compare files with their hashes when they are read.
        unrectified: pairs without a calibration will do; they are read as the cameras gave them.

    Raises:
        ModelError: the dataset cannot be read, or a pair has no calibration.
    """

    def __init__(
        self,
        folder: Path,
        calibration: Path | None = None,
        *,
        verify: bool = False,
        unrectified: bool = False,
    ) -> None:
        self.folder = folder
        self._calibration = calibration
        self._verify = verify
        self._views: dict[Path, _View] = {}
        self._calibrations: dict[int, Path | None] = {}
        try:
            calibrated = {record.session: self._calibration_of(record) for record in self.records}
        except DatasetError as error:
            raise ModelError(str(error)) from error
        if not self.records:
            raise ModelError(f"{folder} holds no pairs to train on" + " yet" * (not self._reader.records))
        if not unrectified and any(path is None for path in calibrated.values()):
            raise ModelError(
                f"{folder} has no calibration, so its pairs cannot be rectified: "
                "solve one (main.py calibrate) and name it with --calibration"
            )
        self.names: tuple[str, ...] = tuple(record.name for record in self.records)

    @cached_property
    def records(self) -> tuple[PairRecord, ...]:
        """What is used: a person excluded the others."""
        return tuple(record for record in self._reader.records if not record.excluded)

    @cached_property
    def _reader(self) -> DatasetReader:
        from capture.dataset_reader import DatasetReader

        return DatasetReader.open(self.folder)

    def __getstate__(self) -> dict[str, object]:
        """Leave the maps behind: they are made anew where they are needed."""
        return {**self.__dict__, "_views": {}}

    def __len__(self) -> int:
        return len(self.names)

    def scene_of(self, index: int) -> str:
        """Return the session and the ten seconds in which a pair was captured."""
        return scene_of_record(self.folder, self.records[index])

    def max_disparity(self, index: int) -> int:
        """Return the number of candidates 0 … max_disparity − 1 that covers a pair. Raises ModelError."""
        try:
            return self._view_of(self.records[index]).max_disparity
        except CalibrationError as error:
            raise ModelError(f"{self.folder}: {error}") from error

    def calibration_file(self, index: int) -> Path:
        """Return the file that a pair is rectified with; only where all pairs have one."""
        path = self.known_calibration(index)
        assert path is not None, "checked when opened"
        return path

    def known_calibration(self, index: int) -> Path | None:
        """Return the file that a pair is rectified with, None where it is read as it is."""
        return self._calibration_of(self.records[index])

    def read(self, index: int) -> Pair:
        """Read, develop and rectify a pair: uint8, or uint16 if a camera gave more than 8 bits.

        Raises ModelError: a file is damaged, or not of the calibration's size.
        """
        from capture.develop import develop_pair

        record = self.records[index]
        try:
            mono, color = develop_pair(self._reader.load(record, self._verify))
            if mono.ndim != 2 or color.ndim != 3:
                raise ModelError(f"{self.folder}: {record.name} is not a pair of a gray and a colour image")
            if self._calibration_of(record) is None:
                return self._as_it_is(index, mono, color)
            view = self._view_of(record)
            mono, reference = view.rectifier.rectify(mono, color)
        except (DatasetError, CalibrationError) as error:
            raise ModelError(f"{self.folder}: {error}") from error
        return Pair(
            name=record.name,
            scene=self.scene_of(index),
            mono=view.cut(mono, shift=0),
            reference=view.cut(reference, shift=view.offset),
            max_disparity=view.max_disparity,
        )

    def _as_it_is(self, index: int, mono: Image, color: Image) -> Pair:
        name = self.names[index]
        if mono.shape != color.shape[:2]:
            sizes = " and ".join(f"{image.shape[1]}×{image.shape[0]}" for image in (mono, color))
            raise ModelError(f"{self.folder}: {name} is {sizes}: without a calibration it cannot be compared")
        return Pair(name=name, scene=self.scene_of(index), mono=mono, reference=color)

    def _calibration_of(self, record: PairRecord) -> Path | None:
        """Return the calibration of the record's session: looked for once, for there may be 10⁵ records."""
        if record.session not in self._calibrations:
            found = self._calibration or self._reader.calibration_path(record)
            self._calibrations[record.session] = found
        return self._calibrations[record.session]

    def _view_of(self, record: PairRecord) -> _View:
        path = self._calibration_of(record)
        assert path is not None, "checked when opened"
        if path not in self._views:
            self._views[path] = _View(path)
        return self._views[path]


class _View:
    """What one calibration makes of images. Raises CalibrationError."""

    def __init__(self, path: Path) -> None:
        from capture.calibration import load_calibration
        from capture.rectify import Rectifier

        calibration = load_calibration(path)
        self.rectifier: Rectifier = Rectifier(calibration)
        self.max_disparity = calibration.max_disparity
        self.offset = calibration.offset
        self._mirrored = calibration.mirrored
        valid = self.rectifier.mono_valid & self.rectifier.reference_valid
        self._rows, self._columns = largest_box(valid)
        height, width = (part.stop - part.start for part in (self._rows, self._columns))
        self._kept = width - abs(self.offset)
        if height * self._kept < _SMALLEST_VIEW * valid.size:
            raise CalibrationError(f"{path}: both rectified images share too little of the view to train on")

    def cut(self, image: Image, shift: int) -> Image:
        """Return the columns of an image that belong to those of the other one.

        What both images have without empty borders, mirrored if the colour camera stands right; of the
        reference `shift` columns further right, so that the smallest disparity searched becomes 0.
        """
        inner = image[self._rows, self._columns]
        if self._mirrored:
            inner = inner[:, ::-1]
        first = max(0, -self.offset) + shift
        return cast("Image", np.ascontiguousarray(inner[:, first : first + self._kept]))


def largest_box(valid: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return rows and columns of a large rectangle in which everything is valid (not always the largest).

    Takes away, one after the other, the outermost row or column with the largest part that is not valid.
    """
    top, left = 0, 0
    bottom, right = valid.shape
    while top < bottom and left < right:
        box = valid[top:bottom, left:right]
        holes = [1 - float(line.mean()) for line in (box[0], box[-1], box[:, 0], box[:, -1])]
        worst = int(np.argmax(holes))
        if holes[worst] == 0:
            break
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    return slice(top, bottom), slice(left, right)
