"""What is measured of one result, for the table: against the truth where there is one, and by itself."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models import color
from models.data.pairs import Pair
from models.engine import SearchRange
from models.evaluation import color_difference, measures, regions
from models.evaluation.measures import VISIBLE_STEP
from models.evaluation.methods import Prediction
from models.evaluation.regions import WHOLE, Mask, visibility
from models.metrics import BORDER
from models.rows import match_rows

Values = Mapping[str, float | None]
Better = Literal["low", "high"]

LEAST_MATCHES = 30
"""Corners that must be matched before their row errors mean something."""
UNSURE = 0.5
"""Confidence below which a pixel counts as unsure."""


@dataclass(frozen=True)
class Measure:
    """One column of the table.

    Attributes:
        key: its name in files.
        title: its name on screen.
        unit: on screen; empty for shares and indices.
        tip: what it is and how to read it.
        better: which values are good; the table begins with the others.
        decimals: digits that make sense.
        tie: two results whose values are no further apart are as good as each other.
    """

    key: str
    title: str
    unit: str
    tip: str
    better: Better
    decimals: int
    tie: float

    def text(self, value: float | None) -> str:
        """Return a value as a person reads it, without its unit."""
        return "–" if value is None or not math.isfinite(value) else f"{value:.{self.decimals}f}"

    @property
    def heading(self) -> str:
        """Return title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


MEASURES: tuple[Measure, ...] = (
    Measure(
        "ssim_rgb",
        "SSIM",
        "",
        "SSIM of the result and the truth, mean of R, G and B, 10 border pixels left out. 1 is equal. If the "
        "mono image is another sensor's, the truth is taken with the mono luma: only colour counts.",
        "high",
        4,
        0.001,
    ),
    Measure(
        "psnr_db", "PSNR", "dB", "Peak signal-to-noise ratio of the result against the truth.", "high", 2, 0.1
    ),
    Measure(
        "delta_e",
        "ΔE00",
        "",
        "Mean CIEDE2000 colour difference of the result and the truth. Below 1 nobody sees it.",
        "low",
        2,
        0.05,
    ),
    Measure(
        "wrong_share",
        f"ΔE00 > {VISIBLE_STEP}",
        "",
        f"Share of the pixels that differ from the truth by more than {VISIBLE_STEP}: anyone sees it.",
        "low",
        3,
        0.002,
    ),
    Measure(
        "cycle_ssim",
        "Cycle SSIM",
        "",
        "SSIM of the second pass and the reference, mean of Cb and Cr. Needs no truth. Read it together with "
        "Structure: copying the reference's colours is a perfect cycle, too.",
        "high",
        4,
        0.001,
    ),
    Measure(
        "structure",
        "Structure",
        "",
        "SSIM of the mono image and the reference's luma taken from where the colours came. Needs no truth.",
        "high",
        4,
        0.002,
    ),
    Measure(
        "confidence",
        "Confidence",
        "",
        "Mean confidence: 0 a guess, 1 sure. Needs no truth.",
        "high",
        3,
        0.005,
    ),
    Measure(
        "unsure_share",
        "Unsure",
        "",
        f"Share of the pixels whose confidence is below {UNSURE}. Needs no truth.",
        "low",
        3,
        0.005,
    ),
    Measure(
        "occluded_share",
        "Occluded",
        "",
        "Share of the pixels that the colour camera does not see, by the true disparity where it is known, "
        "else by that of the result.",
        "low",
        3,
        0.005,
    ),
    Measure(
        "row_residual_px",
        "Row error",
        "px",
        "Median distance of matched corners from their own row: what rectification leaves. Above 0.5 px: "
        "calibrate again.",
        "low",
        2,
        0.05,
    ),
)

BY_KEY: Mapping[str, Measure] = {measure.key: measure for measure in MEASURES}


def measure(pair: Pair, prediction: Prediction, search: SearchRange) -> dict[str, float | None]:
    """Return a value of every key of `MEASURES`, None where it cannot be told.

    Costs about a second for a megapixel; for any thread.

    Args:
        pair: as it was colorized.
        prediction: what a method says of it.
        search: where the colours were searched.
    """
    values: dict[str, float | None] = dict.fromkeys(BY_KEY)
    reference = color.as_uint8(pair.reference)
    mono = color.as_uint8(pair.mono)
    whole = {WHOLE: _inside(pair.mono.shape)}
    truth = comparable_truth(pair)
    if truth is not None:
        found = measures.compare(final_picture(prediction), truth, whole)
        values.update({key: value for key, value in found.get(WHOLE, {}).items() if key in BY_KEY})
    cycle = measures.compare(prediction.second_pass, reference, whole).get(WHOLE)
    if cycle is not None:
        values["cycle_ssim"] = (cycle["ssim_cb"] + cycle["ssim_cr"]) / 2
    if prediction.warped_luma is not None:
        structure = measures.compare_structure(prediction.warped_luma, mono, whole).get(WHOLE)
        values["structure"] = None if structure is None else structure["structure"]
    values["confidence"] = float(prediction.confidence.mean(dtype=np.float64))
    values["unsure_share"] = float((prediction.confidence < UNSURE).mean())
    values["occluded_share"] = occluded_share(pair, prediction, search)
    values["row_residual_px"] = row_residual_px(pair, search)
    return values


def final_picture(prediction: Prediction) -> NDArray[np.uint8]:
    """Return the result that a user gets: refined where the method refines, else the first pass."""
    return prediction.first_pass if prediction.refined is None else prediction.refined


def comparable_truth(pair: Pair) -> NDArray[np.uint8] | None:
    """Return the picture that a perfect result would be, H×W×3: the truth's chroma with the mono luma.

    Where the mono image is another sensor's, its luma is not the truth's, and no method can or should change
    that: only colour is compared. None without a truth.
    """
    if pair.truth is None:
        return None
    truth = color.as_uint8(pair.truth)
    if pair.mono_is_luma:
        return truth
    return color.combine_uint8(color.as_uint8(pair.mono), color.split_uint8(truth)[1])


def occluded_share(pair: Pair, prediction: Prediction, search: SearchRange) -> float | None:
    """Return the share of mono pixels that the colour camera does not see; None where nothing tells."""
    if pair.visible is not None:
        return float(1 - pair.visible.mean(dtype=np.float64))
    disparity = pair.disparity if pair.disparity is not None else prediction.disparity
    if disparity is None:
        return None
    if search.mirrored and pair.disparity is None:
        disparity = -disparity
    seen = visibility(disparity)
    known = np.count_nonzero(np.isfinite(disparity))
    hidden = np.count_nonzero(seen["occluded"] | seen["outside"])
    return hidden / known if known else None


def row_residual_px(pair: Pair, search: SearchRange) -> float | None:
    """Return the median |row error| of matched corners in px, None where too few can be matched."""
    mono = color.as_uint8(pair.mono)
    luma = color.luma_uint8(color.as_uint8(pair.reference))
    if search.mirrored:
        mono, luma = (np.ascontiguousarray(image[:, ::-1]) for image in (mono, luma))
    matches = match_rows(mono, luma, search.offset, search.offset + search.max_disparity - 1)
    if len(matches.mono) < LEAST_MATCHES:
        return None
    return float(np.median(np.abs(matches.row_errors_px)))


@functools.cache
def code_version() -> str:
    """Return the hash of the code that measures: other code, other values."""
    files = (__file__, measures.__file__, regions.__file__, color_difference.__file__)
    return hashlib.sha256(b"".join(Path(str(file)).read_bytes() for file in files)).hexdigest()


def _inside(shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    mask[BORDER:-BORDER, BORDER:-BORDER] = True
    return mask
