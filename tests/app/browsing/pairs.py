"""Datasets to browse: a real writer, pairs of noise, notes that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from capture.dataset import DatasetWriter, PairNote, SessionAbout
from capture.frames import Frame, FramePair, Layout, Role, frozen
from capture.rig import CameraInfo, RigInfo

WIDTH, HEIGHT = 48, 32


def _info(role: Role) -> CameraInfo:
    return CameraInfo(role, f"{role}-1", "Maker", "Model", WIDTH, HEIGHT, "Mono8", has_clock=True)


RIG = RigInfo("virtual", "virtual", _info("mono"), _info("color"), 30.0, True, None)


def make_pair(index: int) -> FramePair:
    rng = np.random.default_rng(index)
    frames = []
    for role, shape, layout in (
        ("mono", (HEIGHT, WIDTH), Layout.MONO),
        ("color", (HEIGHT, WIDTH, 3), Layout.RGB),
    ):
        image = frozen(rng.integers(0, 256, shape, np.uint8))
        frames.append(
            Frame(role, image, layout, 8, "X8", index, None, index * 1000, 1000.0 * (index + 1), 2.0)
        )
    return FramePair(index, *frames, skew_ns=1_000_000 * (index - 3))


def note(index: int) -> PairNote:
    """Sharpness falls with the number; every third has none and a tag, every second warned."""
    gates = {"sharpness": None if index % 3 == 0 else 1 - index / 100, "skew_ms": float(abs(index - 3))}
    return PairNote(
        gates,
        ("skew_ms",) if index % 2 else (),
        ("night",) if index % 3 == 0 else (),
        "walk" if index < 5 else "single",
    )


def write_dataset(folder: Path, count: int = 10, first: int = 0) -> list[str]:
    about = SessionAbout(operator="Kim", gate_limits={"skew_ms": 2.0})
    with DatasetWriter(folder, RIG, None, about) as writer:
        return [writer.save(make_pair(index), note(index)) for index in range(first, first + count)]
