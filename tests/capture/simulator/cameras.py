"""Ways to use a simulated camera that several tests share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from capture.frames import Image
from capture.pixel_formats import FORMATS, unpack

PATIENCE_S = 20.0


@dataclass(frozen=True, eq=False)
class Taken:
    """What is kept of a buffer that was fetched and queued again."""

    image: Image
    frame_id: int
    device_ns: int


def setting(acquirer: Any, **values: Any) -> None:
    """Set nodes of a camera, in this order."""
    for name, value in values.items():
        getattr(acquirer.remote_device.node_map, name).value = value


def value(acquirer: Any, name: str) -> Any:
    return getattr(acquirer.remote_device.node_map, name).value


def execute(acquirer: Any, name: str) -> None:
    getattr(acquirer.remote_device.node_map, name).execute()


def take(acquirer: Any, count: int = 1) -> list[Taken]:
    """Return the next frames of a camera that acquires."""
    return [take_one(acquirer) for _ in range(count)]


def take_one(acquirer: Any) -> Taken:
    buffer = acquirer.fetch(timeout=PATIENCE_S, is_raw=True)
    try:
        pixel_format = FORMATS[acquirer.remote_device.node_map.PixelFormat.value]
        data = np.frombuffer(buffer.raw_buffer, np.uint8)
        image = unpack(data, pixel_format, buffer.width, buffer.height)
        return Taken(image, buffer.frame_id, buffer.timestamp_ns)
    finally:
        buffer.parent.queue_buffer(buffer)


def take_single(acquirer: Any) -> Taken:
    """Start, return the first frame, stop."""
    acquirer.start()
    try:
        return take_one(acquirer)
    finally:
        acquirer.stop()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that happens by itself."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.005)
