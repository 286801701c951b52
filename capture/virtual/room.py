"""The room behind the bench: walls, window, shelf, pictures. Everything in metres."""

from __future__ import annotations

import numpy as np

from capture.virtual import pictures, textures
from capture.virtual.draw import Thing
from capture.virtual.geometry import rotation_from
from capture.virtual.props import FACES, Workshop, at, books_in_row, box, picture_frame
from capture.virtual.shapes import Pose, Sheet
from capture.virtual.textures import texture

BENCH_Y = 0.28
BENCH_FRONT, BENCH_BACK = 0.34, 1.62
BENCH_HALF_WIDTH = 1.15
BACK_Z = 3.9
LEFT_X = -1.75
FLOOR_Y = 1.05
WALL_TOP = -1.6

WALLS = ("#8fb0a6", "#c9b79c", "#9aa9bd", "#c4a59a")
CLOTHS = (("#b8433a", "#f1e8d8"), ("#2f6d8c", "#f3ead6"), ("#56774b", "#efe6cf"), ("#6d4a7c", "#f0e4ea"))
BINDINGS = (
    "#a33b2f",
    "#2d5d7b",
    "#3f7350",
    "#d9a441",
    "#6b3f63",
    "#e8dcc0",
    "#24333f",
    "#c96f3b",
    "#7f9a8c",
    "#b5838d",
)


def furnish(shop: Workshop) -> list[Thing]:
    """Return everything of the room and the bench itself."""
    return [*_walls(shop), *_window(shop), *_bench(shop), *_shelf(shop), *_wall_pictures(shop)]


def _walls(shop: Workshop) -> list[Thing]:
    width, height = 4.9, FLOOR_Y - WALL_TOP
    middle = WALL_TOP + height / 2
    paint = textures.plaster(shop.rng, shop.size(width, height, BACK_Z), shop.pick(*WALLS))
    x, y = textures.coordinates((paint.shape[0], paint.shape[1]))
    # The window's hole.
    hole_x, hole_y = (x - 0.5) * width + 0.35, (y - 0.5) * height + middle
    alpha = 1 - ((np.abs(hole_x + 0.42) < 0.47) & (np.abs(hole_y + 0.24) < 0.50)).astype(np.float32)
    back = Thing(
        Sheet(width, height),
        texture(paint, textures.PAINT, alpha),
        at((0.35, middle, BACK_Z)),
        casts_shadow=False,
    )
    depth = BACK_Z - 1.2
    bricks = textures.brick(
        shop.rng, shop.size(depth, height, 2.8), 34, 11, "#b86a4b", "#8c4632", shop.pick("#d8cdbd", "#b9b2a6")
    )
    left = Thing(
        Sheet(depth, height),
        texture(bricks, textures.PAINT),
        at((LEFT_X, middle, BACK_Z - depth / 2), yaw=-90),
        casts_shadow=False,
    )
    planks = textures.wood(shop.rng, (320, 480), "#a5835c", "#6b4a2d", planks=16)
    floor = Thing(
        Sheet(5.0, 3.4),
        texture(planks, textures.WOOD),
        Pose(rotation_from(FACES["top"]), np.array([0.3, FLOOR_Y, BACK_Z - 1.7])),
        casts_shadow=False,
    )
    return [back, left, floor]


def _window(shop: Workshop) -> list[Thing]:
    center, half_w, half_h = np.array([-0.42, -0.24, BACK_Z]), 0.47, 0.50
    size = shop.size(1.3, 1.3, 4.0)
    view = pictures.landscape(
        shop.rng, size, ("#5d9bd3", "#e9f1f2"), ("#8fb3c4", "#6f9c7c", "#5f9150", "#7aa648"), "#fff3cf"
    )
    outside = Thing(
        Sheet(1.3, 1.3),
        texture(view, textures.FOLIAGE, glow=1.15),
        at(np.add(center, [0, 0, 0.32])),
        casts_shadow=False,
        lit=0.0,
    )
    white = texture(textures.plain((16, 16), textures.rgb("#f1eee6")), textures.PAINT)
    things = [outside]
    bars = [
        ((0, half_h + 0.03, -0.02), (2 * half_w + 0.14, 0.06, 0.14)),
        ((0, -half_h, 0), (2 * half_w + 0.1, 0.06, 0.06)),
        ((-half_w, half_h, 0), (0.06, 2 * half_h, 0.06)),
        ((half_w, half_h, 0), (0.06, 2 * half_h, 0.06)),
        ((0, half_h, 0.01), (0.035, 2 * half_h, 0.04)),
        ((0, 0.0, 0.01), (2 * half_w, 0.035, 0.04)),
    ]
    for local, extent in bars:
        things += box(at(center + local), extent, white)
    stripe = textures.stripes(shop.size(0.34, 1.5, BACK_Z), CLOTHS[int(shop.rng.integers(4))], 4)
    x, _ = textures.coordinates((stripe.shape[0], stripe.shape[1]))
    folds = 0.78 + 0.22 * np.cos(x * 2 * np.pi * 6 + 0.8 * np.sin(x * 9))
    drape = textures.cloth(shop.rng, stripe.shape[:2], (stripe * folds[..., None]).astype(np.float32), 90)
    for side in (-1, 1):
        place = np.add(center, [side * (half_w + 0.10), 0.12, -0.10])
        things.append(Thing(Sheet(0.34, 1.5), texture(drape, textures.FABRIC), at(place, yaw=side * 12)))
    return things


def _bench(shop: Workshop) -> list[Thing]:
    width, depth = 2 * BENCH_HALF_WIDTH, BENCH_BACK - BENCH_FRONT
    middle = (BENCH_FRONT + BENCH_BACK) / 2
    light, dark = (("#cfa373", "#8a5a33"), ("#b98a5e", "#6d4426"), ("#d9b68a", "#a0743f"))[
        int(shop.rng.integers(3))
    ]
    top = textures.wood(
        shop.rng,
        (round(1.9 * shop.focal_px * depth), round(0.7 * shop.focal_px * width)),
        light,
        dark,
        planks=7,
    )
    slab = texture(top, textures.WOOD)
    edge = texture(textures.wood(shop.rng, (24, 400), light, dark), textures.WOOD)
    things = box(
        at((0, BENCH_Y + 0.04, middle)),
        (width, 0.04, depth),
        {"top": slab, "back": edge, "left": edge, "right": edge},
    )
    # A runner lies across: repeated pattern at a slant.
    colors = CLOTHS[int(shop.rng.integers(4))]
    size = shop.size(0.46, 1.06, 0.75)
    pattern = textures.checker(size, 26, 11, colors)
    runner = texture(textures.cloth(shop.rng, size, pattern, 120), textures.FABRIC)
    place = np.array([0.36, BENCH_Y - 0.0015, 0.98])
    turn = rotation_from([0, -9, 0]) @ rotation_from(FACES["top"])
    things.append(Thing(Sheet(0.46, 1.06), runner, Pose(turn, place), casts_shadow=False))
    return things


def _shelf(shop: Workshop) -> list[Thing]:
    left, right, z, deep = 0.78, 1.98, 3.35, 0.30
    boards = texture(textures.wood(shop.rng, (48, 400), "#e2d3bb", "#b89f7a"), textures.WOOD)
    inside = texture(textures.plain((16, 16), textures.rgb("#d3c3a8")), textures.WOOD)
    width, bottom, top = right - left, FLOOR_Y, -0.98
    middle = (left + right) / 2
    things = [
        Thing(Sheet(width, bottom - top), inside, at((middle, (bottom + top) / 2, z + deep))),
        *box(at((left, bottom, z + deep / 2)), (0.035, bottom - top, deep), boards),
        *box(at((right, bottom, z + deep / 2)), (0.035, bottom - top, deep), boards),
    ]
    for level in (-0.97, -0.60, -0.20, 0.20, 0.62):
        board = at((middle, level + 0.03, z + deep / 2))
        things += box(board, (width, 0.03, deep), {"front": boards, "top": boards})
    for level in (-0.60, -0.20, 0.20, 0.62):
        gap = shop.rng.uniform(0.0, 0.35)
        start = left + 0.03 + (gap if shop.rng.random() < 0.5 else 0)
        length = width - 0.07 - gap
        things += books_in_row(shop, (start, level, z + 0.04), length, 0.30, BINDINGS)
    return things


def _wall_pictures(shop: Workshop) -> list[Thing]:
    rng = shop.rng
    warm = ("#e4572e", "#f3a712", "#a8c686", "#669bbc", "#29335c", "#f0cea0")
    things = picture_frame(
        shop,
        at((0.42, -0.42, BACK_Z - 0.02)),
        (0.40, 0.52),
        lambda size: pictures.abstract(rng, size, warm, "#f2e9d8"),
        "#2e2a28",
    )
    things += picture_frame(
        shop,
        at((0.42, 0.12, BACK_Z - 0.02)),
        (0.44, 0.34),
        lambda size: pictures.landscape(
            rng, size, ("#f2b279", "#f9e2b8"), ("#c9776b", "#8e5572", "#4f3b5e", "#2c2f4a"), "#fff0b8"
        ),
        "#7a4f2c",
    )
    things += picture_frame(
        shop,
        at((LEFT_X + 0.02, -0.30, 3.05), yaw=-90),
        (0.62, 0.62),
        lambda size: pictures.blocks(rng, size),
        "#d8c9a8",
    )
    return things
