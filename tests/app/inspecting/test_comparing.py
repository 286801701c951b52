"""Differences of two pictures: right numbers, also for gray and 16 bits, and given up when asked."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from app.inspecting.comparing import difference
from models.errors import ModelError
from models.evaluation.color_difference import delta_e_2000, rgb_to_lab


def pictures(height: int = 300, width: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return tuple(rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(2))


def test_levels() -> None:
    first, second = pictures()
    found = difference(first, second, "levels")
    assert found is not None
    expected = np.abs(first.astype(int) - second).mean(axis=2)
    assert np.allclose(found.values, expected, atol=1e-4)
    assert found.mean == pytest.approx(expected.mean(), rel=1e-5)
    assert found.visible_share == pytest.approx((expected > 8).mean())


def test_delta_e_in_bands_is_that_of_the_whole() -> None:
    first, second = pictures()
    found = difference(first, second, "delta_e")
    assert found is not None
    assert np.allclose(found.values, delta_e_2000(rgb_to_lab(first), rgb_to_lab(second)), atol=1e-4)
    others = deltaE_ciede2000(rgb2lab(first[:20, :20]), rgb2lab(second[:20, :20]))
    assert np.abs(found.values[:20, :20] - others).max() < 0.1


def test_equal_pictures_do_not_differ() -> None:
    first, _ = pictures(20, 30)
    for measure in ("levels", "delta_e"):
        found = difference(first, first.copy(), measure)
        assert found is not None
        assert found.values.max() == 0
        assert found.visible_share == 0


def test_gray_counts_as_three_equal_channels_and_16_bits_by_their_upper_byte() -> None:
    gray = np.full((20, 30), 100, np.uint8)
    wide = np.full((20, 30, 3), 110 * 257, np.uint16)
    found = difference(gray, wide, "levels")
    assert found is not None
    assert np.all(found.values == 10)


def test_cancelled_and_unequal() -> None:
    first, second = pictures()
    assert difference(first, second, "delta_e", lambda: True) is None
    with pytest.raises(ModelError, match="600×300 and 600×299"):
        difference(first, second[1:], "levels")
