"""`main.py board`: a printable calibration target as a PDF, with its settings beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from capture.errors import CalibrationError

TARGETS = """\
TARGET is one of
  chessboard, charuco, circles            as large as the paper allows
  chessboard:9x6:25                       inner corners, square in mm
  charuco:12x8:20:15:DICT_5X5_100         squares, square and marker in mm, dictionary of markers
  circles:4x11:20:14                      discs per row, rows, spacing and diameter in mm
  FILE.toml                               settings as this command writes them
Print at 100 %, check both bars of 100 mm with a ruler, and mount the sheet on something flat.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = TARGETS
    parser.add_argument(
        "target", nargs="?", default="charuco", metavar="TARGET", help="what to print, see below"
    )
    parser.add_argument("--paper", default="A4", metavar="PAPER", help="A4, A3 or Letter (default: A4)")
    parser.add_argument(
        "--out", type=Path, default=Path("board.pdf"), metavar="FILE", help="default: board.pdf"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page, and a .toml of the same name for `calibrate --target`.

    Raises CalibrationError: no such target or paper, it does not fit, or a file cannot be written.
    """
    from capture.board_pdf import PAPERS, usual_target, write_board
    from capture.targets import parse_target, save_target

    papers = {name.lower(): name for name in PAPERS}
    paper = papers.get(args.paper.lower(), args.paper)
    if args.out.suffix.lower() != ".pdf":
        raise CalibrationError(f"--out must end in .pdf, not {args.out}")
    if ":" in args.target or args.target.endswith(".toml"):
        target = parse_target(args.target)
    else:
        target = usual_target(args.target, paper)
    page = write_board(target, args.out, paper)
    settings = args.out.with_suffix(".toml")
    save_target(target, settings)
    print(f"{args.out}: {target}, {page.paper} {page.width_mm:g} × {page.height_mm:g} mm.")
    print(
        f"{settings}: its settings, for calibrate --target. Print at 100 % and check the bars with a ruler."
    )
    return 0
