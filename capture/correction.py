"""Small turns of the colour camera since the calibration: added to its mounting, dated, and taken out again.

Only rows tell of such a turn without a board: the one about the viewing axis shears them, the one about the
horizontal axis shifts them. A turn about the vertical axis moves content along its row and stays unknown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
from numpy.typing import ArrayLike

from capture.calibration import Correction, Matrix, RigCalibration

SMALL_DEG = 2.0
"""A larger turn is no settling screw: something was moved, and only a calibration tells where to."""


def with_turn(calibration: RigCalibration, rotation_deg: ArrayLike) -> RigCalibration:
    """Return the calibration with its colour camera turned, on top of an earlier correction if there is one.

    Args:
        calibration: as in use.
        rotation_deg: (3,) rotation vector in the colour camera's coordinates: what it showed at x is now at
            rotation · x.

    Raises CalibrationError: not three finite numbers, or the cameras no longer stand side by side.
    """
    turn = _matrix(np.asarray(rotation_deg, np.float64))
    before = _matrix(calibration.correction.rotation_deg if calibration.correction else np.zeros(3))
    total = np.rad2deg(cv2.Rodrigues(turn @ before)[0]).ravel()
    return _turned(calibration, turn, Correction(tuple(total.tolist()), _now()))


def without_correction(calibration: RigCalibration) -> RigCalibration:
    """Return the calibration as it was solved."""
    if calibration.correction is None:
        return calibration
    return _turned(calibration, _matrix(calibration.correction.rotation_deg).T, None)


def _turned(calibration: RigCalibration, turn: Matrix, correction: Correction | None) -> RigCalibration:
    return replace(
        calibration,
        rotation=turn @ calibration.rotation,
        translation_mm=turn @ calibration.translation_mm,
        correction=correction,
    )


def _matrix(rotation_deg: ArrayLike) -> Matrix:
    return np.asarray(cv2.Rodrigues(np.deg2rad(np.asarray(rotation_deg, np.float64)))[0], np.float64)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
