"""What the structure network learns from: registered pairs, one image warped, and the SSIM it should see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import color
from models.data.layers import generate_registered
from models.data.pairs import PairSource, unit
from models.data.warps import apply_warp, random_warp
from models.metrics import ssim_image

Float = NDArray[np.float32]


@dataclass(frozen=True)
class SampleConfig:
    """How samples are drawn.

    Attributes:
        crop: height and width in px of generated scenes.
        region_crop: height and width in px of crops of registered regions; smaller regions are enlarged.
        region_share: share of the steps that take registered regions, if there are any.
        unwarped_share: share of the samples that are not warped at all.
    """

    crop: tuple[int, int] = (128, 128)
    region_crop: tuple[int, int] = (64, 64)
    region_share: float = 0.3
    unwarped_share: float = 0.25


@dataclass(frozen=True, eq=False)
class StructureBatch:
    """A batch, each tensor B×1×H×W float32.

    Attributes:
        mono: J_G, 0 … 1.
        luma: luma of the warped J_C, 0 … 1.
        truth: SSIM map of J_G and the warped J_G, −1 … 1: 1 everywhere without a warp.
        strength_px: mean length of each sample's warp, B.
    """

    mono: Tensor
    luma: Tensor
    truth: Tensor
    strength_px: Tensor


class RegisteredSamples:
    """Batches by step: the same for the same seed, whatever came before, and however they are divided up.

    Args:
        seed: source of all random choices.
        photos: linear RGB pictures for the textures of generated scenes; may be empty.
        regions: registered pairs (`python main.py register`), read into memory; None for generated scenes
            only.
        chosen: indices of the regions to use; all by default.
    """

    def __init__(
        self,
        seed: int,
        config: SampleConfig,
        photos: Sequence[Float] = (),
        regions: PairSource | None = None,
        chosen: Sequence[int] | None = None,
    ) -> None:
        self.seed = seed
        self.config = config
        self._photos = list(photos)
        self._regions: list[tuple[Float, Float]] = []
        if regions is not None:
            for index in range(len(regions)) if chosen is None else chosen:
                pair = regions.read(index)
                self._regions.append((unit(pair.mono), unit(pair.reference)))

    def batch(self, step: int, count: int, first: int = 0, *, only_regions: bool = False) -> StructureBatch:
        """Return samples first … first + count − 1 of a step, all of them of one kind."""
        of_step = np.random.default_rng((self.seed, step))
        drawn = of_step.random() < self.config.region_share
        from_regions = bool(self._regions) and (drawn or only_regions)
        samples = [
            self._sample(np.random.default_rng((self.seed, step, first + i)), from_regions)
            for i in range(count)
        ]
        images = [np.stack(images)[:, None] for images in zip(*(s[:3] for s in samples), strict=True)]
        mono, luma, truth = (torch.from_numpy(image) for image in images)
        return StructureBatch(mono, luma, truth, torch.tensor([s[3] for s in samples]))

    def _sample(self, rng: np.random.Generator, from_regions: bool) -> tuple[Float, Float, Float, float]:
        if from_regions:
            mono, rgb = self._cut(rng)
        else:
            pair = generate_registered(rng, *self.config.crop, self._photos)
            mono, rgb = pair.mono, pair.color
        luma = rgb @ np.array([color.LUMA_RED, color.LUMA_GREEN, color.LUMA_BLUE], np.float32)
        if rng.random() < self.config.unwarped_share:
            return mono, luma, np.ones_like(mono), 0.0
        warp = random_warp(rng, *mono.shape)
        truth = ssim_image(mono, apply_warp(mono, warp), data_range=1.0)
        return mono, apply_warp(luma, warp), truth, warp.strength_px

    def _cut(self, rng: np.random.Generator) -> tuple[Float, Float]:
        """Return a crop of a registered region, enlarged where it is too small, mirrored at random."""
        height, width = self.config.region_crop
        images = self._regions[int(rng.integers(len(self._regions)))]
        least = max(height / images[0].shape[0], width / images[0].shape[1])
        scale = max(1.0, least * float(rng.uniform(1.0, 1.25)))
        size = (
            max(width, round(images[0].shape[1] * scale)),
            max(height, round(images[0].shape[0] * scale)),
        )
        y, x = int(rng.integers(size[1] - height + 1)), int(rng.integers(size[0] - width + 1))
        down, right = (int(v) for v in rng.choice((-1, 1), 2))
        mono, rgb = (
            np.clip(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), 0, 1)[
                y : y + height, x : x + width
            ][::down, ::right]
            for image in images
        )
        return np.ascontiguousarray(mono), np.ascontiguousarray(rgb)
