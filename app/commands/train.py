"""`main.py train`: training as `models.training` has it, with datasets captured by the app as pairs too."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from app.training_data import open_training_pairs
from models.data.pairs import PairSource
from models.training import command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    command.add_arguments(parser)
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="of captured datasets, in place of their own"
    )


def run(args: argparse.Namespace) -> int:
    """Train. Raises ModelError: no pairs, no calibration, or what training itself raises."""

    def opened(paths: Sequence[Path]) -> PairSource:
        return open_training_pairs(paths, args.calibration)

    return command.run(args, opened)
