"""Chooses the live network's design by measurement.

`python -m models.training.sweep --stereo DIR… --out DIR` trains every variant alike, briefly, on generated
scenes and pairs with truth, and measures it on scenes that were held out; short trainings rank designs, no
more. What is finished is not done again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import torch
from torch import nn

from models.allocator import keep_freed_memory
from models.data.batches import CropShape, SupervisedBatch
from models.data.pair_batches import PairBatch
from models.data.pairs import open_pairs
from models.errors import ModelError
from models.live import LiveColorizer
from models.refiner import Refiner
from models.training.checkpoints import Provenance, write_atomically
from models.training.colorizer_task import ColorizerTask, MixedBatches, TrainingData
from models.training.config import ColorizerStage, RealConfig, RefinerStage, RunConfig, SupervisedConfig
from models.training.pair_set import PairSet, open_pair_sets
from models.training.pareto import Panel, Point, draw, pareto_front
from models.training.refiner_task import RefinerTask
from models.training.runner import Runner
from models.training.sweep_timing import HEIGHT, MAX_DISPARITY, WIDTH, time_variant
from models.training.sweep_variants import VARIANTS, Variant
from models.training.validation import Validator
from models.weights_io import Card, save_weights

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "live-pareto.svg"
_SEED = 0
_ROUNDS = 3
_FAR = 3.0  # times the median cost
_HELD_OUT_SHARE = 0.1
_MEASURED_PAIRS, _MEASURED_CROP, _MEASURED_CANDIDATES = 10, (480, 640), 96
_SUPERVISED = SupervisedConfig(
    shapes=(CropShape(192, 320, 96, 4, 0.5), CropShape(112, 176, 48, 2, 0.5)),
    stereo_crop=(144, 208),
    stereo_max_disparity=64,
)
_STEREO_STRIDE = 2  # px: of their crops, for all variants alike
_NO_REAL = RealConfig(every=0)

R = TypeVar("R", "Accuracy", "Times")
Batches = Callable[[int, int, int], PairBatch | SupervisedBatch]


@dataclass(frozen=True)
class Accuracy:
    """What a variant reaches.

    Attributes:
        ssim, psnr: means over the held-out pairs, RGB with the truth's luma, of the first pass, or of the
            refined result of a variant of the refiner.
        parameters: of the network that is compared.
        steps: of its training.
    """

    ssim: float
    psnr: float
    parameters: int
    steps: int


@dataclass(frozen=True)
class Times:
    """What the whole cycle takes: of every round the median over its runs, and of these the smallest.

    Other programs lengthen times and never shorten them, so the smallest is nearest to the design's own.

    Attributes:
        cpu_ms: processor time of all threads together.
        wall_ms: from images in memory to results in memory.
        rounds: that were measured, each in a process of its own.
    """

    cpu_ms: float
    wall_ms: float
    rounds: int


@dataclass(frozen=True)
class Result:
    """Both."""

    accuracy: Accuracy
    times: Times


class _SearchedAlike(PairSet):
    """Pairs that are all searched over one range, as in the app: so a variant has one stride for all."""

    def candidates(self, index: int) -> int:  # noqa: ARG002 (whatever the pair)
        return _MEASURED_CANDIDATES


class Sweep:
    """The trainings and measurements of one folder; all variants see the same batches."""

    def __init__(self, stereo: Sequence[Path], folder: Path, steps: int) -> None:
        self.folder = folder
        self._run = RunConfig(
            steps=steps,
            batch_size=1,
            optimizer="adamw",
            learning_rate=2e-3,
            weight_decay=1e-4,
            schedule="cosine",
            warmup_steps=steps // 10,
            clip_norm=1.0,
            checkpoint_every=100,
            validate_every=0,
        )
        training, held_out = open_pair_sets(open_pairs(*stereo), _SEED, _HELD_OUT_SHARE)
        self._data = TrainingData(stereo=training)
        self._about = {"stereo": training.describe(), "stereo_sha256": training.digest}
        self._validator = Validator([_largest(held_out)], _MEASURED_CROP, _SUPERVISED, _SEED)
        batches = MixedBatches(self._data, _SEED, self._run.batch_size, _NO_REAL, _SUPERVISED)
        self._batch = _remembered(batches.batch)

    def measure(self, variant: Variant) -> Accuracy:
        """Train a variant, unless that is done, and measure it.

        Raises ModelError if the folder holds a training of other settings.
        """
        colorizer = self._colorizer(variant)
        refiner = self._refiner(variant, colorizer) if variant.trains == "refiner" else None
        compared: nn.Module = colorizer if refiner is None else refiner
        compared.eval()
        with torch.no_grad():
            measures = self._validator.measure(colorizer.eval(), refiner)
        kind = "first" if refiner is None else "refined"
        parameters = sum(p.numel() for p in compared.parameters())
        return Accuracy(measures[f"{kind}_ssim"], measures[f"{kind}_psnr"], parameters, self._run.steps)

    def _colorizer(self, variant: Variant) -> LiveColorizer:
        """Return the trained colorizer of a variant, or the one that it shares with another."""
        torch.manual_seed(variant.seed)
        network = variant.network(variant.config)
        name = "default" if variant.trains == "refiner" else variant.weights_of or variant.name
        stage = ColorizerStage(self._run, real=_NO_REAL, supervised=_SUPERVISED)

        def save(folder: Path, card: Card) -> Path:
            return _save(folder, "colorizer", network, card)

        task = ColorizerTask(stage, network, None, self._data, _SEED, None, save)
        task.batch = self._batch
        self._train(task, name, replace(variant, trains="colorizer"))
        return network

    def _refiner(self, variant: Variant, colorizer: LiveColorizer) -> Refiner:
        torch.manual_seed(variant.seed)
        network = Refiner(variant.refiner)
        stage = RefinerStage(self._run, _NO_REAL, _SUPERVISED, loss="l1", weight=20.0)

        def save(folder: Path, card: Card) -> Path:
            return _save(folder, "refiner", network, card)

        task = RefinerTask(stage, colorizer, network, self._data, _SEED, save)
        task.batch = self._batch
        self._train(task, variant.name, variant)
        return network

    def _train(self, task: ColorizerTask | RefinerTask, name: str, variant: Variant) -> None:
        """Train the task's network in the folder of that name; a training that is complete is only loaded."""
        config = {"variant": name, "seed": variant.seed, "run": asdict(self._run)}
        print(f"{name}: training", file=sys.stderr, flush=True)
        Runner(task, self._run, self.folder / name, Provenance(config, self._about)).run()


def _save(folder: Path, name: str, network: LiveColorizer | Refiner, card: Card) -> Path:
    path = folder / f"{name}.safetensors"
    save_weights(path, {name: network}, {"preset": "live", "config": asdict(network.config), **card})
    return path


def _remembered(draw_batch: Batches) -> Batches:
    """Return what draws every batch once: half of a step's time is the making of scenes."""
    drawn: dict[tuple[int, int, int], SupervisedBatch] = {}

    def batch(step: int, rank: int, world: int) -> SupervisedBatch:
        key = (step, rank, world)
        if key not in drawn:
            fresh = draw_batch(*key)
            assert isinstance(fresh, SupervisedBatch)  # there are no real pairs
            drawn[key] = replace(fresh, stride=fresh.stride or _STEREO_STRIDE)
        return drawn[key]

    return batch


def _largest(pairs: PairSet) -> PairSet:
    """Return the largest of the pairs, in order, `_MEASURED_PAIRS` at most."""
    largest = max(pairs.entries[i].height for i in pairs.indices)
    chosen = [i for i in pairs.indices if pairs.entries[i].height == largest][:_MEASURED_PAIRS]
    return _SearchedAlike(pairs.source, tuple(chosen), pairs.entries, pairs.digest)


def read(kind: type[R], folder: Path, variant: Variant) -> R | None:
    """Return what is known of a variant, None if it is not there yet. Raises ModelError if it is damaged."""
    path = _file(kind, folder, variant)
    if not path.is_file():
        return None
    try:
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path}: not a result of the sweep; remove it ({error})") from error


def write(value: Accuracy | Times, folder: Path, variant: Variant) -> None:
    """Write what is known of a variant, atomically."""
    path = _file(type(value), folder, variant)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(asdict(value), indent=2) + "\n").encode())


def _file(kind: type[Accuracy | Times], folder: Path, variant: Variant) -> Path:
    name = variant.timed_as if kind is Times else variant.name
    return folder / name / f"{kind.__name__.lower()}.json"


def results_in(folder: Path) -> dict[str, Result]:
    """Return all variants that were measured and timed, by name."""
    found = {}
    for variant in VARIANTS:
        accuracy, times = read(Accuracy, folder, variant), read(Times, folder, variant)
        if accuracy is not None and times is not None:
            found[variant.name] = Result(accuracy, times)
    return found


def table(results: Mapping[str, Result]) -> str:
    """Return Markdown tables, colorizers and refiners apart, the most accurate first; ● marks the front."""
    lines = []
    for kind, measured in (("colorizer", "first pass"), ("refiner", "refined")):
        chosen = [v for v in VARIANTS if v.trains == kind and v.name in results]
        if not chosen:
            continue
        best = {p.label for p in pareto_front(points(chosen, results))}
        lines += [
            f"| {kind} | SSIM ({measured}) | PSNR, dB | parameters | CPU time, ms | wall time, ms | front |",
            "| --- " * 7 + "|",
        ]
        for variant in sorted(chosen, key=lambda v: -results[v.name].accuracy.ssim):
            accuracy, times = results[variant.name].accuracy, results[variant.name].times
            mark = "●" if variant.label in best else ""
            lines.append(
                f"| {variant.label} | {accuracy.ssim:.4f} | {accuracy.psnr:.2f} "
                f"| {accuracy.parameters / 1000:.0f} k | {times.cpu_ms:.0f} | {times.wall_ms:.0f} | {mark} |"
            )
        lines.append("")
    return "\n".join(lines)


def points(variants: Sequence[Variant], results: Mapping[str, Result]) -> list[Point]:
    """Return processor time against SSIM."""
    return [
        Point(v.label, r.times.cpu_ms, r.accuracy.ssim, competes=v.seed == VARIANTS[0].seed)
        for v, r in ((v, results[v.name]) for v in variants)
    ]


def picture(results: Mapping[str, Result]) -> str:
    """Return the Pareto plot, SVG: a panel for the colorizer, one for the refiner."""
    panels = []
    axis = f"processor time of the whole cycle, {WIDTH}×{HEIGHT}, {MAX_DISPARITY} candidates, 2 threads (ms)"
    for kind, title, height in (("colorizer", "First pass", 500), ("refiner", "Refined result", 280)):
        chosen = [v for v in VARIANTS if v.trains == kind and v.name in results]
        if chosen:
            near, far = _by_cost(points(chosen, results))
            beyond = "".join(f"; not shown: {p.label}, {p.cost:.0f} ms, {p.gain:.4f}" for p in far)
            panels.append(Panel(title + beyond, axis, "SSIM", tuple(near), height))
    return draw(panels)


def _by_cost(found: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """Return the points within reach of the cheaper half of them, and those so far off that they would
    squeeze the rest together.
    """
    limit = _FAR * median(p.cost for p in found)
    return [p for p in found if p.cost <= limit], [p for p in found if p.cost > limit]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sweep and return the exit code: 2 for bad input, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m models.training.sweep", description=__doc__)
    parser.add_argument("--stereo", type=Path, nargs="+", required=True, help="pairs with true colours")
    parser.add_argument("--out", type=Path, required=True, help="folder of trainings and results")
    parser.add_argument("--steps", type=int, default=300, help="of every training")
    parser.add_argument("--only", nargs="+", choices=[v.name for v in VARIANTS], help="these variants")
    parser.add_argument("--part", choices=("accuracy", "times", "all"), default="all", help="what to measure")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the plot goes")
    args = parser.parse_args(argv)
    keep_freed_memory()
    try:
        _sweep(args)
    except ModelError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _sweep(args: argparse.Namespace) -> None:
    chosen = [v for v in VARIANTS if args.only is None or v.name in args.only]
    if args.part != "times":
        missing = [v for v in chosen if read(Accuracy, args.out, v) is None]
        sweep = Sweep(args.stereo, args.out, args.steps) if missing else None
        for variant in missing:
            assert sweep is not None
            accuracy = sweep.measure(variant)
            write(accuracy, args.out, variant)
            print(f"{variant.label}: SSIM {accuracy.ssim:.4f}, {accuracy.psnr:.2f} dB", flush=True)
    if args.part != "accuracy":
        # Round after round, so that a busy minute of the machine does not hit one design alone.
        for number, variant in itertools.product(range(1, _ROUNDS + 1), chosen):
            known = read(Times, args.out, variant)
            if known is None or known.rounds < number:
                print(f"{variant.label}: timing, round {number}/{_ROUNDS}", file=sys.stderr, flush=True)
                write(_timed(variant, known), args.out, variant)
    _report(args.out, args.picture)


def _timed(variant: Variant, known: Times | None) -> Times:
    """Return what is known after one more round."""
    measurement = time_variant(variant)
    if measurement.error:
        raise ModelError(f"{variant.name} could not be timed: {measurement.error}")
    cpu_ms, wall_ms = measurement.cpu_ms, measurement.total_ms
    if known is None:
        return Times(cpu_ms, wall_ms, 1)
    return Times(min(cpu_ms, known.cpu_ms), min(wall_ms, known.wall_ms), known.rounds + 1)


def _report(folder: Path, plot: Path) -> None:
    """Write table, JSON and plot of all that is measured by now."""
    results = results_in(folder)
    if not results:
        return
    whole = table(results)
    print(whole)
    write_atomically(folder / "sweep.md", whole.encode())
    summary = {name: asdict(result) for name, result in results.items()}
    write_atomically(folder / "sweep.json", (json.dumps(summary, indent=2) + "\n").encode())
    plot.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(plot, picture(results).encode())


if __name__ == "__main__":
    sys.exit(main())
