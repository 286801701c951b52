"""Words, boxes and colour bars on pictures, without a screen."""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Rgb8 = NDArray[np.uint8]
Colour = tuple[int, int, int]
Anchor = Literal["lm", "mm", "rm"]
"""Which point of a line of text is given: left, middle or right end, at half its height."""

INK: Colour = (34, 34, 34)
PAPER: Colour = (255, 255, 255)
BOX_COLOURS: tuple[Colour, ...] = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167))
"""Okabe and Ito's palette: told apart with every common form of colour blindness."""

BAR_WIDTH_PX, BAR_TEXT_PX = 14, 72
_MAPS = {
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "plasma": cv2.COLORMAP_PLASMA,
}
# The first that the computer has; the last resort comes with Pillow and knows ASCII only.
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf", "Helvetica.ttc")
_IN_ASCII = {"Δ": "d", "×": "x", "–": "-", "−": "-", "σ": "sigma", "µ": "u", "≥": ">=", "≤": "<="}


@dataclass(frozen=True)
class BarScale:
    """What the colours of a map mean: `low` … `high` span the colour map."""

    low: float
    high: float
    unit: str
    colour_map: str


def draw_text(
    canvas: Rgb8,
    at: tuple[float, float],
    text: str,
    size_px: int,
    colour: Colour = INK,
    anchor: Anchor = "lm",
    most_px: int | None = None,
) -> None:
    """Write a line of text into an H×W×3 picture.

    Args:
        at: x and y of the anchor.
        size_px: nominal height of the letters with ascent and descent.
        most_px: what is longer ends in "…".
    """
    font = _font(size_px)
    text = _readable(text, font)
    if most_px is not None:
        text = _shortened(text, font, most_px)
    image = Image.fromarray(canvas)
    ImageDraw.Draw(image).text(at, text, font=font, fill=colour, anchor=anchor)
    canvas[:] = np.asarray(image)


def text_width_px(text: str, size_px: int) -> int:
    """Return how long a line of text becomes."""
    font = _font(size_px)
    return round(font.getlength(_readable(text, font)))


def draw_box(canvas: Rgb8, box: tuple[int, int, int, int], colour: Colour, thickness_px: int = 2) -> None:
    """Draw a frame inside x, y, width, height of an H×W×3 picture."""
    x, y, width, height = box
    for inset in range(thickness_px):
        corner = (x + inset, y + inset)
        opposite = (x + width - 1 - inset, y + height - 1 - inset)
        cv2.rectangle(canvas, corner, opposite, colour, 1)


def draw_cross(canvas: Rgb8, at: tuple[int, int], colour: Colour, reach_px: int = 8) -> None:
    """Draw a cross around pixel x, y, which itself stays as it is; its dark edge shows on any ground."""
    x, y = at
    for shade, thickness in (((0, 0, 0), 3), (colour, 1)):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start = (x + 2 * dx, y + 2 * dy)
            cv2.line(canvas, start, (x + reach_px * dx, y + reach_px * dy), shade, thickness)


def colour_bar(scale: BarScale, height: int, ink: Colour = INK, paper: Colour = PAPER) -> Rgb8:
    """Return a colour bar with its ends and its middle, height × (`BAR_WIDTH_PX` + `BAR_TEXT_PX`) × 3."""
    bar = np.full((height, BAR_WIDTH_PX + BAR_TEXT_PX, 3), paper, np.uint8)
    ramp = np.linspace(255, 0, height).round().astype(np.uint8)[:, None]
    coloured = cv2.applyColorMap(ramp, _MAPS.get(scale.colour_map, cv2.COLORMAP_VIRIDIS))
    bar[:, :BAR_WIDTH_PX] = coloured[..., ::-1]
    digits = 2 if scale.high - scale.low <= 2 else 0 if scale.high - scale.low >= 20 else 1
    size = int(np.clip(height // 12, 9, 16))
    places = (
        (scale.high, size / 2),
        ((scale.low + scale.high) / 2, height / 2),
        (scale.low, height - size / 2),
    )
    for value, y in places if height > 5 * size else places[::2]:
        text = f"{value:.{digits}f} {scale.unit}".rstrip()
        draw_text(bar, (BAR_WIDTH_PX + 5, y), text, size, ink, most_px=BAR_TEXT_PX - 6)
    return bar


def fit_inside(picture: Rgb8, width: int, height: int, ground: Colour) -> Rgb8:
    """Return an H×W×3 picture scaled to fit, in the middle of a ground of that size."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    fitted = resize(picture, max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    canvas = np.full((height, width, 3), ground, np.uint8)
    top, left = (height - fitted.shape[0]) // 2, (width - fitted.shape[1]) // 2
    canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return canvas


def resize(picture: Rgb8, width: int, height: int) -> Rgb8:
    """Return a picture of that size: averaged when it shrinks, its own pixels repeated when it grows."""
    if (picture.shape[1], picture.shape[0]) == (width, height):
        return picture
    grows = width > picture.shape[1]
    how = cv2.INTER_NEAREST if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def rgb_of(picture: NDArray[np.uint8]) -> Rgb8:
    """Return H×W×3 of a gray or colour picture, a copy."""
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture.copy()


@functools.lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size_px)
        except OSError:
            continue
    return ImageFont.load_default(size_px)


def _readable(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Return a line that the font can write."""
    line = " ".join(text.split())
    if isinstance(font, ImageFont.FreeTypeFont) and isinstance(font.path, str):
        return line
    spelt = "".join(_IN_ASCII.get(letter, letter) for letter in line)
    return unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, most_px: int) -> str:
    if font.getlength(text) <= most_px:
        return text
    while text and font.getlength(text + "…") > most_px:
        text = text[:-1]
    return text + "…"
