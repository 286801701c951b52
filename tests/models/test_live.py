"""The live preset: matching stride, correlation, masks, any size."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layout import SmallConv3d
from models.live import LiveColorizer, LiveConfig, correlate, matching_stride
from models.live import _double as double

BUDGET = LiveConfig().volume_budget


@pytest.fixture(scope="module")
def network() -> LiveColorizer:
    torch.manual_seed(0)
    return LiveColorizer().eval()


def test_matching_stride_follows_image_and_disparities() -> None:
    assert matching_stride(172, 256, 48, BUDGET) == 1
    assert matching_stride(780, 1024, 128, BUDGET) == 4
    assert matching_stride(2748, 3840, 256, BUDGET) > 4
    assert matching_stride(10**5, 10**5, 10**4, BUDGET) == 16


def test_correlation_matches_its_definition() -> None:
    torch.manual_seed(0)
    left, right = torch.rand(1, 4, 2, 6), torch.rand(1, 4, 2, 6)
    volume = correlate(left, right, candidates=3, groups=2)
    assert volume.shape == (1, 2, 3, 2, 6)
    for k in range(3):
        for x in range(6):
            for group in range(2):
                own, other = left[0, 2 * group : 2 * group + 2, 1, x], right[0, 2 * group : 2 * group + 2, 1]
                expected = own @ other[:, x + k] if x + k < 6 else torch.tensor(0.0)
                torch.testing.assert_close(volume[0, group, k, 1, x], expected)


def test_correlation_has_the_right_gradient() -> None:
    torch.manual_seed(0)
    left, right = (torch.rand(2, 4, 2, 5, dtype=torch.double, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: correlate(a, b, 3, 2), (left, right))


def test_doubling_keeps_a_ramp_over_the_candidates() -> None:
    ramp = torch.arange(6.0).view(1, 1, 6, 1, 1).expand(1, 1, 6, 2, 3)
    doubled = double(ramp, candidates=11)
    assert doubled.shape == (1, 1, 11, 4, 6)
    torch.testing.assert_close(doubled[0, 0, 2:8, 0, 0], torch.arange(1, 4, 0.5))


def test_the_turned_convolution_is_the_same_convolution() -> None:
    torch.manual_seed(0)
    turned = SmallConv3d(8, 8, 3, stride=(1, 2, 2), padding=1, bias=False)
    plain = nn.Conv3d(8, 8, 3, stride=(1, 2, 2), padding=1, bias=False)
    plain.load_state_dict(turned.state_dict())
    volume = torch.rand(1, 8, 4, 10, 12)
    torch.testing.assert_close(turned(volume), plain(volume), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("height", "width", "disparity", "offset"),
    [(33, 41, 13, 0), (64, 96, 32, -5), (37, 24, 40, 3), (50, 301, 60, 7)],
)
def test_any_size_gives_full_size_results(
    network: LiveColorizer, height: int, width: int, disparity: int, offset: int
) -> None:
    torch.manual_seed(1)
    luma, reference = torch.rand(1, 1, height, width), torch.rand(1, 3, height, width)
    with torch.inference_mode():
        output = network(luma, reference, disparity, offset)
    assert output.chroma.shape == (1, 2, height, width)
    assert output.luma.shape == (1, 1, height, width)
    assert output.chroma.isfinite().all()
    torch.testing.assert_close(output.volume.weights.sum(dim=1), torch.ones_like(output.volume.entropy))


def test_candidates_outside_the_reference_get_no_weight(network: LiveColorizer) -> None:
    with torch.inference_mode():
        output = network(torch.rand(1, 1, 64, 96), torch.rand(1, 3, 64, 96), 32)
    weights = output.volume.weights[0]
    depth, _, width = weights.shape
    outside = torch.arange(depth)[:, None] + torch.arange(width)[None] >= width
    assert weights.permute(0, 2, 1)[outside].abs().max() == 0
    assert outside.any()


def test_offset_means_the_same_as_moving_the_reference(network: LiveColorizer) -> None:
    """Candidate k with offset o is candidate k of the reference moved left by o."""
    torch.manual_seed(2)
    luma, reference = torch.rand(1, 1, 48, 80), torch.rand(1, 3, 48, 80)
    moved = torch.cat([reference[..., 6:], reference[..., -1:].expand(1, 3, 48, 6)], dim=-1)
    with torch.inference_mode():
        torch.testing.assert_close(network(luma, reference, 16, 6).chroma, network(luma, moved, 16, 0).chroma)
