"""`python main.py train`: trains networks. Needs neither Qt nor cameras."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from models.presets import PRESETS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument("what", choices=PRESETS, help="which preset, with its refiner")
    parser.add_argument("--out", type=Path, help="folder for checkpoint and weights (default: runs/PRESET)")
    parser.add_argument("--steps", type=int, help="length of the run")
    parser.add_argument("--batch-size", type=int, help="pairs per step")
    parser.add_argument("--seed", type=int, help="source of all random choices")
    parser.add_argument(
        "--real-pairs", type=Path, help="folder with mono/ and color/: textures, and the cycle objective"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--workers", type=int, default=1, help="processes that generate scenes")


def run(args: argparse.Namespace) -> int:
    """Train, or go on where the run in the folder stopped."""
    import torch

    from models.training.loop import RECIPES, Training

    logging.getLogger("models").setLevel(logging.INFO)
    if args.threads:
        torch.set_num_threads(args.threads)
    given = {name: getattr(args, name) for name in ("steps", "batch_size", "seed")}
    config = replace(
        RECIPES[args.what], **{name: value for name, value in given.items() if value is not None}
    )
    folder = args.out or Path("runs") / args.what
    photos = args.real_pairs / "color" if args.real_pairs else None
    training = Training(config, folder, photos, args.real_pairs, args.device, args.workers)
    training.resume()
    print(training.run())
    return 0
