"""`python main.py train`: trains the networks. Needs neither Qt nor cameras."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from models.data.pairs import PairSource
    from models.training.config import Recipe

Opener = Callable[[Sequence[Path]], "PairSource"]

_DEFAULT_RECIPE, _FINE_TUNING_RECIPE = "live", "finetune"
_DEFAULT_START = "live"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument(
        "what", choices=("structure", "colorizer", "refiner", "all"), help="which network; all, in this order"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--pairs",
        "--dataset",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="real pairs: folders with mono/ and color/, or datasets that the app captured",
    )
    data.add_argument(
        "--stereo", type=Path, nargs="+", metavar="PATH", help="pairs with true colours: reference/, truth/"
    )
    data.add_argument(
        "--regions", type=Path, nargs="+", metavar="PATH", help="registered pairs (main.py register)"
    )
    data.add_argument(
        "--held-out",
        metavar="SHARE|NAMES",
        help="share of the scenes to validate on, never trained on (0 … 1), or names of pairs, with commas",
    )
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument(
        "--config",
        metavar="NAME|FILE",
        help="recipe that ships, or TOML file (default: live; finetune with --from)",
    )
    recipe.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace a key, such as colorizer.run.steps",
    )
    recipe.add_argument(
        "--from", dest="start", metavar="default|NAME|FILE", help="weights to start from, and their networks"
    )
    recipe.add_argument("--structure", type=Path, metavar="FILE", help="weights of the learned metric")
    recipe.add_argument("--steps", type=int, help="length of every stage that has steps")
    recipe.add_argument("--batch-size", type=int, help="samples per step and process")
    recipe.add_argument("--seed", type=int, help="source of all random choices")
    machine = parser.add_argument_group("machine")
    machine.add_argument("--out", type=Path, help="folder of the run (default: runs/RECIPE)")
    machine.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    machine.add_argument("--threads", type=int, help="CPU threads of the networks")
    machine.add_argument("--workers", type=int, default=1, help="processes that make batches")
    parser.epilog = (
        "The same command goes on where a run was stopped. Several processes, on one host or many: "
        "torchrun --nproc-per-node N main.py train …"
    )


def run(args: argparse.Namespace, open_source: Opener | None = None) -> int:
    """Train, or go on where the run in the folder stopped.

    `open_source` opens the real pairs; by default folders of pairs only, not captured datasets.
    """
    import torch

    from models.data.pairs import open_pairs
    from models.training.config import STAGES
    from models.training.distributed import process_group
    from models.training.stages import Inputs, Machine, Training

    if args.threads:
        torch.set_num_threads(args.threads)
    name = args.config or (_FINE_TUNING_RECIPE if args.start else _DEFAULT_RECIPE)
    recipe = _recipe(args, name)
    device = _device(args.device)
    inputs = Inputs(
        pairs=(open_source or (lambda paths: open_pairs(*paths)))(args.pairs) if args.pairs else None,
        stereo=open_pairs(*args.stereo) if args.stereo else None,
        regions=open_pairs(*args.regions) if args.regions else None,
        start=_DEFAULT_START if args.start == "default" else args.start,
        structure=args.structure,
    )
    folder = args.out or Path("runs") / Path(name).stem
    with process_group(device) as (group, own_device):
        training = Training(recipe, inputs, folder, Machine(own_device, args.workers, group))
        for stage in STAGES if args.what == "all" else (args.what,):
            weights = training.run(stage)
            if group.leads:
                print(f"{stage}: {weights or 'left out by this recipe'}")
    return 0


def _recipe(args: argparse.Namespace, name: str) -> Recipe:
    """Return the recipe with what the command line replaces. Raises ModelError that names the key."""
    from models.training.config import STAGES
    from models.training.recipe_files import read_recipe

    recipe = read_recipe(name, args.set)
    stages = STAGES if args.what == "all" else (args.what,)
    overrides = []
    if args.seed is not None:
        overrides.append(f"seed={args.seed}")
    if args.held_out is not None:
        overrides.append(_held_out(args.held_out))
    for stage in stages:
        if args.steps is not None and getattr(recipe, stage).run.steps:
            overrides.append(f"{stage}.run.steps={args.steps}")
        if args.batch_size is not None:
            overrides.append(f"{stage}.run.batch_size={args.batch_size}")
    return read_recipe(name, [*args.set, *overrides])


def _held_out(text: str) -> str:
    try:
        float(text)
    except ValueError:
        names = ", ".join(f'"{name.strip()}"' for name in text.split(","))
        return f"held_out_names=[{names}]"
    return f"held_out={text}"


def _device(name: str) -> torch.device:
    """Return a device that is there. Raises ModelError if it is not."""
    import torch

    from models.errors import ModelError

    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {name} is not at hand: {str(error).splitlines()[0]}") from error
    return device
