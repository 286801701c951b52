"""Folders of small generated pairs, as the page Inspect opens them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from models.data.pairs import Pair
from tests.app.inspecting.scenes import make_pair


def write_rgb(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


def write_pairs(folder: Path, count: int = 3, *, truth: bool = True) -> list[Pair]:
    """Write `mono/`, `color/` and with `truth` also `truth/`; return the pairs."""
    pairs = [make_pair(f"p{number}", number) for number in range(count)]
    for pair in pairs:
        write_rgb(folder / "mono" / f"{pair.name}.png", np.asarray(pair.mono))
        write_rgb(folder / "color" / f"{pair.name}.png", np.asarray(pair.reference))
        if truth and pair.truth is not None:
            write_rgb(folder / "truth" / f"{pair.name}.png", np.asarray(pair.truth))
    return pairs
