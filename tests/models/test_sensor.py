"""The sensor model does to light what its properties say, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from models.data.sensor import SensorPair, draw_sensors, expose_color, expose_mono, misalign, true_color

ORANGE = (0.5, 0.3, 0.1)


def plain_sensors() -> SensorPair:
    """Return two linear cameras that change nothing."""
    return SensorPair(
        mono_response=(0.3, 0.6, 0.1),
        infrared_share=0.0,
        infrared_map=np.ones((5, 5), np.float32),
        mono_gain=1.0,
        color_gain=1.0,
        sensitivity=(1.0, 1.0, 1.0),
        white_balance=(1.0, 1.0, 1.0),
        mono_gamma=1.0,
        color_gamma=1.0,
        color_matrix=np.eye(3, dtype=np.float32),
        mono_noise=(0.0, 0.0),
        color_noise=(0.0, 0.0),
        mono_blur_px=0.0,
        color_blur_px=0.0,
        vignetting=(0.0, 0.0),
        mosaic=None,
        tilt_deg=0.0,
        row_shift_px=0.0,
    )


def light(color: tuple[float, float, float] = ORANGE, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    return np.full((*size, 3), color, np.float32)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_plain_cameras_record_the_light() -> None:
    sensors = plain_sensors()
    color = expose_color(light(), sensors, rng())
    np.testing.assert_allclose(color, light(), atol=0.5 / 255)
    np.testing.assert_array_equal(color, true_color(light(), sensors))
    np.testing.assert_allclose(expose_mono(light(), sensors, rng()), 0.34, atol=0.5 / 255)


@pytest.mark.parametrize(("pattern", "demosaicing"), list(product(range(4), range(2))))
def test_every_mosaic_gives_the_colour_back(pattern: int, demosaicing: int) -> None:
    sensors = replace(plain_sensors(), mosaic=(pattern, demosaicing), sensitivity=(0.6, 1.0, 0.5))
    np.testing.assert_allclose(expose_color(light(), sensors, rng()), light(), atol=1 / 255)


def test_infrared_tells_materials_apart_that_look_equally_bright() -> None:
    first, second = light((0.4, 0.3, 0.0)), light((0.2, 0.4, 0.0))
    infrared = np.ones((5, 5), np.float32)
    infrared[0, 3:] = 3  # row: share of blue, column: share of red
    blind = plain_sensors()
    seeing = replace(blind, infrared_share=0.5, infrared_map=infrared)
    brightness = [[expose_mono(x, s, rng()).mean() for x in (first, second)] for s in (blind, seeing)]
    assert brightness[0][0] == pytest.approx(brightness[0][1], abs=1e-3)
    assert brightness[1][0] > 1.1 * brightness[1][1]


def test_gain_gamma_and_white_balance() -> None:
    sensors = replace(plain_sensors(), color_gain=0.5, white_balance=(1.2, 1.0, 0.9), color_gamma=0.5)
    expected = np.sqrt(0.5 * np.array(ORANGE) * [1.2, 1.0, 0.9])
    np.testing.assert_allclose(expose_color(light(), sensors, rng())[0, 0], expected, atol=1 / 255)
    np.testing.assert_allclose(true_color(light(), sensors)[0, 0], expected, atol=1 / 255)
    bright = replace(plain_sensors(), mono_gain=2.0, mono_gamma=0.5)
    np.testing.assert_allclose(expose_mono(light(), bright, rng()), np.sqrt(0.68), atol=1 / 255)


def test_highlights_clip_to_white() -> None:
    """Not to the white balance's inverse: the gains after the wells bring every channel to full scale."""
    sensors = replace(plain_sensors(), color_gain=20.0, sensitivity=(0.6, 1.0, 0.5))
    assert (expose_color(light(), sensors, rng()) == 1).all()


def test_shot_noise_grows_with_light_and_with_lost_sensitivity() -> None:
    big = (200, 200)
    noisy = replace(plain_sensors(), color_noise=(0.002, 0.05), sensitivity=(0.5, 1.0, 1.0))
    gray, dark = (expose_color(light((v, v, v), big), noisy, rng()) for v in (0.5, 0.1))
    spread = gray.std(axis=(0, 1))
    np.testing.assert_allclose(spread[1], np.sqrt(0.002**2 + 0.05**2 * 0.5), rtol=0.05)
    np.testing.assert_allclose(spread[0], np.sqrt(0.002**2 + 0.05**2 * 0.25) / 0.5, rtol=0.05)
    assert dark[..., 1].std() < 0.6 * spread[1]


def test_corners_are_darker_in_the_image_and_in_the_truth() -> None:
    sensors = replace(plain_sensors(), vignetting=(0.2, 0.3))
    for image, loss in (
        (expose_mono(light(), sensors, rng()), 0.2),
        (expose_color(light(), sensors, rng())[..., 1], 0.3),
        (true_color(light(), sensors)[..., 1], 0.3),
    ):
        assert image[0, 0] / image[12, 16] == pytest.approx(1 - loss, abs=0.03)


def test_blur_and_what_rectification_leaves() -> None:
    step = np.zeros((24, 32, 3), np.float32)
    step[12:] = 0.8
    sensors = plain_sensors()
    assert len(np.unique(expose_color(step, replace(sensors, color_blur_px=1.0), rng()))) > 4
    assert len(np.unique(expose_mono(step, replace(sensors, mono_blur_px=0.5), rng()))) > 2
    assert misalign(step, sensors) is step
    lower = misalign(step, replace(sensors, row_shift_px=1.0))
    np.testing.assert_allclose(lower[1:], step[:-1], atol=1e-6)
    turned = misalign(step, replace(sensors, tilt_deg=0.5))
    assert not np.allclose(turned[:, 0], turned[:, -1])


def test_draws_are_plausible_and_repeatable() -> None:
    radiance = np.random.default_rng(1).random((24, 32, 3), dtype=np.float32)
    kinds = set()
    for seed in range(40):
        sensors, again = (draw_sensors(np.random.default_rng(seed)) for _ in range(2))
        first, second = (expose_color(radiance, s, np.random.default_rng(seed)) for s in (sensors, again))
        np.testing.assert_array_equal(first, second)
        mono = expose_mono(radiance, sensors, np.random.default_rng(seed))
        for image in (first, mono, true_color(radiance, sensors)):
            assert image.dtype == np.float32
            assert image.min() >= 0
            assert image.max() <= 1
            np.testing.assert_allclose(image * 255, np.round(image * 255), atol=1e-3)
        assert abs(sensors.row_shift_px) <= 1
        assert abs(sensors.tilt_deg) < 0.3
        assert sum(sensors.mono_response) == pytest.approx(1)
        kinds.add(sensors.mosaic)
    assert len(kinds) >= 8
