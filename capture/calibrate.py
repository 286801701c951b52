"""Solves the calibration of a rig from pairs of board images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from capture.board_images import BoardImages
from capture.calibration import CameraCalibration, Matrix, RigCalibration, side_of_color
from capture.chessboard import Board, Points, find_corners, in_same_order
from capture.errors import CalibrationError
from capture.frames import ROLES, Role
from capture.rectify import Rectifier

SMALLEST_NUMBER_OF_VIEWS = 6
# A view is left out if its error is this many times the median of all views: a corner was misread, or the
# board moved between the two exposures.
OUTLIER_IN_MEDIANS = 3.0
# With this many views every fourth is kept back to measure the epipolar error on views that were not solved
# with.
VIEWS_TO_HOLD_OUT_FROM = 8
HELD_OUT_EVERY = 4
# Coverage is counted in cells of the image. The highest distortion term k3 bends the corners of the image
# most: it is solved only if the board was there.
COVERAGE_CELLS = (8, 6)
COVERAGE_FOR_K3 = 0.7
GOOD_COVERAGE = 0.5
# A baseline that depends more than this on which views it is solved from is not to be trusted.
BASELINE_TOLERANCE = 0.03
# Things may come this much nearer than the nearest board.
NEARER_THAN_THE_BOARD = 4 / 3
DISPARITY_STEP = 16


@dataclass(frozen=True, eq=False)
class BoardView:
    """The board as both cameras saw it at one moment.

    Attributes:
        name: name of the pair.
        mono_px, color_px: the same corners in both images, N×2 float32 (x, y).
        sizes: (width, height) of either image.
    """

    name: str
    mono_px: Points
    color_px: Points
    sizes: dict[Role, tuple[int, int]]


@dataclass(frozen=True)
class ViewErrors:
    """How well one view fits. Errors in px; `used` is False for a view that was left out."""

    name: str
    mono_px: float
    color_px: float
    epipolar_px: float
    used: bool


@dataclass(frozen=True, eq=False)
class RigSolution:
    """A solved calibration and what speaks for and against it.

    Attributes:
        calibration: ready to be saved.
        views: errors per view, in the order given.
        coverage: part of the image in which corners were seen, per camera.
        held_out: whether the epipolar error was measured on views that were not solved with.
        advice: what would make the calibration better, one line each.
    """

    calibration: RigCalibration
    views: tuple[ViewErrors, ...]
    coverage: dict[Role, float]
    held_out: bool
    advice: tuple[str, ...]


def see_boards(
    images: Sequence[BoardImages], board: Board, on_view: Callable[[int, str, bool], None] = lambda *_: None
) -> list[BoardView]:
    """Find the board in every pair; pairs in which one camera does not see it whole are left out.

    Args:
        images: the pairs.
        board: what to look for.
        on_view: called after each pair with its position, its name and whether the board was found.

    Raises:
        CalibrationError: an image cannot be read, sizes differ, or the board is seen in too few pairs.
    """
    views: list[BoardView] = []
    for position, pair in enumerate(images):
        loaded = {role: pair.load(role) for role in ROLES}
        sizes = {role: (image.shape[1], image.shape[0]) for role, image in loaded.items()}
        for role, size in sizes.items():
            if views and size != views[0].sizes[role]:
                raise CalibrationError(
                    f"the {role} image of {pair.name} is {size[0]}×{size[1]}, that of {views[0].name} "
                    f"{views[0].sizes[role][0]}×{views[0].sizes[role][1]}: all must have one size"
                )
        mono_px = find_corners(loaded["mono"], board)
        color_px = find_corners(loaded["color"], board) if mono_px is not None else None
        if mono_px is not None and color_px is not None:
            views.append(BoardView(pair.name, mono_px, in_same_order(mono_px, color_px, board), sizes))
        on_view(position, pair.name, color_px is not None)
    if not views:
        raise CalibrationError(
            f"no board of {board} in any of {len(images)} pairs: count its inner corners, not its squares"
        )
    _require(len(views), len(images))
    return views


def solve_rig(views: Sequence[BoardView], board: Board, notes: dict[str, str] | None = None) -> RigSolution:
    """Solve both cameras, then how they stand to each other; leave out views that do not fit.

    The intrinsics are solved camera by camera and then kept: solving all at once with few views drifts into
    wrong focal lengths (RMS 0.55 instead of 0.28 px on one public set).

    Raises:
        CalibrationError: too few views, or no solution with the cameras side by side.
    """
    _require(len(views), len(views))
    used = list(views)
    while True:
        solved = _solve(used, board)
        errors = solved.view_rms_px.max(axis=1)
        worst = int(np.argmax(errors))
        fits = errors[worst] <= OUTLIER_IN_MEDIANS * float(np.median(errors))
        if fits or len(used) == SMALLEST_NUMBER_OF_VIEWS:
            break
        del used[worst]  # only this one: it spoils the errors of others
    rectifier = Rectifier(solved.calibration)
    check = _check_on_held_out_views(used, board)
    epipolar_px = check.epipolar_px if check else _epipolar_px(rectifier, used)
    offset, max_disparity = _search_range(rectifier, used)
    calibration = replace(
        solved.calibration,
        epipolar_px=epipolar_px,
        offset=offset,
        max_disparity=max_disparity,
        notes={"board": str(board), "views": f"{len(used)} of {len(views)}"} | (notes or {}),
    )
    coverage: dict[Role, float] = {role: _coverage(used, role) for role in ROLES}
    return RigSolution(
        calibration=calibration,
        views=tuple(_errors(view, solved, rectifier, board, view in used) for view in views),
        coverage=coverage,
        held_out=check is not None,
        advice=tuple(_advice(coverage, used, calibration, check)),
    )


@dataclass(frozen=True, eq=False)
class _Solved:
    calibration: RigCalibration
    view_rms_px: Matrix  # views × (mono, color)


def _solve(views: Sequence[BoardView], board: Board) -> _Solved:
    objects = [board.points_mm] * len(views)
    corners: dict[Role, list[Points]] = {
        "mono": [view.mono_px for view in views],
        "color": [view.color_px for view in views],
    }
    cameras: dict[Role, CameraCalibration] = {}
    for role in ROLES:
        size = views[0].sizes[role]
        flags = 0 if _coverage(views, role) >= COVERAGE_FOR_K3 else cv2.CALIB_FIX_K3
        _, matrix, distortion, _, _ = cv2.calibrateCamera(
            objects, corners[role], size, np.eye(3), np.zeros(5), flags=flags
        )
        cameras[role] = CameraCalibration(
            size, np.asarray(matrix, np.float64), np.asarray(distortion, np.float64).ravel()
        )
    rms, _, _, _, _, rotation, translation, _, _, _, _, view_rms = cv2.stereoCalibrateExtended(
        objects,
        corners["mono"],
        corners["color"],
        cameras["mono"].camera_matrix.copy(),
        cameras["mono"].distortion.copy(),
        cameras["color"].camera_matrix.copy(),
        cameras["color"].distortion.copy(),
        views[0].sizes["mono"],
        np.eye(3),
        np.zeros((3, 1)),
        flags=cv2.CALIB_FIX_INTRINSIC,
    )
    turn, shift_mm = np.asarray(rotation, np.float64), np.asarray(translation, np.float64).ravel()
    if not math.isfinite(rms):
        raise CalibrationError("the views contradict each other: was it one board, did the cameras stay put?")
    calibration = RigCalibration(
        mono=cameras["mono"],
        color=cameras["color"],
        rotation=turn,
        translation_mm=shift_mm,
        color_side=side_of_color(turn, shift_mm),
        reprojection_px=float(rms),
        epipolar_px=0.0,
    )
    return _Solved(calibration, np.asarray(view_rms, np.float64))


@dataclass(frozen=True)
class _Check:
    """What a calibration from three quarters of the views says of the rest, and its baseline."""

    epipolar_px: float
    baseline_mm: float


def _check_on_held_out_views(views: Sequence[BoardView], board: Board) -> _Check | None:
    """Solve without every fourth view and measure there; None if too few are left for a solution."""
    if len(views) < VIEWS_TO_HOLD_OUT_FROM:
        return None
    held_out = views[::HELD_OUT_EVERY]
    try:
        calibration = _solve([view for view in views if view not in held_out], board).calibration
        return _Check(_epipolar_px(Rectifier(calibration), held_out), calibration.baseline_mm)
    except CalibrationError:
        return None


def _epipolar_px(rectifier: Rectifier, views: Sequence[BoardView]) -> float:
    """Return the median difference of the rows of the same corner in the rectified images."""
    differences = [
        (rectifier.mono_points(v.mono_px) - rectifier.color_points(v.color_px))[:, 1] for v in views
    ]
    return float(np.median(np.abs(np.concatenate(differences))))


def _search_range(rectifier: Rectifier, views: Sequence[BoardView]) -> tuple[int, int]:
    """Return (offset, max_disparity): from infinity to a third nearer than the nearest corner of the board.

    Infinity has disparity 0; should a corner lie beyond (the solved angle between the cameras is a little
    off), the range begins 2 px before it. The number of disparities is a multiple of 16, at most half the
    image's width.
    """
    sign = -1 if rectifier.calibration.mirrored else 1
    disparities = np.concatenate(
        [
            sign * (rectifier.color_points(view.color_px) - rectifier.mono_points(view.mono_px))[:, 0]
            for view in views
        ]
    )
    offset = min(0, math.floor(disparities.min()) - 2)
    needed = NEARER_THAN_THE_BOARD * float(disparities.max()) - offset
    steps = max(1, math.ceil(needed / DISPARITY_STEP))
    return offset, min(steps * DISPARITY_STEP, max(1, rectifier.size_px[0] // 2))


def _coverage(views: Sequence[BoardView], role: Role) -> float:
    """Return the part of the image's cells in which a corner was seen."""
    points = np.concatenate([view.mono_px if role == "mono" else view.color_px for view in views])
    cells = np.floor(points / views[0].sizes[role] * COVERAGE_CELLS).astype(int)
    return len({(x, y) for x, y in cells.tolist()}) / (COVERAGE_CELLS[0] * COVERAGE_CELLS[1])


def _errors(view: BoardView, solved: _Solved, rectifier: Rectifier, board: Board, used: bool) -> ViewErrors:
    """Return the errors of any view; the pose of the board is solved for each camera by itself."""
    calibration = solved.calibration
    rms: dict[Role, float] = {}
    for role in ROLES:
        camera = calibration.mono if role == "mono" else calibration.color
        seen = view.mono_px if role == "mono" else view.color_px
        _, turn, shift = cv2.solvePnP(board.points_mm, seen, camera.camera_matrix, camera.distortion)
        projected, _ = cv2.projectPoints(
            board.points_mm, turn, shift, camera.camera_matrix, camera.distortion
        )
        rms[role] = float(np.sqrt(((projected.reshape(-1, 2) - seen) ** 2).sum(axis=1).mean()))
    return ViewErrors(view.name, rms["mono"], rms["color"], _epipolar_px(rectifier, [view]), used)


def _advice(
    coverage: dict[Role, float], views: Sequence[BoardView], calibration: RigCalibration, check: _Check | None
) -> list[str]:
    lines = [
        f"The board covers {part:.0%} of the {role} image: show it in the corners too."
        for role, part in coverage.items()
        if part < GOOD_COVERAGE
    ]
    if len(views) < 2 * SMALLEST_NUMBER_OF_VIEWS:
        lines.append(f"Only {len(views)} views: 15 to 30, tilted in all directions, give a better solution.")
    firm = (
        check
        and abs(check.baseline_mm - calibration.baseline_mm) < BASELINE_TOLERANCE * calibration.baseline_mm
    )
    if len(views) >= VIEWS_TO_HOLD_OUT_FROM and not firm:
        lines.append(
            "The solution changes when some views are left out: tilt the board more, by 30 degrees and over."
        )
    if calibration.epipolar_px > 1.0:
        lines.append(
            "Rows are off by more than a pixel: is the board flat, are both cameras triggered together?"
        )
    return lines


def _require(found: int, of: int) -> None:
    if found < SMALLEST_NUMBER_OF_VIEWS:
        raise CalibrationError(
            f"both cameras see the whole board in {found} of {of} pairs: "
            f"{SMALLEST_NUMBER_OF_VIEWS} are needed"
        )
