"""Light: a warm lamp with soft shadows and a cool sky whose shadows darken corners.

Shadows come from depth seen from the lights. The lamp is several points close together, the sky several
points far apart: their hard shadows add up to soft ones. Computed once for what stands still; moving
things are lit, but neither cast nor receive shadows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.virtual.draw import Layers, Thing, see_depth
from capture.virtual.geometry import Vector
from capture.virtual.view import Floats, View, light_view

# Red, green, blue, mono: the lamp is warm and strong in near infrared.
LAMP_COLOR = np.array([1.18, 1.04, 0.84, 1.13], np.float32)
SKY_COLOR = np.array([0.38, 0.43, 0.50, 0.40], np.float32)
FILL_COLOR = np.array([0.08, 0.08, 0.085, 0.08], np.float32)
LAMP_POSITION = np.array([-2.2, -1.9, -0.1])
BENCH = np.array([0.0, 0.15, 1.1])
ROOM = np.array([0.0, 0.2, 2.2])
SKY_DISTANCE_M = 4.5
# Sum of all points of the sky; a free level surface then receives about 1 of it.
SKY_LIGHT = 1.9
LAMP_RADIUS_M = 0.14
FAR_M = 1e6
# Rays start this far off the surface, so that it does not shade itself.
LIFT_M = 0.006
FOLD = 512


@dataclass(frozen=True, eq=False)
class Shadow:
    """What one point of light sees: its view and the depth there."""

    view: View
    depth: Floats

    def lit(self, points: Floats) -> Floats:
        """Return 1 where h×w×3 points are lit, 0 in shadow; points beyond the view are lit."""
        view = self.view
        matrix = np.hstack([view.rotation, -(view.rotation @ view.origin)[:, None]])
        x, y, z = (np.asarray(part, np.float32) for part in cv2.split(cv2.transform(points, matrix)))
        first, step = view.rays[0, 0], np.float32(view.spacing)
        column = (x / z - first[0]) / step
        row = (y / z - first[1]) / step
        nearest = cv2.remap(
            self.depth, column, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=FAR_M
        )
        return (z <= nearest + np.float32(LIFT_M)).astype(np.float32)


class Lighting:
    """Lamp and sky of a room. Immutable, for any thread."""

    def __init__(self, things: Sequence[Thing], lamp_points: int = 6, sky_points: int = 11) -> None:
        casting = [thing for thing in things if thing.casts_shadow]
        self._lamp = []
        for index in range(lamp_points):
            turn = 2 * np.pi * index / lamp_points
            shift = LAMP_RADIUS_M * np.array([np.cos(turn), np.sin(turn), 0.6 * np.cos(turn)])
            self._lamp.append(_shadow(casting, LAMP_POSITION + shift, BENCH, half_angle=0.36, size=640))
        self._sky_directions = _sky_directions(sky_points)
        self._sky = [
            _shadow(casting, ROOM + SKY_DISTANCE_M * direction, ROOM, half_angle=0.60, size=320)
            for direction in self._sky_directions
        ]

    def shade(self, layers: Layers, view: View) -> Floats:
        """Return the light that every sample sends to the view: h×w×4 float32 linear R, G, B, mono.

        Light varies little within a pixel, so one sample speaks for all of it, except where things meet.
        """
        step = view.samples
        world = _world_points(layers, view)
        light = self._received(world[::step, ::step].copy(), layers.normal[::step, ::step].copy())
        light = light.repeat(step, axis=0).repeat(step, axis=1)
        if step > 1:
            edges = _on_edges(layers.which, step)
            # One list of points, folded into rows: OpenCV's images must not be too long.
            count = int(edges.sum())
            padding = -count % FOLD
            points, normals = (
                np.pad(values[edges], ((0, padding), (0, 0)), mode="edge").reshape(-1, FOLD, 3)
                for values in (world, layers.normal)
            )
            light[edges] = self._received(points, normals).reshape(-1, 4)[:count]
        lit = layers.lit[..., None]
        light *= lit
        light += 1 - lit
        light *= layers.color
        return light

    def unshadowed(self, normal: Floats, position: Vector) -> Floats:
        """Return the light where lamp and sky reach freely: (4,) or h×w×4 for (3,) or h×w×3 normals."""
        towards = LAMP_POSITION - position
        towards = (towards / np.linalg.norm(towards)).astype(np.float32)
        if normal.ndim == 1:
            lamp = max(float(normal @ towards), 0.0)
            sky = 0.5 - 0.5 * float(normal[1])
            return np.asarray(lamp * LAMP_COLOR + sky * SKY_COLOR + FILL_COLOR, np.float32)
        lamps = np.maximum(np.asarray(cv2.transform(normal, towards[None]), np.float32), 0)
        return _mixed(lamps, np.float32(0.5) - np.float32(0.5) * normal[..., 1])

    def _received(self, points: Floats, normals: Floats) -> Floats:
        """Return the light on h×w×3 points, h×w×4."""
        towards = LAMP_POSITION.astype(np.float32) - points
        add_up = np.ones((1, 3), np.float32)
        squared = np.asarray(cv2.transform(towards * towards, add_up), np.float32)
        towards *= normals
        facing = np.asarray(cv2.transform(towards, add_up), np.float32)
        lamp = np.maximum(facing, 0) / np.sqrt(squared)
        lamp *= sum((shadow.lit(points) for shadow in self._lamp), np.zeros_like(lamp)) / len(self._lamp)
        sky = np.zeros_like(lamp)
        for direction, shadow in zip(self._sky_directions, self._sky, strict=True):
            facing = np.asarray(cv2.transform(normals, direction[None].astype(np.float32)), np.float32)
            sky += np.maximum(facing, 0) * shadow.lit(points)
        sky *= np.float32(SKY_LIGHT / len(self._sky))
        return _mixed(lamp, sky)


def _mixed(lamp: NDArray[np.floating], sky: NDArray[np.floating]) -> Floats:
    """Return h×w×4 light of h×w shares of lamp and sky."""
    parts = zip(LAMP_COLOR, SKY_COLOR, FILL_COLOR, strict=True)
    channels = [
        cv2.addWeighted(lamp, float(first), sky, float(second), float(third))
        for first, second, third in parts
    ]
    return np.asarray(cv2.merge(channels), np.float32)


def _shadow(
    things: Sequence[Thing], position: Vector, target: Vector, half_angle: float, size: int
) -> Shadow:
    view = light_view(position, target, half_angle, size)
    return Shadow(view, see_depth(things, view))


def _world_points(layers: Layers, view: View) -> Floats:
    """Return where the samples lie, a little off the surface: h×w×3 m."""
    world = np.asarray(cv2.transform(view.rays, view.rotation.T), np.float32)
    world *= np.where(np.isfinite(layers.depth), layers.depth, np.float32(1))[..., None]
    world += view.origin.astype(np.float32)
    world += np.float32(LIFT_M) * layers.normal
    return world


def _on_edges(which: NDArray[np.int16], step: int) -> NDArray[np.bool_]:
    """Return the samples of pixels that see more than one thing."""
    blocks = which.reshape(which.shape[0] // step, step, which.shape[1] // step, step)
    mixed = (blocks != blocks[:, :1, :, :1]).any(axis=(1, 3))
    return np.asarray(mixed.repeat(step, axis=0).repeat(step, axis=1), np.bool_)


def _sky_directions(count: int) -> Vector:
    """Return count×3 unit vectors spread over the upper hemisphere, more of them above and behind the rig."""
    index = np.arange(count) + 0.5
    up = 0.15 + 0.8 * index / count
    turn = index * np.pi * (3 - 5**0.5)
    flat = np.sqrt(1 - up * up)
    directions = np.stack([flat * np.cos(turn), -up, flat * np.sin(turn) - 0.35], axis=1)
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))
