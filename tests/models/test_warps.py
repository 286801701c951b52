"""Random warps: the paper's seed grids, resized; reproducible; the same for every image."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.warps import GRIDS, VARIANCES_PX2, Warp, apply_warp, random_warp


def _constant(x: float, y: float, height: int = 40, width: int = 60) -> Warp:
    return Warp(np.full((height, width, 2), (x, y), np.float32), grid=1, variance_px2=1.0)


def test_the_same_seed_draws_the_same_warp() -> None:
    first, second = (random_warp(np.random.default_rng(3), 50, 70) for _ in range(2))
    np.testing.assert_array_equal(first.shift_px, second.shift_px)
    assert first.shift_px.shape == (50, 70, 2)


def test_all_grids_and_variances_of_the_paper_are_drawn_and_no_others() -> None:
    warps = [random_warp(np.random.default_rng(seed), 16, 16) for seed in range(200)]
    assert {w.grid for w in warps} == set(GRIDS) == {1, 2, 3, 4, 5}
    assert {w.variance_px2 for w in warps} == set(VARIANCES_PX2) == {1, 5, 10, 20, 40}


def test_seeds_have_mean_zero_and_the_variance_they_are_named_after() -> None:
    shifts: dict[float, list[float]] = {variance: [] for variance in VARIANCES_PX2}
    for seed in range(6000):
        warp = random_warp(np.random.default_rng(seed), 8, 8)
        if warp.grid == 1:  # the whole map is its seed
            assert np.ptp(warp.shift_px[..., 0]) < 1e-4
            shifts[warp.variance_px2] += [float(v) for v in warp.shift_px[0, 0]]
    for variance, values in shifts.items():
        assert np.var(values) == pytest.approx(variance, rel=0.3)
        assert abs(np.mean(values)) < 4 * np.sqrt(variance / len(values))


def test_finer_grids_bend_more() -> None:
    def bend(grid: int) -> float:
        warps = (random_warp(np.random.default_rng(seed), 64, 64) for seed in range(300))
        return float(np.mean([np.abs(np.diff(w.shift_px, axis=1)).mean() for w in warps if w.grid == grid]))

    assert bend(1) < 1e-5 < bend(2) < bend(3) < bend(5)


def test_a_warped_pixel_shows_what_lies_at_its_shift() -> None:
    rng = np.random.default_rng(0)
    gray = rng.random((40, 60), np.float32)
    rgb = np.stack([gray, 1 - gray, gray], axis=-1)
    moved = apply_warp(gray, _constant(3, -2))
    np.testing.assert_allclose(moved[2:, :-3], gray[:-2, 3:], atol=1e-6)
    np.testing.assert_allclose(apply_warp(rgb, _constant(3, -2))[..., 0], moved, atol=1e-6)


def test_a_warped_image_stays_within_its_range() -> None:
    edge = np.repeat(np.float32([[0, 0, 0, 1, 1, 1]]), 8, axis=0)
    moved = apply_warp(edge, _constant(0.4, 0, 8, 6))
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert 0.1 < moved[4, 2] < 0.9
