"""The calibration of a rig: what it holds, and the TOML file it lives in.

Geometry as in OpenCV with the mono camera first: a point at x_mono in the mono camera's coordinates is at
x_color = R · x_mono + T in the colour camera's (x right, y down, z forward, mm). A colour camera left of the
mono camera therefore has T_x > 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import cv2
import numpy as np
import tomli_w
from numpy.typing import NDArray

from capture.checks import keys, numbers, table_of, whole
from capture.errors import CalibrationError
from capture.files import read_toml, write_atomically
from capture.photometric.model import Photometric, photometric_from_table, photometric_to_table
from capture.quality import Quality, quality_from_table, quality_to_table

# 1: geometry and search range. 2: adds measured accuracy, the target and the photometric part,
# all of which may be missing; so files of 1 read as they are.
SCHEMA, READABLE = 2, (1, 2)
Side = Literal["left", "right"]
Matrix = NDArray[np.float64]

DISTORTION_LENGTHS = (4, 5, 8, 12, 14)
# Files may be edited by hand: six decimals of a rotation are still one.
ROTATION_TOLERANCE = 1e-4
# Sensors are smaller than this, and a mistyped digit should not cost gigabytes of maps.
LARGEST_SIDE_PX = 20_000


@dataclass(frozen=True, eq=False)
class CameraCalibration:
    """One camera and its lens. Arrays are float64 and read-only.

    Attributes:
        size_px: (width, height) of the images.
        camera_matrix: 3×3, focal lengths and principal point in px; pixel centres have whole coordinates.
        distortion: (4 | 5 | 8 | 12 | 14,) coefficients in OpenCV's order:
            k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 … s4 [τx τy]]]].
    """

    size_px: tuple[int, int]
    camera_matrix: Matrix
    distortion: Matrix

    def __post_init__(self) -> None:
        object.__setattr__(self, "size_px", _size(self.size_px, "size_px"))
        matrix = numbers(self.camera_matrix, (3, 3), "camera_matrix")
        object.__setattr__(self, "camera_matrix", matrix)
        focal_x, focal_y = matrix[0, 0], matrix[1, 1]
        if focal_x <= 0 or focal_y <= 0:
            raise CalibrationError(
                f"camera_matrix: focal lengths must be positive, not {focal_x:g} and {focal_y:g}"
            )
        if not np.array_equal(matrix, [[focal_x, 0, matrix[0, 2]], [0, focal_y, matrix[1, 2]], [0, 0, 1]]):
            raise CalibrationError("camera_matrix must have the form [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
        distortion = numbers(self.distortion, None, "distortion")
        if distortion.size not in DISTORTION_LENGTHS:
            raise CalibrationError(
                f"distortion has {distortion.size} coefficients; 4, 5, 8, 12 or 14 are known"
            )
        object.__setattr__(self, "distortion", distortion)


@dataclass(frozen=True)
class Correction:
    """A small turn of the colour camera that was measured after the calibration was solved.

    The mounting (`rotation`, `translation_mm`) contains it already; `capture.correction` adds and removes it.

    Attributes:
        rotation_deg: rotation vector in the colour camera's coordinates, applied last.
        date: when it was made (aware).
    """

    rotation_deg: tuple[float, float, float]
    date: datetime

    def __post_init__(self) -> None:
        turn = numbers(self.rotation_deg, (3,), "correction.rotation_deg")
        object.__setattr__(self, "rotation_deg", tuple(turn.tolist()))
        _check_date(self.date, "correction.date")


@dataclass(frozen=True, eq=False)
class RigCalibration:
    """Both cameras, how they stand to each other, and how good the calibration is. Checked when made.

    Attributes:
        mono, color: the cameras; they may differ in size and lens.
        rotation: R, 3×3, from mono to colour camera coordinates.
        translation_mm: T, (3,), so that x_color = R · x_mono + T.
        color_side: where the colour camera stands, seen from behind the rig; must agree with T.
        reprojection_px: RMS distance of found and projected board corners over both cameras.
        epipolar_px: median row difference of the same corner in the rectified images.
        offset: smallest disparity to search, px of the rectified image.
        max_disparity: number of disparities to search.
        date: when it was solved (aware).
        notes: what a person wants to remember: board, lenses, how it was made.
        correction: what was added to the mounting since it was solved, None if nothing.
        quality: errors on views kept back, uncertainties and where it is weak; None if unknown.
        target: settings of the target it was solved from (`capture.targets.target_from_table` reads them),
            empty if unknown.
        photometric: black level, flat field and colours of the cameras; None if not measured.

    Raises:
        CalibrationError: a value is not finite, of the wrong shape or contradicts another; names the key.
    """

    mono: CameraCalibration
    color: CameraCalibration
    rotation: Matrix
    translation_mm: Matrix
    color_side: Side
    reprojection_px: float
    epipolar_px: float
    offset: int = 0
    max_disparity: int = 128
    date: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    notes: Mapping[str, str] = field(default_factory=dict)
    correction: Correction | None = None
    quality: Quality | None = None
    target: Mapping[str, object] = field(default_factory=dict)
    photometric: Photometric | None = None

    def __post_init__(self) -> None:
        rotation = numbers(self.rotation, (3, 3), "rotation")
        off_by = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
        determinant = float(np.linalg.det(rotation))
        if off_by > ROTATION_TOLERANCE or determinant < 0:
            raise CalibrationError(
                f"rotation is none: R·Rᵀ differs from 1 by {off_by:.2g}, its determinant is {determinant:.3g}"
            )
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation_mm", numbers(self.translation_mm, (3,), "translation_mm"))
        if self.color_side not in get_args(Side):
            raise CalibrationError(f'color_side must be "left" or "right", not {self.color_side!r}')
        actual = side_of_color(self.rotation, self.translation_mm)
        if actual != self.color_side:
            raise CalibrationError(
                f'color_side is "{self.color_side}", but translation_mm puts the colour camera {actual}'
            )
        for key in ("reprojection_px", "epipolar_px"):
            object.__setattr__(self, key, _error_px(getattr(self, key), key))
        whole(self.offset, "offset", -LARGEST_SIDE_PX, LARGEST_SIDE_PX)
        whole(self.max_disparity, "max_disparity", 1, LARGEST_SIDE_PX)
        _check_date(self.date, "date")
        if not all(isinstance(text, str) for item in self.notes.items() for text in item):
            raise CalibrationError("notes must be texts")
        object.__setattr__(self, "notes", MappingProxyType(dict(self.notes)))
        object.__setattr__(self, "target", MappingProxyType(dict(self.target)))

    @property
    def mirrored(self) -> bool:
        """Return whether the colour camera stands right: content then lies further left in the reference."""
        return self.color_side == "right"

    @property
    def baseline_mm(self) -> float:
        """Return the distance of the two cameras."""
        return float(np.linalg.norm(self.translation_mm))


def side_of_color(rotation: Matrix, translation_mm: Matrix) -> Side:
    """Return on which side of the mono camera the colour camera stands.

    Raises CalibrationError if the cameras stand above or behind rather than beside each other.
    """
    # Seen halfway between the two orientations, as stereoRectify does: the same axis decides there and here.
    half = cv2.Rodrigues(cv2.Rodrigues(rotation)[0] / 2)[0].T
    along = half @ translation_mm
    if abs(along[0]) <= max(abs(along[1]), abs(along[2])):
        raise CalibrationError(
            f"translation_mm = {np.round(translation_mm, 2).tolist()}: "
            "the cameras must stand side by side, the first number largest"
        )
    return "left" if along[0] > 0 else "right"


def save_calibration(calibration: RigCalibration, path: Path) -> None:
    """Write the file in one step: it is there as a whole or not at all. Raises CalibrationError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, dump_calibration(calibration).encode())
    except OSError as error:
        raise CalibrationError(f"cannot write {path}: {error.strerror or error}") from error


def dump_calibration(calibration: RigCalibration) -> str:
    """Return the text of the calibration file."""
    return HEADER + _one_row_per_line(tomli_w.dumps(_to_document(calibration)))


def load_calibration(path: Path) -> RigCalibration:
    """Read and check a calibration file. Raises CalibrationError, which names the file and the key."""
    document = read_toml(path, CalibrationError)
    try:
        return _from_document(document)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error


HEADER = """\
# CycleRig: calibration of one mono + colour rig. Lengths in mm, image positions and sizes in pixels.
# mounting: x_color = rotation · x_mono + translation_mm (x right, y down, z forward).
# search: disparities offset … offset + max_disparity − 1 of the rectified images are looked at.

"""

_TABLES: dict[str, frozenset[str]] = {
    "mono": frozenset({"size_px", "camera_matrix", "distortion"}),
    "color": frozenset({"size_px", "camera_matrix", "distortion"}),
    "mounting": frozenset({"rotation", "translation_mm", "color_side"}),
    "quality": frozenset({"reprojection_px", "epipolar_px"}),
    "search": frozenset({"offset", "max_disparity"}),
}


_SINCE_2 = {"accuracy", "target", "photometric"}


def _to_document(calibration: RigCalibration) -> dict[str, object]:
    def camera(of: CameraCalibration) -> dict[str, object]:
        return {
            "size_px": list(of.size_px),
            "camera_matrix": of.camera_matrix.tolist(),
            "distortion": of.distortion.tolist(),
        }

    document = {
        "schema": SCHEMA,
        "date": calibration.date,
        "mono": camera(calibration.mono),
        "color": camera(calibration.color),
        "mounting": {
            "color_side": calibration.color_side,
            "rotation": calibration.rotation.tolist(),
            "translation_mm": calibration.translation_mm.tolist(),
        },
        "quality": {"reprojection_px": calibration.reprojection_px, "epipolar_px": calibration.epipolar_px},
        "search": {"offset": calibration.offset, "max_disparity": calibration.max_disparity},
        "notes": dict(calibration.notes),
    }
    if calibration.correction is not None:
        document["correction"] = {
            "date": calibration.correction.date,
            "rotation_deg": list(calibration.correction.rotation_deg),
        }
    if calibration.quality is not None:
        document["accuracy"] = quality_to_table(calibration.quality)
    if calibration.target:
        document["target"] = dict(calibration.target)
    if calibration.photometric is not None:
        document["photometric"] = photometric_to_table(calibration.photometric)
    return document


def _one_row_per_line(text: str) -> str:
    """Return the TOML text with every innermost list on one line, so that a matrix looks like one."""
    return re.sub(r"\[\n\s+([^\[\]=]+?),\n\s*\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def _from_document(document: dict[str, object]) -> RigCalibration:
    if "schema" not in document:
        raise CalibrationError("schema is missing: this is no calibration file of CycleRig")
    if document["schema"] not in READABLE or isinstance(document["schema"], bool):
        raise CalibrationError(f"schema is {document['schema']!r}; this version of CycleRig reads 1 and 2")
    since_2 = _SINCE_2 if document["schema"] == 2 else set()
    keys(document, {"schema", "date", *_TABLES}, {"notes", "correction"} | since_2, "")
    tables = {name: table_of(document, name) for name in _TABLES}
    for name, known in _TABLES.items():
        keys(tables[name], known, (), f"{name}.")
    mounting, errors, search = tables["mounting"], tables["quality"], tables["search"]
    notes = table_of(document, "notes") if "notes" in document else {}
    # The dataclasses check what Any hides from the type checker here.
    values: dict[str, object] = {
        "mono": _camera(tables["mono"], "mono"),
        "color": _camera(tables["color"], "color"),
        "date": document["date"],
        "notes": notes,
        "correction": _correction(document),
        "quality": quality_from_table(table_of(document, "accuracy")) if "accuracy" in document else None,
        "target": table_of(document, "target") if "target" in document else {},
        "photometric": _photometric(document),
        **mounting,
        **errors,
        **search,
    }
    return RigCalibration(**values)  # type: ignore[arg-type]


def _correction(document: dict[str, object]) -> Correction | None:
    if "correction" not in document:
        return None
    table = table_of(document, "correction")
    keys(table, {"date", "rotation_deg"}, set(), "correction.")
    return Correction(**table)  # type: ignore[arg-type]


def _photometric(document: dict[str, object]) -> Photometric | None:
    if "photometric" not in document:
        return None
    return photometric_from_table(table_of(document, "photometric"))


def _camera(table: dict[str, object], name: str) -> CameraCalibration:
    try:
        return CameraCalibration(**table)  # type: ignore[arg-type]
    except CalibrationError as error:
        raise CalibrationError(f"{name}.{error}") from error


def _size(value: object, key: str) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise CalibrationError(f"{key} must be [width, height], not {value!r}")
    return whole(value[0], key, 1, LARGEST_SIDE_PX), whole(value[1], key, 1, LARGEST_SIDE_PX)


def _check_date(value: object, key: str) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise CalibrationError(f"{key} must be a date and time with its offset from UTC, not {value!r}")


def _error_px(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CalibrationError(f"{key} must be a number, not {value!r}")
    if not 0 <= value < float("inf"):
        raise CalibrationError(f"{key} = {value} is not an error in pixels (finite, not negative)")
    return float(value)
