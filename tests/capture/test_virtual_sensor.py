"""The two virtual sensors: photons, wells, gain, gamma, mosaic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from capture.virtual.sensor import (
    COLOR,
    MONO,
    SENSORS,
    Look,
    Sensor,
    balance,
    develop,
    encode,
    expose,
    mosaic,
)

FLAT = np.full((200, 200), 0.3, np.float32)


def linear(sensor: Sensor, look: Look, light: np.ndarray = FLAT) -> np.ndarray:
    """Return exposed values in 12 bits with the gamma curve undone."""
    raw = expose(light, sensor, replace(look, bits=12), (1, 2))
    return (raw / 4095) ** (1 / look.gamma)


@pytest.mark.parametrize("role", ["mono", "color"])
def test_longer_exposure_is_brighter_and_cleaner(role: str) -> None:
    sensor = SENSORS[role]  # type: ignore[index]
    plain = replace(sensor.look, balance_red=1.0, balance_blue=1.0)
    short, long = (
        linear(sensor, replace(plain, exposure_us=plain.exposure_us * factor)) for factor in (0.25, 1.0)
    )
    assert long.mean() == pytest.approx(4 * short.mean(), rel=0.03)
    # Photons come with a noise that is the square root of their number: four times the light, twice as clean.
    gain_in_quality = (long.mean() / long.std()) / (short.mean() / short.std())
    assert 1.9 < gain_in_quality < 2.6


def test_gain_brightens_signal_and_noise_alike() -> None:
    low, high = (linear(MONO, replace(MONO.look, gain_db=gain)) for gain in (0.0, 6.0206))
    assert high.mean() == pytest.approx(2 * low.mean(), rel=0.02)
    assert high.std() == pytest.approx(2 * low.std(), rel=0.05)


def test_the_colour_sensor_is_noisier() -> None:
    white = develop(FLAT, MONO, MONO.look).mean()
    light = FLAT * white / develop(FLAT, COLOR, COLOR.look).mean()
    plain = replace(COLOR.look, balance_red=1.0, balance_blue=1.0)
    assert linear(COLOR, plain, light).std() > 1.7 * linear(MONO, MONO.look).std()


def test_a_full_well_stays_full() -> None:
    bright = np.full((50, 50), 50.0, np.float32)
    assert (expose(bright, MONO, replace(MONO.look, gain_db=6.0), (0,)) == 255).all()
    assert develop(bright, MONO, MONO.look).max() == 1.0


def test_bits_and_gamma() -> None:
    values = np.array([[0.0, 0.25, 1.0, 2.0]], np.float32)
    assert encode(values, Look(1, 0, gamma=0.5)).tolist() == [[0, 128, 255, 255]]
    deep = encode(values, Look(1, 0, gamma=1.0, bits=12))
    assert deep.dtype == np.uint16
    assert deep.tolist() == [[0, 1024, 4095, 4095]]


def test_the_mosaic_starts_with_red() -> None:
    channels = np.zeros((4, 6, 3), np.float32)
    channels[:] = (1, 2, 3)
    raw = np.zeros((4, 6), np.float32)
    mosaic(channels, raw)
    assert raw[:2].tolist() == [[1, 2] * 3, [2, 3] * 3]


def test_white_balance_acts_on_red_and_blue() -> None:
    look = replace(COLOR.look, balance_red=2.0, balance_blue=3.0, bits=12, gamma=1.0)
    raw = expose(np.full((100, 100), 0.05, np.float32), COLOR, look, (0,))
    green = raw[0::2, 1::2].mean()
    assert raw[0::2, 0::2].mean() == pytest.approx(2 * green, rel=0.02)
    assert raw[1::2, 1::2].mean() == pytest.approx(3 * green, rel=0.02)
    np.testing.assert_allclose(balance(np.ones((1, 1, 3), np.float32), look), [[[2, 1, 3]]])


def test_white_is_neutral_and_not_clipped_with_default_settings() -> None:
    """A white sheet under the lamp, seen through the colour filters."""
    from capture.virtual.lighting import FILL_COLOR, LAMP_COLOR, SKY_COLOR

    light = (0.6 * LAMP_COLOR + 0.5 * SKY_COLOR + FILL_COLOR).astype(np.float32)
    seen = balance(develop((COLOR.response @ light)[None, None], COLOR, COLOR.look), COLOR.look)[0, 0]
    assert seen.max() < 1.0
    assert seen.max() / seen.min() < 1.15
    mono = develop(light[3:], MONO, MONO.look)
    assert 0.3 < mono < 1.0


def test_the_sensors_see_different_contrasts() -> None:
    """Near infrared and overlapping filters: luma of the colour image does not predict the mono image."""
    from tests.capture.virtual_stage import stage

    mono = stage().light("mono", 0)
    assert MONO.response.shape == (1, 4)
    assert not np.allclose(MONO.response[0, :3], [0.299, 0.587, 0.114])
    assert mono.std() > 0.1
