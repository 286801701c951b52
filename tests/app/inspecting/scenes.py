"""Pairs with a known answer, made without a network: what inspection measures and draws in tests."""

from __future__ import annotations

import cv2
import numpy as np

from models import color
from models.data.pairs import Pair
from models.evaluation.methods import Prediction

HEIGHT, WIDTH, SHIFT = 96, 160, 6


def make_pair(name: str = "p0", seed: int = 0, *, truth: bool = True) -> Pair:
    """Return smooth coloured noise, seen SHIFT px further right by the colour camera."""
    rng = np.random.default_rng(seed)
    wide = cv2.GaussianBlur(rng.random((HEIGHT, WIDTH + SHIFT, 3)).astype(np.float32), (0, 0), 2.0)
    wide = (wide - wide.min()) / (wide.max() - wide.min()) * 255
    scene = np.ascontiguousarray(wide.astype(np.uint8))
    # Column x of what the mono camera sees is column x + SHIFT of the reference.
    seen, reference = scene[:, SHIFT:], scene[:, :WIDTH]
    seen, reference = np.ascontiguousarray(seen), np.ascontiguousarray(reference)
    return Pair(
        name=name,
        scene=name,
        mono=color.luma_uint8(seen),
        reference=reference,
        truth=seen if truth else None,
        disparity=np.full((HEIGHT, WIDTH), SHIFT, np.float32),
        max_disparity=2 * SHIFT,
        mono_is_luma=True,
    )


def predict(pair: Pair, error: int = 0) -> Prediction:
    """Return a prediction that is off by `error` levels of red everywhere; 0 is the truth itself."""
    assert pair.truth is not None
    first = color.as_uint8(pair.truth).copy()
    first[..., 0] = np.clip(first[..., 0].astype(int) + error, 0, 255)
    second = color.as_uint8(pair.reference).copy()
    second[..., 2] = np.clip(second[..., 2].astype(int) + error, 0, 255)
    confidence = np.full((HEIGHT, WIDTH), 0.9, np.float32)
    confidence[: HEIGHT // 4] = 0.2
    return Prediction(
        first_pass=first,
        second_pass=second,
        confidence=confidence,
        warped_luma=color.as_uint8(pair.mono),
        disparity=np.full((HEIGHT, WIDTH), SHIFT, np.float32),
    )
