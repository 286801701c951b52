"""PNG in and out, lossless, fast enough to record."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np

from capture.errors import DatasetError
from capture.files import write_atomically
from capture.frames import Image

# Measured with photographs of 1024×780 plus sensor noise, 8-bit mono + 8-bit Bayer, one core: 16 ms per pair
# (99 MB/s) and 67 % of the raw size; OpenCV's default 17 ms and 71 %, zlib's level 1 40 ms and 70 %: sensor
# noise has no repetitions to find, so only the entropy coder earns its time. 12-bit pairs take 33 ms (97
# MB/s), 73 %.
_ENCODING = (
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_FILTER_AVG,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encode_png(image: Image) -> bytes:
    """Return the PNG of H×W or H×W×3 RGB, uint8 or uint16. Releases the interpreter lock while it works."""
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, data = cv2.imencode(".png", pixels, _ENCODING)
    if not done:
        raise DatasetError(f"cannot encode an image of {image.shape} {image.dtype} as PNG")
    return data.tobytes()


def write_png(image: Image, path: Path) -> None:
    """Write H×W or H×W×3 RGB, uint8 or uint16, in one step. Raises DatasetError that names the path."""
    try:
        write_atomically(path, encode_png(image))
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


def decode_png(data: bytes, name: str) -> Image:
    """Return the pixels: H×W or H×W×3 RGB, uint8 or uint16; transparency is left out.

    Args:
        data: a whole PNG file.
        name: what to call it in errors.

    Raises:
        DatasetError: not a PNG, truncated or damaged.
    """
    if not data.startswith(_SIGNATURE):
        raise DatasetError(f"{name} is not a PNG file")
    # The decoder fills up what is missing with black; a file that ends early must not pass.
    if not data.rstrip(b"\x00\r\n").endswith(_END):
        raise DatasetError(f"{name} is truncated")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DatasetError(f"{name} cannot be decoded: {error.err}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{name} is damaged")
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return cast("Image", image)
