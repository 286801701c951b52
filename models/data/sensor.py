"""What two different cameras make of the same light: the sensor model shared by all synthetic data."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


# Rows of a Bayer mosaic's first two pixels, how OpenCV calls the demosaicing (bilinear, edge-aware), and the
# channel at (0, 0), (0, 1), (1, 0), (1, 1).
_MOSAICS = (
    ((cv2.COLOR_BayerRGGB2RGB, cv2.COLOR_BayerRGGB2RGB_EA), (0, 1, 1, 2)),
    ((cv2.COLOR_BayerGRBG2RGB, cv2.COLOR_BayerGRBG2RGB_EA), (1, 0, 2, 1)),
    ((cv2.COLOR_BayerGBRG2RGB, cv2.COLOR_BayerGBRG2RGB_EA), (1, 2, 0, 1)),
    ((cv2.COLOR_BayerBGGR2RGB, cv2.COLOR_BayerBGGR2RGB_EA), (2, 1, 1, 0)),
)
# Nodes per side of the map from chromaticity to near-infrared reflectance.
_INFRARED_NODES = 5
_FULL_SCALE_16 = np.float32(65535)


@dataclass(frozen=True, eq=False)
class SensorPair:
    """One draw of both cameras' properties.

    Attributes:
        mono_response: weights of linear R, G, B in the mono sensor, positive, sum 1.
        infrared_share: part of the mono signal that is near infrared, which no colour channel sees.
        infrared_map: 5×5, near-infrared brightness relative to luma over (r, b) = (R, B) / (R + G + B). What
            a material is made of is not in an RGB image; materials of one chromaticity count as one.
        mono_gain, color_gain: exposure × gain.
        sensitivity: of the colour channels relative to green, before the white balance.
        white_balance: what is left of R and B after the white balance, 1 if it is right.
        mono_gamma, color_gamma: exponent of the encoding, 1 for a linear camera.
        color_matrix: 3×3 crosstalk of the colour filters after correction, rows sum to 1.
        mono_noise, color_noise: (read, shot) noise in units of full scale: σ² = read² + shot² · signal.
        mono_blur_px, color_blur_px: σ of the optics.
        vignetting: share of light lost in the corners, (mono, color).
        mosaic: (pattern 0 … 3: RGGB, GRBG, GBRG, BGGR; 0 bilinear or 1 edge-aware), None without a mosaic.
        tilt_deg, row_shift_px: what rectification left between the cameras.
    """

    mono_response: tuple[float, float, float]
    infrared_share: float
    infrared_map: Float
    mono_gain: float
    color_gain: float
    sensitivity: tuple[float, float, float]
    white_balance: tuple[float, float, float]
    mono_gamma: float
    color_gamma: float
    color_matrix: Float
    mono_noise: tuple[float, float]
    color_noise: tuple[float, float]
    mono_blur_px: float
    color_blur_px: float
    vignetting: tuple[float, float]
    mosaic: tuple[int, int] | None
    tilt_deg: float
    row_shift_px: float


def draw_sensors(rng: np.random.Generator) -> SensorPair:
    """Draw a plausible rig: same scene, another response, exposure, white balance, noise and blur in each
    camera; rectified but for ±1 px of height and a fraction of a degree.
    """
    response = rng.dirichlet(np.array([0.30, 0.50, 0.20]) * 14)
    nodes = rng.normal(0, 0.5, (_INFRARED_NODES, _INFRARED_NODES))
    matrix = np.eye(3) + rng.normal(0, 0.06, (3, 3))
    matrix /= matrix.sum(axis=1, keepdims=True)
    gamma = float(rng.choice([1 / 2.2, 1 / 2.2, 1 / 1.8, 1.0])) * float(rng.uniform(0.9, 1.1))
    noisy = rng.uniform(0, 1) ** 2
    gain = float(np.exp(rng.normal(0, 0.2)))
    red, blue = (float(v) for v in np.exp(rng.normal(0, 0.08, 2)))
    aligned = rng.random() < 0.4
    return SensorPair(
        mono_response=(float(response[0]), float(response[1]), float(response[2])),
        infrared_share=0.4 * float(rng.uniform(0, 1) ** 2),
        infrared_map=np.exp(nodes).astype(np.float32),
        mono_gain=gain * float(np.exp(rng.normal(0, 0.25))),
        color_gain=gain * float(np.exp(rng.normal(0, 0.08))),
        sensitivity=(float(rng.uniform(0.5, 0.95)), 1.0, float(rng.uniform(0.45, 0.9))),
        white_balance=(red, 1.0, blue),
        mono_gamma=gamma * float(rng.uniform(0.85, 1.15)),
        color_gamma=gamma,
        color_matrix=matrix.astype(np.float32),
        mono_noise=(0.004 * noisy, 0.01 * noisy),
        color_noise=(0.015 * noisy + 0.001, 0.025 * noisy + 0.002),
        mono_blur_px=float(rng.uniform(0, 0.5)),
        color_blur_px=float(rng.uniform(0, 1.2)),
        vignetting=(float(rng.uniform(0, 0.25)), float(rng.uniform(0, 0.25))),
        mosaic=(int(rng.integers(4)), int(rng.integers(2))) if rng.random() < 0.7 else None,
        tilt_deg=0.0 if aligned else float(rng.normal(0, 0.05)),
        row_shift_px=0.0 if aligned else float(np.clip(rng.normal(0, 0.4), -1, 1)),
    )


def expose_mono(radiance: Float, sensors: SensorPair, rng: np.random.Generator) -> Float:
    """Return I_G of linear radiance: H×W×3 RGB → H×W, 0 … 1, encoded."""
    light = _mono_signal(radiance, sensors)
    light = _blur(light * _vignette(light.shape, sensors.vignetting[0]), sensors.mono_blur_px)
    return _encode(_noisy(light, sensors.mono_noise, rng), sensors.mono_gamma)


def expose_color(radiance: Float, sensors: SensorPair, rng: np.random.Generator) -> Float:
    """Return R_C of linear radiance: H×W×3 RGB → H×W×3 RGB, 0 … 1, with mosaic, noise and blur.

    Wells fill before the white balance, so that highlights clip; noise is amplified by it.
    """
    light = _blur(_color_signal(radiance, sensors), sensors.color_blur_px)
    light *= np.array(sensors.sensitivity, np.float32)
    back: Float = np.reciprocal(np.array(sensors.sensitivity, np.float32))
    if sensors.mosaic is None:
        raw = np.clip(_noisy(light, sensors.color_noise, rng), 0, 1)
        return _encode(raw * back, sensors.color_gamma)
    pattern, demosaicing = sensors.mosaic
    codes, channels = _MOSAICS[pattern]
    mosaic = np.empty(light.shape[:2], np.float32)
    for place, channel in enumerate(channels):
        row, column = divmod(place, 2)
        mosaic[row::2, column::2] = light[row::2, column::2, channel]
    values = (np.clip(_noisy(mosaic, sensors.color_noise, rng), 0, 1) * _FULL_SCALE_16).astype(np.uint16)
    rgb = np.asarray(cv2.cvtColor(values, codes[demosaicing]), np.float32)
    return _encode(rgb * (back / _FULL_SCALE_16), sensors.color_gamma)


def true_color(radiance: Float, sensors: SensorPair) -> Float:
    """Return what the colour camera would give without noise and blur: the right answer, H×W×3 RGB, 0 … 1."""
    return _encode(_color_signal(radiance, sensors), sensors.color_gamma)


def misalign(reference: Float, sensors: SensorPair) -> Float:
    """Return the reference, H×W or H×W×c, with what rectification left: a turn and a shift of its rows."""
    if sensors.tilt_deg == 0 and sensors.row_shift_px == 0:
        return reference
    height, width = reference.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), sensors.tilt_deg, 1.0)
    matrix[1, 2] += sensors.row_shift_px
    flags = cv2.INTER_LINEAR
    moved = cv2.warpAffine(reference, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _mono_signal(radiance: Float, sensors: SensorPair) -> Float:
    light: Float = radiance @ np.array(sensors.mono_response, dtype=np.float32)
    if sensors.infrared_share > 0:
        red, green, blue = cv2.split(radiance)
        brightness = red + green + blue
        scale = np.float32(_INFRARED_NODES - 1) / np.maximum(brightness, np.float32(1e-6))
        there = cv2.remap(sensors.infrared_map, red * scale, blue * scale, cv2.INTER_LINEAR)
        share = np.float32(sensors.infrared_share)
        light *= 1 - share
        light += share / 3 * brightness * there
    light *= np.float32(sensors.mono_gain)
    return light


def _color_signal(radiance: Float, sensors: SensorPair) -> Float:
    """Return white-balanced linear R, G, B on the sensor, behind the lens's vignetting."""
    gains = sensors.color_gain * np.array(sensors.white_balance, np.float32)
    matrix = np.asarray(sensors.color_matrix * gains[:, None], np.float32)
    mixed = np.clip(radiance @ matrix.T, 0, None)
    mixed *= _vignette(mixed.shape[:2], sensors.vignetting[1])[..., None]
    return np.asarray(mixed, np.float32)


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
