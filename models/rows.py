"""What rectification leaves: content that the reference shows a fraction of a row above or below its own.

A candidate lies in the pixel's own row. Half a pixel of vertical error smears every horizontal edge of what
is averaged, and no weights can mend that. The error of a rigid pair of cameras is smooth, so three numbers
describe it, and a few hundred matched corners tell them to some hundredths of a pixel (decision 076).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.color import as_uint8, luma_uint8

Float = NDArray[np.float32]

_CORNERS = 400
_PATCH = 6  # px to each side of a corner that are compared
_REACH = 3  # rows above and below that are searched
_LEAST_CORRELATION = 0.8
_LEAST_LEAD = 0.08  # over the next best place: repeated patterns are left out
_CONTRAST_SIGMA = 5.0  # px, over which contrast is evened out
_FLOWN_TOO_FAR = 1.5  # px between the whole-pixel match and its refinement
_LEAST_MATCHES = 30
_LARGEST_RESIDUAL = 0.3  # px
_WORTH_IT = 0.08  # px: a resampling costs sharpness, too
_LOBES = 4


@dataclass(frozen=True)
class RowShift:
    """How far below its own row the reference shows what pixel (y, x) of the mono image shows.

    That is offset + stretch·v + shear·u, in px; u and v go from −½ to ½ over width and height.

    Attributes:
        offset_px: in the middle of the image.
        stretch_px: what is added from top to bottom: the images differ in vertical scale.
        shear_px: what is added from left to right: the images are rotated against each other.
        residual_px: median of |row error − fit| over the matches.
        matches: corners that were matched.
    """

    offset_px: float
    stretch_px: float
    shear_px: float
    residual_px: float = 0.0
    matches: int = 0

    @property
    def largest_px(self) -> float:
        """Return the largest |shift| in the image."""
        return abs(self.offset_px) + (abs(self.stretch_px) + abs(self.shear_px)) / 2

    @property
    def is_worth_it(self) -> bool:
        """Whether it is certain and large enough for the reference to be resampled."""
        return self.largest_px >= _WORTH_IT and self.residual_px <= _LARGEST_RESIDUAL

    def field(self, height: int, width: int) -> Float:
        """Return the shift of every pixel in px: H×W float32."""
        v = (np.arange(height) - (height - 1) / 2) / height
        u = (np.arange(width) - (width - 1) / 2) / width
        field = self.offset_px + self.stretch_px * v[:, None] + self.shear_px * u
        return field.astype(np.float32)


@dataclass(frozen=True, eq=False)
class RowMatches:
    """Corners of the mono image, and where the reference shows them: N×2 float32 each, (x, y) in px."""

    mono: Float
    reference: Float

    @property
    def row_errors_px(self) -> Float:
        """Return how much lower each lies in the reference: N."""
        return self.reference[:, 1] - self.mono[:, 1]


def match_rows(
    mono: NDArray[Any], reference_luma: NDArray[Any], first: int, last: int, corners: int = _CORNERS
) -> RowMatches:
    """Match corners of two rectified images; only matches that are alike and unique are kept.

    Args:
        mono: H×W, 8 or 16 bits.
        reference_luma: H×W, of the same height and width.
        first, last: columns to search, relative to the corner's own; first ≤ last.
        corners: how many to try, the strongest ones.
    """
    own, other = _even_contrast(mono), _even_contrast(reference_luma)
    found = cv2.goodFeaturesToTrack(own, corners, 0.02, _PATCH, blockSize=5)
    places = np.zeros((0, 2), np.int32) if found is None else np.rint(found[:, 0]).astype(np.int32)
    pairs = [(place, match) for place in places if (match := _match(own, other, place, first, last))]
    if not pairs:
        return RowMatches(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))
    start = np.array([place for place, _ in pairs], np.float32)
    whole = np.array([match for _, match in pairs], np.float32)
    refined, status, _ = cv2.calcOpticalFlowPyrLK(
        own,
        other,
        start[:, None],
        whole[:, None].copy(),
        winSize=(2 * _PATCH + 1, 2 * _PATCH + 1),
        maxLevel=0,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01),
    )
    refined = refined[:, 0]
    good = (status[:, 0] == 1) & (np.abs(refined - whole).max(axis=1) < _FLOWN_TOO_FAR)
    return RowMatches(start[good], refined[good])


def estimate_rows(
    mono: NDArray[Any],
    reference_luma: NDArray[Any],
    max_disparity: int,
    offset: int = 0,
    mirrored: bool = False,
) -> RowShift | None:
    """Return by how much rows of the reference are off, None where too little matches to tell.

    Args:
        mono: I_G, H×W, 8 or 16 bits.
        reference_luma: R_G, the same.
        max_disparity, offset, mirrored: where content may lie, as in `models.engine.SearchRange`.
    """
    if mirrored:
        mono, reference_luma = (np.ascontiguousarray(image[:, ::-1]) for image in (mono, reference_luma))
    matches = match_rows(mono, reference_luma, offset, offset + max_disparity - 1)
    if len(matches.mono) < _LEAST_MATCHES:
        return None
    height, width = mono.shape
    rows = fit_rows(matches, height, width)
    return replace(rows, shear_px=-rows.shear_px) if mirrored else rows


def rows_to_move(
    mono: NDArray[Any],
    reference: NDArray[Any],
    max_disparity: int,
    offset: int = 0,
    mirrored: bool = False,
) -> RowShift | None:
    """Return what `estimate_rows` says of a pair, if that is certain and large enough to be worth it.

    Args:
        mono: I_G, H×W uint8 or full-scale uint16.
        reference: R_C, H×W×3 RGB, the same.
        max_disparity, offset, mirrored: as for `estimate_rows`.
    """
    rows = estimate_rows(as_uint8(mono), luma_uint8(as_uint8(reference)), max_disparity, offset, mirrored)
    return rows if rows is not None and rows.is_worth_it else None


def fit_rows(matches: RowMatches, height: int, width: int) -> RowShift:
    """Fit a shift to matches in images of this size: least absolute deviations, by reweighting.

    Stretch and shear are held near zero where matches all lie in one place.
    """
    errors = matches.row_errors_px.astype(np.float64)
    x, y = matches.mono.astype(np.float64).T
    v, u = (y - (height - 1) / 2) / height, (x - (width - 1) / 2) / width
    basis = np.stack([np.ones_like(x), v, u], axis=1)
    weights = np.ones_like(errors)
    ridge = np.diag([0.0, 0.3, 0.3])
    for _ in range(20):
        weighted = basis * weights[:, None]
        fit = np.linalg.solve(weighted.T @ basis + ridge, weighted.T @ errors)
        residuals = np.abs(errors - basis @ fit)
        weights = 1 / (residuals + 0.05)
    offset, stretch, shear = (float(v) for v in fit)
    return RowShift(offset, stretch, shear, float(np.median(residuals)), len(errors))


def shift_rows(image: Tensor, field: Tensor) -> Tensor:
    """Return an image whose row y shows what lies `field` px below it: Lanczos, four lobes, along columns.

    Args:
        image: B×C×H×W; rows beyond the border repeat the last one.
        field: H×W, px.
    """
    height, width = image.shape[-2:]
    position = torch.arange(height, device=image.device, dtype=torch.float32)[:, None] + field
    below = position.floor()
    fraction = position - below
    taps = range(1 - _LOBES, _LOBES + 1)
    kernels = [torch.sinc(fraction - k) * torch.sinc((fraction - k) / _LOBES) for k in taps]
    total = torch.stack(kernels).sum(dim=0)
    shifted = torch.zeros_like(image)
    for k, kernel in zip(taps, kernels, strict=True):
        row = (below + k).clamp(0, height - 1).long().expand(*image.shape[:2], height, width)
        shifted = shifted + image.gather(2, row) * (kernel / total)
    return shifted


def _even_contrast(luma: NDArray[Any]) -> NDArray[np.uint8]:
    """Return luma without its local mean and contrast: sensors agree on what is left."""
    values = luma.astype(np.float32) * np.float32(255.0 / (255 if luma.dtype == np.uint8 else 65535))
    height, width = values.shape
    # Mean and contrast are smooth: at a quarter of the size they cost a quarter of the time.
    small = (-(-width // 4), -(-height // 4))
    mean, square = (
        cv2.GaussianBlur(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (0, 0), _CONTRAST_SIGMA / 4)
        for image in (values, values * values)
    )
    contrast = np.sqrt((square - mean * mean).clip(0) + 16)
    mean, contrast = (cv2.resize(image, (width, height)) for image in (mean, contrast))
    even: Float = 128 + 40 * (values - mean) / contrast
    return even.clip(0, 255).astype(np.uint8)


def _match(
    own: NDArray[np.uint8], other: NDArray[np.uint8], place: NDArray[np.int32], first: int, last: int
) -> tuple[float, float] | None:
    """Return the place in `other` that looks like the corner, to whole pixels; None if none or several do."""
    height, width = own.shape
    x, y = int(place[0]), int(place[1])
    left, right = max(_PATCH, x + first), min(width - 1 - _PATCH, x + last)
    inside = _PATCH <= x < width - _PATCH and _PATCH + _REACH <= y < height - _PATCH - _REACH
    if not inside or right < left:
        return None
    patch = own[y - _PATCH : y + _PATCH + 1, x - _PATCH : x + _PATCH + 1]
    rows = slice(y - _PATCH - _REACH, y + _PATCH + _REACH + 1)
    alike = cv2.matchTemplate(other[rows, left - _PATCH : right + _PATCH + 1], patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(alike)
    if best < _LEAST_CORRELATION:
        return None
    alike[:, max(0, column - 3) : column + 4] = -1
    if float(alike.max()) > best - _LEAST_LEAD:
        return None
    return float(left + column), float(y + row - _REACH)
