"""`python -m models.evaluation.degradation`: how colours degrade where they are hard to give, and whether
confidence says so.

Of pairs with truth and disparity (`main.py render`), by place: what the colour camera sees, with texture and
without; what it does not see; where the depth steps. The outermost columns of every row are looked at on
their own: a bias of both Cb and Cr below 0 there is a green margin.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.data.pairs import Pair, open_pairs
from models.evaluation import standalone
from models.evaluation.measures import SMALLEST_REGION_PX, FloatMap, Rgb8, chroma_planes, less_confident
from models.evaluation.methods import Method, Prediction
from models.evaluation.places import (
    CAMERA,
    FIRST,
    OCCLUDED,
    OUTSIDE,
    PLACES,
    REFINED,
    pictures_of,
    places_of,
    seen_reference,
    truth_of,
)
from models.evaluation.predictions import search_of
from models.evaluation.progress import Progress
from models.evaluation.regions import Mask
from models.evaluation.sets import DataSet

FAR_OFF_LEVELS = 10.0
"""Error of chroma from which on a pixel counts as wrong here: a colour from another surface, not noise."""
MARGIN_PX = 2
LEFT, RIGHT = f"left {MARGIN_PX} columns", f"right {MARGIN_PX} columns"


@dataclass(frozen=True)
class Degradation:
    """Of a place: chroma against the truth, in levels, and what confidence says of it.

    Attributes:
        error: mean of |ΔCb| and |ΔCr|.
        far_off: share of pixels where that is above `FAR_OFF_LEVELS`.
        bias_cb, bias_cr: mean of ΔCb and ΔCr.
        confidence: mean; None for the camera.
        auc: chance that a pixel that is far off has less confidence than one that is not (0.5 says nothing, 1
            tells all); None where all are alike.
        pixels: how many, of all pairs.
    """

    error: float
    far_off: float
    bias_cb: float
    bias_cr: float
    confidence: float | None
    auc: float | None
    pixels: int


def degradation(prediction: Prediction, pair: Pair) -> dict[str, dict[str, Degradation]]:
    """Return the figures by place (`PLACES`, `LEFT`, `RIGHT`) and picture (`FIRST`, `REFINED`, `CAMERA`).

    Confidence is the method's own, of its first pass. `CAMERA` is the reference taken from where the truth
    says, with its noise and blur, of the visible pixels alone: what nobody can be expected to beat by much.
    Places with hardly a pixel are left out. Raises ModelError if the pair has no truth or no disparity.
    """
    truth, _ = truth_of(pair)
    places = {**places_of(pair), **_margins(truth)}
    visible = ~places[OCCLUDED] & ~places[OUTSIDE]
    found: dict[str, dict[str, Degradation]] = {}
    for name, picture in {**pictures_of(prediction), CAMERA: seen_reference(pair)}.items():
        difference = chroma_planes(picture) - chroma_planes(truth)
        for place, mask in places.items():
            counted = mask & visible if name == CAMERA else mask
            if np.count_nonzero(counted) >= SMALLEST_REGION_PX:
                confidence = None if name == CAMERA else prediction.confidence[counted]
                found.setdefault(place, {})[name] = _measure(difference[counted], confidence)
    return found


def _measure(difference: FloatMap, confidence: FloatMap | None) -> Degradation:
    """Return the figures of N pixels: N×2 differences and N confidences, if there are any."""
    inside = difference.astype(np.float64)
    error = np.abs(inside).mean(axis=-1)
    bias = inside.mean(axis=0)
    return Degradation(
        error=float(error.mean()),
        far_off=float(np.mean(error > FAR_OFF_LEVELS)),
        bias_cb=float(bias[0]),
        bias_cr=float(bias[1]),
        confidence=None if confidence is None else float(confidence.mean(dtype=np.float64)),
        auc=None if confidence is None else less_confident(confidence, error > FAR_OFF_LEVELS),
        pixels=len(inside),
    )


def _margins(truth: Rgb8) -> dict[str, Mask]:
    left = np.zeros(truth.shape[:2], np.bool_)
    left[:, :MARGIN_PX] = True
    return {LEFT: left, RIGHT: left[:, ::-1]}


def mean_degradation(
    found: Sequence[Mapping[str, Mapping[str, Degradation]]],
) -> dict[str, dict[str, Degradation]]:
    """Return the mean over pairs by the pixels that each has there; of AUC, over those that have one."""
    gathered: defaultdict[tuple[str, str], list[Degradation]] = defaultdict(list)
    for of_pair in found:
        for place, by_name in of_pair.items():
            for name, figures in by_name.items():
                gathered[place, name].append(figures)
    result: dict[str, dict[str, Degradation]] = {}
    for place in (*PLACES, LEFT, RIGHT):
        for name in (FIRST, REFINED, CAMERA):
            if several := gathered.get((place, name)):
                result.setdefault(place, {})[name] = _mean(several)
    return result


def _mean(several: Sequence[Degradation]) -> Degradation:
    def mean(figure: str, of: Sequence[Degradation] = several) -> float:
        return float(np.average([getattr(one, figure) for one in of], weights=[one.pixels for one in of]))

    telling = [one for one in several if one.auc is not None]
    return Degradation(
        error=mean("error"),
        far_off=mean("far_off"),
        bias_cb=mean("bias_cb"),
        bias_cr=mean("bias_cr"),
        confidence=None if several[0].confidence is None else mean("confidence"),
        auc=mean("auc", telling) if telling else None,
        pixels=sum(one.pixels for one in several),
    )


def measure_folders(method: Method, folders: Sequence[Path]) -> dict[str, dict[str, Degradation]]:
    """Return the mean over all pairs in folders. Raises ModelError: no truth, reading, colorizing."""
    data = DataSet("pairs", open_pairs(*folders), None)
    progress = Progress("degradation", [method.name] * len(data.source))
    found = []
    for index in range(len(data.source)):
        pair = data.source.read(index)
        prediction = method.colorize(pair.mono, pair.reference, search_of(method, data, pair))
        found.append(degradation(prediction, pair))
        progress.step(f"{method.name} {pair.name}")
    return mean_degradation(found)


def table(result: Mapping[str, Mapping[str, Degradation]]) -> Iterator[Sequence[str]]:
    """Yield the rows of a table of a result, the header first."""
    yield "place", "picture", "error", f"> {FAR_OFF_LEVELS:g}", "ΔCb", "ΔCr", "confidence", "AUC", "pixels"
    for place, by_name in result.items():
        for name, one in by_name.items():
            figures = (f"{one.error:.2f}", f"{one.far_off:.1%}", f"{one.bias_cb:+.2f}", f"{one.bias_cr:+.2f}")
            confidence = "–" if one.confidence is None else f"{one.confidence:.2f}"
            auc = "–" if one.auc is None else f"{one.auc:.3f}"
            yield place, name, *figures, confidence, auc, str(one.pixels)


if __name__ == "__main__":
    sys.exit(
        standalone.main(
            "degradation",
            "Measure how colours of pairs with truth (main.py render) degrade where they are hard to give.",
            measure_folders,
            table,
            sys.argv[1:],
        )
    )
