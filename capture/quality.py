"""How good a calibration is: errors on views kept back, uncertainties, and a verdict in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capture.checks import at_least_zero, grid, keys, table_of, whole
from capture.errors import CalibrationError

Grade = Literal["excellent", "acceptable", "poor", "unusable"]

# Median row difference of the same corner after rectification, px. Matching compares whole rows: a tenth is
# below what it can tell, at a quarter fine level detail begins to suffer, at a pixel rows are plainly wrong.
EXCELLENT_PX, ACCEPTABLE_PX, POOR_PX = 0.1, 0.25, 1.0
# 95 % of the corners must stay within this many times the limit of the median: a good middle does not make up
# for bad edges. (For errors that are normally distributed it would be 2.9.)
P95_IN_MEDIANS = 4.0
# The median size of normally distributed errors.
MEDIAN_IN_SIGMAS = 0.6745
SHOW_MORE = "tilt the board, and show it in all parts of both images."
LARGEST_TOLD_PX = 10.0
MEANINGS: tuple[tuple[Grade, str], ...] = (
    ("excellent", "rows match better than matching can tell."),
    ("acceptable", "good for colorizing; fine level lines may shimmer a little."),
    ("poor", "colours will bleed along level edges: take more views where it is weak."),
    (
        "unusable",
        "is the board flat and still, are the lenses locked, are the cameras triggered together?",
    ),
)


@dataclass(frozen=True)
class EpipolarErrors:
    """Row differences |y_mono − y_color| of the same points after rectification, in px.

    Attributes:
        views, corners: how many were measured.
        held_out: whether on views that the calibration measured was not solved from.
    """

    views: int
    corners: int
    median_px: float
    rms_px: float
    p95_px: float
    max_px: float
    held_out: bool

    def __post_init__(self) -> None:
        for name in ("views", "corners"):
            whole(getattr(self, name), f"accuracy.epipolar.{name}", 1, 10**9)
        for name in ("median_px", "rms_px", "p95_px", "max_px"):
            number = at_least_zero(getattr(self, name), (), f"accuracy.epipolar.{name}")
            object.__setattr__(self, name, float(number))
        if not isinstance(self.held_out, bool):
            raise CalibrationError("accuracy.epipolar.held_out must be true or false")

    @classmethod
    def of(cls, rows_px: Sequence[NDArray[np.floating]], *, held_out: bool) -> EpipolarErrors:
        """Return the statistics of signed row differences, one array per view."""
        sizes = np.abs(np.concatenate([np.asarray(rows, np.float64).ravel() for rows in rows_px]))
        return cls(
            views=len(rows_px),
            corners=int(sizes.size),
            median_px=float(np.median(sizes)),
            rms_px=float(np.sqrt((sizes**2).mean())),
            p95_px=float(np.percentile(sizes, 95)),
            max_px=float(sizes.max()),
            held_out=held_out,
        )


@dataclass(frozen=True)
class Verdict:
    """A grade and one line that says what it means for the pictures."""

    grade: Grade
    words: str


@dataclass(frozen=True, eq=False)
class Quality:
    """What is kept of a solution in the calibration file.

    Attributes:
        epipolar: errors on held-out views (or, with few, on the views used).
        mono_std, color_std: standard deviations of fx fy cx cy (px) and k1 k2 p1 p2 k3, (9,) each; 0: fixed.
        rotation_std_deg: of the colour camera's turn about x, y, z, (3,).
        translation_std_mm: (3,).
        baseline_std_mm: of the distance of the cameras.
        row_std_px: expected error of the rows over the rectified image, rows × columns of cells: where the
            calibration is weak.
    """

    epipolar: EpipolarErrors
    mono_std: NDArray[np.float64]
    color_std: NDArray[np.float64]
    rotation_std_deg: NDArray[np.float64]
    translation_std_mm: NDArray[np.float64]
    baseline_std_mm: float
    row_std_px: NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = {"mono_std": (9,), "color_std": (9,), "rotation_std_deg": (3,), "translation_std_mm": (3,)}
        for name, shape in shapes.items():
            object.__setattr__(self, name, at_least_zero(getattr(self, name), shape, f"accuracy.{name}"))
        rows = grid(self.row_std_px, "accuracy.row_std_px")
        object.__setattr__(self, "row_std_px", at_least_zero(rows, rows.shape, "accuracy.row_std_px"))
        baseline = at_least_zero(self.baseline_std_mm, (), "accuracy.baseline_std_mm")
        object.__setattr__(self, "baseline_std_mm", float(baseline))

    @property
    def verdict(self) -> Verdict:
        """Return what the errors mean."""
        return judge(self.epipolar, self.row_std_px)


def quality_to_table(quality: Quality) -> dict[str, object]:
    """Return the TOML table of a quality; `quality_from_table` reads it."""
    table: dict[str, object] = {"epipolar": asdict(quality.epipolar)}
    for field in fields(Quality)[1:]:
        value = getattr(quality, field.name)
        # Nobody needs an uncertainty to more than five digits.
        rounded = np.vectorize(lambda number: float(f"{number:.5g}"), otypes=[np.float64])(value)
        table[field.name] = rounded.tolist()
    return table


def quality_from_table(table: dict[str, object]) -> Quality:
    """Return the quality of a TOML table. Raises CalibrationError, which names the key."""
    names = {field.name for field in fields(Quality)}
    keys(table, names, (), "accuracy.")
    epipolar = table_of(table, "epipolar")
    keys(epipolar, {field.name for field in fields(EpipolarErrors)}, (), "accuracy.epipolar.")
    rest = {name: table[name] for name in names - {"epipolar"}}
    return Quality(epipolar=EpipolarErrors(**epipolar), **rest)  # type: ignore[arg-type]


def judge(errors: EpipolarErrors, row_std_px: NDArray[np.float64]) -> Verdict:
    """Return the verdict; docs/calibration-verdicts.md explains the limits.

    Views that are all alike agree with each other whatever is solved from them: what was measured on them
    says nothing of the rest of the image. So the median error that the uncertainties predict over all cells
    of the image must keep the limit too.

    Args:
        errors: measured where the board was.
        row_std_px: predicted over the whole rectified image.
    """
    expected_px = MEDIAN_IN_SIGMAS * float(np.median(row_std_px))
    measured = _level(lambda limit: errors.median_px < limit and errors.p95_px < P95_IN_MEDIANS * limit)
    predicted = _level(lambda limit: expected_px < limit)
    grade, meaning = MEANINGS[max(measured, predicted)]
    if predicted > measured:
        meaning = f"but over the whole image {_about(expected_px)} likely: {SHOW_MORE}"
    where = "on views kept back" if errors.held_out else "on the views it was solved from, so it flatters"
    return Verdict(
        grade,
        f"{grade.capitalize()}: rows differ by {errors.median_px:.3f} px (median; 95 % below "
        f"{errors.p95_px:.2f} px) {where}; {meaning}",
    )


def _level(keeps: Callable[[float], bool]) -> int:
    """Return the first limit that is kept, counted from 0; 3 if none is."""
    limits = (EXCELLENT_PX, ACCEPTABLE_PX, POOR_PX)
    return next((level for level, limit in enumerate(limits) if keeps(limit)), len(limits))


def _about(error_px: float) -> str:
    return f"{error_px:.2f} px are" if error_px < LARGEST_TOLD_PX else "anything is"
