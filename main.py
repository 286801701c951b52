"""CycleRig's one entry point: `python main.py [COMMAND] …`; without a command, the live app."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from capture.errors import CalibrationError, CaptureError, DatasetError
from capture.words import printable
from models.errors import ModelError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # what shells report for Ctrl-C


class _CommandModule(Protocol):
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


@dataclass(frozen=True)
class _Command:
    module: str
    help: str


COMMANDS = {
    "live": _Command("app.commands.live", "open the app, or run it headless, on a rig (the default)"),
    "inspect": _Command("app.commands.inspecting", "open the app on pairs or results, without a rig"),
    "colorize": _Command("app.commands.colorize", "colorize pairs of image files"),
    "calibrate": _Command("app.commands.calibrate", "solve a rig's calibration from pairs of board images"),
    "board": _Command("app.commands.board", "write a printable calibration board as PDF"),
    "photometric": _Command(
        "app.commands.photometric", "measure black level, flat field and colours of a rig"
    ),
    "bench": _Command("app.commands.bench", "measure the time and memory of every stage"),
    "drill": _Command("app.commands.drill", "break a rig on purpose and measure how it comes back"),
    "soak": _Command("app.commands.soak", "start and stop a rig many times and look for leaks"),
    "doctor": _Command("app.commands.doctor", "show versions, cameras, GPU, display and known traps"),
    "render": _Command("app.commands.render", "render pairs of the virtual rig with their truth"),
    "record": _Command("app.commands.record", "save every pair for a while and say how writing keeps up"),
    "dataset": _Command("app.commands.dataset", "check, describe, export, split, merge or import datasets"),
    "register": _Command("models.data.register_command", "cut registered regions out of pairs of images"),
    "train": _Command("app.commands.train", "train the networks"),
    "evaluate": _Command("models.evaluation.command", "score networks and peers on sets of pairs"),
    "export": _Command("app.commands.export", "figures, videos and reports of results, and of a user study"),
}
DEFAULT_COMMAND = "live"


def main(argv: Sequence[str]) -> int:
    """Run one command and return the process's exit code."""
    name, arguments = _choose(argv)
    if name in ("live", "inspect", "record", "train"):
        # Threads of a parallel loop must sleep while they wait: others need the core (decision
        # 061). OpenMP reads this when torch is imported, so it is set before the command's module is.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A command's module is imported only when it is asked for: `train` works without Qt, `--help` at once.
    module = cast("_CommandModule", importlib.import_module(COMMANDS[name].module)) if name else None
    args = _parser(name, module).parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if "verbose" in args else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    assert module is not None, "without a command, the parser has printed help and left"
    try:
        return module.run(args)
    except (CaptureError, CalibrationError, DatasetError, ModelError) as error:
        logging.getLogger(__name__).debug("what led to the error below", exc_info=True)
        print(f"error: {printable(' '.join(str(error).split()), 4000)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _choose(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the command (None where only help can come of it) and the arguments with the command named."""
    first = next((argument for argument in argv if not argument.startswith("-")), None)
    if first in COMMANDS and argv[: argv.index(first)] in ([], ["--verbose"]):
        return first, list(argv)
    if any(argument in ("-h", "--help") for argument in argv) or (argv and not argv[0].startswith("-")):
        return None, list(argv)
    return DEFAULT_COMMAND, [DEFAULT_COMMAND, *argv]


def _parser(name: str | None, module: _CommandModule | None) -> argparse.ArgumentParser:
    verbose = argparse.ArgumentParser(add_help=False)
    verbose.add_argument(
        "--verbose", action="store_true", default=argparse.SUPPRESS, help="log what happens, to stderr"
    )
    parser = argparse.ArgumentParser(
        prog="main.py", description="Live colorization for a mono + colour camera rig.", parents=[verbose]
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for known, command in COMMANDS.items():
        subparser = commands.add_parser(
            known, help=command.help, description=command.help.capitalize() + ".", parents=[verbose]
        )
        if known == name and module is not None:
            module.add_arguments(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
