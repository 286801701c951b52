"""Writes pairs of board images to calibrate the virtual rig from: `python -m capture.virtual.boards DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from capture.develop import develop
from capture.errors import CaptureError, DatasetError
from capture.files import write_atomically
from capture.frames import ROLES, Frame
from capture.png import encode_png
from capture.spec import VirtualSpec
from capture.virtual.board import CYCLE_S, HOLD_S, INNER_CORNERS, SQUARE_MM
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS
from capture.virtual.stage import Stage


def write_boards(spec: VirtualSpec, folder: Path, pairs: int) -> None:
    """Write `mono/NAME.png` (gray) and `color/NAME.png` (RGB, demosaiced), one pair per pose of the board.

    Raises DatasetError if the folder cannot be written.
    """
    stage = Stage(spec)
    for number in range(pairs):
        device_ns = round((number * CYCLE_S + HOLD_S / 2) * 1e9)
        for role in ROLES:
            look = replace(SENSORS[role].look, bits=8)
            name, (layout, bits) = next(iter(PIXEL_FORMATS[role].items()))
            image = stage.image(role, number, device_ns, look, with_board=True)
            frame = Frame(role, image, layout, bits, name, number, device_ns, device_ns)
            path = folder / role / f"board_{number:03}.png"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, encode_png(develop(frame)))
            except OSError as error:
                raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m capture.virtual.boards", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where mono/ and color/ go")
    parser.add_argument("--pairs", type=int, default=24, help="number of pairs (default: 24)")
    parser.add_argument("--seed", type=int, default=0, help="which room, and which poses (default: 0)")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    args = parser.parse_args(arguments)
    try:
        write_boards(VirtualSpec(args.seed, args.width, args.height), args.folder, args.pairs)
    except (CaptureError, DatasetError) as error:
        print(error, file=sys.stderr)
        return 2
    columns, rows = INNER_CORNERS
    print(f"{args.pairs} pairs in {args.folder}: {columns}x{rows} inner corners, squares of {SQUARE_MM:g} mm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
