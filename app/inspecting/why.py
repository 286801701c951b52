"""Why a pixel got its colour: the candidates, their average, and what the refiner made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from app.inspecting.measures import comparable_truth
from models import color
from models.data.pairs import Pair
from models.engine import CYCLE_ERROR_SCALE, RETURN_ERROR_SCALE, Colorization
from models.evaluation.color_difference import delta_e_2000, rgb_to_lab
from models.evaluation.measures import chroma_planes
from models.tracing import Contributions, Tracer

Rgb = tuple[int, int, int]
Float = NDArray[np.float64]

MOST_SAMPLES = 800
"""Pixels of a line that are looked at; a longer line is sampled evenly."""


@dataclass(frozen=True)
class Factor:
    """One of the numbers whose product is the confidence.

    Attributes:
        name: what was measured.
        measured: with its unit, as a person reads it.
        factor: 0 … 1.
    """

    name: str
    measured: str
    factor: float


@dataclass(frozen=True, eq=False)
class PixelWhy:
    """Everything that is known of one pixel's colour.

    Attributes:
        x, y: mono pixel.
        contributions: cells of the reference, their weights and colours.
        peak_px: disparity, peak of W, offset included.
        match_x: column of the reference that lies there.
        mono_level: I_G of the pixel, 0 … 255.
        cycle_error: |R'_C − R_C| at the match, mean of Cb and Cr, levels.
        return_error_px: by how much the way there and back misses the pixel.
        structure: SSIM of mono and averaged luma around the pixel.
        confidence: of the result.
        factors: what it is the product of.
        average_rgb: the average of all contributions with the mono luma, as a picture would show it.
        first_rgb, refined_rgb, truth_rgb: of the pictures; None where there is no such picture. The truth has
            the mono luma (decision 132).
        residual_levels: largest difference of average_rgb and first_rgb: 0, or 1 where rounding differs.
        clipped: the average with this luma is no colour that a display can show.
        refined_chroma: what the refiner added, (ΔCb, ΔCr) in levels; None without a refiner.
        refined_delta_e: the same as CIEDE2000.
        truth_delta_e: of the final picture and the truth.
    """

    x: int
    y: int
    contributions: Contributions
    peak_px: float
    match_x: float
    mono_level: float
    cycle_error: float
    return_error_px: float
    structure: float
    confidence: float
    factors: tuple[Factor, ...]
    average_rgb: Rgb
    first_rgb: Rgb
    refined_rgb: Rgb | None
    truth_rgb: Rgb | None
    residual_levels: int
    clipped: bool
    refined_chroma: tuple[float, float] | None
    refined_delta_e: float | None
    truth_delta_e: float | None


@dataclass(frozen=True, eq=False)
class LineWhy:
    """What W and the pictures say along a line of mono pixels; N samples.

    Attributes:
        xs, ys: (N,) int, the pixels.
        distances_px: (N,) from the line's beginning.
        disparities: (D,) px of the candidates.
        weights: N×D, W; each row sums to 1.
        peak_px: (N,) disparity of the result.
        true_px: (N,) true disparity, NaN unknown; None without truth.
        luma: (N,) I_G in levels.
        averaged_luma: (N,) luma that W averaged, levels.
        chroma: by picture ("first", "refined", "truth"), N×2 (Cb, Cr) in levels around 0.
        confidence: (N,).
    """

    xs: NDArray[np.intp]
    ys: NDArray[np.intp]
    distances_px: Float
    disparities: Float
    weights: Float
    peak_px: Float
    true_px: Float | None
    luma: Float
    averaged_luma: Float
    chroma: dict[str, Float]
    confidence: Float


class Explainer:
    """Answers for one result. For one thread; a pixel costs some milliseconds, a line some tens of them.

    Args:
        pair: as it was colorized.
        result: with its W.
        refines: whether the refined picture is the method's own (see `models.evaluation.methods`).
    """

    def __init__(self, pair: Pair, result: Colorization, *, refines: bool = True) -> None:
        self.pair = pair
        self.result = result
        self._refined = result.refined if refines else None
        self._truth = comparable_truth(pair)
        self._tracer = Tracer(result.weights, pair.reference, result.rows, mirrored=result.search.mirrored)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the images in px."""
        height, width = self.pair.mono.shape
        return width, height

    def at(self, x: int, y: int) -> PixelWhy:
        """Explain mono pixel (y, x). Raises IndexError outside of the image."""
        width, height = self.size
        if not (0 <= x < width and 0 <= y < height):
            raise IndexError(f"pixel ({x}, {y}) is outside of {width}×{height}")
        result = self.result
        contributions = self._tracer.trace(x, y)
        average, clipped = self._picture_of(contributions.average, x, y)
        first = _rgb(result.first_pass, x, y)
        refined, truth = _rgb_or_none(self._refined, x, y), _rgb_or_none(self._truth, x, y)
        match_x = result.match(x, y)
        arrived = float(result.cycle_error[y, min(max(round(match_x), 0), width - 1)])
        factors = confidence_factors(
            arrived,
            float(result.return_error[y, x]),
            result.weights.stride,
            float(result.structure_similarity[y, x]),
        )
        return PixelWhy(
            x=x,
            y=y,
            contributions=contributions,
            peak_px=float(result.disparity[y, x]),
            match_x=match_x,
            mono_level=float(self.pair.mono[y, x]) * 255 / np.iinfo(self.pair.mono.dtype).max,
            cycle_error=arrived,
            return_error_px=float(result.return_error[y, x]),
            structure=float(result.structure_similarity[y, x]),
            confidence=float(result.confidence[y, x]),
            factors=factors,
            average_rgb=average,
            first_rgb=first,
            refined_rgb=refined,
            truth_rgb=truth,
            residual_levels=max(abs(a - b) for a, b in zip(average, first, strict=True)),
            clipped=clipped,
            refined_chroma=None if refined is None else _chroma_step(first, refined),
            refined_delta_e=None if refined is None else delta_e(first, refined),
            truth_delta_e=None if truth is None else delta_e(refined or first, truth),
        )

    def along(self, start: tuple[int, int], end: tuple[int, int]) -> LineWhy:
        """Explain the mono pixels (x, y) from start to end; both are moved into the image."""
        width, height = self.size
        (x0, y0), (x1, y1) = (
            (min(max(x, 0), width - 1), min(max(y, 0), height - 1)) for x, y in (start, end)
        )
        count = min(max(abs(x1 - x0), abs(y1 - y0)) + 1, MOST_SAMPLES)
        xs = np.rint(np.linspace(x0, x1, count)).astype(np.intp)
        ys = np.rint(np.linspace(y0, y1, count)).astype(np.intp)
        result, volume = self.result, self.result.weights
        weights = volume.curves(xs, ys)
        pictures = {"first": result.first_pass, "refined": self._refined, "truth": self._truth}
        centre = color.CHROMA_CENTRE
        chroma = {
            name: chroma_planes(picture[ys, xs][None])[0].astype(np.float64) - centre
            for name, picture in pictures.items()
            if picture is not None
        }
        true = self.pair.disparity
        return LineWhy(
            xs=xs,
            ys=ys,
            distances_px=np.hypot(xs - x0, ys - y0),
            disparities=volume.offset + volume.stride * np.arange(weights.shape[1], dtype=np.float64),
            weights=weights,
            peak_px=result.disparity[ys, xs].astype(np.float64),
            true_px=None
            if true is None
            else true[ys, xs].astype(np.float64) * (-1 if result.search.mirrored else 1),
            luma=self.pair.mono[ys, xs].astype(np.float64) * 255 / np.iinfo(self.pair.mono.dtype).max,
            averaged_luma=result.warped_luma[ys, xs].astype(np.float64),
            chroma=chroma,
            confidence=result.confidence[ys, xs].astype(np.float64),
        )

    def _picture_of(self, average: Float, x: int, y: int) -> tuple[Rgb, bool]:
        """Return the picture of an average YCbCr with the mono luma, and whether it had to be clipped."""
        luma = float(self.pair.mono[y, x]) / np.iinfo(self.pair.mono.dtype).max
        planes = color.combine(
            torch.tensor([[[luma]]]), torch.tensor(average[1:].reshape(2, 1, 1), dtype=torch.float32)
        )
        levels = planes.flatten().numpy() * 255
        clipped = bool((levels < -0.5).any() or (levels > 255.5).any())
        red, green, blue = (int(v) for v in np.clip(np.round(levels), 0, 255))
        return (red, green, blue), clipped


def confidence_factors(
    cycle_error: float, return_error_px: float, stride: int, structure: float
) -> tuple[Factor, ...]:
    """Return the factors of a pixel's confidence, as the engine multiplies them (decision 073).

    Args:
        cycle_error: levels, at the pixel's match.
        return_error_px: see `Colorization.return_error`.
        stride: of the volume, px per cell.
        structure: SSIM.
    """
    return (
        Factor("Cycle error", f"{cycle_error:.1f} levels", math.exp(-cycle_error / CYCLE_ERROR_SCALE)),
        Factor(
            "Way back misses by",
            f"{return_error_px:.1f} px",
            math.exp(-return_error_px / stride / RETURN_ERROR_SCALE),
        ),
        Factor("Structure (SSIM)", f"{structure:.2f}", (structure + 1) / 2),
    )


def delta_e(first: Rgb, second: Rgb) -> float:
    """Return the CIEDE2000 of two 8-bit RGB colours, taken for sRGB."""
    pair = rgb_to_lab(np.array([first, second], np.uint8))
    return float(delta_e_2000(pair[0], pair[1]))


def _chroma_step(first: Rgb, second: Rgb) -> tuple[float, float]:
    planes = chroma_planes(np.array([[first, second]], np.uint8))[0]
    cb, cr = planes[1] - planes[0]
    return float(cb), float(cr)


def _rgb(picture: NDArray[np.uint8], x: int, y: int) -> Rgb:
    red, green, blue = (int(v) for v in picture[y, x])
    return red, green, blue


def _rgb_or_none(picture: NDArray[np.uint8] | None, x: int, y: int) -> Rgb | None:
    return None if picture is None else _rgb(picture, x, y)
