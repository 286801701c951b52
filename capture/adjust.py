"""Bundle adjustment of one camera, or of two that are fixed to each other, looking at a flat target.

All points of all views at once by Levenberg–Marquardt: intrinsics, distortion, how the second camera stands
to the first, and the pose of the target in every view. The poses are eliminated from the normal equations
(Schur complement), so that 100 views cost little more than 10. What is left says how uncertain the shared
parameters are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError
from capture.targets.base import Points

Vector = NDArray[np.float64]

# Per camera: fx fy cx cy k1 k2 p1 p2 k3.
INTRINSICS = 9
MOST_STEPS = 60
# Of a sum of some thousand squares, this is far less than the uncertainty of any parameter.
SMALLEST_GAIN = 1e-7
# A residual this many standard deviations long no longer counts with its square (Huber).
HUBER_IN_SIGMAS = 2.0


@dataclass(frozen=True, eq=False)
class Sighting:
    """What one camera saw of the target in one view: `view` and `camera` count from 0."""

    view: int
    camera: int
    target_mm: Points  # N×3
    points_px: Points  # N×2


@dataclass(frozen=True, eq=False)
class Bundle:
    """The parameters: `cameras` c×9, `mounting` (6,) rotation vector and translation, `poses` v×6.

    `mounting` leads from the first camera's coordinates to the second's and is not used with one camera;
    `poses` lead from the target's coordinates to the first camera's.
    """

    cameras: Vector
    mounting: Vector
    poses: Vector


@dataclass(frozen=True, eq=False)
class Adjusted:
    """An adjusted bundle.

    Attributes:
        bundle: the parameters.
        residuals_px: per sighting N×2, found minus projected.
        covariance: of the shared parameters that were free (see `free`), s×s.
        free: s indices into [cameras.ravel(), mounting].
    """

    bundle: Bundle
    residuals_px: tuple[Vector, ...]
    covariance: Vector
    free: NDArray[np.intp]


def adjust(
    bundle: Bundle,
    sightings: Sequence[Sighting],
    fixed: Sequence[int],
    *,
    robust: bool = False,
    on_step: Callable[[], None] = lambda: None,
) -> Adjusted:
    """Return the bundle at the least sum of squared residuals.

    Args:
        bundle: where to start.
        sightings: at least one per view; the poses of views without any stay as they are.
        fixed: indices into [cameras.ravel(), mounting] that keep their value.
        robust: long residuals count less (Huber), for a first look at data with errors in it.
        on_step: called before every step; what it raises ends the work.

    Raises CalibrationError: the views do not determine the parameters, or contradict each other.
    """
    shared = bundle.cameras.size + (6 if len(bundle.cameras) == 2 else 0)
    free = np.setdiff1d(np.arange(shared), np.asarray(fixed, int))
    reach = np.inf
    if robust:
        # How far a residual counts in full is settled at the start: costs must stay comparable.
        lengths = [np.hypot(*_residuals(bundle, seen).T) for seen in sightings]
        reach = HUBER_IN_SIGMAS * _sigma(np.concatenate(lengths))
    damping = 1e-3
    cost, normal = _evaluate(bundle, sightings, free, reach)
    for _ in range(MOST_STEPS):
        on_step()
        tried = _moved(bundle, normal.step(damping), free)
        new_cost, new_normal = _evaluate(tried, sightings, free, reach)
        if np.isfinite(new_cost) and new_cost <= cost:
            gained = cost - new_cost
            bundle, normal, damping = tried, new_normal, max(damping / 10, 1e-12)
            done = gained <= SMALLEST_GAIN * max(cost, 1e-12)
            cost = new_cost
            if done:
                break
        else:
            damping *= 10
            if damping > 1e8:
                break
    if not np.isfinite(cost):
        raise CalibrationError("the views contradict each other: was it one board, did the cameras stay put?")
    residuals = tuple(_residuals(bundle, seen) for seen in sightings)
    return Adjusted(bundle, residuals, _covariance(normal, residuals), free)


def project(bundle: Bundle, view: int, camera: int, target_mm: Points) -> Vector:
    """Return where points of the target lie in a camera's image, N×2 px."""
    pixels, _ = cv2.projectPoints(target_mm, *_pose_in(bundle, view, camera), *_lens(bundle, camera))
    return np.asarray(pixels, np.float64).reshape(-1, 2)


def first_guess(
    camera: int, size_px: tuple[int, int], sightings: Sequence[Sighting], views: int
) -> tuple[Vector, Vector]:
    """Return (intrinsics (9,), poses v×6 relative to this camera) to start from, without distortion.

    Views that the camera did not see get the pose of none: NaN.

    Raises CalibrationError: the points of a view lie on a line, so that it has no pose.
    """
    try:
        return _first_guess(camera, size_px, sightings, views)
    except cv2.error as error:
        raise CalibrationError("a view of the board has no pose: do its points lie on a line?") from error


def _first_guess(
    camera: int, size_px: tuple[int, int], sightings: Sequence[Sighting], views: int
) -> tuple[Vector, Vector]:
    ours = [seen for seen in sightings if seen.camera == camera]
    matrix = cv2.initCameraMatrix2D([s.target_mm for s in ours], [s.points_px for s in ours], size_px)
    focal = (float(matrix[0, 0]), float(matrix[1, 1]))
    likely = 0.3 * max(size_px), 20.0 * max(size_px)
    if not all(np.isfinite(f) and likely[0] < f < likely[1] for f in focal):
        # Views without tilt do not tell the focal length; any usual lens is a start.
        focal = (1.2 * max(size_px), 1.2 * max(size_px))
    intrinsics = np.array([*focal, (size_px[0] - 1) / 2, (size_px[1] - 1) / 2, 0, 0, 0, 0, 0], np.float64)
    poses = np.full((views, 6), np.nan)
    for seen in ours:
        _, turn, shift = cv2.solvePnP(
            seen.target_mm, seen.points_px, camera_matrix(intrinsics), intrinsics[4:], flags=cv2.SOLVEPNP_IPPE
        )
        poses[seen.view] = np.concatenate([np.ravel(turn), np.ravel(shift)])
    return intrinsics, poses


@dataclass(frozen=True, eq=False)
class _Normal:
    """Normal equations: A shared×shared, per view B shared×6 and C 6×6, with their right-hand sides."""

    shared: Vector
    shared_right: Vector
    mixed: Vector
    pose: Vector
    pose_right: Vector
    scores: Vector  # views × shared: what each view contributes to shared_right

    def reduced(self, damping: float = 0.0) -> tuple[Vector, Vector, Vector]:
        """Return (S, right-hand side, C⁻¹ of every view) with the poses eliminated."""
        pose = self.pose + damping * np.einsum("vii->vi", self.pose)[:, :, None] * np.eye(6)
        pose = pose + 1e-12 * np.eye(6)  # views without a sighting
        inverse = np.linalg.inv(pose)
        gain = np.einsum("vsp,vpq->vsq", self.mixed, inverse)
        left = self.shared + damping * np.diag(np.diag(self.shared))
        left = left - np.einsum("vsq,vtq->st", gain, self.mixed)
        right = self.shared_right - np.einsum("vsq,vq->s", gain, self.pose_right)
        return left, right, inverse

    def step(self, damping: float) -> tuple[Vector, Vector]:
        """Return the changes of the shared parameters and of the poses. Raises CalibrationError."""
        try:
            left, right, inverse = self.reduced(damping)
            shared = np.linalg.solve(left, right)
        except np.linalg.LinAlgError as error:
            raise CalibrationError(UNDETERMINED) from error
        rest = self.pose_right - np.einsum("vsp,s->vp", self.mixed, shared)
        change = np.einsum("vpq,vq->vp", inverse, rest)
        return np.asarray(shared, np.float64), np.asarray(change, np.float64)


UNDETERMINED = "the views do not determine the cameras: tilt the board, and show it in all parts of the image"


def _evaluate(
    bundle: Bundle, sightings: Sequence[Sighting], free: NDArray[np.intp], reach: float
) -> tuple[float, _Normal]:
    views, count = len(bundle.poses), free.size
    normal = _Normal(
        np.zeros((count, count)),
        np.zeros(count),
        np.zeros((views, count, 6)),
        np.zeros((views, 6, 6)),
        np.zeros((views, 6)),
        np.zeros((views, count)),
    )
    linear = [_linearized(bundle, seen, free) for seen in sightings]
    cost = 0.0
    for seen, (residual, by_shared, by_pose) in zip(sightings, linear, strict=True):
        length = np.hypot(*residual.T)
        within = np.minimum(length, reach)
        weight = np.where(length > 0, within / np.maximum(length, 1e-12), 1.0)
        cost += float((within * (2 * length - within)).sum())  # Huber: the square, then a straight line
        root = np.repeat(np.sqrt(weight), 2)[:, None]
        right = root[:, 0] * residual.ravel()
        shared, pose = root * by_shared, root * by_pose
        score = shared.T @ right
        normal.shared[...] += shared.T @ shared
        normal.shared_right[...] += score
        normal.scores[seen.view] += score
        normal.mixed[seen.view] += shared.T @ pose
        normal.pose[seen.view] += pose.T @ pose
        normal.pose_right[seen.view] += pose.T @ right
    return cost, normal


def _sigma(lengths: Vector) -> float:
    """Return the standard deviation per coordinate of residuals of these lengths, by their median."""
    return max(float(np.median(lengths)) / 1.1774, 1e-6)  # the median of a Rayleigh distribution


def _linearized(bundle: Bundle, seen: Sighting, free: NDArray[np.intp]) -> tuple[Vector, Vector, Vector]:
    """Return residuals N×2 and their negative derivatives, 2N×shared and 2N×6."""
    pixels, derivatives = cv2.projectPoints(
        seen.target_mm, *_pose_in(bundle, seen.view, seen.camera), *_lens(bundle, seen.camera)
    )
    jacobian = np.asarray(derivatives, np.float64)  # turn 3, shift 3, f 2, c 2, distortion 5
    shared = np.zeros((len(jacobian), bundle.cameras.size + 6))
    first = seen.camera * INTRINSICS
    shared[:, first : first + INTRINSICS] = jacobian[:, 6:]
    by_pose = jacobian[:, :6]
    if seen.camera == 1:
        pose, mount = bundle.poses[seen.view], bundle.mounting
        _, _, r_r1, r_t1, r_r2, r_t2, t_r1, t_t1, t_r2, t_t2 = cv2.composeRT(
            pose[:3], pose[3:], mount[:3], mount[3:]
        )
        turn, shift = by_pose[:, :3], by_pose[:, 3:]
        shared[:, -6:-3] = turn @ r_r2 + shift @ t_r2
        shared[:, -3:] = turn @ r_t2 + shift @ t_t2
        by_pose = np.hstack([turn @ r_r1 + shift @ t_r1, turn @ r_t1 + shift @ t_t1])
    residual = seen.points_px - np.asarray(pixels, np.float64).reshape(-1, 2)
    return residual, shared[:, free], by_pose


def _residuals(bundle: Bundle, seen: Sighting) -> Vector:
    return np.asarray(seen.points_px - project(bundle, seen.view, seen.camera, seen.target_mm), np.float64)


def _pose_in(bundle: Bundle, view: int, camera: int) -> tuple[Vector, Vector]:
    pose = bundle.poses[view]
    if camera == 0:
        return pose[:3], pose[3:]
    turn, shift, *_ = cv2.composeRT(pose[:3], pose[3:], bundle.mounting[:3], bundle.mounting[3:])
    return np.asarray(turn, np.float64).ravel(), np.asarray(shift, np.float64).ravel()


def _lens(bundle: Bundle, camera: int) -> tuple[Vector, Vector]:
    values = bundle.cameras[camera]
    return camera_matrix(values), values[4:]


def camera_matrix(values: Vector) -> Vector:
    """Return the 3×3 camera matrix of intrinsics fx fy cx cy …."""
    return np.array([[values[0], 0, values[2]], [0, values[1], values[3]], [0, 0, 1]])


def _moved(bundle: Bundle, step: tuple[Vector, Vector], free: NDArray[np.intp]) -> Bundle:
    flat = np.concatenate([bundle.cameras.ravel(), bundle.mounting])
    flat[free] += step[0]
    cameras = flat[: bundle.cameras.size].reshape(bundle.cameras.shape)
    return replace(
        bundle, cameras=cameras, mounting=flat[bundle.cameras.size :], poses=bundle.poses + step[1]
    )


def _covariance(normal: _Normal, residuals: Sequence[Vector]) -> Vector:
    """Return the covariance of the free shared parameters.

    From the noise of single points, if that were all; but what is wrong with a view (a bent board, motion) is
    wrong with all of its points together. How much the views' pull on the parameters exceeds what single
    points explain (the trace of the "sandwich" estimate) widens the covariance.
    """
    try:
        left, _, _ = normal.reduced()
        inverse = np.linalg.inv(left)
    except np.linalg.LinAlgError as error:
        raise CalibrationError(UNDETERMINED) from error
    views = int((np.einsum("vii->v", normal.pose) > 0).sum())
    values = 2 * sum(len(residual) for residual in residuals)
    squares = sum(float((residual**2).sum()) for residual in residuals)
    noise = squares / max(1, values - len(left) - 6 * views)
    covariance = noise * inverse
    pull = np.einsum("vs,vt->st", normal.scores, normal.scores) * views / max(1, views - 1)
    widened = float(np.trace(inverse @ pull)) / max(noise * len(left), 1e-30)
    return np.asarray(covariance * max(1.0, widened))
