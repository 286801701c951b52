"""Rigs that tests open, and how to wait for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.discovery import viky_producer
from capture.frames import Frame
from capture.rig import Rig, SettingValue
from capture.simulator.rig import simulator_spec
from capture.spec import CameraSpec, GenicamSpec, ReplaySpec, VirtualSpec

PATIENCE_S = 20.0


SLOW: dict[str, SettingValue] = {"AcquisitionFrameRate": 1.0}


def viky(
    mono: Mapping[str, SettingValue] | None = None, color: Mapping[str, SettingValue] | None = None
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
        mono=CameraSpec("0", "Mono8", {**usual, **(mono or {})}),
        color=CameraSpec("1", "RGBa8", {**usual, **(color or {})}),
        producers=(viky_producer(),),
        buffers=8,
    )


def simulator(folder: Path) -> GenicamSpec:
    """Two simulated cameras of our own producer, one triggering the other 100 times a second."""
    wired = simulator_spec(folder)
    assert wired.sync is not None
    return replace(wired, sync=replace(wired.sync, frame_rate_hz=100.0))


def virtual() -> VirtualSpec:
    """A small virtual rig."""
    return VirtualSpec(width=160, height=120, frame_rate_hz=30.0)


def replay(
    folder: Path, *, width: int = 64, height: int = 48, pairs: int = 3, loop: bool = True
) -> ReplaySpec:
    """Write pictures and return a rig that replays them."""
    for role, channels in (("mono", 1), ("color", 3)):
        (folder / role).mkdir(parents=True)
        for index in range(pairs):
            picture = ramp(width, height, channels, index)
            assert cv2.imwrite(str(folder / role / f"{index:03}.png"), picture[..., ::-1])
    return ReplaySpec(folder, frame_rate_hz=50.0, loop=loop)


def ramp(width: int, height: int, channels: int, shift: int = 0) -> NDArray[np.uint8]:
    """Return height×width×channels values that rise from pixel to pixel: any that is out of place shows."""
    rising = np.arange(width * channels, dtype=np.uint8).reshape(1, width, channels)
    return rising + np.arange(shift, shift + height).astype(np.uint8).reshape(height, 1, 1)


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
