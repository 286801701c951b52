"""Which calibration a pipeline rectifies with, where it came from, and where changes to it are written."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import capture.calibration
from app.pipeline.board import Board
from capture.calibration import RigCalibration, load_calibration, save_calibration
from capture.errors import CalibrationError
from capture.rectify import Rectifier
from capture.rig import RigInfo

TOPIC = "calibration"
PACKAGE = Path(capture.calibration.__file__).resolve().parent
NONE_YET = "Images are not rectified: this rig has no calibration yet."


@dataclass(frozen=True, eq=False)
class CalibrationInUse:
    """A calibration with its maps.

    Attributes:
        path: the file it lives in, None if it was never saved.
        is_ours: corrections may be written to that file. Not into what ships with the app, nor into a
            dataset: its pairs were taken with the calibration that lies there.
    """

    calibration: RigCalibration
    rectifier: Rectifier
    path: Path | None = None
    is_ours: bool = False


class Calibrations:
    """Holds the calibration in use: the rig's own, until another one is chosen. Safe to use from any thread.

    Args:
        errors, notices: where a file that cannot be used, or the lack of one, is told (topic "calibration").
    """

    def __init__(self, errors: Board, notices: Board) -> None:
        self._errors = errors
        self._notices = notices
        self._lock = threading.Lock()
        self._in_use: CalibrationInUse | None = None
        self._is_chosen = False

    @property
    def in_use(self) -> CalibrationInUse | None:
        """Return what pairs are rectified with, None if they are not."""
        with self._lock:
            return self._in_use

    @property
    def calibration(self) -> RigCalibration | None:
        """Return the calibration in use."""
        in_use = self.in_use
        return in_use.calibration if in_use is not None else None

    @property
    def rectifier(self) -> Rectifier | None:
        """Return the maps of the calibration in use."""
        in_use = self.in_use
        return in_use.rectifier if in_use is not None else None

    @property
    def is_chosen(self) -> bool:
        """Return whether `use` has put one in place of the rig's own; then its search range counts, too."""
        with self._lock:
            return self._is_chosen

    def open(self, path: Path | None, *, is_ours: bool) -> None:
        """Take the rig's own file; one that was chosen meanwhile stays, through reconnections.

        What lies in the package itself (the exact calibration of the simulated cameras) is never ours.
        """
        if self.is_chosen:
            return
        in_use = None
        if path is not None:
            try:
                calibration = load_calibration(path)
                ours = is_ours and PACKAGE not in path.resolve().parents
                in_use = CalibrationInUse(calibration, Rectifier(calibration), path, ours)
            except CalibrationError as error:
                self._errors.pin(TOPIC, str(error))
        self._set(in_use)

    def use(self, calibration: RigCalibration, path: Path | None, info: RigInfo | None) -> None:
        """Take another one, from now on.

        Raises CalibrationError: it gives no rectified view, or is for other sizes than the rig's (`info`).
        """
        if info is not None:
            check_sizes(calibration, info)
        in_use = CalibrationInUse(calibration, Rectifier(calibration), path, is_ours=path is not None)
        with self._lock:
            self._is_chosen = True
        self._set(in_use)

    def _set(self, in_use: CalibrationInUse | None) -> None:
        with self._lock:
            self._in_use = in_use
        if in_use is None:
            self._notices.pin(TOPIC, NONE_YET)
        else:
            self._errors.clear(TOPIC)
            self._notices.clear(TOPIC)


def save_keeping_former(calibration: RigCalibration, path: Path) -> None:
    """Write a calibration file; what another calibration left there is kept beside it, under its date.

    Raises CalibrationError.
    """
    if path.is_file():
        try:
            former = load_calibration(path)
        except CalibrationError:
            stamp = "unreadable"  # whatever it is, it is not ours to destroy
        else:
            stamp = "" if former.date == calibration.date else f"{former.date:%Y-%m-%d_%H%M%S}"
        if stamp:
            try:
                path.rename(path.with_name(f"{path.stem}.{stamp}{path.suffix}"))
            except OSError as error:
                raise CalibrationError(f"cannot keep the former {path}: {error.strerror or error}") from error
    save_calibration(calibration, path)


def check_sizes(calibration: RigCalibration, info: RigInfo) -> None:
    """Raise CalibrationError if a rig's images are of another size than the calibration is for."""
    for name, camera, size in (
        ("mono", info.mono, calibration.mono.size_px),
        ("colour", info.color, calibration.color.size_px),
    ):
        if (camera.width, camera.height) != size:
            raise CalibrationError(
                f"the {name} camera sends {camera.width}×{camera.height}, the calibration is for "
                f"{size[0]}×{size[1]}: set the camera to that size, or calibrate the rig at this one"
            )
