"""Things to put into the room, each a handful of shapes with textures.

Positions are those of the bottom middle of a prop unless said otherwise; `yaw` in degrees about the vertical.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from capture.virtual import pictures, textures
from capture.virtual.draw import Motion, Thing
from capture.virtual.geometry import Vector, rotation_from
from capture.virtual.shapes import Ball, Cone, Pose, Sheet
from capture.virtual.textures import Infrared, Picture, Size, Texture, texture

Painter = Callable[[Size], Picture]

LARGEST_TEXTURE_PX = 1536
FACES: dict[str, tuple[float, float, float]] = {
    "front": (0, 0, 0),
    "back": (0, 180, 0),
    "left": (0, 90, 0),
    "right": (0, -90, 0),
    "top": (-90, 0, 0),
}


@dataclass(frozen=True, eq=False)
class Workshop:
    """What making things needs: random numbers, and the focal length, which decides how fine textures are."""

    rng: Generator
    focal_px: float
    side: int = 1  # −1: what stands in front is put the other way round

    def size(self, width: float, height: float, depth: float) -> Size:
        """Return (rows, columns) for a surface of this size (m) at this distance (m) from the cameras."""
        density = 1.4 * self.focal_px / max(depth, 0.3)
        rows, columns = (int(np.clip(round(m * density), 12, LARGEST_TEXTURE_PX)) for m in (height, width))
        return rows, columns

    def pick(self, *codes: str) -> str:
        """Return one of the colours."""
        return codes[int(self.rng.integers(len(codes)))]


def at(position: ArrayLike, yaw: float = 0.0, tilt: float = 0.0, roll: float = 0.0) -> Pose:
    """Return a pose: rolled about z, tilted about x (top away), turned about the vertical; in degrees."""
    rotation = rotation_from([0, yaw, 0])
    if tilt or roll:
        rotation = rotation @ rotation_from([-tilt, 0, 0]) @ rotation_from([0, 0, roll])
    return Pose(rotation, np.asarray(position, np.float64))


def moved(pose: Pose, local: ArrayLike, rotation: Vector | None = None) -> Pose:
    """Return the pose of a part that sits at `local` within a prop, turned by `rotation`."""
    turned = pose.rotation if rotation is None else pose.rotation @ rotation
    return Pose(turned, pose.position + pose.rotation @ np.asarray(local, np.float64))


def box(
    pose: Pose,
    size: tuple[float, float, float],
    skin: Texture | dict[str, Texture],
    motion: Motion | None = None,
) -> list[Thing]:
    """A box of (width, height, depth) m; `skin` for all faces or by name; missing faces are left out."""
    width, height, depth = size
    places = {
        "front": ((0, -height / 2, -depth / 2), width, height),
        "back": ((0, -height / 2, depth / 2), width, height),
        "left": ((-width / 2, -height / 2, 0), depth, height),
        "right": ((width / 2, -height / 2, 0), depth, height),
        "top": ((0, -height, 0), width, depth),
    }
    faces = skin if isinstance(skin, dict) else dict.fromkeys(places, skin)
    things = []
    for name, cover in faces.items():
        local, across, down = places[name]
        turn = rotation_from(FACES[name])
        things.append(
            Thing(
                Sheet(across, down),
                cover,
                moved(pose, local, turn),
                None if motion is None else _carried(motion, local, turn),
            )
        )
    return things


def _carried(motion: Motion, local: ArrayLike, turn: Vector) -> Motion:
    return lambda time_s: moved(motion(time_s), local, turn)


def disc(pose: Pose, radius: float, cover: Texture) -> Thing:
    """A level disc at the height of the pose, seen from above."""
    rows, columns = cover.size
    x, y = textures.coordinates((rows, columns))
    alpha = (np.hypot(x - 0.5, y - 0.5) < 0.5).astype(np.float32)
    top = moved(pose, (0, 0, 0), rotation_from(FACES["top"]))
    return Thing(Sheet(2 * radius, 2 * radius), Texture(cover.levels, alpha), top)


def pole(
    base: ArrayLike, radius: float, height: float, color: str, infrared: Infrared = textures.PAINT
) -> list[Thing]:
    """A thin upright rod."""
    return [
        Thing(
            Cone(radius, radius, height),
            texture(textures.plain((16, 16), textures.rgb(color)), infrared),
            at(base),
        )
    ]


def book(shop: Workshop, pose: Pose, size: tuple[float, float, float], color: str, title: str) -> list[Thing]:
    """A lying book: (width, height, depth); the spine faces the front."""
    width, height, depth = size
    distance = float(pose.position[2])
    accent = shop.pick("#f2e6c4", "#e3b94a", "#f5f5f0")
    spine = pictures.book_spine(shop.rng, shop.size(height, width, distance), color)
    cover = pictures.book_cover(shop.rng, shop.size(width, depth, distance), color, accent, title)
    edge = texture(pictures.pages(shop.rng, shop.size(depth, height, distance)), textures.PRINT)
    sideways = np.ascontiguousarray(np.rot90(spine))
    faces = {
        "front": texture(sideways, textures.FABRIC),
        "top": texture(cover, textures.FABRIC),
        "left": edge,
        "right": edge,
    }
    return box(pose, size, faces)


def books_in_row(
    shop: Workshop, left: ArrayLike, length: float, tallest: float, colors: tuple[str, ...]
) -> list[Thing]:
    """Standing books side by side along x from the front bottom left corner; some are missing."""
    origin = np.asarray(left, np.float64)
    things: list[Thing] = []
    x = 0.0
    while True:
        thick = shop.rng.uniform(0.022, 0.055)
        if x + thick > length:
            return things
        height = tallest * shop.rng.uniform(0.68, 1.0)
        deep = shop.rng.uniform(0.0, 0.05)
        if shop.rng.random() > 0.07:
            pose = at(np.add(origin, [x + thick / 2, 0, 0.09 + deep]))
            spine = pictures.book_spine(shop.rng, shop.size(thick, height, origin[2]), shop.pick(*colors))
            side = texture(spine[:, :1] * 0.9 + 0 * spine[:, :12], textures.FABRIC)
            page = texture(pictures.pages(shop.rng, (24, 12)), textures.PRINT)
            faces = {"front": texture(spine, textures.FABRIC), "left": side, "right": side, "top": page}
            things += [replace(face, casts_shadow=False) for face in box(pose, (thick, height, 0.16), faces)]
        x += thick + 0.002


def ball(
    shop: Workshop, center: ArrayLike, radius: float, painter: Painter, infrared: Infrared, turn: ArrayLike
) -> Thing:
    """A ball around `center`; `turn` a rotation vector in degrees."""
    center = np.asarray(center, np.float64)
    rows, columns = shop.size(2 * np.pi * radius, np.pi * radius, center[2])
    return Thing(Ball(radius), texture(painter((rows, columns)), infrared), Pose(rotation_from(turn), center))


def picture_frame(
    shop: Workshop, pose: Pose, size: tuple[float, float], painted: Painter, frame: str
) -> list[Thing]:
    """A framed picture with some thickness; the pose is its middle."""
    width, height = size
    shown = pictures.framed(painted(shop.size(width, height, pose.position[2])), frame)
    side = texture(textures.plain((12, 12), textures.rgb(frame) * 0.8), textures.WOOD)
    lower = moved(pose, (0, height / 2, 0))
    faces = {"front": texture(shown, textures.PRINT), "left": side, "right": side, "top": side}
    return box(lower, (width, height, 0.025), faces)


def mug(shop: Workshop, base: ArrayLike, color: str, band: str) -> list[Thing]:
    """A mug with a band, filled with coffee."""
    position = np.asarray(base, np.float64)
    rows, columns = shop.size(0.25, 0.09, position[2])
    _, y = textures.coordinates((rows, columns))
    wall = textures.plain((rows, columns), textures.rgb(color))
    wall = textures.mix(wall, textures.rgb(band), ((y > 0.55) & (y < 0.8)).astype(np.float32))
    coffee = texture(textures.plain((24, 24), textures.rgb("#3b2317")), textures.PAINT)
    glaze = texture(wall, textures.PLASTIC)
    return [
        Thing(Cone(0.036, 0.040, 0.092), glaze, at(position)),
        disc(at(position - [0, 0.080, 0]), 0.0385, coffee),
    ]


def pencil_cup(shop: Workshop, base: ArrayLike, color: str) -> list[Thing]:
    """A cup of pencils that lean apart."""
    position = np.asarray(base, np.float64)
    size = shop.size(0.22, 0.1, position[2])
    wall = textures.dots(size, 5, 16, color, ("#f6f1e3",), 0.28)
    things = [Thing(Cone(0.034, 0.038, 0.10), texture(wall, textures.PLASTIC), at(position))]
    codes = ("#e23b2e", "#f2b632", "#2f7fc1", "#3a9d5d", "#8a4fa3", "#f08a24", "#1d9aa8", "#d94f8a")
    for index, code in enumerate(codes):
        turn = 360 * index / len(codes) + shop.rng.uniform(-15, 15)
        lean = rotation_from([0, turn, 0]) @ rotation_from([shop.rng.uniform(6, 15), 0, 0])
        foot = position + 0.012 * (lean @ np.array([0, 0, 1.0])) - [0, 0.004, 0]
        length = shop.rng.uniform(0.135, 0.175)
        paint = texture(textures.plain((16, 16), textures.rgb(code)), textures.PAINT)
        tip = texture(textures.plain((12, 12), textures.rgb("#e2bd8c")), textures.WOOD)
        pose = Pose(lean, foot)
        things.append(Thing(Cone(0.0042, 0.0042, length), paint, pose))
        things.append(Thing(Cone(0.0042, 0.0004, 0.016), tip, moved(pose, (0, -length, 0))))
    return things


def potted_plant(shop: Workshop, base: ArrayLike, leaves: int, reach: float, pot_color: str) -> list[Thing]:
    """A pot of earth with bent leaves all around."""
    position = np.asarray(base, np.float64)
    size = shop.size(0.4, 0.13, position[2])
    clay = textures.rgb(pot_color) * (0.85 + 0.3 * textures.noise(shop.rng, size, (4, 10), 5))[..., None]
    earth = textures.rgb("#4a3526") * (0.5 + textures.noise(shop.rng, (48, 48), (12, 12), 3))[..., None]
    things = [
        Thing(Cone(0.048, 0.064, 0.105), texture(np.clip(clay, 0, 1), textures.PAINT), at(position)),
        Thing(
            Cone(0.070, 0.070, 0.022),
            texture(np.clip(clay * 1.06, 0, 1), textures.PAINT),
            at(position - [0, 0.1, 0]),
        ),
        disc(
            at(position - [0, 0.112, 0]),
            0.066,
            texture(np.clip(earth, 0, 1).astype(np.float32), textures.WOOD),
        ),
    ]
    top = position - [0, 0.112, 0]
    for index in range(leaves):
        turn = 137.5 * index + shop.rng.uniform(-20, 20)
        share = (index + 1) / leaves
        length = reach * shop.rng.uniform(0.7, 1.0)
        things += bent_leaf(shop, top, turn, lean=12 + 50 * share, length=length, width=0.30 * length)
    return things


def bent_leaf(
    shop: Workshop, root: ArrayLike, turn: float, lean: float, length: float, width: float
) -> list[Thing]:
    """A leaf of two halves, the outer one bent further down. Angles in degrees, `lean` from the vertical."""
    origin = np.asarray(root, np.float64)
    light, dark = (("#8fc25a", "#3d7a35"), ("#a5c96b", "#4e8a3e"), ("#6fae62", "#2c6a45"))[
        int(shop.rng.integers(3))
    ]
    rows, columns = shop.size(width, length, origin[2])
    picture, alpha = pictures.leaf(shop.rng, (rows + rows % 2, columns), light, dark)
    half = picture.shape[0] // 2
    things = []
    foot, angle = origin, lean
    for rows_of in (slice(half, None), slice(0, half)):
        # A sheet's y axis points down: along the leaf from tip to root.
        rotation = rotation_from([0, turn, 0]) @ rotation_from([-angle, 0, 0])
        middle = foot + rotation @ np.array([0, -length / 4, 0])
        part = texture(
            np.ascontiguousarray(picture[rows_of]), textures.FOLIAGE, np.ascontiguousarray(alpha[rows_of])
        )
        things.append(Thing(Sheet(width, length / 2, two_sided=True), part, Pose(rotation, middle)))
        foot = foot + rotation @ np.array([0, -length / 2, 0])
        angle += 28
    return things


def mesh(
    shop: Workshop, pose: Pose, size: tuple[float, float], cell: float, wire: float, color: str
) -> Thing:
    """A wire fence: diagonal mesh with a rim; the pose is its middle, everything in m."""
    width, height = size
    rows, columns = shop.size(width, height, float(pose.position[2]) * 0.7)
    x, y = textures.coordinates((rows, columns))
    x, y = (x - 0.5) * width, (y - 0.5) * height
    first, second = np.abs(((x + y) / cell) % 1 - 0.5), np.abs(((x - y) / cell) % 1 - 0.5)
    rim = np.minimum(width / 2 - np.abs(x), height / 2 - np.abs(y)) < 2.2 * wire
    alpha = ((np.minimum(first, second) < 0.7 * wire / cell) | rim).astype(np.float32)
    shade = textures.rgb(color) * (0.85 + 0.3 * (first < second))[..., None]
    picture = np.clip(shade, 0, 1).astype(np.float32)
    return Thing(Sheet(width, height, two_sided=True), texture(picture, textures.PAINT, alpha), pose)


def picket_fence(shop: Workshop, pose: Pose, pickets: int, pitch: float, height: float, color: str) -> Thing:
    """Pointed boards with gaps on two rails; the pose is the middle of the bottom edge."""
    width = pickets * pitch
    rows, columns = shop.size(width, height, float(pose.position[2]))
    x, y = textures.coordinates((rows, columns))
    within = np.abs((x * pickets) % 1 - 0.5)
    tip = y * height > (within * pitch) * 1.4
    board = (within < 0.30) & tip
    rail = (np.abs(y - 0.32) < 0.05) | (np.abs(y - 0.78) < 0.05)
    grain = textures.noise(shop.rng, (rows, columns), (3, pickets * 6), 4, 0.7)
    picture = textures.rgb(color) * (0.82 + 0.3 * grain)[..., None]
    picture[rail & ~board] *= 0.78
    alpha = (board | rail).astype(np.float32)
    paint = texture(np.clip(picture, 0, 1).astype(np.float32), textures.WOOD, alpha)
    return Thing(Sheet(width, height, two_sided=True), paint, moved(pose, (0, -height / 2, 0)))


def thread(length: float, color: str, width: float = 0.003) -> tuple[Sheet, Texture]:
    """A thread hanging down from its middle: a strip that faces the cameras, cheaper than a cone."""
    return Sheet(width, length, two_sided=True), texture(
        textures.plain((16, 16), textures.rgb(color)), textures.FABRIC
    )


def contact_shadow(motion: Motion, width: float, depth: float, darkest: float = 0.35) -> Thing:
    """The soft shadow under a moving thing that touches the bench at its pose's height."""
    x, y = textures.coordinates((48, 48))
    away = np.asarray(np.hypot(2 * x - 1, 2 * y - 1), np.float32)
    passed = textures.smoothstep(0.1, 1.0, away) * (1 - darkest) + darkest
    level = rotation_from(FACES["top"])

    def below(time_s: float) -> Pose:
        # A little to the side that the lamp does not see, and clear of what lies on the bench.
        shift = np.array([0.16 * width, -0.004, 0.08 * depth])
        return Pose(level, motion(time_s).position + shift)

    # Not by way of `texture`, which takes gamma-encoded pictures: this is what part of the light is left.
    shade = Texture((np.repeat(passed[..., None], 4, axis=2).astype(np.float32),))
    return Thing(Sheet(width, depth), shade, below(0), below, casts_shadow=False, is_shadow=True)


def wire(start: ArrayLike, end: ArrayLike, radius: float, color: str) -> Thing:
    """A straight wire or rod between two points."""
    first, last = np.asarray(start, np.float64), np.asarray(end, np.float64)
    length = float(np.linalg.norm(last - first))
    up = (last - first) / length
    side = np.cross(up, [0, 0, 1.0])
    side = side / np.linalg.norm(side) if np.linalg.norm(side) > 1e-6 else np.array([1.0, 0, 0])
    rotation = np.stack([side, -up, np.cross(side, -up)], axis=1)
    paint = texture(textures.plain((16, 16), textures.rgb(color)), textures.PLASTIC)
    return Thing(Cone(radius, radius, length), paint, Pose(rotation, first))
