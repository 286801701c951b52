"""A folder of board shots: a dataset of raw pairs, and beside it what was chosen on the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import tomli_w

from capture.dataset import DatasetWriter
from capture.errors import CalibrationError, DatasetError
from capture.files import read_toml, write_atomically
from capture.frames import FramePair
from capture.rig import RigInfo
from capture.targets import Target, target_from_table, target_to_table

CHOICES_NAME = "calibration_session.toml"
HEADER = "# CycleRig: what was chosen for these shots of a calibration board.\n\n"


@dataclass(frozen=True)
class Choices:
    """What a person chose for a folder of shots.

    Attributes:
        target: what is in the pictures; None where nobody has said.
        excluded: names of shots that are not to be solved with.
    """

    target: Target | None = None
    excluded: frozenset[str] = frozenset()


class Session:
    """Shots of the running rig, each on disk before anything else is done with it. One thread at a time.

    Args:
        folder: made if it is missing; shots are added to those in it.
        info: the rig they come from.
    """

    def __init__(self, folder: Path, info: RigInfo) -> None:
        self.folder = folder
        self._writer = DatasetWriter(folder, info)
        self._is_open = False

    def save(self, pair: FramePair) -> str:
        """Write a raw pair and return the name it has now. Raises DatasetError."""
        if not self._is_open:
            self._writer.open()
            self._is_open = True
        return self._writer.save(pair)

    def close(self) -> None:
        """Let the folder go. Idempotent."""
        self._writer.close()
        self._is_open = False


def new_folder(parent: Path, now: datetime) -> Path:
    """Return a folder that is not there yet, called by the time."""
    stem = f"boards_{now:%Y-%m-%d_%H%M%S}"
    candidates = (parent / (stem if number == 1 else f"{stem}_{number}") for number in range(1, 1000))
    return next(folder for folder in candidates if not folder.exists())


def write_choices(folder: Path, choices: Choices) -> None:
    """Note what was chosen. Raises DatasetError."""
    document: dict[str, object] = {"excluded": sorted(choices.excluded)}
    if choices.target is not None:
        document["target"] = target_to_table(choices.target)
    try:
        write_atomically(folder / CHOICES_NAME, (HEADER + tomli_w.dumps(document)).encode())
    except OSError as error:
        raise DatasetError(f"cannot write to {folder}: {error.strerror or error}") from error


def read_choices(folder: Path) -> Choices:
    """Return what was chosen for a folder; nothing if it has no such file.

    Raises CalibrationError, which names the file and the key.
    """
    path = folder / CHOICES_NAME
    if not path.is_file():
        return Choices()
    document = read_toml(path, CalibrationError)
    for key in document.keys() - {"excluded", "target"}:
        raise CalibrationError(f"{path}: {key} is not a known key")
    excluded, table = document.get("excluded", []), document.get("target")
    if not isinstance(excluded, list) or not all(isinstance(name, str) for name in excluded):
        raise CalibrationError(f"{path}: excluded must be a list of names")
    if table is not None and not isinstance(table, dict):
        raise CalibrationError(f"{path}: target must be a table")
    try:
        target = target_from_table(table) if table is not None else None
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    return Choices(target, frozenset(excluded))
