"""`main.py dataset export`: rectified pairs to train on, as folders or as WebDataset shards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.datasets.scenes import add_split_arguments
from app.datasets.shown_progress import ShownProgress

HELP = "write rectified pairs to train on, split by scene, as folders or WebDataset shards"
EPILOG = """\
OUT/train and OUT/held_out (with --no-split OUT itself) hold mono/NAME.png and color/NAME.png: rectified,
empty borders cut off, content of a mono pixel x at x + d, d >= 0, in the colour image. pairs.json beside them
tells each pair's scene and number of disparities. `main.py train all --dataset OUT/train` reads it, and so
does `main.py evaluate --data OUT/held_out`.

--shards writes OUT/train-000000.tar … instead: NAME.mono.png, NAME.color.png, NAME.json, shuffled by the
seed, the same bytes every time, each shard read back before it gets its name.

Ctrl-C leaves whole pairs (or whole shards); the same command goes on where it ended. Excluded pairs and those
in the trash are left out. Each file is compared with its hash as it is read.
"""
DEFAULT_SHARD_PAIRS = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "datasets", nargs="+", type=Path, metavar="DATASET", help="captured datasets or pair folders"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="OUT", help="folder to make or to go on with"
    )
    parser.add_argument(
        "--bits",
        type=int,
        choices=(8, 16),
        help="of every value (default: 16 where a camera gave more than 8)",
    )
    parser.add_argument(
        "--format", choices=("png", "tiff"), default="png", help="of the images, lossless both (default: png)"
    )
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="to rectify with, in place of the datasets' own"
    )
    parser.add_argument("--no-split", action="store_true", help="all pairs in one folder")
    add_split_arguments(parser)
    parser.add_argument("--shards", action="store_true", help="write WebDataset shards instead of folders")
    parser.add_argument(
        "--shard-pairs",
        type=_count,
        default=DEFAULT_SHARD_PAIRS,
        metavar="N",
        help=f"pairs of a shard (default: {DEFAULT_SHARD_PAIRS})",
    )


def run(args: argparse.Namespace) -> int:
    """Export. Raises DatasetError or ModelError: bad input, OUT holds something else, no calibration."""
    from app.datasets.export import ExportPlan, export_pairs
    from app.training_data import open_training_pairs

    plan = ExportPlan(
        bits=args.bits,
        image_format=args.format,
        split=not args.no_split,
        train_share=args.train_share,
        seed=args.seed,
        scenes=args.scenes,
        shard_pairs=args.shard_pairs if args.shards else None,
    )
    source = open_training_pairs(args.datasets, args.calibration, verify=True)
    try:
        with ShownProgress("exporting") as progress:
            done = export_pairs(source, args.out, plan, progress)
    except KeyboardInterrupt:
        print(
            f"stopped; what is in {args.out} is whole. The same command goes on where it ended",
            file=sys.stderr,
        )
        raise
    said = ", ".join(f"{count} {side}" for side, count in done.sides.items())
    before = f" ({done.there_before} were there before)" if done.there_before else ""
    print(f"{said} in {args.out}{before}")
    if not done.by_scene:
        print("note: all pairs are of one scene, so the last ones are held out, which says less")
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 1 on")
    return int(text)
