"""`main.py render`: pairs of the virtual rig with their truth, to train and to test on. Needs no Qt."""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path

import numpy as np

from capture.errors import DatasetError
from capture.files import write_atomically
from capture.png import write_png
from capture.virtual.pairs import RenderedPair, render_pairs
from capture.virtual.rig import LARGEST_PX, SMALLEST_PX

KINDS = ("mono", "color", "truth", "disparity", "visible")
LAYOUT = """\
Every seed is another room. OUT gets mono/, color/ and truth/ (PNG), disparity/ (NPY, float32 px of the mono
image: its pixel x lies at x + disparity in the colour image) and visible/ (PNG, white where the colour
camera sees the mono pixel). Rooms that are complete already are left as they are.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = LAYOUT
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    parser.add_argument(
        "--seeds",
        type=_seeds,
        default=range(10),
        metavar="FIRST:LAST",
        help="rooms, LAST not included (0:10)",
    )
    parser.add_argument("--size", type=_size, default=(640, 480), metavar="WxH", help="in px (640x480)")
    parser.add_argument("--per-room", type=int, default=2, metavar="N", help="pairs of each room (2)")
    parser.add_argument(
        "--registered", action="store_true", help="both cameras in one place: the disparity is 0 everywhere"
    )


def run(args: argparse.Namespace) -> int:
    """Render and write. Raises DatasetError: a file cannot be written."""
    out: Path = args.out
    width, height = args.size
    _make_folders(out)
    began = time.monotonic()
    written = 0
    for done, seed in enumerate(args.seeds):
        names = [f"room{seed:04d}-{index}" for index in range(args.per_room)]
        # The mask is written last: with it, a pair is whole.
        if not all((out / "visible" / f"{name}.png").is_file() for name in names):
            for pair in render_pairs(seed, width, height, args.per_room, registered=args.registered):
                _write(pair, out)
                written += 1
        _show(done + 1, len(args.seeds), time.monotonic() - began)
    print(f"{written} pairs written to {out}")
    return 0


def _make_folders(out: Path) -> None:
    try:
        for kind in KINDS:
            (out / kind).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot write to {out}: {error.strerror or error}") from error


def _write(pair: RenderedPair, out: Path) -> None:
    disparity = io.BytesIO()
    np.save(disparity, pair.disparity)
    path = out / "disparity" / f"{pair.name}.npy"
    try:
        write_atomically(path, disparity.getvalue())
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error
    for kind, image in (
        ("truth", pair.truth),
        ("color", pair.reference),
        ("mono", pair.mono),
        ("visible", pair.visible.astype(np.uint8) * np.uint8(255)),
    ):
        write_png(image, out / kind / f"{pair.name}.png")


def _show(done: int, total: int, seconds: float) -> None:
    if not sys.stderr.isatty():
        return
    left = seconds / done * (total - done)
    end = "\n" if done == total else ""
    print(f"\r{done} of {total} rooms, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


def _seeds(text: str) -> range:
    first, _, last = text.partition(":")
    try:
        seeds = range(int(first), int(last)) if last else range(int(first), int(first) + 1)
    except ValueError:
        seeds = range(0)
    if len(seeds) == 0 or seeds[0] < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: give FIRST:LAST, two whole numbers, the second larger")
    return seeds


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        width = height = 0
    if any(not SMALLEST_PX <= side <= LARGEST_PX or side % 2 for side in (width, height)):
        raise argparse.ArgumentTypeError(
            f"{text!r}: give WIDTHxHEIGHT, both even, from {SMALLEST_PX} to {LARGEST_PX} px"
        )
    return width, height
