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
    import numpy as np
    from numpy.typing import NDArray

    from capture.board_images import BoardImages
    from capture.calibrate import Progress, RigSolution

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
        "--target",
        metavar="TARGET",
        help="what was shown: chessboard:9x6:25, charuco:12x9:20:15:DICT_5X5_100, circles:4x11:20:14 or the "
        ".toml file that `main.py board` writes (default: a chessboard of --board and --square)",
    )
    parser.add_argument(
        "--board", default="9x6", metavar="CxR", help="inner corners of a chessboard (default: 9x6)"
    )
    parser.add_argument(
        "--square",
        type=float,
        default=25.0,
        metavar="MM",
        help="side of its squares in mm (default: 25); only sets the scale",
    )
    parser.add_argument(
        "--exclude", nargs="+", default=[], metavar="NAME", help="names of pairs to leave out"
    )
    parser.add_argument(
        "--keep-all", action="store_true", help="leave nothing out by itself: no search for outliers"
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
    from capture.calibrate import see_boards, solve
    from capture.calibration import save_calibration
    from capture.targets import Chessboard, parse_target

    target = parse_target(args.target) if args.target else Chessboard.parse(args.board, args.square)
    if args.out.is_dir():
        raise CalibrationError(f"{args.out} is a folder: name a file, e.g. {args.out / 'rig.toml'}")
    pairs = _pairs(args)
    unknown = sorted(set(args.exclude) - {pair.name for pair in pairs})
    if unknown:
        raise CalibrationError(f"--exclude names {unknown[0]!r}, but there is no such pair")
    started = time.perf_counter()
    views = see_boards(pairs, target, lambda position, name, why: _tell(position, len(pairs), name, why))
    print(f"Solving from {len(views)} views …", flush=True)
    solution = solve(
        views,
        target,
        exclude=args.exclude,
        find_outliers=not args.keep_all,
        notes={"note": args.note} if args.note else None,
        on_progress=_Stages(),
    )
    print(report(solution))
    save_calibration(solution.calibration, args.out)
    print(f"Written to {args.out} after {time.perf_counter() - started:.1f} s.")
    return 0


class _Stages:
    """Prints what is worked on, once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        if progress.text != self._last:
            print(f"  {progress.text} …", flush=True)
        self._last = progress.text


def _pairs(args: argparse.Namespace) -> list[BoardImages]:
    from capture.board_images import find_board_images, match_board_images

    if args.mono_images or args.color_images:
        if args.images or not (args.mono_images and args.color_images):
            raise CalibrationError("--mono-images and --color-images belong together, without other images")
        return match_board_images(args.mono_images, args.color_images)
    if not args.images:
        raise CalibrationError("which images? Give a folder with mono/ and color/, or see --help")
    return find_board_images(args.images, args.mono)


def _tell(position: int, total: int, name: str, why: str) -> None:
    line = f"[{position + 1:{len(str(total))}}/{total}] {name}: {why or 'board found'}"
    print(line, file=sys.stderr if why else sys.stdout, flush=True)


def report(solution: RigSolution) -> str:
    """Return the errors view by view, and what they mean, as text."""
    calibration, quality = solution.calibration, solution.quality
    rows = [("view", "mono px", "colour px", "rows px", "")]
    rows += [
        (v.name, _px(v.mono_px), _px(v.color_px), _px(v.epipolar_px), v.why or _dropped(v.dropped))
        for v in solution.views
    ]
    errors = quality.epipolar
    where = "views kept back" if errors.held_out else "the views used"
    used = sum(view.used for view in solution.views)
    covered = solution.coverage
    mono, color = (camera.camera_matrix[0, 0] for camera in (calibration.mono, calibration.color))
    baseline = f"{calibration.baseline_mm:.2f} ± {quality.baseline_std_mm:.2f} mm"
    summary = {
        "views": f"{used} of {len(solution.views)} used",
        "reprojection": f"{calibration.reprojection_px:.3f} px RMS over both cameras",
        "epipolar": f"median {errors.median_px:.3f}, RMS {errors.rms_px:.3f}, "
        f"95 % below {errors.p95_px:.3f}, largest {errors.max_px:.3f} px between rows, on {where}",
        "verdict": solution.verdict.words,
        "baseline": f"{baseline}, colour camera on the {calibration.color_side}",
        "focal length": f"mono {mono:.1f} ± {quality.mono_std[0]:.1f} px, "
        f"colour {color:.1f} ± {quality.color_std[0]:.1f} px",
        "coverage": f"mono {covered['mono']:.0%}, colour {covered['color']:.0%} of the image",
        "weakest": f"rows uncertain by {_weakest(quality.row_std_px)}",
        "search": f"offset {calibration.offset}, {calibration.max_disparity} disparities, "
        "4/3 of the nearest board",
    }
    lines = ["", *_columns(rows), ""]
    lines += [f"{name + ':':14}{text}" for name, text in summary.items()]
    lines += [f"{'advice:':14}{text}" for text in solution.advice]
    return "\n".join([*lines, ""])


def _px(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _dropped(corners: int) -> str:
    return "" if corners == 0 else f"{corners} corner{'s' if corners > 1 else ''} left out"


def _weakest(row_std_px: NDArray[np.float64]) -> str:
    """Return the largest expected row error and where it is, against the middle of the image."""
    down, across = row_std_px.shape
    row, column = divmod(int(row_std_px.argmax()), across)
    vertical = ("upper", "middle", "lower")[3 * row // down]
    horizontal = ("left", "middle", "right")[3 * column // across]
    middle = float(row_std_px[down // 3 : down - down // 3, across // 3 : across - across // 3].mean())
    return f"{row_std_px.max():.3f} px in the {vertical} {horizontal}, {middle:.3f} px in the middle"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the rows as lines: first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines
