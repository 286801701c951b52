"""The three shapes everything is made of, and where rays meet them.

Each shape lives in coordinates of its own (x right, y down, z away); a `Pose` puts it into the world. Rays
of a view are (x, y, 1) in view coordinates, so that the distance along a ray is the depth in that view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from capture.virtual.geometry import Vector
from capture.virtual.view import Floats, Region, View

Mask = NDArray[np.bool_]

# Sheets whose slant varies by less get their texture from one level of detail.
ONE_LEVEL = 1.15


@dataclass(frozen=True, eq=False)
class Pose:
    """Shape → world: world = rotation · local + position (m)."""

    rotation: Vector
    position: Vector


@dataclass(frozen=True, eq=False)
class Hit:
    """Where rays of a region meet a shape.

    Attributes:
        depth: h×w float32, m in the view; inf where missed.
        u, v: h×w float32, place on the texture in 0 … 1; 0 where missed.
        normal: (3,) or h×w×3 float32, unit vector in the world, towards the view.
        scale: log₂ of the edge of a sample on the texture, as a part of the texture (the square root of the
            area it covers); h×w float32 where it varies, else a number.
    """

    depth: Floats
    u: Floats
    v: Floats
    normal: Floats
    scale: Floats | float


@dataclass(frozen=True)
class Sheet:
    """A rectangle in z = 0, seen from −z; from behind too if `two_sided`. Sizes in m."""

    width: float
    height: float
    two_sided: bool = False

    def hull(self) -> Vector:
        """Return corner points in local coordinates."""
        x, y = self.width / 2, self.height / 2
        return np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])

    def meet(self, pose: Pose, view: View, region: Region) -> Hit | None:
        """Intersect; None where it shows its invisible back.

        Ray and plane meet at local (U/W, V/W) with U, V, W linear in the ray: a homography, one matrix
        product.
        """
        across, down, normal = pose.rotation.T
        offset = view.origin - pose.position
        distance = -float(normal @ offset)
        if distance <= 0 and not self.two_sided:
            return None
        rows = np.stack(
            [
                ((offset @ across) * normal + distance * across) / self.width + 0.5 * normal,
                ((offset @ down) * normal + distance * down) / self.height + 0.5 * normal,
                normal,
            ]
        )
        matrix = rows @ view.rotation.T
        u, v, w = _split(cv2.transform(view.rays[region], matrix))
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.float32(1) / w
            u *= inverse
            v *= inverse
            depth = np.float32(distance) * inverse
            inside = (depth > 0) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
        if not inside.any():
            return None
        outside = ~inside
        for values, missed in ((u, 0.0), (v, 0.0), (depth, np.inf)):
            values[outside] = missed
        facing = normal if distance <= 0 else -normal
        # Area of a sample on the texture: determinant of the homography's derivative, area · inverse³.
        area = abs(float(np.linalg.det(matrix))) * view.spacing**2
        scale = 0.5 * np.log2(area) - 1.5 * _log_of(w)
        return Hit(depth, u, v, facing.astype(np.float32), scale)


@dataclass(frozen=True)
class Ball:
    """A sphere around the origin; the texture wraps around the y axis."""

    radius: float

    def hull(self) -> Vector:
        """Return corner points of the box around it in local coordinates."""
        return self.radius * _BOX

    def meet(self, pose: Pose, view: View, region: Region) -> Hit | None:
        """Intersect; None if no ray hits."""
        rays = view.rays[region]
        offset = view.origin - pose.position
        along = np.asarray(cv2.transform(rays, (view.rotation @ offset)[None]), np.float32)
        squared = np.asarray(cv2.transform(cv2.multiply(rays, rays), _ADD_UP), np.float32)
        root = along * along - squared * np.float32(offset @ offset - self.radius**2)
        hit = root > 0
        depth = (-along - np.sqrt(np.maximum(root, 0))) / squared
        hit &= depth > 0
        if not hit.any():
            return None
        points = cv2.multiply(rays, cv2.merge([depth, depth, depth]))
        to_world = np.column_stack([view.rotation.T, offset]) / self.radius
        normal = np.asarray(cv2.transform(points, to_world), np.float32)
        x, y, z = _split(cv2.transform(points, pose.rotation.T @ to_world))
        u = _around(x, z)
        v = np.asarray(np.arccos(np.clip(-y, -1, 1)) / np.float32(np.pi), np.float32)
        _forget(hit, u, v, depth)
        center_depth = float((view.rotation @ -offset)[2])
        sample = view.spacing * max(center_depth, self.radius)
        return Hit(
            depth, u, v, normal.astype(np.float32), _round_scale(sample, self.radius, np.pi * self.radius)
        )


@dataclass(frozen=True)
class Cone:
    """A cut cone around the y axis: bottom at y = 0, top at y = −height. Open at both ends; no radius is
    negative.

    Seen from outside, through the open ends also from inside.
    """

    bottom: float
    top: float
    height: float

    def hull(self) -> Vector:
        """Return corner points of the box around it in local coordinates."""
        widest = max(self.bottom, self.top)
        box = _BOX * np.array([widest, self.height / 2, widest])
        return np.asarray(box - np.array([0, self.height / 2, 0]))

    def meet(self, pose: Pose, view: View, region: Region) -> Hit | None:
        """Intersect; None if no ray hits."""
        local = np.asarray(cv2.transform(view.rays[region], pose.rotation.T @ view.rotation.T), np.float32)
        x, y, z = _split(local)
        ox, oy, oz = (float(c) for c in pose.rotation.T @ (view.origin - pose.position))
        slope = (self.bottom - self.top) / self.height
        radius = self.bottom + slope * oy  # at the height of the view's origin
        a = x * x + z * z - np.float32(slope * slope) * y * y
        b = np.float32(ox) * x + np.float32(oz) * z - np.float32(slope * radius) * y
        root = b * b - a * np.float32(ox * ox + oz * oz - radius * radius)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(np.maximum(root, 0))
            near, far = (-b - spread) / a, (-b + spread) / a
            depth = np.full(near.shape, np.inf, np.float32)
            for candidate in (far, near):  # the nearer one last: it wins
                height = np.float32(oy) + candidate * y
                on = (root > 0) & (candidate > 0) & (height <= 0) & (height >= -self.height)
                np.copyto(depth, candidate, where=on)
        hit = np.isfinite(depth)
        if not hit.any():
            return None
        reach = np.where(hit, depth, np.float32(0))
        px, py, pz = np.float32(ox) + reach * x, np.float32(oy) + reach * y, np.float32(oz) + reach * z
        outward = np.dstack([px, np.full_like(px, -slope) * np.hypot(px, pz), pz])
        outward /= np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), np.float32(1e-9))
        inside = (outward * local).sum(axis=2) > 0
        outward[inside] *= -1
        normal = np.asarray(cv2.transform(outward, pose.rotation), np.float32)
        u, v = _around(px, pz), np.float32(1) + py / np.float32(self.height)
        _forget(hit, u, v, depth)
        middle = view.rotation @ (
            pose.rotation @ np.array([0, -self.height / 2, 0]) + pose.position - view.origin
        )
        sample = view.spacing * max(float(middle[2]), self.height / 2)
        widest = max(self.bottom, self.top)
        return Hit(depth, u, v.astype(np.float32), normal, _round_scale(sample, widest, self.height))


Shape = Sheet | Ball | Cone

_ADD_UP = np.ones((1, 3), np.float32)
_BOX = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


def _log_of(w: Floats) -> Floats | float:
    """Return log₂ |w| of values linear in the ray: one number where they hardly differ."""
    corners = [float(w[y, x]) for y in (0, -1) for x in (0, -1)]
    low, high = min(corners), max(corners)
    if low < 0:
        low, high = -high, -low
    if low > 0 and high < low * ONE_LEVEL:
        return math.log2((low + high) / 2)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(np.abs(w)), np.float32)


def _split(channels: MatLike) -> tuple[Floats, Floats, Floats]:
    first, second, third = (np.asarray(channel, np.float32) for channel in cv2.split(channels))
    return first, second, third


def _around(x: Floats, z: Floats) -> Floats:
    """Return the angle around the y axis as 0 … 1; the seam is on the far side."""
    return np.asarray(np.arctan2(x, -z) / np.float32(2 * np.pi) + np.float32(0.5), np.float32)


def _forget(hit: Mask, u: Floats, v: Floats, depth: Floats) -> None:
    missed = ~hit
    u[missed] = 0
    v[missed] = 0
    depth[missed] = np.inf


def _round_scale(sample: float, radius: float, height: float) -> float:
    return float(0.5 * np.log2(sample / (2 * np.pi * radius) * sample / height))
