"""Scores of predictions on disk, one number per pair, method, stage, measure and region."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import color
from models.data.numpy_files import one_reader
from models.data.pairs import Pair
from models.errors import ModelError
from models.evaluation import measures, regions
from models.evaluation.methods import Contestant, Prediction
from models.evaluation.predictions import load_prediction, prediction_path, stored_key
from models.evaluation.progress import Progress
from models.evaluation.sets import DataSet
from models.metrics import BORDER

FIRST, REFINED, SECOND = "first", "refined", "second"
"""Stages: I_C and I*_C against the truth, R'_C against R_C."""

Scores = dict[str, dict[str, dict[str, float]]]
"""By stage, region and measure."""


@dataclass(frozen=True)
class Score:
    """One number. `region` is of the mono view, for the second pass of the reference's."""

    set_name: str
    pair: str
    method: str
    stage: str
    region: str
    measure: str
    value: float


def score(methods: Sequence[Contestant], sets: Sequence[DataSet], folder: Path) -> list[Score]:
    """Return the scores of all predictions; those whose files did not change are read, not computed.

    Args:
        methods: whose predictions.
        sets: of which pairs.
        folder: holds `predictions/`; `regions/` is kept beside it.

    Raises:
        ModelError: a prediction is missing or broken, a pair cannot be read, a file cannot be written.
    """
    count = sum(len(data.source) for data in sets)
    progress = Progress("score", ["pair"] * count)
    found: list[Score] = []
    for data in sets:
        for index, name in enumerate(data.source.names):
            found += _score_pair(methods, data, index, folder)
            progress.step(f"{data.name}/{name}")
    return found


def _score_pair(methods: Sequence[Contestant], data: DataSet, index: int, folder: Path) -> Iterator[Score]:
    pair = data.source.read(index)
    pair_hash = _pair_hash(pair, data)
    masks: Mapping[str, regions.Mask] | None = None
    for method in methods:
        member = method.member_for(pair.name)
        if member is None:
            continue
        path = prediction_path(folder / "predictions", member, data.name, pair.name)
        key = f"{stored_key(path)} {pair_hash} {_code_version()}"
        scores = _stored_scores(path.with_suffix(".json"), key)
        if scores is None:
            prediction = load_prediction(path)
            masks = masks or pair_regions(pair, data, folder)
            scores = score_prediction(prediction, pair, masks)
            _write(path.with_suffix(".json"), json.dumps({"key": key, "scores": scores}).encode())
        for stage, by_region in scores.items():
            for region, by_measure in by_region.items():
                for measure, value in by_measure.items():
                    yield Score(data.name, pair.name, method.name, stage, region, measure, value)


def score_prediction(prediction: Prediction, pair: Pair, masks: Mapping[str, regions.Mask]) -> Scores:
    """Return the scores of one prediction.

    Args:
        prediction: of the pair.
        pair: with truth, both passes and the refined result are scored; without, the second pass and the
            structure measure.
        masks: regions of the mono view.
    """
    reference = color.as_uint8(pair.reference)
    views = regions.appearance(color.luma_uint8(reference))
    second_masks = _without_border({regions.WHOLE: np.ones(pair.mono.shape, np.bool_), **views})
    scores: Scores = {SECOND: measures.compare(prediction.second_pass, reference, second_masks)}
    if pair.truth is not None:
        truth = color.as_uint8(pair.truth)
        scores[FIRST] = measures.compare(prediction.first_pass, truth, masks)
        separation = measures.separation(
            prediction.confidence, prediction.first_pass, truth, masks[regions.WHOLE]
        )
        if separation is not None:
            scores[FIRST][regions.WHOLE]["confidence_auc"] = separation
        if prediction.refined is not None:
            scores[REFINED] = measures.compare(prediction.refined, truth, masks)
    if prediction.warped_luma is not None:
        structure = measures.compare_structure(prediction.warped_luma, color.as_uint8(pair.mono), masks)
        first = scores.setdefault(FIRST, {})
        for region, found in structure.items():
            first.setdefault(region, {}).update(found)
    return scores


def pair_regions(pair: Pair, data: DataSet, folder: Path) -> Mapping[str, regions.Mask]:
    """Return the regions of a pair, computed once and kept in `folder/regions/SET/PAIR.npz`."""
    path = folder / "regions" / data.name / f"{pair.name}.npz"
    key = f"{_pair_hash(pair, data)} {_code_version()}"
    if stored_key(path) == key:
        with one_reader, np.load(path) as file:
            return {name: file[name] for name in regions.REGIONS}
    luma = color.luma_uint8(color.as_uint8(pair.reference))
    masks = regions.find_regions(color.as_uint8(pair.mono), luma, pair.disparity, data.search_for(pair))
    temporary = _temporary(path)
    with temporary.open("wb") as file:
        np.savez_compressed(file, key=np.array(key), **masks)  # type: ignore[arg-type]
    temporary.replace(path)
    return masks


def _without_border(masks: Mapping[str, regions.Mask]) -> dict[str, regions.Mask]:
    kept = {name: np.zeros_like(mask) for name, mask in masks.items()}
    inside = (slice(BORDER, -BORDER),) * 2
    for name, mask in masks.items():
        kept[name][inside] = mask[inside]
    return kept


def _pair_hash(pair: Pair, data: DataSet) -> str:
    digest = hashlib.sha256(str(data.search_for(pair)).encode())
    images: tuple[NDArray[np.generic] | None, ...] = (pair.mono, pair.reference, pair.truth, pair.disparity)
    for image in images:
        digest.update(b"none" if image is None else np.ascontiguousarray(image).data)
    return digest.hexdigest()


@functools.cache
def _code_version() -> str:
    """Return the hash of the code that scores: other code, other scores."""
    files = (f"{name}.py" for name in ("measures", "regions", "color_difference", "peers", "scoring"))
    sources = [(Path(__file__).parent / name).read_bytes() for name in files]
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _stored_scores(path: Path, key: str) -> Scores | None:
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    scores: Scores | None = stored["scores"] if stored.get("key") == key else None
    return scores


def _temporary(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error
    return path.with_suffix(f".{os.getpid()}.tmp")


def _write(path: Path, content: bytes) -> None:
    temporary = _temporary(path)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error
