"""Live pictures of a scene: what stands still is drawn once, what moves is drawn over it for every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from capture.virtual.draw import Thing, see, see_all
from capture.virtual.lighting import Lighting
from capture.virtual.scene import Scene
from capture.virtual.sensor import Sensor, blurred, mosaic
from capture.virtual.view import Floats, Region, View

SAMPLES = 2
# Pixels around a change that the low-pass filter reaches.
BLUR_REACH_PX = 2


@dataclass(frozen=True, eq=False)
class Painted:
    """One picture; the arrays are the painter's own and change when it paints the next.

    Attributes:
        light: the sensor's channels, H×W float32 for mono, H×W×4 for colour (R, G, B, nothing).
        depth: depth of all samples, h×w float32 m.
        changed: rows and columns of pixels that differ from the scene at rest.
    """

    light: Floats
    depth: Floats
    changed: Sequence[Region]


class Painter:
    """Draws a scene for one view and one sensor. For one thread at a time."""

    def __init__(self, scene: Scene, lighting: Lighting, view: View, response: Floats) -> None:
        layers = see_all(scene.still, view)
        radiance = lighting.shade(layers, view)
        self.view = view
        self.still_depth = layers.depth
        self._response = response
        self._still_samples = self._respond(radiance, np.ones(4, np.float32))
        self.still_light = _to_pixels(self._still_samples, view.samples)
        self._moving = scene.moving
        self._for_mono: dict[Thing, Thing] = {}
        self._lighting = lighting
        # Moving things are drawn here; afterwards the regions they touched are put back.
        self._samples = self._still_samples.copy()
        self._depth = self.still_depth.copy()
        self._light = self.still_light.copy()
        self._dirty: list[Region] = []

    def paint(self, time_s: float, held_in_front: Sequence[Thing] = ()) -> Painted:
        """Return the picture at a time; `held_in_front` hides whatever is nearer (the calibration board)."""
        for region in self._dirty:
            self._samples[region] = self._still_samples[region]
            self._depth[region] = self.still_depth[region]
            pixels = _pixels_of(region, self.view.samples)
            self._light[pixels] = self.still_light[pixels]
        self._dirty = []
        for thing in self._moving:
            self._draw(thing, time_s, in_front=False)
        for thing in held_in_front:
            self._draw(thing, time_s, in_front=True)
        changed = []
        for region in self._dirty:
            pixels = _pixels_of(region, self.view.samples)
            self._light[pixels] = _to_pixels(self._samples[region], self.view.samples)
            changed.append(pixels)
        return Painted(self._light, self._depth, changed)

    def _draw(self, thing: Thing, time_s: float, *, in_front: bool) -> None:
        if self._response.shape[0] == 1:
            thing = self._with_mono_texture(thing)
        pose = thing.pose_at(time_s)
        fragment = see(thing, pose, self.view, self._depth, in_front=in_front)
        if fragment is None or fragment.color is None:
            return
        if thing.is_shadow:
            passed = fragment.color.copy()
            passed[fragment.mask == 0] = 1
            self._samples[fragment.region] *= passed
            self._dirty.append(fragment.region)
            return
        received = self._lighting.unshadowed(fragment.normal, pose.position)
        cv2.copyTo(self._respond(fragment.color, received), fragment.mask, self._samples[fragment.region])
        cv2.copyTo(fragment.depth, fragment.mask, self._depth[fragment.region])
        self._dirty.append(fragment.region)

    def _with_mono_texture(self, thing: Thing) -> Thing:
        if thing not in self._for_mono:
            self._for_mono[thing] = replace(thing, texture=thing.texture.mono())
        return self._for_mono[thing]

    def _respond(self, color: Floats, light: Floats) -> Floats:
        """Return the sensor's channels of reflectance, h×w×4 (mono: h×w), in light, (4,) or h×w×4."""
        if color.ndim == 2:
            return np.asarray(color * light[..., 3], np.float32)
        if light.ndim == 3:
            color, light = np.asarray(cv2.multiply(color, light), np.float32), np.ones(4, np.float32)
        if self._response.shape[0] == 1:
            return np.asarray(color[..., 3] * light[3], np.float32)
        # Four channels to four: OpenCV does that six times faster than four to three.
        matrix = np.zeros((4, 4), np.float32)
        matrix[:3] = self._response * light
        return np.asarray(cv2.transform(color, matrix), np.float32)


class Camera:
    """A painter and a sensor: raw light per pixel, through lens shading, low-pass filter and mosaic."""

    def __init__(self, painter: Painter, sensor: Sensor) -> None:
        self.painter = painter
        self.sensor = sensor
        view = painter.view
        step = view.samples
        # Vignetting varies so slowly that one of the samples speaks for the pixel.
        self._shading = sensor.shading(view.rays[step // 2 :: step, step // 2 :: step])
        self._still = self._finish(painter.still_light, None)

    def light_at(self, time_s: float, held_in_front: Sequence[Thing] = ()) -> Floats:
        """Return light on the pixels, H×W float32, at a time."""
        painted = self.painter.paint(time_s, held_in_front)
        image = self._still.copy()
        for region in painted.changed:
            rows, columns = (_widened(part, size) for part, size in zip(region, image.shape, strict=True))
            reach = BLUR_REACH_PX
            around = (
                slice(max(0, rows.start - reach), rows.stop + reach),
                slice(max(0, columns.start - reach), columns.stop + reach),
            )
            finished = self._finish(painted.light[around], around)
            top, left = rows.start - around[0].start, columns.start - around[1].start
            image[rows, columns] = finished[
                top : top + rows.stop - rows.start, left : left + columns.stop - columns.start
            ]
        return image

    def _finish(self, light: Floats, region: Region | None) -> Floats:
        shading = self._shading if region is None else self._shading[region]
        if light.ndim == 2:
            return np.asarray(light * shading, np.float32)
        image = np.empty(light.shape[:2], np.float32)
        mosaic(blurred(light, self.sensor), image)
        return np.asarray(image * shading, np.float32)


def _to_pixels(samples: Floats, per_pixel: int) -> Floats:
    if per_pixel == 1:
        return samples
    size = samples.shape[1] // per_pixel, samples.shape[0] // per_pixel
    return np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_AREA), np.float32)


def _pixels_of(region: Region, samples: int) -> Region:
    rows, columns = region
    return slice(rows.start // samples, rows.stop // samples), slice(
        columns.start // samples, columns.stop // samples
    )


def _widened(part: slice, size: int) -> slice:
    """Return the range with room for the blur, on even pixels so that the mosaic stays in step."""
    first = max(0, part.start - BLUR_REACH_PX)
    last = min(size, part.stop + BLUR_REACH_PX)
    return slice(first - first % 2, min(size, last + last % 2))
