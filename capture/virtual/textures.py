"""Procedural textures: noise, wood, marble, brick … No downloaded images.

A *picture* here is h×w×3 float32 RGB in 0 … 1, gamma-encoded as on a screen (colours are chosen that way). It
looks the same at every resolution: noise is defined in cells per picture, not in pixels. `texture` turns a
picture into what the renderer needs: linear reflectance of red, green, blue and of the band the mono
sensor sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.float32]
Floats = NDArray[np.float32]
Size = tuple[int, int]

# The mono sensor's response: it sees more red than an eye does, and near infrared besides.
MONO_RGB = (0.26, 0.41, 0.17)
MONO_NIR = 0.16
LUMA = (0.2126, 0.7152, 0.0722)
SMALLEST_LEVEL_PX = 8


@dataclass(frozen=True)
class Infrared:
    """Reflectance in near infrared: base + slope · luminance. Materials of one colour may differ in it."""

    base: float
    slope: float


PAINT = Infrared(0.22, 0.60)
PRINT = Infrared(0.45, 0.35)  # most inks are transparent there: paper shines through
FABRIC = Infrared(0.35, 0.60)
WOOD = Infrared(0.28, 0.75)
FOLIAGE = Infrared(0.52, 0.80)
PLASTIC = Infrared(0.15, 0.75)


@dataclass(frozen=True, eq=False)
class Texture:
    """What covers a surface.

    Attributes:
        levels: h×w×4 float32 each, linear reflectance R, G, B, mono in 0 … 1; each half the size of the last.
            (h×w where only mono was kept.)
        alpha: h×w float32 in 0 … 1 of level 0, None where it covers everything.
    """

    levels: tuple[Floats, ...]
    alpha: Floats | None = None

    @property
    def size(self) -> Size:
        """Return (height, width) of the finest level."""
        return self.levels[0].shape[0], self.levels[0].shape[1]

    def mono(self) -> Texture:
        """Return the texture as the mono sensor alone sees it: h×w levels, cheaper to sample."""
        return Texture(tuple(np.ascontiguousarray(level[..., 3]) for level in self.levels), self.alpha)


def texture(
    picture: Picture, infrared: Infrared = PAINT, alpha: Floats | None = None, glow: float = 1.0
) -> Texture:
    """Return the texture of a picture; `glow` multiplies reflectance (above 1: it shines by itself)."""
    linear = np.power(np.clip(picture, 0.0, 1.0), 2.2).astype(np.float32)
    luminance = _weighted(linear, LUMA)
    nir = np.clip(infrared.base + infrared.slope * luminance, 0.0, 1.0)
    mono = _weighted(linear, MONO_RGB) + MONO_NIR * nir
    full = (np.dstack([linear, mono]) * glow).astype(np.float32)
    levels = [full]
    while min(levels[-1].shape[:2]) >= 2 * SMALLEST_LEVEL_PX:
        levels.append(_half(levels[-1]))
    return Texture(tuple(levels), alpha)


def _weighted(picture: Floats, weights: tuple[float, float, float]) -> Floats:
    """Return the weighted sum of the channels. No matrix product: BLAS does not round the same way every
    time.
    """
    red, green, blue = (np.float32(weight) * picture[..., i] for i, weight in enumerate(weights))
    return np.asarray(red + green + blue, np.float32)


def _half(level: Floats) -> Floats:
    height, width = level.shape[:2]
    return np.asarray(
        cv2.resize(level, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA), np.float32
    )


def rgb(code: str) -> NDArray[np.float32]:
    """Return (3,) float32 of "#rrggbb"."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def plain(size: Size, color: ArrayLike) -> Picture:
    """One colour."""
    return np.full((*size, 3), np.asarray(color, np.float32), np.float32)


def mix(first: Picture | Floats, second: Picture | Floats, share: Floats) -> Picture:
    """Blend two pictures or colours; `share` h×w in 0 … 1 is the part of the second."""
    weight = share[..., None]
    return np.asarray(first * (1 - weight) + second * weight, np.float32)


def coordinates(size: Size) -> tuple[Floats, Floats]:
    """Return x and y of every pixel's centre, h×w float32 in 0 … 1."""
    height, width = size
    x = (np.arange(width, dtype=np.float32) + 0.5) / width
    y = (np.arange(height, dtype=np.float32) + 0.5) / height
    grid = np.broadcast_to(x, size), np.broadcast_to(y[:, None], size)
    return grid[0].astype(np.float32), grid[1].astype(np.float32)


def noise(
    rng: Generator, size: Size, cells: tuple[float, float], octaves: int = 5, gain: float = 0.5
) -> Floats:
    """Multi-octave value noise, h×w float32, mean about 0.5, within 0 … 1.

    Args:
        cells: (down, across) number of cells of the coarsest octave.
        gain: amplitude of an octave relative to the one before.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    amplitude, norm = 1.0, 0.0
    for octave in range(octaves):
        rows, columns = (max(1, round(n * 2**octave)) for n in cells)
        grid = rng.random((rows + 3, columns + 3), dtype=np.float32)
        if octave > 0 and rows > 2 * height and columns > 2 * width:
            continue  # finer than the picture can show; drawn all the same, so that later ones stay alike
        total += amplitude * _stretched(grid, size, rows, columns)
        norm += amplitude
        amplitude *= gain
    return np.asarray(np.clip((total / norm - 0.5) * 1.6 + 0.5, 0.0, 1.0), np.float32)


def _stretched(grid: Floats, size: Size, rows: int, columns: int) -> Floats:
    """Interpolate a grid with a border of cells over the picture (cubic)."""
    height, width = size
    scale_y, scale_x = rows / height, columns / width
    matrix = np.array([[scale_x, 0, 1 + 0.5 * scale_x], [0, scale_y, 1 + 0.5 * scale_y]], np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(grid, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(warped, np.float32)


def smoothstep(low: float, high: float, value: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def wood(rng: Generator, size: Size, light: str, dark: str, planks: int = 1, along_x: bool = True) -> Picture:
    """Planks with grain and rings."""
    if not along_x:
        turned = wood(rng, (size[1], size[0]), light, dark, planks)
        return np.ascontiguousarray(turned.transpose(1, 0, 2))
    x, y = coordinates(size)
    plank = np.minimum((y * planks).astype(np.int32), planks - 1)
    offset = rng.random(planks).astype(np.float32)[plank]
    tone = (0.5 + 0.5 * (rng.random(planks).astype(np.float32) - 0.5))[plank]
    bend = noise(rng, size, (2.5 * planks, 3), 3)
    within = y * planks - plank
    rings = np.sin((within + offset * 3 + bend * 0.9 + x * 0.15) * 26) * 0.5 + 0.5
    grain = noise(rng, size, (60 * planks, 5), 4, 0.7)
    pores = smoothstep(0.62, 0.8, noise(rng, size, (110 * planks, 14), 2))
    shade = 0.42 * rings * bend + 0.40 * grain + 0.55 * (tone - 0.5)
    picture = mix(rgb(light), rgb(dark), np.clip(shade, 0, 1).astype(np.float32))
    picture *= (1 - 0.22 * pores)[..., None]
    seam = np.abs(within - 0.5) > 0.5 - 0.006 * planks**0.5
    if planks > 1:
        picture[seam] *= 0.55
    return picture


def marble(rng: Generator, size: Size, light: str, dark: str, veins: float = 3.0) -> Picture:
    """Cloudy stone with veins."""
    x, y = coordinates(size)
    warp = noise(rng, size, (4, 4), 5)
    vein = 1 - np.abs(np.sin((x + 0.6 * y + 1.1 * warp) * np.pi * veins))
    share = 0.65 * smoothstep(0.72, 1.0, vein) + 0.35 * noise(rng, size, (3, 3), 5)
    return mix(rgb(light), rgb(dark), np.clip(share, 0, 1).astype(np.float32))


def brick(rng: Generator, size: Size, rows: int, columns: int, light: str, dark: str, mortar: str) -> Picture:
    """Running bond; every brick a little different."""
    x, y = coordinates(size)
    row = np.minimum((y * rows).astype(np.int32), rows - 1)
    shifted = x * columns + 0.5 * (row % 2)
    column = shifted.astype(np.int32)
    tones = rng.random((rows, columns + 2)).astype(np.float32)
    grit = noise(rng, size, (rows * 3, columns * 4), 4, 0.7)
    share = np.clip(0.75 * tones[row, column] + 0.7 * (grit - 0.35), 0, 1)
    picture = mix(rgb(light), rgb(dark), share.astype(np.float32))
    edge_y = 0.5 - np.abs(y * rows - row - 0.5)
    edge_x = (0.5 - np.abs(shifted - column - 0.5)) * 2.6
    joint = 1 - smoothstep(0.05, 0.13, np.minimum(edge_x, edge_y) + 0.05 * (grit - 0.5))
    lime = plain(size, rgb(mortar)) * (0.8 + 0.35 * grit)[..., None]
    return mix(picture, lime, joint)


def stripes(size: Size, colors: tuple[str, ...], repeats: int, along_x: bool = True) -> Picture:
    """Even stripes that repeat."""
    x, y = coordinates(size)
    position = (x if along_x else y) * repeats * len(colors)
    palette = np.stack([rgb(code) for code in colors])
    return np.asarray(palette[position.astype(np.int32) % len(colors)], np.float32)


def checker(size: Size, rows: int, columns: int, colors: tuple[str, str]) -> Picture:
    """A checkerboard."""
    x, y = coordinates(size)
    odd = ((x * columns).astype(np.int32) + (y * rows).astype(np.int32)) % 2
    return np.asarray(np.stack([rgb(code) for code in colors])[odd], np.float32)


def dots(
    size: Size, rows: int, columns: int, ground: str, colors: tuple[str, ...], radius: float = 0.3
) -> Picture:
    """Dots on a grid, colours in turn."""
    x, y = coordinates(size)
    row, column = (y * rows).astype(np.int32), (x * columns).astype(np.int32)
    away = np.hypot(x * columns - column - 0.5, y * rows - row - 0.5)
    palette = np.stack([rgb(code) for code in colors])
    share = 1 - smoothstep(radius * 0.9, radius, away.astype(np.float32))
    return mix(plain(size, rgb(ground)), palette[(row * 2 + column) % len(colors)], share)


def cloth(rng: Generator, size: Size, picture: Picture, threads: int = 160) -> Picture:
    """Weave over a picture, with uneven dye."""
    x, y = coordinates(size)
    weave = np.sin(x * threads * 2 * np.pi) * np.sin(y * threads * 2 * np.pi * size[0] / size[1])
    uneven = noise(rng, size, (5, 5), 5, 0.65)
    shade = 0.86 + 0.10 * weave + 0.22 * (uneven - 0.35)
    return np.asarray(np.clip(picture * shade[..., None], 0, 1), np.float32)


def plaster(rng: Generator, size: Size, color: str, roughness: float = 0.05) -> Picture:
    """Painted wall: next to no texture."""
    clouds = noise(rng, size, (3, 3), 6, 0.6)
    return np.asarray(np.clip(rgb(color) * (1 + roughness * (clouds - 0.5))[..., None], 0, 1), np.float32)
