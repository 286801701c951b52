"""Composed pictures: paintings, book covers, a colour chart, a globe, leaves … See `textures.Picture`."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator

from capture.virtual.textures import (
    Floats,
    Picture,
    Size,
    coordinates,
    mix,
    noise,
    plain,
    rgb,
    smoothstep,
)

# The 24 patches of the usual colour chart, sRGB.
CHART = (
    "#735244", "#c29682", "#627a9d", "#576c43", "#8580b1", "#67bdaa",
    "#d67e2c", "#505ba6", "#c15a63", "#5e3c6c", "#9dbc40", "#e0a32e",
    "#383d96", "#469449", "#af363c", "#e7c71f", "#bb5695", "#0885a1",
    "#f3f3f2", "#c8c8c8", "#a0a0a0", "#7a7a79", "#555555", "#343434",
)  # fmt: skip


def color_chart(size: Size) -> Picture:
    """Colour chart of 4 × 6 patches on black."""
    height, width = size
    picture = plain(size, rgb("#16161a"))
    for index, code in enumerate(CHART):
        row, column = divmod(index, 6)
        top, left = (0.06 + row * 0.225) * height, (0.04 + column * 0.155) * width
        picture[round(top) : round(top + 0.2 * height), round(left) : round(left + 0.135 * width)] = rgb(code)
    return picture


def landscape(rng: Generator, size: Size, sky: tuple[str, str], hills: tuple[str, ...], sun: str) -> Picture:
    """Hills behind hills under a sky with a sun."""
    x, y = coordinates(size)
    picture = mix(rgb(sky[0]), rgb(sky[1]), smoothstep(0.0, 0.75, y))
    cloud = smoothstep(0.55, 0.8, noise(rng, size, (6, 2.5), 5)) * (1 - y)
    picture = mix(picture, rgb("#ffffff"), np.asarray(0.8 * cloud, np.float32))
    center = rng.uniform(0.2, 0.8), rng.uniform(0.15, 0.35)
    away = np.hypot(x - center[0], (y - center[1]) * size[0] / size[1]).astype(np.float32)
    picture = mix(picture, rgb(sun), 1 - smoothstep(0.085, 0.1, away))
    for index, code in enumerate(hills):
        base = 0.42 + 0.5 * index / len(hills)
        crest = base + 0.24 * (noise(rng, (1, size[1]), (1, 3 + index), 5)[0] - 0.5)
        inside = smoothstep(0.0, 0.008, y - crest[None, :])
        grass = noise(rng, size, (40, 20), 3, 0.7)
        picture = mix(picture, rgb(code) * (0.75 + 0.5 * grass)[..., None], inside)
    return picture


def abstract(rng: Generator, size: Size, colors: tuple[str, ...], ground: str) -> Picture:
    """Overlapping discs, bars and rings."""
    x, y = coordinates(size)
    aspect = size[1] / size[0]
    picture = plain(size, rgb(ground))
    for index in range(11):
        color = rgb(colors[int(rng.integers(len(colors)))])
        cx, cy, radius = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.95), rng.uniform(0.06, 0.26)
        away = np.hypot((x - cx) * aspect, y - cy)
        if index % 3 == 0:
            turn = rng.uniform(0, np.pi)
            along = np.abs((x - cx) * np.cos(turn) * aspect + (y - cy) * np.sin(turn))
            across = np.abs(-(x - cx) * np.sin(turn) * aspect + (y - cy) * np.cos(turn))
            inside = np.maximum(along / (2.2 * radius), across / (0.28 * radius))
        elif index % 3 == 1:
            inside = away / radius
        else:
            inside = 1 + (np.abs(away - radius) - 0.14 * radius) / radius
        picture = mix(picture, color, 1 - smoothstep(0.98, 1.02, inside.astype(np.float32)))
    return picture * (0.94 + 0.12 * noise(rng, size, (40, 40), 3))[..., None]


def blocks(rng: Generator, size: Size) -> Picture:
    """A grid of primary colours between black bars."""
    height, width = size
    picture = plain(size, rgb("#f4f0e4"))
    cuts_x = np.sort(rng.choice(np.arange(1, 9), 3, replace=False)) / 9
    cuts_y = np.sort(rng.choice(np.arange(1, 9), 3, replace=False)) / 9
    xs, ys = [0.0, *cuts_x, 1.0], [0.0, *cuts_y, 1.0]
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            code = ("#f4f0e4", "#f4f0e4", "#d8362a", "#1f4e9c", "#f2c61f")[int(rng.integers(5))]
            picture[
                round(top * height) : round(bottom * height), round(left * width) : round(right * width)
            ] = rgb(code)
    bar = max(1, round(0.025 * width))
    for cut in cuts_x:
        picture[:, round(cut * width) - bar // 2 : round(cut * width) + bar - bar // 2] = rgb("#17171a")
    for cut in cuts_y:
        picture[round(cut * height) - bar // 2 : round(cut * height) + bar - bar // 2, :] = rgb("#17171a")
    return picture


def framed(picture: Picture, frame: str, mat: str = "#f3efe6", mat_share: float = 0.09) -> Picture:
    """Put a picture into a mat and a frame with bevelled edges."""
    height, width = picture.shape[:2]
    edge = max(2, round(0.055 * min(height, width)))
    gap = edge + max(1, round(mat_share * min(height, width)))
    result = plain((height, width), rgb(frame))
    result[:edge] *= 1.18
    result[-edge:] *= 0.72
    result[edge : height - edge, edge : width - edge] = rgb(mat)
    inner = (width - 2 * gap, height - 2 * gap)
    result[gap : height - gap, gap : width - gap] = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
    return np.clip(result, 0, 1)


def lettered(picture: Picture, text: str, color: str, place: tuple[float, float], height: float) -> Picture:
    """Write a line of text; `place` is its middle and `height` that of capitals, as parts of the picture."""
    rows, columns = picture.shape[:2]
    fine = 4
    font = cv2.FONT_HERSHEY_DUPLEX
    scale = fine * height * rows / 21
    thickness = max(1, round(scale * 2.2))
    (wide, tall), _ = cv2.getTextSize(text, font, scale, thickness)
    mask = np.zeros((rows * fine, columns * fine), np.uint8)
    origin = round(place[0] * columns * fine - wide / 2), round(place[1] * rows * fine + tall / 2)
    cv2.putText(mask, text, origin, font, scale, 255, thickness, cv2.LINE_AA)
    share = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return mix(picture, rgb(color), np.asarray(share, np.float32))


def book_spine(rng: Generator, size: Size, color: str) -> Picture:
    """Spine of a standing book: bands, a title bar, worn cloth."""
    _, y = coordinates(size)
    base = plain(size, rgb(color))
    accent = rgb(("#f2e6c4", "#d9b24c", "#f5f5f0", "#20242c")[int(rng.integers(4))])
    picture = base * (0.82 + 0.3 * noise(rng, size, (12, 2), 4, 0.7))[..., None]
    top = rng.uniform(0.10, 0.25)
    for band in (top, top + rng.uniform(0.04, 0.08), rng.uniform(0.82, 0.9)):
        picture = mix(picture, accent, (np.abs(y - band) < 0.008).astype(np.float32))
    start, length = rng.uniform(0.32, 0.4), rng.uniform(0.2, 0.38)
    columns = (np.abs(coordinates(size)[0] - 0.5) < 0.2).astype(np.float32)
    letters = (noise(rng, (size[0], 1), (60, 1), 1) > 0.45).astype(np.float32)
    title = ((y > start) & (y < start + length)).astype(np.float32) * columns * letters
    return np.clip(mix(picture, accent, title), 0, 1)


def book_cover(rng: Generator, size: Size, color: str, accent: str, title: str) -> Picture:
    """Front cover: title, a ring and cloth."""
    x, y = coordinates(size)
    picture = plain(size, rgb(color)) * (0.85 + 0.25 * noise(rng, size, (30, 30), 4, 0.7))[..., None]
    aspect = size[1] / size[0]
    away = np.hypot((x - 0.5) * aspect, y - 0.62)
    picture = mix(picture, rgb(accent), (np.abs(away - 0.2) < 0.025).astype(np.float32))
    picture = mix(picture, rgb(accent), (np.abs(np.abs(y - 0.5) - 0.44) < 0.012).astype(np.float32))
    return np.clip(lettered(picture, title, accent, (0.5, 0.22), 0.1), 0, 1)


def pages(rng: Generator, size: Size) -> Picture:
    """The cut edge of a book: fine lines of paper."""
    lines = noise(rng, (size[0], 1), (90, 1), 2, 0.8)
    return np.clip(rgb("#efe6d2") * (0.72 + 0.4 * np.broadcast_to(lines, size))[..., None], 0, 1).astype(
        np.float32
    )


def printed_page(rng: Generator, size: Size, lines: int = 24) -> Picture:
    """A page of print: a heading and lines of words."""
    x, y = coordinates(size)
    line = (y * lines).astype(np.int32)
    within = y * lines - line
    words = noise(rng, (lines + 1, 400), (lines, 70), 2)[:, :]
    ink = words[np.minimum(line, lines), np.minimum((x * 400).astype(np.int32), 399)] > 0.42
    body = (np.abs(within - 0.5) < 0.23) & (np.abs(x - 0.5) < 0.40) & (y > 0.2) & (y < 0.93)
    heading = (np.abs(y - 0.12) < 0.03) & (np.abs(x - 0.36) < 0.26)
    dark = ((ink & body) | heading).astype(np.float32)
    return mix(plain(size, rgb("#f6f2e6")), rgb("#2a2c33"), 0.85 * dark)


def globe(rng: Generator, size: Size) -> Picture:
    """A political globe: coloured countries, sea, meridians. Wraps around in x."""
    x, y = coordinates(size)
    field = noise(rng, size, (5, 8), 6, 0.55)
    other = noise(rng, size, (5, 8), 6, 0.55)
    wrap = smoothstep(0.85, 1.0, x)
    field = np.asarray(field * (1 - wrap) + field[:, :1] * wrap, np.float32)
    land = smoothstep(0.52, 0.535, field)
    palette = np.stack([rgb(c) for c in ("#e8c468", "#d9785c", "#8fb573", "#c9a3c8", "#efe0a8", "#7fb6a4")])
    country = palette[(noise(rng, size, (7, 11), 3) * 13).astype(np.int32) % 6]
    sea = mix(rgb("#3f86b5"), rgb("#65a8cf"), other)
    picture = mix(sea, country * (0.9 + 0.2 * other)[..., None], land)
    grid = np.minimum(np.abs((x * 24) % 1 - 0.5), np.abs((y * 12) % 1 - 0.5))
    return mix(picture, rgb("#2d5a7a"), np.asarray(0.35 * (grid < 0.03), np.float32))


def leaf(rng: Generator, size: Size, light: str, dark: str) -> tuple[Picture, Floats]:
    """A pointed leaf growing upward from the bottom edge: (picture, alpha)."""
    x, y = coordinates(size)
    length = 1 - y
    half_width = 0.48 * np.sin(np.pi * np.power(length, 0.72)) ** 0.9
    side = np.abs(x - 0.5 - 0.02 * np.sin(length * 7))
    alpha = smoothstep(0.0, 0.02, half_width - side + 0.018 * (length < 0.12))
    veins = np.abs(((length * 9 - side * 8) % 1) - 0.5) < 0.07
    shade = np.clip(0.25 + 0.5 * noise(rng, size, (6, 5), 4) + 0.35 * (side * 2), 0, 1)
    picture = mix(rgb(light), rgb(dark), shade.astype(np.float32))
    pale = (veins & (side < half_width)) | (side < 0.018)
    return mix(picture, rgb(light) * 1.12, np.asarray(0.6 * pale, np.float32)), alpha


def chessboard(squares: tuple[int, int], pixels_per_square: int, margin: float = 0.6) -> Picture:
    """A calibration board of (down, across) squares with a white margin, in squares, around it."""
    down, across = squares
    border = round(margin * pixels_per_square)
    rows = np.arange(down * pixels_per_square) // pixels_per_square
    columns = np.arange(across * pixels_per_square) // pixels_per_square
    field = ((rows[:, None] + columns[None, :]) % 2).astype(np.float32)
    board = np.pad(np.where(field > 0, 0.93, 0.06), border, constant_values=0.93)
    return np.repeat(board[..., None], 3, axis=2).astype(np.float32)
