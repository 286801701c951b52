"""A view: rays from one point through a grid of samples, several to a pixel. Cameras and lights are views."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from capture.virtual.geometry import CameraGeometry, Vector

Floats = NDArray[np.float32]
Region = tuple[slice, slice]

# Rays are computed for every 2nd pixel and interpolated: lenses bend so little that the error is below
# 0.001 px.
COARSE_STEP_PX = 2
# What is nearer to the lens has no place in the image.
NEAREST_M = 0.01


@dataclass(frozen=True, eq=False)
class View:
    """Rays of all samples.

    Attributes:
        origin: (3,) centre of projection in the world, m.
        rotation: 3×3, world → view (x right, y down, z forward).
        rays: h×w×3 float32, (x/z, y/z, 1) of each sample in view coordinates; h, w = samples × image size.
            The 1 is kept because OpenCV multiplies 3 channels by a 3×3 matrix ten times faster than 2 by a
            3×2.
        samples: samples per pixel along each axis.
        spacing: distance of neighbouring samples in ray coordinates, mean over the middle row.
    """

    origin: Vector
    rotation: Vector
    rays: Floats
    samples: int
    spacing: float = field(init=False)
    # Extent of the rays of each row and column: what tells which samples an object can cover.
    _rows: tuple[Floats, Floats] = field(init=False, repr=False)
    _columns: tuple[Floats, Floats] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        h, w = self.shape
        across = float(np.linalg.norm(self.rays[h // 2, -1] - self.rays[h // 2, 0]))
        object.__setattr__(self, "spacing", across / (w - 1))
        object.__setattr__(self, "_rows", _extent(self.rays[..., 1], axis=1))
        object.__setattr__(self, "_columns", _extent(self.rays[..., 0], axis=0))

    @property
    def shape(self) -> tuple[int, int]:
        """Return (h, w) of the sample grid."""
        return self.rays.shape[0], self.rays.shape[1]

    def region_of(self, hull: Vector) -> Region | None:
        """Return the samples, in whole pixels, that things inside the convex hull of N×3 points may cover.

        None if it is out of sight. Everything if the hull reaches behind the view.
        """
        points = (hull - self.origin) @ self.rotation.T
        depth = points[:, 2]
        if depth.max() <= NEAREST_M:
            return None
        if depth.min() <= NEAREST_M:
            return slice(0, self.shape[0]), slice(0, self.shape[1])
        flat = points[:, :2] / depth[:, None]
        rows = self._range(self._rows, flat[:, 1])
        columns = self._range(self._columns, flat[:, 0])
        return None if rows is None or columns is None else (rows, columns)

    def _range(self, extent: tuple[Floats, Floats], values: Vector) -> slice | None:
        lowest, highest = extent
        # In the arrays' own type: NumPy would convert all of them else.
        begin = int(highest.searchsorted(np.float32(values.min())))
        end = int(lowest.searchsorted(np.float32(values.max()), side="right"))
        if begin >= end:
            return None
        # A pixel more on either side: coordinates between two rows belong to both.
        pixels = self.samples
        first = max(0, (begin // pixels - 1) * pixels)
        last = min(lowest.size, ((end - 1) // pixels + 2) * pixels)
        return slice(first, last)


def _extent(coordinate: Floats, axis: int) -> tuple[Floats, Floats]:
    """Return lowest and highest coordinate of each row (or column), made to rise so as to be searched."""
    lowest, highest = coordinate.min(axis=axis), coordinate.max(axis=axis)
    return np.minimum.accumulate(lowest[::-1])[::-1], np.maximum.accumulate(highest)


def pixel_grid(width: int, height: int, samples: int = 1) -> Floats:
    """Return h×w×2 float32 pixel coordinates of all samples; pixel centres are whole."""
    x = ((np.arange(width * samples) + 0.5) / samples - 0.5).astype(np.float32)
    y = ((np.arange(height * samples) + 0.5) / samples - 0.5).astype(np.float32)
    return np.dstack(np.meshgrid(x, y)).astype(np.float32)


def raw_view(camera: CameraGeometry, samples: int) -> View:
    """Return the view of a camera with its lens: one ray per sample of the distorted image."""
    return View(camera.position, camera.rotation, _rays(camera, None, samples), samples)


def mapped_view(camera: CameraGeometry, raw_pixels: Floats, samples: int) -> View:
    """Return the view of an image whose pixel (y, x) comes from pixel `raw_pixels[y, x]` of the raw image.

    Args:
        raw_pixels: H×W×2 float32 (x, y), as in the maps of a rectification.
    """
    return View(camera.position, camera.rotation, _rays(camera, raw_pixels, samples), samples)


def light_view(position: Vector, target: Vector, half_angle: float, size: int) -> View:
    """Return a square pinhole view from a light towards a target; `half_angle` in rad."""
    forward = (target - position) / np.linalg.norm(target - position)
    side = np.array([1.0, 0, 0]) if abs(forward[0]) < 0.9 else np.array([0, 0, 1.0])
    down = np.cross(forward, side)
    down /= np.linalg.norm(down)
    rotation = np.stack([np.cross(down, forward), down, forward])
    reach = np.tan(half_angle)
    steps = np.linspace(-reach, reach, size, dtype=np.float32)
    return View(position, rotation, _with_one(np.dstack(np.meshgrid(steps, steps))), 1)


def _rays(camera: CameraGeometry, raw_pixels: Floats | None, samples: int) -> Floats:
    """Compute rays on a coarse grid that reaches one step beyond the image; interpolate to all samples."""
    step = COARSE_STEP_PX if raw_pixels is None else 1
    nodes_x = -(-camera.width // step) + 2
    nodes_y = -(-camera.height // step) + 2
    if raw_pixels is None:
        # Node i is at the centre of its block of `step` pixels, where cv2.resize puts it; the first and the
        # last block lie outside of the image.
        x = (np.arange(nodes_x) - 0.5) * step - 0.5
        y = (np.arange(nodes_y) - 0.5) * step - 0.5
        nodes = np.dstack(np.meshgrid(x, y))
    else:
        height, width = raw_pixels.shape[:2]
        nodes_x, nodes_y = width + 2, height + 2
        inner = raw_pixels.astype(np.float64)
        nodes = np.pad(inner, ((1, 1), (1, 1), (0, 0)), mode="reflect", reflect_type="odd")
    rays = camera.undistort(nodes.reshape(-1, 2)).reshape(nodes_y, nodes_x, 2).astype(np.float32)
    factor = step * samples
    fine = cv2.resize(rays, (nodes_x * factor, nodes_y * factor), interpolation=cv2.INTER_LINEAR)
    height, width = (camera.height, camera.width) if raw_pixels is None else raw_pixels.shape[:2]
    cut = fine[factor : factor + height * samples, factor : factor + width * samples]
    return _with_one(cut)


def _with_one(plane: MatLike) -> Floats:
    rays = np.ones((*plane.shape[:2], 3), np.float32)
    rays[..., :2] = plane
    return rays
