"""`main.py dataset merge`: several datasets into one."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.datasets.shown_progress import ShownProgress
from capture.datasets.combine import Part, combine
from capture.datasets.sources import SOURCES_NAME

HELP = "put several datasets into a new one"
EPILOG = f"""\
Pairs get new names, in the order of the datasets; OUT/{SOURCES_NAME} says what they were called. Sessions,
calibrations, events, tags, exclusions and notes go along. Every file is compared with its hash first; images
become hard links where the disk allows it. What lies in the trash of a dataset stays there. The datasets
that are merged are not changed.
"""
_MOST_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("datasets", nargs="+", type=Path, metavar="DATASET", help="captured datasets")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="dataset to make")
    parser.add_argument("--copy", action="store_true", help="copy images instead of linking them")
    parser.add_argument(
        "--keep-doubles", action="store_true", help="keep pairs whose images are the same as another's"
    )


def run(args: argparse.Namespace) -> int:
    """Merge. Raises DatasetError: a dataset is damaged or of another schema, OUT exists."""
    parts = [Part(folder) for folder in args.datasets]
    with ShownProgress("verifying") as progress:
        done = combine(parts, args.out, link=not args.copy, keep_doubles=args.keep_doubles, progress=progress)
    print(f"{done.pairs} pairs of {len(parts)} datasets in {args.out}")
    print(f"  {done.linked} images linked, {done.copied} copied")
    if done.doubles:
        some = ", ".join(done.doubles[:_MOST_SHOWN]) + (" …" if len(done.doubles) > _MOST_SHOWN else "")
        print(f"  {len(done.doubles)} left out, there already under another name: {some} (--keep-doubles)")
    if done.in_trash:
        print(f"  {done.in_trash} stay in the trash of their datasets")
    return 0
