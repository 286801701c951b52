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
    batches, others = (GeneratedBatches(3, 1, shapes) for _ in range(2))
    others.batch(0)
    np.testing.assert_array_equal(batches.batch(4).mono, others.batch(4).mono)
    assert not np.array_equal(batches.batch(3).mono, batches.batch(4).mono)
    assert batches.batch(4).reference.shape == (1, 3, 48, 64)


def test_two_processes_draw_what_one_draws_with_the_doubled_batch() -> None:
    shapes = (CropShape(48, 64, 16, 2, 0.5), CropShape(32, 48, 8, 1, 0.5))
    for step in range(3):
        whole = GeneratedBatches(3, 2, shapes).batch(step)
        parts = [GeneratedBatches(3, 1, shapes).batch(step, rank, 2) for rank in range(2)]
        np.testing.assert_array_equal(whole.reference, np.concatenate([part.reference for part in parts]))
