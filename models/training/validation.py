"""What a colorizer and its refiner reach on pairs they were not trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from models import color
from models.colorizer import Colorizer, Cycle, colorize_cycle
from models.data.batches import GeneratedBatches
from models.metrics import mean_inside, psnr, ssim, ssim_map
from models.refiner import Refiner
from models.training.config import SupervisedConfig
from models.training.pair_set import PairSet, pair_tensors
from models.training.passes import refine_first

_MOST_PAIRS = 16
_GENERATED = 4
_GENERATED_SEED = 1_000_003  # added to the seed: scenes that no step draws
_SHOWN, _SHOWN_HEIGHT, _SHOWN_WIDTH = 4, 192, 256


@dataclass(frozen=True, eq=False)
class _Case:
    """One held-out pair: see `pair_set.pair_tensors`."""

    mono: Tensor
    reference: Tensor
    truth: Tensor | None
    max_disparity: int


class Validator:
    """Measures networks on the centres of held-out pairs; without any, on generated scenes.

    Args:
        held_out: sets of held-out pairs, real and with truth; empty ones are fine.
        crop: height and width in px, at most, of what is measured.
        supervised: shapes of generated scenes.
        seed: of the generated scenes.
    """

    def __init__(
        self,
        held_out: Sequence[PairSet],
        crop: tuple[int, int],
        supervised: SupervisedConfig,
        seed: int,
    ) -> None:
        self._sets = [pairs for pairs in held_out if len(pairs)]
        self._crop = crop
        self._shape = max(supervised.shapes, key=lambda shape: shape.share)
        self._seed = seed + _GENERATED_SEED
        self._rows: list[Tensor] = []

    def measure(self, colorizer: Colorizer, refiner: Refiner | None) -> dict[str, float]:
        """Return means over the pairs; networks are in evaluation mode, without gradients.

        `cycle_ssim`: of the second pass's chroma and the reference's, mean of Cb and Cr (as Table 1).
        `structure_ssim`: of the first pass's averaged luma and the mono image.
        `first_ssim`, `first_psnr`, `refined_ssim`, `refined_psnr`: where there is truth, of RGB with its
        luma. `score`: the SSIM of the refined (or else the first) result where there is truth, the mean of
        the first two measures where there is none.
        """
        assert isinstance(colorizer, nn.Module)
        device = next(colorizer.parameters()).device
        found: dict[str, list[float]] = {}
        self._rows = []
        for case in self._cases():
            mono, reference = case.mono.to(device), case.reference.to(device)
            cycle = colorize_cycle(colorizer, mono, reference, case.max_disparity)
            refined = None if refiner is None else refine_first(refiner, mono, reference, cycle)[0]
            for name, value in _measures(case, cycle, refined).items():
                found.setdefault(name, []).append(value)
            if len(self._rows) < _SHOWN:
                self._rows.append(_row(case, cycle, refined))
        means = {name: fmean(values) for name, values in found.items()}
        return {"score": _score(means), **means}

    def images(self) -> Tensor | None:
        """Return rows of mono, reference, first pass, refined (if there is one), second pass: 3×H×W RGB."""
        return torch.cat(self._rows, dim=-2) if self._rows else None

    def _cases(self) -> Iterator[_Case]:
        if not self._sets:
            yield from self._generated()
        for pairs in self._sets:
            for index in pairs.indices[:_MOST_PAIRS]:
                mono, reference, truth = pair_tensors(pairs.source.read(index), self._crop)
                candidates = min(mono.shape[-1], pairs.candidates(index))
                yield _Case(mono, reference, truth, candidates)

    def _generated(self) -> Iterator[_Case]:
        batches = GeneratedBatches(self._seed, 1, (self._shape,))
        for step in range(_GENERATED):
            batch = batches.batch(step)
            truth = color.combine(batch.truth[:, :1], batch.truth[:, 1:])
            yield _Case(batch.mono, batch.reference, truth, batch.max_disparity)


def _score(means: Mapping[str, float]) -> float:
    for name in ("refined_ssim", "first_ssim"):
        if name in means:
            return means[name]
    return (means["cycle_ssim"] + means["structure_ssim"]) / 2


def _measures(case: _Case, cycle: Cycle, refined: Tensor | None) -> dict[str, float]:
    reference, second = case.reference[:, 1:] + 0.5, cycle.second.chroma.float().cpu() + 0.5
    measures = {
        "cycle_ssim": mean_inside(ssim_map(second, reference)).mean().item(),
        "structure_ssim": mean_inside(ssim_map(cycle.first.luma.float().cpu(), case.mono)).mean().item(),
    }
    if case.truth is not None:
        truth = _as_uint8(case.truth)
        luma = color.luma(case.truth)
        for name, chroma in (("first", cycle.first.chroma), ("refined", refined)):
            if chroma is not None:
                result = _as_uint8(color.combine(luma, chroma.float().cpu()))
                measures[f"{name}_ssim"] = ssim(result, truth)
                measures[f"{name}_psnr"] = psnr(result, truth)
    return measures


def _as_uint8(rgb: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return H×W×3 of a 1×3×H×W picture in 0 … 1, rounded and clipped."""
    return np.ascontiguousarray((rgb[0].clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy())


def _row(case: _Case, cycle: Cycle, refined: Tensor | None) -> Tensor:
    """Return the pictures of a pair side by side, all of one size: 3×h×w."""
    luma = case.mono
    pictures = [
        luma.expand(-1, 3, -1, -1),
        color.combine(case.reference[:, :1], case.reference[:, 1:]),
        color.combine(luma, cycle.first.chroma.float().cpu()),
        *([] if refined is None else [color.combine(luma, refined.float().cpu())]),
        color.combine(case.reference[:, :1], cycle.second.chroma.float().cpu()),
    ]
    size = (_SHOWN_HEIGHT, _SHOWN_WIDTH)
    return torch.cat([nn.functional.interpolate(p, size, mode="area")[0] for p in pictures], dim=-1).clamp(
        0, 1
    )
