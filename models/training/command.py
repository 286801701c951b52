"""`python main.py train`: trains networks. Needs neither Qt nor cameras."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument("what", choices=["live"], help="which network: the live preset with its refiner")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/live"), help="folder for checkpoint and weights"
    )
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

    from models.training.live import LiveTraining, TrainingConfig

    logging.getLogger("models").setLevel(logging.INFO)
    if args.threads:
        torch.set_num_threads(args.threads)
    given = {name: getattr(args, name) for name in ("steps", "batch_size", "seed")}
    config = replace(TrainingConfig(), **{name: value for name, value in given.items() if value is not None})
    photos = args.real_pairs / "color" if args.real_pairs else None
    training = LiveTraining(config, args.out, photos, args.real_pairs, args.device, args.workers)
    training.resume()
    print(training.run())
    return 0
