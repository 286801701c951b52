"""From things to layers: what every sample of a view sees of a scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.virtual.shapes import Ball, Hit, Pose, Shape
from capture.virtual.textures import Texture
from capture.virtual.view import Floats, Region, View

Motion = Callable[[float], Pose]

# Round things are seen at a slant near their rim, where their texture is finer than in the middle.
SHARPNESS = -0.25
# Between these parts of the way from one level of detail to the next, both are mixed.
CHANGE_OF_LEVEL = (0.35, 0.65)


@dataclass(frozen=True, eq=False)
class Thing:
    """One shape with its texture.

    Attributes:
        motion: pose at a time in s; None if it stands still at `pose`.
        casts_shadow: also seen by the lights.
        lit: 0 … 1, how much light and shadow count; 0 for what shines by itself.
        is_shadow: only darkens what is behind it, by its texture; it has no depth of its own.
    """

    shape: Shape
    texture: Texture
    pose: Pose
    motion: Motion | None = None
    casts_shadow: bool = True
    lit: float = 1.0
    is_shadow: bool = False

    def pose_at(self, time_s: float) -> Pose:
        """Return where it is."""
        return self.pose if self.motion is None else self.motion(time_s)


@dataclass(frozen=True, eq=False)
class Fragment:
    """What of a thing is visible in a region of a view.

    Attributes:
        region: rows and columns of samples.
        mask: h×w uint8, 1 where the thing is what the sample sees.
        depth: h×w float32 m.
        color: reflectance, as many channels as the texture has; None if it was not asked for.
        normal: (3,) or h×w×3 float32.
    """

    region: Region
    mask: NDArray[np.uint8]
    depth: Floats
    color: Floats | None
    normal: Floats


@dataclass(frozen=True, eq=False)
class Layers:
    """All samples of a view: `color` h×w×4 reflectance, `depth` h×w m (inf: nothing), `normal` h×w×3,
    `lit` h×w.

    Attributes:
        which: h×w int16, number of the thing; 0 where there is none.
    """

    color: Floats
    depth: Floats
    normal: Floats
    lit: Floats
    which: NDArray[np.int16]


def see(
    thing: Thing, pose: Pose, view: View, depth: Floats, *, in_front: bool = False, with_color: bool = True
) -> Fragment | None:
    """Return what `view` sees of a thing before everything at `depth` (h×w, all samples of the view).

    Args:
        in_front: whatever stands before it is ignored.
    """
    hull = thing.shape.hull() @ pose.rotation.T + pose.position
    region = view.region_of(hull)
    if region is None:
        return None
    hit = thing.shape.meet(pose, view, region)
    if hit is None:
        return None
    visible = np.isfinite(hit.depth) if in_front else hit.depth < depth[region]
    if thing.texture.alpha is not None:
        visible &= _sample_level(thing.texture.alpha, hit, cv2.BORDER_REPLICATE) > 0.5
    if not visible.any():
        return None
    color = sample(thing.texture, hit, wrap=isinstance(thing.shape, Ball)) if with_color else None
    return Fragment(region, visible.view(np.uint8), hit.depth, color, hit.normal)


def see_all(things: Sequence[Thing], view: View) -> Layers:
    """Return what the view sees of things at rest, the nearest at each sample."""
    h, w = view.shape
    color = np.zeros((h, w, 4), np.float32)
    depth = np.full((h, w), np.inf, np.float32)
    which = np.zeros((h, w), np.int16)
    curved = np.zeros((h, w, 3), np.float32)
    flat_normals = np.zeros((len(things) + 1, 3), np.float32)
    for number, thing in enumerate(things, 1):
        fragment = see(thing, thing.pose, view, depth)
        if fragment is None or fragment.color is None:
            continue
        region, mask = fragment.region, fragment.mask
        cv2.copyTo(fragment.color, mask, color[region])
        cv2.copyTo(fragment.depth, mask, depth[region])
        np.copyto(which[region], np.int16(number), where=mask.view(np.bool_))
        if fragment.normal.ndim == 1:
            flat_normals[number] = fragment.normal
        else:
            cv2.copyTo(fragment.normal, mask, curved[region])
    normal = flat_normals.take(which, axis=0)
    is_curved = ~flat_normals.any(axis=1)
    cv2.copyTo(curved, is_curved.take(which).view(np.uint8), normal)
    lit = np.array([1.0, *(thing.lit for thing in things)], np.float32).take(which)
    return Layers(color, depth, normal, lit, which)


def see_depth(things: Iterable[Thing], view: View) -> Floats:
    """Return the depth of the nearest shadow-casting thing at each sample, inf where there is none."""
    depth = np.full(view.shape, np.inf, np.float32)
    for thing in things:
        if thing.casts_shadow:
            fragment = see(thing, thing.pose, view, depth, with_color=False)
            if fragment is not None:
                cv2.copyTo(fragment.depth, fragment.mask, depth[fragment.region])
    return depth


def sample(texture: Texture, hit: Hit, *, wrap: bool) -> Floats:
    """Return the texture at each hit, filtered to the size of a sample: h×w×4 float32 (h×w if it is mono)."""
    border = cv2.BORDER_WRAP if wrap else cv2.BORDER_REPLICATE
    height, width = texture.size
    last = len(texture.levels) - 1
    level = np.clip(hit.scale + (0.5 * np.log2(width * height) + SHARPNESS), 0, last)
    if np.ndim(level) == 0:
        return _between_levels(texture, float(level), hit, border)
    shown = level[np.isfinite(hit.depth)]
    lowest, highest = float(shown.min()), float(shown.max())
    if highest - lowest < 0.3:
        return _between_levels(texture, (lowest + highest) / 2, hit, border)
    result: Floats | None = None
    for index in range(int(lowest), min(last, math.ceil(highest)) + 1):
        weight = np.maximum(0, 1 - np.abs(level - index))
        part = _sample_level(texture.levels[index], hit, border)
        part *= weight if part.ndim == 2 else weight[..., None]
        result = part if result is None else result + part
    assert result is not None
    return result


def _between_levels(texture: Texture, level: float, hit: Hit, border: int) -> Floats:
    """Sample one level of detail, or two where the change from one to the other must not be seen."""
    index = int(level)
    share = min(
        max((level - index - CHANGE_OF_LEVEL[0]) / (CHANGE_OF_LEVEL[1] - CHANGE_OF_LEVEL[0]), 0.0), 1.0
    )
    if share == 0:
        return _sample_level(texture.levels[index], hit, border)
    finer, coarser = (texture.levels[i] for i in (index, index + 1))
    second = _sample_level(coarser, hit, border)
    if share == 1:
        return second
    first = _sample_level(finer, hit, border)
    return np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0), np.float32)


def _sample_level(level: Floats, hit: Hit, border: int) -> Floats:
    height, width = level.shape[:2]
    x = hit.u * np.float32(width) - np.float32(0.5)
    y = hit.v * np.float32(height) - np.float32(0.5)
    return np.asarray(cv2.remap(level, x, y, cv2.INTER_LINEAR, borderMode=border), np.float32)
