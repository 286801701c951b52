"""Measures over a part of the picture that a person drew, method by method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.inspecting.maps import MapInput
from app.inspecting.measures import comparable_truth, final_picture
from models import color
from models.evaluation.color_difference import rgb_to_lab
from models.evaluation.measures import SMALLEST_REGION_PX, compare, compare_structure
from models.metrics import WINDOW

Alignment = Literal["mono", "reference"]
Mask = NDArray[np.bool_]
Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Region:
    """A named part of an image.

    Attributes:
        name: what a person calls it; unique in its table.
        aligned: whose pixels it was drawn on.
        kind: "rectangle": two opposite pixels; "lasso": the pixels along its outline.
        points: (x, y) px. Pixels on the outline belong to it.
    """

    name: str
    aligned: Alignment
    kind: Literal["rectangle", "lasso"]
    points: tuple[tuple[int, int], ...]

    @property
    def outline(self) -> tuple[tuple[float, float], ...]:
        """The corners of its outline, around its pixels: pixel i spans i … i + 1."""
        if self.kind == "lasso":
            return tuple((x + 0.5, y + 0.5) for x, y in self.points)
        (x0, y0), (x1, y1) = self.points[0], self.points[-1]
        left, right, top, bottom = min(x0, x1), max(x0, x1) + 1, min(y0, y1), max(y0, y1) + 1
        return ((left, top), (right, top), (right, bottom), (left, bottom))

    def mask(self, height: int, width: int) -> Mask:
        """Return its pixels in an image of this size, H×W; what lies outside is left out."""
        mask = np.zeros((height, width), np.uint8)
        points = np.array(self.points, np.int32).reshape(-1, 2)
        if self.kind == "rectangle":
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            mask[max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = 1
        else:
            cv2.fillPoly(mask, [points], 1)
        return mask.astype(np.bool_)


@dataclass(frozen=True)
class Column:
    """One measure of the table.

    Attributes:
        key: its name in files.
        title: its name on screen, with its unit.
        tip: what it is.
        decimals: digits that make sense.
    """

    key: str
    title: str
    tip: str
    decimals: int

    def text(self, value: float | None) -> str:
        """Return a value as a person reads it."""
        return "–" if value is None or not np.isfinite(value) else f"{value:.{self.decimals}f}"


COLUMNS: tuple[Column, ...] = (
    Column("pixels", "Pixels", "Mono pixels in the region.", 0),
    Column("ssim_rgb", "SSIM", "SSIM of result and truth over the region, mean of R, G and B.", 4),
    Column("psnr_db", "PSNR, dB", "Of result and truth, over the region's pixels.", 2),
    Column("delta_e", "ΔE00", "Mean CIEDE2000 of result and truth.", 2),
    Column(
        "cycle_ssim",
        "Cycle SSIM",
        "SSIM of second pass and reference, mean of Cb and Cr, over the region's place in the reference.",
        4,
    ),
    Column("structure", "Structure", "SSIM of the mono image and the averaged luma.", 4),
    Column("confidence", "Confidence", "Mean: 0 a guess, 1 sure.", 3),
    Column("disparity_px", "Disparity, px", "Median of the disparities in the region.", 1),
    Column("disparity_iqr_px", "IQR, px", "Distance of the quartiles of the disparities.", 1),
    Column("lab_l", "L*", "Mean CIE lightness of the result, 0 … 100.", 1),
    Column("lab_a", "a*", "Mean of the result: green below 0, red above.", 1),
    Column("lab_b", "b*", "Mean of the result: blue below 0, yellow above.", 1),
)


@dataclass(frozen=True)
class RegionRow:
    """What is measured of one region in one method's result; `values` has every key of `COLUMNS`."""

    region: str
    method: str
    values: Values


def measure_region(region: Region, given: MapInput) -> dict[str, float | None]:
    """Return the value of every column, None where it cannot be told. For any thread.

    Measures that need `SMALLEST_REGION_PX` are left out of smaller regions. A region that was drawn on the
    reference takes the mono pixels whose match lies in it, and the other way round for the cycle.
    """
    values: dict[str, float | None] = {column.key: None for column in COLUMNS}
    pair, prediction = given.pair, given.prediction
    drawn = region.mask(*pair.mono.shape)
    matches = _matches(given)
    mono = drawn if region.aligned == "mono" else None if matches is None else _back(drawn, matches)
    reference = (
        drawn if region.aligned == "reference" else None if matches is None else _forth(drawn, matches)
    )
    if reference is not None and reference.any():
        box = _box(reference)
        found = compare(
            prediction.second_pass[box],
            color.as_uint8(pair.reference)[box],
            {"": reference[box]},
        )
        if found:
            values["cycle_ssim"] = (found[""]["ssim_cb"] + found[""]["ssim_cr"]) / 2
    if mono is None or not mono.any():
        values["pixels"] = None if mono is None else 0.0
        return values
    values["pixels"] = float(np.count_nonzero(mono))
    box = _box(mono)
    inside = mono[box]
    final = final_picture(prediction)[box]
    truth = comparable_truth(pair)
    if truth is not None:
        against = compare(final, truth[box], {"": inside}).get("", {})
        values.update({key: against.get(key) for key in ("ssim_rgb", "psnr_db", "delta_e")})
    if prediction.warped_luma is not None:
        alike = compare_structure(prediction.warped_luma[box], color.as_uint8(pair.mono)[box], {"": inside})
        values["structure"] = alike.get("", {}).get("structure")
    values["confidence"] = float(prediction.confidence[mono].mean(dtype=np.float64))
    values.update(_disparities(given, mono))
    lab = rgb_to_lab(final[inside]).mean(axis=0, dtype=np.float64)
    values.update(zip(("lab_l", "lab_a", "lab_b"), (float(v) for v in lab), strict=True))
    return values


def table_text(rows: Iterable[RegionRow]) -> str:
    """Return the table as text for a spreadsheet: one line each, values separated by tabulators."""
    lines = ["\t".join(["Region", "Method", *(column.title for column in COLUMNS)])]
    lines += [
        "\t".join([row.region, row.method, *(column.text(row.values.get(column.key)) for column in COLUMNS)])
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def free_name(taken: Sequence[str]) -> str:
    """Return the first of "Region 1", "Region 2" … that is not taken."""
    number = 1
    while f"Region {number}" in taken:
        number += 1
    return f"Region {number}"


def too_small(region: Region, height: int, width: int) -> bool:
    """Return whether a region has too few pixels for SSIM, PSNR and ΔE."""
    return int(np.count_nonzero(region.mask(height, width))) < SMALLEST_REGION_PX


def _disparities(given: MapInput, mask: Mask) -> dict[str, float | None]:
    if given.prediction.disparity is None:
        return {}
    known = given.prediction.disparity[mask]
    known = known[np.isfinite(known)]
    if known.size == 0:
        return {}
    low, middle, high = (float(v) for v in np.percentile(known, (25, 50, 75)))
    return {"disparity_px": middle, "disparity_iqr_px": high - low}


def _matches(given: MapInput) -> NDArray[np.float32] | None:
    """Return the column of the reference where each mono pixel's colour lies, NaN unknown."""
    disparity = given.prediction.disparity
    if disparity is None:
        return None
    columns = np.arange(disparity.shape[1], dtype=np.float32)
    return columns - disparity if given.search.mirrored else columns + disparity


def _back(reference: Mask, matches: NDArray[np.float32]) -> Mask:
    """Return the mono pixels whose match lies in a part of the reference."""
    width = reference.shape[1]
    known = np.isfinite(matches) & (matches > -0.5) & (matches < width - 0.5)
    columns = np.where(known, np.rint(np.nan_to_num(matches)), 0).astype(np.intp).clip(0, width - 1)
    return np.asarray(known & np.take_along_axis(reference, columns, axis=1))


def _forth(mono: Mask, matches: NDArray[np.float32]) -> Mask:
    """Return the pixels of the reference where a part of the mono image has its matches, gaps closed."""
    width = mono.shape[1]
    known = mono & np.isfinite(matches) & (matches > -0.5) & (matches < width - 0.5)
    rows, columns = np.nonzero(known)
    there = np.zeros(mono.shape, np.uint8)
    there[rows, np.rint(matches[rows, columns]).astype(np.intp).clip(0, width - 1)] = 1
    # Where disparity grows along a row, matches are more than one column apart.
    return np.asarray(cv2.morphologyEx(there, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)


def _box(mask: Mask) -> tuple[slice, slice]:
    """Return the rows and columns around a mask that its measures look at."""
    margin = WINDOW
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )
