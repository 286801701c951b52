"""What a step is made of: its batch, its losses as one module, the optimiser, the learning rate."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from models.training.config import RunConfig
from models.training.distributed import Group
from models.training.task import Task

LOWEST_RATE = 0.01  # where the cosine ends, as a share of the learning rate


class LossModule(nn.Module):
    """The losses of a batch as one module, so that gradients can be averaged over processes."""

    def __init__(self, task: Task, modules: Mapping[str, nn.Module], freeze_norms: bool) -> None:
        super().__init__()
        self.trained = nn.ModuleDict(modules)
        self._losses = task.losses
        self._freeze_norms = freeze_norms

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Return the task's losses of a batch on the device."""
        losses = self._losses(batch)
        # A parameter that only a shown loss depends on gets no gradient: nobody should wait for it.
        return {name: loss if name == "loss" else loss.detach() for name, loss in losses.items()}

    def train(self, mode: bool = True) -> LossModule:
        """Change between training and evaluation; frozen norms stay in evaluation."""
        super().train(mode)
        if self._freeze_norms:
            for layer in self.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 (their common base)
                    layer.eval()
        return self


class StepDataset(Dataset[Any]):
    """Item n is this process's batch of step n."""

    def __init__(self, batch: Callable[[int, int, int], Any], steps: int, group: Group) -> None:
        self._batch = batch
        self._steps = steps
        self._group = group

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Any:
        return self._batch(step, self._group.rank, self._group.world)


def learning_rate(config: RunConfig, step: int) -> float:
    """Return the learning rate of a step: warm-up, then constant or half a cosine down to a hundredth."""
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "constant":
        return config.learning_rate * warm
    falling = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    return config.learning_rate * warm * (LOWEST_RATE + (1 - LOWEST_RATE) * falling)


def make_optimizer(config: RunConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimiser of a run."""
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    # ρ and ε as in Keras, which the paper's networks were trained with.
    return torch.optim.RMSprop(
        parameters, lr=config.learning_rate, alpha=0.9, eps=1e-7, weight_decay=config.weight_decay
    )


def moved_to(batch: Any, device: torch.device) -> Any:
    """Return a batch with its tensors on the device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: moved_to(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple):
        moved = [moved_to(value, device) for value in batch]
        return type(batch)(*moved) if hasattr(batch, "_fields") else tuple(moved)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        tensors = {
            field.name: moved_to(getattr(batch, field.name), device) for field in dataclasses.fields(batch)
        }
        return dataclasses.replace(batch, **tensors)
    return batch


def as_is(batch: Any) -> Any:
    """Return the batch: items of a `StepDataset` are whole batches."""
    return batch
