"""What two different cameras make of the same light: the sensor model shared by all synthetic data."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


@dataclass(frozen=True)
class SensorPair:
    """One draw of both cameras' properties.

    Attributes:
        mono_response: weights of linear R, G, B in the mono sensor, positive, sum 1.
        mono_gain, color_gain: exposure × gain; the colour camera's is per channel (its white balance).
        mono_gamma, color_gamma: exponent of the encoding, 1 for a linear camera.
        color_matrix: 3×3 crosstalk of the colour filters after correction, rows sum to 1.
        mono_noise, color_noise: (read, shot) noise in units of full scale: σ² = read² + shot² · signal.
        mono_blur_px, color_blur_px: σ of the optics.
        vignetting: share of light lost in the corners, (mono, color).
        mosaic: the colour camera has a Bayer filter.
    """

    mono_response: tuple[float, float, float]
    mono_gain: float
    color_gain: tuple[float, float, float]
    mono_gamma: float
    color_gamma: float
    color_matrix: Float
    mono_noise: tuple[float, float]
    color_noise: tuple[float, float]
    mono_blur_px: float
    color_blur_px: float
    vignetting: tuple[float, float]
    mosaic: bool


def draw_sensors(rng: np.random.Generator) -> SensorPair:
    """Draw a plausible rig: same scene, another response, exposure, white balance, noise and blur in each
    camera.
    """
    response = rng.dirichlet(np.array([0.30, 0.50, 0.20]) * 14)
    matrix = np.eye(3) + rng.normal(0, 0.06, (3, 3))
    matrix /= matrix.sum(axis=1, keepdims=True)
    gamma = float(rng.choice([1 / 2.2, 1 / 2.2, 1 / 1.8, 1.0])) * float(rng.uniform(0.9, 1.1))
    noisy = rng.uniform(0, 1) ** 2
    gain = float(np.exp(rng.normal(0, 0.2)))
    return SensorPair(
        mono_response=(float(response[0]), float(response[1]), float(response[2])),
        mono_gain=gain * float(np.exp(rng.normal(0, 0.25))),
        color_gain=tuple(float(gain * np.exp(v)) for v in rng.normal(0, 0.08, 3)),  # type: ignore[arg-type]
        mono_gamma=gamma * float(rng.uniform(0.85, 1.15)),
        color_gamma=gamma,
        color_matrix=matrix.astype(np.float32),
        mono_noise=(0.004 * noisy, 0.01 * noisy),
        color_noise=(0.02 * noisy + 0.001, 0.03 * noisy + 0.002),
        mono_blur_px=float(rng.uniform(0, 0.5)),
        color_blur_px=float(rng.uniform(0, 1.2)),
        vignetting=(float(rng.uniform(0, 0.25)), float(rng.uniform(0, 0.25))),
        mosaic=bool(rng.random() < 0.7),
    )


def expose_mono(radiance: Float, sensors: SensorPair, rng: np.random.Generator) -> Float:
    """Return I_G of linear radiance: H×W×3 RGB → H×W, 0 … 1, encoded."""
    light = radiance @ np.array(sensors.mono_response, dtype=np.float32) * sensors.mono_gain
    light = _blur(light * _vignette(light.shape, sensors.vignetting[0]), sensors.mono_blur_px)
    return _encode(_noisy(light, sensors.mono_noise, rng), sensors.mono_gamma)


def expose_color(radiance: Float, sensors: SensorPair, rng: np.random.Generator) -> Float:
    """Return R_C of linear radiance: H×W×3 RGB → H×W×3 RGB, 0 … 1, with mosaic, noise and blur."""
    light = _color_signal(radiance, sensors)
    light = _blur(light * _vignette(light.shape[:2], sensors.vignetting[1])[..., None], sensors.color_blur_px)
    if not sensors.mosaic:
        return _encode(_noisy(light, sensors.color_noise, rng), sensors.color_gamma)
    raw = np.empty(light.shape[:2], np.float32)
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        raw[row::2, column::2] = light[row::2, column::2, channel]
    raw = np.clip(_noisy(raw, sensors.color_noise, rng), 0, 1)
    rgb = cv2.cvtColor((raw * 65535).astype(np.uint16), cv2.COLOR_BayerRGGB2RGB)
    return _encode(np.asarray(rgb, np.float32) / np.float32(65535), sensors.color_gamma)


def true_color(radiance: Float, sensors: SensorPair) -> Float:
    """Return what the colour camera would give without noise, blur and vignetting: the right answer, H×W×3
    RGB, 0 … 1.
    """
    return _encode(_color_signal(radiance, sensors), sensors.color_gamma)


def _color_signal(radiance: Float, sensors: SensorPair) -> Float:
    mixed: Float = np.clip(radiance @ sensors.color_matrix.T, 0, None) * np.array(
        sensors.color_gain, np.float32
    )
    return mixed


def _vignette(size: tuple[int, ...], loss: float) -> Float:
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None]
    return np.asarray(1 - loss * (x * x + y * y) / 2, np.float32)


def _blur(image: Float, sigma_px: float) -> Float:
    if sigma_px < 0.2:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def _noisy(light: Float, noise: tuple[float, float], rng: np.random.Generator) -> Float:
    read, shot = noise
    sigma = np.sqrt(read**2 + shot**2 * np.clip(light, 0, 1))
    return np.asarray(light + sigma * rng.standard_normal(light.shape, dtype=np.float32), np.float32)


def _encode(light: Float, gamma: float) -> Float:
    encoded = np.clip(light, 0, 1) ** np.float32(gamma)
    return np.asarray(np.round(encoded * 255) / np.float32(255), np.float32)
