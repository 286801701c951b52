"""`main.py calibrate`: board images in, a calibration file out."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from capture.errors import CalibrationError

if TYPE_CHECKING:
    from capture.board_images import BoardImages
    from capture.calibrate import RigSolution

NAMES = """\
Images may be
  a folder with mono/ and color/ (equal names; also a captured dataset),
  files or folders called leftNAME/rightNAME, NAME_left/NAME_right or NAMEL/NAMER (which is mono: --mono),
  or two lists that belong together in the order of their names (--mono-images, --color-images).
The side on which the colour camera stands is found from the images.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = NAMES
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGES", help="folder or files, see below")
    parser.add_argument(
        "--mono-images", nargs="+", type=Path, metavar="FILE", help="images of the mono camera"
    )
    parser.add_argument(
        "--color-images", nargs="+", type=Path, metavar="FILE", help="images of the colour camera"
    )
    parser.add_argument(
        "--mono", choices=("left", "right"), default="left", help="which images are the mono camera's"
    )
    parser.add_argument(
        "--board", default="9x6", metavar="CxR", help="inner corners of the board (default: 9x6)"
    )
    parser.add_argument(
        "--square",
        type=float,
        default=25.0,
        metavar="MM",
        help="side of a square in mm (default: 25); only sets the scale",
    )
    parser.add_argument("--note", default="", help="a line to keep in the file: lenses, rig, who, where")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="calibration file to write (.toml)"
    )


def run(args: argparse.Namespace) -> int:
    """Solve, print errors view by view, write the file.

    Raises CalibrationError: no images, too few boards, half of a pair, unlike sizes, or a file that cannot
    be written.
    """
    from capture.calibrate import see_boards, solve_rig
    from capture.calibration import save_calibration
    from capture.chessboard import Board

    board = Board.parse(args.board, args.square)
    if args.out.is_dir():
        raise CalibrationError(f"{args.out} is a folder: name a file, e.g. {args.out / 'rig.toml'}")
    pairs = _pairs(args)
    started = time.perf_counter()
    views = see_boards(pairs, board, lambda position, name, found: _tell(position, len(pairs), name, found))
    print(f"Solving from {len(views)} views …", flush=True)
    solution = solve_rig(views, board, {"note": args.note} if args.note else None)
    print(_table(solution))
    save_calibration(solution.calibration, args.out)
    print(f"Written to {args.out} after {time.perf_counter() - started:.1f} s.")
    return 0


def _pairs(args: argparse.Namespace) -> list[BoardImages]:
    from capture.board_images import find_board_images, match_board_images

    if args.mono_images or args.color_images:
        if args.images or not (args.mono_images and args.color_images):
            raise CalibrationError("--mono-images and --color-images belong together, without other images")
        return match_board_images(args.mono_images, args.color_images)
    if not args.images:
        raise CalibrationError("which images? Give a folder with mono/ and color/, or see --help")
    return find_board_images(args.images, args.mono)


def _tell(position: int, total: int, name: str, found: bool) -> None:
    line = (
        f"[{position + 1:{len(str(total))}}/{total}] {name}: {'board found' if found else 'no whole board'}"
    )
    print(line, file=sys.stdout if found else sys.stderr, flush=True)


def _table(solution: RigSolution) -> str:
    calibration = solution.calibration
    rows = [("view", "mono px", "colour px", "rows px", "")]
    rows += [
        (
            v.name,
            f"{v.mono_px:.3f}",
            f"{v.color_px:.3f}",
            f"{v.epipolar_px:.3f}",
            "" if v.used else "left out",
        )
        for v in solution.views
    ]
    where = "on views kept back" if solution.held_out else "on the views used"
    used = sum(view.used for view in solution.views)
    coverage = solution.coverage
    summary = [
        ("views", f"{used} of {len(solution.views)} used; those with 3 times the median error are left out"),
        ("reprojection", f"{calibration.reprojection_px:.3f} px RMS over both cameras"),
        ("epipolar", f"{calibration.epipolar_px:.3f} px median row difference after rectification, {where}"),
        ("baseline", f"{calibration.baseline_mm:.2f} mm, colour camera on the {calibration.color_side}"),
        ("coverage", f"mono {coverage['mono']:.0%}, colour {coverage['color']:.0%} of the image"),
        (
            "search",
            f"offset {calibration.offset}, {calibration.max_disparity} disparities, 4/3 of the nearest board",
        ),
    ]
    lines = ["", *_columns(rows), ""]
    lines += [f"{name + ':':14}{text}" for name, text in summary]
    lines += [f"{'advice:':14}{text}" for text in solution.advice]
    return "\n".join([*lines, ""])


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the rows as lines: first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines
