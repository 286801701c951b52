"""Calibrations with known numbers."""

from __future__ import annotations

import cv2
import numpy as np

from capture.calibration import CameraCalibration, RigCalibration


def make_camera(width: int, height: int, focal: float, k1: float = -0.1) -> CameraCalibration:
    matrix = np.array([[focal, 0, width / 2 - 3], [0, focal * 1.001, height / 2 + 2], [0, 0, 1]])
    return CameraCalibration((width, height), matrix, np.array([k1, 0.02, 0.0005, -0.0003, 0.0]))


def make_calibration(
    color_side: str = "left",
    mono_size: tuple[int, int] = (320, 240),
    color_size: tuple[int, int] = (320, 240),
) -> RigCalibration:
    """Return a rig of 60 mm baseline; the colour camera is turned a little and has another lens."""
    turned = np.array([0.012, -0.02 if color_side == "left" else 0.02, 0.01])
    translation = np.array([60.0 if color_side == "left" else -60.0, 1.5, -2.0])
    return RigCalibration(
        mono=make_camera(*mono_size, focal=mono_size[0] * 1.1),
        color=make_camera(*color_size, focal=color_size[0] * 1.2, k1=-0.05),
        rotation=cv2.Rodrigues(turned)[0],
        translation_mm=translation,
        color_side=color_side,  # type: ignore[arg-type]
        reprojection_px=0.2,
        epipolar_px=0.1,
        offset=-2,
        max_disparity=48,
        notes={"board": "9×6, 25 mm", "lens": '8 mm "f/1.4"'},
    )
