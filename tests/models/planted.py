"""Pairs whose disparity is planted, and folders of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.pairs import Pair, luma_of

FAR, NEAR = 6, 19
"""Disparities of the background and of the square in front of it, px."""


def planted_pair(name: str = "planted", seed: int = 0, height: int = 60, width: int = 140) -> Pair:
    """Return a colour stereo pair: a textured square before a textured wall, disparities whole numbers."""
    rng = np.random.default_rng(seed)
    wall = rng.integers(0, 256, (height, width + NEAR, 3), dtype=np.uint8)
    square = rng.integers(0, 256, (height // 2, width // 4, 3), dtype=np.uint8)
    rows = slice(height // 4, height // 4 + square.shape[0])
    left = width // 3
    truth = wall[:, NEAR:].copy()
    truth[rows, left : left + square.shape[1]] = square
    reference = wall[:, NEAR - FAR : NEAR - FAR + width].copy()
    reference[rows, left + NEAR : left + NEAR + square.shape[1]] = square
    disparity = np.full((height, width), FAR, np.float32)
    disparity[rows, left : left + square.shape[1]] = NEAR
    return Pair(
        name=name,
        scene=name,
        mono=luma_of(truth),
        reference=reference,
        truth=truth,
        disparity=disparity,
        max_disparity=NEAR + 1,
        mono_is_luma=True,
    )


class PlantedPairs:
    """A source of planted pairs, as many as names."""

    def __init__(self, names: tuple[str, ...], scenes: tuple[str, ...] | None = None) -> None:
        self.names = names
        self._scenes = scenes or names

    def __len__(self) -> int:
        return len(self.names)

    def scene_of(self, index: int) -> str:
        """Return the scene given."""
        return self._scenes[index]

    def read(self, index: int) -> Pair:
        """Return a pair that is another one for every name."""
        return planted_pair(self.names[index], seed=sum(self.names[index].encode()))


def write(path: Path, image: NDArray[np.generic]) -> None:
    """Write H×W or H×W×3 RGB as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image)
