"""`main.py render`: pairs of the virtual rig with their truth, to train and to test on. Needs no Qt."""

from __future__ import annotations

import argparse
import io
import math
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from capture.errors import DatasetError
from capture.files import write_atomically
from capture.png import write_png
from capture.virtual.pairs import RenderedPair, render_pairs, render_sequence
from capture.virtual.rig import LARGEST_PX, SMALLEST_PX

MOST_NOISE_DB = 36.0
KINDS = ("mono", "color", "truth", "disparity", "visible")
LAYOUT = """\
Every seed is another room. OUT gets mono/, color/ and truth/ (PNG), disparity/ (NPY, float32 px of the mono
image: its pixel x lies at x + disparity in the colour image) and visible/ (PNG, white where the colour
camera sees the mono pixel). Rooms that are complete already are left as they are.

With --frames, every room is a sequence instead: OUT/room0003/ holds mono/000.png, mono/001.png, … and the
other folders. All frames show the same view with the same settings, each with noise of its own; with --fps
things move, and what stands still is where truth and disparity stay the same.
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
    count = parser.add_mutually_exclusive_group()
    count.add_argument("--per-room", type=_count, default=2, metavar="N", help="pairs of each room (2)")
    count.add_argument(
        "--frames", type=_count, metavar="N", help="make a sequence of N frames of each room instead"
    )
    parser.add_argument(
        "--fps",
        type=_rate,
        metavar="HZ",
        help="frames of a sequence in a second of the room; without, nothing in it moves",
    )
    parser.add_argument(
        "--noise-db",
        type=_gain,
        metavar="DB",
        help="gain that makes up for as much less light, 0 for little noise, 15 for much (drawn from 0 to 15 "
        "for each pair or sequence)",
    )
    parser.add_argument(
        "--registered", action="store_true", help="both cameras in one place: the disparity is 0 everywhere"
    )


def run(args: argparse.Namespace) -> int:
    """Render and write. Raises DatasetError: a file cannot be written, --fps without --frames."""
    if args.fps is not None and args.frames is None:
        raise DatasetError("--fps is of sequences: give --frames too")
    began = time.monotonic()
    written = 0
    for done, seed in enumerate(args.seeds):
        written += _render_room(seed, args)
        _show(done + 1, len(args.seeds), time.monotonic() - began)
    print(f"{written} pairs written to {args.out}")
    return 0


def _render_room(seed: int, args: argparse.Namespace) -> int:
    """Write the pairs or the sequence of a room, unless it is there; return how many pairs were written."""
    width, height = args.size
    room = f"room{seed:04d}"
    if args.frames is None:
        out, names = args.out, [f"{room}-{index}" for index in range(args.per_room)]
        render = partial(render_pairs, count=args.per_room)
    else:
        out, names = args.out / room, [f"{index:03d}" for index in range(args.frames)]
        frame_ns = 0 if args.fps is None else round(1e9 / args.fps)
        render = partial(render_sequence, count=args.frames, frame_ns=frame_ns)
    _make_folders(out)
    # The mask is written last: with it, a pair is whole.
    if all((out / "visible" / f"{name}.png").is_file() for name in names):
        return 0
    for pair in render(seed, width, height, registered=args.registered, noisy_db=args.noise_db):
        _write(pair, out)
    return len(names)


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


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 1 on")
    return int(text)


def _rate(text: str) -> float:
    return _number(text, 0.1, 1000, "Hz")


def _gain(text: str) -> float:
    return _number(text, 0, MOST_NOISE_DB, "dB")


def _number(text: str, least: float, most: float, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: give {least:g} to {most:g} {unit}")
    return value
