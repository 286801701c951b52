"""WebDataset shards: tar files of NAME.mono.png, NAME.color.png, NAME.json, written the same way every time.

The naming is WebDataset's: files of one sample follow each other and share what comes before the first dot.
Source: the tar format of webdataset, https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial as bound
from pathlib import Path

from app.datasets.export import ExportPlan, Item, encode
from capture.datasets.files import in_parallel
from capture.datasets.scan import Progress
from capture.errors import DatasetError
from capture.files import TEMPORARY_SUFFIX, sync_folder
from models.data.pairs import PairSource

_SAMPLE_FILE = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")
Sample = dict[str, bytes]


def write_shards(
    source: PairSource, out: Path, plan: ExportPlan, sides: Mapping[str, Sequence[Item]], progress: Progress
) -> int:
    """Write SIDE-000000.tar … of each side; a shard that is there is left. Return how many pairs were there.

    Pairs are shuffled by the plan's seed, so that each shard is a fair sample. Each shard is read back before
    it gets its name.

    Raises DatasetError (what was read back differs), OSError, ModelError.
    """
    assert plan.shard_pairs is not None
    total = sum(len(items) for items in sides.values())
    done = there_before = 0
    for side, items in sides.items():
        shuffled = sorted(items, key=lambda item: _dealt(plan.seed, item.name))
        starts = range(0, len(shuffled), plan.shard_pairs)
        for number, start in enumerate(starts):
            part = shuffled[start : start + plan.shard_pairs]
            path = out / f"{side}-{number:06d}.tar"
            if path.is_file():
                there_before += len(part)
            else:
                _write_shard(source, path, plan, part, bound(_count_on, progress, done, total))
            done += len(part)
            progress(done, total)
    return there_before


def read_shard(path: Path) -> dict[str, Sample]:
    """Return the samples of a shard in order: file contents by extension, by key.

    Raises DatasetError: not a tar file, or names that WebDataset would not take for samples.
    """
    samples: dict[str, Sample] = {}
    last = ""
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                named = _SAMPLE_FILE.fullmatch(member.name)
                content = tar.extractfile(member)
                if named is None or content is None:
                    raise DatasetError(f"{path}: {member.name[:80]!r} is no file of a sample")
                key, extension = named[1], named[2].lower()
                if key != last and key in samples:
                    raise DatasetError(f"{path}: the files of sample {key[:80]!r} do not follow each other")
                if extension in samples.setdefault(key, {}):
                    raise DatasetError(f"{path}: sample {key[:80]!r} has {extension} twice")
                samples[key][extension] = content.read()
                last = key
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    return samples


def _write_shard(
    source: PairSource, path: Path, plan: ExportPlan, items: Sequence[Item], progress: Callable[[int], None]
) -> None:
    partial = path.with_name(f".{path.name}{TEMPORARY_SUFFIX}")
    suffix = {"png": "png", "tiff": "tif"}[plan.image_format]
    hashes: dict[str, str] = {}
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            work = _encoder(source, plan, suffix)
            for done, (item, sample) in enumerate(in_parallel(work, items, ahead=4), start=1):
                for extension, data in sample.items():
                    _add(tar, f"{item.name}.{extension}", data)
                hashes[item.name] = _hash(sample)
                progress(done)
        if {key: _hash(sample) for key, sample in read_shard(partial).items()} != hashes:
            raise DatasetError(f"{path} is not what was written when it is read back: is the disk in order?")
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.rename(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _count_on(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _encoder(source: PairSource, plan: ExportPlan, suffix: str) -> Callable[[Item], Sample]:
    def work(item: Item) -> Sample:
        mono, color = encode(source.read(item.index), plan)
        about = json.dumps(item.about(), sort_keys=True).encode()
        return {f"mono.{suffix}": mono, f"color.{suffix}": color, "json": about}

    return work


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file that says nothing of when and by whom it was written."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(data))


def _hash(sample: Sample) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in sample.values())).hexdigest()


def _dealt(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogateescape")).hexdigest()
