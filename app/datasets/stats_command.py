"""`main.py dataset stats`: what was captured, in figures and drawings."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from app.datasets.shown_progress import ShownProgress
from capture.errors import DatasetError

HELP = "describe what was captured: light, skew, gate values, tags, disparities, session by session"
EPILOG = """\
Disparities are measured on some pairs, rectified with the dataset's calibration. Pairs in the trash are left
out, excluded ones are counted.
"""
DEFAULT_PAIRS = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="captured dataset")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a page with drawings, all in one file"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of text")
    parser.add_argument(
        "--disparity-pairs",
        type=int,
        default=DEFAULT_PAIRS,
        metavar="N",
        help=f"pairs to measure disparities on, 0 for none (default: {DEFAULT_PAIRS})",
    )
    parser.add_argument("--calibration", type=Path, metavar="FILE", help="in place of the dataset's own")


def run(args: argparse.Namespace) -> int:
    """Describe. Raises DatasetError: no dataset, damaged lists, or the page cannot be written."""
    from app.datasets.stats import collect, measure_disparities
    from app.datasets.stats_page import as_page
    from app.datasets.stats_text import as_text
    from capture.dataset_reader import DatasetReader
    from capture.files import write_atomically
    from models.errors import ModelError

    stats = collect(DatasetReader.open(args.dataset))
    if args.disparity_pairs > 0 and stats.pairs:
        try:
            with ShownProgress("measuring disparities") as progress:
                column, search_px = measure_disparities(
                    args.dataset, args.calibration, args.disparity_pairs, progress
                )
            columns = [*stats.columns, column] if column.values else stats.columns
            stats = replace(stats, columns=columns, search_px=search_px)
        except ModelError as error:
            print(f"note: no disparities: {error}", file=sys.stderr)
    if args.html is not None:
        try:
            args.html.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(args.html, as_page(stats).encode())
        except OSError as error:
            raise DatasetError(f"cannot write {args.html}: {error.strerror or error}") from error
    print(json.dumps(asdict(stats), indent=1) if args.json else as_text(stats))
    if args.html is not None:
        print(f"drawn in {args.html}", file=sys.stderr)
    return 0
