"""Trains the refiner Φ behind a frozen colorizer: R'_C → R_C on real pairs (paper, "Color refinement")."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.colorizer import Colorizer, Cycle, colorize_cycle, colorize_second
from models.data.pair_batches import PairBatch
from models.refiner import Refiner
from models.training.colorizer_task import MixedBatches, TrainingData
from models.training.config import RefinerStage
from models.training.objectives import chroma_loss, squared_chroma_loss
from models.training.passes import first_pass, refine_first, refine_second
from models.training.validation import Validator
from models.weights_io import Card


class RefinerTask:
    """A `models.training.task.Task`.

    Args:
        stage: loss, data, and samples per step.
        colorizer: frozen: runs in evaluation mode, without gradients.
        refiner: network to train.
        data: what to train and validate on.
        seed: source of all random choices.
        save: writes the networks, given folder and card.
    """

    name = "refiner"
    criterion = "score"

    def __init__(
        self,
        stage: RefinerStage,
        colorizer: Colorizer,
        refiner: Refiner,
        data: TrainingData,
        seed: int,
        save: Callable[[Path, Card], Path],
    ) -> None:
        assert isinstance(colorizer, nn.Module)
        self.stage = stage
        self.colorizer = colorizer
        self._frozen = colorizer.eval().requires_grad_(requires_grad=False)
        self.refiner = refiner
        self.batch = MixedBatches(data, seed, stage.run.batch_size, stage.real, stage.supervised).batch
        self._validator = Validator(data.held_out, stage.real.validation_crop, stage.supervised, seed)
        self._save = save

    def modules(self) -> dict[str, nn.Module]:
        """Return the refiner."""
        return {"refiner": self.refiner}

    def losses(self, batch: Any, /) -> dict[str, Tensor]:
        """Return the error of R'_C, refined, against R_C; of I_C, refined, against the truth where it is
        known.
        """
        with torch.no_grad():
            cycle = self._passes(batch)
        if isinstance(batch, PairBatch):
            refined, spread = refine_second(self.refiner, batch.mono, batch.reference, cycle)
            truth, weight = batch.reference[:, 1:], self.stage.weight * self.stage.real.weight
        else:
            refined, spread = refine_first(self.refiner, batch.mono, batch.reference, cycle)
            truth, weight = batch.truth[:, 1:], self.stage.weight
        error = squared_chroma_loss if self.stage.loss == "l2" else chroma_loss
        shown = error(refined, truth)
        total = shown + self.stage.supervised.spread_weight * error(spread, truth)
        return {"loss": weight * total, "refined": shown}

    def validate(self) -> dict[str, float]:
        """Return the measures of `Validator.measure`."""
        return self._validator.measure(self.colorizer, self.refiner)

    def images(self) -> Tensor | None:
        """Return the pictures of `Validator.images`."""
        return self._validator.images()

    def export(self, folder: Path, card: Card, /) -> Path:
        """Write the weights."""
        return self._save(folder, card)

    def _passes(self, batch: Any) -> Cycle:
        device = batch.mono.device
        self._frozen.to(device)
        mono, reference, candidates = batch.mono, batch.reference, batch.max_disparity
        if isinstance(batch, PairBatch):
            return colorize_cycle(self.colorizer, mono, reference, candidates)
        first = first_pass(self.colorizer, mono, reference, candidates, batch.stride)
        return Cycle(first, colorize_second(self.colorizer, mono, reference, first, candidates, 0))
