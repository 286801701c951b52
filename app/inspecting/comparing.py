"""How far two pictures of one size are from each other, pixel by pixel. Slow ones can be given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from capture.develop import to_8_bits
from models.errors import ModelError
from models.evaluation.color_difference import delta_e_2000, rgb_to_lab
from models.evaluation.measures import VISIBLE_STEP

Measure = Literal["levels", "delta_e"]
UNITS: dict[Measure, str] = {"levels": "levels", "delta_e": "ΔE00"}
VISIBLE: dict[Measure, float] = {"levels": 8.0, "delta_e": VISIBLE_STEP}
"""Above it, a pixel counts as visibly different."""

_PIXELS_AT_ONCE = 1 << 17


@dataclass(frozen=True, eq=False)
class Difference:
    """What differs between two pictures.

    Attributes:
        values: H×W float32; levels: mean of |Δ| over R, G and B in levels of 255; delta_e: CIEDE2000.
        measure: which of the two.
        mean, median, high: of all pixels; `high` is the 95th percentile.
        visible_share: how many pixels differ by more than `VISIBLE`, 0 … 1.
    """

    values: NDArray[np.float32]
    measure: Measure
    mean: float
    median: float
    high: float
    visible_share: float

    def summary(self) -> str:
        """Return the numbers as one line."""
        unit, limit = UNITS[self.measure], VISIBLE[self.measure]
        return (
            f"mean {self.mean:.2f}   median {self.median:.2f}   95 % {self.high:.1f} {unit}   "
            f"{100 * self.visible_share:.1f} % above {limit:g}"
        )


def difference(
    first: NDArray[Any],
    second: NDArray[Any],
    measure: Measure,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Difference | None:
    """Return how far two pictures are from each other, None if it was cancelled.

    Args:
        first, second: H×W gray or H×W×3 RGB, uint8 or full-scale uint16; gray counts as R = G = B.
        measure: in what.
        is_cancelled: asked between bands of rows.

    Raises:
        ModelError: the sizes differ.
    """
    if first.shape[:2] != second.shape[:2]:
        sizes = " and ".join(f"{image.shape[1]}×{image.shape[0]}" for image in (first, second))
        raise ModelError(f"the pictures are {sizes}: only pictures of one size have a difference")
    height, width = first.shape[:2]
    values = np.empty((height, width), np.float32)
    rows = max(1, _PIXELS_AT_ONCE // width)
    for top in range(0, height, rows):
        if is_cancelled():
            return None
        band = slice(top, top + rows)
        values[band] = _of_band(_rgb8(first[band]), _rgb8(second[band]), measure)
    median, high = (float(v) for v in np.percentile(values, (50, 95)))
    return Difference(
        values, measure, float(values.mean()), median, high, float((values > VISIBLE[measure]).mean())
    )


def _of_band(first: NDArray[np.uint8], second: NDArray[np.uint8], measure: Measure) -> NDArray[np.float32]:
    if measure == "delta_e":
        return np.asarray(delta_e_2000(rgb_to_lab(first), rgb_to_lab(second)), np.float32)
    return np.asarray(np.abs(first.astype(np.float32) - second).mean(axis=2), np.float32)


def _rgb8(image: NDArray[Any]) -> NDArray[np.uint8]:
    eight = to_8_bits(image)
    return eight if eight.ndim == 3 else np.repeat(eight[..., None], 3, axis=2)
