"""From a recipe and pairs to trained weights, stage by stage: structure → colorizer → refiner."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal, cast

import torch
from torch import nn

from models.allocator import keep_freed_memory
from models.colorizer import Colorizer
from models.data.aligned import AlignedPairs
from models.data.pairs import PairSource
from models.errors import ModelError
from models.presets import Networks, build_colorizer, load_networks, preset_of, weights_path
from models.refiner import Refiner
from models.structure import SHIPPED, StructureNetwork, load_structure
from models.training.checkpoints import Provenance
from models.training.colorizer_task import ColorizerTask, TrainingData
from models.training.config import Recipe, RunConfig, Stage
from models.training.distributed import Group
from models.training.pair_set import PairSet, open_pair_sets
from models.training.recipe_files import resolved
from models.training.refiner_task import RefinerTask
from models.training.runner import Runner
from models.training.structure_task import StructureTask
from models.training.task import Task
from models.weights_io import Card, save_weights


@dataclass(frozen=True)
class Inputs:
    """What a person brings along.

    Attributes:
        pairs: real pairs, for the cycle and as textures of generated scenes.
        stereo: pairs with the true colours.
        regions: registered pairs, for the structure network.
        start: preset or weights file to start from instead of random weights.
        structure: weights file of the learned metric; default: trained in the same folder, else shipped.
    """

    pairs: PairSource | None = None
    stereo: PairSource | None = None
    regions: PairSource | None = None
    start: str | None = None
    structure: Path | None = None


@dataclass(frozen=True)
class Machine:
    """What it runs on: device, processes that make batches, and the processes that train together."""

    device: torch.device
    workers: int = 1
    group: Group = field(default_factory=Group)


class Training:
    """All stages of one recipe in one folder. A stage that is complete is not trained again.

    Raises WeightsMismatch if there are no weights to start from.
    """

    def __init__(self, recipe: Recipe, inputs: Inputs, folder: Path, machine: Machine) -> None:
        if machine.device.type == "cpu":
            keep_freed_memory()
        self._start: Networks | None = None
        if inputs.start is not None:
            self._start = load_networks(inputs.start)
            recipe = _with_networks_of(self._start, recipe)
        self.recipe = recipe
        self.inputs = inputs
        self.folder = folder
        self.machine = machine

    def run(self, stage: Stage) -> Path | None:
        """Train a stage, or go on where it was stopped, and return its weights; None if it has no steps.

        Raises as `Runner.run` does, and ModelError if the stage needs what is not there.
        """
        config = self._run_config(stage)
        if config.steps == 0:
            return None
        task, data = {
            "structure": self._structure_task,
            "colorizer": self._colorizer_task,
            "refiner": self._refiner_task,
        }[stage]()
        folder = self.folder / stage
        provenance = Provenance(resolved(self.recipe, stage), data)
        machine = self.machine
        runner = Runner(task, config, folder, provenance, machine.device, machine.workers, machine.group)
        runner.run()
        weights = folder / ("structure.safetensors" if stage == "structure" else self._weights_name)
        published = self.folder / weights.name
        if machine.group.leads and not weights.is_file():  # the runner has said why
            return runner.checkpoint
        if machine.group.leads and (runner.has_trained or not published.is_file()):
            for suffix in (".safetensors", ".json"):
                _copy_atomically(weights.with_suffix(suffix), published.with_suffix(suffix))
        machine.group.from_leader(
            None
        )  # the next stage reads these files: nobody begins it before they are there
        return published

    @property
    def _weights_name(self) -> str:
        return f"{self.recipe.preset}.safetensors"

    def _run_config(self, stage: Stage) -> RunConfig:
        recipe = self.recipe
        return {
            "structure": recipe.structure.run,
            "colorizer": recipe.colorizer.run,
            "refiner": recipe.refiner.run,
        }[stage]

    def _structure_task(self) -> tuple[Task, dict[str, str]]:
        recipe = self.recipe
        data = {"generated": "layered scenes"}
        regions = self._split(self.inputs.regions, "registered", ())
        chosen: tuple[int, ...] = ()
        held: tuple[int, ...] = ()
        if regions is not None:
            chosen, held = regions[0].indices, regions[1].indices
            data |= _about("regions", *regions)
        if self._real:
            data |= {"textures": f"of {self._real[0].describe()}", "textures_sha256": self._real[0].digest}
        photos = self._real[0].photos() if self._real else []
        task = StructureTask(recipe.structure, recipe.seed, photos, self.inputs.regions, chosen, held)
        return task, data

    def _colorizer_task(self) -> tuple[Task, dict[str, str]]:
        stage, recipe = self.recipe.colorizer, self.recipe
        networks = self._start
        torch.manual_seed(recipe.seed)
        colorizer = networks.colorizer if networks else build_colorizer(recipe.network)
        own = _own_refiner(networks)
        refiner = own or Refiner(recipe.refiner_network)
        trained = refiner if stage.joint_refiner else None
        data, about = self._data(real=stage.real.every > 0)
        learned = stage.losses.structure == "learned" and data.real is not None
        structure, origin = self._structure(learned)
        kept = refiner if own is not None or stage.joint_refiner else None
        save = partial(self._save, colorizer, kept)
        task = ColorizerTask(stage, colorizer, trained, data, recipe.seed, structure, save)
        return task, about | origin

    def _refiner_task(self) -> tuple[Task, dict[str, str]]:
        stage, recipe = self.recipe.refiner, self.recipe
        trained = self.folder / "colorizer" / self._weights_name
        if trained.is_file():
            path = trained
        elif self.inputs.start is not None:
            path = weights_path(self.inputs.start)
        else:
            raise ModelError(f"{trained} is missing: train the colorizer first, or give weights with --from")
        networks = load_networks(path)
        torch.manual_seed(recipe.seed)
        refiner = _own_refiner(networks) or Refiner(recipe.refiner_network)
        data, about = self._data(real=stage.real.every > 0)
        save = partial(self._save, networks.colorizer, refiner)
        task = RefinerTask(stage, networks.colorizer, refiner, data, recipe.seed, save)
        return task, about | {"colorizer": f"sha256 {_hash(path)}"}

    def _structure(self, needed: bool) -> tuple[StructureNetwork | None, dict[str, str]]:
        """Return the learned metric and where it came from."""
        if not needed:
            return None, {}
        own = self.folder / "structure" / "structure.safetensors"
        path = self.inputs.structure or (own if own.is_file() else SHIPPED)
        if not path.is_file():
            raise ModelError(
                f"{path} is missing: train the structure network first (train structure), "
                "or set colorizer.losses.structure to ssim"
            )
        return load_structure(path), {"structure_network": f"sha256 {_hash(path)}"}

    def _data(self, real: bool) -> tuple[TrainingData, dict[str, str]]:
        """Return what to train on and what to say of it."""
        about = {"generated": "layered scenes"}
        held_out: list[PairSet] = []
        sets: dict[str, PairSet | None] = {"real": None, "stereo": None}
        for name, split in (("real", self._real if real else None), ("stereo", self._stereo)):
            if split is not None:
                sets[name] = split[0]
                held_out.append(split[1])
                about |= _about(name, *split)
        photos = self._real[0].photos() if self._real else []
        if self._real:
            about |= {"textures": f"of {self._real[0].describe()}", "textures_sha256": self._real[0].digest}
        if self.inputs.start is not None:
            path = weights_path(self.inputs.start)
            about["start"] = f"{path.stem}, sha256 {_hash(path)}"
        return TrainingData(sets["real"], sets["stereo"], tuple(held_out), photos), about

    @cached_property
    def _real(self) -> tuple[PairSet, PairSet] | None:
        pairs = self.inputs.pairs
        if pairs is not None and self.recipe.align_rows:
            pairs = AlignedPairs(pairs)
        return self._split(pairs, "real", self.recipe.held_out_names)

    @cached_property
    def _stereo(self) -> tuple[PairSet, PairSet] | None:
        split = self._split(self.inputs.stereo, "stereo", ())
        if split is not None and not all(pairs.has_truth for pairs in split):
            raise ModelError("some of the stereo pairs have no truth/: name them with --pairs")
        return split

    def _split(
        self, source: PairSource | None, kind: str, names: tuple[str, ...]
    ) -> tuple[PairSet, PairSet] | None:
        if source is None:
            return None
        counter = _counter(kind) if self.machine.group.leads else None
        return open_pair_sets(source, self.recipe.seed, self.recipe.held_out, names, counter)

    def _save(self, colorizer: Colorizer, refiner: Refiner | None, folder: Path, card: Card) -> Path:
        assert isinstance(colorizer, nn.Module)
        modules: dict[str, nn.Module] = {"colorizer": colorizer}
        full: Card = {"preset": self.recipe.preset, "config": asdict(self.recipe.network)}
        if refiner is not None:
            modules["refiner"] = refiner
            full["refiner"] = asdict(refiner.config)
        if self._start is not None and self._start.max_disparity is not None:
            full["max_disparity"] = self._start.max_disparity
        path = folder / self._weights_name
        save_weights(path, modules, {**full, **card})
        return path


def _own_refiner(networks: Networks | None) -> Refiner | None:
    """Return the refiner that came with weights, None if they had none and were lent the one that ships."""
    return networks.refiner if networks is not None and "refiner" in networks.card else None


def _with_networks_of(start: Networks, recipe: Recipe) -> Recipe:
    """Return the recipe with the shapes of the networks that it starts from."""
    config = start.colorizer.config  # type: ignore[attr-defined]
    preset = cast("Literal['live', 'paper']", preset_of(config))
    return replace(recipe, preset=preset, network=config, refiner_network=start.refiner.config)


def _about(kind: str, training: PairSet, held_out: PairSet) -> dict[str, str]:
    about = {kind: training.describe(), f"{kind}_sha256": training.digest}
    if len(held_out):
        about[f"{kind}_held_out"] = held_out.describe()
    return about


def _counter(kind: str) -> Callable[[int, int], None]:
    """Return what shows how many pairs were read: on a terminal, in place."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            print(f"\rreading {kind} pairs: {done}/{total}", end=end, file=sys.stderr, flush=True)

    return show


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _copy_atomically(source: Path, target: Path) -> None:
    temporary = target.with_name(target.name + ".tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)
