"""What a file or folder is that was dropped on the window or picked from a list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.training_data import is_captured
from capture.calibration import load_calibration
from capture.dataset_records import DATASET_NAME, PAIRS_NAME
from capture.errors import CalibrationError, RigFileError
from capture.frames import ROLES
from capture.images import SUFFIXES
from capture.rig_file import load_rig_file
from models.evaluation.evaluated import is_evaluation

Kind = Literal["rig", "dataset", "pairs", "results", "weights", "calibration", "unknown"]


@dataclass(frozen=True)
class Found:
    """What lies at a path.

    Attributes:
        kind: what it is.
        path: what to open: the folder, if one of its files was named.
        names: of pairs in it that were meant; all without.
        why: in one line, if it is nothing that can be opened.
    """

    kind: Kind
    path: Path
    names: tuple[str, ...] = ()
    why: str = ""

    @property
    def words(self) -> str:
        """What opening it does, for a person who still holds the mouse button."""
        name = self.path.name
        return {
            "rig": f"Open the rig {name}",
            "dataset": f"Browse the dataset {name}",
            "pairs": f"Inspect the pairs of {name}",
            "results": f"Inspect the results in {name}",
            "weights": f"Use the weights {name}",
            "calibration": f"Rectify with {name}",
            "unknown": self.why,
        }[self.kind]


def look_at(path: Path) -> Found:
    """Return what a path is. Reads small files only, never images or weights."""
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        return Found("unknown", path, why=f"{path} does not exist")
    if path.name in (DATASET_NAME, PAIRS_NAME):
        return _folder(path.parent)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return Found("weights", path)
    if suffix == ".toml":
        return _table(path)
    if suffix in SUFFIXES and path.parent.name in ROLES:
        around = _folder(path.parent.parent)
        if around.kind in ("pairs", "dataset"):
            return Found("pairs", around.path, (path.stem,))
    return Found(
        "unknown",
        path,
        why=f"{path.name} is no rig file, calibration, dataset, folder of pairs or weights file",
    )


def _folder(path: Path) -> Found:
    if is_evaluation(path):
        return Found("results", path)
    if is_captured(path):
        return Found("dataset", path)
    if all((path / role).is_dir() for role in ROLES):
        return Found("pairs", path)
    if any(child.is_dir() for child in path.iterdir()):
        return Found("pairs", path)  # sets of pairs, or as KITTI lays them out: Inspect says if it is neither
    return Found("unknown", path, why=f"{path.name} holds no pairs: they lie in mono/ and color/")


def _table(path: Path) -> Found:
    try:
        load_rig_file(path)
    except RigFileError as error:
        try:
            load_calibration(path)
        except CalibrationError:
            return Found("unknown", path, why=str(error))
        return Found("calibration", path)
    return Found("rig", path)
