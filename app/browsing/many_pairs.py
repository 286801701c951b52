"""Makes a long dataset of the virtual rig, to time browsing with: a real writer, real files, real hashes.

python -m app.browsing.many_pairs OUT --pairs 10000 --size 160x120

A few rooms are rendered; each pair is one of their frames, moved by some pixels and made darker or brighter,
so that no two files are the same. Values of gates are drawn, not measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np

from app.capturing.gates import GATES, default_limits, judge
from capture.dataset import DatasetWriter, PairNote, SessionAbout
from capture.errors import DatasetError
from capture.frames import ROLES, Frame, FramePair, Image, Layout, Role, frozen
from capture.rig import CameraInfo, RigInfo
from capture.spec import VirtualSpec
from capture.virtual.geometry import rig_geometry, true_calibration
from capture.virtual.sensor import COLOR, MONO
from capture.virtual.stage import Stage

ROOMS = 6
VIEWS_PER_ROOM = 8
GROUP = 64
TAGS = ("indoor", "outdoor", "people", "texture", "night", "glass", "plants")
MODES = ("walk", "walk", "walk", "single", "burst", "timed")


def write_many_pairs(
    folder: Path, count: int, width: int, height: int, seed: int = 0, rooms: int = ROOMS
) -> None:
    """Append `count` pairs of width × height px to a dataset. Raises DatasetError."""
    spec = VirtualSpec(width=width, height=height)
    cameras = {
        role: CameraInfo(
            role,
            f"VIRTUAL-{role.upper()}",
            "Virtual",
            f"Virtual {role}",
            width,
            height,
            "Mono8",
            has_clock=True,
        )
        for role in ROLES
    }
    rig = RigInfo("virtual", "virtual", cameras["mono"], cameras["color"], 15.0, True, None)
    about = SessionAbout(
        "0.1.0",
        "Kim Lee",
        "6 mm, f/4",
        gate_limits={key: limit.limit for key, limit in default_limits().items()},
    )
    pairs = many_pairs(spec, count, rooms, np.random.default_rng(seed))
    with DatasetWriter(folder, rig, true_calibration(spec), about) as writer:
        while group := list(islice(pairs, GROUP)):
            saved = writer.save_group(group)
            if saved.error is not None:
                raise saved.error


def many_pairs(
    spec: VirtualSpec, count: int, rooms: int, rng: np.random.Generator
) -> Iterator[tuple[FramePair, PairNote]]:
    """Return `count` pairs with what gates could have said of them."""
    views = _rendered(spec, rooms)
    for index in range(count):
        room = index * rooms // count
        mono, color = views[room * VIEWS_PER_ROOM + int(rng.integers(VIEWS_PER_ROOM))]
        shift = 2 * int(rng.integers(-8, 9))
        gain = float(rng.uniform(0.7, 1.1))
        exposure_us = float(np.round(5000 * 2 ** rng.normal(0, 0.5)))
        skew_ns = int(rng.normal(0, 1_500_000))
        frames = (
            _frame("mono", mono, index, shift, gain, exposure_us, 0),
            _frame("color", color, index, shift, gain, exposure_us * 1.6, skew_ns),
        )
        yield FramePair(index, *frames, skew_ns=skew_ns), _note(skew_ns, room, rng)


def _rendered(spec: VirtualSpec, rooms: int) -> list[tuple[Image, Image]]:
    views = []
    for room in range(rooms):
        there = replace(spec, seed=room)
        stage = Stage(there, rig_geometry(there))
        for view in range(VIEWS_PER_ROOM):
            moment_ns = int(view * 1.3e9)
            mono = stage.image("mono", view, moment_ns, MONO.look)
            color = stage.image("color", view, moment_ns, COLOR.look)
            views.append((mono, color))
    return views


def _frame(
    role: Role, image: Image, index: int, shift: int, gain: float, exposure_us: float, late_ns: int
) -> Frame:
    moved = np.roll(image, shift, axis=1)  # by an even number: a mosaic stays what it is
    pixels = np.clip(moved * gain, 0, 255).astype(np.uint8)
    pixels[0, :2] = index % 251, index // 251 % 251  # no two are the same
    layout, name = (Layout.MONO, "Mono8") if role == "mono" else (Layout.BAYER_RG, "BayerRG8")
    host_ns = 1_000_000_000 + index * 66_666_667 + late_ns
    return Frame(
        role, frozen(cast("Image", pixels)), layout, 8, name, index, host_ns, host_ns, exposure_us, 0.0
    )


def _note(skew_ns: int, room: int, rng: np.random.Generator) -> PairNote:
    values: dict[str, float | None] = {
        spec.key: round(float(rng.beta(5, 2) if spec.better == "high" else rng.beta(2, 8)) * spec.span[1], 5)
        for spec in GATES
    }
    values["skew_ms"] = abs(skew_ns) / 1e6
    if rng.random() < 0.1:
        values["cycle_ssim"] = None
    tags = (TAGS[room], *(tag for tag in TAGS if rng.random() < 0.06 and tag != TAGS[room]))
    return PairNote(
        values, judge(values, default_limits()).warnings, tags, MODES[int(rng.integers(len(MODES)))]
    )


def main() -> int:
    """Run the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--size", default="160x120", help="of an image, W×H")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.lower().replace("×", "x").split("x"))
    try:
        write_many_pairs(options.out, options.pairs, width, height)
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
