"""The pairs of a run: read and checked once before it starts, hashed, and split by scene."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.data.batches import stack, to_ycbcr
from models.data.pairs import Pair, PairSource, WrappedPairs, unit
from models.data.ranges import disparity_range
from models.data.split import SubsetPairs, content_hashes, split_pairs
from models.errors import ModelError

log = logging.getLogger(__name__)

Float = NDArray[np.float32]
OnPair = Callable[[int, int], None]
"""Is told (pairs read, pairs in all)."""

LEAST_SIDE = 32
"""Pixels that a pair must have along both sides: the measures leave out a border of 10."""
_PHOTOS, _PHOTO_PIXELS = 64, 1_000_000


@dataclass(frozen=True)
class _Entry:
    """What is known of a pair without its pixels; disparities are (smallest, largest) in px."""

    height: int
    width: int
    disparities: tuple[int, int]
    has_truth: bool
    hashes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PairSet:
    """Some pairs of a source. Can be pickled if the source can.

    Attributes:
        source: where they are read.
        indices: which of them belong to this set.
        entries: of all pairs of the source.
        digest: SHA-256 of names and content of all pairs of the source, hexadecimal.
    """

    source: PairSource
    indices: tuple[int, ...]
    entries: tuple[_Entry, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def names(self) -> list[str]:
        """Return the names in this set."""
        return [self.source.names[i] for i in self.indices]

    def as_source(self) -> PairSource:
        """Return the pairs of this set as a source of their own."""
        return SubsetPairs(self.source, self.indices)

    @property
    def has_truth(self) -> bool:
        """Whether every pair has the true colours."""
        return all(self.entries[i].has_truth for i in self.indices)

    def candidates(self, index: int) -> int:
        """Return how many candidates, from 0 on, cover pair `index` of the source."""
        entry = self.entries[index]
        return min(entry.width, max(1, entry.disparities[1] + 1))

    def photos(self) -> list[Float]:
        """Return up to 64 references as linear RGB, at most about a megapixel each: textures for scenes."""
        photos = []
        for index in self.indices[:_PHOTOS]:
            rgb = unit(self.source.read(index).reference)
            step = max(1, round((rgb.shape[0] * rgb.shape[1] / _PHOTO_PIXELS) ** 0.5))
            photos.append(np.ascontiguousarray(rgb[::step, ::step] ** np.float32(2.2)))
        return photos

    def describe(self) -> str:
        """Return how many pairs there are, and the first names, for a card."""
        shown = ", ".join(self.names[:12])
        return f"{len(self)} pairs ({shown}{', …' if len(self) > 12 else ''})"


def open_pair_sets(
    source: PairSource,
    seed: int,
    held_out: float = 0.0,
    names: Sequence[str] = (),
    on_pair: OnPair | None = None,
) -> tuple[PairSet, PairSet]:
    """Return (training, held-out) pairs. Every pair is read once: a damaged file should end a run before it
    starts.

    Args:
        source: of the pairs.
        seed: of the split.
        held_out: share of the pairs that is held out, by scene; 0 for none.
        names: pairs to hold out instead, with their scenes; empty to draw.
        on_pair: progress.

    Raises:
        ModelError: as the source does; a pair is too small; no pair has such a name; nothing is left.
    """
    survey = _Survey(source)
    everything = range(len(source))
    held: tuple[int, ...] = ()
    if held_out > 0 and not names:
        split = split_pairs(survey, seed, 1 - held_out, on_pair)
        held = split.held_out
        if not split.by_scene:
            log.warning("all pairs show one scene: its last ones are held out, which says little")
    else:
        for index in everything:
            survey.read(index)
            if on_pair is not None:
                on_pair(index + 1, len(source))
        held = _named(source, names)
    training = tuple(i for i in everything if i not in set(held))
    if not training:
        raise ModelError("all pairs are held out: nothing is left to train on")
    entries = tuple(survey.entries[i] for i in everything)
    whole = PairSet(source, training, entries, _digest(source.names, entries))
    return whole, replace(whole, indices=held)


class _Survey(WrappedPairs):
    """Hands pairs through and takes down what is to be known of them."""

    def __init__(self, source: PairSource) -> None:
        super().__init__(source)
        self.entries: dict[int, _Entry] = {}

    def read(self, index: int) -> Pair:
        pair = super().read(index)
        height, width = pair.mono.shape
        if min(height, width) < LEAST_SIDE:
            raise ModelError(
                f"{pair.name} is {width}×{height}: pairs need {LEAST_SIDE} pixels along each side"
            )
        known = (pair.disparity, pair.visible)
        hashes = (*content_hashes(pair), *(_hash(image) for image in known if image is not None))
        has_truth = pair.truth is not None
        self.entries[index] = _Entry(height, width, disparity_range(pair), has_truth, hashes)
        return pair


def _named(source: PairSource, names: Sequence[str]) -> tuple[int, ...]:
    """Return the pairs of these names and all others of their scenes."""
    missing = set(names) - set(source.names)
    if missing:
        raise ModelError(f"no pair is called {min(missing)}: it cannot be held out")
    everything = range(len(source))
    scenes = {source.scene_of(i) for i in everything if source.names[i] in names}
    return tuple(i for i in everything if source.scene_of(i) in scenes)


def _digest(names: Sequence[str], entries: Sequence[_Entry]) -> str:
    lines = (" ".join((name, *entry.hashes)) for name, entry in zip(names, entries, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hash(image: NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def pair_tensors(pair: Pair, crop: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the middle of a pair, at most `crop` = (height, width) px.

    Mono 1×1×H×W, reference 1×3×H×W YCbCr, and truth 1×3×H×W RGB, 0 … 1, or None.
    """
    size = [min(a, b) for a, b in zip(crop, pair.mono.shape, strict=True)]
    rows, columns = (
        slice((whole - part) // 2, (whole - part) // 2 + part)
        for whole, part in zip(pair.mono.shape, size, strict=True)
    )
    mono, reference = stack([unit(pair.mono[rows, columns])]), stack([unit(pair.reference[rows, columns])])
    truth = None if pair.truth is None else stack([unit(pair.truth[rows, columns])])
    return mono, to_ycbcr(reference), truth
