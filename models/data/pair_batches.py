"""Batches of crops of pairs, reproducible by step number however samples and steps are divided up."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from models.data.batches import SupervisedBatch, stack, to_ycbcr
from models.data.crops import NO_AUGMENTATION, Augmentation, Crop, augment, cut
from models.data.pairs import Pair, PairSource
from models.data.ranges import disparity_range
from models.errors import ModelError

CACHE_BYTES = 1 << 29


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Tensors of crops; images YCbCr with centred chroma.

    Attributes:
        names: of the pairs.
        mono: B×1×H×W, 0 … 1.
        reference: B×3×H×W.
        truth: B×3×H×W, None if any of the pairs has none.
        disparity: B×1×H×W in px, 0 where unknown.
        visible: B×1×H×W, 1 where the colour camera sees the mono pixel and its disparity is known, else 0.
        max_disparity: candidates to search.
    """

    names: tuple[str, ...]
    mono: Tensor
    reference: Tensor
    truth: Tensor | None
    disparity: Tensor
    visible: Tensor
    max_disparity: int

    def supervised(self, stride: int = 0) -> SupervisedBatch:
        """Return the batch with this matching stride. Raises ModelError if a pair has no truth."""
        if self.truth is None:
            raise ModelError(f"{', '.join(self.names)}: a pair without truth cannot supervise")
        return SupervisedBatch(
            self.mono, self.reference, self.truth, self.disparity, self.visible, self.max_disparity, stride
        )


class PairBatches(Dataset[PairBatch]):
    """Item n is the batch of step n; works with any number of `DataLoader` workers (`batch_size=None`).

    Every pair is drawn once before any is drawn again. The crops of a batch have one size: the one asked
    for, or less if one of its pairs is smaller.

    Args:
        source: of the pairs.
        seed: source of all random choices.
        batch_size: samples per process.
        size: (height, width) of crops in px.
        max_disparity: number of candidates; see `candidates_of`.
        augmentation: what is done to crops.
        steps: length as a `Dataset`.

    Raises:
        ModelError: there are no pairs.
    """

    def __init__(
        self,
        source: PairSource,
        seed: int,
        batch_size: int,
        size: tuple[int, int],
        max_disparity: int,
        augmentation: Augmentation = NO_AUGMENTATION,
        steps: int = 1 << 30,
    ) -> None:
        if len(source) == 0:
            raise ModelError("there are no pairs to train on")
        self.source = source
        self.seed = seed
        self.batch_size = batch_size
        self.size = size
        self.max_disparity = max_disparity
        self.augmentation = augmentation
        self.steps = steps
        self._cache: OrderedDict[int, tuple[Pair, tuple[int, int]]] = OrderedDict()
        self._cached_bytes = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> PairBatch:
        return self.batch(step)

    def __getstate__(self) -> dict[str, object]:
        """Leave the cache behind: workers have their own."""
        return {**self.__dict__, "_cache": OrderedDict(), "_cached_bytes": 0}

    def batch(self, step: int, rank: int = 0, world: int = 1) -> PairBatch:
        """Return the samples of process `rank` of `world` in a step."""
        first = rank * self.batch_size
        places = range(first, first + self.batch_size)
        indices = [self._drawn(step * world * self.batch_size + place) for place in places]
        pairs = [self._read(index) for index in indices]
        size = self.size
        for pair, _ in pairs:
            size = min(size[0], pair.mono.shape[0]), min(size[1], pair.mono.shape[1])
        crops = [
            self._crop(pair, disparities, size, np.random.default_rng((self.seed, step, place)))
            for (pair, disparities), place in zip(pairs, places, strict=True)
        ]
        return _batch([self.source.names[i] for i in indices], crops, self.max_disparity)

    def _crop(
        self, pair: Pair, disparities: tuple[int, int], size: tuple[int, int], rng: np.random.Generator
    ) -> Crop:
        crop = cut(pair, size, self.max_disparity, disparities, rng)
        return augment(crop, pair.mono_is_luma, self.augmentation, self.max_disparity, rng)

    def _drawn(self, sample: int) -> int:
        """Return which pair the sample with this running number is of."""
        round_, place = divmod(sample, len(self.source))
        return int(np.random.default_rng((self.seed, round_)).permutation(len(self.source))[place])

    def _read(self, index: int) -> tuple[Pair, tuple[int, int]]:
        """Return a pair and its range of disparities; the latest used are kept in memory."""
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        pair = self.source.read(index)
        # Without truth nothing tells whether a measured range is right: the candidates start at 0.
        told = pair.truth is not None or pair.disparity is not None or pair.max_disparity is not None
        self._cache[index] = pair, disparity_range(pair) if told else (0, self.max_disparity - 1)
        self._cached_bytes += _size_of(pair)
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            _, (dropped, _) = self._cache.popitem(last=False)
            self._cached_bytes -= _size_of(dropped)
        return self._cache[index]


def candidates_of(source: PairSource, untold: int) -> int:
    """Return how many candidates cover all pairs; `untold` for those that do not tell. Reads every pair."""
    return max(source.read(index).max_disparity or untold for index in range(len(source)))


def _batch(names: Sequence[str], crops: Sequence[Crop], max_disparity: int) -> PairBatch:
    disparities, visible, truths = [], [], []
    for crop in crops:
        unknown = np.full_like(crop.mono, np.nan)
        disparity = unknown if crop.disparity is None else crop.disparity
        seen = unknown if crop.visible is None else crop.visible
        visible.append(np.where(np.isnan(disparity), np.float32(0), np.nan_to_num(seen)))
        disparities.append(np.nan_to_num(disparity))
        if crop.truth is not None:
            truths.append(crop.truth)
    return PairBatch(
        names=tuple(names),
        mono=stack([crop.mono for crop in crops]),
        reference=to_ycbcr(stack([crop.reference for crop in crops])),
        truth=to_ycbcr(stack(truths)) if len(truths) == len(crops) else None,
        disparity=stack(disparities),
        visible=stack(visible),
        max_disparity=max_disparity,
    )


def _size_of(pair: Pair) -> int:
    images = (pair.mono, pair.reference, pair.truth, pair.disparity, pair.visible)
    return sum(image.nbytes for image in images if image is not None)
