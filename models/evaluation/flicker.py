"""`python -m models.evaluation.flicker`: how much colour changes from frame to frame where nothing changes.

Of sequences with truth (`main.py render --frames`). A pixel is static between two frames if its truth and its
disparity are the same in both; what its chroma does then is flicker, made by the noise of both cameras. The
yardstick is the colour camera's own image: the same measure of the reference's pixels that the static pixels
lie on. All of it is of 8-bit pictures, as a user sees them.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.pairs import Pair, open_pairs, pair_folders
from models.errors import ModelError
from models.evaluation import standalone
from models.evaluation.measures import FloatMap, Rgb8, chroma_planes
from models.evaluation.methods import Method
from models.evaluation.places import (
    CAMERA,
    OCCLUDED,
    OUTSIDE,
    PLACES,
    pictures_of,
    places_of,
    seen_reference,
    truth_of,
)
from models.evaluation.predictions import search_of
from models.evaluation.progress import Progress
from models.evaluation.regions import WHOLE, Mask
from models.evaluation.sets import DataSet

_BINS_PER_LEVEL = 64
_PERCENTILE = 95


@dataclass(frozen=True)
class Flicker:
    """Of a number of static pixels: mean and 95th percentile of the change, in levels."""

    mean: float
    p95: float
    pixels: int


class FlickerMeter:
    """Takes the frames of one sequence after another and sums up what changes.

    Pictures are by name: `CAMERA` is measured here, any others are the methods'.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, str], NDArray[np.int64]] = defaultdict(
            lambda: np.zeros(256 * _BINS_PER_LEVEL + 1, np.int64)
        )
        self._sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._last: tuple[Pair, Mapping[str, Rgb8], Mask] | None = None

    def start(self) -> None:
        """Begin another sequence."""
        self._last = None

    def add(self, pair: Pair, pictures: Mapping[str, Rgb8]) -> None:
        """Add the next frame.

        Args:
            pair: with truth and disparity.
            pictures: H×W×3 results for its mono image, the same names for every frame.

        Raises:
            ModelError: no truth, or not of the size of the frame before.
        """
        places = places_of(pair)
        visible = ~places[OCCLUDED] & ~places[OUTSIDE]
        pictures = {**pictures, CAMERA: seen_reference(pair)}
        if self._last is not None:
            last, before, last_visible = self._last
            static = static_pixels(last, pair)
            for name, picture in pictures.items():
                change = chroma_change(before[name], picture)
                counted = static & visible & last_visible if name == CAMERA else static
                for place in PLACES:
                    self._count((name, place), change[counted & places[place]])
        self._last = pair, pictures, visible

    def result(self) -> dict[str, dict[str, Flicker]]:
        """Return the flicker by place and picture; what has no static pixels is left out."""
        found: dict[str, dict[str, Flicker]] = {}
        for (name, place), counts in self._counts.items():
            total = int(counts.sum())
            if total == 0:
                continue
            rank = int(np.searchsorted(np.cumsum(counts), total * _PERCENTILE / 100))
            flicker = Flicker(self._sums[name, place] / total, rank / _BINS_PER_LEVEL, total)
            found.setdefault(place, {})[name] = flicker
        return found

    def _count(self, key: tuple[str, str], change: FloatMap) -> None:
        bins = np.round(change * _BINS_PER_LEVEL).astype(np.intp)
        self._counts[key] += np.bincount(bins, minlength=len(self._counts[key]))
        self._sums[key] += float(change.sum(dtype=np.float64))


def chroma_change(before: Rgb8, after: Rgb8) -> FloatMap:
    """Return the mean of |ΔCb| and |ΔCr| of two H×W×3 pictures, H×W in levels."""
    change: FloatMap = np.abs(chroma_planes(after) - chroma_planes(before)).mean(axis=-1)
    return change


def static_pixels(before: Pair, after: Pair) -> Mask:
    """Return where truth and disparity are the same, H×W. Raises ModelError: no truth, different sizes."""
    (truth_before, disparity_before), (truth_after, disparity_after) = truth_of(before), truth_of(after)
    if truth_before.shape != truth_after.shape:
        raise ModelError(f"{after.name} is not of the size of {before.name}: no sequence")
    same: Mask = (truth_before == truth_after).all(axis=-1) & (disparity_before == disparity_after)
    return same


def yardstick(by_picture: Mapping[str, Flicker], whole: Mapping[str, Flicker]) -> Flicker | None:
    """Return the camera's flicker of a place; where it sees nothing of it, that of all it sees."""
    return by_picture.get(CAMERA) or whole.get(CAMERA)


def measure_method(method: Method, sequences: Sequence[DataSet]) -> dict[str, dict[str, Flicker]]:
    """Return the flicker of a loaded method's first pass and refined result over sequences, by place.

    Every frame is searched as its sequence's first one: a rig does not change its candidates. Raises
    ModelError: a sequence of one frame, no truth, what reading and colorizing raise.
    """
    meter = FlickerMeter()
    progress = Progress("flicker", [method.name] * sum(len(frames.source) for frames in sequences))
    for frames in sequences:
        if len(frames.source) < 2:
            raise ModelError(f"{frames.name}: a sequence has at least two frames")
        meter.start()
        search = search_of(method, frames, frames.source.read(0))
        for index in range(len(frames.source)):
            pair = frames.source.read(index)
            meter.add(pair, pictures_of(method.colorize(pair.mono, pair.reference, search)))
            progress.step(f"{method.name} {frames.name}/{pair.name}")
    return meter.result()


def measure_folders(method: Method, folders: Sequence[Path]) -> dict[str, dict[str, Flicker]]:
    """Return `measure_method` of all sequences in folders; each folder of pairs is one."""
    found = [inside for given in folders for inside in pair_folders(given)]
    return measure_method(method, [DataSet(inside.name, open_pairs(inside), None) for inside in found])


def table(result: Mapping[str, Mapping[str, Flicker]]) -> Iterator[Sequence[str]]:
    """Yield the rows of a table of a result, the header first."""
    yield "place", "picture", "mean", "p95", "of camera's", "pixels"
    for place, by_picture in result.items():
        camera = yardstick(by_picture, result[WHOLE])
        for name, flicker in by_picture.items():
            ratio = f"{flicker.mean / camera.mean:.2f}" if camera and camera.mean > 0 else "–"
            yield place, name, f"{flicker.mean:.2f}", f"{flicker.p95:.2f}", ratio, str(flicker.pixels)


if __name__ == "__main__":
    sys.exit(
        standalone.main(
            "flicker",
            "Measure how colours of sequences (main.py render --frames) change from frame to frame.",
            measure_folders,
            table,
            sys.argv[1:],
        )
    )
