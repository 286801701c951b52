"""`main.py inspect`: the app, opened on pairs or results to look at. No rig is started, none is needed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from models.errors import ModelError

EXIT_BAD_INPUT = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="captured dataset, folder of pairs (mono/ + color/, or reference/ + truth/), or an evaluation",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="M",
        default=[],
        help="whose results to compare: live, live+fine, paper, sgbm, dis, copy, a .safetensors file, or "
        "NAME=FILE, as for evaluate (default: those of the evaluation, else those used last)",
    )
    parser.add_argument(
        "--pairs", metavar="NAME,…", default="", help="show these pairs only (default: all of them)"
    )


def run(args: argparse.Namespace) -> int:
    """Open the window. Raises ModelError for what cannot be opened, before a window is."""
    from app.commands.live import has_display
    from app.inspecting.sources import open_source
    from models.evaluation.methods import open_methods

    names = tuple(filter(None, args.pairs.split(",")))
    methods = _methods(args.methods)
    source = open_source(args.path, names)
    if not source.items:
        raise ModelError(f"{args.path} holds no pairs yet")
    with tempfile.TemporaryDirectory(prefix="cyclerig-") as folder:
        open_methods(methods, Path(folder))
    if not has_display():
        raise ModelError("no display: inspecting needs a window (main.py evaluate and export work without)")
    from app.qt_check import display_hint, missing_libraries_hint

    hint = missing_libraries_hint() or display_hint()
    if hint:
        print(hint, file=sys.stderr)
        return EXIT_BAD_INPUT
    from app.pipeline.live import LiveConfig
    from app.ui.application import ToInspect, run_app
    from capture.spec import VirtualSpec

    # The rig that was open last is offered, but nothing is started: there may be no camera at hand.
    config = LiveConfig(rig=VirtualSpec())
    return run_app(config, reopen_last=True, inspect=ToInspect(args.path, names, methods))


def _methods(given: Sequence[str]) -> tuple[str, ...]:
    """Return the specs; "live,sgbm" are two, but NAME=FILE,FILE is one (see `Folds`)."""
    return tuple(spec for text in given for spec in ([text] if "=" in text else text.split(",")) if spec)
