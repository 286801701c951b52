"""What is measured of one result, by region.

All measures but those of chroma planes are taken of the 8-bit RGB picture that a user gets: the method's
chroma with the luma of the image that was colorized, rounded and clipped to what a display can show. The
planes Cb and Cr are computed from that picture without rounding again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models import color
from models.evaluation.color_difference import delta_e_2000, rgb_to_lab
from models.evaluation.regions import Mask
from models.metrics import ssim_image

Rgb8 = NDArray[np.uint8]
Gray8 = NDArray[np.uint8]
FloatMap = NDArray[np.float32]

VISIBLE_STEP = 3.5
"""ΔE2000 from which on anyone sees a clear difference in colour (Mokrzycki and Tatol: Color difference
Delta E, Machine Graphics and Vision 20, 2011)."""
SMALLEST_REGION_PX = 100
"""A region with fewer pixels says nothing: its measures are left out."""

MEASURES = ("ssim_rgb", "ssim_cb", "ssim_cr", "psnr_db", "delta_e", "wrong_share")
PSNR_CEILING_DB = 100.0
"""What counts as the PSNR of equal pictures: a mean of infinity would say nothing of the other pairs."""


def chroma_planes(rgb: Rgb8) -> FloatMap:
    """Return (Cb, Cr) in levels around 128, H×W×2 float32, of an H×W×3 picture."""
    levels = rgb.astype(np.float32)
    luma = levels @ np.array([color.LUMA_RED, color.LUMA_GREEN, color.LUMA_BLUE], np.float32)
    cb, cr = (levels[..., 2] - luma) / color.CB_RANGE, (levels[..., 0] - luma) / color.CR_RANGE
    return np.dstack([cb, cr]) + np.float32(color.CHROMA_CENTRE)


def color_error(result: Rgb8, truth: Rgb8) -> FloatMap:
    """Return ΔE2000 of every pixel, H×W."""
    return np.asarray(delta_e_2000(rgb_to_lab(result), rgb_to_lab(truth)), np.float32)


def compare(result: Rgb8, truth: Rgb8, regions: Mapping[str, Mask]) -> dict[str, dict[str, float]]:
    """Return `MEASURES` of every region that has pixels enough.

    Args:
        result, truth: H×W×3.
        regions: masks by name, H×W each.

    The SSIM of a region is the mean of the SSIM map (models.metrics, the paper's protocol) over it, its PSNR
    that of its pixels.
    """
    rgb = ssim_image(result, truth).mean(axis=-1)
    planes = ssim_image(chroma_planes(result), chroma_planes(truth))
    square = np.square(result.astype(np.float32) - truth.astype(np.float32)).mean(axis=-1)
    error = color_error(result, truth)
    found = {}
    for name, mask in regions.items():
        if np.count_nonzero(mask) < SMALLEST_REGION_PX:
            continue
        found[name] = {
            "ssim_rgb": _mean(rgb, mask),
            "ssim_cb": _mean(planes[..., 0], mask),
            "ssim_cr": _mean(planes[..., 1], mask),
            "psnr_db": _psnr_db(_mean(square, mask)),
            "delta_e": _mean(error, mask),
            "wrong_share": float(np.mean(error[mask] > VISIBLE_STEP)),
        }
    return found


def compare_structure(luma: Gray8, mono: Gray8, regions: Mapping[str, Mask]) -> dict[str, dict[str, float]]:
    """Return the SSIM of the averaged luma and the mono image (H×W each) of every region, as `structure`."""
    similarity = ssim_image(luma, mono)
    return {
        name: {"structure": _mean(similarity, mask)}
        for name, mask in regions.items()
        if np.count_nonzero(mask) >= SMALLEST_REGION_PX
    }


def separation(confidence: FloatMap, result: Rgb8, truth: Rgb8, mask: Mask) -> float | None:
    """Return how well confidence tells pixels with an error above `VISIBLE_STEP` from the others, as
    `less_confident` does.
    """
    return less_confident(confidence[mask], color_error(result, truth)[mask] > VISIBLE_STEP)


def less_confident(confidence: FloatMap, wrong: Mask) -> float | None:
    """Return the chance that a wrong pixel has less confidence than a right one, ties counted half. None if
    all are alike.

    This is the area under the ROC curve: 0.5 says nothing, 1 tells all. Both arguments of any one shape.
    """
    levels = np.round(confidence * 255).astype(np.intp)
    wrongs, rights = (np.bincount(levels[which], minlength=256).astype(float) for which in (wrong, ~wrong))
    pairs = wrongs.sum() * rights.sum()
    if pairs == 0:
        return None
    more_confident = rights.sum() - np.cumsum(rights)
    return float((wrongs * (more_confident + rights / 2)).sum() / pairs)


def _mean(values: FloatMap, mask: Mask) -> float:
    return float(values[mask].mean(dtype=np.float64))


def _psnr_db(mean_square: float) -> float:
    if mean_square == 0:
        return PSNR_CEILING_DB
    return min(PSNR_CEILING_DB, 10 * math.log10(255**2 / mean_square))
