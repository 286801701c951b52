"""Pairs to fill datasets with, and a check of whole datasets; for tests and their subprocesses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from capture.dataset import DatasetReader
from capture.frames import ROLES, Frame, FramePair, Layout, Role, frozen
from capture.rig import CameraInfo, RigInfo


def camera_info(role: Role) -> CameraInfo:
    return CameraInfo(role, f"{role}-1", "Maker", "Model", 40, 30, "Mono8", has_clock=True)


RIG = RigInfo("virtual", "virtual", camera_info("mono"), camera_info("color"), 30.0, True, None)


def make_pair(
    index: int, color_layout: Layout = Layout.BAYER_GB, bits: int = 12, height: int = 30, width: int = 40
) -> FramePair:
    rng = np.random.default_rng(index)
    color_shape = (height, width, 3) if color_layout is Layout.RGB else (height, width)
    dtype = np.uint8 if bits == 8 else np.uint16
    mono = Frame(
        role="mono",
        image=frozen(rng.integers(0, 256, (height, width), np.uint8)),
        layout=Layout.MONO,
        bits=8,
        pixel_format="Mono8",
        frame_id=index + 7,
        device_ns=None,
        host_ns=1000 + index * 33_000_000,
    )
    color = Frame(
        role="color",
        image=frozen(rng.integers(0, 1 << bits, color_shape, dtype)),
        layout=color_layout,
        bits=bits,
        pixel_format=f"Test{bits}p",
        frame_id=index + 9,
        device_ns=-5 + index * 33_000_000,
        host_ns=2000 + index * 33_000_000,
        exposure_us=1500.5,
        gain_db=0.0,
    )
    return FramePair(index, mono, color, skew_ns=-1234 + index)


def listed_pairs_that_are_not_whole(folder: Path) -> list[str]:
    """Return the names of listed pairs whose files do not have the recorded hash."""
    broken = []
    for record in DatasetReader.open(folder):
        for role in ROLES:
            path, known = folder / role / f"{record.name}.png", record.frame(role)
            assert known is not None
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != known.sha256:
                broken.append(record.name)
    return broken
