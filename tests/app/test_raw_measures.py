"""Histograms, clipping and focus on raw frames: made by hand, and of the virtual rig's sensors."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.raw_measures import (
    BINS,
    NOTHING,
    OVER,
    SHARP,
    UNDER,
    clipping_mask,
    focus_mask,
    raw_histogram,
    saturated_from,
)
from capture.frames import Frame, Image, Layout, frozen
from capture.virtual.sensor import MONO, Look, expose

BAYER = [layout for layout in Layout if layout.value.startswith("bayer")]


def frame(image: Image, layout: Layout = Layout.MONO, bits: int = 8) -> Frame:
    return Frame("mono", frozen(image), layout, bits, "Mono8", 0, None, 0)


def mosaic(layout: Layout, red: int, green: int, blue: int, shape: tuple[int, int] = (8, 12)) -> Image:
    """A flat colour through the filters of a layout, spelled out by its PFNC name."""
    first = layout.value.removeprefix("bayer_")
    second = {"rg": "gb", "gb": "rg", "gr": "bg", "bg": "gr"}[first]
    values = {"r": red, "g": green, "b": blue}
    cell = np.array([[values[c] for c in first], [values[c] for c in second]], np.uint8)
    return np.tile(cell, (shape[0] // 2, shape[1] // 2))


def test_a_mono_histogram_counts_values_and_what_is_clipped() -> None:
    image = np.full((10, 10), 100, np.uint8)
    image[0] = 255
    image[1, :5] = 0
    histogram = raw_histogram(frame(image))
    (channel,) = histogram.channels
    assert (histogram.over, histogram.under) == (pytest.approx(0.10), pytest.approx(0.05))
    assert channel.shares.shape == (BINS,)
    assert channel.shares[100] == pytest.approx(0.85)
    assert channel.shares.sum() == pytest.approx(1)
    assert channel.mean == pytest.approx((10 * 255 + 85 * 100) / 100 / 255)


@pytest.mark.parametrize("layout", BAYER)
def test_the_filters_of_a_mosaic_have_histograms_of_their_own(layout: Layout) -> None:
    histogram = raw_histogram(frame(mosaic(layout, 255, 90, 0), layout))
    found = {channel.channel: (channel.over, channel.under, channel.mean) for channel in histogram.channels}
    assert found["red"] == (1, 0, 1)
    assert found["green"] == (0, 0, pytest.approx(90 / 255))
    assert found["blue"] == (0, 1, 0)
    assert (histogram.over, histogram.under) == (0.25, 0.25), "green has half of all pixels"


def test_twelve_bits_fall_into_as_many_bins() -> None:
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    histogram = raw_histogram(frame(ramp, bits=12))
    np.testing.assert_allclose(histogram.channels[0].shares, 1 / BINS)
    assert histogram.over == pytest.approx((4096 - saturated_from(12)) / 4096)


def test_large_images_are_thinned_out_without_changing_the_shares() -> None:
    rng = np.random.default_rng(0)
    image = rng.choice(np.array([0, 128, 255], np.uint8), (3000, 2000), p=[0.1, 0.7, 0.2])
    histogram = raw_histogram(frame(image))
    assert histogram.over == pytest.approx(0.2, abs=0.002)
    assert histogram.under == pytest.approx(0.1, abs=0.002)


def test_zebra_marks_clipped_pixels_and_whole_bayer_cells() -> None:
    image = np.full((6, 6), 100, np.uint8)
    image[2, 2], image[5, 5] = 255, 0
    mask = clipping_mask(frame(image))
    assert mask[2, 2] == OVER
    assert mask[5, 5] == UNDER
    assert np.count_nonzero(mask) == 2
    image[3, 3] = 0  # in the cell that is over already
    cells = clipping_mask(frame(image, Layout.BAYER_RG))
    assert (cells[2:4, 2:4] == OVER).all()
    assert (cells[4:6, 4:6] == UNDER).all()
    assert np.count_nonzero(cells) == 8
    odd = clipping_mask(frame(np.full((5, 7), 255, np.uint8), Layout.BAYER_RG))
    assert (odd == OVER).all()


def test_colour_pixels_are_over_with_one_channel_and_under_with_all() -> None:
    image = np.full((2, 3, 3), 100, np.uint8)
    image[0, 0] = (255, 0, 0)
    image[0, 1] = (0, 0, 50)
    image[0, 2] = 0
    assert clipping_mask(frame(image, Layout.RGB))[0].tolist() == [OVER, NOTHING, UNDER]


def texture(shape: tuple[int, int] = (240, 320)) -> NDArray[np.float32]:
    """Patches of light and dark with sharp borders, as light for a sensor."""
    rng = np.random.default_rng(3)
    patches = rng.uniform(0.1, 0.9, (shape[0] // 20, shape[1] // 20)).astype(np.float32)
    return np.asarray(cv2.resize(patches, shape[::-1], interpolation=cv2.INTER_NEAREST), np.float32)


@pytest.mark.parametrize("layout", [Layout.MONO, Layout.BAYER_RG])
@pytest.mark.parametrize("bits", [8, 12])
def test_peaking_tells_focus_from_blur_and_both_from_noise(layout: Layout, bits: int) -> None:
    look = Look(exposure_us=12_000.0, gain_db=0.0, bits=bits)

    def marked(light: NDArray[np.float32]) -> float:
        image = expose(light, MONO, look, (1,))
        mask = focus_mask(frame(image, layout, bits))
        assert mask.shape == light.shape
        assert set(np.unique(mask)) <= {NOTHING, SHARP}
        return float((mask == SHARP).mean())

    sharp = marked(texture())
    blurred = marked(np.asarray(cv2.GaussianBlur(texture(), (0, 0), 4.0), np.float32))
    flat = marked(np.full((240, 320), 0.4, np.float32))
    assert sharp > 0.05
    assert blurred < sharp / 20
    assert flat < 0.002
