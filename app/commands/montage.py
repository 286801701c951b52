"""Side-by-side pictures of a colorized pair."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import LiveResult
from capture.errors import DatasetError
from capture.files import write_atomically


def side_by_side(result: LiveResult) -> NDArray[np.uint8]:
    """Return mono | reference | first pass | second pass | refined [| truth] as H×(5 or 6)W×3 uint8 RGB."""
    rectified, colorization = result.rectified, result.colorization
    panes = [
        np.repeat(_to_8_bits(rectified.mono)[..., None], 3, axis=2),
        _to_8_bits(rectified.reference),
        colorization.first_pass,
        colorization.second_pass,
        colorization.refined,
    ]
    if result.truth is not None:
        panes.append(result.truth.color)
    return np.hstack(panes)


def write_png(image: NDArray[np.uint8], path: Path) -> None:
    """Write an H×W×3 RGB picture in one step. Raises DatasetError."""
    # The fastest compression: these are for looking at, and the next pair is waiting.
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    try:
        write_atomically(path, data.tobytes())
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


def _to_8_bits(image: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    return (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image.astype(np.uint8, copy=False)
