"""Crops of pairs and what may be done to them without making them untrue.

Everywhere, content of mono pixel x lies at x + d in the reference, and d stays among the candidates
0 … max_disparity − 1 of the crop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models import color
from models.data.pairs import Pair, unit
from models.data.stereo import simulate
from models.errors import ModelError

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How often something is done to a crop, 0 … 1, and how strongly.

    Attributes:
        upside_down: turn both images' rows around.
        exchange: the cameras change places and both images are mirrored; only colour stereo pairs, whose
            cameras both see colours.
        simulate: a colour stereo pair is taken by unlike sensors (`models.data.stereo`).
        permute: R, G and B of reference and truth change places.
        jitter: σ of the logarithm of gains (mono, and each colour channel) and gammas (mono, colour).
    """

    upside_down: float = 0.5
    exchange: float = 0.5
    simulate: float = 0.8
    permute: float = 0.2
    jitter: float = 0.1


NO_AUGMENTATION = Augmentation(0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a pair.

    Attributes:
        mono: H×W float32, 0 … 1.
        reference: H×W×3 float32 RGB, 0 … 1.
        truth: as reference, the colour camera's colours of every mono pixel; None if unknown.
        disparity: H×W float32 px, NaN where unknown; None if unknown everywhere.
        visible: H×W float32: 1 where the colour camera sees the mono pixel inside the crop and among the
            candidates, 0 where not, NaN where unknown; None if unknown everywhere.
    """

    mono: Float
    reference: Float
    truth: Float | None
    disparity: Float | None
    visible: Float | None


def cut(
    pair: Pair,
    size: tuple[int, int],
    max_disparity: int,
    disparities: tuple[int, int],
    rng: np.random.Generator,
) -> Crop:
    """Cut the same rows, and columns that belong together, out of both images.

    The reference's columns are moved to the right so that disparities fall among the candidates: by a random
    amount among those with which all do; where more disparities occur than there are candidates, by the
    smallest one, and what is nearer counts as not visible.

    Args:
        pair: at least as large as the crop.
        size: (height, width) in px.
        max_disparity: number of candidates.
        disparities: smallest and largest one in the pair (`models.data.ranges.disparity_range`); a negative
            smallest one moves the columns to the left.
        rng: draws the place.

    Raises:
        ModelError: the pair is smaller than the crop.
    """
    height, width = size
    rows, columns = pair.mono.shape
    if rows < height or columns < width:
        raise ModelError(f"{pair.name} is {columns}×{rows}, smaller than a crop of {width}×{height}")
    shift = _shift(disparities, max_disparity, columns - width, rng)
    top = int(rng.integers(0, rows - height + 1))
    left = int(rng.integers(max(0, -shift), columns - width + 1 - max(0, shift)))
    here = slice(top, top + height), slice(left, left + width)
    there = here[0], slice(left + shift, left + shift + width)
    disparity = None if pair.disparity is None else pair.disparity[here] - np.float32(shift)
    visible = None if pair.visible is None else pair.visible[here].astype(np.float32)
    if disparity is not None:
        visible = _among_candidates(disparity, visible, max_disparity)
    return Crop(
        mono=unit(pair.mono[here]),
        reference=unit(pair.reference[there]),
        truth=None if pair.truth is None else unit(pair.truth[here]),
        disparity=disparity,
        visible=visible,
    )


def augment(
    crop: Crop, is_stereo: bool, how: Augmentation, max_disparity: int, rng: np.random.Generator
) -> Crop:
    """Return the crop changed at random.

    Args:
        crop: of a pair.
        is_stereo: it is of a colour stereo pair: mono is but the luma of truth.
        how: how often and how strongly.
        max_disparity: number of candidates.
        rng: decides.
    """
    if is_stereo and rng.random() < how.exchange:
        crop = exchanged(crop, max_disparity)
    if rng.random() < how.upside_down:
        crop = upside_down(crop)
    if rng.random() < how.permute:
        crop = permuted(crop, rng.permutation(3))
    if is_stereo and crop.truth is not None and rng.random() < how.simulate:
        images = simulate(crop.truth, crop.reference, rng)
        crop = replace(crop, mono=images.mono, reference=images.reference)
    return jittered(crop, how.jitter, rng) if how.jitter > 0 else crop


def upside_down(crop: Crop) -> Crop:
    """Return the crop with the order of its rows reversed."""
    return _each(crop, lambda image: np.ascontiguousarray(image[::-1]))


def exchanged(crop: Crop, max_disparity: int) -> Crop:
    """Return the mirror image, the cameras' places exchanged: the search direction remains right.

    Mirrored alone, content would lie further left in the reference. With the cameras exchanged as well it
    lies right again, by the same disparity: what was at mono x and reference x + d is now at mono
    W − 1 − (x + d) and reference W − 1 − x.

    Args:
        crop: of a colour stereo pair, with truth.
        max_disparity: number of candidates.

    Raises:
        ModelError: there is no truth.
    """
    if crop.truth is None:
        raise ModelError("without colours of the mono view the cameras cannot change places")
    mono = crop.reference @ np.array([color.LUMA_RED, color.LUMA_GREEN, color.LUMA_BLUE], np.float32)
    disparity = None if crop.disparity is None else _seen_from_reference(crop.disparity)
    changed = _each(Crop(mono, crop.truth, crop.reference, disparity, None), _mirrored)
    if changed.disparity is None:
        return changed
    known = np.ones_like(mono)  # whatever has a disparity was seen by both
    return replace(changed, visible=_among_candidates(changed.disparity, known, max_disparity))


def permuted(crop: Crop, order: NDArray[np.integer]) -> Crop:
    """Return the crop with the channels of reference and truth in this order: things of other colours."""
    return replace(
        crop,
        reference=np.ascontiguousarray(crop.reference[..., order]),
        truth=None if crop.truth is None else np.ascontiguousarray(crop.truth[..., order]),
    )


def jittered(crop: Crop, strength: float, rng: np.random.Generator) -> Crop:
    """Return the crop with other gains and gammas, those of reference and truth being the same."""
    mono_gain, mono_gamma, color_gamma = np.exp(rng.normal(0, strength, 3)).astype(np.float32)
    gains = np.exp(rng.normal(0, strength, 3)).astype(np.float32)

    def colors(image: Float) -> Float:
        return np.asarray(np.clip(image * gains, 0, 1) ** color_gamma, np.float32)

    return replace(
        crop,
        mono=np.asarray(np.clip(crop.mono * mono_gain, 0, 1) ** mono_gamma, np.float32),
        reference=colors(crop.reference),
        truth=None if crop.truth is None else colors(crop.truth),
    )


def _shift(disparities: tuple[int, int], max_disparity: int, room: int, rng: np.random.Generator) -> int:
    """Return by how many columns the reference's part lies further right than the mono image's."""
    lowest, highest = disparities
    smallest = max(highest - (max_disparity - 1), min(0, lowest))
    shift = lowest if smallest > lowest else int(rng.integers(smallest, lowest + 1))
    return max(-room, min(room, shift))


def _among_candidates(disparity: Float, visible: Float | None, max_disparity: int) -> Float:
    """Return `visible` (None: worked out) without what lies outside of the crop or of the candidates."""
    width = disparity.shape[1]
    target = np.arange(width, dtype=np.float32) + disparity
    inside = (disparity > -0.5) & (disparity < max_disparity - 0.5) & (target <= width - 1)
    if visible is None:
        column = np.clip(np.nan_to_num(target).round(), 0, width - 1).astype(np.int64)
        in_front = np.take_along_axis(_nearest(disparity), column, axis=1)
        visible = (in_front <= disparity + 1).astype(np.float32)
    return np.where(np.isnan(disparity), np.float32(np.nan), visible * inside).astype(np.float32)


def _nearest(disparity: Float) -> Float:
    """Return the largest disparity of the mono pixels that land on each reference pixel, −inf for none."""
    height, width = disparity.shape
    y, x = np.nonzero(np.isfinite(disparity))
    values = disparity[y, x]
    target = np.round(x + values).astype(np.int64)
    inside = (target >= 0) & (target < width)
    nearest = np.full((height, width), -np.inf, np.float32)
    np.maximum.at(nearest, (y[inside], target[inside]), values[inside])
    return nearest


def _seen_from_reference(disparity: Float) -> Float:
    """Return the disparity of every reference pixel, NaN where no mono pixel shows the same.

    Gaps of one pixel come from surfaces that are wider in the reference and are closed; wider ones are
    occlusions.
    """
    there = _nearest(disparity)
    there[np.isneginf(there)] = np.nan
    left, right = np.roll(there, 1, axis=1), np.roll(there, -1, axis=1)
    narrow = np.isnan(there) & (np.abs(left - right) <= 1)
    narrow[:, [0, -1]] = False
    there[narrow] = (left[narrow] + right[narrow]) / 2
    return there


def _mirrored(image: Float) -> Float:
    return np.ascontiguousarray(image[:, ::-1])


def _each(crop: Crop, change: Callable[[Float], Float]) -> Crop:
    return Crop(
        mono=change(crop.mono),
        reference=change(crop.reference),
        truth=None if crop.truth is None else change(crop.truth),
        disparity=None if crop.disparity is None else change(crop.disparity),
        visible=None if crop.visible is None else change(crop.visible),
    )
