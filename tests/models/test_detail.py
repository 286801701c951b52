"""What is found around the place that W leads to: detail, calm, and nothing that does not belong."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.colorizer import ColorizerOutput, Cycle, WeightVolume
from models.detail import detail_chroma, mismatch, sharpen, standardize
from models.refiner import Refiner
from models.training.passes import refine_second

HEIGHT, WIDTH, SHIFT = 48, 96, 7


def _picture(seed: int = 0, fine: float = 0.3) -> Tensor:
    """Return 1×3×H×W YCbCr with detail at every scale; what is fine in chroma does not follow luma."""
    torch.manual_seed(seed)
    coarse = F.interpolate(torch.rand(1, 3, 6, 12), size=(HEIGHT, WIDTH), mode="bicubic")
    fine_detail = fine * torch.rand(1, 3, HEIGHT, WIDTH)
    return 0.4 * coarse + fine_detail - torch.tensor([0, 0.35, 0.35])[:, None, None]


def _reference(picture: Tensor) -> Tensor:
    """Return what the colour camera sees of it: everything 7 px further right."""
    return torch.roll(picture, SHIFT, dims=-1)


def _averaged(picture: Tensor, stride: int, peak: float = SHIFT) -> ColorizerOutput:
    """Return a first pass on the picture: right, and as coarse as its grid."""
    coarse = F.interpolate(F.avg_pool2d(picture, stride), scale_factor=float(stride), mode="bilinear")
    logits = torch.zeros(1, 4, HEIGHT // stride, WIDTH // stride)
    volume = WeightVolume(logits, logits.logsumexp(1), stride, 4 * stride, 0)
    places = torch.full_like(coarse[:, :1], peak)
    return ColorizerOutput(coarse[:, 1:], coarse[:, :1], places, torch.zeros_like(places), places, volume)


def _error(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted)[..., 8:-8, 8:-16].abs().mean())


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("off_by", [0, 1, -2])
def test_what_the_grid_is_too_coarse_for_comes_from_the_reference(stride: int, off_by: int) -> None:
    """Chroma that luma does not tell is found, even if the peak is off by what a cell stands for."""
    picture = _picture()
    first = _averaged(picture, stride, SHIFT + off_by)
    luma, chroma = sharpen(standardize(picture[:, :1]), _reference(picture), first)
    assert _error(luma, picture[:, :1]) < 0.1 * _error(first.luma, picture[:, :1])
    assert _error(chroma, picture[:, 1:]) < 0.1 * _error(first.chroma, picture[:, 1:])


def test_the_other_sensor_may_have_another_gain_and_offset() -> None:
    picture = _picture()
    first = _averaged(picture, 2)
    same = sharpen(standardize(picture[:, :1]), _reference(picture), first)[1]
    other = sharpen(standardize(0.6 * picture[:, :1] + 0.2), _reference(picture), first)[1]
    assert _error(other, same) < 0.1 * _error(first.chroma, same)


def test_what_does_not_resemble_the_mono_image_is_not_fetched() -> None:
    """The peak leads to another surface: the average, which resembles the mono image, stays."""
    picture = _picture()
    first = _averaged(picture, 2)
    hiding = _picture(seed=1)
    chroma = sharpen(standardize(first.luma), _reference(hiding), first)[1]
    assert _error(chroma, first.chroma) < 0.1 * _error(hiding[:, 1:], first.chroma)


def test_noise_of_the_colour_camera_is_averaged_where_places_are_alike() -> None:
    """A surface with faint luma and noisy chroma comes out with less than half of the noise."""
    torch.manual_seed(2)
    picture = torch.full((1, 3, HEIGHT, WIDTH), 0.2)
    mono = picture[:, :1] + 0.005 * torch.randn(1, 1, HEIGHT, WIDTH)
    noise = 0.02 * torch.randn(1, 2, HEIGHT, WIDTH)
    noisy = torch.cat([picture[:, :1], picture[:, 1:] + noise], dim=1)
    first = _averaged(noisy, 1)
    chroma = sharpen(standardize(mono), _reference(noisy), first)[1]
    assert _error(chroma, picture[:, 1:]) < 0.5 * _error(first.chroma, picture[:, 1:])
    assert float(chroma.mean()) == pytest.approx(0.2, abs=1e-3)


def test_columns_beyond_the_border_repeat_it() -> None:
    """A peak far outside the reference brings the border's colour, not black."""
    flat = torch.full((1, 3, HEIGHT, WIDTH), 0.25)
    luma, chroma = sharpen(standardize(flat[:, :1]), flat, _averaged(flat, 2, peak=3 * WIDTH))
    torch.testing.assert_close(luma, flat[:, :1])
    torch.testing.assert_close(chroma, flat[:, 1:])


def test_mismatch_sees_structure_not_gain() -> None:
    luma, other = _picture()[:, :1], _picture(seed=1)[:, :1]
    itself = mismatch(standardize(luma), standardize(luma))
    assert itself.max() == 0
    assert itself.shape == (1, 1, HEIGHT // 4, WIDTH // 4)
    brighter, unlike = (mismatch(standardize(x), standardize(luma)).mean() for x in (0.7 * luma + 0.1, other))
    assert brighter < 0.1 * unlike


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.7, 0.15)])
def test_chroma_follows_the_luma_that_is_missing(gain: float, offset: float) -> None:
    """A shaded surface of one hue: the mono image tells the shading that the average lost."""
    shading = _picture(fine=0.3)[:, :1]
    truth = torch.cat([0.3 * shading, -0.2 * shading], dim=1)
    whole = torch.cat([shading, truth], dim=1)
    blurred = F.avg_pool2d(whole, 3, stride=1, padding=1, count_include_pad=False)
    luma, chroma = blurred[:, :1], blurred[:, 1:]
    added = detail_chroma(standardize(gain * shading + offset), standardize(luma), chroma)
    assert _error(chroma + added, truth) < 0.65 * _error(chroma, truth)


def test_nothing_is_added_where_nothing_is_missing_or_known() -> None:
    picture = _picture()
    luma, chroma = standardize(picture[:, :1]), picture[:, 1:]
    assert detail_chroma(luma, luma, chroma).abs().max() == 0
    other, gray = standardize(_picture(seed=1)[:, :1]), torch.zeros_like(chroma)
    assert detail_chroma(luma, other, gray).abs().max() == 0


def test_the_refiner_puts_it_to_use() -> None:
    """Untrained, it trusts what finds its way back, and refines a coarse first pass by what is found."""
    picture = _picture()
    first = _averaged(picture, 2)
    refiner = Refiner().eval()
    with torch.inference_mode():
        refined = refiner(picture[:, :1], _reference(picture), first, torch.full_like(first.peak, SHIFT))
    assert _error(refined, picture[:, 1:]) < 0.15 * _error(first.chroma, picture[:, 1:])


def test_the_refined_second_pass_lies_on_the_reference() -> None:
    """Training refines second passes, too: in the mirror, from the colours of the first pass."""
    picture = _picture()
    reference = _reference(picture)
    first = _averaged(picture, 2)._replace(chroma=picture[:, 1:])
    second = _averaged(reference.flip(-1), 2).mirrored()
    cycle = Cycle(first, second)
    with torch.inference_mode():
        refined, _ = refine_second(Refiner().eval(), picture[:, :1], reference, cycle)
    columns = (..., slice(16, -8))  # what was rolled around the border is not there
    before, after = ((c - reference[:, 1:])[columns].abs().mean() for c in (second.chroma, refined))
    assert after < 0.15 * before
