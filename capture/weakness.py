"""Where a calibration is weak: its covariance, carried over to rows of the rectified images."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.adjust import INTRINSICS, Adjusted, Bundle, camera_matrix
from capture.coverage import COVERAGE_CELLS
from capture.rectify import RectifiedView

DRAWS = 64


def row_std_px(solved: Adjusted, view: RectifiedView, depth_mm: float) -> NDArray[np.float64]:
    """Return the standard deviation of the row difference over the rectified image, 6×8 cells, px.

    Rigs are drawn from the covariance; each sees the same points at `depth_mm`, and what it sees is rectified
    with the calibration as solved.
    """
    points = _points(view, depth_mm)
    root = _root(solved.covariance)
    rng = np.random.default_rng(0)
    rows = np.empty((DRAWS, len(points)))
    for draw in range(DRAWS):
        bundle = _shifted(solved, root @ rng.standard_normal(len(root)))
        mono_px, color_px = seen_by(bundle, points)
        rows[draw] = (view.mono_points(mono_px) - view.color_points(color_px))[:, 1]
    across, down = COVERAGE_CELLS
    return np.asarray(rows.std(axis=0).reshape(down, across))


def seen_by(
    bundle: Bundle, points_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where both cameras of a bundle see points given in the first camera's coordinates, N×2 px."""
    seen = []
    for camera, pose in ((0, np.zeros(6)), (1, bundle.mounting)):
        values = bundle.cameras[camera]
        pixels, _ = cv2.projectPoints(points_mm, pose[:3], pose[3:], camera_matrix(values), values[4:])
        seen.append(np.asarray(pixels, np.float64).reshape(-1, 2))
    return seen[0], seen[1]


def _points(view: RectifiedView, depth_mm: float) -> NDArray[np.float64]:
    """Return what lies behind the middles of the cells at this depth, in mono camera coordinates, N×3 mm."""
    across, down = COVERAGE_CELLS
    width, height = view.size_px
    x, y = np.meshgrid((np.arange(across) + 0.5) * width / across, (np.arange(down) + 0.5) * height / down)
    pixels = np.column_stack([x.ravel() - 0.5, y.ravel() - 0.5, np.ones(x.size)])
    rays = np.linalg.solve(view.camera_matrix, pixels.T).T
    return np.asarray((rays * depth_mm) @ view.mono_rotation)  # R1ᵀ · x, row by row


def _shifted(solved: Adjusted, by: NDArray[np.float64]) -> Bundle:
    bundle = solved.bundle
    flat = np.concatenate([bundle.cameras.ravel(), bundle.mounting])
    flat[solved.free] += by
    return replace(
        bundle, cameras=flat[: 2 * INTRINSICS].reshape(2, INTRINSICS), mounting=flat[2 * INTRINSICS :]
    )


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return L with L·Lᵀ = covariance, whatever rounding did to its smallest eigenvalues."""
    # Parameters differ in size by 1e6: scale to correlations first.
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    return np.asarray(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0)))
