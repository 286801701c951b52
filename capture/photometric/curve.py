"""Values and light: the camera's curve taken off and put on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capture.frames import Image


def full_scale(image: Image) -> float:
    """Return the largest value of a developed image's type: 255 or 65535."""
    return float(np.iinfo(image.dtype).max)


def to_light(values: NDArray[np.floating], gamma: float, black_level: float) -> NDArray[np.float64]:
    """Return light of values 0 … 1: 1 at full scale, 0 in the dark, below 0 for noise under it."""
    black = black_level ** (1 / gamma)
    light = np.asarray(values, np.float64) ** (1 / gamma)
    return np.asarray((light - black) / (1 - black))


def to_values(light: NDArray[np.floating], gamma: float) -> NDArray[np.float64]:
    """Return values 0 … 1 of light, clipped."""
    return np.asarray(np.clip(np.asarray(light, np.float64), 0, 1) ** gamma)
