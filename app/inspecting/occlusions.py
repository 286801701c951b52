"""How well does the way there and back tell what the colour camera does not see? For choosing the threshold.

python -m app.inspecting.occlusions FOLDER … [--model live] prints, over all pairs whose visibility or true
disparity is known, precision, recall and their harmonic mean (F1) of "occluded" by threshold, and the area
under the ROC curve.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.inspecting.maps import MapInput, Undefined, make_map
from models.data.pairs import open_pairs
from models.engine import Engine, SearchRange, usual_search
from models.evaluation.methods import Prediction
from models.metrics import BORDER

THRESHOLDS_PX = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)


@dataclass(frozen=True)
class Score:
    """Of one threshold: shares, 0 … 1."""

    threshold_px: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def score(missed: NDArray[np.float32], hidden: NDArray[np.bool_], threshold_px: float) -> Score:
    """Return how well `missed > threshold_px` finds hidden pixels; both N."""
    found = missed > threshold_px
    right = float(np.count_nonzero(found & hidden))
    return Score(
        threshold_px,
        right / max(int(np.count_nonzero(found)), 1),
        right / max(int(np.count_nonzero(hidden)), 1),
    )


def area_under_curve(missed: NDArray[np.float32], hidden: NDArray[np.bool_]) -> float:
    """Return the chance that a hidden pixel misses by more than a visible one, ties counted half; both N."""
    _, place, counts = np.unique(missed, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = np.count_nonzero(hidden)
    negative = hidden.size - positive
    if not positive or not negative:
        return float("nan")
    return float((ranks[hidden].sum() - positive * (positive + 1) / 2) / (positive * negative))


def collect(folders: Sequence[Path], model: str) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """Return by how much each pixel misses, whether it is hidden, and the number of pairs."""
    source = open_pairs(*folders)
    engine = Engine(model)
    engine.load()
    missed, hidden, used = [], [], 0
    for index in range(len(source)):
        pair = source.read(index)
        search = SearchRange(pair.max_disparity) if pair.max_disparity else usual_search(pair.mono.shape[1])
        result = engine.colorize(pair.mono, pair.reference, search)
        prediction = Prediction(
            result.first_pass, result.second_pass, result.confidence, return_error=result.return_error
        )
        given = MapInput(pair, prediction, search)
        try:
            truth = make_map("true_occlusion", given)[BORDER:-BORDER, BORDER:-BORDER]
        except Undefined:
            continue
        known = np.isfinite(truth)
        missed.append(make_map("occlusion", given)[BORDER:-BORDER, BORDER:-BORDER][known])
        hidden.append(truth[known] > 0.5)
        used += 1
    if not used:
        return np.zeros(0, np.float32), np.zeros(0, np.bool_), 0
    return np.concatenate(missed), np.concatenate(hidden), used


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--model", default="live")
    options = parser.parse_args(arguments)
    missed, hidden, used = collect(options.folders, options.model)
    if not used:
        print("error: of none of these pairs is it known what the colour camera sees", file=sys.stderr)
        return 2
    print(
        f"{used} pairs, {hidden.mean():.1%} of the pixels hidden, AUC {area_under_curve(missed, hidden):.3f}"
    )
    print("above px   precision   recall   F1")
    for threshold_px in THRESHOLDS_PX:
        found = score(missed, hidden, threshold_px)
        print(f"{threshold_px:8g}   {found.precision:9.3f}   {found.recall:6.3f}   {found.f1:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
