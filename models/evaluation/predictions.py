"""Predictions on disk: one file for each method and pair, written whole or not at all, made once.

`FOLDER/METHOD-FINGERPRINT/SET/PAIR.npz` holds the pictures and maps in 8 bits (maps in px in half precision)
and a key of everything that they depend on: the method's fingerprint, the pixels of the pair, the candidates.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.numpy_files import one_reader
from models.data.pairs import Pair
from models.engine import SearchRange
from models.errors import ModelError
from models.evaluation.methods import Contestant, Method, Prediction
from models.evaluation.progress import Progress
from models.evaluation.sets import DataSet

_PICTURES = ("first_pass", "second_pass", "refined", "warped_luma")
_MAPS = ("disparity", "return_error")


@dataclass(frozen=True)
class Job:
    """One method on one pair."""

    method: Method
    data: DataSet
    index: int


def plan(methods: Sequence[Contestant], sets: Sequence[DataSet]) -> list[Job]:
    """Return all jobs, those of one method together; of folds, each pair with the fold that left it out."""
    return [
        Job(member, data, index)
        for method in methods
        for data in sets
        for index, name in enumerate(data.source.names)
        if (member := method.member_for(name)) is not None
    ]


def prediction_path(folder: Path, method: Method, data_name: str, pair_name: str) -> Path:
    """Return where the prediction lies."""
    return folder / f"{method.name}-{method.fingerprint[:12]}" / data_name / f"{pair_name}.npz"


def search_of(method: Method, data: DataSet, pair: Pair) -> SearchRange:
    """Return the candidates: the set's, but as many as the method is bound to. The method is loaded."""
    search = data.search_for(pair)
    bound = method.candidates
    return search if bound is None else SearchRange(bound, search.offset, search.mirrored)


def prediction_key(method: Method, pair: Pair, search: SearchRange) -> str:
    """Return the hash of what a prediction depends on."""
    digest = hashlib.sha256(f"{method.fingerprint} {search}".encode())
    for image in (pair.mono, pair.reference):
        digest.update(f"{image.shape} {image.dtype}".encode())
        digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def predict(jobs: Sequence[Job], folder: Path, *, fresh: frozenset[str] = frozenset()) -> int:
    """Make every prediction that is not there yet; return how many were made.

    Stopped at any moment, what is done stays and is not done again.

    Args:
        jobs: in order; those of one method together, so that its networks are loaded once.
        folder: where predictions lie.
        fresh: names of methods whose predictions are made anew.

    Raises:
        ModelError: a pair cannot be read, a network cannot be run, a file cannot be written.
    """
    made = 0
    progress = Progress("predict", [job.method.name for job in jobs])
    for method, job in _loaded_once(jobs):
        pair = job.data.source.read(job.index)
        search = search_of(method, job.data, pair)
        key = prediction_key(method, pair, search)
        path = prediction_path(folder, method, job.data.name, pair.name)
        if method.name not in fresh and stored_key(path) == key:
            progress.skip()
            continue
        save_prediction(path, key, method.colorize(pair.mono, pair.reference, search))
        made += 1
        progress.step(f"{method.name} {job.data.name}/{pair.name}")
    return made


def _loaded_once(jobs: Sequence[Job]) -> Iterator[tuple[Method, Job]]:
    loaded: Method | None = None
    for job in jobs:
        if job.method is not loaded:
            loaded = job.method
            loaded.load()
        yield loaded, job


def save_prediction(path: Path, key: str, prediction: Prediction) -> None:
    """Write a prediction, atomically. Raises ModelError where that is impossible."""
    arrays: dict[str, NDArray[np.generic]] = {
        name: picture for name in _PICTURES if (picture := getattr(prediction, name)) is not None
    }
    arrays["confidence"] = np.round(np.clip(prediction.confidence, 0, 1) * 255).astype(np.uint8)
    for name in _MAPS:
        if (values := getattr(prediction, name)) is not None:
            arrays[name] = values.astype(np.float16)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez_compressed(file, key=np.array(key), **arrays)  # type: ignore[arg-type]
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def stored_key(path: Path) -> str | None:
    """Return the key of a prediction on disk, None if there is no whole one."""
    if not path.is_file():
        return None
    try:
        # Opened here: numpy leaves a torn file open.
        with one_reader, path.open("rb") as stream, np.load(stream) as file:
            return str(file["key"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None


def load_prediction(path: Path) -> Prediction:
    """Return a prediction. Raises ModelError if it is missing or broken."""
    try:
        with one_reader, path.open("rb") as stream, np.load(stream) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ModelError(f"{path}: no whole prediction; run the stage `predict` again ({error})") from error
    maps = {name: arrays[name].astype(np.float32) for name in _MAPS if name in arrays}
    return Prediction(
        first_pass=arrays["first_pass"],
        second_pass=arrays["second_pass"],
        confidence=arrays["confidence"].astype(np.float32) / np.float32(255),
        refined=arrays.get("refined"),
        warped_luma=arrays.get("warped_luma"),
        **maps,
    )
