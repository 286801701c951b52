"""The live preset: matching stride, correlation, masks, any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.colorizer import colorize_cycle
from models.errors import WeightsMismatch
from models.layout import SmallConv3d
from models.live import LiveColorizer, LiveConfig, detail_differences, matching_stride
from models.live_layers import correlate, double
from models.presets import load_networks

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
    torch.testing.assert_close(output.volume.weights.sum(dim=1), torch.ones_like(output.volume.log_total))


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


@pytest.fixture(scope="module")
def detailed() -> LiveColorizer:
    """A network to which detail matters everywhere, differently."""
    torch.manual_seed(4)
    network = LiveColorizer(LiveConfig(volume_budget=20_000)).eval()
    nn.init.normal_(network.detail_weight.weight, std=0.5)
    nn.init.constant_(network.detail_weight.bias, 2.0)
    return network


@pytest.mark.parametrize(("height", "width", "disparity", "offset"), [(33, 41, 13, 0), (50, 101, 30, -3)])
def test_working_in_slices_changes_nothing(
    detailed: LiveColorizer, height: int, width: int, disparity: int, offset: int
) -> None:
    """Without gradients the volume is worked off by candidates; both passes come out the same."""
    torch.manual_seed(5)
    luma, reference = torch.rand(1, 1, height, width), torch.rand(1, 3, height, width)
    whole = colorize_cycle(detailed, luma, reference, disparity, offset)
    with torch.no_grad():
        sliced = colorize_cycle(detailed, luma, reference, disparity, offset)
    for a, b in zip(whole, sliced, strict=True):
        for name in ("chroma", "luma", "disparity", "entropy"):
            torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(a.volume.weights, b.volume.weights, atol=1e-5, rtol=1e-4)
        assert a.volume.mirrored == b.volume.mirrored
    assert whole.second.volume.mirrored
    assert detail_differences(detailed.encode(luma, reference[:, :1], 8, 0, 2)).max() > 0


@pytest.mark.parametrize("offset", [0, 4, -4])
def test_the_second_pass_arrives_where_the_first_came_from(offset: int) -> None:
    """A network that only sees detail finds a planted shift there and back, at any offset and padding."""
    rng = np.random.default_rng(6)
    network = LiveColorizer().eval()
    nn.init.zeros_(network.aggregation.mix)
    nn.init.zeros_(network.aggregation.score.weight)
    nn.init.constant_(network.detail_weight.bias, 100.0)
    planted = 8  # whole cells of the contrast normalisation: detail is the same in both images
    levels = np.stack([rng.permutation(98) for _ in range(37)]) / 98  # no two pixels of a row are alike
    luma = torch.from_numpy(levels).float().view(1, 1, 37, 90 + planted)
    wide = torch.cat([luma, torch.rand(1, 2, 37, 90 + planted) - 0.5], dim=1)
    reference, mono = wide[..., :90], wide[:, :1, :, planted:]
    with torch.no_grad():
        cycle = colorize_cycle(network, mono, reference, 16, offset)
    inside = slice(30, -30)
    for output in cycle:
        assert (output.disparity[..., inside] - planted).abs().median() < 0.3
    assert (cycle.second.chroma - reference[:, 1:])[..., inside].abs().median() < 0.05


def test_a_fine_network_matches_at_a_finer_stride() -> None:
    usual, fine = (load_networks(name).colorizer for name in ("live", "live+fine"))
    assert isinstance(usual, LiveColorizer)
    assert isinstance(fine, LiveColorizer)
    strides = [matching_stride(480, 640, 128, n.config.volume_budget) for n in (usual, fine)]
    assert strides == [4, 2]
    with pytest.raises(WeightsMismatch, match="only the live preset"):
        load_networks("paper+fine")


def test_the_second_pass_matches_the_mirrored_features() -> None:
    """A network that only sees correlations finds a planted shift there and back."""
    torch.manual_seed(7)
    network = LiveColorizer().eval()
    nn.init.constant_(network.aggregation.mix, 200.0)
    nn.init.zeros_(network.aggregation.score.weight)
    nn.init.constant_(network.detail_weight.bias, -30.0)
    nn.init.constant_(network.tilt.bias, -30.0)
    planted = 8
    wide = torch.rand(1, 3, 40, 96 + planted) * 0.5
    with torch.no_grad():
        cycle = colorize_cycle(network, wide[:, :1, :, planted:], wide[..., :96], 16)
    for output in cycle:
        assert (output.disparity[..., 30:-30] - planted).abs().median() < 0.5
