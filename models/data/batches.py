"""Batches with truth, of generated scenes, reproducible by step number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import color
from models.data.layers import generate_pair


@dataclass(frozen=True)
class CropShape:
    """Size of a crop in px, candidates, the stride at which to match it, and how often it is drawn."""

    height: int
    width: int
    max_disparity: int
    stride: int
    share: float


@dataclass(frozen=True, eq=False)
class SupervisedBatch:
    """Tensors of pairs with truth; images YCbCr with centred chroma.

    Attributes:
        mono: B×1×H×W, 0 … 1.
        reference: B×3×H×W.
        truth: B×3×H×W, the colour camera's colours of every mono pixel.
        disparity: B×1×H×W in px.
        visible: B×1×H×W, 1 where the colour camera sees the mono pixel and its disparity is known, else 0.
        max_disparity: candidates to search.
        stride: px per cell at which to match, 0 for the network's own choice.
    """

    mono: Tensor
    reference: Tensor
    truth: Tensor
    disparity: Tensor
    visible: Tensor
    max_disparity: int
    stride: int


def to_ycbcr(rgb: Tensor) -> Tensor:
    """B×3×H×W RGB, 0 … 1 → YCbCr with centred chroma."""
    return torch.cat(color.split(rgb), dim=1)


def stack(images: Sequence[NDArray[np.float32]]) -> Tensor:
    """Return B×1×H×W of H×W images, B×C×H×W of H×W×C ones."""
    batch = torch.from_numpy(np.stack(images))
    return batch.movedim(-1, 1) if batch.ndim == 4 else batch.unsqueeze(1)


class GeneratedBatches:
    """Batches of generated scenes: the same for the same seed and step, however samples are divided up.

    Args:
        seed: source of all random choices.
        batch_size: samples per process.
        shapes: one is drawn for every step.
        photos: linear RGB pictures for the textures; may be empty.
    """

    def __init__(
        self,
        seed: int,
        batch_size: int,
        shapes: Sequence[CropShape],
        photos: Sequence[NDArray[np.float32]] = (),
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.shapes = tuple(shapes)
        self.photos = list(photos)
        self._shares = np.array([shape.share for shape in self.shapes])
        self._shares /= self._shares.sum()

    def batch(self, step: int, rank: int = 0, world: int = 1) -> SupervisedBatch:
        """Return the samples of process `rank` in a step; the other processes draw the others."""
        del world  # samples are numbered through, process after process
        shape = self.shapes[
            int(np.random.default_rng((self.seed, step)).choice(len(self.shapes), p=self._shares))
        ]
        first = rank * self.batch_size
        pairs = [
            generate_pair(
                np.random.default_rng((self.seed, step, first + i)),
                shape.height,
                shape.width,
                shape.max_disparity,
                self.photos,
            )
            for i in range(self.batch_size)
        ]
        return SupervisedBatch(
            mono=stack([p.mono for p in pairs]),
            reference=to_ycbcr(stack([p.reference for p in pairs])),
            truth=to_ycbcr(stack([p.truth for p in pairs])),
            disparity=stack([p.disparity for p in pairs]),
            visible=stack([p.visible.astype(np.float32) for p in pairs]),
            max_disparity=shape.max_disparity,
            stride=shape.stride,
        )
