"""Solves the calibration of a rig from views of a calibration target."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np

from capture.adjust import INTRINSICS, Adjusted, Bundle, adjust, camera_matrix, first_guess
from capture.board_views import SMALLEST_NUMBER_OF_VIEWS, as_view, is_stereo, see_boards
from capture.calibration import CameraCalibration, Matrix, RigCalibration, side_of_color
from capture.coverage import BoardView, corner_counts, coverage
from capture.errors import CalibrationError
from capture.frames import ROLES, Role
from capture.observations import Observations, rms_px
from capture.quality import EpipolarErrors, Quality
from capture.rectify import RectifiedView
from capture.search_range import BEFORE_INFINITY_PX, disparities_of, whole_steps
from capture.solution import Progress, RigSolution, SolveCancelled, ViewErrors, advice
from capture.targets import Target, common_ids, target_to_table
from capture.weakness import row_std_px

__all__ = [
    "SMALLEST_NUMBER_OF_VIEWS",
    "Progress",
    "RigSolution",
    "SolveCancelled",
    "ViewErrors",
    "as_view",
    "is_stereo",
    "see_boards",
    "solve",
]

# The errors for the verdict are measured on views left out in turn: one by one if there are few.
FOLDS, ONE_BY_ONE_UP_TO = 5, 12
# The highest distortion term k3 bends the corners of the image most: it is solved only if the board was
# seen in this part of the image.
COVERAGE_FOR_K3 = 0.7
# Things may come this much nearer than the nearest board.
NEARER_THAN_THE_BOARD = 4 / 3

NO_RIG = (
    "the views give no rig with its cameras side by side. Tilt the board by 30 degrees and more, show it in "
    "all parts of both images, and take all views without moving a camera"
)

K3 = {"mono": 8, "color": INTRINSICS + 8}


def solve(
    views: Sequence[BoardView],
    target: Target,
    *,
    exclude: Collection[str] = (),
    find_outliers: bool = True,
    notes: dict[str, str] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RigSolution:
    """Solve both cameras, then both together; leave out what does not fit; measure on views kept back.

    Each camera is solved by itself first: solving all at once from nothing runs into wrong focal lengths
    (RMS 0.55 instead of 0.28 px on one public set). From there everything is adjusted together, so that the
    views of both cameras support each other's intrinsics. Views that only one camera saw count for it.

    Args:
        views: at least 6 that both cameras saw; names differ.
        target: what was shown.
        exclude: names of views to leave out.
        find_outliers: leave out views and corners that do not fit.
        notes: kept in the file.
        on_progress: called from this thread.
        cancelled: asked before every step of every adjustment.

    Raises:
        CalibrationError: too few views, or no solution with the cameras side by side.
        SolveCancelled: `cancelled` returned True.
    """
    solver = _Solver(Observations(views, target, exclude), target, on_progress, cancelled)
    return solver.run(notes or {}, find_outliers=find_outliers)


class _Solver:
    """One solution in the making."""

    def __init__(
        self,
        seen: Observations,
        target: Target,
        on_progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._seen = seen
        self._target = target
        self._tell = on_progress
        self._cancelled = cancelled
        self._fixed = [
            K3[role] for role in ROLES if coverage(seen.chosen(seen.used()), role) < COVERAGE_FOR_K3
        ]

    def run(self, notes: dict[str, str], *, find_outliers: bool) -> RigSolution:
        folds = self._folds()
        total = 4 + len(folds)
        self._tell(Progress(0, total, "mono camera"))
        guesses = [self._alone("mono")]
        self._tell(Progress(1, total, "colour camera"))
        guesses.append(self._alone("color"))
        self._tell(Progress(2, total, "both cameras together"))
        bundle = self._together(guesses)
        if find_outliers:
            bundle = self._without_outliers(bundle)
        solved = self._adjust(bundle, self._seen.used())
        try:
            view = RectifiedView(self._calibration(solved))
        except CalibrationError as error:
            raise CalibrationError(f"{NO_RIG} ({error})") from error
        folds = self._folds()
        epipolar = self._measure(solved, view, folds)
        self._tell(Progress(total - 1, total, "uncertainties"))
        quality = self._quality(solved, view, epipolar)
        solution = self._solution(solved, view, quality, notes)
        self._tell(Progress(total, total, "done"))
        return solution

    def _alone(self, role: Role) -> tuple[Matrix, Matrix]:
        """Return intrinsics (9,) and poses v×6 of one camera, solved from its own views."""
        camera = ROLES.index(role)
        sightings = [
            replace(seen, camera=0)
            for seen in self._seen.sightings(self._seen.used())
            if seen.camera == camera
        ]
        intrinsics, poses = first_guess(0, self._seen.sizes[role], sightings, len(self._seen))
        seen_views = np.isfinite(poses[:, 0])
        start = Bundle(intrinsics[None], np.zeros(6), np.where(seen_views[:, None], poses, 0.0))
        fixed = [8] if K3[role] in self._fixed else []
        solved = adjust(start, sightings, fixed, robust=True, on_step=self._check).bundle
        return solved.cameras[0], np.where(seen_views[:, None], solved.poses, np.nan)

    def _together(self, alone: Sequence[tuple[Matrix, Matrix]]) -> Bundle:
        (mono, mono_poses), (color, color_poses) = alone
        both = np.isfinite(mono_poses[:, 0]) & np.isfinite(color_poses[:, 0])
        relative = np.array(
            [_relative(a, b) for a, b in zip(mono_poses[both], color_poses[both], strict=True)]
        )
        mounting = np.median(relative, axis=0)
        poses = mono_poses.copy()
        for number in np.flatnonzero(~np.isfinite(mono_poses[:, 0])):
            pose = color_poses[number]
            poses[number] = _undo(mounting, pose) if np.isfinite(pose[0]) else 0.0
        start = Bundle(np.stack([mono, color]), mounting, poses)
        sightings = self._seen.sightings(self._seen.used())
        return adjust(start, sightings, self._fixed, robust=True, on_step=self._check).bundle

    def _without_outliers(self, bundle: Bundle) -> Bundle:
        """Drop corners, then the worst view, and solve again, until everything fits."""
        while True:
            self._seen.drop_corners(bundle)
            worst = self._seen.worst_view(bundle)
            if worst is None:
                return bundle
            self._seen.leave_out(worst)
            sightings = self._seen.sightings(self._seen.used())
            bundle = adjust(bundle, sightings, self._fixed, robust=True, on_step=self._check).bundle

    def _adjust(self, start: Bundle, used: Collection[int]) -> Adjusted:
        return adjust(start, self._seen.sightings(used), self._fixed, on_step=self._check)

    def _measure(
        self, solved: Adjusted, view: RectifiedView, folds: Sequence[Collection[int]]
    ) -> EpipolarErrors:
        """Return the row errors of every view, each rectified by a calibration solved without it."""
        stereo = self._seen.stereo()
        if len(stereo) <= SMALLEST_NUMBER_OF_VIEWS:
            return EpipolarErrors.of([self._seen.rows(view, number) for number in stereo], held_out=False)
        rows = []
        for count, held_out in enumerate(folds):
            self._tell(Progress(3 + count, 4 + len(folds), "measuring on views kept back"))
            rest = [number for number in self._seen.used() if number not in held_out]
            fold = RectifiedView(self._calibration(self._adjust(solved.bundle, rest)))
            rows += [self._seen.rows(fold, number) for number in held_out]
        return EpipolarErrors.of(rows, held_out=True)

    def _folds(self) -> list[list[int]]:
        stereo = self._seen.stereo()
        count = len(stereo) if len(stereo) <= ONE_BY_ONE_UP_TO else FOLDS
        return [stereo[first::count] for first in range(count)]

    def _calibration(self, solved: Adjusted) -> RigCalibration:
        bundle = solved.bundle
        cameras = [
            CameraCalibration(self._seen.sizes[role], camera_matrix(values), values[4:])
            for role, values in zip(ROLES, bundle.cameras, strict=True)
        ]
        turn = np.asarray(cv2.Rodrigues(bundle.mounting[:3])[0], np.float64)
        shift = bundle.mounting[3:]
        return RigCalibration(
            mono=cameras[0],
            color=cameras[1],
            rotation=turn,
            translation_mm=shift,
            color_side=side_of_color(turn, shift),
            reprojection_px=rms_px(np.concatenate(solved.residuals_px)),
            epipolar_px=0.0,
        )

    def _quality(self, solved: Adjusted, view: RectifiedView, epipolar: EpipolarErrors) -> Quality:
        std = np.zeros(2 * INTRINSICS + 6)
        std[solved.free] = np.sqrt(np.diag(solved.covariance))
        shift = solved.bundle.mounting[3:]
        along = shift / np.linalg.norm(shift)
        block = solved.covariance[-3:, -3:]  # the mounting is never fixed, and stands last
        return Quality(
            epipolar=epipolar,
            mono_std=std[:INTRINSICS],
            color_std=std[INTRINSICS : 2 * INTRINSICS],
            rotation_std_deg=np.rad2deg(std[-6:-3]),
            translation_std_mm=std[-3:],
            baseline_std_mm=float(np.sqrt(along @ block @ along)),
            row_std_px=row_std_px(solved, view, self._depth_mm(solved)),
        )

    def _depth_mm(self, solved: Adjusted) -> float:
        return float(np.median(solved.bundle.poses[self._seen.used(), 5]))

    def _solution(
        self, solved: Adjusted, view: RectifiedView, quality: Quality, notes: dict[str, str]
    ) -> RigSolution:
        used = self._seen.chosen(self._seen.used())
        offset, max_disparity = self._search_range(view)
        calibration = replace(
            view.calibration,
            epipolar_px=quality.epipolar.median_px,
            offset=offset,
            max_disparity=max_disparity,
            quality=quality,
            target=target_to_table(self._target),
            notes={"board": str(self._target), "views": f"{len(used)} of {len(self._seen)}"} | notes,
        )
        covered: dict[Role, float] = {role: coverage(used, role) for role in ROLES}
        return RigSolution(
            calibration=calibration,
            views=tuple(self._seen.errors(solved.bundle, view, number) for number in range(len(self._seen))),
            coverage=covered,
            corner_counts={role: corner_counts(used, role) for role in ROLES},
            advice=tuple(advice(covered, len(used), quality, calibration.baseline_mm)),
        )

    def _search_range(self, view: RectifiedView) -> tuple[int, int]:
        """Return (offset, max_disparity): from infinity to a third nearer than the nearest corner seen.

        Infinity has disparity 0; should a corner lie beyond (the solved angle between the cameras is a
        little off), the range begins 2 px before it. The number of disparities is a multiple of 16, at most
        half the image's width.
        """
        disparities = []
        for number in self._seen.stereo():
            _, mono_px, color_px = common_ids(*(self._seen.kept(number, role) for role in ROLES))
            points = view.mono_points(mono_px), view.color_points(color_px)
            disparities.append(disparities_of(*points, mirrored=view.calibration.mirrored))
        found = np.concatenate(disparities)
        if found.size == 0:
            raise CalibrationError("after rectification no corner lies in the same row in both images")
        offset = min(0, math.floor(found.min()) - BEFORE_INFINITY_PX)
        return offset, whole_steps(NEARER_THAN_THE_BOARD * float(found.max()) - offset, view.size_px[0])

    def _check(self) -> None:
        if self._cancelled():
            raise SolveCancelled("cancelled")


def _relative(mono_pose: Matrix, color_pose: Matrix) -> Matrix:
    """Return the mounting (6,) that leads from one pose of the target to the other."""
    first, second = (np.asarray(cv2.Rodrigues(pose[:3])[0]) for pose in (mono_pose, color_pose))
    turn = second @ first.T
    return np.concatenate([cv2.Rodrigues(turn)[0].ravel(), color_pose[3:] - turn @ mono_pose[3:]])


def _undo(mounting: Matrix, color_pose: Matrix) -> Matrix:
    """Return the pose in mono coordinates of one in colour coordinates."""
    turn, second = (np.asarray(cv2.Rodrigues(part)[0]) for part in (mounting[:3], color_pose[:3]))
    return np.concatenate(
        [cv2.Rodrigues(turn.T @ second)[0].ravel(), turn.T @ (color_pose[3:] - mounting[3:])]
    )
