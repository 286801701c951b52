"""Pairs of board images on disk, however they are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.dataset import DatasetReader
from capture.develop import develop
from capture.errors import CalibrationError, DatasetError
from capture.frames import ROLES, Image, Role

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm"})
_SIDED = (
    re.compile(r"(?P<side>left|right)[_-]?(?P<name>.+)", re.IGNORECASE),
    re.compile(r"(?P<name>.+?)[_-]?(?P<side>left|right)", re.IGNORECASE),
    re.compile(r"(?P<name>.+?)[_-]?(?P<side>[LR])"),
)


@dataclass(frozen=True)
class BoardImages:
    """One view of the board by both cameras; `load` reads an image when it is needed."""

    name: str
    mono: Path
    color: Path
    dataset: DatasetReader | None = None

    def load(self, role: Role) -> NDArray[np.uint8]:
        """Return the image in gray, H×W uint8, stretched to its brightest value if it has more bits.

        Raises CalibrationError.
        """
        path = self.mono if role == "mono" else self.color
        image = self._read_dataset(role) if self.dataset is not None else _read(path)
        if image.dtype == np.uint8:
            return np.asarray(image, np.uint8)
        return (image / max(1, int(image.max())) * 255).astype(np.uint8)

    def _read_dataset(self, role: Role) -> Image:
        assert self.dataset is not None
        record = next(record for record in self.dataset if record.name == self.name)
        try:
            pair = self.dataset.load(record)
        except DatasetError as error:
            raise CalibrationError(str(error)) from error
        image = develop(pair.mono if role == "mono" else pair.color)
        if image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
        return image


def find_board_images(
    paths: Sequence[Path], mono_side: Literal["left", "right"] = "left"
) -> list[BoardImages]:
    """Return the views among these files and folders, sorted by name.

    A folder with `mono/` and `color/` (also a captured dataset) is taken by equal names. Other files must be
    called leftNAME/rightNAME, NAME_left/NAME_right or NAMEL/NAMER; `mono_side` says which of them is the mono
    camera.

    Raises CalibrationError: no such path, no images, half of a pair is missing.
    """
    if len(paths) == 1 and paths[0].is_dir() and all((paths[0] / role).is_dir() for role in ROLES):
        return _from_pair_folder(paths[0])
    halves: dict[str, dict[str, Path]] = {}
    for path, side, name in _sided_files(paths):
        other = halves.setdefault(name, {}).setdefault(side, path)
        if other != path:
            raise CalibrationError(f"{other} and {path} have the same name: give one folder at a time")
    color_side = "right" if mono_side == "left" else "left"
    for name, found in sorted(halves.items()):
        for side in ("left", "right"):
            if side not in found:
                raise CalibrationError(
                    f"half of pair {name!r} is missing: no {side} image to {next(iter(found.values()))}"
                )
    return [
        BoardImages(name, found[mono_side], found[color_side])
        for name, found in sorted(halves.items(), key=_natural)
    ]


def match_board_images(mono: Sequence[Path], color: Sequence[Path]) -> list[BoardImages]:
    """Return views from two lists (or folders) of files: sorted by name, the first of each belong together.

    Raises CalibrationError if their numbers differ.
    """
    ours, theirs = (
        sorted(_files(paths), key=lambda path: _natural((path.name, None))) for paths in (mono, color)
    )
    if len(ours) != len(theirs):
        raise CalibrationError(
            f"{len(ours)} mono images, but {len(theirs)} colour images: half of a pair is missing"
        )
    return [BoardImages(one.stem, one, other) for one, other in zip(ours, theirs, strict=True)]


def _from_pair_folder(folder: Path) -> list[BoardImages]:
    if (folder / "pairs.jsonl").exists():
        try:
            reader = DatasetReader.open(folder)
        except DatasetError as error:
            raise CalibrationError(str(error)) from error
        return [
            BoardImages(r.name, folder / "mono" / f"{r.name}.png", folder / "color" / f"{r.name}.png", reader)
            for r in reader
        ]
    files = {role: {path.stem: path for path in _files([folder / role])} for role in ROLES}
    for role, other in (ROLES, ROLES[::-1]):
        for name in sorted(files[role].keys() - files[other].keys()):
            raise CalibrationError(
                f"half of pair {name!r} is missing: there is no {other} image to {files[role][name]}"
            )
    return [BoardImages(name, files["mono"][name], files["color"][name]) for name in sorted(files["mono"])]


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(
                entry for entry in path.iterdir() if entry.suffix.lower() in SUFFIXES and entry.name[0] != "."
            )
        elif path.is_file():
            files.append(path)
        else:
            raise CalibrationError(f"{path} does not exist")
    if not files:
        raise CalibrationError(f"there are no images in {', '.join(map(str, paths)) or 'nothing'}")
    return files


def _sided_files(paths: Sequence[Path]) -> list[tuple[Path, str, str]]:
    """Return (path, side, name). A folder may hold other pictures too; a file given by name is meant."""
    files = _files(paths)
    sided = [(path, *parts) for path in files if (parts := _side_and_name(path))]
    known = {path for path, _, _ in sided}
    for path in files:
        if path not in known and (path in paths or not known):
            raise CalibrationError(
                f"{path} does not tell its camera: call the images leftNAME and rightNAME, put them into "
                "mono/ and color/, or use --mono-images and --color-images"
            )
    return sided


def _side_and_name(path: Path) -> tuple[str, str] | None:
    for pattern in _SIDED:
        if found := pattern.fullmatch(path.stem):
            return {"l": "left", "r": "right"}[found["side"][0].lower()], found["name"]
    return None


def _natural(item: tuple[str, object]) -> list[tuple[int, str]]:
    """Sort 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", item[0])]


def _read(path: Path) -> Image:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise CalibrationError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH) if data.size else None
    except cv2.error as error:
        raise CalibrationError(f"{path} cannot be decoded: {error.err}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise CalibrationError(f"{path} is no image, or damaged")
    return image  # type: ignore[return-value]
