"""Trains the structure similarity network: `train structure` (paper, "Structure similarity loss")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.data.pairs import PairSource
from models.data.registered import Float, RegisteredSamples, StructureBatch
from models.metrics import mean_inside, ssim_map
from models.structure import StructureNetwork, save_structure
from models.training.config import StructureStage
from models.weights_io import Card

_HELD_OUT_SEED = 1_000_003  # added to the seed: other scenes, other warps
_HELD_OUT_BATCHES, _HELD_OUT_SAMPLES = 8, 4
_SHOWN = 4


class StructureTask:
    """A `models.training.task.Task`.

    Args:
        stage: network, samples, and samples per step.
        seed: source of all random choices.
        photos: linear RGB pictures for the textures of generated scenes; none that is held out.
        regions: registered pairs; None for generated scenes only.
        chosen, held_out: indices of the regions to train on and to validate on.
    """

    name = "structure"
    criterion = "score"

    def __init__(
        self,
        stage: StructureStage,
        seed: int,
        photos: Sequence[Float] = (),
        regions: PairSource | None = None,
        chosen: Sequence[int] = (),
        held_out: Sequence[int] = (),
    ) -> None:
        torch.manual_seed(seed)
        self.network = StructureNetwork(stage.network)
        self._count = stage.run.batch_size
        used = regions if chosen else None
        self._samples = RegisteredSamples(seed, stage.samples, photos, used, chosen)
        self._generated = RegisteredSamples(seed + _HELD_OUT_SEED, stage.samples)
        self._regions = (
            RegisteredSamples(seed + _HELD_OUT_SEED, stage.samples, (), regions, held_out)
            if held_out
            else None
        )
        self._shown: list[Tensor] = []

    def modules(self) -> dict[str, nn.Module]:
        """Return the network."""
        return {"structure": self.network}

    def batch(self, step: int, rank: int, _world: int, /) -> StructureBatch:
        """Return the samples of one process in a step."""
        return self._samples.batch(step, self._count, rank * self._count)

    def losses(self, batch: StructureBatch, /) -> dict[str, Tensor]:
        """Return the mean absolute error of SSM (L1 loss), without the border."""
        return {"loss": _error(self.network(batch.mono, batch.luma), batch)}

    def validate(self) -> dict[str, float]:
        """Return the error on held-out scenes and regions, and that of plain SSIM of the two cameras' images.

        `score` is one minus the mean error of all.
        """
        kinds = {"generated": self._held_out(self._generated)}
        if self._regions is not None:
            kinds["regions"] = self._held_out(self._regions, only_regions=True)
        measures: dict[str, float] = {}
        learned = []
        self._shown = []
        for kind, batches in kinds.items():
            errors, plain = self._errors(batches)
            measures |= {f"error_{kind}": errors, f"plain_error_{kind}": plain}
            learned.append(errors)
        return {"score": 1 - sum(learned) / len(learned), **measures}

    def images(self) -> Tensor | None:
        """Return rows of mono, warped luma, SSM and truth."""
        if not self._shown:
            return None
        return torch.cat(self._shown, dim=1).clamp(0, 1).expand(3, -1, -1)

    def export(self, folder: Path, card: Card, /) -> Path:
        """Write `structure.safetensors`, which `load_structure` reads."""
        path = folder / "structure.safetensors"
        save_structure(path, self.network, card)
        return path

    def _held_out(
        self, samples: RegisteredSamples, *, only_regions: bool = False
    ) -> Iterable[StructureBatch]:
        return (
            samples.batch(step, _HELD_OUT_SAMPLES, only_regions=only_regions)
            for step in range(_HELD_OUT_BATCHES)
        )

    def _errors(self, batches: Iterable[StructureBatch]) -> tuple[float, float]:
        device = next(self.network.parameters()).device
        errors, plain = [], []
        for index, batch in enumerate(batches):
            ssm = self.network(batch.mono.to(device), batch.luma.to(device)).cpu()
            errors.append(_error(ssm, batch).item())
            plain.append(_error(ssim_map(batch.mono, batch.luma), batch).item())
            if index == 0:
                self._show(batch, ssm)
        return sum(errors) / len(errors), sum(plain) / len(plain)

    def _show(self, batch: StructureBatch, ssm: Tensor) -> None:
        height, width = ssm.shape[-2:]
        rows = torch.cat([batch.mono, batch.luma, ssm, batch.truth], dim=-1)[:_SHOWN]
        # Crops of regions are smaller than generated ones: rows of one width fit together.
        rows = nn.functional.interpolate(rows, scale_factor=128 / max(height, width))
        self._shown.append(rows.transpose(0, 1).flatten(1, 2))


def _error(ssm: Tensor, batch: StructureBatch) -> Tensor:
    return mean_inside((ssm.float() - batch.truth).abs()).mean()
