"""Times and calibrations as the KITTI benchmark writes them.

Sources: the development kits of KITTI raw data and odometry (http://www.cvlibs.net/datasets/kitti); Geiger et
al., "Vision meets Robotics: The KITTI Dataset", IJRR 2013, section on calibration.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.calibration import CameraCalibration, RigCalibration, side_of_color
from capture.dataset_files import quoted, read_regular
from capture.errors import CalibrationError, DatasetError

_MOST_BYTES = 64 << 20
_MOST_S = 1e9
_MM_PER_M = 1000.0
_NO_DISTORTION = np.zeros(5)


def read_times(path: Path) -> list[int]:
    """Return the times of a file, one a line, in ns: seconds (`times.txt`) or dates (`timestamps.txt`).

    Raises DatasetError that names the line.
    """
    times = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            times.append(_time_ns(line.strip()))
        except (ValueError, OverflowError) as error:
            raise DatasetError(f"{path}, line {number}: {quoted(line)} is no time") from error
    return times


def _time_ns(text: str) -> int:
    if "-" in text[1:] and ":" in text:
        whole, _, part = text.partition(".")
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
        if part and not part.isdecimal():
            raise ValueError(part)
        return int(moment.timestamp()) * 10**9 + int(part[:9].ljust(9, "0") or 0)
    seconds = float(text)
    if not math.isfinite(seconds) or not 0 <= seconds < _MOST_S:
        raise ValueError(text)
    return round(seconds * 1e9)


def read_calibration(
    path: Path, mono: int, color: int, mono_size_px: tuple[int, int], color_size_px: tuple[int, int]
) -> RigCalibration:
    """Return the calibration of two rectified cameras, from `calib.txt` or `calib_cam_to_cam.txt`.

    The images are rectified, so distortion is nil and the cameras look the same way; what is left of the
    projection matrices P = K · [1 | t] is where they stand: T = t_color − t_mono, metres there, mm here.

    Args:
        path: file with lines `P0: …` or `P_rect_00: …`, twelve numbers each.
        mono, color: numbers of the cameras.
        mono_size_px, color_size_px: (width, height) of their images.

    Raises:
        CalibrationError: a matrix is missing or none of a rectified camera, or the cameras do not stand side
            by side. The file does not say how large its errors are: they are 0 in what is returned.
        DatasetError: the file cannot be read.
    """
    matrices = {}
    for line in _text(path).splitlines():
        key, colon, values = line.partition(":")
        if colon:
            matrices[key.strip()] = values
    (mono_k, mono_t), (color_k, color_t) = (_camera(path, matrices, number) for number in (mono, color))
    translation = (color_t - mono_t) * _MM_PER_M
    rotation = np.eye(3)
    return RigCalibration(
        mono=CameraCalibration(mono_size_px, mono_k, _NO_DISTORTION),
        color=CameraCalibration(color_size_px, color_k, _NO_DISTORTION),
        rotation=rotation,
        translation_mm=translation,
        color_side=side_of_color(rotation, translation),
        reprojection_px=0.0,
        epipolar_px=0.0,
        notes={"source": f"{path.name}: cameras {mono} and {color}, rectified; errors are not known"},
    )


def _camera(
    path: Path, matrices: dict[str, str], number: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return K and t of a camera."""
    names = (f"P{number}", f"P_rect_{number:02d}")
    values = next((matrices[name] for name in names if name in matrices), None)
    if values is None:
        raise CalibrationError(f"{path} has no {' and no '.join(names)}")
    try:
        projection = np.array([float(value) for value in values.split()]).reshape(3, 4)
    except ValueError as error:
        raise CalibrationError(f"{path}: {names[0]} must be 12 numbers") from error
    if not np.isfinite(projection).all() or np.abs(projection).max() > 1e9:
        raise CalibrationError(f"{path}: {names[0]} holds a value that cannot be")
    camera_matrix = projection[:, :3].copy()
    try:
        position = np.linalg.solve(camera_matrix, projection[:, 3])
    except np.linalg.LinAlgError as error:
        raise CalibrationError(f"{path}: {names[0]} is no projection of a camera") from error
    return camera_matrix, position


def _text(path: Path) -> str:
    try:
        return read_regular(path, _MOST_BYTES).decode()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no text: {error}") from error
