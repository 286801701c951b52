"""The split into training and held-out pairs (paper: 700 and 300 of 1000), by scene, without leakage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.data.pairs import Pair, PairSource
from models.errors import ModelError

PAPER_TRAIN_SHARE = 0.7


@dataclass(frozen=True)
class Split:
    """Numbers of pairs in their source, ascending; no pair, scene or image is on both sides.

    Attributes:
        train: to train on.
        held_out: never trained on.
        by_scene: False if all pairs are of one scene: then its last ones are held out, which says less.
    """

    train: tuple[int, ...]
    held_out: tuple[int, ...]
    by_scene: bool = True


class SubsetPairs:
    """Some pairs of a source, by their numbers there."""

    def __init__(self, source: PairSource, indices: Sequence[int]) -> None:
        self._source = source
        self._indices = tuple(indices)
        self.names: tuple[str, ...] = tuple(source.names[i] for i in self._indices)

    def __len__(self) -> int:
        return len(self._indices)

    def read(self, index: int) -> Pair:
        """Read a pair."""
        return self._source.read(self._indices[index])

    def scene_of(self, index: int) -> str:
        """Return the scene of a pair."""
        return self._source.scene_of(self._indices[index])


def split_pairs(
    source: PairSource,
    seed: int = 0,
    train_share: float = PAPER_TRAIN_SHARE,
    progress: Callable[[int, int], None] | None = None,
) -> Split:
    """Split by scene; scenes that share an image count as one. Reads every pair once.

    The order in which scenes are dealt out depends on their names and the seed alone, so that pairs added
    later move few others.

    Args:
        source: of the pairs.
        seed: another seed, another split.
        train_share: of the pairs, 0 … 1, as nearly as whole scenes allow; both sides get at least one.
        progress: gets (pairs read, pairs) after each.

    Raises:
        ModelError: all pairs are one and the same, or `train_share` is not between 0 and 1.
    """
    _check_share(train_share)
    contents = []
    for index in range(len(source)):
        contents.append(content_hashes(source.read(index)))
        if progress is not None:
            progress(index + 1, len(source))
    return split_known(
        [[source.scene_of(index)] for index in range(len(source))], contents, seed, train_share
    )


def split_known(
    scenes: Sequence[Sequence[str]],
    contents: Sequence[Sequence[str]],
    seed: int = 0,
    train_share: float = PAPER_TRAIN_SHARE,
) -> Split:
    """Split as `split_pairs` does, by what is known of the pairs without reading them.

    Args:
        scenes: of each pair, the names of all scenes that it belongs to, at least one.
        contents: of each pair, what tells its images from all others: hashes.
        seed, train_share: as there.

    Raises:
        ModelError: as there.
    """
    _check_share(train_share)
    named = [[f"scene {scene}" for scene in of_one] for of_one in scenes]
    groups = _joined([(*of_one, *hashes) for of_one, hashes in zip(named, contents, strict=True)])
    if len(groups) > 1:
        ordered = sorted(
            groups, key=lambda group: _dealt(seed, min(scene for index in group for scene in named[index]))
        )
        return _cut(ordered, train_share, by_scene=True)
    in_a_row = _joined(contents)
    if len(in_a_row) < 2:
        raise ModelError(f"{len(contents)} pairs of one image cannot be split: more pairs are needed")
    return _cut(sorted(in_a_row), train_share, by_scene=False)


def content_hashes(pair: Pair) -> tuple[str, ...]:
    """Return the SHA-256 of each image's pixels: mono, reference and, where it is known, truth."""
    images = [pair.mono, pair.reference, *([] if pair.truth is None else [pair.truth])]
    return tuple(
        hashlib.sha256(
            f"{image.shape} {image.dtype}".encode() + np.ascontiguousarray(image).tobytes()
        ).hexdigest()
        for image in images
    )


def _check_share(train_share: float) -> None:
    if not 0 < train_share < 1:
        raise ModelError(f"the share to train on must be between 0 and 1, not {train_share:g}")


def _joined(keys: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return groups of numbers, ascending, such that no key is in two groups."""
    parent = list(range(len(keys)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first_with: dict[str, int] = {}
    for index, of_one in enumerate(keys):
        for key in of_one:
            parent[root(index)] = root(first_with.setdefault(key, index))
    groups: dict[int, list[int]] = {}
    for index in range(len(keys)):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _cut(groups: Sequence[list[int]], train_share: float, *, by_scene: bool) -> Split:
    """Deal out groups in order: to training until its share is as nearly reached as may be."""
    wanted = train_share * sum(len(group) for group in groups)
    sizes = np.cumsum([len(group) for group in groups])[:-1]  # the last one is always held out
    count = int(np.argmin(np.abs(sizes - wanted))) + 1
    train, held_out = groups[:count], groups[count:]
    return Split(
        tuple(sorted(index for group in train for index in group)),
        tuple(sorted(index for group in held_out for index in group)),
        by_scene,
    )


def _dealt(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
