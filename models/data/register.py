"""Finds regions of a mono + colour pair that one projective transform registers perfectly, without occlusion.

The paper registers distant views with SIFT and a projective transform, and picks good regions by hand. Here
several transforms are found, one after the other (each plane of a near scene has its own), refined, and every
pixel is checked: structure must agree, and the motion left between both images must be below half a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.image_files import Image
from models.data.pairs import luma_of, unit

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RegisterConfig:
    """What counts as registered.

    Attributes:
        min_size_px: shortest side of a region.
        max_residual_px: motion left between both images, and disagreement of the motion found both ways.
        min_correlation: local correlation (window σ 2.5 px) of mono and luma.
        min_contrast: local standard deviation, in levels of 255, below which there is nothing to check.
        min_checked: share of a region's pixels that have been checked; the others show nothing in either.
        max_planes: transforms to look for in a pair.
        min_matches: feature matches that a transform needs.
    """

    min_size_px: int = 36
    max_residual_px: float = 0.5
    min_correlation: float = 0.7
    min_contrast: float = 2.5
    min_checked: float = 0.5
    max_planes: int = 6
    min_matches: int = 12


@dataclass(frozen=True, eq=False)
class Region:
    """One registered region.

    Attributes:
        mono: J_G, h×w, cut out of the mono image.
        color: J_C, h×w×3 RGB, the colour image resampled (bicubic) into the mono view and cut out.
        x, y: of the upper left corner in the mono image, px.
        matches: features that agree on the transform.
        residual_px: median length of the motion left between both.
        correlation: median local correlation of mono and luma.
        checked: share of the pixels that could be checked.
    """

    mono: Image
    color: Image
    x: int
    y: int
    matches: int
    residual_px: float
    correlation: float
    checked: float


def register_pair(mono: Image, color: Image, config: RegisterConfig | None = None) -> list[Region]:
    """Return the registered regions of a pair, largest first within each plane; none overlap.

    Args:
        mono: H×W uint8 or uint16.
        color: H×W×3 RGB, of the same type and size.
        config: what counts as registered.
    """
    config = config or RegisterConfig()
    gray, luma = unit(mono) * 255, unit(luma_of(color)) * 255
    free = np.ones(gray.shape, np.bool_)
    regions = []
    for transform, matches in _transforms(gray, luma, config):
        refined = _refine(gray, luma, transform, config)
        check = _Check.of(gray, luma, refined, config)
        registered = _warp(color, refined)
        for rows, columns in _rectangles(check.sound & free, config.min_size_px):
            checked = check.agrees[rows, columns]
            if checked.mean() < config.min_checked:
                continue
            free[rows, columns] = False
            regions.append(
                Region(
                    mono=mono[rows, columns].copy(),
                    color=registered[rows, columns].copy(),
                    x=columns.start,
                    y=rows.start,
                    matches=matches,
                    residual_px=float(np.median(check.residual_px[rows, columns][checked])),
                    correlation=float(np.median(check.correlation[rows, columns][checked])),
                    checked=float(checked.mean()),
                )
            )
    return regions


def _transforms(gray: Float, luma: Float, config: RegisterConfig) -> Iterator[tuple[Float, int]]:
    """Yield 3×3 transforms from mono to colour px, each of the features that those before left over."""
    sift = cv2.SIFT.create(contrastThreshold=0.01)
    (points_a, found_a), (points_b, found_b) = (
        sift.detectAndCompute(_evened(image, sigma_px=12), None) for image in (gray, luma)
    )
    if len(points_a) < config.min_matches or len(points_b) < config.min_matches:
        return
    candidates = cv2.BFMatcher().knnMatch(found_a, found_b, k=2)
    matches = [best for best, second in candidates if best.distance < 0.85 * second.distance]
    here = np.array([points_a[m.queryIdx].pt for m in matches], np.float32).reshape(-1, 2)
    there = np.array([points_b[m.trainIdx].pt for m in matches], np.float32).reshape(-1, 2)
    for _ in range(config.max_planes):
        if len(here) < config.min_matches:
            return
        cv2.setRNGSeed(0)
        transform, inliers = cv2.findHomography(here, there, cv2.RANSAC, 1.5, maxIters=5000, confidence=0.999)
        if np.ndim(transform) != 2 or inliers.sum() < config.min_matches:  # None: no transform
            return
        yield np.asarray(transform, np.float32), int(inliers.sum())
        left_over = inliers.ravel() == 0
        here, there = here[left_over], there[left_over]


def _refine(gray: Float, luma: Float, transform: Float, config: RegisterConfig) -> Float:
    """Fit the transform again, twice, to the dense motion that it leaves: features alone are a third of a
    pixel off.
    """
    for _ in range(2):
        check = _Check.of(gray, luma, transform, config)
        y, x = np.nonzero(check.trusted & (check.residual_px < 3 * config.max_residual_px))
        if len(y) < 200:
            break
        chosen = np.random.default_rng(0).permutation(len(y))[:4000]
        here = np.stack([x[chosen], y[chosen]], axis=1).astype(np.float32)
        moved = here + check.motion_px[y[chosen], x[chosen]]
        there = cv2.perspectiveTransform(moved[None], transform)[0]
        fitted, _inliers = cv2.findHomography(here, there, cv2.RANSAC, config.max_residual_px)
        if np.ndim(fitted) != 2:
            break
        transform = np.asarray(fitted, np.float32)
    return transform


@dataclass(frozen=True, eq=False)
class _Check:
    """What the pixels of the mono view say of a transform.

    Attributes:
        motion_px: H×W×2 (x, y), what is left between mono and the registered luma.
        residual_px: H×W, its length.
        correlation: H×W, local correlation.
        trusted: H×W, both show something, alike, and the motion is the same both ways.
        agrees: H×W, trusted and the motion is small enough.
        sound: H×W, agrees, or shows nothing in either image.
    """

    motion_px: Float
    residual_px: Float
    correlation: Float
    trusted: Mask
    agrees: Mask
    sound: Mask

    @classmethod
    def of(cls, gray: Float, luma: Float, transform: Float, config: RegisterConfig) -> _Check:
        registered = _warp(luma, transform)
        inside = _warp(np.ones_like(luma), transform, border=cv2.BORDER_CONSTANT) > 0.999
        motion, disagreement = _motion(gray, registered)
        correlation, contrast_a, contrast_b = _correlation(gray, registered)
        least = config.min_contrast
        trusted = inside & (np.minimum(contrast_a, contrast_b) > least)
        trusted &= (correlation > config.min_correlation) & (disagreement < config.max_residual_px)
        residual = np.asarray(np.linalg.norm(motion, axis=-1), np.float32)
        agrees = trusted & (residual < config.max_residual_px)
        unsound = ~inside | ((np.maximum(contrast_a, contrast_b) > least) & ~agrees)
        # Single pixels at a threshold say nothing; what is left gets a margin.
        opened = cv2.morphologyEx(unsound.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        grown = np.asarray(cv2.dilate(opened, np.ones((3, 3), np.uint8)))
        return cls(motion, residual, correlation, trusted, agrees, grown == 0)


def _warp(image: Image | Float, transform: Float, border: int = cv2.BORDER_REPLICATE) -> NDArray[Any]:
    """Return what the transform (mono px → colour px) fetches for every mono pixel, bicubic."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    height, width = image.shape[:2]
    warped = cv2.warpPerspective(image, transform, (width, height), flags=flags, borderMode=border)
    return np.asarray(warped)


def _motion(a: Float, b: Float) -> tuple[Float, Float]:
    """Return the dense motion a → b (H×W×2) and how far, for every pixel, the way back ends from it (H×W)."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(0)
    flow.setPatchStride(2)
    even_a, even_b = _evened(a, sigma_px=6), _evened(b, sigma_px=6)
    shape = (*a.shape, 2)
    there = np.asarray(flow.calc(even_a, even_b, np.zeros(shape, np.float32)), np.float32)
    back = np.asarray(flow.calc(even_b, even_a, np.zeros(shape, np.float32)), np.float32)
    y, x = np.mgrid[: a.shape[0], : a.shape[1]].astype(np.float32)
    returned = cv2.remap(
        back, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return there, np.asarray(np.linalg.norm(there + returned, axis=-1), np.float32)


def _correlation(a: Float, b: Float) -> tuple[Float, Float, Float]:
    """Return the local correlation of both images and the local standard deviation of each, all H×W."""
    mean_a, mean_b = _local_mean(a, 2.5), _local_mean(b, 2.5)
    deviation_a, deviation_b = _local_deviation(a, mean_a, 2.5), _local_deviation(b, mean_b, 2.5)
    covariance = _local_mean(a * b, 2.5) - mean_a * mean_b
    correlation: Float = covariance / (deviation_a * deviation_b + np.float32(0.1))
    return correlation, deviation_a, deviation_b


def _evened(image: Float, sigma_px: float) -> NDArray[np.uint8]:
    """Return the image with its local mean and contrast evened out: what two different cameras have in
    common.
    """
    mean = _local_mean(image, sigma_px)
    evened = (image - mean) / (_local_deviation(image, mean, sigma_px) + 2) * 40 + 128
    return np.asarray(np.clip(evened, 0, 255), np.uint8)


def _local_mean(image: Float, sigma_px: float) -> Float:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def _local_deviation(image: Float, mean: Float, sigma_px: float) -> Float:
    return np.sqrt(np.maximum(_local_mean(image * image, sigma_px) - mean * mean, 0))


_CELL_PX = 2


def _rectangles(mask: Mask, min_size_px: int) -> Iterator[tuple[slice, slice]]:
    """Yield disjoint rectangles (rows, columns) of the mask, largest first, on a grid of 2 px."""
    height, width = (n // _CELL_PX for n in mask.shape)
    cells = mask[: height * _CELL_PX, : width * _CELL_PX].reshape(height, _CELL_PX, width, _CELL_PX)
    whole = np.asarray(cells.all(axis=(1, 3)), np.bool_)
    least = -(-min_size_px // _CELL_PX)
    while (found := _largest_rectangle(whole, least)) is not None:
        y, x, rows, columns = found
        whole[y : y + rows, x : x + columns] = False
        yield (
            slice(y * _CELL_PX, (y + rows) * _CELL_PX),
            slice(x * _CELL_PX, (x + columns) * _CELL_PX),
        )


def _largest_rectangle(mask: Mask, least: int) -> tuple[int, int, int, int] | None:
    """Return (y, x, rows, columns) of the largest full rectangle with both sides ≥ least, or None.

    Row by row, the columns of full cells above form a histogram; a stack of its rising steps finds the
    largest rectangle under it.
    """
    best, found = 0, None
    heights = np.zeros(mask.shape[1] + 1, np.int64)
    for y, row in enumerate(mask):
        heights[:-1] = np.where(row, heights[:-1] + 1, 0)
        steps: list[tuple[int, int]] = []
        for x, here in enumerate(heights.tolist()):
            start = x
            while steps and steps[-1][1] >= here:
                start, rows = steps.pop()
                columns = x - start
                if min(rows, columns) >= least and rows * columns > best:
                    best, found = rows * columns, (y - rows + 1, start, rows, columns)
            steps.append((start, here))
    return found
