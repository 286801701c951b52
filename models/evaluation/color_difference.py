"""CIEDE2000, the colour difference that people see (Luo, Cui and Rigg 2001).

Written after Sharma, Wu and Dalal: The CIEDE2000 Color-Difference Formula: Implementation Notes,
Supplementary Test Data, and Mathematical Observations, Color Research and Application 30 (2005); equation
numbers are theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Values = NDArray[np.floating[Any]]

_LEVELS = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""Linear light of every level of sRGB."""
_RGB_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE_XYZ = np.array([0.95047, 1.0, 1.08883])
_RGB_TO_WHITE_RELATIVE_XYZ = (_RGB_TO_XYZ / _WHITE_XYZ[:, None]).astype(np.float32)
_LAB_JOINT = (6 / 29) ** 3  # below, the cube root gives way to a line


def rgb_to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIE L*a*b* (…×3 float32; L* 0 … 100, white point D65) of …×3 uint8 RGB, taken for sRGB.

    IEC 61966-2-1 and CIE 15. (OpenCV's conversion is up to 0.4 off.)
    """
    relative = _LINEAR[rgb] @ _RGB_TO_WHITE_RELATIVE_XYZ.T
    f = np.where(relative > _LAB_JOINT, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


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
