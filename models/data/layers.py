"""Generated scenes: slanted, textured layers at random depths, seen by a mono and a colour camera, with the
truth.

Content of mono pixel x lies at x + disparity in the reference, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.sensor import draw_sensors, expose_color, expose_mono, misalign, true_color
from models.data.textures import fractal_noise, random_texture

Float = NDArray[np.float32]

REGISTERED_DEPTH = 32
"""Disparities that order the layers of a scene seen from one place; they do not show."""


@dataclass(frozen=True, eq=False)
class SyntheticPair:
    """One generated pair with everything that is known of it.

    Attributes:
        mono: I_G, H×W float32, 0 … 1.
        reference: R_C, H×W×3 float32 RGB, 0 … 1.
        truth: H×W×3 float32 RGB, 0 … 1: the colour camera's colour of every mono pixel, free of noise.
        disparity: H×W float32 in px.
        visible: H×W bool: the colour camera sees this mono pixel too.
    """

    mono: Float
    reference: Float
    truth: Float
    disparity: Float
    visible: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RegisteredPair:
    """What both cameras make of the light at one and the same place: no disparity, no occlusion.

    Attributes:
        mono: J_G, H×W float32, 0 … 1.
        color: J_C, H×W×3 float32 RGB, 0 … 1.
    """

    mono: Float
    color: Float


@dataclass(frozen=True, eq=False)
class _Views:
    """Linear radiance as the mono (left) and the colour (right) camera see it, each with its disparity."""

    left: Float
    right: Float
    disparity: Float
    disparity_right: Float


def generate_pair(
    rng: np.random.Generator, height: int, width: int, max_disparity: int, photos: list[Float]
) -> SyntheticPair:
    """Draw a scene with disparities in 0 … max_disparity − 1 and take a picture of it with both cameras."""
    views = _draw(rng, height, width, max_disparity, photos)
    sensors = draw_sensors(rng)
    reference = misalign(expose_color(views.right, sensors, rng), sensors)
    return SyntheticPair(
        mono=expose_mono(views.left, sensors, rng),
        reference=reference,
        truth=true_color(views.left, sensors),
        disparity=views.disparity,
        visible=_visible(views.disparity, views.disparity_right),
    )


def generate_registered(
    rng: np.random.Generator, height: int, width: int, photos: list[Float]
) -> RegisteredPair:
    """Draw a scene and let both cameras take a picture of it from the mono camera's place (zero baseline)."""
    views = _draw(rng, height, width, REGISTERED_DEPTH, photos)
    sensors = draw_sensors(rng)
    return RegisteredPair(
        mono=expose_mono(views.left, sensors, rng), color=expose_color(views.left, sensors, rng)
    )


def _draw(
    rng: np.random.Generator, height: int, width: int, max_disparity: int, photos: list[Float]
) -> _Views:
    margin = max_disparity + 16
    left = np.zeros((height, width, 3), np.float32)
    right = np.zeros((height, width, 3), np.float32)
    disparity = np.zeros((height, width), np.float32)
    disparity_right = np.zeros((height, width), np.float32)
    for layer, shift in enumerate(_depths(rng, max_disparity)):
        plane = _plane(rng, shift, height, width, max_disparity, background=layer == 0)
        wide = width + 2 * margin
        texture = random_texture(rng, height, wide, photos)
        alpha = np.ones((height, wide), np.float32) if layer == 0 else _shape(rng, height, wide, margin)
        _paint(left, disparity, texture, alpha, plane, margin, in_reference=False)
        _paint(right, disparity_right, texture, alpha, plane, margin, in_reference=True)
    return _Views(left, right, disparity, disparity_right)


def _depths(rng: np.random.Generator, max_disparity: int) -> Float:
    """Return disparities of the layers, background first; some scenes are flat, some deep."""
    count = int(rng.integers(3, 12))
    low, high = np.sort(rng.uniform(0, max_disparity * 0.95, 2))
    return np.sort(rng.uniform(low, high, count)).astype(np.float32)


def _plane(
    rng: np.random.Generator, shift: float, height: int, width: int, max_disparity: int, *, background: bool
) -> tuple[float, float, float]:
    """Return (a, b, c) of disparity = a + b·x + c·y, kept inside the search range over the image."""
    slant = 0.12 if background or rng.random() < 0.5 else 0.0
    b, c = (float(v) for v in rng.uniform(-slant, slant, 2))
    spread = abs(b) * width + abs(c) * height
    limit = min(shift, max_disparity - 1 - shift)
    if spread / 2 > limit:
        b, c = b * 2 * limit / spread, c * 2 * limit / spread
    return float(shift) - b * width / 2 - c * height / 2, b, c


def _paint(
    image: Float,
    disparity: Float,
    texture: Float,
    alpha: Float,
    plane: tuple[float, float, float],
    margin: int,
    *,
    in_reference: bool,
) -> None:
    """Lay a layer over what is there. The texture's column 0 is mono column −margin."""
    a, b, c = plane
    height, width = disparity.shape
    if in_reference:  # x_reference = x + a + b·x + c·y, solved for x
        matrix = np.array([[1 / (1 + b), -c / (1 + b), margin - a / (1 + b)], [0, 1, 0]], np.float32)
    else:
        matrix = np.array([[1, 0, margin], [0, 1, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    color = cv2.warpAffine(texture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    image += cover[..., None] * (color - image)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    source = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] - margin
    np.copyto(disparity, a + b * source + c * y, where=cover > 0.5)


def _shape(rng: np.random.Generator, height: int, wide: int, margin: int) -> Float:
    """Return the coverage of a layer, 0 … 1: ellipse, polygon, thin bars, a net, or a ragged cloud."""
    mask = np.zeros((height, wide), np.float32)
    kind = rng.random()
    center = (int(rng.integers(margin, wide - margin)), int(rng.integers(0, height)))
    if kind < 0.3:
        axes = tuple(int(v) for v in rng.uniform(0.06, 0.45, 2) * height)
        cv2.ellipse(
            mask, center, (axes[0], axes[1]), float(rng.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA
        )
    elif kind < 0.65:
        corners = int(rng.integers(3, 8))
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        radius = rng.uniform(0.15, 0.6, corners) * height
        points = np.stack([center[0] + radius * np.cos(angles), center[1] + radius * np.sin(angles)], axis=1)
        cv2.fillPoly(mask, [points.astype(np.int32)], 1.0, cv2.LINE_AA)
    elif kind < 0.85:
        for _ in range(int(rng.integers(1, 9))):
            start, end = ((int(rng.integers(0, wide)), int(rng.integers(-20, height + 20))) for _ in range(2))
            cv2.line(mask, start, end, 1.0, int(rng.integers(1, 12)), cv2.LINE_AA)
    else:
        noise = fractal_noise(rng, height, wide, float(rng.uniform(20, 120)), 4, 0.6)
        mask = np.clip((noise - rng.uniform(0.5, 0.8)) * 12, 0, 1).astype(np.float32)
    return mask


def _visible(disparity: Float, disparity_right: Float) -> NDArray[np.bool_]:
    """Return where the front-most surface seen by the colour camera is the same one."""
    height, width = disparity.shape
    y, x = np.mgrid[:height, :width]
    target = np.round(x + disparity).astype(np.int64)
    inside = target < width
    there = disparity_right[y, np.clip(target, 0, width - 1)]
    visible: NDArray[np.bool_] = inside & (np.abs(there - disparity) < 1.0)
    return visible
