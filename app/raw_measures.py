"""What a vision engineer wants to know of a raw frame before anything was done to it: histograms, clipping,
focus. Everything here works on the sensor's own values, never on demosaiced or rectified ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.frames import Frame, Image, Layout

BINS = 256

SATURATED_SHARE = 0.995
"""Values from this share of full scale on count as clipped: 8 bits 254, 12 bits 4075. Real sensors' fixed
pattern and black level correction let some saturated pixels end just below full scale."""

MOST_SAMPLED = 1_500_000
"""Histograms of larger images take every second, third … row of (Bayer) cells: the shares stay the same to
a hundredth of a percent."""

NOTHING, UNDER, OVER, SHARP = 0, 1, 2, 3
"""Codes of a mask. OVER ranks above UNDER: one full filter spoils the colour of its whole cell."""

SHARP_CONTRAST = 0.08
"""A second difference of this share of full scale is an edge in focus, if noise cannot explain it."""

SHARP_NOISE = 6.0
"""Standard deviations of noise that a second difference must exceed; a flat noisy image has no focus."""

# First two rows of the mosaic: which filter stands at (row, column) of a 2×2 cell.
_CELLS: Mapping[Layout, tuple[str, str, str, str]] = {
    Layout.BAYER_RG: ("red", "green", "green", "blue"),
    Layout.BAYER_GB: ("green", "blue", "red", "green"),
    Layout.BAYER_GR: ("green", "red", "blue", "green"),
    Layout.BAYER_BG: ("blue", "green", "green", "red"),
}


@dataclass(frozen=True)
class ChannelHistogram:
    """Raw values of one channel of a frame.

    Attributes:
        channel: "mono", "red", "green" or "blue".
        shares: BINS numbers that add up to 1; bin n holds values from n / BINS of full scale on.
        over, under: shares of its pixels that are clipped at the top and at 0.
        mean: share of full scale.
    """

    channel: str
    shares: NDArray[np.float64]
    over: float
    under: float
    mean: float


@dataclass(frozen=True)
class RawHistogram:
    """Raw values of a frame, by channel. `over`, `under`: shares of all pixels that are clipped."""

    bits: int
    channels: tuple[ChannelHistogram, ...]
    over: float
    under: float


def saturated_from(bits: int) -> int:
    """Return the smallest raw value that counts as clipped at the top."""
    return int(np.ceil(SATURATED_SHARE * (2**bits - 1)))


def raw_histogram(frame: Frame) -> RawHistogram:
    """Return the histograms of a frame's raw values, of each colour filter for itself."""
    planes = _channels(frame)
    channels = []
    for name, values in planes.items():
        counts = np.bincount(values.reshape(-1), minlength=2**frame.bits)
        total = int(counts.sum())
        binned = counts[: 2**frame.bits].reshape(BINS, -1).sum(axis=1)
        channels.append(
            ChannelHistogram(
                channel=name,
                shares=binned / total,
                over=float(counts[saturated_from(frame.bits) :].sum() / total),
                under=float(counts[0] / total),
                mean=float(counts @ np.arange(len(counts)) / total / (2**frame.bits - 1)),
            )
        )
    # Half of a mosaic is green: channels weigh as many pixels as they have.
    weights = np.array([values.size for values in planes.values()], np.float64)
    weights /= weights.sum()
    return RawHistogram(
        bits=frame.bits,
        channels=tuple(channels),
        over=float(weights @ [channel.over for channel in channels]),
        under=float(weights @ [channel.under for channel in channels]),
    )


def _channels(frame: Frame) -> dict[str, Image]:
    """Return the values of each channel, thinned out evenly where there are very many."""
    image = frame.image
    step = max(1, round(image.size / MOST_SAMPLED))
    if frame.layout is Layout.MONO:
        return {"mono": image[::step]}
    if frame.layout is Layout.RGB:
        return {name: image[::step, :, n] for n, name in enumerate(("red", "green", "blue"))}
    height, width = (side // 2 * 2 for side in image.shape[:2])
    found: dict[str, list[Image]] = {}
    for n, name in enumerate(_CELLS[frame.layout]):
        found.setdefault(name, []).append(image[n // 2 : height : 2 * step, n % 2 : width : 2])
    order = ("red", "green", "blue")
    return {name: np.concatenate([part.reshape(-1) for part in found[name]]) for name in order}


def clipping_mask(frame: Frame) -> NDArray[np.uint8]:
    """Return H×W codes OVER, UNDER or NOTHING; a clipped filter of a Bayer cell marks its whole cell."""
    image = frame.image
    over, under = np.asarray(image >= saturated_from(frame.bits)), np.asarray(image == 0)
    if frame.layout is Layout.RGB:
        over, under = np.asarray(over.any(axis=2)), np.asarray(under.all(axis=2))
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[under] = UNDER
    mask[over] = OVER
    if frame.layout in _CELLS:
        _spread_in_cells(mask)
    return mask


def _spread_in_cells(mask: NDArray[np.uint8]) -> None:
    """Give each pixel the highest code in its 2×2 cell, in place; a last odd row or column stays as it is."""
    height, width = (side // 2 * 2 for side in mask.shape)
    sites = [mask[row:height:2, column:width:2] for row in (0, 1) for column in (0, 1)]
    highest = np.maximum(np.maximum(sites[0], sites[1]), np.maximum(sites[2], sites[3]))
    for site in sites:
        site[:] = highest


def focus_mask(frame: Frame) -> NDArray[np.uint8]:
    """Return H×W codes SHARP or NOTHING: where the picture has detail that only a lens in focus passes.

    The measure is the second difference (Laplacian) of lightly smoothed values; on a mosaic, of the green
    ones, at half the size. A blurred edge rises over many pixels and has hardly any.
    """
    plane = focus_plane(frame)
    smooth = cv2.GaussianBlur(plane, (3, 3), 0.7, dst=plane)
    second = np.asarray(cv2.Laplacian(smooth, cv2.CV_32F, ksize=1), np.float32)
    np.abs(second, out=second)
    # The quietest fifth of the picture is noise alone, however rich the rest is: a fifth of a normal
    # distribution lies within 0.2533 standard deviations.
    noise = float(np.percentile(second[::4, ::4], 20)) / 0.2533
    limit = max(SHARP_CONTRAST * (2**frame.bits - 1), SHARP_NOISE * noise)
    sharp = (second > limit).view(np.uint8) * np.uint8(SHARP)
    # Marks must be seen: one pixel more to each side.
    sharp = np.asarray(cv2.dilate(sharp, np.ones((2, 2), np.uint8)), np.uint8)
    height, width = frame.image.shape[:2]
    if sharp.shape != (height, width):
        sharp = np.asarray(cv2.resize(sharp, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    return sharp


def focus_plane(frame: Frame) -> NDArray[np.float32]:
    """Return a new array of raw values: as they are, or the mean of the greens of each Bayer cell."""
    image = frame.image
    if frame.layout is Layout.RGB:
        image = image[..., 1]
    elif frame.layout in _CELLS:
        height, width = (side // 2 * 2 for side in image.shape)
        greens = [
            image[n // 2 : height : 2, n % 2 : width : 2].astype(np.float32)
            for n, name in enumerate(_CELLS[frame.layout])
            if name == "green"
        ]
        return np.asarray((greens[0] + greens[1]) * np.float32(0.5), np.float32)
    return image.astype(np.float32)
