"""Yardsticks: what OpenCV's own flows make of the same images, beside ours.

`python -m capture.sample_flow CHESSBOARDS SQUARE_MM [CHESSBOARDS SQUARE_MM …]` prints the table of
docs/calibrating.md for folders of chessboard pairs (9×6 inner corners).

The sample (samples/cpp/stereo_calib.cpp) ends after 100 steps or a change of 1e-5. OpenCV 4.14 is then far
from the minimum on some sets, so the same flags are also run to the end: to beat an unfinished solution says
nothing. The third yardstick shares our corners, so that only the solvers differ; and ours also runs with
nothing left out, because leaving corners out makes any error smaller.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.board_images import BoardImages, find_board_images
from capture.calibrate import FOLDS, ONE_BY_ONE_UP_TO, see_boards, solve
from capture.calibration import CameraCalibration, RigCalibration, side_of_color
from capture.coverage import BoardView
from capture.errors import CalibrationError
from capture.frames import ROLES
from capture.quality import EpipolarErrors
from capture.rectify import RectifiedView
from capture.targets import Chessboard, Points

BOARD = (9, 6)
SAMPLE_STEPS, TO_THE_END = (100, 1e-5), (1000, 1e-9)
SAMPLE_FLAGS = (
    cv2.CALIB_FIX_ASPECT_RATIO
    | cv2.CALIB_ZERO_TANGENT_DIST
    | cv2.CALIB_USE_INTRINSIC_GUESS
    | cv2.CALIB_SAME_FOCAL_LENGTH
    | cv2.CALIB_RATIONAL_MODEL
    | cv2.CALIB_FIX_K3
    | cv2.CALIB_FIX_K4
    | cv2.CALIB_FIX_K5
)
ORDER = ("sample", "sample to the end", "plain", "ours, all", "ours")
Pair = tuple[Points, Points]
Size = tuple[int, int]
Solve = Callable[[Sequence[Pair], Chessboard, Size], RigCalibration]


@dataclass(frozen=True)
class Row:
    """What one flow makes of one set: `fitted` on all views used, `held_out` on views left out in turn.

    Attributes:
        left_out: corners that the flow did not count, of both cameras.
        held_out: None if it was not asked for, or if no fold had a solution.
        failed: folds without a solution: what it says of the rig contradicts itself.
    """

    flow: str
    views: int
    left_out: int
    rms_px: float
    fitted: EpipolarErrors
    held_out: EpipolarErrors | None
    failed: int
    baseline: float
    focal_px: float


def compare(images: Sequence[BoardImages], board: Chessboard, *, in_full: bool = True) -> dict[str, Row]:
    """Return a row per flow: "sample", "sample to the end", "plain", "ours, all", "ours".

    Args:
        in_full: also run the sample to the end, and measure OpenCV's flows on views left out; takes most of
            the time.

    Raises CalibrationError.
    """

    def row(name: str, pairs: Sequence[Pair], solver: Solve) -> Row:
        return _row(name, pairs, board, size, solver, folds=in_full)

    views = see_boards(images, board)
    size = _size(views)
    sample = _sample_pairs(images, board)
    ours = [(v.mono.points_px, v.color.points_px) for v in views if v.mono and v.color]
    rows = {
        "sample": row("OpenCV's sample", sample, _sample_solve(*SAMPLE_STEPS)),
        "plain": row("OpenCV, cameras first, our corners", ours, _plain_solve),
        "ours, all": _our_row("CycleRig, nothing left out", views, board, find_outliers=False),
        "ours": _our_row("CycleRig", views, board, find_outliers=True),
    }
    if in_full:
        rows["sample to the end"] = row("the same, converged", sample, _sample_solve(*TO_THE_END))
    return {name: rows[name] for name in ORDER if name in rows}


def _our_row(name: str, views: Sequence[BoardView], board: Chessboard, *, find_outliers: bool) -> Row:
    solution = solve(views, board, find_outliers=find_outliers)
    calibration = solution.calibration
    # Rows are measured on all corners of all views, those left out included: no flow gets a discount here.
    pairs = [(v.mono.points_px, v.color.points_px) for v in views if v.mono and v.color]
    return Row(
        name,
        sum(errors.used for errors in solution.views),
        sum(errors.dropped for errors in solution.views),
        calibration.reprojection_px,
        EpipolarErrors.of([_rows(RectifiedView(calibration), pair) for pair in pairs], held_out=False),
        solution.quality.epipolar,
        0,
        calibration.baseline_mm,
        float(calibration.mono.camera_matrix[0, 0]),
    )


def _row(
    name: str, pairs: Sequence[Pair], board: Chessboard, size: Size, solver: Solve, *, folds: bool
) -> Row:
    calibration = solver(pairs, board, size)
    fitted = [_rows(RectifiedView(calibration), pair) for pair in pairs]
    count = 0 if not folds else len(pairs) if len(pairs) <= ONE_BY_ONE_UP_TO else FOLDS
    held_out: list[NDArray[np.float64]] = []
    failed = 0
    for fold in range(count):
        rest = [pair for index, pair in enumerate(pairs) if index % count != fold]
        try:
            view = RectifiedView(solver(rest, board, size))
        except CalibrationError:
            failed += 1
        else:
            held_out += [_rows(view, pair) for pair in pairs[fold::count]]
    return Row(
        name,
        len(pairs),
        0,
        calibration.reprojection_px,
        EpipolarErrors.of(fitted, held_out=False),
        EpipolarErrors.of(held_out, held_out=True) if held_out else None,
        failed,
        calibration.baseline_mm,
        float(calibration.mono.camera_matrix[0, 0]),
    )


def _sample_pairs(images: Sequence[BoardImages], board: Chessboard) -> list[Pair]:
    pairs = []
    for image in images:
        first, second = (_sample_corners(image.load(role), board) for role in ROLES)
        if first is not None and second is not None:
            pairs.append((first, second))
    return pairs


def _sample_corners(gray: NDArray[np.uint8], board: Chessboard) -> Points | None:
    """Return corners as the sample finds them: at twice the size if need be, in a window of 11 px."""
    for scale in (1, 2):
        image = gray if scale == 1 else cv2.resize(gray, None, fx=scale, fy=scale)
        found, corners = cv2.findChessboardCorners(
            image,
            (board.columns, board.rows),
            flags=cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE,
        )
        if found:
            points = np.asarray(corners, np.float32) / np.float32(scale)
            criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01)
            refined = cv2.cornerSubPix(gray, points, (11, 11), (-1, -1), criteria)
            return np.asarray(refined, np.float32).reshape(-1, 2)
    return None


def _sample_solve(steps: int, change: float) -> Solve:
    """Return the sample's solution, with this many steps at most and this change to end at."""

    def run(pairs: Sequence[Pair], board: Chessboard, size: Size) -> RigCalibration:
        objects = [board.points_mm] * len(pairs)
        mono, color = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        solved = cv2.stereoCalibrate(
            objects,
            mono,
            color,
            cv2.initCameraMatrix2D(objects, mono, size, 0),
            np.zeros(5),
            cv2.initCameraMatrix2D(objects, color, size, 0),
            np.zeros(5),
            size,
            flags=SAMPLE_FLAGS,
            criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, change),
        )
        return _calibration(solved, size)

    return run


def _plain_solve(pairs: Sequence[Pair], board: Chessboard, size: Size) -> RigCalibration:
    """Return what is usually recommended: calibrateCamera for each, then stereoCalibrate with both fixed."""
    objects = [board.points_mm] * len(pairs)
    mono, color = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    cameras = [
        cv2.calibrateCamera(objects, seen, size, np.eye(3), np.zeros(5))[1:3] for seen in (mono, color)
    ]
    solved = cv2.stereoCalibrate(
        objects, mono, color, *cameras[0], *cameras[1], size, flags=cv2.CALIB_FIX_INTRINSIC
    )
    return _calibration(solved, size)


def _calibration(solved: Sequence[object], size: Size) -> RigCalibration:
    rms, matrix_1, lens_1, matrix_2, lens_2, rotation, translation = solved[:7]
    turn, shift = np.asarray(rotation, np.float64), np.asarray(translation, np.float64).ravel()
    return RigCalibration(
        mono=CameraCalibration(
            size, np.asarray(matrix_1, np.float64), np.asarray(lens_1, np.float64).ravel()
        ),
        color=CameraCalibration(
            size, np.asarray(matrix_2, np.float64), np.asarray(lens_2, np.float64).ravel()
        ),
        rotation=turn,
        translation_mm=shift,
        color_side=side_of_color(turn, shift),
        reprojection_px=float(np.asarray(rms)),
        epipolar_px=0.0,
    )


def _rows(view: RectifiedView, pair: Pair) -> NDArray[np.float64]:
    return np.asarray((view.mono_points(pair[0]) - view.color_points(pair[1]))[:, 1])


def _size(views: Sequence[BoardView]) -> Size:
    sizes = {seen.size_px for view in views for seen in (view.mono, view.color) if seen is not None}
    if len(sizes) != 1:
        raise CalibrationError("OpenCV's sample takes images of one size only")
    return sizes.pop()


def table(sets: Sequence[tuple[Path, float]]) -> str:
    """Return the Markdown table for sets of (folder, square in mm). Raises CalibrationError."""
    columns = (
        *("set", "flow", "pairs", "left out", "RMS px", "rows, fitted: median / 95 % px"),
        *("rows, held out: median / 95 % px", "baseline mm", "focal px"),
    )
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for folder, square_mm in sets:
        name = folder.parent.name if folder.name == "pairs" else folder.name
        for row in compare(find_board_images([folder]), Chessboard(*BOARD, square_mm)).values():
            cells = (
                *(name, row.flow, str(row.views), f"{row.left_out}", f"{row.rms_px:.3f}"),
                f"{row.fitted.median_px:.3f} / {row.fitted.p95_px:.3f}",
                _held_out(row),
                *(f"{row.baseline:.3f}", f"{row.focal_px:.1f}"),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _held_out(row: Row) -> str:
    errors = "–" if row.held_out is None else f"{row.held_out.median_px:.3f} / {row.held_out.p95_px:.3f}"
    return errors if row.failed == 0 else f"{errors}, no solution in {row.failed} folds"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or len(given) % 2:
        print("give pairs of FOLDER SQUARE_MM", file=sys.stderr)
        return 2
    try:
        print(table([(Path(a), float(b)) for a, b in zip(given[::2], given[1::2], strict=True)]))
    except (CalibrationError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
