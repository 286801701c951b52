"""Colour conversions agree with OpenCV's and undo each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from models import color

CHROMA_TOLERANCE = 0.9
"""Levels. OpenCV rounds Y before it takes differences to it, then rounds again: 0.5 · 0.713 + 0.5."""


@pytest.fixture
def rgb() -> np.ndarray:
    """Every combination of 16 levels per channel, once: 64×64×3 uint8."""
    levels = np.linspace(0, 255, 16).astype(np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(64, 64, 3)


def as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].double()


def test_split_is_opencvs_ycrcb_with_chroma_centred_and_in_cb_cr_order(rgb: np.ndarray) -> None:
    y, chroma = color.split(as_tensor(rgb))
    expected = as_tensor(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))
    assert (y[0, 0] - expected[0, 0]).abs().max() <= 0.51
    assert (chroma[0, 0] + 128 - expected[0, 2]).abs().max() <= CHROMA_TOLERANCE
    assert (chroma[0, 1] + 128 - expected[0, 1]).abs().max() <= CHROMA_TOLERANCE


def test_pure_blue_and_red_have_their_own_chroma_channel() -> None:
    blue, red = torch.zeros(2, 1, 3, 1, 1)
    blue[0, 2] = red[0, 0] = 1.0
    assert color.split(blue)[1].flatten().tolist() == pytest.approx([0.5, -0.114 / 1.402])
    assert color.split(red)[1].flatten().tolist() == pytest.approx([-0.299 / 1.772, 0.5])


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 7), (2, 4, 3, 5, 7)])
def test_combine_undoes_split_for_any_leading_shape(shape: tuple[int, ...]) -> None:
    rgb = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y, chroma = color.split(rgb)
    assert y.shape == (*shape[:-3], 1, 5, 7)
    assert chroma.shape == (*shape[:-3], 2, 5, 7)
    torch.testing.assert_close(color.luma(rgb), y)
    torch.testing.assert_close(color.combine(y, chroma), rgb)


def test_conversions_are_differentiable() -> None:
    rgb = torch.rand(
        1, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
    ).requires_grad_()
    assert torch.autograd.gradcheck(color.split, (rgb,))
    y, chroma = color.split(rgb.detach())
    assert torch.autograd.gradcheck(color.combine, (y.requires_grad_(), chroma.requires_grad_()))


def test_uint8_round_trip_stays_within_rounding(rgb: np.ndarray) -> None:
    y, chroma = color.split_uint8(rgb)
    assert y.dtype == chroma.dtype == np.uint8
    assert (y.shape, chroma.shape) == ((64, 64), (64, 64, 2))
    np.testing.assert_array_equal(color.luma_uint8(rgb), y)
    back = color.combine_uint8(y, chroma).astype(int)
    assert np.abs(back - rgb).max() <= 2


def test_uint8_and_float_versions_agree(rgb: np.ndarray) -> None:
    y, chroma = color.split_uint8(rgb)
    exact_y, exact_chroma = color.split(as_tensor(rgb))
    assert np.abs(exact_y[0, 0].numpy() - y).max() <= 0.51
    assert (
        np.abs(exact_chroma[0].permute(1, 2, 0).numpy() + color.CHROMA_CENTRE - chroma).max()
        <= CHROMA_TOLERANCE
    )


def test_neutral_chroma_gives_gray() -> None:
    y = np.arange(256, dtype=np.uint8).reshape(16, 16)
    gray = color.combine_uint8(y, np.full((16, 16, 2), color.CHROMA_CENTRE, np.uint8))
    np.testing.assert_array_equal(gray, np.dstack([y, y, y]))
