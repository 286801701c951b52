"""`main.py dataset browse`: the app, opened on the page Dataset. No rig is started, none is needed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from capture.dataset_reader import DatasetReader
from capture.errors import DatasetError

HELP = "look through a dataset in the app: sort, filter, tag, exclude, throw away"
EXIT_BAD_INPUT = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.add_argument(
        "dataset", type=Path, metavar="DATASET", help="captured dataset, or a folder with mono/ and color/"
    )


def run(args: argparse.Namespace) -> int:
    """Open the window. Raises DatasetError for what cannot be opened, before a window is."""
    from app.commands.live import has_display
    from app.qt_check import display_hint, missing_libraries_hint

    DatasetReader.open(args.dataset)
    if not has_display():
        raise DatasetError("no display: browsing needs a window (main.py dataset stats works without)")
    hint = missing_libraries_hint() or display_hint()
    if hint:
        print(hint, file=sys.stderr)
        return EXIT_BAD_INPUT
    from app.pipeline.live import LiveConfig
    from app.ui.application import run_app
    from capture.spec import VirtualSpec

    return run_app(LiveConfig(rig=VirtualSpec()), reopen_last=True, browse=args.dataset.absolute())
