"""Unpacking against a slow reference that reads one value at a time, from the standards' diagrams."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import CaptureError
from capture.frames import Layout
from capture.pixel_formats import FORMATS, PixelFormat, Storage, find_format, unpack

RAW = sorted(name for name, f in FORMATS.items() if f.components == 1)
COLOUR = sorted(name for name, f in FORMATS.items() if f.storage is Storage.PLAIN and f.components > 1)
YUV = sorted(name for name, f in FORMATS.items() if f.components == 2)


def reference_value(row: bytes, index: int, pixel_format: PixelFormat) -> int:
    """Value number `index` of a run of values that begins at a byte."""
    bits = pixel_format.bits
    if pixel_format.storage is Storage.LSB_PACKED:
        return (int.from_bytes(row, "little") >> (index * bits)) & ((1 << bits) - 1)
    if pixel_format.storage is Storage.GEV_PACKED:
        group = row[index // 2 * 3 :]
        high, low = (group[0], group[1] & 0xF) if index % 2 == 0 else (group[2], group[1] >> 4)
        low_bits = bits - 8
        return (high << low_bits) | (low & ((1 << low_bits) - 1))
    if bits == 8:
        return row[index]
    return (row[2 * index] | row[2 * index + 1] << 8) & ((1 << bits) - 1)


@st.composite
def buffers(draw: st.DrawFn, names: list[str]) -> tuple[PixelFormat, int, int, int, bytes]:
    pixel_format = find_format(draw(st.sampled_from(names)))
    width = draw(st.integers(1, 13))
    if pixel_format.components == 2:
        width *= 2
    height = draw(st.integers(1, 5))
    padding_x = draw(st.sampled_from([0, 0, 1, 3, 8]))
    size = pixel_format.buffer_bytes(width, height, padding_x)
    data = draw(st.binary(min_size=size, max_size=size + 7))
    return pixel_format, width, height, padding_x, data


def rows_of(
    pixel_format: PixelFormat, width: int, height: int, padding_x: int, data: bytes
) -> list[tuple[bytes, int]]:
    """For each image row: bytes to read from, and the number of the row's first value in them."""
    if padding_x == 0:
        return [(data, y * width * pixel_format.components) for y in range(height)]
    stride = math.ceil(width * pixel_format.bits_per_pixel / 8) + padding_x
    return [(data[y * stride :], 0) for y in range(height)]


@given(buffers(RAW))
def test_raw_formats_match_the_reference(case: tuple[PixelFormat, int, int, int, bytes]) -> None:
    pixel_format, width, height, padding_x, data = case
    image = unpack(data, pixel_format, width, height, padding_x)
    expected = [
        [reference_value(row, first + x, pixel_format) for x in range(width)]
        for row, first in rows_of(pixel_format, width, height, padding_x, data)
    ]
    np.testing.assert_array_equal(image, expected)
    assert image.dtype == (np.uint8 if pixel_format.bits == 8 else np.uint16)
    assert image.max() < 1 << pixel_format.bits


@given(buffers(COLOUR))
def test_colour_formats_come_out_as_rgb_without_alpha(case: tuple[PixelFormat, int, int, int, bytes]) -> None:
    pixel_format, width, height, padding_x, data = case
    image = unpack(data, pixel_format, width, height, padding_x)
    components = [0, 1, 2] if pixel_format.order == "RGB" else [2, 1, 0]
    expected = [
        [
            [reference_value(row, first + x * pixel_format.components + c, pixel_format) for c in components]
            for x in range(width)
        ]
        for row, first in rows_of(pixel_format, width, height, padding_x, data)
    ]
    np.testing.assert_array_equal(image, expected)


@given(buffers(YUV))
def test_yuv_follows_bt601(case: tuple[PixelFormat, int, int, int, bytes]) -> None:
    pixel_format, width, height, padding_x, data = case
    image = unpack(data, pixel_format, width, height, padding_x)
    limited = pixel_format.storage in {Storage.YUYV_LIMITED, Storage.UYVY_LIMITED}
    luma_first = pixel_format.storage in {Storage.YUYV, Storage.YUYV_LIMITED}
    for y, (row, first) in enumerate(rows_of(pixel_format, width, height, padding_x, data)):
        for x in range(width):
            start = first + x // 2 * 4
            pair = row[start : start + 4]
            luma = float(pair[(0 if luma_first else 1) + 2 * (x % 2)])
            cb, cr = (pair[i] - 128.0 for i in ((1, 3) if luma_first else (0, 2)))
            if limited:
                luma, cb, cr = (luma - 16) * 255 / 219, cb * 255 / 224, cr * 255 / 224
                luma = max(luma, 0.0)
            rgb = [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb]
            assert np.abs(image[y, x].astype(float) - np.clip(rgb, 0, 255)).max() <= 1.6


@given(buffers(sorted(FORMATS)))
def test_images_are_owned_and_read_only(case: tuple[PixelFormat, int, int, int, bytes]) -> None:
    pixel_format, width, height, padding_x, data = case
    buffer = bytearray(data)
    image = unpack(buffer, pixel_format, width, height, padding_x)
    before = image.copy()
    buffer[:] = bytes(255 - value for value in buffer)  # the producer reuses the buffer at once
    np.testing.assert_array_equal(image, before)
    assert image.flags.c_contiguous
    assert not image.flags.writeable
    assert image.nbytes == pixel_format.image_bytes(width, height)


@given(buffers(sorted(FORMATS)), st.integers(1, 50))
def test_a_short_buffer_is_refused(case: tuple[PixelFormat, int, int, int, bytes], missing: int) -> None:
    pixel_format, width, height, padding_x, data = case
    size = pixel_format.buffer_bytes(width, height, padding_x)
    with pytest.raises(CaptureError, match=f"takes {size}"):
        unpack(data[: max(0, size - missing)], pixel_format, width, height, padding_x)


def test_known_bytes_of_the_standards() -> None:
    assert unpack(bytes([0xAB, 0xCD, 0xEF]), find_format("Mono12p"), 2, 1).tolist() == [[0xDAB, 0xEFC]]
    assert unpack(bytes([0xAB, 0xCD, 0xEF]), find_format("Mono12Packed"), 2, 1).tolist() == [[0xABD, 0xEFC]]
    assert unpack(bytes([0xFF, 0x12, 0x00]), find_format("BayerGB10Packed"), 2, 1).tolist() == [[1022, 1]]
    assert unpack(bytes([0x12, 0x34]), find_format("Mono16"), 1, 1, big_endian=True).tolist() == [[0x1234]]
    grey = unpack(bytes([200, 128, 100, 128]), find_format("YCbCr422_8"), 2, 1)
    assert grey.tolist() == [[[200, 200, 200], [100, 100, 100]]]


def test_every_bayer_order_has_its_layout() -> None:
    for order in ("RG", "GB", "GR", "BG"):
        for suffix in ("8", "10", "10p", "10Packed", "12", "12p", "12Packed"):
            assert find_format(f"Bayer{order}{suffix}").layout is Layout[f"BAYER_{order}"]


def test_older_names_mean_the_same() -> None:
    assert find_format("RGBA8Packed") is find_format("RGBa8")
    assert find_format("YUV422Packed").storage is Storage.UYVY


def test_camera_side_processing_is_said() -> None:
    assert find_format("RGB8").processed
    assert find_format("YUV422_8").processed
    assert not find_format("BayerRG8").processed


def test_unknown_format_is_named() -> None:
    with pytest.raises(CaptureError, match="Coord3D_ABC32f"):
        find_format("Coord3D_ABC32f")


def test_odd_width_of_yuv_is_refused() -> None:
    with pytest.raises(CaptureError, match="odd width 3"):
        unpack(bytes(64), find_format("YUV422_8"), 3, 2)
