"""What JPEG and TIFF files claim to be is known before memory is taken for it."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.errors import DatasetError
from capture.image_sizes import claimed_size
from capture.images import read_image


def encoded(suffix: str, shape: tuple[int, ...], *how: int) -> bytes:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return bytes(cv2.imencode(suffix, image, how)[1].tobytes())


@pytest.mark.parametrize("shape", [(30, 47), (30, 47, 3), (300, 20, 3)])
@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".jpg", ()),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)),
        (".tif", ()),
        (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 1)),
    ],
)
def test_the_size_is_that_of_the_picture(suffix: str, how: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert claimed_size(encoded(suffix, shape, *how)) == (shape[1], shape[0])


def test_pictures_that_claim_too_much_are_refused(tmp_path: Path) -> None:
    jpeg = bytearray(encoded(".jpg", (30, 47)))
    place = jpeg.index(b"\xff\xc0") + 5
    jpeg[place : place + 4] = struct.pack(">HH", 30_000, 30_000)
    tiff = bytearray(encoded(".tif", (30, 47)))
    for tag in (256, 257):
        place = tiff.index(struct.pack("<HHI", tag, 3, 1)) + 8
        tiff[place : place + 2] = struct.pack("<H", 30_000)
    for name, data in (("a.jpg", jpeg), ("a.tif", tiff)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DatasetError, match="claims to be 30000×30000"):
            read_image(tmp_path / name)


@given(data=st.binary(max_size=120), kind=st.sampled_from([b"\xff\xd8", b"II*\x00", b"MM\x00*", b""]))
@settings(deadline=None)
def test_headers_of_any_bytes_end(data: bytes, kind: bytes) -> None:
    size = claimed_size(kind + data)
    assert size is None or min(size) >= 0
