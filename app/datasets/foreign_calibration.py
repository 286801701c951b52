"""The calibration of pairs that something else took, where it is known, with the range their scenes need."""

from __future__ import annotations

from dataclasses import replace

from capture.calibration import RigCalibration, load_calibration
from capture.datasets.foreign import Found, camera_numbers
from capture.datasets.kitti import read_calibration

_MEASURED_PAIRS = 5


def found_calibration(found: Found) -> RigCalibration | None:
    """Return what the files beside the pairs say, None if there are none.

    Raises CalibrationError: what they say cannot be used; DatasetError: a pair cannot be read.
    """
    own = found.folder / "calibration.toml"
    if own.is_file():
        return load_calibration(own)
    if found.calib is None:
        return None
    mono, color = found.read(found.names[0])
    sizes = [(image.shape[1], image.shape[0]) for image in (mono, color)]
    return read_calibration(found.calib, *camera_numbers(found), sizes[0], sizes[1])


def with_measured_range(calibration: RigCalibration, found: Found) -> RigCalibration:
    """Return the calibration with the search range that some of the pairs need.

    Raises CalibrationError: too little can be matched in them; DatasetError: a pair cannot be read.
    """
    from app.calibrating.ranges import scene_range
    from capture.rectify import Rectifier

    rectifier = Rectifier(calibration)
    step = max(1, len(found.names) // _MEASURED_PAIRS)
    pairs = [rectifier.rectify(*found.read(name)) for name in found.names[::step][:_MEASURED_PAIRS]]
    proposal = scene_range(pairs, rectifier, mirrored=calibration.mirrored).proposal
    return replace(calibration, offset=proposal.offset, max_disparity=proposal.count)
