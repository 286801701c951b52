"""CIEDE2000, the colour difference that people see (Luo, Cui and Rigg 2001).

Written after Sharma, Wu and Dalal: The CIEDE2000 Color-Difference Formula: Implementation Notes,
Supplementary Test Data, and Mathematical Observations, Color Research and Application 30 (2005); equation
numbers are theirs.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_Values = NDArray[np.floating[Any]]


def rgb_to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIE L*a*b* (…×3 float32; L* 0 … 100, white point D65) of H×W×3 uint8 RGB, taken for sRGB."""
    unit = rgb.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2Lab), np.float32)


def delta_e_2000(first: _Values, second: _Values) -> _Values:
    """Return ΔE00 of two arrays of L*a*b* values, …×3 each: … of their type, k_L = k_C = k_H = 1."""
    l1, a1, b1 = np.moveaxis(first, -1, 0)
    l2, a2, b2 = np.moveaxis(second, -1, 0)
    # Chroma, with a* stretched near the neutral axis (eqs. 2 to 7).
    mean_7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_7 / (mean_7 + 25.0**7)))
    c1, h1 = _polar(a1 * stretch, b1)
    c2, h2 = _polar(a2 * stretch, b2)
    # Differences (eqs. 8 to 11): the hue's is the shorter way around, and none where either is neutral.
    neutral = c1 * c2 == 0
    hue_step = np.where(neutral, 0, (h2 - h1 + 180) % 360 - 180)
    d_lightness, d_chroma = l2 - l1, c2 - c1
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(hue_step) / 2)
    # Means (eqs. 12 to 14).
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = np.where(neutral, h1 + h2, _mean_hue(h1, h2))
    # Weights (eqs. 15 to 21).
    t = (
        1
        - 0.17 * _cos(hue - 30)
        + 0.24 * _cos(2 * hue)
        + 0.32 * _cos(3 * hue + 6)
        - 0.20 * _cos(4 * hue - 63)
    )
    from_50 = (lightness - 50) ** 2
    s_lightness = 1 + 0.015 * from_50 / np.sqrt(20 + from_50)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    chroma_7 = chroma**7
    turn = np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))
    rotation = -2 * np.sqrt(chroma_7 / (chroma_7 + 25.0**7)) * np.sin(turn)
    # The sum (eq. 22).
    x, y, z = d_lightness / s_lightness, d_chroma / s_chroma, d_hue / s_hue
    result: _Values = np.sqrt(np.maximum(x * x + y * y + z * z + rotation * y * z, 0))
    return np.asarray(result, first.dtype)


def _polar(a: _Values, b: _Values) -> tuple[_Values, _Values]:
    """Return chroma and hue in degrees, 0 … 360; hue 0 on the neutral axis."""
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _mean_hue(h1: _Values, h2: _Values) -> _Values:
    total = h1 + h2
    far = np.abs(h1 - h2) > 180
    result: _Values = np.where(far, np.where(total < 360, total + 360, total - 360), total) / 2
    return result


def _cos(degrees: _Values) -> _Values:
    result: _Values = np.cos(np.radians(degrees))
    return result
