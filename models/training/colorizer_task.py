"""Trains the colorizer M: with truth on generated scenes and stereo pairs, by the cycle on real pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.colorizer import Colorizer, Cycle, colorize_cycle, colorize_second
from models.data.batches import GeneratedBatches, SupervisedBatch
from models.data.pair_batches import PairBatch, PairBatches
from models.errors import ModelError
from models.refiner import Refiner
from models.structure import StructureNetwork
from models.training.config import ColorizerStage, RealConfig, SupervisedConfig
from models.training.objectives import CycleObjective, chroma_loss, disparity_loss
from models.training.pair_set import Float, PairSet
from models.training.passes import first_pass, refine_first, refine_second
from models.training.validation import Validator
from models.weights_io import Card


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a stage is trained and validated on.

    Attributes:
        real: pairs for the cycle, None for none.
        stereo: pairs with truth, None for none.
        held_out: pairs to validate on.
        photos: linear RGB pictures for the textures of generated scenes.
    """

    real: PairSet | None = None
    stereo: PairSet | None = None
    held_out: tuple[PairSet, ...] = ()
    photos: Sequence[Float] = ()


class MixedBatches:
    """Batches by step: real pairs every so often, the rest with truth. Can be pickled; holds no network."""

    def __init__(
        self,
        data: TrainingData,
        seed: int,
        batch_size: int,
        real: RealConfig,
        supervised: SupervisedConfig,
        pretrain_steps: int = 0,
    ) -> None:
        if real.every == 1 and data.real is None:
            raise ModelError("every step of this recipe is on real pairs: name some with --pairs")
        self._every = real.every if data.real is not None else 0
        self._pretrain_steps = pretrain_steps
        self._seed = seed
        self._stereo_share = supervised.stereo_share if data.stereo is not None else 0.0
        self._generated = GeneratedBatches(seed, batch_size, supervised.shapes, data.photos)
        self._real: PairBatches | None = None
        self._stereo: PairBatches | None = None
        if data.real is not None:
            source, limit = data.real.as_source(), real.max_disparity
            self._real = PairBatches(source, seed, batch_size, real.crop, limit, real.augmentation)
        if data.stereo is not None:
            source, how, limit = data.stereo.as_source(), supervised, supervised.stereo_max_disparity
            self._stereo = PairBatches(source, seed, batch_size, how.stereo_crop, limit, how.augmentation)

    def batch(self, step: int, rank: int, world: int, /) -> PairBatch | SupervisedBatch:
        """Return the samples of one process in a step."""
        if self._real is not None and self._is_real(step):
            return self._real.batch(step, rank, world)
        if self._stereo is not None and self._draw(step) < self._stereo_share:
            return self._stereo.batch(step, rank, world).supervised()
        return self._generated.batch(step, rank, world)

    def _is_real(self, step: int) -> bool:
        later = step - self._pretrain_steps
        return self._every > 0 and later >= 0 and later % self._every == 0

    def _draw(self, step: int) -> float:
        return float(np.random.default_rng((self._seed, step, 3)).random())


class ColorizerTask:
    """A `models.training.task.Task`: the colorizer, and the refiner along with it if the stage says so.

    Args:
        stage: losses, data, and samples per step.
        colorizer: network to train.
        refiner: trained along with `joint_refiner`; None without.
        data: what to train and validate on.
        seed: source of all random choices.
        structure: the learned metric, frozen, where L_ss uses it.
        save: writes the networks, given folder and card.
    """

    name = "colorizer"
    criterion = "score"

    def __init__(
        self,
        stage: ColorizerStage,
        colorizer: Colorizer,
        refiner: Refiner | None,
        data: TrainingData,
        seed: int,
        structure: StructureNetwork | None,
        save: Callable[[Path, Card], Path],
    ) -> None:
        self.stage = stage
        self.colorizer = colorizer
        self.refiner = refiner
        self.batch = MixedBatches(
            data, seed, stage.run.batch_size, stage.real, stage.supervised, stage.pretrain_steps
        ).batch
        self._objective = CycleObjective(stage.losses, structure)
        self._validator = Validator(data.held_out, stage.real.validation_crop, stage.supervised, seed)
        self._save = save

    def modules(self) -> dict[str, nn.Module]:
        """Return what is trained."""
        assert isinstance(self.colorizer, nn.Module)
        refiner = {} if self.refiner is None else {"refiner": self.refiner}
        return {"colorizer": self.colorizer, **refiner}

    def losses(self, batch: Any, /) -> dict[str, Tensor]:
        """Return the losses of a batch of either kind."""
        return self._cycle(batch) if isinstance(batch, PairBatch) else self._supervised(batch)

    def validate(self) -> dict[str, float]:
        """Return the measures of `Validator.measure`."""
        return self._validator.measure(self.colorizer, self.refiner)

    def images(self) -> Tensor | None:
        """Return the pictures of `Validator.images`."""
        return self._validator.images()

    def export(self, folder: Path, card: Card, /) -> Path:
        """Write the weights."""
        return self._save(folder, card)

    def _cycle(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return eq. 4, and R'_C → R_C for a refiner that is trained along."""
        config = self.stage
        mono, reference = batch.mono, batch.reference
        cycle = colorize_cycle(self.colorizer, mono, reference, batch.max_disparity)
        total, terms = self._objective(cycle, mono, reference)
        if self.refiner is not None:
            refined, spread = refine_second(self.refiner, mono, reference, cycle)
            truth = reference[:, 1:]
            terms["cycle_refined"] = chroma_loss(refined, truth)
            error = terms["cycle_refined"] + config.supervised.spread_weight * chroma_loss(spread, truth)
            total = total + config.joint_refinement_weight * error
        return {"loss": config.real.weight * total, **terms}

    def _supervised(self, batch: SupervisedBatch) -> dict[str, Tensor]:
        """Return the cross-entropy of W, and errors of chroma: of the first pass where the colour camera sees
        the pixel, of the refined result everywhere.
        """
        weights = self.stage.supervised
        truth = batch.truth[:, 1:]
        first = first_pass(self.colorizer, batch.mono, batch.reference, batch.max_disparity, batch.stride)
        volume = first.volume
        terms = {
            "matching": disparity_loss(volume.logits, batch.disparity, batch.visible, volume.stride),
            "first": chroma_loss(first.chroma, truth, 0.1 + batch.visible),
        }
        total = weights.matching_weight * terms["matching"] + weights.chroma_weight * terms["first"]
        if self.refiner is not None:
            with torch.no_grad():
                back = colorize_second(
                    self.colorizer, batch.mono, batch.reference, first, batch.max_disparity, 0
                )
            refined, spread = refine_first(self.refiner, batch.mono, batch.reference, Cycle(first, back))
            terms["refined"] = chroma_loss(refined, truth)
            error = terms["refined"] + weights.spread_weight * chroma_loss(spread, truth)
            total = total + weights.refined_weight * error
        return {"loss": total, **terms}
