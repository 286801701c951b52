"""Detail and calm that a weighted average lacks, found around the place that W leads to.

All of this is for the refiner: what W averaged stays as it is. Heights and widths are multiples of 4.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.colorizer import ColorizerOutput

_CELL = 4  # pixels per cell of the grid on which places are compared, and local statistics taken
_WINDOW = 5  # cells
_FAINT_VARIANCE = 4e-4  # five grey levels, squared: keeps the noise of flat areas small
_REACH = 2  # pixels around the peak
_UNLIKE = 0.08  # mean difference of normalised luma that costs a place a factor of e
_FAINT_DETAIL = 1e-4  # variance of luma, 0 … 1, below which chroma is not taken to follow it


class Standardized(NamedTuple):
    """A luma image, its local mean and standard deviation, and what is left without them: B×1×H×W each."""

    luma: Tensor
    mean: Tensor
    contrast: Tensor
    normalized: Tensor


def standardize(luma: Tensor) -> Standardized:
    """Take local mean and contrast, over some 20×20 pixels, out of B×1×H×W luma, 0 … 1."""
    cells = torch.cat([F.avg_pool2d(luma, _CELL), F.avg_pool2d(luma * luma, _CELL)], dim=1)
    cells = F.avg_pool2d(cells, _WINDOW, stride=1, padding=_WINDOW // 2, count_include_pad=False)
    mean, square = cells[:, :1], cells[:, 1:]
    contrast = ((square - mean * mean).clamp_min(0) + _FAINT_VARIANCE).sqrt()
    mean, contrast = _full(torch.cat([mean, contrast], dim=1)).split_with_sizes((1, 1), dim=1)
    return Standardized(luma, mean, contrast, (luma - mean) / contrast)


def sharpen(mono: Standardized, reference: Tensor, first: ColorizerOutput) -> tuple[Tensor, Tensor]:
    """Return what W averaged, mixed with what the reference shows around the peaks of W.

    A cell of W stands for several pixels and candidates, so that its average is coarse; and a single pixel of
    the reference brings the colour camera's noise along. Here, every pixel of the mono image is compared with
    its neighbours' places in the reference, at full size: each counts by how well the luma around it
    resembles the mono image. That is non-local means (Buades et al., A non-local algorithm for image
    denoising, CVPR 2005), with the mono image to compare with and the reference to average.

    Args:
        mono: I_G.
        reference: R_C, B×3×H×W YCbCr.
        first: the first pass.

    Returns:
        Luma (B×1×H×W) and chroma (B×2×H×W) of the mixture.
    """
    height, width = mono.luma.shape[-2:]
    fetched = _with_normalized(_sample_row(reference, first.peak))
    around = F.pad(fetched, [_REACH] * 4, mode="replicate")
    places = [_with_normalized(torch.cat([first.luma, first.chroma], dim=1).float())] + [
        around[..., y : y + height, x : x + width]
        for y, x in itertools.product(range(2 * _REACH + 1), repeat=2)
    ]
    unlike = torch.cat([_difference(mono.normalized, place[:, 3:]) for place in places], dim=1)
    shares = (-unlike / _UNLIKE).softmax(dim=1)
    mixed = torch.zeros_like(fetched[:, :3])
    for k, place in enumerate(places):
        mixed.addcmul_(_full(shares[:, k : k + 1]), place[:, :3])
    return mixed[:, :1], mixed[:, 1:]


def mismatch(mono: Standardized, found: Standardized) -> Tensor:
    """Return how unlike two images are in cells of 4×4 pixels: B×1×H/4×W/4, the mean absolute difference in
    local standard deviations.
    """
    return _difference(mono.normalized, found.normalized)


def detail_chroma(mono: Standardized, found: Standardized, chroma: Tensor) -> Tensor:
    """Return the chroma that goes with the luma detail that a picture lacks: B×2×H×W.

    Within a neighbourhood, chroma follows luma: shading scales both, an edge changes both. The slope is taken
    from fine detail of the picture itself, the missing luma is that of the mono image, with its local
    contrast made that of the picture, for the two sensors differ.

    Args:
        mono: I_G.
        found: luma of the picture.
        chroma: B×2×H×W, centred, of the picture.
    """
    image = torch.cat([found.luma, chroma], dim=1)
    fine = image - F.interpolate(F.avg_pool2d(image, 2), scale_factor=2.0, mode="bilinear")
    together = F.avg_pool2d(fine * fine[:, :1], _CELL)
    slope = _full(together[:, 1:] / (together[:, :1] + _FAINT_DETAIL))
    return slope * (mono.normalized - found.normalized) * found.contrast


def _with_normalized(image: Tensor) -> Tensor:
    """Append the normalised luma to a YCbCr image: B×4×H×W."""
    return torch.cat([image, standardize(image[:, :1]).normalized], dim=1)


def _difference(wanted: Tensor, found: Tensor) -> Tensor:
    return F.avg_pool2d((wanted - found).abs_(), _CELL)


def _full(cells: Tensor) -> Tensor:
    """Bring cells to full size."""
    return F.interpolate(cells, scale_factor=float(_CELL), mode="bilinear")


def _sample_row(image: Tensor, shift: Tensor) -> Tensor:
    """Return the image `shift` px further right, linear between columns, the border repeated outside.

    Args:
        image: B×C×H×W.
        shift: B×1×H×W px.
    """
    height, width = image.shape[-2:]
    column = (torch.arange(width, device=image.device) + shift[:, 0].float()).clamp(0, width - 1)
    row = torch.arange(height, device=image.device, dtype=column.dtype)[:, None].expand_as(column)
    places = torch.stack([(2 * column + 1) / width - 1, (2 * row + 1) / height - 1], dim=-1)
    return F.grid_sample(image.float(), places, mode="bilinear", align_corners=False)
