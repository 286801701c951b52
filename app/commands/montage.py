"""Side-by-side pictures of a colorized pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import LiveResult
from capture.develop import to_8_bits


def side_by_side(result: LiveResult) -> NDArray[np.uint8]:
    """Return mono | reference | first pass | second pass | refined [| truth] as H×(5 or 6)W×3 uint8 RGB."""
    rectified, colorization = result.rectified, result.colorization
    panes = [
        np.repeat(to_8_bits(rectified.mono)[..., None], 3, axis=2),
        to_8_bits(rectified.reference),
        colorization.first_pass,
        colorization.second_pass,
        colorization.refined,
    ]
    if result.truth is not None:
        panes.append(result.truth.color)
    return np.hstack(panes)
