"""Black level from a capped lens, flat field from a white target, white balance from a grey card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError
from capture.frames import Image
from capture.photometric.curve import full_scale, to_light
from capture.photometric.model import BRIGHTEST_BLACK, CameraPhotometric

# The flat field is measured and kept in cells, (down, across): vignetting is smooth.
CELLS = (12, 16)
# A polynomial of this degree in x and y is fitted to the cells: noise, dust and the print of the target go.
DEGREE = 4
SATURATED = 0.985
MOST_SATURATED = 0.005
DARKEST_WHITE = 0.05  # of the light at full scale
# Light may fall to this part of the middle's; below, it was no evenly lit target.
DARKEST_CORNER = 0.1
# Cells that differ so much from the smooth surface show that the target or its light was uneven.
UNEVEN = 0.02


@dataclass(frozen=True)
class BlackLevel:
    """What a capped lens shows: level and noise (standard deviation), 0 … 1 of full scale; what to mind."""

    level: float
    noise: float
    advice: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FlatField:
    """What a white target shows.

    Attributes:
        gains: channels × 12 × 16, 1 where it is brightest.
        falloff: part of the light that the darkest corner lacks, 0 … 1.
        unevenness: RMS of what the smooth surface does not explain, relative.
        advice: what to mind.
    """

    gains: NDArray[np.float64]
    falloff: float
    unevenness: float
    advice: tuple[str, ...]


def measure_black(images: Sequence[Image]) -> BlackLevel:
    """Return the black level from developed images (H×W or H×W×3) taken with the lens capped.

    Raises CalibrationError: no image, or one that is not dark.
    """
    values = [_values(image).ravel() for image in _some(images)]
    level = float(np.mean([values_of.mean() for values_of in values]))
    bright = float(np.mean([np.percentile(values_of, 99.9) for values_of in values]))
    if level > BRIGHTEST_BLACK or bright > 3 * level + 0.25:
        raise CalibrationError(
            f"the image of a capped lens has the mean {level:.1%} and spots of {bright:.0%} of full scale: "
            "put the cap on, or lower BlackLevel"
        )
    advice = []
    clipped = float(np.mean([(values_of == 0).mean() for values_of in values]))
    if clipped > 0.25:
        advice.append(
            f"{clipped:.0%} of the pixels are at 0: the camera cuts dark noise off, which tints shadows. "
            "Raise BlackLevel until it is under 1 %."
        )
    noise = float(np.mean([values_of.std() for values_of in values]))
    return BlackLevel(level, noise, tuple(advice))


def measure_flat_field(images: Sequence[Image], camera: CameraPhotometric) -> FlatField:
    """Return gains from developed images of an evenly lit white target that fills the view.

    Several images with the rig turned or moved in between average unevenness of the target out.

    Args:
        camera: gamma and black level are taken from it.

    Raises CalibrationError: no image, one that is overexposed or dark, or sizes that differ.
    """
    cells = np.mean([_cells(image, camera) for image in _some(images)], axis=0)
    smooth = np.stack([_smooth(channel) for channel in cells])
    brightest = smooth.max(axis=(1, 2), keepdims=True)
    relative = smooth / brightest
    if relative.min() < DARKEST_CORNER:
        raise CalibrationError(
            f"a part of the image has {relative.min():.0%} of the light of the brightest: fill the view with "
            "an evenly lit white target"
        )
    unevenness = float(np.sqrt(((cells / smooth - 1) ** 2).mean()))
    advice = []
    if unevenness > UNEVEN:
        advice.append(
            f"The target is uneven by {unevenness:.1%}: light it evenly, defocus, or take more images with "
            "the rig turned in between."
        )
    gains = 1 / relative
    whole_image = gains_at(CameraPhotometric(flat_field=gains), (10 * CELLS[0], 10 * CELLS[1]))
    return FlatField(gains, float(1 - 1 / whole_image.max()), unevenness, tuple(advice))


def measure_grey(
    image: Image, region: tuple[int, int, int, int], camera: CameraPhotometric
) -> NDArray[np.float64]:
    """Return white balance gains (red, green, blue; green 1) from a grey card.

    Args:
        image: developed RGB image.
        region: (left, top, width, height) of the card in px.
        camera: gamma, black level and flat field are taken from it.

    Raises CalibrationError: no colour image, a region outside, or over- or underexposed.
    """
    if image.ndim != 3:
        raise CalibrationError("a grey card is for the colour camera: this image has no colours")
    left, top, width, height = region
    if (
        min(left, top) < 0
        or min(width, height) < 4
        or left + width > image.shape[1]
        or top + height > image.shape[0]
    ):
        raise CalibrationError(
            f"the region {region} is not within the image of {image.shape[1]}×{image.shape[0]}"
        )
    part = np.s_[top : top + height, left : left + width]
    values = _values(image)[part]
    if float((values >= SATURATED).any(axis=2).mean()) > MOST_SATURATED:
        raise CalibrationError("the grey card is overexposed: expose shorter")
    light = to_light(values, camera.gamma, camera.black_level)
    light = light * gains_at(camera, image.shape[:2])[part]
    means = np.median(light.reshape(-1, 3), axis=0)
    if means.min() < 0.01:
        raise CalibrationError("the grey card is too dark: expose longer")
    return np.asarray(means[1] / means)


def gains_at(camera: CameraPhotometric, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the flat field over an image of this (height, width), H×W×channels; ones if there is none."""
    height, width = shape
    if camera.flat_field is None:
        return np.ones((height, width, 1), np.float32)
    _, down, across = camera.flat_field.shape
    # Cells have their value in their middle; towards the border it goes on as it was (linearly).
    rows = (np.arange(height) + 0.5) / height * down - 0.5
    columns = (np.arange(width) + 0.5) / width * across - 0.5
    along_y, along_x = _linear(rows, down), _linear(columns, across)
    channels = [along_y @ channel @ along_x.T for channel in camera.flat_field]
    return np.stack(channels, axis=2).astype(np.float32)


def _linear(positions: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the matrix that interpolates `count` values at positions, linearly, also beyond the ends."""
    weights = np.zeros((positions.size, count))
    first = np.clip(np.floor(positions).astype(int), 0, max(0, count - 2))
    share = positions - first
    index = np.arange(positions.size)
    weights[index, first] = 1 - share
    weights[index, np.minimum(first + 1, count - 1)] += share
    return weights


def _cells(image: Image, camera: CameraPhotometric) -> NDArray[np.float64]:
    """Return the median light in every cell, channels × 12 × 16."""
    values = _values(image)
    if float((values >= SATURATED).mean()) > MOST_SATURATED:
        raise CalibrationError("the white target is overexposed: expose shorter, until nothing is clipped")
    light = float(to_light(np.asarray(np.median(values)), camera.gamma, camera.black_level))
    if light < DARKEST_WHITE:
        raise CalibrationError(
            f"the white target is too dark ({max(light, 0):.1%} of the largest light): expose longer"
        )
    if values.ndim == 2:
        values = values[..., None]
    down, across = CELLS
    if values.shape[0] < 4 * down or values.shape[1] < 4 * across:
        raise CalibrationError(
            f"an image of {values.shape[1]}×{values.shape[0]} is too small for a flat field"
        )
    rows, columns = (
        np.array_split(np.arange(size), count) for size, count in zip(values.shape, CELLS, strict=False)
    )
    medians = np.array(
        [[np.median(values[r[0] : r[-1] + 1, c[0] : c[-1] + 1], axis=(0, 1)) for c in columns] for r in rows]
    )
    return np.moveaxis(to_light(medians, camera.gamma, camera.black_level), 2, 0)


def _smooth(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the polynomial surface nearest to the cells (relative errors)."""
    y, x = (np.linspace(-1, 1, count) for count in cells.shape)
    terms = [
        np.outer(y**power_y, x**power_x).ravel()
        for power_y in range(DEGREE + 1)
        for power_x in range(DEGREE + 1 - power_y)
    ]
    design = np.stack(terms, axis=1)
    weight = 1 / np.maximum(cells.ravel(), 1e-6)
    solution, *_ = np.linalg.lstsq(design * weight[:, None], np.ones(weight.size), rcond=None)
    return np.maximum((design @ solution).reshape(cells.shape), 1e-6)


def _values(image: Image) -> NDArray[np.float32]:
    return np.asarray(image, np.float32) / np.float32(full_scale(image))


def _some(images: Sequence[Image]) -> Sequence[Image]:
    if not images:
        raise CalibrationError("there is no image to measure")
    if len({image.shape for image in images}) != 1:
        raise CalibrationError("the images differ in size or in their number of channels")
    return images
