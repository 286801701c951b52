"""SSIM and PSNR against scikit-image, and what each of them must and must not notice."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from models import metrics


def picture(seed: int, shape: tuple[int, ...] = (61, 83)) -> np.ndarray:
    """Return smooth uint8 noise that uses the whole range."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=shape)
    for axis in (0, 1):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
    return np.uint8(np.clip(128 + 30 * noise, 0, 255))


def noisy(image: np.ndarray, sigma: float, seed: int = 9) -> np.ndarray:
    return np.uint8(np.clip(image + np.random.default_rng(seed).normal(0, sigma, image.shape), 0, 255))


def tensor(image: np.ndarray) -> torch.Tensor:
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes))[None].double() / 255


def reference_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    _, full = structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True,
        channel_axis=-1 if a.ndim == 3 else None,
    )  # fmt: skip
    return full


@pytest.mark.parametrize("shape", [(61, 83), (40, 33, 3)])
@pytest.mark.parametrize("sigma", [0, 4, 60])
def test_both_versions_agree_with_scikit_image(shape: tuple[int, ...], sigma: float) -> None:
    a = picture(1, shape)
    b = noisy(a, sigma)
    expected = reference_map(a, b)
    np.testing.assert_allclose(metrics.ssim_image(a, b), expected, atol=1e-4)
    in_torch = metrics.ssim_map(tensor(a), tensor(b))[0].permute(1, 2, 0).squeeze(-1).numpy()
    np.testing.assert_allclose(in_torch[5:-5, 5:-5], expected[5:-5, 5:-5], atol=1e-4)
    mean = expected[10:-10, 10:-10].mean()
    assert metrics.ssim(a, b) == pytest.approx(mean, abs=2e-5)
    assert float(metrics.mean_inside(metrics.ssim_map(tensor(a), tensor(b))).mean()) == pytest.approx(
        mean, abs=2e-5
    )


def test_data_range_scales_out() -> None:
    a, b = picture(1), noisy(picture(1), 10)
    expected = metrics.ssim(a, b)
    in_levels = metrics.ssim_map(tensor(a) * 255, tensor(b) * 255, data_range=255)
    assert float(metrics.mean_inside(in_levels)) == pytest.approx(expected, abs=1e-5)
    wide = metrics.ssim(a.astype(np.uint16) * 257, b.astype(np.uint16) * 257, data_range=65535)
    assert wide == pytest.approx(expected, abs=1e-5)


def test_flat_and_saturated_areas_are_defined() -> None:
    white, black = np.full((40, 40), 255, np.uint8), np.zeros((40, 40), np.uint8)
    assert metrics.ssim(white, white) == pytest.approx(1, abs=1e-6)
    assert metrics.ssim(white, black) == pytest.approx(1e-4, rel=0.01)


def test_without_the_luminance_term_a_constant_difference_is_invisible() -> None:
    a = tensor(picture(2)) * 0.5
    brighter = a + 0.4
    with_luminance = metrics.mean_inside(metrics.ssim_map(a, brighter))
    without = metrics.mean_inside(metrics.ssim_map(a, brighter, luminance=False))
    assert float(with_luminance) < 0.8
    assert float(without) == pytest.approx(1, abs=1e-5)


def test_only_what_lies_inside_the_border_counts() -> None:
    a = picture(3)
    inside, outside = a.copy(), a.copy()
    inside[30, 40] ^= 128
    outside[:5] ^= 128
    outside[:, -5:] ^= 128
    assert metrics.ssim(a, outside) == pytest.approx(1, abs=1e-6)
    assert metrics.psnr(a, outside) == math.inf
    assert metrics.ssim(a, inside) < 0.999
    assert metrics.psnr(a, inside) == pytest.approx(10 * math.log10(255**2 / (128**2 / (41 * 63))))


def test_psnr_agrees_with_scikit_image() -> None:
    a, b = picture(4, (50, 60, 3)), noisy(picture(4, (50, 60, 3)), 12)
    expected = peak_signal_noise_ratio(a[10:-10, 10:-10], b[10:-10, 10:-10], data_range=255)
    assert metrics.psnr(a, b) == pytest.approx(expected, abs=1e-4)
    assert metrics.psnr(a, b, border=0) == pytest.approx(
        peak_signal_noise_ratio(a, b, data_range=255), abs=1e-4
    )


def test_gradient_is_finite_on_equal_and_flat_images_and_leads_uphill() -> None:
    target = tensor(picture(5)).float()
    flat = torch.full_like(target, 0.5).requires_grad_()
    before = metrics.mean_inside(metrics.ssim_map(flat, target)).mean()
    (gradient,) = torch.autograd.grad(before, flat)
    assert torch.isfinite(gradient).all()
    after = metrics.mean_inside(metrics.ssim_map(flat + 50 * gradient, target)).mean()
    assert float(after.detach()) > float(before.detach()) + 0.01
    equal = target.clone().requires_grad_()
    (at_the_top,) = torch.autograd.grad(metrics.ssim_map(equal, target).mean(), equal)
    assert at_the_top.abs().max() < 1e-5


def test_gradient_agrees_with_finite_differences() -> None:
    a, b = tensor(picture(6, (9, 8))), tensor(picture(7, (9, 8)))
    direction = tensor(picture(8, (9, 8))) - 0.5
    a.requires_grad_()
    (gradient,) = torch.autograd.grad(metrics.ssim_map(a, b).sum(), a)
    step = 1e-2
    with torch.no_grad():
        ahead, behind = (metrics.ssim_map(a + s * direction, b).sum() for s in (step, -step))
    assert float((gradient * direction).sum()) == pytest.approx(float(ahead - behind) / (2 * step), rel=2e-2)


def test_unusable_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"differ in shape: \(61, 83\) and \(60, 83\)"):
        metrics.ssim(picture(1), picture(1, (60, 83)))
    with pytest.raises(ValueError, match="differ in shape"):
        metrics.psnr(picture(1), picture(1, (60, 83)))
    with pytest.raises(ValueError, match="30×20 leaves nothing inside a border of 10 pixels"):
        metrics.ssim(picture(1, (20, 30)), picture(1, (20, 30)))
    with pytest.raises(ValueError, match="30×20 leaves nothing"):
        metrics.mean_inside(torch.zeros(1, 1, 20, 30))
