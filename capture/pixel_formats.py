"""Pixel formats of GenICam cameras (PFNC and the older GigE Vision names), and how bytes become images.

Three ways to store more than eight bits exist, and cameras use them all:

    unpacked   "Mono12"         one little-endian 16-bit word per value, value in the low bits
    p          "Mono12p"        values one after the other, least significant bit first, no gaps
    Packed     "Mono12Packed"   GigE Vision 1.x: two values in three bytes, the low bits share the middle byte

Formats that are colour already (RGB, YUV …) went through the camera's own demosaicing and white balance,
and YUV lost half of its chroma columns on the way: `processed` says so. Prefer a Bayer format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import CaptureError
from capture.frames import Image, Layout

Bytes = NDArray[np.uint8]

BLOCK_GROUPS = 1 << 14
"""Groups unpacked at a time: keeps the temporaries small enough for the processor's cache."""


class Storage(Enum):
    """How values lie in memory."""

    PLAIN = "plain"
    LSB_PACKED = "p"
    GEV_PACKED = "Packed"
    YUYV = "YUYV"
    UYVY = "UYVY"
    YUYV_LIMITED = "YUYV, 16 … 235"
    UYVY_LIMITED = "UYVY, 16 … 235"


@dataclass(frozen=True)
class PixelFormat:
    """One pixel format.

    Attributes:
        name: PFNC name, e.g. "BayerRG12p".
        layout: what an unpacked image holds.
        bits: significant bits of an unpacked value.
        storage: how values lie in memory.
        components: stored values per pixel (4 with alpha, which is dropped; 2 for 4:2:2).
        order: "RGB" or "BGR" for interleaved colour.
        processed: the camera demosaiced and balanced the colours itself.
    """

    name: str
    layout: Layout
    bits: int
    storage: Storage = Storage.PLAIN
    components: int = 1
    order: str = "RGB"
    processed: bool = False

    @property
    def bits_per_pixel(self) -> int:
        """Return the bits that one pixel takes in memory."""
        if self.storage is Storage.LSB_PACKED:
            return self.bits * self.components
        if self.storage is Storage.GEV_PACKED:
            return 12
        return (8 if self.bits <= 8 else 16) * self.components

    def image_bytes(self, width: int, height: int) -> int:
        """Return the size of an unpacked image in bytes."""
        channels = 3 if self.layout is Layout.RGB else 1
        return width * height * channels * (1 if self.bits <= 8 else 2)

    def buffer_bytes(self, width: int, height: int, padding_x: int = 0) -> int:
        """Return the number of bytes an image takes as the camera sends it; `padding_x` in bytes per row."""
        if padding_x == 0:
            return math.ceil(width * height * self.bits_per_pixel / 8)
        row_bytes = math.ceil(width * self.bits_per_pixel / 8)
        return (row_bytes + padding_x) * (height - 1) + row_bytes


def _table() -> Iterator[PixelFormat]:
    raw = [("Mono", Layout.MONO), ("BayerRG", Layout.BAYER_RG), ("BayerGB", Layout.BAYER_GB)]
    raw += [("BayerGR", Layout.BAYER_GR), ("BayerBG", Layout.BAYER_BG)]
    for stem, layout in raw:
        for bits in (8, 10, 12, 14, 16):
            yield PixelFormat(f"{stem}{bits}", layout, bits)
        for bits in (10, 12, 14):
            yield PixelFormat(f"{stem}{bits}p", layout, bits, Storage.LSB_PACKED)
        for bits in (10, 12):
            yield PixelFormat(f"{stem}{bits}Packed", layout, bits, Storage.GEV_PACKED)
    for order in ("RGB", "BGR"):
        for bits in (8, 10, 12, 14, 16):
            yield PixelFormat(f"{order}{bits}", Layout.RGB, bits, components=3, order=order, processed=True)
        yield PixelFormat(f"{order}a8", Layout.RGB, 8, components=4, order=order, processed=True)
    for name, storage in (
        ("YUV422_8", Storage.YUYV),
        ("YUV422_8_UYVY", Storage.UYVY),
        ("YCbCr422_8", Storage.YUYV),
        ("YCbCr422_8_CbYCrY", Storage.UYVY),
        ("YCbCr601_422_8", Storage.YUYV_LIMITED),
        ("YCbCr601_422_8_CbYCrY", Storage.UYVY_LIMITED),
    ):
        yield PixelFormat(name, Layout.RGB, 8, storage, components=2, processed=True)


FORMATS = {pixel_format.name: pixel_format for pixel_format in _table()}

ALIASES = {
    "RGB8Packed": "RGB8",
    "BGR8Packed": "BGR8",
    "RGBA8Packed": "RGBa8",
    "BGRA8Packed": "BGRa8",
    "YUV422Packed": "YUV422_8_UYVY",
    "YUYVPacked": "YUV422_8",
    "YUV422_YUYV_Packed": "YUV422_8",
}
"""Names of GigE Vision 1.x and SFNC 1.x cameras for formats that PFNC calls otherwise."""


def find_format(name: str) -> PixelFormat:
    """Return the format of this PFNC (or older) name. Raises CaptureError for one that cannot be unpacked."""
    pixel_format = FORMATS.get(ALIASES.get(name, name))
    if pixel_format is None:
        raise CaptureError(
            f"Pixel format {name} is not supported; set the camera to a Mono, Bayer, RGB or YUV422 format."
        )
    return pixel_format


def unpack(
    data: bytes | bytearray | memoryview | Bytes,
    pixel_format: PixelFormat,
    width: int,
    height: int,
    padding_x: int = 0,
    *,
    big_endian: bool = False,
) -> Image:
    """Turn a camera's bytes into an image.

    With no row padding a packed image is one stream of bits: a row may begin inside a byte. With padding
    every row begins at a byte, `padding_x` bytes after the end of the row before.

    Args:
        data: the buffer, from the first byte of the image on; what follows the image is ignored.
        pixel_format: how to read it.
        width, height: in pixels.
        padding_x: bytes between the end of a row and the beginning of the next.
        big_endian: 16-bit words have their high byte first (unpacked formats only).

    Returns:
        Owned, C-contiguous, read-only array: H×W (mono, Bayer) or H×W×3 RGB; uint8 for 8 bits, else uint16
        holding 0 … 2**bits − 1.

    Raises:
        CaptureError: the buffer is shorter than such an image, or 4:2:2 of odd width.
    """
    flat = np.frombuffer(data, np.uint8)
    needed = pixel_format.buffer_bytes(width, height, padding_x)
    if flat.size < needed:
        raise CaptureError(
            f"The camera sent {flat.size} bytes for a {width}×{height} {pixel_format.name} image, "
            f"which takes {needed}; check the packet size and the cable."
        )
    if padding_x == 0:
        rows, per_row = flat[:needed].reshape(1, needed), width * height
    else:
        rows, per_row = _strip_padding(flat, pixel_format, width, height, padding_x), width

    image: Image
    if pixel_format.storage is Storage.LSB_PACKED:
        image = _unpack_lsb(rows, per_row, pixel_format.bits).reshape(height, width)
    elif pixel_format.storage is Storage.GEV_PACKED:
        image = _unpack_gev(rows, per_row, pixel_format.bits).reshape(height, width)
    elif pixel_format.storage is Storage.PLAIN:
        image = _read_plain(rows, pixel_format, width, height, big_endian=big_endian)
    else:
        image = _convert_yuv(rows, pixel_format, width, height)
    image.flags.writeable = False
    return image


def _strip_padding(flat: Bytes, pixel_format: PixelFormat, width: int, height: int, padding_x: int) -> Bytes:
    """Return the rows without their padding: height × row bytes, a copy."""
    row_bytes = math.ceil(width * pixel_format.bits_per_pixel / 8)
    strided = np.lib.stride_tricks.as_strided(
        flat, (height, row_bytes), (row_bytes + padding_x, 1), writeable=False
    )
    return np.ascontiguousarray(strided)


def _read_plain(
    rows: Bytes, pixel_format: PixelFormat, width: int, height: int, *, big_endian: bool
) -> Image:
    shape = (height, width) if pixel_format.components == 1 else (height, width, pixel_format.components)
    if pixel_format.bits <= 8:
        stored: Image = rows.reshape(shape)
    else:
        words = rows.reshape(-1).view(">u2" if big_endian else "<u2").reshape(shape)
        # Unused high bits are zero by the standard; rubbish there must not break the promised range.
        stored = words.astype(np.uint16) & np.uint16((1 << pixel_format.bits) - 1)
    if pixel_format.components == 4:
        code = cv2.COLOR_RGBA2RGB if pixel_format.order == "RGB" else cv2.COLOR_BGRA2RGB
        return cast("Image", cv2.cvtColor(stored, code))
    if pixel_format.order == "BGR":
        return cast("Image", cv2.cvtColor(stored, cv2.COLOR_BGR2RGB))
    return stored.copy() if pixel_format.bits <= 8 else stored


def _unpack_lsb(rows: Bytes, count: int, bits: int) -> NDArray[np.uint16]:
    """Unpack "p" formats: value i of a row occupies bits i·bits … of the row's little-endian bit stream."""
    per_group = 8 // math.gcd(bits, 8)  # values after which the pattern begins at a byte again
    groups = _in_groups(rows, count, per_group, per_group * bits // 8)
    values = np.empty((*groups.shape[:2], per_group), np.uint16)
    for row, block in _blocks(groups):
        for lane in range(per_group):
            first, shift = divmod(lane * bits, 8)
            value = groups[row, block, first] >> np.uint8(shift)
            wide = value.astype(np.uint16)
            wide |= groups[row, block, first + 1].astype(np.uint16) << np.uint16(8 - shift)
            if shift + bits > 16:
                wide |= groups[row, block, first + 2].astype(np.uint16) << np.uint16(16 - shift)
            np.bitwise_and(wide, np.uint16((1 << bits) - 1), out=values[row, block, lane])
    return _without_tail(values, count)


def _unpack_gev(rows: Bytes, count: int, bits: int) -> NDArray[np.uint16]:
    """Unpack GigE Vision's "Packed": P0 high, P1 low · 16 + P0 low, P1 high, with 2 or 4 low bits each."""
    groups = _in_groups(rows, count, 2, 3)
    values = np.empty((*groups.shape[:2], 2), np.uint16)
    low_bits = bits - 8
    low_mask = np.uint8((1 << low_bits) - 1)
    for row, block in _blocks(groups):
        middle = groups[row, block, 1]
        for lane, (high, low) in enumerate(((0, middle & low_mask), (2, (middle >> np.uint8(4)) & low_mask))):
            wide = groups[row, block, high].astype(np.uint16) << np.uint16(low_bits)
            np.bitwise_or(wide, low, out=values[row, block, lane])
    return _without_tail(values, count)


def _in_groups(rows: Bytes, count: int, per_group: int, group_bytes: int) -> Bytes:
    """Return rows × groups × bytes; where a row ends inside a group, zeros fill it up."""
    groups = math.ceil(count / per_group)
    missing = groups * group_bytes - rows.shape[1]
    if missing > 0:
        rows = np.pad(rows, ((0, 0), (0, missing)))
    return rows.reshape(rows.shape[0], groups, group_bytes)


def _blocks(groups: Bytes) -> Iterator[tuple[slice, slice]]:
    """Yield index pairs that cut the groups into pieces of about BLOCK_GROUPS."""
    rows, per_row = groups.shape[:2]
    rows_at_once = max(1, BLOCK_GROUPS // per_row)
    for row in range(0, rows, rows_at_once):
        for block in range(0, per_row, BLOCK_GROUPS):
            yield slice(row, row + rows_at_once), slice(block, block + BLOCK_GROUPS)


def _without_tail(values: NDArray[np.uint16], count: int) -> NDArray[np.uint16]:
    """Return rows × count values, contiguous, without those of a group's unused end."""
    return np.ascontiguousarray(values.reshape(values.shape[0], -1)[:, :count])


def _convert_yuv(rows: Bytes, pixel_format: PixelFormat, width: int, height: int) -> NDArray[np.uint8]:
    """Convert 4:2:2 to RGB by BT.601; chroma of a pixel pair is shared by both."""
    if width % 2:
        raise CaptureError(
            f"A {pixel_format.name} image of odd width {width} cannot be read; make the width even."
        )
    stored = rows.reshape(height, width, 2)
    if pixel_format.storage is Storage.YUYV_LIMITED:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_YUV2RGB_YUY2), np.uint8)
    if pixel_format.storage is Storage.UYVY_LIMITED:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_YUV2RGB_UYVY), np.uint8)
    luma = 0 if pixel_format.storage is Storage.YUYV else 1
    chroma = stored[:, :, 1 - luma]
    ycrcb = np.empty((height, width, 3), np.uint8)
    ycrcb[:, :, 0] = stored[:, :, luma]
    for channel, first in ((1, 1), (2, 0)):  # OpenCV wants Cr before Cb; the camera sends Cb (U) first
        ycrcb[:, 0::2, channel] = chroma[:, first::2]
        ycrcb[:, 1::2, channel] = chroma[:, first::2]
    return np.asarray(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB), np.uint8)
