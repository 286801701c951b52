"""`python -m models.training WHAT …`: trains where only this package and torch are installed."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from models.errors import ModelError


def main() -> int:
    """Train as the arguments say and return the exit code: 2 for bad input, 130 for Ctrl-C."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from models.training import command

    parser = argparse.ArgumentParser(prog="python -m models.training", description="Train the networks.")
    command.add_arguments(parser)
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return command.run(args)
    except ModelError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
