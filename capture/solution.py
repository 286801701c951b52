"""What a solution of a rig is: calibration, errors view by view, progress on the way, and advice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.calibration import Matrix, RigCalibration
from capture.errors import CalibrationError
from capture.frames import Role
from capture.quality import Quality, Verdict

GOOD_COVERAGE = 0.5
FEW_VIEWS = 12
# A baseline less certain than this is not to be trusted.
BASELINE_TOLERANCE = 0.01


class SolveCancelled(CalibrationError):
    """The solution was not wanted any more."""


@dataclass(frozen=True)
class Progress:
    """How far a solution is: `done` of `total` steps; what is worked on, in words."""

    done: int
    total: int
    text: str


@dataclass(frozen=True, eq=False)
class ViewErrors:
    """How well one view fits; None where a camera did not see it.

    Attributes:
        mono_px, color_px: RMS distance of found and projected corners.
        epipolar_px: median row difference after rectification (of the final calibration).
        used: False for a view that was left out.
        why: why it was left out: "excluded", "does not fit", "too few common corners"; else empty.
        dropped: single corners that were left out of the view.
        mono_residuals_px, color_residuals_px: N×2, found minus projected, in the order of the detection.
    """

    name: str
    mono_px: float | None
    color_px: float | None
    epipolar_px: float | None
    used: bool
    why: str
    dropped: int
    mono_residuals_px: Matrix | None
    color_residuals_px: Matrix | None


@dataclass(frozen=True, eq=False)
class RigSolution:
    """A solved calibration and what speaks for and against it.

    Attributes:
        calibration: ready to be saved; `calibration.quality` holds errors, uncertainties and the weak map.
        views: errors per view, in the order given.
        coverage: part of the image in which corners were seen, per camera.
        corner_counts: corners per cell of the raw image, 6×8, per camera.
        advice: what would make the calibration better, one line each.
    """

    calibration: RigCalibration
    views: tuple[ViewErrors, ...]
    coverage: dict[Role, float]
    corner_counts: dict[Role, NDArray[np.int64]]
    advice: tuple[str, ...]

    @property
    def quality(self) -> Quality:
        """Return the quality stored with the calibration."""
        assert self.calibration.quality is not None
        return self.calibration.quality

    @property
    def verdict(self) -> Verdict:
        """Return what the errors mean, in words."""
        return self.quality.verdict


def advice(covered: dict[Role, float], views: int, quality: Quality, baseline_mm: float) -> list[str]:
    """Return what would make a solution better, one line each."""
    words: dict[Role, str] = {"mono": "mono", "color": "colour"}
    lines = [
        f"The board covers {part:.0%} of the {words[role]} image: show it in the corners too."
        for role, part in covered.items()
        if part < GOOD_COVERAGE
    ]
    if views < FEW_VIEWS:
        lines.append(f"Only {views} views: 15 to 30, tilted in all directions, give a better solution.")
    if quality.baseline_std_mm > BASELINE_TOLERANCE * baseline_mm:
        lines.append(
            f"The baseline is uncertain by {quality.baseline_std_mm:.2g} mm of {baseline_mm:.4g}: tilt the "
            "board more, by 30 degrees and over."
        )
    if quality.epipolar.median_px > 1.0:
        lines.append(
            "Rows are off by more than a pixel: is the board flat, are both cameras triggered together?"
        )
    return lines
