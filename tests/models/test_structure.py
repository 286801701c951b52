"""The structure similarity network: its shape, its loss, and what the weights that ship can tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from models.data.layers import generate_registered
from models.data.registered import RegisteredSamples, SampleConfig
from models.errors import WeightsMismatch
from models.metrics import mean_inside, similarity_maps, ssim_map
from models.structure import (
    PAPER_SIZE,
    SHIPPED,
    StructureConfig,
    StructureNetwork,
    load_structure,
    save_structure,
    structure_loss,
)

SHIFTS_PX = (0.0, 0.5, 1.0, 2.0, 4.0)


@pytest.fixture(scope="module")
def shipped() -> StructureNetwork:
    """The network that ships."""
    return load_structure()


def _cross_sensor(seeds: range) -> tuple[Tensor, Tensor]:
    """Mono images and lumas of scenes that both cameras see from one place, N×1×96×128 each."""
    config = SampleConfig(crop=(96, 128), unwarped_share=1.0)
    batches = [RegisteredSamples(5_000, config).batch(step, 1) for step in seeds]
    return torch.cat([b.mono for b in batches]), torch.cat([b.luma for b in batches])


def _shifted(images: Tensor, right_px: Tensor | float) -> Tensor:
    """The images moved to the left, differentiable in the shift."""
    move = torch.as_tensor(right_px, dtype=torch.float32) * 2 / images.shape[-1]
    theta = torch.eye(2, 3).repeat(len(images), 1, 1)
    theta = theta + torch.stack([torch.zeros(()), torch.zeros(()), move]) * torch.tensor([[1.0], [0.0]])
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    return grid_sample(images, grid, mode="bicubic", padding_mode="border", align_corners=False)


def test_luminance_contrast_and_structure_multiply_to_ssim() -> None:
    a, b = torch.rand(2, 1, 40, 50), torch.rand(2, 1, 40, 50)
    luminance, contrast, structure = similarity_maps(a, b)
    torch.testing.assert_close(luminance * contrast * structure, ssim_map(a, b), rtol=0, atol=1e-5)
    torch.testing.assert_close(contrast * structure, ssim_map(a, b, luminance=False), rtol=0, atol=1e-5)


def test_the_gradient_is_a_number_where_nothing_varies() -> None:
    flat = torch.full((1, 1, 32, 32), 0.4, requires_grad=True)
    sum(m.sum() for m in similarity_maps(flat, torch.full_like(flat, 0.6))).backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_the_paper_has_eighteen_convolutions_in_each_resnet() -> None:
    network = StructureNetwork(PAPER_SIZE)
    for part in (network.mono_features, network.luma_features, network.similarity):
        convolutions = [m for m in part.modules() if isinstance(m, nn.Conv2d)]
        assert len(convolutions) == 18
        assert [c.kernel_size[0] for c in convolutions] == [5] + 17 * [3]
    assert isinstance(network.similarity[-1], nn.Conv2d), "the last layer has no norm and no ReLU"
    assert network.similarity[-1].out_channels == 1


@pytest.mark.parametrize("size", [(21, 30), (64, 47)])
def test_any_size_gives_a_map_of_that_size(size: tuple[int, int]) -> None:
    network = StructureNetwork(StructureConfig(4, 1)).eval()
    assert network(torch.rand(2, 1, *size), torch.rand(2, 1, *size)).shape == (2, 1, *size)


def test_the_loss_leaves_out_the_border_and_says_when_nothing_is_left() -> None:
    network = StructureNetwork(StructureConfig(4, 1)).eval()
    mono, luma = torch.rand(1, 1, 48, 48), torch.rand(1, 1, 48, 48)
    expected = 1 - network(mono, luma)[..., 10:-10, 10:-10].mean()
    torch.testing.assert_close(structure_loss(network, mono, luma), expected)
    with pytest.raises(ValueError, match="nothing inside"):
        structure_loss(network, mono[..., :20], luma[..., :20])


def test_weights_survive_the_disk_and_come_back_frozen(tmp_path: Path) -> None:
    network = StructureNetwork(StructureConfig(4, 1)).eval()
    save_structure(tmp_path / "s.safetensors", network, {"licence": "MIT"})
    loaded = load_structure(tmp_path / "s.safetensors")
    assert loaded.config == network.config
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    images = torch.rand(1, 1, 32, 32), torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(loaded(*images), network(*images), rtol=0, atol=0)


def test_other_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    for path, reason in (
        (SHIPPED.with_name("live.safetensors"), "made for preset 'live'"),
        (tmp_path / "none.safetensors", "no such weights file"),
    ):
        with pytest.raises(WeightsMismatch, match=reason) as error:
            load_structure(path)
        assert "\n" not in str(error.value)


def test_the_weights_that_ship_are_small() -> None:
    assert SHIPPED.stat().st_size < 1_000_000


def test_across_sensors_a_perfect_match_is_nearer_to_perfect_than_plain_ssim_says(
    shipped: StructureNetwork,
) -> None:
    mono, luma = _cross_sensor(range(8))
    plain = 1 - mean_inside(ssim_map(mono, luma)).mean()
    structure_only = 1 - mean_inside(ssim_map(mono, luma, luminance=False)).mean()
    learned = structure_loss(shipped, mono, luma)
    assert abs(learned.item()) < 0.6 * min(plain.item(), structure_only.item())


def test_the_loss_grows_with_the_shift(shipped: StructureNetwork) -> None:
    mono, luma = _cross_sensor(range(8))
    losses = [structure_loss(shipped, mono, _shifted(luma, shift)).item() for shift in SHIFTS_PX]
    assert losses == sorted(losses)
    assert losses[-1] > losses[0] + 0.2


@pytest.mark.parametrize("start_px", [-1.0, 1.0])
def test_the_gradient_pulls_a_shifted_luma_back(shipped: StructureNetwork, start_px: float) -> None:
    mono, luma = _cross_sensor(range(4))
    shift = torch.tensor(start_px, requires_grad=True)
    for _ in range(12):
        (gradient,) = torch.autograd.grad(structure_loss(shipped, mono, _shifted(luma, shift)), shift)
        shift = (shift - 0.15 * gradient.sign()).detach().requires_grad_()
    assert abs(shift.item()) < 0.4


def test_the_learned_map_is_nearer_to_the_truth_than_plain_ssim(shipped: StructureNetwork) -> None:
    samples = RegisteredSamples(6_000, SampleConfig(crop=(96, 96)))
    learned, plain = [], []
    for step in range(8):
        batch = samples.batch(step, 2)
        for errors, ssm in (
            (learned, shipped(batch.mono, batch.luma)),
            (plain, ssim_map(batch.mono, batch.luma)),
        ):
            errors.append(mean_inside((ssm - batch.truth).abs()).mean().item())
    assert np.mean(learned) < 0.85 * np.mean(plain)


def test_a_scene_from_one_place_shows_the_same_in_both_cameras() -> None:
    """Generated registered pairs are registered: a shift of either image makes them less alike."""
    pair = generate_registered(np.random.default_rng(4), 96, 128, [])
    mono = torch.from_numpy(pair.mono)[None, None]
    green = torch.from_numpy(pair.color[..., 1].copy())[None, None]
    alike = [
        mean_inside(ssim_map(mono, _shifted(green, shift), luminance=False)).item()
        for shift in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert max(alike) == alike[2]
