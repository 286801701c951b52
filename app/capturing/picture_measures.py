"""What a gate measures in pictures: sharpness, texture, speed and clipping. Pure functions of arrays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.raw_measures import focus_plane, saturated_from
from capture.frames import Frame

FloatImage = NDArray[np.float32]

SMALL_WIDTH = 320
"""Width in px of the picture in which texture and motion are measured."""

_FINE_SIGMA, _COARSE_SIGMA = 0.8, 2.4
_EDGE_SHARE = 0.02  # of the pixels: the steepest, which noise cannot be
_LEAST_EDGES = 50  # pixels
_MOST_WIDE, _MOST_HIGH = 800, 600  # px in which sharpness is measured
_LEAST_CONTRAST = 0.01  # of full scale per px: below it, nothing is an edge
_TILE_PX = 16
_TEXTURED = 0.015  # of full scale per px


def clipped_share(frame: Frame) -> float:
    """Return the share of raw pixels that are saturated, 0 … 1."""
    return float(np.count_nonzero(frame.image >= saturated_from(frame.bits)) / frame.image.size)


def edge_steepness(frame: Frame) -> float | None:
    """Return how steep the edges of a raw frame are, whatever their contrast; None without edges.

    The ratio of the gradients at a step edge after a little and after much smoothing, less 1. For an edge
    blurred by a Gaussian of b px it is √((σ_c² + b²) / (σ_f² + b²)) − 1: 1.6 at b = 0.5 px, 0.45 at 2 px, and
    nothing else of the scene is in it (the re-blur ratio of Zhuo and Sim, "Defocus map estimation from a
    single image", 2011). Upright and level edges are judged apart, and the less steep kind counts: what moves
    blurs only one of them.
    """
    plane = _middle(focus_plane(frame)) * np.float32(1 / ((1 << frame.bits) - 1))
    fine, coarse = (
        np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
        for sigma in (_FINE_SIGMA, _COARSE_SIGMA)
    )
    along, across = (_slope(coarse, axis) for axis in (0, 1))
    found = []
    for axis, own, other in ((0, along, across), (1, across, along)):
        limit = max(float(np.quantile(own[::2, ::2], 1 - _EDGE_SHARE)), _LEAST_CONTRAST)
        edges = (own >= limit) & (own > 2 * other)
        if np.count_nonzero(edges) >= _LEAST_EDGES:
            found.append(float(np.median(_slope(fine, axis)[edges] / own[edges])) - 1)
    return max(min(found), 0.0) if found else None


def _middle(plane: FloatImage) -> FloatImage:
    """Return the middle of a large picture: enough to judge a lens by, at a bounded cost."""
    height, width = plane.shape
    top, left = max(0, (height - _MOST_HIGH) // 2), max(0, (width - _MOST_WIDE) // 2)
    return plane[top : top + _MOST_HIGH, left : left + _MOST_WIDE]


def _slope(image: FloatImage, axis: int) -> FloatImage:
    """Return |gradient| per px along a row (0) or a column (1)."""
    order = (1, 0) if axis == 0 else (0, 1)
    return np.abs(np.asarray(cv2.Sobel(image, cv2.CV_32F, *order, scale=1 / 8), np.float32))


def small_picture(frame: Frame) -> FloatImage:
    """Return a raw frame as a small gray picture, 0 … 1: SMALL_WIDTH px wide, or less."""
    plane = focus_plane(frame)
    height, width = plane.shape
    scale = SMALL_WIDTH / width
    if scale < 1:
        size = (SMALL_WIDTH, max(1, round(height * scale)))
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
    return plane * np.float32(1 / ((1 << frame.bits) - 1))


def texture_share(small: FloatImage) -> float:
    """Return the share of tiles of 16×16 px that hold an edge that can be matched, 0 … 1."""
    steep = _gradient(np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.float32))
    height, width = (side // _TILE_PX for side in steep.shape)
    if not height or not width:
        return 0.0
    tiles = steep[: height * _TILE_PX, : width * _TILE_PX].reshape(height, _TILE_PX, width, _TILE_PX)
    return float((np.quantile(tiles, 0.9, axis=(1, 3)) > _TEXTURED).mean())


class MotionMeter:
    """Tells how fast the picture moves, from one small picture to the next. One thread at a time."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def displacement(self, before: FloatImage, after: FloatImage) -> float | None:
        """Return by how many px of the small pictures their faster parts (the 90th percentile of what has
        texture) moved; None if sizes differ or there is nothing to see.
        """
        if before.shape != after.shape:
            return None
        textured = _gradient(np.asarray(cv2.GaussianBlur(after, (0, 0), 1.0), np.float32)) > _TEXTURED
        if np.count_nonzero(textured) < 50:
            return None
        first, second = ((image * np.float32(255)).astype(np.uint8) for image in (before, after))
        flow = self._flow.calc(first, second, None)  # type: ignore[call-overload]
        return float(np.quantile(np.hypot(flow[..., 0], flow[..., 1])[textured], 0.9))


def _gradient(image: FloatImage) -> FloatImage:
    """Return the magnitude of the gradient per px."""
    dx, dy = (
        np.asarray(cv2.Sobel(image, cv2.CV_32F, *axis, scale=1 / 8), np.float32) for axis in ((1, 0), (0, 1))
    )
    return np.asarray(cv2.magnitude(dx, dy), np.float32)
