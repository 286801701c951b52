"""The refiner: what it sees, how colours spread."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.colorizer import ColorizerOutput, WeightVolume
from models.refiner import Refiner, return_error


def _first(height: int, width: int, chroma: Tensor, disparity: float = 0.0) -> ColorizerOutput:
    logits = torch.zeros(1, 4, height, width)
    volume = WeightVolume(logits, logits.logsumexp(1), 1, 4, 0)
    luma = torch.full((1, 1, height, width), 0.5)
    peak = torch.full_like(luma, disparity)
    return ColorizerOutput(chroma, luma, peak, torch.ones_like(luma), peak, volume)


def test_the_way_back_of_a_visible_pixel_ends_where_it_began() -> None:
    """A surface at disparity 6 hides one at 2: pixels that are hidden come back elsewhere."""
    there = torch.full((1, 1, 1, 40), 2.0)
    there[..., 10:20] = 6  # in front
    back = torch.full((1, 1, 1, 40), 2.0)
    back[..., 16:26] = 6  # the same surface where the colour camera sees it
    error = return_error(there, back)[0, 0, 0]
    hidden = torch.zeros(40, dtype=torch.bool)
    hidden[20:24] = True  # x + 2 falls on columns 22 … 25, which the surface in front covers
    assert error[:38][~hidden[:38]].max() == 0
    assert (error[hidden] == 4).all()
    assert (error[38:] == 40).all(), "beyond the border there is no way back"


@pytest.mark.parametrize(("height", "width"), [(32, 32), (37, 61), (64, 100)])
def test_any_size(height: int, width: int) -> None:
    torch.manual_seed(0)
    refiner = Refiner().eval()
    first = _first(height, width, torch.rand(1, 2, height, width) - 0.5)
    with torch.inference_mode():
        refined, spread = refiner.refine(
            torch.rand(1, 1, height, width), torch.rand(1, 3, height, width), first, first.disparity
        )
    assert refined.shape == first.chroma.shape == spread.shape
    assert refined.isfinite().all()


def test_spread_colours_are_averages_of_colours_that_are_there() -> None:
    torch.manual_seed(1)
    refiner = Refiner().eval()
    for layer in (refiner.trust, refiner.affinity, refiner.upsampling):
        nn.init.normal_(layer.weight, std=0.2)
    chroma = torch.rand(1, 2, 64, 96) * 0.2 + 0.1
    first = _first(64, 96, chroma, disparity=3.0)
    with torch.inference_mode():
        mono, reference = torch.rand(1, 1, 64, 96), torch.cat([first.luma, chroma], dim=1)
        spread = refiner.refine(mono, reference, first, first.disparity + 5)[1]
    assert spread.min() >= chroma.min() - 1e-6
    assert spread.max() <= chroma.max() + 1e-6


def test_a_colour_reaches_far_where_nothing_else_is_trusted() -> None:
    """One trusted column of colour fills an untrusted image; what is not trusted leaves no trace."""
    refiner = Refiner().eval()
    features = torch.zeros(1, refiner.config.channels[1], 24, 24)
    trust = torch.zeros(1, 1, 24, 24)
    trust[..., 0] = 1
    chroma = torch.full((1, 2, 24, 24), -0.3)
    chroma[..., 0] = 0.4
    with torch.no_grad():
        filled = refiner._spread(
            chroma, trust, torch.full_like(trust, 0.5), torch.zeros_like(trust), features
        )
    torch.testing.assert_close(filled, torch.full_like(filled, 0.4))


def test_colours_stay_on_their_side_of_an_edge() -> None:
    """The middle is not trusted: left of the edge of the mono image it takes the left colour, right the
    right one.
    """
    refiner = Refiner().eval()
    features = torch.zeros(1, refiner.config.channels[1], 24, 24)
    trust = torch.ones(1, 1, 24, 24)
    trust[..., 8:16] = 0
    guide = torch.full((1, 1, 24, 24), 0.1)
    guide[..., 12:] = 0.9
    chroma = torch.zeros(1, 2, 24, 24)
    chroma[..., :8], chroma[..., 16:] = 0.4, -0.4
    with torch.no_grad():
        filled = refiner._spread(chroma, trust, guide, torch.zeros_like(trust), features)
    assert filled[..., : 2 * 11].min() > 0.39
    assert filled[..., 2 * 13 :].max() < -0.39


def test_what_is_hidden_takes_the_colour_of_what_lies_behind() -> None:
    """Between a near and a far surface that look alike, the far one's colour fills the gap."""
    refiner = Refiner().eval()
    features = torch.zeros(1, refiner.config.channels[1], 24, 24)
    trust = torch.ones(1, 1, 24, 24)
    trust[..., 8:16] = 0
    depth = torch.full_like(trust, 20.0)
    depth[..., 16:] = 4
    chroma = torch.zeros(1, 2, 24, 24)
    chroma[..., :8], chroma[..., 16:] = 0.4, -0.4
    with torch.no_grad():
        filled = refiner._spread(chroma, trust, torch.full_like(trust, 0.5), depth, features)
    assert filled[..., 2 * 10 : 2 * 14].max() < -0.3
