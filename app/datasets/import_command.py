"""`main.py dataset import`: pairs that something else took become a dataset."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.datasets.shown_progress import ShownProgress
from capture.errors import CalibrationError, DatasetError

if TYPE_CHECKING:
    from capture.calibration import RigCalibration
    from capture.datasets.foreign import Found

HELP = "take in pairs that something else took: plain pair folders and KITTI-like ones"
EPILOG = """\
SOURCE holds mono/ and color/, or, as KITTI has it, image_00/ and image_02/ (raw data; images in data/),
image_0/ and image_2/ (odometry) or image_0/ and colored_0/ (stereo 2012): gray and colour images of equal
names, PNG, JPEG or TIFF. times.txt or timestamps.txt give the times. calib.txt or calib_cam_to_cam.txt, there
or in the folder above, becomes the calibration; how many disparities it has to search is measured.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder with the pairs")
    parser.add_argument("out", type=Path, metavar="DATASET", help="dataset to make")
    parser.add_argument("--mono", metavar="FOLDER", help="name of the folder with the gray images")
    parser.add_argument("--color", metavar="FOLDER", help="name of the folder with the colour images")
    parser.add_argument("--append", action="store_true", help="add to a dataset that exists")
    parser.add_argument("--no-times", action="store_true", help="leave the times out")
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="calibration file (.toml) in place of what is found"
    )
    parser.add_argument("--no-calibration", action="store_true", help="take in without a calibration")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="scene tag for all pairs")


def run(args: argparse.Namespace) -> int:
    """Take in. Raises DatasetError or CalibrationError: bad input, or a disk that cannot be written."""
    from app.version import APP_VERSION
    from capture.dataset_records import check_tag
    from capture.datasets.foreign import find_pairs, take_in

    tags = tuple(check_tag(tag) for tag in args.tag)
    if args.out.exists() and not args.append:
        raise DatasetError(f"{args.out} exists already: name a new folder, or say --append")
    found = find_pairs(args.source, args.mono, args.color, with_times=not args.no_times)
    calibration = None if args.no_calibration else _calibration(args, found)
    try:
        with ShownProgress("taking in") as progress:
            count = take_in(
                found,
                args.out,
                calibration,
                source=args.source.resolve().name,
                tags=tags,
                app_version=APP_VERSION,
                progress=progress,
            )
    except KeyboardInterrupt:
        print(f"stopped; the pairs in {args.out} are whole, the others are not in it", file=sys.stderr)
        raise
    times = "with times" if found.mono_ns else "without times"
    print(f"{count} pairs in {args.out} ({found.kind}, {times})")
    if calibration is None:
        print("  without calibration: solve one (main.py calibrate), or export with --calibration")
    else:
        last = calibration.offset + calibration.max_disparity - 1
        print(
            f"  calibration: baseline {calibration.baseline_mm:.1f} mm, colour camera on the "
            f"{calibration.color_side}, disparities {calibration.offset} … {last} px"
        )
    return 0


def _calibration(args: argparse.Namespace, found: Found) -> RigCalibration | None:
    """Return the calibration to take in; None, and say why, if there is none that can be used."""
    from app.datasets.foreign_calibration import found_calibration, with_measured_range
    from capture.calibration import load_calibration

    if args.calibration is not None:
        return load_calibration(args.calibration)
    try:
        calibration = found_calibration(found)
    except CalibrationError as error:
        print(f"note: no calibration is taken over: {error}", file=sys.stderr)
        return None
    if calibration is None or (found.folder / "calibration.toml").is_file():
        return calibration
    try:
        return with_measured_range(calibration, found)
    except CalibrationError as error:
        print(f"note: the range of disparities is a guess: {error}", file=sys.stderr)
        return calibration
