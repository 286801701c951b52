"""Measures against independent implementations and published figures; regions on planted scenes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from models.engine import SearchRange
from models.evaluation import measures, regions, statistics
from models.evaluation.color_difference import delta_e_2000, rgb_to_lab
from models.metrics import BORDER

# Sharma, Wu and Dalal 2005, Table 1: L* a* b* of two colours, and ΔE00.
PUBLISHED = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_colour_difference_is_the_published_one() -> None:
    table = np.array(PUBLISHED.split(), float).reshape(-1, 7)
    assert len(table) == 34
    first, second, expected = table[:, :3], table[:, 3:6], table[:, 6]
    np.testing.assert_allclose(delta_e_2000(first, second), expected, atol=6e-5)
    np.testing.assert_allclose(delta_e_2000(second, first), expected, atol=6e-5)


lab = st.tuples(st.floats(0, 100), st.floats(-128, 128), st.floats(-128, 128))


@settings(max_examples=200, deadline=None)
@given(lab, lab)
def test_colour_difference_agrees_with_scikit_image(
    first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    a, b = np.array([first]), np.array([second])
    # Opposite hues have two means; which one rounding picks is no matter of the formula.
    turn = np.abs(np.arctan2(a[0, 2], a[0, 1]) - np.arctan2(b[0, 2], b[0, 1]))
    if abs(turn - np.pi) < 1e-3:
        return
    np.testing.assert_allclose(delta_e_2000(a, b), deltaE_ciede2000(a, b), rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, (4, 4, 3)))
def test_lab_agrees_with_scikit_image(rgb: np.ndarray) -> None:
    np.testing.assert_allclose(rgb_to_lab(rgb), rgb2lab(rgb), atol=1e-3)


def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.integers(60, 190, (60, 80, 3)).astype(np.uint8)
    result = np.clip(truth + rng.normal(0, 12, truth.shape), 0, 255).astype(np.uint8)
    return result, truth


def whole(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    mask = np.zeros(shape[:2], bool)
    mask[BORDER:-BORDER, BORDER:-BORDER] = True
    return {"all": mask}


def test_measures_agree_with_scikit_image() -> None:
    result, truth = pictures()
    found = measures.compare(result, truth, whole(truth.shape))["all"]
    inside = (slice(BORDER, -BORDER),) * 2
    _, full = structural_similarity(
        result, truth, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255,
        full=True, channel_axis=-1,
    )  # fmt: skip
    assert found["ssim_rgb"] == pytest.approx(full[inside].mean(), abs=1e-4)
    assert found["psnr_db"] == pytest.approx(
        peak_signal_noise_ratio(truth[inside], result[inside], data_range=255), abs=1e-3
    )
    error = deltaE_ciede2000(rgb2lab(result[inside]), rgb2lab(truth[inside]))
    assert found["delta_e"] == pytest.approx(error.mean(), abs=0.02)
    assert found["wrong_share"] == pytest.approx((error > measures.VISIBLE_STEP).mean(), abs=0.01)


def test_equal_pictures_are_perfect() -> None:
    _, truth = pictures()
    found = measures.compare(truth, truth, whole(truth.shape))["all"]
    assert [found[name] for name in ("ssim_rgb", "ssim_cb", "ssim_cr")] == pytest.approx([1, 1, 1])
    assert found["psnr_db"] == measures.PSNR_CEILING_DB
    assert (found["delta_e"], found["wrong_share"]) == (0, 0)


def test_a_region_knows_only_its_own_errors() -> None:
    _, truth = pictures()
    result = truth.copy()
    result[:, 40:] = 255 - result[:, 40:]
    left = np.zeros(truth.shape[:2], bool)
    left[:, :30] = True
    tiny = np.zeros_like(left)
    tiny[0, :5] = True
    found = measures.compare(result, truth, {"left": left, "right": ~left, "tiny": tiny})
    assert found["left"]["delta_e"] == 0
    assert found["left"]["psnr_db"] == measures.PSNR_CEILING_DB
    assert found["right"]["wrong_share"] > 0.5
    assert "tiny" not in found, "too few pixels say nothing"


@pytest.mark.parametrize(("trusting", "expected"), [("right", 1.0), ("wrong", 0.0), ("both", 0.5)])
def test_separation_is_the_area_under_the_roc_curve(trusting: str, expected: float) -> None:
    _, truth = pictures()
    result = truth.copy()
    result[:, 40:] = 255 - result[:, 40:]
    wrong = measures.color_error(result, truth) > measures.VISIBLE_STEP
    confidence = {"right": ~wrong, "wrong": wrong, "both": np.ones_like(wrong)}[trusting].astype(np.float32)
    mask = np.ones_like(wrong)
    assert measures.separation(confidence, result, truth, mask) == pytest.approx(expected)
    assert measures.separation(confidence, truth, truth, mask) is None, "nothing is wrong"


def test_what_a_near_surface_hides_is_occluded() -> None:
    """A square 10 px nearer than the wall: content moves right by d, so it hides what is right of it."""
    disparity = np.full((60, 100), 4, np.float32)
    disparity[20:40, 40:60] = 14
    masks = regions.visibility(disparity)
    occluded = np.zeros(disparity.shape, bool)
    occluded[20:40, 60:70] = True
    np.testing.assert_array_equal(masks["occluded"], occluded)
    outside = np.zeros(disparity.shape, bool)
    outside[:, 96:] = True
    np.testing.assert_array_equal(masks["outside"], outside)
    np.testing.assert_array_equal(masks["visible"], ~(occluded | outside))


def test_a_slope_hides_nothing() -> None:
    slope = np.tile(np.linspace(2, 12, 120, dtype=np.float32), (50, 1))
    assert not regions.visibility(slope)["occluded"].any()


def test_unknown_disparity_is_in_no_region() -> None:
    disparity = np.full((50, 60), np.nan, np.float32)
    assert not any(mask.any() for mask in regions.visibility(disparity).values())


def test_estimated_regions_are_like_the_true_ones() -> None:
    mono, reference, disparity = planted_scene()
    found = regions.find_regions(mono, reference, None, SearchRange(32))
    true = regions.find_regions(mono, reference, disparity, SearchRange(32))
    for name in ("visible", "occluded"):
        union = np.count_nonzero(found[name] | true[name])
        assert np.count_nonzero(found[name] & true[name]) > 0.75 * union, name


def planted_scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mono, luma of the reference, and disparity: a textured square in front of a textured wall."""
    rng = np.random.default_rng(5)
    wall, square = (rng.integers(0, 256, shape).astype(np.uint8) for shape in ((120, 220), (60, 70)))
    mono, reference = wall[:, 4:204].copy(), wall[:, :200].copy()
    mono[30:90, 60:130] = square
    reference[30:90, 76:146] = square
    disparity = np.full(mono.shape, 4, np.float32)
    disparity[30:90, 60:130] = 16
    return mono, reference, disparity


def test_edges_and_flat_parts_are_found() -> None:
    mono = np.full((80, 80), 60, np.uint8)
    mono[:, 40:] = 180
    found = regions.find_regions(mono, mono, np.zeros(mono.shape, np.float32), SearchRange(16))
    assert found["edges"][40, 38:42].all()
    assert not found["edges"][:, :30].any()
    assert found["textureless"][40, 20]
    assert not found["textureless"][40, 38:42].any()
    assert not any(mask[: regions.BORDER].any() for mask in found.values())


def test_an_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(120):
        estimate = statistics.mean_estimate(rng.normal(0.9, 0.05, 25).tolist())
        hits += estimate.low <= 0.9 <= estimate.high
    assert 0.86 <= hits / 120 <= 1.0, "95 % within what 120 draws can tell, a little less with 25 values"


def test_estimates_are_repeatable_and_honest_about_few_values() -> None:
    values = [0.9, 0.95, 0.97, 0.99]
    assert statistics.mean_estimate(values) == statistics.mean_estimate(values)
    alone = statistics.mean_estimate([0.5])
    assert alone.value == 0.5
    assert np.isnan(alone.low)
    with pytest.raises(ValueError, match="no values"):
        statistics.mean_estimate([])


def test_correlation_is_pearsons() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=30)
    y = 0.7 * x + rng.normal(size=30)
    estimate = statistics.correlation_estimate(x.tolist(), y.tolist())
    assert estimate is not None
    assert estimate.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert estimate.low < estimate.value < estimate.high
    assert statistics.correlation_estimate([1, 2], [1, 2]) is None
    assert statistics.correlation_estimate([1, 1, 1], [1, 2, 3]) is None
