"""Several processes, on one host or many, as `torchrun` starts them: torch's DistributedDataParallel does the
work.

n processes with batches of b samples take the steps that one process takes with batches of n·b. Two things
would break this: batch norms that see only their own samples, and losses normalised over a whole batch. The
losses (`objectives.py`) are means over samples. The norms share their statistics: on GPUs by torch's
`SyncBatchNorm`, which does not run on CPUs; there by `SharedBatchNorm`, which adds up the same sums.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes of a run: this one's number, and how many there are."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """The one process that writes files and talks."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over all processes, the same in each."""
        if self.world == 1:
            return values
        values = values.clone()
        dist.all_reduce(values)
        return values / self.world

    def any(self, condition: bool, device: torch.device) -> bool:
        """Return whether the condition holds in any process, the same in each."""
        if self.world == 1:
            return condition
        return bool(self.mean(torch.tensor(float(condition), device=device)) > 0)

    def from_leader(self, value: T) -> T:
        """Return the leader's value, whatever this process has."""
        if self.world == 1:
            return value
        box: list[Any] = [value]
        dist.broadcast_object_list(box, src=0)
        result: T = box[0]
        return result


@contextlib.contextmanager
def process_group(device: torch.device) -> Iterator[tuple[Group, torch.device]]:
    """Join the processes that torchrun started; alone if it did not. Yields the group and this one's
    device.
    """
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        yield Group(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(dist.get_rank(), dist.get_world_size()), device
        dist.barrier()  # leave together: whoever waits for one that is gone aborts
    finally:
        gc.collect()  # what is left of DDP's reducers must not outlive the group: its threads would abort
        dist.destroy_process_group()


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 (what all batch norms share)
    """Batch norm with mean and variance over the samples of all processes, of equal number in each."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise B×C×…; while training, with the statistics of all processes' batches together."""
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        axes = [0, *range(2, x.dim())]
        count = x.numel() // x.shape[1] * dist.get_world_size()
        shape = [1, -1, *[1] * (x.dim() - 2)]
        mean = _sum(x.sum(axes)) / count
        centred = x - mean.view(shape)
        variance = _sum(centred.square().sum(axes)) / count
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(1, count - 1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normed: Tensor = centred * scale.view(shape) + self.bias.view(shape)
        return normed

    def _check_input_dim(self, x: Tensor) -> None:
        """Any number of dimensions will do."""


class _Sum(torch.autograd.Function):
    """The sum over all processes; gradients are summed likewise."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        del ctx
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        del ctx
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


def share_batch_norms(module: nn.Module, device: torch.device) -> None:
    """Let all batch norms inside a module share their statistics; parameters and buffers stay the same
    objects.
    """
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001
            layer.__class__ = SharedBatchNorm
