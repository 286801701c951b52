"""Batches for training, reproducible by step number: generated scenes and crops of real pairs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from models import color
from models.data.layers import generate_pair
from models.errors import ModelError


@dataclass(frozen=True)
class CropShape:
    """Size of a crop in px, candidates, the stride at which to match it, and how often it is drawn."""

    height: int
    width: int
    max_disparity: int
    stride: int
    share: float


@dataclass(frozen=True, eq=False)
class SyntheticBatch:
    """Tensors of generated pairs; images YCbCr with centred chroma, disparity in px. See `SyntheticPair`."""

    mono: Tensor
    reference: Tensor
    truth: Tensor
    disparity: Tensor
    visible: Tensor
    shape: CropShape


def to_ycbcr(rgb: Tensor) -> Tensor:
    """B×3×H×W RGB, 0 … 1 → YCbCr with centred chroma."""
    return torch.cat(color.split(rgb), dim=1)


def _stack(images: list[NDArray[np.float32]]) -> Tensor:
    batch = torch.from_numpy(np.stack(images))
    return batch.movedim(-1, 1) if batch.ndim == 4 else batch.unsqueeze(1)


class SyntheticBatches(Dataset[SyntheticBatch]):
    """Item n is the batch of step n: the same for the same seed, whatever came before."""

    def __init__(
        self, seed: int, steps: int, batch_size: int, shapes: tuple[CropShape, ...], photos: Path | None
    ) -> None:
        self.seed = seed
        self.steps = steps
        self.batch_size = batch_size
        self.shapes = shapes
        self.photos = read_photos(photos) if photos else []

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> SyntheticBatch:
        rng = np.random.default_rng((self.seed, step))
        shares = np.array([s.share for s in self.shapes])
        shape = self.shapes[int(rng.choice(len(self.shapes), p=shares / shares.sum()))]
        pairs = [
            generate_pair(rng, shape.height, shape.width, shape.max_disparity, self.photos)
            for _ in range(self.batch_size)
        ]
        return SyntheticBatch(
            mono=_stack([p.mono for p in pairs]),
            reference=to_ycbcr(_stack([p.reference for p in pairs])),
            truth=to_ycbcr(_stack([p.truth for p in pairs])),
            disparity=_stack([p.disparity for p in pairs]),
            visible=_stack([p.visible.astype(np.float32) for p in pairs]),
            shape=shape,
        )


def read_photos(folder: Path) -> list[NDArray[np.float32]]:
    """Return the pictures of a folder as linear RGB, 0 … 1. Raises ModelError if there are none."""
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise ModelError(f"{folder}: no PNG pictures in there")
    return [_unit(_read(path, cv2.IMREAD_COLOR_RGB)) ** np.float32(2.2) for path in paths]


@dataclass(frozen=True, eq=False)
class RealPair:
    """A real pair without truth: mono 1×H×W, 0 … 1, and reference 3×H×W YCbCr with centred chroma."""

    name: str
    mono: Tensor
    reference: Tensor


def read_real_pairs(folder: Path) -> list[RealPair]:
    """Read `mono/NAME.png` and `color/NAME.png`. Raises ModelError if there are none or one has no
    partner.
    """
    names = sorted(p.name for p in (folder / "mono").glob("*.png"))
    if not names:
        raise ModelError(f"{folder}: no pairs (expected mono/NAME.png and color/NAME.png)")
    pairs = []
    for name in names:
        gray = _read(folder / "mono" / name, cv2.IMREAD_GRAYSCALE)
        rgb = _read(folder / "color" / name, cv2.IMREAD_COLOR_RGB)
        if gray.shape != rgb.shape[:2]:
            raise ModelError(f"{folder}: {name} differs in size between mono and color")
        reference = to_ycbcr(_stack([_unit(rgb)]))[0]
        pairs.append(RealPair(name, _stack([_unit(gray)])[0], reference))
    return pairs


def _unit(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return image.astype(np.float32) / np.float32(255)


def _read(path: Path, flags: int) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), flags)
    if image is None:
        raise ModelError(f"{path}: missing or not a picture")
    return np.asarray(image, np.uint8)
