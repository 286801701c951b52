"""Rectified pairs on disk, for training here or elsewhere: pair folders, or shards for a cluster.

A pair folder is what `models.data.pairs` reads. Work that is broken off leaves whole pairs only, and goes on
where it ended when the same export is asked for again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from app.datasets.scenes import SceneRule, known_scenes
from app.training_data import CapturedPairs
from capture.dataset_records import PairRecord
from capture.datasets.files import in_parallel
from capture.datasets.scan import Progress
from capture.develop import to_8_bits
from capture.errors import DatasetError
from capture.files import TEMPORARY_SUFFIX, write_atomically
from capture.frames import Image
from capture.png import encode_png
from capture.words import printable
from models.data.known import KNOWN_NAME, KnownPair, dump_known
from models.data.pairs import FolderPairs, JoinedPairs, Pair, PairSource
from models.data.split import PAPER_TRAIN_SHARE, split_known

EXPORT_NAME = "export.json"
TRAIN, HELD_OUT, ALL = "train", "held_out", "pairs"
ImageFormat = Literal["png", "tiff"]


@dataclass(frozen=True)
class ExportPlan:
    """How pairs are to be written.

    Attributes:
        bits: of every value, 8 or 16; None: as the cameras gave (16 if one of a pair has more than 8).
        image_format: "png" or "tiff" (deflated, lossless both).
        split: into `train` and `held_out`; else all in one.
        train_share, seed, scenes: of the split, as in `models.data.split` and `app.datasets.scenes`.
        shard_pairs: pairs of a WebDataset shard; None: pair folders.
    """

    bits: int | None = None
    image_format: ImageFormat = "png"
    split: bool = True
    train_share: float = PAPER_TRAIN_SHARE
    seed: int = 0
    scenes: SceneRule = "time"
    shard_pairs: int | None = None


@dataclass(frozen=True)
class Exported:
    """What is there now: pairs by side, how many were there before, whether scenes were kept whole."""

    sides: Mapping[str, int]
    there_before: int
    by_scene: bool


@dataclass(frozen=True)
class Item:
    """A pair to write: its number in the source, its name here, and what is known of it."""

    index: int
    name: str
    scenes: Sequence[str]
    max_disparity: int | None
    record: PairRecord | None

    def about(self) -> dict[str, Any]:
        """Return what a reader of the pair may want to know, for JSON."""
        about: dict[str, Any] = {"name": self.name, "scenes": list(self.scenes)}
        if self.max_disparity is not None:
            about["max_disparity"] = self.max_disparity
        if self.record is not None:
            about["captured"] = {
                "name": self.record.name,
                "saved": self.record.saved,
                "session": self.record.session,
                "skew_ns": self.record.skew_ns,
                "tags": list(self.record.tags),
                "gates": dict(self.record.gates),
                "mono": _light(self.record, "mono"),
                "color": _light(self.record, "color"),
            }
        return about


def export_pairs(
    source: PairSource, out: Path, plan: ExportPlan, progress: Progress | None = None
) -> Exported:
    """Write all pairs of a source.

    Args:
        source: what `app.training_data.open_training_pairs` opens; read from several threads.
        out: a new folder, or one that the same export has begun.
        plan: how.
        progress: gets (pairs done, pairs); what it raises ends the work, as Ctrl-C does. What is written
            stays and is valid; the same call goes on.

    Raises:
        DatasetError: `out` holds something else, or cannot be written.
        ModelError: a pair cannot be read, or all are of one image.
    """
    from app.datasets.shards import write_shards

    items = _items(source, plan)
    sides, by_scene = _sides(source, items, plan)
    try:
        _begin(source, out, plan, sides)
        write = _write_folders if plan.shard_pairs is None else write_shards
        there_before = write(source, out, plan, sides, progress or _silent)
        _note(out, complete=True)
    except OSError as error:
        raise DatasetError(f"cannot write to {out}: {error.strerror or error}") from error
    return Exported({side: len(of_side) for side, of_side in sides.items()}, there_before, by_scene)


def encode(pair: Pair, plan: ExportPlan) -> tuple[bytes, bytes]:
    """Return the files of a pair: mono and colour, of the plan's bits and format."""
    mono, color = (_of_bits(image, plan.bits) for image in (pair.mono, pair.reference))
    if plan.image_format == "png":
        return encode_png(mono), encode_png(color)
    return _encode_tiff(mono), _encode_tiff(color)


def _items(source: PairSource, plan: ExportPlan) -> list[Item]:
    """Return all pairs, with names that can be those of files and, in shards, have no dot."""
    records, counts = _known(source)
    scenes = known_scenes(source, plan.scenes)
    items: list[Item] = []
    used: set[str] = set()
    for index, name in enumerate(source.names):
        safe = "".join(c if c.isalnum() or c in "-_ " else "-" for c in name) or "pair"
        number, free = 1, safe
        while free.lower() in used:
            number += 1
            free = f"{safe}-{number}"
        used.add(free.lower())
        items.append(Item(index, free, scenes[index], counts[index], records[index]))
    return items


def _known(source: PairSource) -> tuple[list[PairRecord | None], list[int | None]]:
    """Return the captured record and the number of disparities of each pair, None where there is none."""
    if isinstance(source, CapturedPairs):
        return list(source.records), [source.max_disparity(index) for index in range(len(source))]
    if isinstance(source, JoinedPairs):
        parts = [_known(part) for part in source.sources]
        return [r for records, _ in parts for r in records], [c for _, counts in parts for c in counts]
    return [None] * len(source), [None] * len(source)


def _sides(source: PairSource, items: Sequence[Item], plan: ExportPlan) -> tuple[dict[str, list[Item]], bool]:
    if not plan.split:
        return {ALL: list(items)}, True
    contents = [_content(source, item) for item in items]
    split = split_known([item.scenes for item in items], contents, plan.seed, plan.train_share)
    sides = {TRAIN: [items[i] for i in split.train], HELD_OUT: [items[i] for i in split.held_out]}
    return sides, split.by_scene


def _content(source: PairSource, item: Item) -> tuple[str, ...]:
    """Return hashes of the images of a pair: as captured, else of the files, else of what was read."""
    if item.record is not None and item.record.mono is not None and item.record.color is not None:
        return item.record.mono.sha256, item.record.color.sha256
    pair = source.read(item.index)
    return tuple(hashlib.sha256(image.tobytes()).hexdigest() for image in (pair.mono, pair.reference))


def _begin(source: PairSource, out: Path, plan: ExportPlan, sides: Mapping[str, Sequence[Item]]) -> None:
    """Write down what is exported, or see that the folder holds the same. Raises DatasetError, OSError."""
    wanted: dict[str, Any] = {
        "plan": asdict(plan),
        "source": _fingerprint(source),
        "sides": {side: [item.name for item in of_side] for side, of_side in sides.items()},
    }
    path = out / EXPORT_NAME
    if path.is_file():
        if {**_noted(path), "complete": None} != {**wanted, "complete": None}:
            raise DatasetError(
                f"{out} holds another export (other pairs or other options): name a new folder, or remove it"
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} exists and is no export: name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _dumped({**wanted, "complete": False}))


def _noted(path: Path) -> dict[str, Any]:
    try:
        noted = json.loads(path.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read: name a new folder, or remove this one") from error
    return noted if isinstance(noted, dict) else {}


def _note(out: Path, *, complete: bool) -> None:
    path = out / EXPORT_NAME
    noted = _noted(path)
    if noted.get("complete") != complete:
        write_atomically(path, _dumped({**noted, "complete": complete}))


def _dumped(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, indent=1).encode() + b"\n"


def _fingerprint(source: PairSource) -> str:
    """Return a hash that changes if other pairs, or another calibration, would be exported."""
    known = hashlib.sha256()
    if isinstance(source, JoinedPairs):
        known.update(" ".join(_fingerprint(part) for part in source.sources).encode())
    elif isinstance(source, CapturedPairs):
        calibrations = {source.calibration_file(index) for index in range(len(source))}
        for path in sorted(calibrations):
            known.update(path.read_bytes())
        for index, record in enumerate(source.records):
            assert record.mono is not None
            assert record.color is not None
            known.update(f"{record.name} {record.mono.sha256} {record.color.sha256}".encode())
            known.update(f" {source.calibration_file(index).name}\n".encode())
    elif isinstance(source, FolderPairs):
        for name in source.names:
            size = [path.stat().st_size for path in source.files(name)]
            known.update(f"{name} {size}\n".encode("utf-8", "surrogateescape"))
    return known.hexdigest()


def _write_folders(
    source: PairSource, out: Path, plan: ExportPlan, sides: Mapping[str, Sequence[Item]], progress: Progress
) -> int:
    """Write the pairs that are not there yet; return how many were. Raises OSError, ModelError."""
    todo: list[tuple[Path, Item]] = []
    suffix = {"png": ".png", "tiff": ".tif"}[plan.image_format]
    for side, items in sides.items():
        folder = out if side == ALL else out / side
        folder.mkdir(exist_ok=True)
        for left in folder.glob(f"*/.*{TEMPORARY_SUFFIX}"):
            left.unlink()
        known = {item.name: KnownPair(" + ".join(item.scenes)[:500], item.max_disparity) for item in items}
        write_atomically(folder / KNOWN_NAME, dump_known(known).encode())
        todo += [(folder, item) for item in items if not _is_there(folder, item.name, suffix)]
    total = sum(len(items) for items in sides.values())
    there_before = total - len(todo)

    def work(job: tuple[Path, Item]) -> None:
        folder, item = job
        mono, color = encode(source.read(item.index), plan)
        # A folder with `mono/` is one of pairs: it appears with its first pair, after the partner.
        for kind, data in (("color", color), ("mono", mono)):
            (folder / kind).mkdir(exist_ok=True)
            write_atomically(folder / kind / f"{item.name}{suffix}", data)

    for done, _ in enumerate(in_parallel(work, todo, ahead=4), start=1):
        progress(there_before + done, total)
    return there_before


def _is_there(folder: Path, name: str, suffix: str) -> bool:
    return all((folder / kind / f"{name}{suffix}").is_file() for kind in ("mono", "color"))


def _of_bits(image: Image, bits: int | None) -> Image:
    if bits == 8:
        return to_8_bits(image)
    if bits == 16 and image.dtype == np.uint8:
        return image.astype(np.uint16) * np.uint16(257)
    return image


def _encode_tiff(image: Image) -> bytes:
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, data = cv2.imencode(".tiff", pixels, (cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE))
    if not done:
        raise DatasetError(f"cannot encode an image of {image.shape} {image.dtype} as TIFF")
    return data.tobytes()


_DEFLATE = 8  # the TIFF specification's "Adobe deflate"


def _light(record: PairRecord, role: Literal["mono", "color"]) -> dict[str, Any]:
    frame = record.frame(role)
    assert frame is not None
    return {
        "sha256": frame.sha256,
        "pixel_format": printable(frame.pixel_format),
        "exposure_us": frame.exposure_us,
        "gain_db": frame.gain_db,
    }


def _silent(done: int, total: int) -> None:
    """Say nothing of progress."""
