"""Solves the calibration of a rig from views of a calibration target."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.adjust import INTRINSICS, Adjusted, Bundle, Sighting, adjust, first_guess
from capture.board_images import BoardImages
from capture.calibration import CameraCalibration, Matrix, RigCalibration, side_of_color
from capture.coverage import BoardView, corner_counts, coverage
from capture.errors import CalibrationError
from capture.frames import ROLES, Role
from capture.quality import EpipolarErrors, Quality, Verdict
from capture.rectify import RectifiedView
from capture.search_range import BEFORE_INFINITY_PX, disparities_of, whole_steps
from capture.targets import Detection, NotSeen, Target, common_ids, target_to_table
from capture.weakness import row_std_px

SMALLEST_NUMBER_OF_VIEWS = 6
# Points that both cameras must see for a view to say how they stand to each other.
FEWEST_COMMON = 8
# A view is left out if its error is this many times the median of all views: a corner was misread, or the
# board moved between the two exposures.
OUTLIER_IN_MEDIANS = 3.0
# A single corner is left out beyond this many standard deviations (by the median) and this many px.
CORNER_IN_SIGMAS, CORNER_PX = 6.0, 0.3
# The errors for the verdict are measured on views left out in turn: one by one if there are few.
FOLDS, ONE_BY_ONE_UP_TO = 5, 12
# The highest distortion term k3 bends the corners of the image most: it is solved only if the board was
# seen in this part of the image.
COVERAGE_FOR_K3 = 0.7
GOOD_COVERAGE = 0.5
# A baseline less certain than this is not to be trusted.
BASELINE_TOLERANCE = 0.01
# Things may come this much nearer than the nearest board.
NEARER_THAN_THE_BOARD = 4 / 3

K3 = {"mono": 8, "color": INTRINSICS + 8}


class SolveCancelled(CalibrationError):
    """The solution was not wanted any more."""


@dataclass(frozen=True)
class Progress:
    """How far a solution is: `done` of `total` steps; what is worked on, in words."""

    done: int
    total: int
    text: str


@dataclass(frozen=True, eq=False)
class ViewErrors:
    """How well one view fits; None where a camera did not see it.

    Attributes:
        mono_px, color_px: RMS distance of found and projected corners.
        epipolar_px: median row difference after rectification (of the final calibration).
        used: False for a view that was left out.
        why: why it was left out: "excluded", "does not fit", "too few common corners"; else empty.
        dropped: single corners that were left out of the view.
        mono_residuals_px, color_residuals_px: N×2, found minus projected, in the order of the detection.
    """

    name: str
    mono_px: float | None
    color_px: float | None
    epipolar_px: float | None
    used: bool
    why: str
    dropped: int
    mono_residuals_px: Matrix | None
    color_residuals_px: Matrix | None


@dataclass(frozen=True, eq=False)
class RigSolution:
    """A solved calibration and what speaks for and against it.

    Attributes:
        calibration: ready to be saved; `calibration.quality` holds errors, uncertainties and the weak map.
        views: errors per view, in the order given.
        coverage: part of the image in which corners were seen, per camera.
        corner_counts: corners per cell of the raw image, 6×8, per camera.
        advice: what would make the calibration better, one line each.
    """

    calibration: RigCalibration
    views: tuple[ViewErrors, ...]
    coverage: dict[Role, float]
    corner_counts: dict[Role, NDArray[np.int64]]
    advice: tuple[str, ...]

    @property
    def quality(self) -> Quality:
        """Return the quality stored with the calibration."""
        assert self.calibration.quality is not None
        return self.calibration.quality

    @property
    def verdict(self) -> Verdict:
        """Return what the errors mean, in words."""
        return self.quality.verdict


def see_boards(
    images: Sequence[BoardImages],
    target: Target,
    on_view: Callable[[int, str, str], None] = lambda *_: None,
) -> list[BoardView]:
    """Find the target in every pair; pairs in which neither camera sees it are left out.

    Args:
        images: the pairs.
        target: what to look for.
        on_view: called after each pair with its position, its name and why it is not whole ("" if it is);
            what it raises ends the work.

    Raises:
        CalibrationError: an image cannot be read, sizes differ, or the target is seen in too few pairs.
    """
    views: list[BoardView] = []
    sizes: dict[Role, tuple[int, int]] = {}
    for position, pair in enumerate(images):
        seen: dict[Role, Detection | NotSeen] = {}
        for role in ROLES:
            image = pair.load(role)
            size = image.shape[1], image.shape[0]
            if sizes.setdefault(role, size) != size:
                raise CalibrationError(
                    f"the {role} image of {pair.name} is {size[0]}×{size[1]}, that of {images[0].name} "
                    f"{sizes[role][0]}×{sizes[role][1]}: all must have one size"
                )
            seen[role] = target.detect(image)
        view, why = as_view(pair.name, seen["mono"], seen["color"], target)
        if view is not None:
            views.append(view)
        on_view(position, pair.name, why)
    if not views:
        raise CalibrationError(
            f"no target ({target}) in any of {len(images)} pairs: is it the one of these settings?"
        )
    _require(len([view for view in views if is_stereo(view)]), len(images))
    return views


def as_view(
    name: str, mono: Detection | NotSeen, color: Detection | NotSeen, target: Target
) -> tuple[BoardView | None, str]:
    """Return the view of two detections (None if neither camera saw the target) and what it lacks."""
    why = "; ".join(
        f"{word}: {seen.reason}"
        for word, seen in (("mono", mono), ("colour", color))
        if isinstance(seen, NotSeen)
    )
    if isinstance(mono, Detection) and isinstance(color, Detection):
        return BoardView(name, *target.paired(mono, color)), ""
    if isinstance(mono, NotSeen) and isinstance(color, NotSeen):
        return None, why
    return BoardView(
        name,
        None if isinstance(mono, NotSeen) else mono,
        None if isinstance(color, NotSeen) else color,
    ), why


def is_stereo(view: BoardView) -> bool:
    """Return whether a view tells how the cameras stand to each other."""
    return (
        view.mono is not None
        and view.color is not None
        and common_ids(view.mono, view.color)[0].size >= FEWEST_COMMON
    )


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
    solver = _Solver(views, target, frozenset(exclude), on_progress, cancelled)
    return solver.run(notes or {}, find_outliers=find_outliers)


class _Solver:
    """One solution in the making."""

    def __init__(
        self,
        views: Sequence[BoardView],
        target: Target,
        excluded: frozenset[str],
        on_progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._views = list(views)
        self._target = target
        self._tell = on_progress
        self._cancelled = cancelled
        self._why = dict.fromkeys((view.name for view in views), "")
        for view in views:
            if view.name in excluded:
                self._why[view.name] = "excluded"
            elif view.mono is not None and view.color is not None and not is_stereo(view):
                self._why[view.name] = "too few common corners"
        # Corners in use, per (view, role).
        self._good: dict[tuple[int, Role], NDArray[np.bool_]] = {
            (number, role): np.ones(len(seen.ids), bool)
            for number, view in enumerate(views)
            for role in ROLES
            if (seen := view.of(role)) is not None
        }
        used = self._used()
        _require(sum(is_stereo(self._views[number]) for number in used), len(views))
        self._sizes = {role: self._size(role) for role in ROLES}
        self._fixed = [K3[role] for role in ROLES if coverage(self._chosen(used), role) < COVERAGE_FOR_K3]

    def run(self, notes: dict[str, str], *, find_outliers: bool) -> RigSolution:
        folds = self._folds(self._used())
        total = 4 + len(folds)
        self._tell(Progress(0, total, "mono camera"))
        guesses = [self._alone("mono")]
        self._tell(Progress(1, total, "colour camera"))
        guesses.append(self._alone("color"))
        self._tell(Progress(2, total, "both cameras together"))
        bundle = self._together(guesses)
        if find_outliers:
            bundle = self._without_outliers(bundle)
        solved = self._adjust(bundle, self._used())
        view = RectifiedView(self._calibration(solved))
        folds = self._folds(self._used())
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
            replace(seen, camera=0) for seen in self._sightings(self._used()) if seen.camera == camera
        ]
        intrinsics, poses = first_guess(0, self._sizes[role], sightings, len(self._views))
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
        sightings = self._sightings(self._used())
        return adjust(start, sightings, self._fixed, robust=True, on_step=self._check).bundle

    def _without_outliers(self, bundle: Bundle) -> Bundle:
        """Drop corners, then the worst view, and solve again, until everything fits."""
        while True:
            self._drop_corners(bundle)
            worst = self._worst_view(bundle)
            if worst is None:
                return bundle
            self._why[self._views[worst].name] = "does not fit"
            sightings = self._sightings(self._used())
            bundle = adjust(bundle, sightings, self._fixed, robust=True, on_step=self._check).bundle

    def _drop_corners(self, bundle: Bundle) -> None:
        used = self._used()
        lengths = {
            (number, role): np.hypot(*self._residuals(bundle, number, role).T)
            for number, role in self._good
            if number in used
        }
        sigma = float(np.median(np.concatenate(list(lengths.values())))) / 1.1774
        limit = max(CORNER_IN_SIGMAS * sigma, CORNER_PX)
        for key, length in lengths.items():
            good = length <= limit
            # A view with many of them is bad as a whole, and shows as such.
            if good.mean() > 0.8 and good.sum() >= FEWEST_COMMON:
                self._good[key] = good

    def _worst_view(self, bundle: Bundle) -> int | None:
        used = self._used()
        errors = {number: self._view_error(bundle, number) for number in used}
        worst = max(errors, key=lambda number: errors[number])
        fits = errors[worst] <= OUTLIER_IN_MEDIANS * float(np.median(list(errors.values())))
        rest = [self._views[number] for number in used if number != worst]
        if fits or sum(map(is_stereo, rest)) < SMALLEST_NUMBER_OF_VIEWS:
            return None
        return worst

    def _view_error(self, bundle: Bundle, number: int) -> float:
        return max(
            _rms(self._residuals(bundle, number, role)[self._good[number, role]])
            for role in ROLES
            if (number, role) in self._good
        )

    def _adjust(self, start: Bundle, used: Collection[int]) -> Adjusted:
        return adjust(start, self._sightings(used), self._fixed, on_step=self._check)

    def _measure(
        self, solved: Adjusted, view: RectifiedView, folds: Sequence[Collection[int]]
    ) -> EpipolarErrors:
        """Return the row errors of every view, each rectified by a calibration solved without it."""
        stereo = [number for number in self._used() if is_stereo(self._views[number])]
        if len(stereo) <= SMALLEST_NUMBER_OF_VIEWS:
            return EpipolarErrors.of([self._rows(view, number) for number in stereo], held_out=False)
        rows = []
        for count, held_out in enumerate(folds):
            self._tell(Progress(3 + count, 4 + len(folds), "measuring on views kept back"))
            rest = [number for number in self._used() if number not in held_out]
            fold = RectifiedView(self._calibration(self._adjust(solved.bundle, rest)))
            rows += [self._rows(fold, number) for number in held_out]
        return EpipolarErrors.of(rows, held_out=True)

    def _folds(self, used: Sequence[int]) -> list[list[int]]:
        stereo = [number for number in used if is_stereo(self._views[number])]
        count = len(stereo) if len(stereo) <= ONE_BY_ONE_UP_TO else FOLDS
        return [stereo[first::count] for first in range(count)]

    def _rows(self, view: RectifiedView, number: int) -> Matrix:
        """Return the signed row differences of the corners that both cameras saw, N."""
        seen = {role: self._kept(number, role) for role in ROLES}
        _, mono_px, color_px = common_ids(seen["mono"], seen["color"])
        return np.asarray((view.mono_points(mono_px) - view.color_points(color_px))[:, 1])

    def _kept(self, number: int, role: Role) -> Detection:
        seen = self._views[number].of(role)
        assert seen is not None
        good = self._good[number, role]
        return replace(seen, points_px=seen.points_px[good], ids=seen.ids[good])

    def _calibration(self, solved: Adjusted) -> RigCalibration:
        bundle = solved.bundle
        cameras = [
            CameraCalibration(self._sizes[role], _matrix(values), values[4:])
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
            reprojection_px=_rms(np.concatenate(solved.residuals_px)),
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
        return float(np.median(solved.bundle.poses[self._used(), 5]))

    def _solution(
        self, solved: Adjusted, view: RectifiedView, quality: Quality, notes: dict[str, str]
    ) -> RigSolution:
        used = self._chosen(self._used())
        offset, max_disparity = self._search_range(view)
        calibration = replace(
            view.calibration,
            epipolar_px=quality.epipolar.median_px,
            offset=offset,
            max_disparity=max_disparity,
            quality=quality,
            target=target_to_table(self._target),
            notes={"board": str(self._target), "views": f"{len(used)} of {len(self._views)}"} | notes,
        )
        covered: dict[Role, float] = {role: coverage(used, role) for role in ROLES}
        return RigSolution(
            calibration=calibration,
            views=tuple(self._errors(solved.bundle, view, number) for number in range(len(self._views))),
            coverage=covered,
            corner_counts={role: corner_counts(used, role) for role in ROLES},
            advice=tuple(advice(covered, len(used), quality, calibration.baseline_mm)),
        )

    def _errors(self, bundle: Bundle, rectified: RectifiedView, number: int) -> ViewErrors:
        view = self._views[number]
        residuals = {
            role: self._residuals(bundle, number, role) if (number, role) in self._good else None
            for role in ROLES
        }
        good = {role: self._good.get((number, role), np.ones(0, bool)) for role in ROLES}
        used = not self._why[view.name]
        both = view.mono is not None and view.color is not None
        common = common_ids(view.mono, view.color)[0].size if view.mono and view.color else 0
        return ViewErrors(
            name=view.name,
            mono_px=None if residuals["mono"] is None else _rms(residuals["mono"][good["mono"]]),
            color_px=None if residuals["color"] is None else _rms(residuals["color"][good["color"]]),
            epipolar_px=float(np.median(np.abs(self._rows(rectified, number)))) if both and common else None,
            used=used,
            why=self._why[view.name],
            dropped=sum(int((~mask).sum()) for mask in good.values()) if used else 0,
            mono_residuals_px=residuals["mono"],
            color_residuals_px=residuals["color"],
        )

    def _residuals(self, bundle: Bundle, number: int, role: Role) -> Matrix:
        """Return found minus projected corners of any view; a view that is not used gets its own pose."""
        seen = self._views[number].of(role)
        assert seen is not None
        points = self._target.points_mm[seen.ids]
        values = bundle.cameras[ROLES.index(role)]
        lens = _matrix(values), values[4:]
        # The pose from one camera alone: the error says how the view fits this camera's lens.
        _, turn, shift = cv2.solvePnP(points, seen.points_px, *lens)
        if not self._why[self._views[number].name]:
            turn, shift = _pose(bundle, number, ROLES.index(role))
        pixels, _ = cv2.projectPoints(points, turn, shift, *lens)
        return np.asarray(seen.points_px - np.asarray(pixels).reshape(-1, 2), np.float64)

    def _search_range(self, view: RectifiedView) -> tuple[int, int]:
        """Return (offset, max_disparity): from infinity to a third nearer than the nearest corner seen.

        Infinity has disparity 0; should a corner lie beyond (the solved angle between the cameras is a
        little off), the range begins 2 px before it. The number of disparities is a multiple of 16, at most
        half the image's width.
        """
        disparities = []
        for number in self._used():
            if is_stereo(self._views[number]):
                _, mono_px, color_px = common_ids(self._kept(number, "mono"), self._kept(number, "color"))
                points = view.mono_points(mono_px), view.color_points(color_px)
                disparities.append(disparities_of(*points, mirrored=view.calibration.mirrored))
        found = np.concatenate(disparities)
        if found.size == 0:
            raise CalibrationError("after rectification no corner lies in the same row in both images")
        offset = min(0, math.floor(found.min()) - BEFORE_INFINITY_PX)
        return offset, whole_steps(NEARER_THAN_THE_BOARD * float(found.max()) - offset, view.size_px[0])

    def _sightings(self, used: Collection[int]) -> list[Sighting]:
        points = self._target.points_mm
        sightings = []
        for number in used:
            for camera, role in enumerate(ROLES):
                if (number, role) in self._good:
                    seen = self._kept(number, role)
                    sightings.append(Sighting(number, camera, points[seen.ids], seen.points_px))
        return sightings

    def _used(self) -> list[int]:
        return [number for number, view in enumerate(self._views) if not self._why[view.name]]

    def _chosen(self, numbers: Collection[int]) -> list[BoardView]:
        return [self._views[number] for number in numbers]

    def _size(self, role: Role) -> tuple[int, int]:
        sizes = {seen.size_px for view in self._views if (seen := view.of(role)) is not None}
        if len(sizes) != 1:
            raise CalibrationError(f"the {role} images differ in size: {sorted(sizes)}")
        return sizes.pop()

    def _check(self) -> None:
        if self._cancelled():
            raise SolveCancelled("cancelled")


def advice(covered: dict[Role, float], views: int, quality: Quality, baseline_mm: float) -> list[str]:
    """Return what would make a solution better, one line each."""
    words: dict[Role, str] = {"mono": "mono", "color": "colour"}
    lines = [
        f"The board covers {part:.0%} of the {words[role]} image: show it in the corners too."
        for role, part in covered.items()
        if part < GOOD_COVERAGE
    ]
    if views < 2 * SMALLEST_NUMBER_OF_VIEWS:
        lines.append(f"Only {views} views: 15 to 30, tilted in all directions, give a better solution.")
    if quality.baseline_std_mm > BASELINE_TOLERANCE * baseline_mm:
        lines.append(
            f"The baseline is uncertain by {quality.baseline_std_mm:.2g} mm of {baseline_mm:.4g}: tilt the "
            "board more, by 30 degrees and over."
        )
    if quality.epipolar.median_px > 1.0:
        lines.append(
            "Rows are off by more than a pixel: is the board flat, are both cameras triggered together?"
        )
    return lines


def _pose(bundle: Bundle, number: int, camera: int) -> tuple[Matrix, Matrix]:
    pose, mount = bundle.poses[number], bundle.mounting
    if camera == 0:
        return pose[:3], pose[3:]
    turn, shift, *_ = cv2.composeRT(pose[:3], pose[3:], mount[:3], mount[3:])
    return np.asarray(turn, np.float64), np.asarray(shift, np.float64)


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


def _matrix(values: Matrix) -> Matrix:
    return np.array([[values[0], 0, values[2]], [0, values[1], values[3]], [0, 0, 1]])


def _rms(residuals_px: Matrix) -> float:
    return float(np.sqrt((residuals_px**2).sum(axis=1).mean())) if len(residuals_px) else 0.0


def _require(found: int, of: int) -> None:
    if found < SMALLEST_NUMBER_OF_VIEWS:
        raise CalibrationError(
            f"both cameras see the board in {found} of {of} pairs: {SMALLEST_NUMBER_OF_VIEWS} are needed"
        )
