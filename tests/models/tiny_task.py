"""Networks and a task that are small enough to learn something within a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.live import LiveConfig
from models.refiner import RefinerConfig
from models.weights_io import Card, save_weights

TINY_NETWORK = LiveConfig(feature_channels=8, feature_blocks=1, groups=2, volume_channels=(4, 8))
TINY_REFINER = RefinerConfig(channels=(8, 8, 8))


@dataclass(frozen=True, eq=False)
class TinyBatch:
    """Inputs B×3 and the targets B×1 that belong to them."""

    inputs: Tensor
    targets: Tensor


class TinyTask:
    """Learns x → Σ sin x; what is held out is `sign` times that, so that −1 gets worse as training goes on.

    At `bad_step` the first process's targets are no numbers.
    """

    name = "tiny"
    criterion = "score"

    def __init__(self, batch_size: int = 4, sign: float = 1.0, bad_step: int | None = None) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        self.unused = nn.Linear(3, 1)  # as the refiner in steps without it
        self.batch_size = batch_size
        self.sign = sign
        self.bad_step = bad_step

    def modules(self) -> dict[str, nn.Module]:
        return {"network": self.network, "unused": self.unused}

    def batch(self, step: int, rank: int, world: int, /) -> TinyBatch:
        first = rank * self.batch_size
        draws = [
            np.random.default_rng((step, first + i)).normal(size=3).astype(np.float32)
            for i in range(self.batch_size)
        ]
        inputs = torch.from_numpy(np.stack(draws))
        targets = inputs.sin().sum(dim=1, keepdim=True)
        if step == self.bad_step and rank == 0:
            targets = targets * float("nan")
        return TinyBatch(inputs, targets)

    def losses(self, batch: TinyBatch, /) -> dict[str, Tensor]:
        output = self.network(batch.inputs).float()
        return {
            "loss": (output - batch.targets).square().mean(),
            "shown_only": (output - self.unused(batch.inputs)).abs().mean(),
        }

    def validate(self) -> dict[str, float]:
        batch = self.batch(10_000, 0, 1)
        error = (self.network(batch.inputs) - self.sign * batch.targets).square().mean().item()
        return {"score": -error}

    def images(self) -> Tensor:
        return torch.linspace(0, 1, 3 * 8 * 8).view(3, 8, 8)

    def export(self, folder: Path, card: Card, /) -> Path:
        path = folder / "tiny.safetensors"
        save_weights(path, {"network": self.network}, card)
        return path
