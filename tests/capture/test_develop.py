"""Development of raw frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.develop import develop, develop_pair, to_full_scale
from capture.frames import Frame, FramePair, Image, Layout, Role, frozen

FIRST_FOUR = {  # colour of the pixels (0, 0), (0, 1), (1, 0), (1, 1)
    Layout.BAYER_RG: (0, 1, 1, 2),
    Layout.BAYER_GB: (1, 2, 0, 1),
    Layout.BAYER_GR: (1, 0, 2, 1),
    Layout.BAYER_BG: (2, 1, 1, 0),
}


def make_frame(image: Image, layout: Layout, bits: int = 8, role: Role = "mono") -> Frame:
    return Frame(role, frozen(image), layout, bits, "test", frame_id=0, device_ns=None, host_ns=0)


def mosaic(rgb: Image, layout: Layout) -> Image:
    raw = np.empty(rgb.shape[:2], rgb.dtype)
    for position, channel in enumerate(FIRST_FOUR[layout]):
        row, column = divmod(position, 2)
        raw[row::2, column::2] = rgb[row::2, column::2, channel]
    return raw


def smooth_rgb(height: int, width: int, full_scale: int) -> Image:
    """Return a picture that is linear in x and y, so that demosaicing is exact; the channels differ."""
    y, x = np.mgrid[0:height, 0:width]
    red = 0.75 + 0.002 * x
    green = 0.45 + 0.002 * y
    blue = 0.15 + 0.001 * (x + y)
    rgb = (np.stack([red, green, blue], axis=-1) * full_scale).astype(
        np.uint16 if full_scale > 255 else np.uint8
    )
    return np.asarray(rgb)


@pytest.mark.parametrize("layout", FIRST_FOUR)
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_bayer_mosaics_get_their_colours_back(layout: Layout, bits: int) -> None:
    rgb = smooth_rgb(40, 60, 2**bits - 1)
    developed = develop(make_frame(mosaic(rgb, layout), layout, bits, "color"))
    assert developed.shape == rgb.shape
    assert developed.dtype == (np.uint8 if bits == 8 else np.uint16)
    full_scale = 255 if bits == 8 else 65535
    error = developed / full_scale - rgb / (2**bits - 1)
    assert np.abs(error[2:-2, 2:-2]).max() < 0.01
    assert not developed.flags.writeable


@given(bits=st.integers(8, 16), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_full_scale_keeps_order_and_ends(bits: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 2**bits, (3, 5)).astype(np.uint16)
    values[0, :2] = 0, 2**bits - 1
    wide = to_full_scale(values, bits)
    assert wide[0, 0] == 0
    assert wide[0, 1] == 65535
    assert np.array_equal(wide >> (16 - bits), values)
    assert np.abs(wide / 65535 - values / (2**bits - 1)).max() < 2 / 2**16


def test_eight_bit_mono_and_rgb_pass_without_a_copy() -> None:
    mono = make_frame(np.arange(64, dtype=np.uint8).reshape(8, 8), Layout.MONO)
    rgb = make_frame(np.arange(192, dtype=np.uint8).reshape(8, 8, 3), Layout.RGB, role="color")
    assert develop(mono) is mono.image
    assert develop(rgb) is rgb.image


def test_a_pair_of_unlike_depths_becomes_16_bit() -> None:
    mono = make_frame(np.full((8, 8), 2**12 - 1, np.uint16), Layout.MONO, 12)
    color = make_frame(np.full((8, 8, 3), 255, np.uint8), Layout.RGB, 8, "color")
    for pair in (
        FramePair(0, mono, color, 0),
        FramePair(0, make_frame(color.image[..., 0], Layout.MONO), mono, 0),
    ):
        developed = develop_pair(pair)
        for image in developed:
            assert image.dtype == np.uint16
            assert (image == 65535).all()
            assert not image.flags.writeable


def test_a_pair_of_8_bit_frames_stays_8_bit() -> None:
    mono = make_frame(np.zeros((8, 8), np.uint8), Layout.MONO)
    color = make_frame(np.zeros((8, 8), np.uint8), Layout.BAYER_GB, role="color")
    assert [image.dtype for image in develop_pair(FramePair(0, mono, color, 0))] == [np.uint8, np.uint8]
