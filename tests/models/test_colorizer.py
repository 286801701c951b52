"""The weight volume, the weighted average and the cycle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from models.colorizer import (
    ColorizerOutput,
    SecondPass,
    WeightVolume,
    average_candidates,
    colorize_cycle,
    shift_reference,
)


def _volume(weights: Tensor, stride: int = 1, *, mirrored: bool = False) -> WeightVolume:
    depth = weights.shape[1] * stride
    return WeightVolume(weights.log(), torch.zeros_like(weights[:, 0]), stride, depth, 0, mirrored)


def test_average_takes_candidate_k_from_column_x_plus_k() -> None:
    torch.manual_seed(0)
    weights, values = torch.rand(1, 4, 3, 6), torch.rand(1, 2, 3, 6)
    expected = torch.zeros(1, 2, 3, 6)
    for k in range(4):
        for x in range(6):
            expected[..., x] += weights[:, k : k + 1, :, x] * values[..., min(x + k, 5)]
    torch.testing.assert_close(average_candidates(weights, values), expected)


def test_average_has_the_right_gradient() -> None:
    torch.manual_seed(0)
    weights = torch.rand(1, 3, 2, 5, dtype=torch.double, requires_grad=True)
    values = torch.rand(1, 2, 2, 5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(average_candidates, (weights, values))


@pytest.mark.parametrize("offset", [-3, 0, 2])
def test_shift_puts_candidate_zero_on_the_pixel_itself(offset: int) -> None:
    reference = torch.arange(8.0).view(1, 1, 1, 8)
    shifted = shift_reference(reference, offset)[0, 0, 0]
    assert shifted.tolist() == [float(min(max(x + offset, 0), 7)) for x in range(8)]


def test_curve_reads_the_cell_of_the_pixel() -> None:
    weights = torch.rand(1, 5, 4, 6).softmax(dim=1)
    curve = _volume(weights).curve(2, 3)
    np.testing.assert_allclose(curve, weights[0, :, 3, 2], atol=1e-6)
    mirrored = _volume(weights, mirrored=True).curve(2, 3)
    np.testing.assert_allclose(mirrored, weights[0, :, 3, 6 - 1 - 2], atol=1e-6)


def test_curve_has_one_entry_per_pixel_of_disparity_and_sums_to_one() -> None:
    weights = torch.zeros(1, 8, 5, 5)
    weights[:, 3] = 1
    curve = _volume(weights, stride=2).curve(7, 1)
    assert curve.shape == (16,)
    assert curve.argmax() == 6
    assert curve.sum() == pytest.approx(1)


def test_peak_lies_between_candidates_that_share_the_weight() -> None:
    weights = torch.zeros(1, 8, 1, 2)
    weights[0, 2:4, 0, 0] = 0.5
    weights[0, 7, 0, 1] = 1
    position, mass = _volume(weights, stride=2).peak()
    assert position[0, 0].tolist() == [5.0, 14.0]
    assert mass[0, 0].tolist() == [1.0, 1.0]


class _ShiftNetwork:
    """Believes that everything lies `shift` pixels further right."""

    second_pass = SecondPass()

    def __init__(self, shift: int) -> None:
        self.shift = shift

    def __call__(
        self, luma: Tensor, reference: Tensor, max_disparity: int, offset: int = 0
    ) -> ColorizerOutput:
        assert luma.shape[1] == 1
        weights = torch.zeros(1, max_disparity, *luma.shape[-2:])
        weights[:, self.shift] = 1
        averaged = average_candidates(weights, shift_reference(reference, offset))
        nothing = torch.zeros_like(luma)
        volume = WeightVolume(weights.log(), nothing[:, 0], 1, max_disparity, offset)
        disparity = nothing + offset + self.shift
        return ColorizerOutput(averaged[:, 1:], averaged[:, :1], disparity, nothing, disparity, volume)


def test_the_cycle_arrives_back_where_content_was_visible() -> None:
    """A constant shift cycles perfectly: I_C(x) = R_C(x + s), R'_C(x) = I_C(x − s)."""
    torch.manual_seed(0)
    reference = torch.rand(1, 3, 4, 20) - 0.25
    cycle = colorize_cycle(_ShiftNetwork(3), torch.rand(1, 1, 4, 20), reference, 8)
    torch.testing.assert_close(cycle.first.chroma[..., :17], reference[:, 1:, :, 3:])
    torch.testing.assert_close(cycle.second.chroma[..., 3:], reference[:, 1:, :, 3:])
    assert cycle.second.volume.mirrored
