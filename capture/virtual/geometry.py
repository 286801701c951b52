"""Where the two virtual cameras stand and what their lenses do.

World: x right, y down, z forward and level, in metres; the origin is the nominal position of the mono camera.
Everything scales with the width of the image, so that a larger sensor sees the same room in finer detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from capture.calibration import CameraCalibration, RigCalibration, side_of_color
from capture.spec import VirtualSpec

Vector = NDArray[np.float64]

# The rig looks down on a bench.
PITCH_DEG = 10.0
BASELINE_M = 0.060


@dataclass(frozen=True, eq=False)
class CameraGeometry:
    """One camera as it really is.

    Attributes:
        width, height: of the image in px.
        matrix: 3×3 intrinsics in px.
        distortion: (5,) Brown–Conrady k1 k2 p1 p2 k3.
        rotation: 3×3, world → camera.
        position: (3,) optical centre in the world, m.
    """

    width: int
    height: int
    matrix: Vector
    distortion: Vector
    rotation: Vector
    position: Vector

    def to_camera(self, points: NDArray[np.floating]) -> Vector:
        """Return N×3 world points (m) in camera coordinates."""
        return (np.asarray(points, np.float64) - self.position) @ self.rotation.T

    def project(self, points: NDArray[np.floating]) -> Vector:
        """Return where N×3 world points (m) lie in the distorted image: N×2 px, pixel centres whole."""
        camera = self.to_camera(points)
        return self.distort(camera[:, :2] / camera[:, 2:])

    def distort(self, normalized: NDArray[np.floating]) -> Vector:
        """Return N×2 px of N×2 undistorted ray coordinates (x/z, y/z)."""
        x, y = normalized[:, 0], normalized[:, 1]
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        distorted_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        distorted_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        m = self.matrix
        return np.stack([m[0, 0] * distorted_x + m[0, 2], m[1, 1] * distorted_y + m[1, 2]], axis=1)

    def undistort(self, pixels: NDArray[np.floating]) -> Vector:
        """Return N×2 undistorted ray coordinates (x/z, y/z) of N×2 px; inverse of `distort`."""
        rays = cv2.undistortPointsIter(
            np.ascontiguousarray(pixels, dtype=np.float64).reshape(-1, 1, 2),
            self.matrix,
            self.distortion,
            np.eye(3),
            np.eye(3),
            (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-9),
        )
        return np.asarray(rays, np.float64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class RigGeometry:
    """Both cameras."""

    mono: CameraGeometry
    color: CameraGeometry


def rotation_from(degrees: ArrayLike) -> Vector:
    """Return the 3×3 rotation of a rotation vector given in degrees."""
    return np.asarray(cv2.Rodrigues(np.deg2rad(np.asarray(degrees, np.float64)))[0])


def rig_geometry(spec: VirtualSpec) -> RigGeometry:
    """Return the true geometry; the same for every seed: it is one rig, looking at different rooms."""
    level = rotation_from([PITCH_DEG, 0.0, 0.0])
    mono = _camera(
        spec,
        focal=0.905,
        center=(0.506, 0.494),
        distortion=(-0.115, 0.072, 0.0006, -0.0004, -0.015),
        rotation=rotation_from([0.20, 0.35, -0.30]) @ level,
        position=np.zeros(3),
    )
    color = _camera(
        spec,
        focal=0.917,
        center=(0.493, 0.508),
        distortion=(-0.168, 0.105, -0.0005, 0.0007, -0.030),
        rotation=rotation_from([-0.45, 0.80, 0.55]) @ level,
        position=np.array([-BASELINE_M, 0.0009, -0.0014]),
    )
    return RigGeometry(mono, color)


def true_calibration(spec: VirtualSpec, rig: RigGeometry | None = None) -> RigCalibration:
    """Return the exact calibration of the virtual rig (or of `rig`) at the size of `spec`."""
    rig = rig or rig_geometry(spec)
    rotation = rig.color.rotation @ rig.mono.rotation.T
    translation = rig.color.rotation @ (rig.mono.position - rig.color.position)
    return RigCalibration(
        mono=_calibration(rig.mono),
        color=_calibration(rig.color),
        rotation=rotation,
        translation_mm=translation * 1000,
        color_side=side_of_color(rotation, translation),
        reprojection_px=0.0,
        epipolar_px=0.0,
        offset=0,
        max_disparity=96 * spec.width // 640,
        notes={"made by": "the virtual rig itself: exact"},
    )


def _camera(
    spec: VirtualSpec,
    *,
    focal: float,
    center: tuple[float, float],
    distortion: tuple[float, ...],
    rotation: Vector,
    position: Vector,
) -> CameraGeometry:
    focal_px = focal * spec.width
    matrix = np.array(
        [
            [focal_px, 0.0, center[0] * spec.width - 0.5],
            [0.0, focal_px, center[1] * spec.height - 0.5],
            [0.0, 0.0, 1.0],
        ]
    )
    return CameraGeometry(spec.width, spec.height, matrix, np.array(distortion), rotation, position)


def _calibration(camera: CameraGeometry) -> CameraCalibration:
    return CameraCalibration((camera.width, camera.height), camera.matrix, camera.distortion)
