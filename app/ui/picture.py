"""From the networks' arrays to pictures that a widget can paint at once. Runs outside the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.ui.overlays import paint_mask
from capture.develop import to_8_bits

SMALLEST_LEVEL = 320
"""Halving stops when a picture is no wider than this: no pane is much smaller."""

COLOUR_MAPS = ("viridis", "cividis", "magma", "inferno", "plasma")
"""Perceptually uniform maps that come with pyqtgraph."""


@dataclass(frozen=True)
class Scale:
    """How values become colours: `low` … `high` span the colour map, what lies beyond is clipped."""

    low: float
    high: float
    unit: str
    colour_map: str


@dataclass(frozen=True, eq=False)
class Picture:
    """One layer, ready to be painted.

    Attributes:
        values: what is shown: H×W (uint8, uint16, float32) or H×W×3 RGB.
        levels: the picture at full size, half, quarter … as RGB32 images, each averaged from the one before.
        scale: what the colours of a map mean; None for gray and RGB.
        buffers: the memory the images look at; kept alive with them.
    """

    values: NDArray[Any]
    levels: tuple[QImage, ...]
    scale: Scale | None
    buffers: tuple[NDArray[np.uint8], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.values.shape[1], self.values.shape[0]

    def has(self, x: int, y: int) -> bool:
        """Return whether a pixel lies in it."""
        width, height = self.size
        return 0 <= x < width and 0 <= y < height

    def level_for(self, device_scale: float) -> int:
        """Return the smallest level that needs no blowing up at `device_scale` screen per image pixels."""
        level = 0
        while level + 1 < len(self.levels) and device_scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return level


@lru_cache(maxsize=16)
def colour_table(name: str) -> NDArray[np.uint8]:
    """Return a colour map as 1×256×4 uint8 BGRA (the memory order of RGB32)."""
    rgb = pg.colormap.get(name).getLookupTable(nPts=256)
    table = np.full((1, 256, 4), 255, np.uint8)
    table[0, :, :3] = rgb[:, ::-1]
    table.flags.writeable = False
    return table


def make_picture(
    values: NDArray[Any], scale: Scale | None = None, mask: NDArray[np.uint8] | None = None
) -> Picture:
    """Return the picture of an array.

    Args:
        values: H×W or H×W×3 RGB; uint8 or full-scale uint16, or with `scale` H×W of any real type.
        scale: how values become colours.
        mask: H×W codes of what lies over it (`app/ui/overlays.py`); values stay what they are.
    """
    if scale is not None:
        full = _mapped(values, scale)
    else:
        eight = to_8_bits(values)
        code = cv2.COLOR_GRAY2BGRA if eight.ndim == 2 else cv2.COLOR_RGB2BGRA
        full = np.asarray(cv2.cvtColor(eight, code), np.uint8)
    if mask is not None and mask.shape == full.shape[:2]:
        paint_mask(full, mask)
    buffers = [full]
    while buffers[-1].shape[1] > SMALLEST_LEVEL and min(buffers[-1].shape[:2]) >= 2:
        height, width = buffers[-1].shape[:2]
        # INTER_AREA at exactly one half averages 2×2 pixels: no aliasing of a large sensor in a small pane.
        half = cv2.resize(buffers[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        buffers.append(np.asarray(half, np.uint8))
    return Picture(values, tuple(_image(buffer) for buffer in buffers), scale, tuple(buffers))


def _mapped(values: NDArray[Any], scale: Scale) -> NDArray[np.uint8]:
    span = max(scale.high - scale.low, 1e-9)
    factor = 255.0 / span
    # One pass in C that scales, rounds and clips; NaN (no value) becomes the lowest colour.
    finite = np.nan_to_num(values, nan=scale.low, posinf=scale.high, neginf=scale.low)
    indices = np.clip((finite - scale.low) * factor + 0.5, 0, 255).astype(np.uint8)
    table = colour_table(scale.colour_map)
    return np.asarray(cv2.LUT(cv2.merge([indices] * 4), table), np.uint8)


def _image(buffer: NDArray[np.uint8]) -> QImage:
    height, width = buffer.shape[:2]
    return QImage(buffer.data, width, height, width * 4, QImage.Format.Format_RGB32)


def nice_ceiling(value: float, steps: tuple[float, ...] = (1.0, 2.0, 5.0)) -> float:
    """Return the round number (1, 2, 5 × 10ⁿ) at or above a positive value: a live scale must not flicker."""
    if not np.isfinite(value) or value <= 0:
        return steps[0]
    exponent = float(np.floor(np.log10(value)))
    for step in (*steps, 10.0):
        candidate = float(step * 10.0**exponent)
        if value <= candidate * 1.000001:
            return candidate
    raise AssertionError("unreachable: ten times the decade is never below the value")
