"""Generated scenes: reproducible, and true to their own truth."""

from __future__ import annotations

import numpy as np

from models.data.batches import CropShape, GeneratedBatches
from models.data.layers import generate_pair


def test_the_same_seed_draws_the_same_pair() -> None:
    first, second = (generate_pair(np.random.default_rng(5), 64, 96, 24, []) for _ in range(2))
    np.testing.assert_array_equal(first.reference, second.reference)
    np.testing.assert_array_equal(first.mono, second.mono)


def test_visible_content_lies_disparity_pixels_further_right() -> None:
    """Fetched by the true disparity, the reference has the true colour; unmoved it has not."""
    moved, unmoved = [], []
    for seed in range(6):
        pair = generate_pair(np.random.default_rng(seed), 96, 160, 40, [])
        assert pair.disparity.min() >= 0
        assert pair.disparity.max() <= 40
        y, x = np.nonzero(pair.visible)
        there = np.round(x + pair.disparity[y, x]).astype(int)
        moved.append(np.abs(pair.reference[y, there] - pair.truth[y, x]).mean())
        unmoved.append(np.abs(pair.reference[y, x] - pair.truth[y, x]).mean())
    assert np.mean(moved) < 0.5 * np.mean(unmoved)


def test_a_batch_depends_on_its_step_alone() -> None:
    shapes = (CropShape(48, 64, 16, 2, 1.0),)
    short, long = (GeneratedBatches(3, steps, 1, shapes, None) for steps in (5, 50))
    np.testing.assert_array_equal(short[4].mono, long[4].mono)
    assert not np.array_equal(short[3].mono, short[4].mono)
    assert short[4].reference.shape == (1, 3, 48, 64)
