"""Trains any task: optimiser, schedule, precision, several processes, exact resuming, early stopping.

A run depends on its configuration, its data and the step number alone: batches are drawn by step number and
losses draw nothing. A run that was stopped goes on from its last checkpoint and ends with the same weights,
bit for bit, as one that never was.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Subset

from models.errors import ModelError
from models.training.checkpoints import (
    Provenance,
    State,
    load_checkpoint,
    save_batch,
    save_checkpoint,
)
from models.training.config import RunConfig
from models.training.distributed import Group, share_batch_norms
from models.training.interrupts import Interrupts, ignore_in_worker
from models.training.monitor import Monitor
from models.training.stepping import LossModule, StepDataset, as_is, learning_rate, make_optimizer, moved_to
from models.training.task import Task

log = logging.getLogger(__name__)

_PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass
class _Progress:
    """Where a run stands, beside the weights."""

    step: int = 0
    best: float = -math.inf
    stale: int = 0  # validations since the best one
    finished: bool = False
    exported: bool = False


class Runner:
    """A run of one task in one folder. `run` trains to the end, or goes on from the last checkpoint.

    Args:
        task: what to train.
        config: how.
        folder: for checkpoint, weights, history and events.
        provenance: goes beside the weights, and must be the same when a run goes on.
        device: where to train.
        workers: processes that make batches.
        group: the processes that train together; this one's place among them.
    """

    def __init__(
        self,
        task: Task,
        config: RunConfig,
        folder: Path,
        provenance: Provenance,
        device: torch.device | None = None,
        workers: int = 0,
        group: Group | None = None,
    ) -> None:
        self.task = task
        self.config = config
        self.folder = folder
        self.provenance = provenance
        self.device = device or torch.device("cpu")
        self.workers = workers
        self.group = group or Group()
        if config.precision == "float16" and self.device.type != "cuda":
            raise ModelError("precision float16 needs a GPU: use bfloat16 or float32")
        self._modules = {name: module.to(self.device) for name, module in task.modules().items()}
        self._start = None if config.change == 1 else _copy(self._modules)
        self._step = LossModule(task, self._modules, config.freeze_norms)
        if self.group.world > 1 and not config.freeze_norms:
            share_batch_norms(self._step, self.device)
        parameters = [p for module in self._modules.values() for p in module.parameters()]
        self._optimizer = make_optimizer(config, parameters)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=config.precision == "float16")
        self._progress = _Progress()
        self._began_at = 0

    @property
    def checkpoint(self) -> Path:
        """Where the run stands: everything that is needed to go on."""
        return self.folder / "checkpoint.pt"

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self._progress.step

    @property
    def has_trained(self) -> bool:
        """Whether `run` took any step: not if the folder held a complete run."""
        return self.step > self._began_at

    def run(
        self, stop_after: int | None = None, on_step: Callable[[Mapping[str, float]], None] | None = None
    ) -> bool:
        """Train to the last step, or `stop_after`; return whether the run has reached its end.

        `on_step` is given the losses of every step, means over all processes.

        Raises:
            ModelError: a loss is no number (the batch is saved), or the folder holds another run.
            KeyboardInterrupt: on SIGINT or SIGTERM, between two steps, after a checkpoint was saved.
        """
        self._open_folder()
        self._resume()
        self._began_at = self.step
        if self._progress.finished:
            if not self._progress.exported:  # trained where safetensors is not installed
                self._export({})
                self._save()
            return True
        network = self._distribute()
        shown = self.folder if self.group.leads else None
        with Interrupts() as interrupts, self._monitor(shown) as monitor:
            if self.step == 0 and self.config.validate_first:
                self._validate(monitor)
            for batch in self._batches():
                losses = self._descend(network, batch)
                self._progress.step += 1
                monitor.step(self.step, losses, self._optimizer.param_groups[0]["lr"])
                if on_step is not None:
                    on_step(losses)
                self._after_step(monitor)
                if self._progress.finished or self.step == stop_after:
                    break
                if self.group.any(interrupts.requested, self.device):
                    self._save()
                    monitor.say(
                        f"{self.task.name}: stopped after step {self.step} of {self.config.steps}; "
                        "the same command goes on from there"
                    )
                    raise KeyboardInterrupt
            self._save()
        return self._progress.finished

    def _monitor(self, folder: Path | None) -> Monitor:
        return Monitor(folder, self.task.name, self.config.steps, self.step)

    def _open_folder(self) -> None:
        if self.group.leads:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.checkpoint.is_file():
                self.provenance.check(self.folder)
            self.provenance.write(self.folder)

    def _resume(self) -> None:
        """Take over the leader's checkpoint: processes on other hosts need not see its disk."""
        found = load_checkpoint(self.checkpoint) if self.group.leads and self.checkpoint.is_file() else None
        state: State | None = self.group.from_leader(found)
        if state is None:
            return
        try:
            for name, module in self._modules.items():
                module.load_state_dict(state["modules"][name])
            self._optimizer.load_state_dict(state["optimizer"])
            self._scaler.load_state_dict(state["scaler"])
            self._progress = _Progress(**state["progress"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(f"{self.checkpoint}: of another network; remove it to start afresh") from error

    def _distribute(self) -> nn.Module:
        if self.group.world == 1:
            return self._step
        # Steps with and without truth use different parameters.
        return DistributedDataParallel(self._step, find_unused_parameters=True)

    def _batches(self) -> Iterator[Any]:
        steps = StepDataset(self.task.batch, self.config.steps, self.group)
        yield from DataLoader(
            Subset(steps, range(self.step, self.config.steps)),
            batch_size=None,
            num_workers=self.workers,
            collate_fn=as_is,
            worker_init_fn=ignore_in_worker,
        )

    def _descend(self, network: nn.Module, batch: Any) -> dict[str, float]:
        """Take a step and return the losses. Raises ModelError, with weights untouched, if one is no
        number.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.step)
        self._optimizer.zero_grad(set_to_none=True)
        self._step.train()
        with self._autocast():
            losses = network(moved_to(batch, self.device))
        self._scaler.scale(losses["loss"]).backward()
        self._scaler.unscale_(self._optimizer)
        largest = self.config.clip_norm or math.inf
        parameters = self._optimizer.param_groups[0]["params"]
        norm = nn.utils.clip_grad_norm_(parameters, largest)
        own = torch.stack([loss.detach().float() for loss in losses.values()])
        # With several processes all see the same mean, so either all of them stop here or none.
        values = self.group.mean(own).tolist()
        shown = dict(zip(losses, values, strict=True))
        scaled = self._scaler.is_enabled()  # then an overflow of the gradient is met by a smaller scale
        if not all(map(math.isfinite, values)) or not (scaled or math.isfinite(norm)):
            self._refuse(batch, shown, all(map(math.isfinite, own.tolist())))
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return shown

    def _autocast(self) -> AbstractContextManager[Any]:
        kind = _PRECISIONS.get(self.config.precision)
        return torch.autocast(self.device.type, kind) if kind else nullcontext()

    def _refuse(self, batch: Any, losses: Mapping[str, float], own_is_fine: bool) -> None:
        path = self.folder / f"bad_batch_{self.group.rank}.pt"
        if not own_is_fine or self.group.world == 1:
            self.folder.mkdir(parents=True, exist_ok=True)
            save_batch(path, batch, self.step)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
        raise ModelError(
            f"{self.task.name}, step {self.step}: a loss or its gradient is not a number ({shown}); "
            f"the batch is in {path}, the weights before it in {self.checkpoint.name}"
        )

    def _after_step(self, monitor: Monitor) -> None:
        config, progress = self.config, self._progress
        last = self.step == config.steps
        progress.finished = last
        if config.validate_every and (last or self.step % config.validate_every == 0):
            self._validate(monitor)
        elif not config.validate_every and (last or self.step % config.checkpoint_every == 0):
            self._export({})
        if self.step % config.checkpoint_every == 0:
            self._save()

    def _validate(self, monitor: Monitor) -> None:
        """Measure on held-out data in the leader; keep the weights if they are the best so far."""
        measures: Mapping[str, float] = {}
        monitor.wait(f"{self.task.name} {self.step}/{self.config.steps}  measuring on held-out data …")
        if self.group.leads:
            self._step.eval()
            with torch.no_grad(), self._between():
                measures = self.task.validate()
        measures = self.group.from_leader(dict(measures))
        score = measures.get(self.task.criterion, math.inf)  # without held-out data the last ones are best
        progress = self._progress
        better = score > progress.best or self.task.criterion not in measures
        if better:
            progress.best, progress.stale = score, 0
            self._export(measures)
        else:
            progress.stale += 1
        if self.config.patience and progress.stale >= self.config.patience:
            progress.finished = True
            note = f"(no better for {progress.stale} validations: done)"
        else:
            note = "(best so far)" if better else ""
        monitor.validation(self.step, measures, self.task.images(), note)

    def _export(self, measures: Mapping[str, float]) -> None:
        if not self.group.leads:
            return
        card = {**self.provenance.as_card(), "step": self.step, "measures": dict(measures)}
        try:
            with self._between():
                self.task.export(self.folder, card)
            self._progress.exported = True
        except ModuleNotFoundError as error:
            log.warning(
                "%s is not installed: the weights stay in %s; the same command writes them where it is",
                error.name,
                self.checkpoint,
            )

    @contextmanager
    def _between(self) -> Iterator[None]:
        """Let the networks hold, for a while, the weights that are kept: between their start and now."""
        if self._start is None:
            yield
            return
        reached = _copy(self._modules)
        for name, module in self._modules.items():
            start, end = self._start[name], reached[name]
            module.load_state_dict(
                {
                    key: torch.lerp(start[key], end[key], self.config.change)
                    if end[key].is_floating_point()
                    else end[key]
                    for key in end
                }
            )
        try:
            yield
        finally:
            for name, module in self._modules.items():
                module.load_state_dict(reached[name])

    def _save(self) -> None:
        if not self.group.leads:
            return
        save_checkpoint(
            self.checkpoint,
            {
                "modules": {name: module.state_dict() for name, module in self._modules.items()},
                "optimizer": self._optimizer.state_dict(),
                "scaler": self._scaler.state_dict(),
                "progress": dataclasses.asdict(self._progress),
            },
        )


def _copy(modules: Mapping[str, nn.Module]) -> dict[str, dict[str, torch.Tensor]]:
    """Return the states of the modules, apart from them."""
    return {
        name: {key: value.clone() for key, value in module.state_dict().items()}
        for name, module in modules.items()
    }
