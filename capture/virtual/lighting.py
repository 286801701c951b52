"""Light: a warm lamp with soft shadows and a cool sky whose shadows darken corners.

Shadows come from depth seen from the lights. The lamp is several points close together, the sky several points far
apart: their hard shadows add up to soft ones. Computed once for what stands still; moving things are lit, but neither
cast nor receive shadows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from capture.virtual.draw import Layers, Thing, see_depth
from capture.virtual.geometry import Vector
from capture.virtual.view import Floats, View, light_view

# Red, green, blue, mono: the lamp is warm and strong in near infrared.
LAMP_COLOR = np.array([0.80, 0.70, 0.56, 0.76], np.float32)
SKY_COLOR = np.array([0.50, 0.56, 0.64, 0.52], np.float32)
FILL_COLOR = np.array([0.13, 0.13, 0.135, 0.13], np.float32)
LAMP_POSITION = np.array([-1.7, -2.3, -0.7])
BENCH = np.array([0.0, 0.15, 1.1])
ROOM = np.array([0.0, 0.2, 2.2])
SKY_DISTANCE_M = 4.5
# Sum of all points of the sky, and what reaches a free level surface of it.
SKY_LIGHT = 1.9
SKY_STRENGTH = 1.0
# Rays start this far off the surface, so that it does not shade itself.
LIFT_M = 0.006
BAND_ROWS = 192


@dataclass(frozen=True, eq=False)
class Light:
    """One point of light: its view, the depth it sees, its colour (4,)."""

    view: View
    depth: Floats
    color: Floats


class Lighting:
    """All lights of a room. Immutable."""

    def __init__(self, things: Sequence[Thing], lamp_points: int = 7, sky_points: int = 12) -> None:
        self._lights: list[Light] = []
        for index in range(lamp_points):
            turn = 2 * np.pi * index / lamp_points
            shift = 0.16 * np.array([np.cos(turn), np.sin(turn), 0.6 * np.cos(turn)]) * (index > 0)
            view = light_view(LAMP_POSITION + shift, BENCH, half_angle=0.36, size=640)
            self._lights.append(Light(view, see_depth(things, view), LAMP_COLOR / lamp_points))
        for direction in _sky_directions(sky_points):
            view = light_view(ROOM + SKY_DISTANCE_M * direction, ROOM, half_angle=0.60, size=320)
            color = SKY_COLOR * float(SKY_LIGHT / sky_points)
            self._lights.append(Light(view, see_depth(things, view), color))

    def shade(self, layers: Layers, view: View) -> Floats:
        """Return the light that every sample sends to the view: h×w×4 float32 linear R, G, B, mono."""
        radiance = np.empty_like(layers.color)
        for top in range(0, view.shape[0], BAND_ROWS):
            rows = slice(top, top + BAND_ROWS)
            world = cv2.transform(view.rays[rows], view.rotation.T)
            depth = np.where(np.isfinite(layers.depth[rows]), layers.depth[rows], np.float32(1))
            points = world * depth[..., None] + view.origin.astype(np.float32)
            points += np.float32(LIFT_M) * layers.normal[rows]
            light = self._received(points, layers.normal[rows])
            lit = layers.lit[rows][..., None]
            radiance[rows] = layers.color[rows] * (light * lit + (1 - lit))
        return radiance

    def unshadowed(self, normal: Floats, position: Vector) -> Floats:
        """Return the light on a thing with free sight of lamp and sky: (4,) or h×w×4 for (3,) or h×w×3 normals."""
        towards = LAMP_POSITION - position
        towards = (towards / np.linalg.norm(towards)).astype(np.float32)
        lamp = np.maximum(normal @ towards, 0)[..., None] * LAMP_COLOR
        sky = (np.float32(0.5) - np.float32(0.5) * normal[..., 1:2]) * (SKY_COLOR * np.float32(SKY_STRENGTH))
        return np.asarray(lamp + sky + FILL_COLOR, np.float32)

    def _received(self, points: Floats, normals: Floats) -> Floats:
        total = np.zeros((*points.shape[:2], 4), np.float32) + FILL_COLOR
        for light in self._lights:
            towards = light.view.origin.astype(np.float32) - points
            squared = cv2.transform(towards * towards, np.ones((1, 3), np.float32))
            facing = cv2.transform(towards * normals, np.ones((1, 3), np.float32))
            cosine = np.maximum(facing, 0) / np.sqrt(squared)
            cosine *= _lit(light, points)
            total += cosine[..., None] * light.color
        return total


def _lit(light: Light, points: Floats) -> Floats:
    """Return 1 where the light sees the point, 0 in shadow; points beyond its view are lit."""
    view = light.view
    matrix = np.hstack([view.rotation, -(view.rotation @ view.origin)[:, None]])
    x, y, z = cv2.split(cv2.transform(points, matrix))
    first, step = view.rays[0, 0], view.spacing
    column = (x / z - first[0]) / np.float32(step)
    row = (y / z - first[1]) / np.float32(step)
    nearest = cv2.remap(
        light.depth, column, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=float("inf")
    )
    return (z <= nearest + np.float32(LIFT_M)).astype(np.float32)


def _sky_directions(count: int) -> Vector:
    """Return count×3 unit vectors spread over the upper hemisphere, more of them above and behind the rig."""
    index = np.arange(count) + 0.5
    up = 0.15 + 0.8 * index / count
    turn = index * np.pi * (3 - 5**0.5)
    flat = np.sqrt(1 - up * up)
    directions = np.stack([flat * np.cos(turn), -up, flat * np.sin(turn) - 0.35], axis=1)
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))
