"""The losses: what they are for results that are known, and that every switch of eq. 4 does something."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.colorizer import Cycle, colorize_cycle
from models.errors import ModelError
from models.live import LiveColorizer
from models.structure import StructureConfig, StructureNetwork
from models.training.config import LossConfig
from models.training.objectives import (
    CycleObjective,
    chroma_loss,
    consistency_loss,
    disparity_loss,
    plain_structure_loss,
    smoothness_loss,
    squared_chroma_loss,
)
from tests.models.tiny_task import TINY_NETWORK


@pytest.fixture(scope="module")
def real() -> tuple[Cycle, Tensor, Tensor]:
    """Both passes of an untrained network over a pair of textures, and the pair."""
    torch.manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(2, 4, 12, 16), size=(48, 64), mode="bicubic").clamp(
        0, 1
    )
    mono, reference = smooth[:, :1], torch.cat([smooth[:, 1:2], smooth[:, 2:] - 0.5], dim=1)
    return colorize_cycle(LiveColorizer(TINY_NETWORK), mono, reference, 16), mono, reference


@pytest.fixture(scope="module")
def metric() -> StructureNetwork:
    """A metric that differs from plain SSIM, as a trained one does."""
    torch.manual_seed(1)
    network = (
        StructureNetwork(StructureConfig(filters=4, blocks=1)).eval().requires_grad_(requires_grad=False)
    )
    for parameter in network.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def test_every_variant_of_the_ablation_is_another_loss(
    real: tuple[Cycle, Tensor, Tensor], metric: StructureNetwork
) -> None:
    full = LossConfig()
    variants = {
        "full": full,
        "no structure": replace(full, structure="none"),
        "no consistency": replace(full, consistency="none"),
        "no smoothness": replace(full, smoothness="none"),
        "ssim as structure": replace(full, structure="ssim"),
        "l1 as structure": replace(full, structure="l1"),
        "l1 as consistency": replace(full, consistency="l1"),
    }
    found = {name: CycleObjective(config, metric)(*real) for name, config in variants.items()}
    totals = [total.item() for total, _ in found.values()]
    assert len({round(total, 6) for total in totals}) == len(variants)
    assert all(total.requires_grad for total, _ in found.values())
    missing = {name: {"L_ss", "L_cc", "L_smooth"} - set(terms) for name, (_, terms) in found.items()}
    assert missing["no structure"] == {"L_ss"}
    assert missing["no consistency"] == {"L_cc"}
    assert missing["no smoothness"] == {"L_smooth"}
    assert not missing["full"]


def test_the_whole_objective_is_the_weighted_sum_of_eq_4(
    real: tuple[Cycle, Tensor, Tensor], metric: StructureNetwork
) -> None:
    total, terms = CycleObjective(LossConfig(), metric)(*real)
    assert total.item() == pytest.approx((terms["L_ss"] + terms["L_cc"] + 0.1 * terms["L_smooth"]).item())
    config = LossConfig(structure_weight=2, consistency_weight=3, smoothness_weight=4)
    total, terms = CycleObjective(config, metric)(*real)
    assert total.item() == pytest.approx(
        (2 * terms["L_ss"] + 3 * terms["L_cc"] + 4 * terms["L_smooth"]).item()
    )


def test_all_losses_off_is_refused(real: tuple[Cycle, Tensor, Tensor]) -> None:
    with pytest.raises(ModelError, match="nothing is left to minimise"):
        CycleObjective(LossConfig("none", "none", "none"))(*real)


def test_losses_of_a_perfect_cycle_are_zero(real: tuple[Cycle, Tensor, Tensor]) -> None:
    _, mono, reference = real
    assert consistency_loss(reference[:, 1:], reference).item() == pytest.approx(0, abs=1e-5)
    assert plain_structure_loss(mono, mono).item() == pytest.approx(0, abs=1e-5)
    assert plain_structure_loss(mono * 0.9 + 0.05, mono).item() < 0.02 < plain_structure_loss(1 - mono, mono)
    assert chroma_loss(reference[:, 1:], reference[:, 1:]).item() == 0
    assert squared_chroma_loss(reference[:, 1:] + 0.1, reference[:, 1:]).item() == pytest.approx(
        0.01, rel=1e-4
    )


def test_losses_are_means_over_samples(real: tuple[Cycle, Tensor, Tensor]) -> None:
    """So that several processes minimise together what one does; samples see differently many pixels."""
    cycle, _, reference = real
    logits, weight = (
        cycle.first.volume.logits,
        torch.rand(2, 1, 48, 64, generator=torch.Generator().manual_seed(2)),
    )
    stride = cycle.first.volume.stride
    disparity = torch.full((2, 1, 48, 64), 5.0)
    visible = torch.zeros_like(disparity)
    visible[0, :, :24] = 1
    visible[1, :, :, :16] = 1
    weight[1] *= 0.1
    for loss, parts in (
        (disparity_loss, (logits, disparity, visible)),
        (chroma_loss, (cycle.first.chroma, reference[:, 1:], weight)),
    ):
        more = (stride,) if loss is disparity_loss else ()
        both = loss(*parts, *more)  # type: ignore[operator]
        each = [loss(*(part[i : i + 1] for part in parts), *more) for i in range(2)]  # type: ignore[operator]
        assert both.item() == pytest.approx((each[0] + each[1]).item() / 2, rel=1e-5)
        assert abs((each[0] - each[1]).item()) > 1e-3


def test_disparity_loss_is_zero_for_a_certain_and_right_volume() -> None:
    disparity = torch.full((1, 1, 8, 8), 4.0)
    visible = torch.ones_like(disparity)
    logits = torch.full((1, 6, 4, 4), -50.0)
    logits[:, 2] = 50
    assert disparity_loss(logits, disparity, visible, stride=2).item() == pytest.approx(0, abs=1e-5)
    assert disparity_loss(logits.roll(1, dims=1), disparity, visible, stride=2).item() > 10


def test_smoothness_counts_every_neighbour_twice(real: tuple[Cycle, Tensor, Tensor]) -> None:
    """One entry of 2×2×2 differs from its three neighbours, each of them met from both sides."""
    logits = torch.full((1, 2, 2, 2), 0.0)
    logits[0, 0, 0, 0], logits[0, 1, 0, 0] = 200.0, -200.0
    volume = replace(real[0].first.volume, logits=logits, log_total=logits.logsumexp(dim=1))
    # W is (1, 0) in one cell, (½, ½) in the others: |ΔW| is 1 across candidates there, ½ to each neighbour.
    assert smoothness_loss(volume).item() == pytest.approx(2 * (1 + 4 * 0.5) / 8)
