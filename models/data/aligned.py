"""Pairs whose rows were evened out as the engine does it: networks are trained on what they will see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from models.data.image_files import Image
from models.data.pairs import Pair, PairSource, WrappedPairs
from models.rows import RowShift, rows_to_move, shift_rows


class AlignedPairs(WrappedPairs):
    """A source's pairs with the rows of the reference moved to where the mono image has them."""

    def __init__(self, source: PairSource) -> None:
        super().__init__(source)
        self._shifts: dict[int, RowShift | None] = {}

    def read(self, index: int) -> Pair:
        """Read a pair. Its rows are measured the first time. Raises ModelError as the source does."""
        pair = super().read(index)
        if index not in self._shifts:
            candidates = pair.max_disparity or pair.mono.shape[1]
            self._shifts[index] = rows_to_move(pair.mono, pair.reference, candidates)
        rows = self._shifts[index]
        return pair if rows is None else replace(pair, reference=_move(pair.reference, rows))


def _move(image: Image, rows: RowShift) -> Image:
    height, width = image.shape[:2]
    planes = torch.from_numpy(image.astype(np.float32)).movedim(-1, 0)[None]
    moved = shift_rows(planes, torch.from_numpy(rows.field(height, width)))[0].movedim(0, -1).numpy()
    moved = moved.round().clip(0, np.iinfo(image.dtype).max).astype(image.dtype)
    return np.ascontiguousarray(moved)
