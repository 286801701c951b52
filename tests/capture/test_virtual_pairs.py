"""Rendered pairs are true to their truth, and none is like another."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from capture.virtual.pairs import RenderedPair, render_pairs, render_sequence

WIDTH, HEIGHT = 192, 144


@cache
def rendered(seed: int) -> tuple[RenderedPair, ...]:
    return tuple(render_pairs(seed, WIDTH, HEIGHT, 2, registered=False))


def fetched(pair: RenderedPair, shift: float = 0.0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    return cv2.remap(pair.reference, x + pair.disparity + np.float32(shift), y, cv2.INTER_LINEAR)


def test_visible_content_lies_disparity_pixels_further_right() -> None:
    for seed in range(2):
        for pair in rendered(seed):
            assert pair.disparity.min() > 0
            assert pair.disparity.max() < WIDTH / 4
            assert 0.7 < pair.visible.mean() < 1
            by_shift = {
                shift: np.abs(fetched(pair, shift).astype(int) - pair.truth)[pair.visible].mean()
                for shift in (-3.0, -1.5, 0.0, 1.5, 3.0)
            }
            assert min(by_shift, key=by_shift.__getitem__) == 0.0, by_shift
            bias = (fetched(pair).astype(int) - pair.truth)[pair.visible]
            assert np.abs(np.median(bias, axis=0)).max() <= 2


def test_images_fit_each_other() -> None:
    pair = rendered(0)[0]
    assert pair.mono.shape == pair.disparity.shape == pair.visible.shape == (HEIGHT, WIDTH)
    assert pair.reference.shape == pair.truth.shape == (HEIGHT, WIDTH, 3)
    assert (pair.mono.dtype, pair.reference.dtype, pair.disparity.dtype) == (np.uint8, np.uint8, np.float32)
    x = np.arange(WIDTH) + pair.disparity
    assert not pair.visible[x > WIDTH - 1].any()


def test_rooms_viewpoints_and_exposures_differ() -> None:
    pairs = [pair for seed in range(2) for pair in rendered(seed)]
    assert [pair.name for pair in pairs] == [f"room{s:04d}-{i}" for s in range(2) for i in range(2)]
    ranges = {(round(float(p.disparity.min()), 2), round(float(p.disparity.max()), 2)) for p in pairs}
    assert len(ranges) >= 2
    levels = [float(np.median(pair.mono)) for pair in pairs]
    assert max(levels) - min(levels) > 20


def test_a_seed_gives_the_same_pairs() -> None:
    first, again = (next(iter(render_pairs(1, 64, 64, 1, registered=False))) for _ in range(2))
    for name in ("mono", "reference", "truth", "disparity", "visible"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_frames_of_a_sequence_differ_in_noise_only() -> None:
    def frames(noisy_db: float) -> list[RenderedPair]:
        return list(render_sequence(1, 96, 72, 2, registered=False, noisy_db=noisy_db))

    changes = []
    for first, second in (frames(0), frames(15)):
        for name in ("truth", "disparity", "visible"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        changes.append(np.abs(first.reference.astype(int) - second.reference).mean())
    assert 0 < 2 * changes[0] < changes[1]


def test_things_move_in_a_sequence_with_time() -> None:
    first, second = render_sequence(1, 160, 120, 2, registered=False, frame_ns=250_000_000)
    moved = (first.truth != second.truth).any(axis=-1)
    assert 0.001 < moved.mean() < 0.5


def test_registered_cameras_see_the_same_from_the_same_place() -> None:
    pair = next(iter(render_pairs(2, WIDTH, HEIGHT, 1, registered=True)))
    assert np.abs(pair.disparity).max() < 0.02
    assert pair.visible.all()
    luma = cv2.cvtColor(pair.reference, cv2.COLOR_RGB2GRAY)
    by_shift = {
        shift: np.corrcoef(
            cv2.Laplacian(pair.mono, cv2.CV_32F)[:, 8:-8].ravel(),
            np.roll(cv2.Laplacian(luma, cv2.CV_32F), shift, axis=1)[:, 8:-8].ravel(),
        )[0, 1]
        for shift in (-2, -1, 0, 1, 2)
    }
    assert max(by_shift, key=by_shift.__getitem__) == 0, by_shift
