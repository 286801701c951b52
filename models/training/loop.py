"""Trains a preset and its refiner: on generated scenes with truth, and by the cycle on real pairs in between.

This is the first recipe, made for one CPU. Every step is reproducible from the seed and the step number; a
run that was stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import contextlib
import logging
import math
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from models.colorizer import ColorizerOutput, colorize_cycle
from models.data.batches import CropShape, RealPair, SyntheticBatch, SyntheticBatches, read_real_pairs
from models.errors import ModelError
from models.live import LiveColorizer, LiveConfig
from models.paper import PaperConfig
from models.presets import build_colorizer, preset_of
from models.refiner import Refiner, RefinerConfig
from models.training.objectives import chroma_loss, cycle_objective, disparity_loss
from models.weights_io import save_weights

log = logging.getLogger(__name__)

_LIVE_SHAPES = (
    CropShape(256, 384, 112, 4, 0.45),
    CropShape(144, 224, 72, 2, 0.3),
    CropShape(80, 144, 40, 1, 0.22),
)


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run.

    Attributes:
        shapes: crops of generated scenes; a preset without a matching stride of its own has all at stride 1.
        real_every: each so many steps one step of the cycle on a real pair; 0 for never.
        real_crop: height, width and candidates of the crops of real pairs.
        network: shape of the colorizer; its type says which preset is trained.
    """

    steps: int = 6000
    batch_size: int = 2
    learning_rate: float = 2e-3
    seed: int = 0
    shapes: tuple[CropShape, ...] = _LIVE_SHAPES
    real_every: int = 10
    real_crop: tuple[int, int, int] = (96, 176, 40)
    real_weight: float = 0.5
    checkpoint_every: int = 250
    network: LiveConfig | PaperConfig = field(default_factory=LiveConfig)
    refiner: RefinerConfig = field(default_factory=RefinerConfig)


RECIPES = {
    "live": TrainingConfig(),
    "paper": TrainingConfig(
        batch_size=1,
        shapes=(CropShape(64, 96, 24, 1, 1.0),),
        real_every=20,
        real_crop=(64, 112, 28),
        checkpoint_every=100,
        network=PaperConfig(),
    ),
}


class Training:
    """State of a run: networks, optimiser, step. `run` trains to the end; checkpoints go to `folder`."""

    def __init__(
        self,
        config: TrainingConfig,
        folder: Path,
        photos: Path | None,
        real: Path | None,
        device: str,
        workers: int,
    ) -> None:
        self.config = config
        self.folder = folder
        self.photos = photos
        self.real_folder = real
        self.device = torch.device(device)
        self.workers = workers
        torch.manual_seed(config.seed)
        self.colorizer = build_colorizer(config.network).to(self.device)
        self.refiner = Refiner(config.refiner).to(self.device)
        parameters = [*self.colorizer.parameters(), *self.refiner.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=1e-4)
        self.step = 0

    @property
    def checkpoint(self) -> Path:
        """Where the run stands: everything that is needed to go on."""
        return self.folder / "checkpoint.pt"

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        if not self.checkpoint.is_file():
            return
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.colorizer.load_state_dict(state["colorizer"])
        self.refiner.load_state_dict(state["refiner"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])

    def run(
        self, stop_after: int | None = None, on_step: Callable[[Mapping[str, float]], None] | None = None
    ) -> Path:
        """Train to the last step, or `stop_after`, and return the weights file.

        `on_step` is given the losses of every step. Raises ModelError on a loss that is no number.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        real = read_real_pairs(self.real_folder) if self.real_folder else []
        self.colorizer.train()
        self.refiner.train()
        started, first_step = time.monotonic(), self.step
        sums: dict[str, float] = {}
        for batch in self._batches():
            self._set_learning_rate()
            losses = self._synthetic_step(batch)
            if real and self.config.real_every and self.step % self.config.real_every == 0:
                losses |= self._real_step(real)
            for name, value in losses.items():
                sums[name] = 0.98 * sums.get(name, value) + 0.02 * value
            if not all(math.isfinite(v) for v in losses.values()):
                torch.save(batch, self.folder / "bad_batch.pt")
                raise ModelError(
                    f"step {self.step}: loss is not a number ({losses}); batch saved in {self.folder}"
                )
            self.step += 1
            if on_step is not None:
                on_step(losses)
            if self.step == stop_after:
                break
            if self.step % 50 == 0:
                pace = (time.monotonic() - started) / (self.step - first_step)
                left = pace * (self.config.steps - self.step) / 60
                shown = "  ".join(f"{k} {v:.4f}" for k, v in sums.items())
                log.info(
                    "step %d/%d  %.2f s/step  %.0f min left  %s",
                    self.step,
                    self.config.steps,
                    pace,
                    left,
                    shown,
                )
            if self.step % self.config.checkpoint_every == 0:
                self._save()
        return self._save()

    def _batches(self) -> Iterator[SyntheticBatch]:
        config = self.config
        dataset = SyntheticBatches(config.seed, config.steps, config.batch_size, config.shapes, self.photos)
        rest = Subset(dataset, range(self.step, config.steps))
        yield from DataLoader(
            rest,
            batch_size=None,
            num_workers=self.workers,
            collate_fn=_as_is,
            persistent_workers=self.workers > 0,
        )

    def _set_learning_rate(self) -> None:
        """Warm up over 100 steps, then follow half a cosine down to a hundredth."""
        progress = self.step / self.config.steps
        factor = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor * min(1.0, (self.step + 1) / 100)

    def _synthetic_step(self, batch: SyntheticBatch) -> dict[str, float]:
        shape = batch.shape
        mono, reference, truth = (t.to(self.device) for t in (batch.mono, batch.reference, batch.truth))
        disparity, visible = batch.disparity.to(self.device), batch.visible.to(self.device)
        first, logits = self._first_pass(mono, reference, shape)
        matching = disparity_loss(logits, disparity, visible, first.volume.stride)
        color = chroma_loss(first.chroma, truth[:, 1:], 0.1 + visible)
        detached = first._replace(chroma=first.chroma.detach(), luma=first.luma.detach())
        refined = chroma_loss(self.refiner(mono, detached), truth[:, 1:])
        self._descend(0.2 * matching + 20 * color + 20 * refined)
        return {"matching": matching.item(), "first": color.item() * 255, "refined": refined.item() * 255}

    def _first_pass(
        self, mono: Tensor, reference: Tensor, shape: CropShape
    ) -> tuple[ColorizerOutput, Tensor]:
        """Return the first pass and the logits of its W (up to a constant in each cell)."""
        if isinstance(self.colorizer, LiveColorizer):
            logits, stride = self.colorizer.logits(mono, reference, shape.max_disparity, 0, shape.stride)
            return self.colorizer.average(logits, stride, reference, shape.max_disparity, 0), logits
        first: ColorizerOutput = self.colorizer(mono, reference, shape.max_disparity)
        return first, first.volume.weights.clamp_min(1e-9).log()

    def _real_step(self, pairs: list[RealPair]) -> dict[str, float]:
        """One step of the paper's objective (eq. 4, λ = 1, 1, 0.1), and of the refiner on R'_C → R_C."""
        rng = np.random.default_rng((self.config.seed, self.step, 1))
        mono, reference = self._real_crop(rng, pairs)
        cycle = colorize_cycle(self.colorizer, mono, reference, self.config.real_crop[2])
        structure, consistency, smooth = cycle_objective(cycle, mono, reference)
        second = cycle.second._replace(
            chroma=cycle.second.chroma.detach().flip(-1), luma=cycle.second.luma.detach().flip(-1)
        )
        refined = self.refiner(reference[:, :1].flip(-1), second).flip(-1)
        refinement = chroma_loss(refined, reference[:, 1:])
        self._descend(self.config.real_weight * (structure + consistency + 0.1 * smooth + 10 * refinement))
        return {"L_ss": structure.item(), "L_cc": consistency.item(), "L_smooth": smooth.item()}

    def _real_crop(self, rng: np.random.Generator, pairs: list[RealPair]) -> tuple[Tensor, Tensor]:
        pair = pairs[int(rng.integers(len(pairs)))]
        crop_height, crop_width, _ = self.config.real_crop
        height, width = pair.mono.shape[-2:]
        y = int(rng.integers(0, max(1, height - crop_height + 1)))
        x = int(rng.integers(0, max(1, width - crop_width + 1)))
        mono = pair.mono[None, :, y : y + crop_height, x : x + crop_width]
        reference = pair.reference[None, :, y : y + crop_height, x : x + crop_width]
        if rng.random() < 0.5:  # mirrored in height the search direction stays right
            mono, reference = mono.flip(-2), reference.flip(-2)
        return mono.to(self.device), reference.to(self.device)

    def _descend(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        self.optimizer.step()

    def _save(self) -> Path:
        state = {
            "colorizer": self.colorizer.state_dict(),
            "refiner": self.refiner.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)
        weights = self.folder / f"{preset_of(self.config.network)}.safetensors"
        save_weights(weights, {"colorizer": self.colorizer, "refiner": self.refiner}, self._card())
        return weights

    def _card(self) -> dict[str, object]:
        real = self.real_folder.name if self.real_folder else "none"
        return {
            "preset": preset_of(self.config.network),
            "config": asdict(self.config.network),
            "refiner": asdict(self.config.refiner),
            "training": {k: v for k, v in asdict(self.config).items() if k not in {"network", "refiner"}},
            "step": self.step,
            "data": f"generated scenes, textures procedural and from {real} (MIT); the cycle on {real}",
            "licence": "MIT",
            "git_commit": _git_commit(),
        }


def _as_is(batch: Any) -> Any:
    return batch


def _git_commit() -> str:
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "rev-parse", "HEAD"]
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    return ""
