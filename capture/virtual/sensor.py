"""Two different sensors: from light to raw values.

The mono sensor is sharp, clean and sees some near infrared. The colour sensor has a Bayer mosaic, colour
filters that overlap, an optical low-pass filter, smaller wells, more noise and gains for white balance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.frames import Frame, Image, Layout, Role
from capture.virtual.view import Floats

# Linear values are looked up in 16 bits: fine enough for the steep start of the gamma curve.
LOOKUP_SIZE = 1 << 16


@dataclass(frozen=True)
class Look:
    """Everything about a camera's settings that changes its picture.

    Attributes:
        exposure_us: exposure time.
        gain_db: gain.
        gamma: exponent of the curve from light to values, as in SFNC.
        balance_red, balance_blue: white balance, gain relative to green.
        bits: 8 or 12 significant bits.
    """

    exposure_us: float
    gain_db: float
    gamma: float = 0.45
    balance_red: float = 1.0
    balance_blue: float = 1.0
    bits: int = 8

    def of_frame(self, frame: Frame) -> Look:
        """Return the same look with the exposure and gain of a frame."""
        return replace(
            self,
            exposure_us=self.exposure_us if frame.exposure_us is None else frame.exposure_us,
            gain_db=self.gain_db if frame.gain_db is None else frame.gain_db,
            bits=frame.bits,
        )


@dataclass(frozen=True, eq=False)
class Sensor:
    """A kind of sensor with its lens.

    Attributes:
        response: c×4, from radiance (R, G, B, mono) to the sensor's channels.
        electrons: collected per µs at radiance 1.
        full_well: electrons at which a pixel is full; value 1.0 at 0 dB.
        read_noise: electrons, standard deviation.
        vignetting: loss of light in the corner of a 4:3 image, 0 … 1.
        blur_px: sigma of the optical low-pass filter in px; 0 for none.
        look: settings after power-up.
    """

    role: Role
    response: Floats
    electrons: float
    full_well: float
    read_noise: float
    vignetting: float
    blur_px: float
    look: Look

    def shading(self, normalized: Floats) -> Floats:
        """Return what vignetting leaves, h×w, at ray coordinates h×w×2 (x/z, y/z)."""
        squared = normalized[..., 0] ** 2 + normalized[..., 1] ** 2
        return np.asarray(1 - self.vignetting * squared / np.float32(CORNER_SQUARED), np.float32)


# Squared ray coordinate of an image corner.
CORNER_SQUARED = 0.48

MONO = Sensor(
    role="mono",
    response=np.array([[0, 0, 0, 1]], np.float32),
    electrons=1.70,
    full_well=10500.0,
    read_noise=4.0,
    vignetting=0.16,
    blur_px=0.0,
    look=Look(exposure_us=5000.0, gain_db=0.0),
)
COLOR = Sensor(
    role="color",
    response=np.array(
        [
            [0.540, 0.090, 0.012, 0.0],
            [0.110, 0.780, 0.130, 0.0],
            [0.012, 0.130, 0.560, 0.0],
        ],
        np.float32,
    ),
    electrons=0.35,
    full_well=5000.0,
    read_noise=9.0,
    vignetting=0.30,
    blur_px=0.62,
    look=Look(exposure_us=8000.0, gain_db=4.0, balance_red=1.45, balance_blue=1.62),
)
SENSORS: dict[Role, Sensor] = {"mono": MONO, "color": COLOR}

PIXEL_FORMATS: dict[Role, dict[str, tuple[Layout, int]]] = {
    "mono": {"Mono8": (Layout.MONO, 8), "Mono12": (Layout.MONO, 12)},
    "color": {"BayerRG8": (Layout.BAYER_RG, 8), "BayerRG12": (Layout.BAYER_RG, 12)},
}


def develop(light: Floats, sensor: Sensor, look: Look) -> Floats:
    """Return noise-free linear values (1.0 is white) of light on the sensor, before white balance."""
    scale = np.float32(sensor.electrons * look.exposure_us / sensor.full_well)
    # The well fills before the gain: what is lost there no gain brings back.
    return np.asarray(
        np.minimum(light * scale, np.float32(1)) * np.float32(10 ** (look.gain_db / 20)), np.float32
    )


def expose(light: Floats, sensor: Sensor, look: Look, seed: tuple[int, ...]) -> Image:
    """Return raw values of one exposure, gamma-encoded: uint8, or uint16 0 … 4095 at 12 bits.

    Args:
        light: H×W float32, light on each pixel, through its colour filter where there is one.
        seed: decides the noise.
    """
    gain = np.float32(10 ** (look.gain_db / 20))
    electrons = light * np.float32(sensor.electrons * look.exposure_us)
    np.minimum(electrons, np.float32(sensor.full_well), out=electrons)
    noise = np.random.default_rng(seed).standard_normal(light.shape, dtype=np.float32)
    noise *= np.sqrt(np.maximum(electrons, 0) + np.float32(sensor.read_noise**2))
    electrons += noise
    electrons *= gain / np.float32(sensor.full_well)
    if sensor.role == "color":
        electrons[0::2, 0::2] *= np.float32(look.balance_red)
        electrons[1::2, 1::2] *= np.float32(look.balance_blue)
    return encode(electrons, look)


def encode(values: Floats, look: Look) -> Image:
    """Return linear values (1.0 is white) on the camera's gamma curve in its bits."""
    index = np.clip(values * np.float32(LOOKUP_SIZE - 1) + np.float32(0.5), 0, LOOKUP_SIZE - 1).astype(
        np.uint16
    )
    return cast("Image", _curve(look.gamma, look.bits).take(index))


@lru_cache(maxsize=16)
def _curve(gamma: float, bits: int) -> Image:
    linear = np.arange(LOOKUP_SIZE) / (LOOKUP_SIZE - 1)
    values: Image = np.round(linear**gamma * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    return values


def balance(channels: Floats, look: Look) -> Floats:
    """Return red, green and blue of h×w×c channels with white balance applied, h×w×3."""
    return np.asarray(
        channels[..., :3] * np.array([look.balance_red, 1.0, look.balance_blue], np.float32), np.float32
    )


def blurred(channels: Floats, sensor: Sensor) -> Floats:
    """Return what the optical low-pass filter leaves."""
    if sensor.blur_px == 0:
        return channels
    return np.asarray(cv2.GaussianBlur(channels, (5, 5), sensor.blur_px), np.float32)


def mosaic(channels: Floats, out: NDArray[np.float32]) -> None:
    """Write h×w×c channels to h×w through red–green / green–blue filters; h and w even, first pixel red."""
    out[0::2, 0::2] = channels[0::2, 0::2, 0]
    out[0::2, 1::2] = channels[0::2, 1::2, 1]
    out[1::2, 0::2] = channels[1::2, 0::2, 1]
    out[1::2, 1::2] = channels[1::2, 1::2, 2]
