"""Rigs that tests open, and how to wait for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from capture.discovery import viky_producer
from capture.frames import Frame
from capture.rig import Rig, SettingValue
from capture.spec import CameraSpec, GenicamSpec, ReplaySpec, VirtualSpec

PATIENCE_S = 20.0


def viky(
    mono: dict[str, SettingValue] | None = None, color: dict[str, SettingValue] | None = None
) -> GenicamSpec:
    """Two simulated cameras, small and fast: 160×120 at 100 Hz unless told otherwise."""
    usual: dict[str, SettingValue] = {
        "ChunkModeActive": False,
        "Width": 160,
        "Height": 120,
        "AcquisitionFrameRate": 100.0,
    }
    return GenicamSpec(
        name="viky",
        mono=CameraSpec("0", "Mono8", usual | (mono or {})),
        color=CameraSpec("1", "RGBa8", usual | (color or {})),
        producers=(viky_producer(),),
        buffers=8,
    )


def virtual() -> VirtualSpec:
    """A small virtual rig."""
    return VirtualSpec(width=160, height=120, frame_rate_hz=30.0)


def replay(
    folder: Path, *, width: int = 64, height: int = 48, pairs: int = 3, loop: bool = True
) -> ReplaySpec:
    """Write noise pictures and return a rig that replays them."""
    import cv2

    rng = np.random.default_rng(7)
    for role, shape in (("mono", (height, width)), ("color", (height, width, 3))):
        (folder / role).mkdir(parents=True)
        for index in range(pairs):
            picture = rng.integers(0, 256, shape, np.uint8)
            assert cv2.imwrite(str(folder / role / f"{index:03}.png"), picture)
    return ReplaySpec(folder, frame_rate_hz=50.0, loop=loop)


def take(rig: Rig, count: int, patience_s: float = PATIENCE_S) -> list[Frame]:
    """Return the next frames of a rig."""
    frames: list[Frame] = []
    while len(frames) < count:
        frame = rig.next_frame(patience_s)
        assert frame is not None
        frames.append(frame)
    return frames


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does; fails after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.005)
