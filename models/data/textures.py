"""Procedural textures for generated scenes: linear RGB radiance, seeded, nothing downloaded."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


def random_color(rng: np.random.Generator) -> Float:
    """Return one linear RGB colour, 0 … 1: mostly muted, sometimes vivid, as things are."""
    saturation = rng.beta(1.3, 1.8)
    value = rng.uniform(0.08, 1.0)
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, value), np.float32) ** 2.2


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, coarsest: float, octaves: int, decay: float
) -> Float:
    """Return H×W noise in 0 … 1: a sum of smooth random grids, each twice as fine and `decay` times as
    strong.
    """
    total = np.zeros((height, width), np.float32)
    amplitude, scale = 1.0, coarsest
    for _ in range(octaves):
        grid = (max(2, round(height / scale)), max(2, round(width / scale)))
        seeds = rng.standard_normal(grid).astype(np.float32)
        total += amplitude * cv2.resize(seeds, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= decay
        scale = max(1.0, scale / 2)
    low, high = np.percentile(total[::4, ::4], (1, 99))
    return np.asarray(np.clip((total - low) / max(high - low, 1e-6), 0, 1), np.float32)


def _blend(mix: Float, colors: list[Float]) -> Float:
    """Map 0 … 1 to a ramp through the colours."""
    table = np.stack(colors)
    position = mix * (len(colors) - 1)
    index = np.clip(position.astype(np.int32), 0, len(colors) - 2)
    fraction = (position - index)[..., None]
    return np.asarray(table[index] * (1 - fraction) + table[index + 1] * fraction, np.float32)


def _marble(rng: np.random.Generator, height: int, width: int) -> Float:
    scale = float(np.exp(rng.uniform(np.log(12), np.log(160))))
    mix = fractal_noise(rng, height, width, scale, int(rng.integers(2, 7)), float(rng.uniform(0.45, 0.9)))
    return _blend(mix, [random_color(rng) for _ in range(int(rng.integers(2, 6)))])


def _stripes(rng: np.random.Generator, height: int, width: int) -> Float:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), float(np.exp(rng.uniform(np.log(5), np.log(60))))
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period + rng.uniform(0, 6))
    sharp = float(rng.choice([1.0, 4.0, 20.0]))
    return _blend(np.clip(wave * sharp * 0.5 + 0.5, 0, 1), [random_color(rng), random_color(rng)])


def _tiles(rng: np.random.Generator, height: int, width: int) -> Float:
    """Draw bricks, a checker or a patchwork: rectangles of a few colours, with or without joints."""
    cell_h, cell_w = (int(v) for v in rng.integers(6, 60, 2))
    rows, columns = height // cell_h + 2, width // cell_w + 3
    palette = np.stack([random_color(rng) for _ in range(int(rng.integers(2, 8)))])
    choice = rng.integers(0, len(palette), (rows, columns))
    if rng.random() < 0.3:
        choice = (np.add.outer(np.arange(rows), np.arange(columns))) % 2
    y, x = np.mgrid[:height, :width]
    shifted = x + (y // cell_h % 2) * (cell_w // 2 if rng.random() < 0.5 else 0)
    image = palette[choice[y // cell_h, shifted // cell_w]]
    if rng.random() < 0.6:
        joint = (y % cell_h < 2) | (shifted % cell_w < 2)
        image[joint] = random_color(rng)
    return np.asarray(image, np.float32)


def _plain(rng: np.random.Generator, height: int, width: int) -> Float:
    """Draw a wall: one colour, hardly any texture, light falling off to a side."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    light = 1 + ramp * rng.uniform(0, 0.6)
    light += 0.04 * rng.random() * (fractal_noise(rng, height, width, 40, 4, 0.8) - 0.5)
    return np.asarray(random_color(rng) * light[..., None], np.float32)


def _print(rng: np.random.Generator, height: int, width: int) -> Float:
    """Draw letters and shapes on paper."""
    image = np.ones((height, width, 3), np.float32) * random_color(rng)
    for _ in range(int(rng.integers(15, 70))):
        color = tuple(float(v) for v in random_color(rng))
        at = (int(rng.integers(-20, width)), int(rng.integers(0, height)))
        kind = rng.random()
        if kind < 0.45:
            text = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(1, 7))))
            size = float(rng.uniform(0.4, 2.2))
            cv2.putText(
                image, text, at, int(rng.integers(0, 8)), size, color, int(rng.integers(1, 5)), cv2.LINE_AA
            )
        elif kind < 0.7:
            cv2.circle(image, at, int(rng.integers(3, 40)), color, -1, cv2.LINE_AA)
        elif kind < 0.85:
            end = (at[0] + int(rng.integers(-80, 80)), at[1] + int(rng.integers(-80, 80)))
            cv2.line(image, at, end, color, int(rng.integers(1, 7)), cv2.LINE_AA)
        else:
            end = (at[0] + int(rng.integers(5, 70)), at[1] + int(rng.integers(5, 70)))
            cv2.rectangle(image, at, end, color, -1)
    return image


_MAKERS: tuple[Callable[[np.random.Generator, int, int], Float], ...] = (
    _marble,
    _marble,
    _stripes,
    _tiles,
    _plain,
    _print,
)


def random_texture(rng: np.random.Generator, height: int, width: int, photos: list[Float]) -> Float:
    """Return H×W×3 linear RGB radiance, 0 … about 1.2.

    Args:
        rng: source of all choices.
        height, width: size in px.
        photos: linear RGB pictures to cut from besides the procedural kinds; may be empty.
    """
    if photos and rng.random() < 0.35:
        return _photo(rng, height, width, photos)
    image = _MAKERS[int(rng.integers(len(_MAKERS)))](rng, height, width)
    if rng.random() < 0.6:  # most surfaces are not lit or painted evenly
        fine = fractal_noise(rng, height, width, float(rng.uniform(2, 60)), 3, 0.7)
        image = image * (1 + rng.uniform(0.05, 0.7) * (fine[..., None] - 0.5))
    return image


def _photo(rng: np.random.Generator, height: int, width: int, photos: list[Float]) -> Float:
    photo = photos[int(rng.integers(len(photos)))]
    zoom = max(height / photo.shape[0], width / photo.shape[1]) * float(rng.uniform(1.0, 1.6))
    big = cv2.resize(photo, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    y, x = (int(rng.integers(0, b - n + 1)) for b, n in zip(big.shape[:2], (height, width), strict=True))
    cut = np.clip(big[y : y + height, x : x + width], 0, 1.2)
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    order = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
    return np.ascontiguousarray(cut[..., order]).astype(np.float32)
