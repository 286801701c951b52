"""Pairs on disk: real rigs (`mono/` + `color/`) and colour stereo sets (`reference/` + `truth/`)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models import color
from models.data.image_files import (
    IMAGE_SUFFIXES,
    Image,
    image_size,
    read_color,
    read_disparity,
    read_gray,
    read_mask,
)
from models.data.known import KnownPair, read_known
from models.errors import ModelError

SEQUENCE_LENGTH = 50
"""Files numbered alike are frames of a sequence; so many in a row are taken for one scene."""

# Middlebury's takes of one scene: other exposure (E), other lighting (L), perfect rectification (P).
_TAKE = re.compile(r"(?<=[a-z])[ELP]$|-(im)?perfect$")
_NUMBERED = re.compile(r"^(?P<stem>|.*[-_ ])(?P<number>\d+)$")


@dataclass(frozen=True, eq=False)
class Pair:
    """A rectified pair and what is known of it. All images have one height and width.

    Content of mono pixel (y, x) lies at (y, x + disparity) in the reference.

    Attributes:
        name: unique in its source.
        scene: pairs of one scene must not be on both sides of a split.
        mono: I_G, H×W uint8 or uint16, full scale.
        reference: R_C, H×W×3 RGB, uint8 or uint16, full scale.
        truth: the colour camera's colours of every mono pixel, H×W×3 RGB, or None.
        disparity: H×W float32 px, of the mono view, NaN where unknown; or None.
        max_disparity: number of candidates 0 … max_disparity − 1 that covers the pair; None if unknown.
        visible: H×W bool, mono pixels that the colour camera sees too; None if unknown.
        mono_is_luma: mono is but the luma of truth (a colour stereo set), not the image of another sensor.
    """

    name: str
    scene: str
    mono: Image
    reference: Image
    truth: Image | None = None
    disparity: NDArray[np.float32] | None = None
    max_disparity: int | None = None
    visible: NDArray[np.bool_] | None = None
    mono_is_luma: bool = False


class PairSource(Protocol):
    """Pairs by number. Reading is repeatable and may happen in any process (a source can be pickled)."""

    @property
    def names(self) -> Sequence[str]:
        """Return the names, unique, in order."""

    def __len__(self) -> int:
        """Return how many pairs there are."""

    def read(self, index: int) -> Pair:
        """Return a pair. Raises ModelError in one line: missing, damaged, sizes that differ."""

    def scene_of(self, index: int) -> str:
        """Return `read(index).scene` without reading images."""


class WrappedPairs:
    """A source's pairs, passed on; a subclass does something to each. Can be pickled if the source can."""

    def __init__(self, source: PairSource) -> None:
        self._source = source
        self.names: Sequence[str] = source.names

    def __len__(self) -> int:
        return len(self._source)

    def scene_of(self, index: int) -> str:
        """Return the scene of a pair."""
        return self._source.scene_of(index)

    def read(self, index: int) -> Pair:
        """Read a pair. Raises ModelError as the source does."""
        return self._source.read(index)


def open_pairs(*folders: Path) -> PairSource:
    """Open folders of pairs, one after the other; sizes are compared at once, pixels when read.

    Args:
        folders: each a pair folder (`mono/NAME.png` and `color/NAME.png`), a colour stereo set
            (`reference/NAME.png` and `truth/NAME.png`; mono is the luma of truth), or a folder of these.
            TIFF files (.tif, .tiff) will do in place of PNG.
            Optional: `truth/NAME.png`, `disparity/` or `disparity_truth/` with NAME.npy, .pfm or .png
            (see `read_disparity`), `visible/NAME.png`, `pairs.json` (see `models.data.known`).

    Raises:
        ModelError: nothing there, a partner is missing, sizes differ, a header is broken or absurd.
    """
    sources = [FolderPairs(found) for folder in folders for found in pair_folders(Path(folder))]
    if not sources:
        raise ModelError("no folder of pairs was named")
    return sources[0] if len(sources) == 1 else JoinedPairs(sources)


def luma_of(rgb: Image) -> Image:
    """Return the luma of an H×W×3 RGB image, H×W of its type, rounded."""
    if rgb.dtype == np.uint8:
        return color.luma_uint8(rgb)  # type: ignore[arg-type]
    weights = np.array([color.LUMA_RED, color.LUMA_GREEN, color.LUMA_BLUE], np.float32)
    return np.round(rgb @ weights).astype(np.uint16)


def unit(image: Image) -> NDArray[np.float32]:
    """Return float32 in 0 … 1 of a full-scale uint8 or uint16 image."""
    return image.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)


def scene_name(folder: str, name: str) -> str:
    """Return what a pair shows, judged by its name.

    Takes of one scene are one (`ArtL`, `Art`); numbered frames are, in runs of `SEQUENCE_LENGTH`; a bare
    number says nothing without its folder.
    """
    numbered = _NUMBERED.match(name)
    if numbered is None:
        return _TAKE.sub("", name).lower()
    stem = numbered["stem"].rstrip("-_ ") or folder
    return f"{stem}/{int(numbered['number']) // SEQUENCE_LENGTH}".lower()


class FolderPairs:
    """One folder of pairs. Raises ModelError as `open_pairs` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mono, self._color = _layout(folder)
        self._files = {side: _image_files(folder / side) for side in (self._mono, self._color)}
        self.names: tuple[str, ...] = tuple(sorted(self._files[self._mono]))
        if not self.names:
            raise ModelError(f"{folder}: no PNG or TIFF files in {self._mono}/")
        self._check_partners()
        self._known = read_known(folder)

    def __len__(self) -> int:
        return len(self.names)

    def scene_of(self, index: int) -> str:
        """Return the scene: as `pairs.json` says, else judged by the name."""
        known = self._known.get(self.names[index], KnownPair()).scene
        return known or scene_name(self.folder.name, self.names[index])

    def read(self, index: int) -> Pair:
        """Read the images of a pair."""
        name = self.names[index]
        reference = read_color(self._files[self._color][name])
        truth = read_color(path) if (path := self._beside("truth", name)).is_file() else None
        if self._mono == "truth":
            assert truth is not None  # it is where the names came from
            mono = luma_of(truth)
        else:
            mono = read_gray(self._files[self._mono][name])
        disparity_file = self._disparity_file(name)
        disparity = read_disparity(disparity_file) if disparity_file else None
        visible = read_mask(path) if (path := self._beside("visible", name)).is_file() else None
        for kind, image in (("disparity", disparity), ("visible", visible)):
            if image is not None and image.shape != mono.shape:
                raise ModelError(
                    f"{self.folder}: {kind} of {name} is {_size(image)}, its image {_size(mono)}"
                )
        return Pair(
            name=name,
            scene=self.scene_of(index),
            mono=mono,
            reference=reference,
            truth=truth,
            disparity=disparity,
            max_disparity=_candidates(disparity) or self._known.get(name, KnownPair()).max_disparity,
            visible=visible,
            mono_is_luma=self._mono == "truth",
        )

    def files(self, name: str) -> tuple[Path, Path]:
        """Return the image files of a pair: of the mono (or truth) and of the colour camera."""
        return self._files[self._mono][name], self._files[self._color][name]

    def _beside(self, kind: str, name: str) -> Path:
        """Return the file of a pair in another subfolder: as a rule a PNG file."""
        known = self._files.get(kind, {})
        return known.get(name, self.folder / kind / f"{name}.png")

    def _disparity_file(self, name: str) -> Path | None:
        for kind in ("disparity", "disparity_truth"):
            for suffix in (".npy", ".pfm", ".png"):
                if (path := self.folder / kind / f"{name}{suffix}").is_file():
                    return path
        return None

    def _check_partners(self) -> None:
        known = set(self.names)
        lone = sorted(known ^ self._files[self._color].keys())
        if lone:
            side = self._color if lone[0] in known else self._mono
            more = f" (and {len(lone) - 1} more)" if len(lone) > 1 else ""
            raise ModelError(f"{self._beside(side, lone[0])} is missing: half of a pair{more}")
        with_truth = self._mono == "mono" and (self.folder / "truth").is_dir()
        for name in self.names:
            size = image_size(self._files[self._mono][name])
            has_truth = with_truth and self._beside("truth", name).is_file()
            for side in [self._color, *(["truth"] if has_truth else [])]:
                other = image_size(self._beside(side, name))
                if other != size:
                    raise ModelError(
                        f"{self.folder}: {name} is {size[1]}×{size[0]} in {self._mono}/, "
                        f"{other[1]}×{other[0]} in {side}/"
                    )


class JoinedPairs:
    """Several sources as one, in order. Names that repeat get the name of their folder put before them.

    Raises ModelError if one folder is there twice.
    """

    def __init__(self, sources: Sequence[PairSource]) -> None:
        self.sources = tuple(sources)
        folders = [folder for s in sources if (folder := getattr(s, "folder", None)) is not None]
        twice = next((f for f, n in Counter(f.resolve() for f in folders).items() if n > 1), None)
        if twice is not None:
            raise ModelError(f"{twice} was named twice")
        self._places = [(s, i) for s in self.sources for i in range(len(s))]
        self.names: tuple[str, ...] = tuple(self._unique_names())

    def __len__(self) -> int:
        return len(self._places)

    def scene_of(self, index: int) -> str:
        """Return the scene as its source names it."""
        source, place = self._places[index]
        return source.scene_of(place)

    def read(self, index: int) -> Pair:
        """Read a pair; it keeps the name it has here."""
        source, place = self._places[index]
        pair = source.read(place)
        return pair if pair.name == self.names[index] else replace(pair, name=self.names[index])

    def _unique_names(self) -> list[str]:
        plain = [source.names[place] for source, place in self._places]
        labels = [folder.name if (folder := getattr(s, "folder", None)) else "pairs" for s in self.sources]
        if len(set(labels)) < len(labels):
            labels = [f"{number}-{label}" for number, label in enumerate(labels, 1)]
        label_of = {id(source): label for source, label in zip(self.sources, labels, strict=True)}
        counts = Counter(plain)
        return [
            name if counts[name] == 1 else f"{label_of[id(source)]}/{name}"
            for name, (source, _) in zip(plain, self._places, strict=True)
        ]


def pair_folders(folder: Path) -> list[Path]:
    """Return the folder itself, or those inside it that hold pairs."""
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder")
    if _is_pair_folder(folder):
        return [folder]
    inside = sorted(p for p in folder.iterdir() if p.is_dir() and _is_pair_folder(p))
    if not inside:
        raise ModelError(
            f"{folder}: no pairs (expected mono/NAME.png + color/NAME.png, or reference/ + truth/)"
        )
    return inside


def _is_pair_folder(folder: Path) -> bool:
    return (folder / "mono").is_dir() or (folder / "reference").is_dir()


def _layout(folder: Path) -> tuple[str, str]:
    """Return the subfolders of (mono, colour)."""
    mono, colour = ("mono", "color") if (folder / "mono").is_dir() else ("truth", "reference")
    for side in (mono, colour):
        if not (folder / side).is_dir():
            raise ModelError(f"{folder} has no folder {side}/")
    if (folder / "pairs.jsonl").exists():
        raise ModelError(
            f"{folder} is a captured dataset of raw frames: rectify them first (train --dataset)"
        )
    return mono, colour


def _image_files(folder: Path) -> dict[str, Path]:
    """Return the PNG and TIFF files of a folder by name without ending."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            names = f"{found[path.stem].name}, {path.name}"
            raise ModelError(f"{folder} has two images named {path.stem}: {names}")
        found[path.stem] = path
    return found


def _candidates(disparity: NDArray[np.float32] | None) -> int | None:
    """Return how many candidates cover the known disparities, rounding up."""
    if disparity is None or np.isnan(disparity).all():
        return None
    return max(1, int(np.ceil(np.nanmax(disparity))) + 1)


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"
