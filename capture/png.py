"""PNG in and out, lossless, fast enough to record."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from capture.errors import DatasetError
from capture.files import write_atomically
from capture.frames import Image

# Measured with photographs of 1024×780 plus sensor noise, 8-bit mono + 8-bit Bayer, one core: 10 ms per pair
# and 65 % of the raw size. Sensor noise has no repetitions to find, so only the entropy coder earns its time:
# zlib's level 1 takes more than twice as long and gains nothing. Storing takes 0.8 ms.
_ENCODING = (
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_FILTER_AVG,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 29
LARGEST_SIDE_PX = 32_768
LARGEST_PIXELS = 256_000_000
"""The largest sensors that are sold have 150 megapixels."""
# DEFLATE makes at most 1032 bytes of one, and every row has a byte more than its pixels.
_MOST_INFLATION = 1032
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


@dataclass(frozen=True)
class PngHeader:
    """What the header of a PNG file says. `bits`: of a sample, 1 … 16; `channels`: 1 … 4, a palette is 1."""

    width: int
    height: int
    bits: int
    channels: int
    has_palette: bool

    @property
    def is_rgb(self) -> bool:
        """Return whether it is decoded to three channels."""
        return self.channels >= 3 or self.has_palette

    @property
    def size_bytes(self) -> int:
        """Return what its pixels take in memory, as `decode_png` returns them."""
        return self.width * self.height * (3 if self.is_rgb else 1) * (2 if self.bits > 8 else 1)


def read_header(data: bytes, name: str) -> PngHeader:
    """Read the header from the first `HEADER_BYTES` of a PNG file, and refuse absurd sizes.

    Raises DatasetError: not a PNG, truncated, a size that no camera gives.
    """
    if not data.startswith(_SIGNATURE):
        raise DatasetError(f"{name} is not a PNG file")
    if len(data) < HEADER_BYTES or data[12:16] != b"IHDR":
        raise DatasetError(f"{name} is truncated")
    width, height, bits, color = struct.unpack(">IIBB", data[16:26])
    if color not in _CHANNELS or bits not in (1, 2, 4, 8, 16):
        raise DatasetError(f"{name} is damaged: its header names no kind of pixels that exists")
    if not (1 <= width <= LARGEST_SIDE_PX and 1 <= height <= LARGEST_SIDE_PX) or (
        width * height > LARGEST_PIXELS
    ):
        raise DatasetError(
            f"{name} claims to be {width}×{height}: sides up to {LARGEST_SIDE_PX} px and "
            f"{LARGEST_PIXELS // 1_000_000} megapixels can be read"
        )
    return PngHeader(width, height, bits, _CHANNELS[color], color == 3)


def encode_png(image: Image, *, stored: bool = False) -> bytes:
    """Return the PNG of H×W or H×W×3 RGB, uint8 or uint16. Releases the interpreter lock while it works.

    Args:
        image: the pixels.
        stored: do not compress: as large as the pixels, made in a tenth of the time.

    Raises:
        DatasetError: it cannot be encoded.
    """
    if stored:
        return _stored_png(image)
    try:
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
        done, data = cv2.imencode(".png", pixels, _ENCODING)
    except cv2.error as error:  # no memory, or no pixels
        raise DatasetError(f"cannot encode an image of {image.shape}: {error.err}") from error
    if not done:
        raise DatasetError(f"cannot encode an image of {image.shape} {image.dtype} as PNG")
    return data.tobytes()


def _stored_png(image: Image) -> bytes:
    """PNG (ISO/IEC 15948) with unfiltered rows, in deflate blocks that hold bytes as they are."""
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(image, image.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    rows = np.zeros((height, 1 + pixels.shape[1]), np.uint8)
    rows[:, 1:] = pixels
    color_type = 2 if image.ndim == 3 else 0
    header = struct.pack(">IIBBBBB", width, height, 8 * image.dtype.itemsize, color_type, 0, 0, 0)
    body = zlib.compress(rows.data, level=0)
    return b"".join(
        (_SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", body), *_chunk(b"IEND", b"")),
    )


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def write_png(image: Image, path: Path) -> None:
    """Write H×W or H×W×3 RGB, uint8 or uint16, in one step. Raises DatasetError that names the path."""
    try:
        write_atomically(path, encode_png(image))
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


def _check_chunks(data: bytes, name: str) -> None:
    """Raise DatasetError if a chunk is longer than the file: the decoder would allocate what it claims."""
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
        if kind == b"IEND":
            return
    raise DatasetError(f"{name} is damaged: its parts are not as long as they say")


def decode_png(data: bytes, name: str) -> Image:
    """Return the pixels: H×W or H×W×3 RGB, uint8 or uint16; transparency is left out.

    Args:
        data: a whole PNG file.
        name: what to call it in errors.

    Raises:
        DatasetError: not a PNG, truncated or damaged; its header claims an absurd size, or more pixels than
            a file of this size can hold (before memory is allocated for them).
    """
    header = read_header(data, name)
    stored = header.height * (-(-header.width * header.channels * header.bits // 8) + 1)
    if stored > _MOST_INFLATION * len(data):
        raise DatasetError(
            f"{name} claims to be {header.width}×{header.height}, which its {len(data)} bytes cannot hold"
        )
    # The decoder fills up what is missing with black; a file that ends early must not pass.
    if not data.rstrip(b"\x00\r\n").endswith(_END):
        raise DatasetError(f"{name} is truncated")
    _check_chunks(data, name)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DatasetError(f"{name} cannot be decoded: {error.err}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{name} is damaged")
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return cast("Image", image)
