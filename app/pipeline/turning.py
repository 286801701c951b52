"""From rows that are off to the small turn of the colour camera that explains it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import RectifiedPair
from capture.calibration import Matrix, RigCalibration
from capture.correction import SMALL_DEG, with_turn
from capture.develop import develop_pair
from capture.errors import CalibrationError
from capture.frames import FramePair, Image
from capture.rectify import Rectifier
from models.rows import RowShift, estimate_rows

FINE_WIDTH_PX = 640
"""Wider images are first measured at about this width: rows far off are found there, too."""
FINE_ENOUGH_PX = 2.0
"""Rows off by less than this are measured again at full size."""
STEPS = 2
"""A turn bends rows a little, the fit is straight: the second step takes out what the first left."""


def measure_rows(rectified: RectifiedPair, calibration: RigCalibration) -> RowShift | None:
    """Return by how much rows of the reference are off, px at full size; None where too little matches."""
    return rows_between(rectified.mono, rectified.reference, calibration)


def rows_between(mono: Image, reference: Image, calibration: RigCalibration) -> RowShift | None:
    """Return the same for two rectified images, H×W and H×W×3 RGB."""
    luma = np.asarray(cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY))
    factor = max(1, round(mono.shape[1] / FINE_WIDTH_PX))
    shift = _at_scale(mono, luma, calibration, factor)
    if factor > 1 and shift is not None and shift.largest_px < FINE_ENOUGH_PX:
        return _at_scale(mono, luma, calibration, 1) or shift
    return shift


def rms_px(shift: RowShift) -> float:
    """Return the root mean square of a row shift over the image."""
    # u and v are spread evenly over −½ … ½: their variance is 1/12.
    return float(np.sqrt(shift.offset_px**2 + (shift.stretch_px**2 + shift.shear_px**2) / 12))


def turn_of(shift: RowShift, rectifier: Rectifier) -> Matrix:
    """Return the turn of the colour camera that shows as this row shift: (3,) rotation vector in degrees.

    It is in the colour camera's own coordinates, as `capture.correction.with_turn` takes it. About the
    viewing axis a turn shears rows, about the horizontal axis it shifts them; a stretch is no turn.
    """
    width, height = rectifier.size_px
    focal_px = rectifier.focal_px
    center_x, center_y = rectifier.camera_matrix[:2, 2]
    # The shift where the viewing axis pierces the image, and its slope to the right.
    u, v = (center_x + 0.5) / width - 0.5, (center_y + 0.5) / height - 0.5
    at_axis_px = shift.offset_px + shift.stretch_px * v + shift.shear_px * u
    # A ray (x, y, 1) turned by a small ω moves down by ω_z·x − ω_x·(1 + y²) + ω_y·x·y.
    rectified_rad = np.array([-at_axis_px / focal_px, 0.0, shift.shear_px / width])
    return np.asarray(np.rad2deg(rectifier.color_rotation.T @ rectified_rad), np.float64)


def corrected(calibration: RigCalibration, shift: RowShift, pair: FramePair) -> RigCalibration:
    """Return the calibration with the turn taken in that explains a row shift, checked on a raw pair.

    Raises CalibrationError: the turn is not small, or rows are not better with it.
    """
    mono, color = develop_pair(pair)
    turned, left = calibration, shift
    for _ in range(STEPS):
        turned = with_turn(turned, turn_of(left, Rectifier(turned)))
        measured = rows_between(*Rectifier(turned).rectify(mono, color), turned)
        if measured is None:
            raise CalibrationError(
                "too little matches between the pictures to correct the rotation: show a scene with detail"
            )
        left = measured
    assert turned.correction is not None
    size_deg = float(np.linalg.norm(turned.correction.rotation_deg))
    if size_deg > SMALL_DEG:
        raise CalibrationError(
            f"the colour camera has turned by {size_deg:.1f}°, more than can be corrected: recalibrate"
        )
    if rms_px(left) >= rms_px(shift):
        raise CalibrationError(
            f"no turn of the colour camera makes the rows agree ({rms_px(left):.2f} px are left): recalibrate"
        )
    return turned


def _at_scale(
    mono: NDArray[Any], luma: NDArray[Any], calibration: RigCalibration, factor: int
) -> RowShift | None:
    if factor > 1:
        size = mono.shape[1] // factor, mono.shape[0] // factor
        mono = cv2.resize(mono, size, interpolation=cv2.INTER_AREA)
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    shift = estimate_rows(
        mono,
        luma,
        max(1, -(-calibration.max_disparity // factor)),
        calibration.offset // factor,
        calibration.mirrored,
    )
    if shift is None or factor == 1:
        return shift
    return RowShift(
        shift.offset_px * factor,
        shift.stretch_px * factor,
        shift.shear_px * factor,
        shift.residual_px * factor,
        shift.matches,
    )
