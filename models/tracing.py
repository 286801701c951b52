"""Where a colour came from: the pixels of the reference that the first pass averaged, with their weights.

W lives on a grid of cells, and what is averaged are the cells' means of the reference, moved as the matching
moved it: by the offset, and by what rectification left between the rows. A pixel lies between four cells and
gets their averages, interpolated. All of that is linear, so a pixel's colour is a weighted average of cells
of the reference, and the weights can be written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models import color
from models.colorizer import Corners, WeightVolume
from models.rows import RowShift, shift_rows

Image = NDArray[np.uint8] | NDArray[np.uint16]

_OUTSIDE_CHROMA = -128 / 255  # what `black_outside` means by black
_LOBES = 4  # rows that the resampling of rows reaches to each side


@dataclass(frozen=True, eq=False)
class Contributions:
    """What the first-pass colour of one mono pixel was averaged from.

    Attributes:
        stride: px per cell, and between candidates.
        disparities: (D,) px, offset included, of each candidate.
        weights: (D,) W of the pixel over its candidates, sums to 1.
        colors: D×3 YCbCr of each candidate (luma 0 … 1, chroma centred at 0), mean over its cells.
        boxes: N×4 px (left, top, right, bottom) in the reference: cells that were averaged.
        box_weights: (N,) how much each cell contributes, sums to 1.
        box_disparities: (N,) px, of each cell's candidate.
        box_colors: N×3 YCbCr of each cell.
    """

    stride: int
    disparities: NDArray[np.float64]
    weights: NDArray[np.float64]
    colors: NDArray[np.float64]
    boxes: NDArray[np.float64]
    box_weights: NDArray[np.float64]
    box_disparities: NDArray[np.float64]
    box_colors: NDArray[np.float64]

    @cached_property
    def average(self) -> NDArray[np.float64]:
        """The weighted average of all cells, YCbCr: what the first pass must have said."""
        return np.asarray(self.box_weights @ self.box_colors)

    @property
    def pictured(self) -> NDArray[np.uint8]:
        """The candidates' own colours as pictures: D×3 RGB, clipped."""
        planes = torch.from_numpy(np.ascontiguousarray(self.colors.T[..., None]))
        rgb = color.combine(planes[:1], planes[1:])[..., 0].numpy().T
        return np.clip(np.round(rgb * 255), 0, 255).astype(np.uint8)

    @property
    def entropy_bits(self) -> float:
        """Entropy of the weights in bits: 0 for one certain candidate, log2(D) for no idea."""
        positive = self.weights[self.weights > 0]
        return float(-(positive * np.log2(positive)).sum()) + 0.0

    @property
    def effective(self) -> float:
        """Effective number of candidates, 1 / Σ W²: as many alike would be as spread out."""
        return float(1 / np.square(self.weights).sum())


class Tracer:
    """Finds what pixels of one result were averaged from. For one thread; a row of cells is read once.

    Args:
        volume: W of the first pass; the tilt is in its logits (decision 074).
        reference: R_C as it was given to the engine, H×W×3 RGB uint8 or full-scale uint16.
        rows: what was evened out between the rows, as the result says.
        mirrored: the colour camera stands right: the networks saw both images mirrored.
    """

    def __init__(
        self, volume: WeightVolume, reference: Image, rows: RowShift | None, *, mirrored: bool = False
    ) -> None:
        self._volume = volume
        self._reference = reference
        self._mirrored = mirrored
        self._shift = None if rows is None else rows.field(*reference.shape[:2])
        self._rows: dict[int, NDArray[np.float64]] = {}

    def trace(self, x: int, y: int) -> Contributions:
        """Return what mono pixel (y, x), inside the image, was averaged from."""
        volume = self._volume
        corners = volume.corners(x, y)
        weights = volume.at_cells(corners) * corners.shares
        depth = len(weights)
        colors = np.stack(
            [
                self._cells(row)[column : column + depth]
                for row, column in zip(corners.rows, corners.columns, strict=True)
            ],
            axis=1,
        )
        totals = weights.sum(axis=1)
        # A candidate of no weight still has a colour: that of its cells, as near as they are to the pixel.
        shares = np.where(totals[:, None] > 0, weights, corners.shares)
        means = (shares[..., None] * colors).sum(axis=1) / shares.sum(axis=1, keepdims=True)
        disparities = volume.offset + volume.stride * np.arange(depth, dtype=np.float64)
        return Contributions(
            volume.stride, disparities, totals / totals.sum(), means, *self._boxes(corners, weights)
        )

    def _boxes(
        self, corners: Corners, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return places, weights, disparities and colours of the cells, each cell once."""
        volume, depth = self._volume, len(weights)
        first_row, first_column = corners.rows[0], corners.columns[0]
        mass, moment = np.zeros((2, 2, depth + 1))
        touched = np.zeros((2, depth + 1), np.bool_)
        for corner, (row, column) in enumerate(zip(corners.rows, corners.columns, strict=True)):
            if corners.shares[corner] <= 0:
                continue
            here = row - first_row, slice(column - first_column, column - first_column + depth)
            mass[here] += weights[:, corner]
            moment[here] += weights[:, corner] * np.arange(depth)
            touched[here] = True
        places = np.argwhere(touched) + np.array([first_row, first_column])
        shares = mass[touched]
        ks = np.divide(moment[touched], shares, out=places[:, 1] - float(first_column), where=shares > 0)
        colors = np.stack([self._cells(row)[column] for row, column in places])
        disparities = volume.offset + volume.stride * ks
        return self._places(places), shares / shares.sum(), disparities, colors

    def _places(self, cells: NDArray[Any]) -> NDArray[np.float64]:
        """Return where cells (row, column) lie in the reference as it was given: N×4 px."""
        stride, offset = self._volume.stride, self._volume.offset
        height, width = self._reference.shape[:2]
        tops, lefts = cells[:, 0] * stride, cells[:, 1] * stride + offset
        left, right = (np.clip(edge, 0, width) for edge in (lefts, lefts + stride))
        # What lies beyond the border is the last column there.
        left, right = np.minimum(left, width - 1), np.maximum(right, 1)
        if self._mirrored:
            left, right = width - right, width - left
        moved = np.zeros(len(cells))
        if self._shift is not None:
            middle = np.clip((left + right) // 2, 0, width - 1).astype(np.intp)
            moved = self._shift[np.clip(tops + stride // 2, 0, height - 1).astype(np.intp), middle]
        top, bottom = (np.clip(edge, 0, height) for edge in (tops, tops + stride))
        return np.stack([left, np.minimum(top, height - 1) + moved, right, bottom + moved], axis=1)

    def _cells(self, row: int) -> NDArray[np.float64]:
        """Return one row of the reference's cells as its candidates: N×3 YCbCr, entry of column + k."""
        if row not in self._rows:
            self._rows[row] = self._read_cells(row)
        return self._rows[row]

    def _read_cells(self, row: int) -> NDArray[np.float64]:
        volume = self._volume
        stride = volume.stride
        depth, width = volume.logits.shape[1], volume.logits.shape[-1]
        pixels = self._read_rows(row * stride, stride)
        columns = np.arange((width + depth - 1) * stride)
        # The grid is wider than the image: padded with the last column of what was moved by the offset.
        padded = (columns >= pixels.shape[1]) & (columns < width * stride)
        source = np.where(padded, pixels.shape[1] - 1, columns) + volume.offset
        taken = pixels[:, source.clip(0, pixels.shape[1] - 1)]
        if volume.black_outside:
            outside = (source < 0) | (source >= pixels.shape[1])
            taken[:, outside] = (0.0, _OUTSIDE_CHROMA, _OUTSIDE_CHROMA)
        return np.asarray(taken.reshape(stride, -1, stride, 3).mean(axis=(0, 2)))

    def _read_rows(self, first: int, count: int) -> NDArray[np.float64]:
        """Return rows of the reference as the networks saw them, moved and mirrored: count×W×3 YCbCr."""
        height = len(self._reference)
        rows = np.arange(first, first + count).clip(0, height - 1)
        low, high = int(rows[0]), int(rows[-1]) + 1
        margin = 0
        if self._shift is not None:
            margin = int(np.ceil(np.abs(self._shift[low:high]).max())) + _LOBES
        top, bottom = max(low - margin, 0), min(high + margin, height)
        band = self._reference[top:bottom].astype(np.float32) / np.float32(
            np.iinfo(self._reference.dtype).max
        )
        planes = torch.cat(color.split(torch.from_numpy(band).movedim(-1, 0)), dim=0)
        if self._shift is not None:
            planes = shift_rows(planes[None], torch.from_numpy(self._shift[top:bottom]))[0]
        result = planes.movedim(0, -1).numpy()[rows - top].astype(np.float64)
        return np.asarray(result[:, ::-1] if self._mirrored else result)
