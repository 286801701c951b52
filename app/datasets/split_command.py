"""`main.py dataset split`: one dataset into two, to train on and to hold out, by scene and seed."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from app.datasets.scenes import add_split_arguments, split_records
from app.datasets.shown_progress import ShownProgress
from capture.dataset_reader import DatasetReader
from capture.datasets.combine import Part, combine
from capture.errors import DatasetError
from capture.files import write_atomically

HELP = "divide a dataset into one to train on and one to hold out, by scene"
TRAIN, HELD_OUT = "train", "held_out"
EPILOG = """\
OUT/train and OUT/held_out become datasets of their own (hard links: no space is used), or with --lists
OUT/train.txt and OUT/held_out.txt, one name a line. Excluded pairs stay out of both. The same seed gives the
same split; pairs that show one scene, or share an image, are never on both sides.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="captured dataset")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    add_split_arguments(parser)
    parser.add_argument("--lists", action="store_true", help="write lists of names instead of datasets")
    parser.add_argument("--copy", action="store_true", help="copy images instead of linking them")


def run(args: argparse.Namespace) -> int:
    """Split. Raises DatasetError: bad input, OUT exists; ModelError: nothing to split."""
    out: Path = args.out
    reader = DatasetReader.open(args.dataset)
    if reader.is_plain:
        raise DatasetError(f"{args.dataset} is a plain folder of pairs: take it in first (dataset import)")
    if out.exists():
        raise DatasetError(f"{out} exists already: name a new folder")
    records = [record for record in reader.records if not record.excluded]
    split = split_records(args.dataset, records, args.seed, args.train_share, args.scenes)
    sides = {
        side: [records[index].name for index in indices]
        for side, indices in ((TRAIN, split.train), (HELD_OUT, split.held_out))
    }
    try:
        out.mkdir(parents=True)
        if args.lists:
            for side, names in sides.items():
                write_atomically(out / f"{side}.txt", "".join(f"{name}\n" for name in names).encode())
        else:
            _make_datasets(args.dataset, out, sides, link=not args.copy)
    except OSError as error:
        raise DatasetError(f"cannot write {out}: {error.strerror or error}") from error
    print(f"{len(split.train)} pairs to train on, {len(split.held_out)} held out, in {out}")
    if not split.by_scene:
        print("note: all pairs are of one scene, so the last ones are held out, which says less")
    return 0


def _make_datasets(dataset: Path, out: Path, sides: dict[str, list[str]], *, link: bool) -> None:
    """Make both datasets, or none."""
    try:
        for side, names in sides.items():
            with ShownProgress(f"verifying for {side}") as progress:
                combine(
                    [Part(dataset, frozenset(names))],
                    out / side,
                    link=link,
                    keep_doubles=True,
                    progress=progress,
                )
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
