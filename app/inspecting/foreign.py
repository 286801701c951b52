"""Pairs that something else took (KITTI-like folders, images of other formats), read as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.datasets.foreign_calibration import found_calibration, with_measured_range
from capture.calibration import RigCalibration
from capture.datasets.foreign import KITTI_LAYOUTS, Found, find_pairs
from capture.errors import CalibrationError, DatasetError
from capture.rectify import Rectifier
from models.data.pairs import Pair
from models.engine import SearchRange
from models.errors import ModelError


def is_kitti_like(folder: Path) -> bool:
    """Return whether a folder has KITTI's folders of a gray and a colour camera."""
    return any((folder / mono).is_dir() and (folder / color).is_dir() for mono, color in KITTI_LAYOUTS)


class FoundPairs:
    """The pairs of a folder, rectified with the calibration beside them, where there is one that can be used.

    Attributes:
        calibration: None where pairs are taken for rectified ones.

    Raises ModelError: half of a pair is missing, nothing that can be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._found: Found = find_pairs(folder, with_times=False)
            self.calibration = self._calibration()
        except DatasetError as error:
            raise ModelError(str(error)) from error
        self._rectifier = None if self.calibration is None else Rectifier(self.calibration)
        self.names: Sequence[str] = tuple(self._found.names)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def search(self) -> SearchRange | None:
        """Where colours are searched, None if nothing is known of it."""
        known = self.calibration
        return None if known is None else SearchRange(known.max_disparity, known.offset, known.mirrored)

    def scene_of(self, index: int) -> str:
        """Return one scene for all: such folders are sequences."""
        del index
        return self.folder.name

    def read(self, index: int) -> Pair:
        """Read and rectify a pair. Raises ModelError."""
        name = self.names[index]
        try:
            mono, reference = self._found.read(name)
            if self._rectifier is not None:
                mono, reference = self._rectifier.rectify(mono, reference)
        except (DatasetError, CalibrationError) as error:
            raise ModelError(f"{self.folder}: {error}") from error
        if mono.shape != reference.shape[:2]:
            sizes = " and ".join(f"{image.shape[1]}×{image.shape[0]}" for image in (mono, reference))
            raise ModelError(f"{self.folder}: {name} is {sizes}, and there is no calibration to rectify with")
        return Pair(name=name, scene=self.scene_of(index), mono=mono, reference=reference)

    def _calibration(self) -> RigCalibration | None:
        try:
            calibration = found_calibration(self._found)
            return None if calibration is None else with_measured_range(calibration, self._found)
        except CalibrationError:
            return None  # the pairs are shown as they are, with what is usual for their width
