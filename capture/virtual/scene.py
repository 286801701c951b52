"""The scene: a bench full of things at many depths in a furnished room, and what moves there.

Depths run from 0.42 m to 4.2 m, which makes disparities of 80 to 8 px at 640 px width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capture.virtual import pictures, textures
from capture.virtual.draw import Motion, Thing
from capture.virtual.geometry import Vector, rotation_from
from capture.virtual.props import (
    Workshop,
    at,
    ball,
    bent_leaf,
    book,
    box,
    contact_shadow,
    mesh,
    moved,
    mug,
    pencil_cup,
    picket_fence,
    picture_frame,
    pole,
    potted_plant,
    thread,
    wire,
)
from capture.virtual.room import BENCH_Y, BINDINGS, furnish
from capture.virtual.shapes import Ball, Cone, Pose, Sheet
from capture.virtual.textures import texture

TAU = 2 * np.pi
BRIGHT = ("#e23b2e", "#f6f1e3", "#2f7fc1", "#f6f1e3", "#f2b632", "#f6f1e3", "#3a9d5d", "#f6f1e3")


@dataclass(frozen=True, eq=False)
class Scene:
    """Things at rest and things that move."""

    still: Sequence[Thing]
    moving: Sequence[Thing]


def build_scene(seed: int, focal_px: float) -> Scene:
    """Return the scene of a seed; `focal_px` decides how fine textures are, and nothing else."""
    shop = Workshop(np.random.default_rng([seed, 1]), focal_px, side=-1 if seed % 2 else 1)
    still = [*furnish(shop), *_on_bench(shop), *_near(shop)]
    moving = [*_pendulum(shop), *_mobile(shop), *_train(shop), *_balloon(shop), *_rolling_ball(shop)]
    return Scene(tuple(still), tuple(moving))


def _on_bench(shop: Workshop) -> list[Thing]:
    rng, y = shop.rng, BENCH_Y
    jitter = rng.uniform(-0.02, 0.02, (12, 2))
    things: list[Thing] = []

    # A pile of books, a mug on it.
    codes = list(rng.permutation(BINDINGS[:5]))
    stack = np.array([-0.235 * shop.side + jitter[0, 0], y, 0.80 + jitter[0, 1]])
    for index, (extent, title) in enumerate(
        [((0.23, 0.032, 0.165), "OPTICS"), ((0.21, 0.026, 0.15), "COLOUR"), ((0.18, 0.022, 0.13), "PHASE")]
    ):
        things += book(shop, at(stack, yaw=14 + rng.uniform(-14, 14)), extent, codes[index], title)
        stack = stack - [0, extent[1], 0]
    things += mug(
        shop,
        np.add(stack, [0.015, 0, 0]),
        shop.pick("#f0ede4", "#e8b23a", "#d5dfe0"),
        shop.pick("#d1495b", "#2e6f95"),
    )

    chart = shop.size(0.215, 0.15, 0.72)
    board = texture(pictures.color_chart(chart), textures.PRINT)
    things.append(
        Thing(
            Sheet(0.215, 0.15),
            board,
            at(
                (0.25 * shop.side + jitter[1, 0], y - 0.071, 0.82 + jitter[1, 1]), yaw=16 * shop.side, tilt=18
            ),
        )
    )

    things.append(
        ball(
            shop,
            (0.02 * shop.side + jitter[2, 0], y - 0.072, 0.98),
            0.072,
            lambda s: pictures.globe(rng, s),
            textures.PRINT,
            (15, 40, 12),
        )
    )
    things += potted_plant(
        shop, (-0.52 + jitter[3, 0], y, 1.16), 15, 0.24, shop.pick("#c4673f", "#b85c3c", "#d9d2c3")
    )
    things += pencil_cup(
        shop, (0.47 + jitter[4, 0], y, 1.02 + jitter[4, 1]), shop.pick("#1f5f7a", "#8c2f39", "#40624a")
    )
    things += picture_frame(
        shop,
        at((-0.17 * shop.side + jitter[5, 0], y - 0.11, 1.34), yaw=-14 * shop.side, tilt=10),
        (0.17, 0.22),
        lambda s: pictures.landscape(
            rng, s, ("#4f7cac", "#f7d6bf"), ("#748cab", "#3e5c76", "#1d2d44"), "#ffd9a0"
        ),
        "#1d1b1b",
    )
    things += _toy_blocks(shop)
    stripe = texture(
        textures.stripes(shop.size(0.16, 0.2, 1.3), ("#20262e", "#f0efe9"), 6, along_x=False), textures.PRINT
    )
    things += box(at((0.70, y, 1.38), yaw=24), (0.17, 0.21, 0.13), stripe)
    plain = texture(
        textures.plain((16, 16), textures.rgb(shop.pick("#e0cda9", "#cfd8d7", "#e7b9a3"))), textures.PAINT
    )
    things += box(at((-0.80, y, 1.45), yaw=-18), (0.22, 0.30, 0.18), plain)
    stone = texture(textures.marble(rng, (180, 360), "#f2efe9", "#6d7078"), textures.PAINT)
    things.append(
        Thing(Ball(0.048), stone, Pose(rotation_from([20, 0, 30]), np.array([0.66, y - 0.048, 0.95])))
    )
    things.append(picket_fence(shop, at((-0.30, y, 1.58), yaw=4), 13, 0.062, 0.20, "#efece2"))
    things.append(mesh(shop, at((0.66, y - 0.20, 1.60), yaw=-20), (0.62, 0.40), 0.05, 0.003, "#4d5a5e"))
    page = texture(pictures.printed_page(rng, shop.size(0.15, 0.21, 0.6)), textures.PRINT)
    flat = rotation_from([0, 24 * shop.side, 0]) @ rotation_from([-90, 0, 0])
    things.append(
        Thing(
            Sheet(0.15, 0.21),
            page,
            Pose(flat, np.array([0.06 * shop.side, y - 0.003, 0.66])),
            casts_shadow=False,
        )
    )
    things += _stand()
    return things


def _toy_blocks(shop: Workshop) -> list[Thing]:
    things: list[Thing] = []
    edge = 0.042
    places = [(-0.075, 0.0, 0.62, 12), (-0.022, 0.0, 0.64, -20), (-0.052, edge, 0.632, 33)]
    codes = shop.rng.permutation(["#d8362a", "#2b6cb0", "#f2b632", "#3a9d5d", "#8a4fa3"])
    letters = shop.rng.permutation(list("ABCRYGO"))
    for index, (x, up, z, yaw) in enumerate(places):
        size = shop.size(edge, edge, 0.6)
        face = textures.plain(size, textures.rgb("#f4e3c1"))
        rim_x, rim_y = textures.coordinates(size)
        rim = np.maximum(np.abs(rim_x - 0.5), np.abs(rim_y - 0.5)) > 0.40
        face = textures.mix(face, textures.rgb(codes[index]), rim.astype(np.float32))
        face = pictures.lettered(face, str(letters[index]), codes[index], (0.5, 0.5), 0.48)
        things += box(
            at((x * shop.side, BENCH_Y - up, z), yaw=yaw), (edge, edge, edge), texture(face, textures.WOOD)
        )
    return things


def _stand() -> list[Thing]:
    """The laboratory stand the pendulum hangs from."""
    base = np.array([0.40, BENCH_Y, 1.30])
    iron = texture(textures.plain((16, 16), textures.rgb("#3b4248")), textures.PAINT)
    return [
        *box(at(base), (0.13, 0.014, 0.10), iron),
        *pole(base, 0.0055, 0.66, "#b8bec2"),
        wire(base - [0.012, 0.63, 0], base - [-0.03 + 0.25, 0.63, 0], 0.0045, "#b8bec2"),
    ]


def _near(shop: Workshop) -> list[Thing]:
    """Thin things close to the cameras: a cable and a twig."""
    things = [
        wire((0.335, 0.27, 0.50), (0.185, -0.25, 0.56), 0.0016, "#20242a"),
        wire((0.345, 0.27, 0.505), (0.225, -0.25, 0.56), 0.0011, "#b5322c"),
    ]
    root = np.array([-0.33, -0.17, 0.60])
    things.append(wire(root - [0.08, 0.03, 0], np.add(root, [0.17, 0.075, -0.03]), 0.0022, "#5d4630"))
    for index in range(6):
        place = root + np.array([0.17, 0.075, -0.03]) * (index + 0.6) / 6
        things += bent_leaf(
            shop,
            place,
            70 * (-1) ** index + shop.rng.uniform(-20, 20),
            100 + shop.rng.uniform(-35, 25),
            0.085,
            0.034,
        )
    return things


def _pendulum(shop: Workshop) -> list[Thing]:
    pivot = np.array([0.21, BENCH_Y - 0.63, 1.30])
    length, phase = 0.40, shop.rng.uniform(0, TAU)

    def swing(time_s: float) -> Pose:
        angle = 26 * np.sin(TAU * time_s / 2.3 + phase)
        return Pose(
            rotation_from([8 * np.sin(TAU * time_s / 3.1), 0, 0]) @ rotation_from([0, 0, angle]), pivot
        )

    def bob(time_s: float) -> Pose:
        return moved(swing(time_s), (0, length, 0), rotation_from([0, 60 * time_s % 360, 0]))

    def string(time_s: float) -> Pose:
        return moved(swing(time_s), (0, length / 2, 0))

    skin = texture(textures.stripes(shop.size(0.33, 0.16, 1.25), BRIGHT, 1), textures.PLASTIC)
    return [
        Thing(*thread(length, "#e8e2d2"), string(0), string),
        Thing(Ball(0.052), skin, bob(0), bob),
    ]


def _mobile(shop: Workshop) -> list[Thing]:
    """Cards that hang from above, turn and drift."""
    things: list[Thing] = []
    rng = shop.rng
    warm = ("#e4572e", "#f3a712", "#76b041", "#17bebb", "#2e282a")
    for x, y, z, wide in ((-0.30, -0.20, 1.55, 0.15), (-0.04, -0.27, 1.95, 0.17), (0.62, -0.33, 2.2, 0.19)):
        size = shop.size(wide, wide * 0.75, z)
        card = texture(
            pictures.framed(pictures.abstract(rng, size, warm, shop.pick("#f4efe0", "#dbe9ee")), "#f7f4ec"),
            textures.PRINT,
        )
        motion = _drift(np.array([x, y, z]), float(rng.uniform(0, TAU)), float(rng.uniform(5.0, 8.0)))
        hanger = _above(motion, wide * 0.375 + 0.35)
        things.append(Thing(Sheet(wide, wide * 0.75, two_sided=True), card, motion(0), motion))
        things.append(Thing(*thread(0.7, "#d8d4c8", 0.0036), hanger(0), hanger))
    return things


def _drift(center: Vector, phase: float, period: float) -> Motion:
    def pose(time_s: float) -> Pose:
        turn = 55 * np.sin(TAU * time_s / period + phase)
        sway = np.array(
            [
                0.05 * np.sin(TAU * time_s / (1.7 * period) + phase),
                0,
                0.10 * np.sin(TAU * time_s / (1.3 * period)),
            ]
        )
        return at(center + sway, yaw=float(turn))

    return pose


def _above(motion: Motion, height: float) -> Motion:
    """Follow a motion at a height above it, without turning."""
    return lambda time_s: at(motion(time_s).position - [0, height, 0])


def _train(shop: Workshop) -> list[Thing]:
    """A toy engine that drives to and fro behind the things on the bench."""
    reach, phase = 0.36, shop.rng.uniform(0, TAU)

    def ride(time_s: float) -> Pose:
        x = -0.02 + reach * np.sin(TAU * time_s / 9.0 + phase)
        return at((x, BENCH_Y, 1.46))

    red, green = (
        texture(textures.plain((16, 16), textures.rgb(c)), textures.PLASTIC) for c in ("#c8322b", "#2f7d4f")
    )
    stripe = texture(textures.stripes((24, 96), ("#f2c230", "#c8322b"), 6), textures.PLASTIC)
    dark = texture(textures.plain((16, 16), textures.rgb("#24272b")), textures.PAINT)
    things = [contact_shadow(ride, 0.24, 0.12)]
    things += box(
        ride(0), (0.17, 0.052, 0.06), {"front": stripe, "top": red, "left": red, "right": red}, ride
    )
    cab = _shifted(ride, (-0.05, -0.052, 0))
    things += box(
        cab(0), (0.06, 0.05, 0.055), {"front": green, "top": dark, "left": green, "right": green}, cab
    )
    stack = _shifted(ride, (0.05, -0.052, 0))
    things.append(Thing(Cone(0.011, 0.015, 0.045), dark, stack(0), stack))
    return things


def _shifted(motion: Motion, local: tuple[float, float, float]) -> Motion:
    return lambda time_s: moved(motion(time_s), local)


def _balloon(shop: Workshop) -> list[Thing]:
    phase = shop.rng.uniform(0, TAU)

    def float_about(time_s: float) -> Pose:
        x = 0.95 + 0.20 * np.sin(TAU * time_s / 11 + phase)
        y = -0.15 + 0.16 * np.sin(TAU * time_s / 7 + 2 * phase)
        return Pose(rotation_from([0, 20 * time_s % 360, 0]), np.array([x, y, 2.55]))

    rubber = texture(
        textures.plain((32, 64), textures.rgb(shop.pick("#d8274c", "#f08a24", "#2a9d8f"))), textures.PLASTIC
    )
    hang = _above(float_about, -0.13 - 0.26)
    return [
        Thing(Ball(0.13), rubber, float_about(0), float_about),
        Thing(*thread(0.52, "#f0ece0", 0.004), hang(0), hang),
    ]


def _rolling_ball(shop: Workshop) -> list[Thing]:
    """A ball that rolls to and fro in front."""
    radius, phase = 0.026, shop.rng.uniform(0, TAU)

    def roll(time_s: float) -> Pose:
        x = -0.04 + 0.17 * np.sin(TAU * time_s / 4.2 + phase)
        return Pose(rotation_from([0, 0, np.rad2deg(x / radius)]), np.array([x, BENCH_Y - radius, 0.545]))

    skin = texture(
        textures.dots(shop.size(0.16, 0.08, 0.55), 4, 8, "#2a7f9e", ("#f7e7b5", "#f08a4b"), 0.33),
        textures.PLASTIC,
    )
    shadow = contact_shadow(_above(roll, -radius), 0.085, 0.060)
    return [shadow, Thing(Ball(radius), skin, roll(0), roll)]
