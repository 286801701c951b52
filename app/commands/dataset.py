"""`main.py dataset`: browse, check, describe, export, split, merge and import datasets.

Qt is needed to browse only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from app.datasets import (
    browse_command,
    check_command,
    export_command,
    import_command,
    merge_command,
    split_command,
    stats_command,
)


class _Action(Protocol):
    @property
    def HELP(self) -> str:  # noqa: N802 (a constant of each module)
        """What the action does, one line."""

    @property
    def add_arguments(self) -> Callable[[argparse.ArgumentParser], None]:
        """Describes its arguments."""

    @property
    def run(self) -> Callable[[argparse.Namespace], int]:
        """Does it and returns the exit code."""


ACTIONS: dict[str, _Action] = {
    "browse": browse_command,
    "check": check_command,
    "stats": stats_command,
    "export": export_command,
    "split": split_command,
    "merge": merge_command,
    "import": import_command,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the actions and their arguments."""
    parser.description = "What can be done with whole datasets (docs/dataset-commands.md)."
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    for name, action in ACTIONS.items():
        action.add_arguments(
            actions.add_parser(
                name,
                help=action.HELP,
                description=f"{action.HELP[0].upper()}{action.HELP[1:]}.",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )


def run(args: argparse.Namespace) -> int:
    """Run one action.

    Raises DatasetError, CalibrationError or ModelError: bad input, or a disk that cannot be written.
    """
    return ACTIONS[args.action].run(args)
