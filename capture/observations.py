"""The views that a solution rests on: which are in use, which of their corners, and how well they fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.adjust import Bundle, Sighting, camera_matrix
from capture.board_views import FEWEST_COMMON, SMALLEST_NUMBER_OF_VIEWS, is_stereo, require_views
from capture.calibration import Matrix
from capture.coverage import BoardView
from capture.errors import CalibrationError
from capture.frames import ROLES, Role
from capture.rectify import RectifiedView
from capture.solution import ViewErrors
from capture.targets import Detection, Target, common_ids

# A view is left out if its error is this many times the median of all views: a corner was misread, or the
# board moved between the two exposures.
OUTLIER_IN_MEDIANS = 3.0
# A single corner is left out beyond this many standard deviations (by the median) and this many px.
CORNER_IN_SIGMAS, CORNER_PX = 6.0, 0.3


class Observations:
    """Views with what of them counts. Views are named by their number in the order given.

    Attributes:
        sizes: (width, height) of either camera's images.

    Raises CalibrationError: too few views, or images that differ in size.
    """

    def __init__(self, views: Sequence[BoardView], target: Target, excluded: Collection[str]) -> None:
        self._views = list(views)
        self._target = target
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
        if excluded and len(self.stereo()) < SMALLEST_NUMBER_OF_VIEWS:
            raise CalibrationError(
                f"{len(self.stereo())} pairs are left that both cameras see: {SMALLEST_NUMBER_OF_VIEWS} are "
                "needed. Exclude fewer, or take more"
            )
        require_views(len(self.stereo()), len(views))
        self.sizes = {role: self._size(role) for role in ROLES}

    def __len__(self) -> int:
        return len(self._views)

    def used(self) -> list[int]:
        """Return the numbers of the views in use."""
        return [number for number, view in enumerate(self._views) if not self._why[view.name]]

    def stereo(self) -> list[int]:
        """Return the numbers of the views in use that tell how the cameras stand to each other."""
        return [number for number in self.used() if is_stereo(self._views[number])]

    def chosen(self, numbers: Collection[int]) -> list[BoardView]:
        """Return views by their numbers."""
        return [self._views[number] for number in numbers]

    def leave_out(self, number: int) -> None:
        """Leave out a view that does not fit."""
        self._why[self._views[number].name] = "does not fit"

    def sightings(self, used: Collection[int]) -> list[Sighting]:
        """Return what the adjustment needs of these views."""
        points = self._target.points_mm
        sightings = []
        for number in used:
            for camera, role in enumerate(ROLES):
                if (number, role) in self._good:
                    seen = self.kept(number, role)
                    sightings.append(Sighting(number, camera, points[seen.ids], seen.points_px))
        return sightings

    def kept(self, number: int, role: Role) -> Detection:
        """Return what a camera saw in a view, less the corners left out."""
        seen = self._views[number].of(role)
        assert seen is not None
        good = self._good[number, role]
        return replace(seen, points_px=seen.points_px[good], ids=seen.ids[good])

    def rows(self, view: RectifiedView, number: int) -> Matrix:
        """Return the signed row differences of the corners that both cameras saw, N."""
        seen = {role: self.kept(number, role) for role in ROLES}
        _, mono_px, color_px = common_ids(seen["mono"], seen["color"])
        return np.asarray((view.mono_points(mono_px) - view.color_points(color_px))[:, 1])

    def residuals(self, bundle: Bundle, number: int, role: Role) -> Matrix:
        """Return found minus projected corners of any view; a view that is not used gets its own pose."""
        seen = self._views[number].of(role)
        assert seen is not None
        points = self._target.points_mm[seen.ids]
        values = bundle.cameras[ROLES.index(role)]
        lens = camera_matrix(values), values[4:]
        if self._why[self._views[number].name]:
            # From one camera alone: the error says how the view fits this camera's lens.
            _, turn, shift = cv2.solvePnP(points, seen.points_px, *lens)
        else:
            turn, shift = _pose(bundle, number, ROLES.index(role))
        pixels, _ = cv2.projectPoints(points, turn, shift, *lens)
        return np.asarray(seen.points_px - np.asarray(pixels).reshape(-1, 2), np.float64)

    def drop_corners(self, bundle: Bundle) -> None:
        """Leave out single corners that are far off; from here on they count nowhere."""
        used = self.used()
        lengths = {
            (number, role): np.hypot(*self.residuals(bundle, number, role).T)
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

    def worst_view(self, bundle: Bundle) -> int | None:
        """Return the view that fits far worse than the others, None if all fit or no more can be spared."""
        used = self.used()
        errors = {number: self._view_error(bundle, number) for number in used}
        worst = max(errors, key=lambda number: errors[number])
        fits = errors[worst] <= OUTLIER_IN_MEDIANS * float(np.median(list(errors.values())))
        left = len(self.stereo()) - int(is_stereo(self._views[worst]))
        return None if fits or left < SMALLEST_NUMBER_OF_VIEWS else worst

    def errors(self, bundle: Bundle, rectified: RectifiedView, number: int) -> ViewErrors:
        """Return how well a view fits, whether it is used or not."""
        view = self._views[number]
        residuals = {
            role: self.residuals(bundle, number, role) if (number, role) in self._good else None
            for role in ROLES
        }
        good = {role: self._good.get((number, role), np.ones(0, bool)) for role in ROLES}
        used = not self._why[view.name]
        both = view.mono is not None and view.color is not None
        common = common_ids(view.mono, view.color)[0].size if view.mono and view.color else 0
        return ViewErrors(
            name=view.name,
            mono_px=None if residuals["mono"] is None else rms_px(residuals["mono"][good["mono"]]),
            color_px=None if residuals["color"] is None else rms_px(residuals["color"][good["color"]]),
            epipolar_px=float(np.median(np.abs(self.rows(rectified, number)))) if both and common else None,
            used=used,
            why=self._why[view.name],
            dropped=sum(int((~mask).sum()) for mask in good.values()) if used else 0,
            mono_residuals_px=residuals["mono"],
            color_residuals_px=residuals["color"],
        )

    def _view_error(self, bundle: Bundle, number: int) -> float:
        return max(
            rms_px(self.residuals(bundle, number, role)[self._good[number, role]])
            for role in ROLES
            if (number, role) in self._good
        )

    def _size(self, role: Role) -> tuple[int, int]:
        sizes = {seen.size_px for view in self._views if (seen := view.of(role)) is not None}
        if len(sizes) != 1:
            raise CalibrationError(f"the {role} images differ in size: {sorted(sizes)}")
        return sizes.pop()


def _pose(bundle: Bundle, number: int, camera: int) -> tuple[Matrix, Matrix]:
    pose, mount = bundle.poses[number], bundle.mounting
    if camera == 0:
        return pose[:3], pose[3:]
    turn, shift, *_ = cv2.composeRT(pose[:3], pose[3:], mount[:3], mount[3:])
    return np.asarray(turn, np.float64), np.asarray(shift, np.float64)


def rms_px(residuals_px: Matrix) -> float:
    """Return the RMS length of N×2 residuals, 0 if there are none."""
    return float(np.sqrt((residuals_px**2).sum(axis=1).mean())) if len(residuals_px) else 0.0
