"""Finds a colour checker in an image: quadrilaterals of one size in a grid of 6×4, told by their colours."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.develop import to_8_bits
from capture.errors import CalibrationError
from capture.frames import Image
from capture.photometric.checker import ACROSS, DOWN, fit_colors, read_patches
from capture.photometric.model import CameraPhotometric
from capture.targets.base import NotSeen

# Fewer patches than this fix no grid.
FEWEST_PATCHES = 10
WIDTH_PX = 1200
# A chart is believed if its colours are as near to what they should be.
LARGEST_DELTA_E = 12.0


def find_checker(image: Image, camera: CameraPhotometric) -> NDArray[np.float64] | NotSeen:
    """Return the outer corners of the chart's patches, 4×2, from the brown patch on; or why not.

    Args:
        image: developed RGB image.
        camera: gamma and black level are taken from it to judge the colours.
    """
    if image.ndim != 3:
        return NotSeen("This image has no colours.")
    quads = _quads(image)
    if len(quads) < FEWEST_PATCHES:
        return NotSeen("No colour checker is seen: fill a third of the image with it, level and evenly lit.")
    grid = _grid(quads)
    if len(grid) < FEWEST_PATCHES:
        return NotSeen("No grid of patches is seen: show all of the chart, or give its corners.")
    best: tuple[float, NDArray[np.float64]] | None = None
    for corners in _placements(grid, image.shape):
        try:
            fit = fit_colors(read_patches(image, corners, camera), camera)
        except CalibrationError:
            continue
        # Where the chart is placed wrongly, a wild matrix may still come near: such matrices cost.
        cost = fit.delta_e_mean + 2 * float(np.abs(fit.color_matrix - np.eye(3)).max())
        if best is None or cost < best[0]:
            best = cost, corners
    if best is None or best[0] > LARGEST_DELTA_E:
        return NotSeen("There is a grid of patches, but not in the colours of the chart: give its corners.")
    return best[1]


def _quads(image: Image) -> NDArray[np.float64]:
    """Return quadrilaterals of one size, N×4×2 px."""
    small = to_8_bits(image)
    scale = min(1.0, WIDTH_PX / image.shape[1])
    if scale < 1:
        small = np.asarray(
            cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    found: list[NDArray[np.float64]] = []
    for channel in (*cv2.split(small), cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)):
        for edges in _edge_images(np.asarray(channel, np.uint8)):
            contours, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
            found += [quad for contour in contours if (quad := _as_quad(contour, small.shape)) is not None]
    if not found:
        return np.zeros((0, 4, 2))
    quads = _distinct(np.array(found))
    areas = np.array([cv2.contourArea(quad.astype(np.float32)) for quad in quads])
    # The size that fills most, within a factor of 2 either way (perspective): specks are many, but small.
    filled = [float(areas[(areas > area / 1.8) & (areas < area * 1.8)].sum()) for area in areas]
    typical = areas[int(np.argmax(filled))]
    same = (areas > typical / 1.8) & (areas < typical * 1.8)
    return np.asarray((quads[same] + 0.5) / scale - 0.5)


def _edge_images(channel: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    smooth = cv2.GaussianBlur(channel, (5, 5), 0)
    size = max(11, (min(channel.shape) // 16) | 1)
    bright = cv2.adaptiveThreshold(smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, size, -2)
    kernel = np.ones((3, 3), np.uint8)
    edges = cv2.dilate(cv2.Canny(smooth, 15, 45), kernel)
    return [np.asarray(each, np.uint8) for each in (cv2.erode(bright, kernel), edges, cv2.bitwise_not(edges))]


def _as_quad(
    contour: NDArray[np.int32] | cv2.typing.MatLike, shape: tuple[int, ...]
) -> NDArray[np.float64] | None:
    area = cv2.contourArea(contour)
    total = shape[0] * shape[1]
    if not 0.0002 * total < area < 0.04 * total:
        return None
    outline = cv2.approxPolyDP(contour, 0.06 * cv2.arcLength(contour, closed=True), closed=True)
    if len(outline) != 4 or not cv2.isContourConvex(outline):
        return None
    quad = np.asarray(outline, np.float64).reshape(4, 2)
    sides = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1)
    if sides.min() < 4 or sides.max() > 2.0 * sides.min() or area < 0.6 * sides.mean() ** 2:
        return None
    return quad


def _distinct(quads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one quadrilateral per place: the largest."""
    areas = np.array([cv2.contourArea(quad.astype(np.float32)) for quad in quads])
    kept: list[int] = []
    for index in np.argsort(-areas):
        middle = quads[index].mean(axis=0)
        near = 0.4 * areas[index] ** 0.5
        if all(np.linalg.norm(quads[other].mean(axis=0) - middle) > near for other in kept):
            kept.append(int(index))
    return quads[kept]


def _grid(quads: NDArray[np.float64]) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Return the largest set of middles that are neighbours of each other, by their place in the grid."""
    middles = quads.mean(axis=1)
    best: dict[tuple[int, int], NDArray[np.float64]] = {}
    right, down = _directions(quads)
    for start in range(len(quads)):
        if any(np.array_equal(middles[start], middle) for middle in best.values()):
            continue
        placed = _spread(middles, start, right, down)
        if len(placed) > len(best):
            best = placed
    return best


def _directions(quads: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the steps to the next patch along both axes of the grid: medians over nearest neighbours."""
    middles = quads.mean(axis=1)
    steps = middles[None] - middles[:, None]
    lengths = np.linalg.norm(steps, axis=2) + np.where(np.eye(len(middles)), np.inf, 0)
    pitch = float(np.median(lengths.min(axis=1)))
    near = steps[(lengths > 0.7 * pitch) & (lengths < 1.3 * pitch)]
    # Fold both axes and both senses onto one: angles modulo a quarter turn.
    angles = np.arctan2(near[:, 1], near[:, 0])
    turn = float(np.angle(np.exp(4j * angles).mean())) / 4
    axes = []
    for angle in (turn, turn + np.pi / 2):
        along = np.array([np.cos(angle), np.sin(angle)])
        share = near @ along
        same = share > 0.8 * np.linalg.norm(near, axis=1)
        axes.append(np.median(near[same], axis=0) if same.any() else along * pitch)
    return axes[0], axes[1]


def _spread(
    middles: NDArray[np.float64], start: int, right: NDArray[np.float64], down: NDArray[np.float64]
) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Return middles reached from one by steps of about these vectors."""
    placed = {(0, 0): middles[start]}
    waiting = deque([(0, 0)])
    reach = 0.3 * min(np.linalg.norm(right), np.linalg.norm(down))
    while waiting:
        column, row = waiting.popleft()
        for along, lower in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            place = (column + along, row + lower)
            if place in placed:
                continue
            expected = placed[column, row] + along * right + lower * down
            off = np.linalg.norm(middles - expected, axis=1)
            if off.min() < reach:
                placed[place] = middles[int(off.argmin())]
                waiting.append(place)
    return placed


def _placements(
    grid: dict[tuple[int, int], NDArray[np.float64]], shape: tuple[int, ...]
) -> list[NDArray[np.float64]]:
    """Return the outer corners of every chart that holds the grid: all places and quarter turns."""
    places = np.array(list(grid), np.float64)
    middles = np.array(list(grid.values()))
    low, high = places.min(axis=0).astype(int), places.max(axis=0).astype(int)
    pitch = float(np.linalg.norm(middles[0] - middles[1]))
    homography = cv2.findHomography(places, middles, cv2.RANSAC, 0.3 * pitch)[0]
    charts: list[NDArray[np.float64]] = []
    if np.shape(homography) != (3, 3):
        return charts
    for across, down in ((ACROSS, DOWN), (DOWN, ACROSS)):
        for left in range(high[0] - across + 1, low[0] + 1):
            for top in range(high[1] - down + 1, low[1] + 1):
                outline = np.array([[0.0, 0], [across, 0], [across, down], [0, down]])
                outline += np.array([left, top]) - 0.5
                seen = np.asarray(cv2.perspectiveTransform(outline[:, None], homography)[:, 0], np.float64)
                if cv2.contourArea(seen.astype(np.float32), oriented=True) < 0:
                    seen = seen[::-1]
                inside = (seen > -0.5).all() and (seen < np.array([shape[1], shape[0]]) - 0.5).all()
                if inside:
                    first = 0 if (across, down) == (ACROSS, DOWN) else 1
                    charts += [np.roll(seen, -turn, axis=0) for turn in (first, first + 2)]
    return charts
