"""From what a sensor gave to an image one can look at: full scale, and colour instead of a Bayer mosaic."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.frames import Frame, FramePair, Image, Layout

# Edge-aware interpolation: as fast as bilinear (0.5 ms per megapixel at 8 bits, 1.2 ms at 16, one core) and
# 0.15 dB better on a photograph; VNG is 3 dB better still, but 15 times slower and has no 16 bits.
# These names of OpenCV spell the first two rows of the mosaic. Its older ones (BayerBG …) start in the second
# row and column, so that the letters mean the opposite of the same letters in PFNC.
_DEMOSAIC = {
    Layout.BAYER_RG: cv2.COLOR_BayerRGGB2RGB_EA,
    Layout.BAYER_GB: cv2.COLOR_BayerGBRG2RGB_EA,
    Layout.BAYER_GR: cv2.COLOR_BayerGRBG2RGB_EA,
    Layout.BAYER_BG: cv2.COLOR_BayerBGGR2RGB_EA,
}


def develop(frame: Frame) -> Image:
    """Return the image of a frame, read-only.

    Args:
        frame: any layout, 8 … 16 bits. Mosaics must be at least 4×4 pixels.

    Returns:
        H×W for mono, H×W×3 RGB for Bayer and RGB; uint8 for 8 bits, else uint16 with full scale 65535.
    """
    image = to_full_scale(frame.image, frame.bits)
    if frame.layout in _DEMOSAIC:
        image = cv2.cvtColor(image, _DEMOSAIC[frame.layout])  # type: ignore[assignment]
    if image is not frame.image:
        image.flags.writeable = False
    return image


def develop_pair(pair: FramePair) -> tuple[Image, Image]:
    """Return (mono, color) as `develop` does, of one type: both uint16 if either has more than 8 bits."""
    mono, color = develop(pair.mono), develop(pair.color)
    if mono.dtype != color.dtype:
        # Towards more bits: the finer image keeps what it has. 257 maps 255 to 65535.
        mono, color = _to_16_bits(mono), _to_16_bits(color)
    return mono, color


def to_full_scale(image: Image, bits: int) -> Image:
    """Return values 0 … 2**bits − 1 spread over the whole type: 0 stays 0, the largest becomes 255 or 65535.

    The bits below are filled with the value's own upper bits (10 bits: v << 6 | v >> 4). Returns the same
    array if there is nothing to do.
    """
    if image.dtype == np.uint8 or bits == 16:
        return image
    if not 8 <= bits < 16:
        raise ValueError(f"bits must be 8 … 16, not {bits}")
    wide: Image = image << np.uint16(16 - bits)
    wide |= image >> np.uint16(2 * bits - 16)
    return wide


def _to_16_bits(image: Image) -> Image:
    if image.dtype == np.uint16:
        return image
    wide: Image = image.astype(np.uint16)
    wide *= np.uint16(257)
    wide.flags.writeable = False
    return wide


def to_8_bits(image: Image) -> NDArray[np.uint8]:
    """Return uint8 of a developed image, uint8 or full-scale uint16, by its upper byte: for showing it."""
    return (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image.astype(np.uint8, copy=False)
