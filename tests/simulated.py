"""The simulated cameras for tests of every package: built small, once, and again when sources change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capture.simulator.build import build, find_compiler
from capture.simulator.scene import SceneLength
from capture.spec import VirtualSpec

SMALL = VirtualSpec(width=160, height=120)
SHORT = SceneLength(live_s=1.0, live_hz=10.0, poses=2)


def build_simulator(folder: Path) -> Path:
    """Build producer and a small scene into a folder; return it. Skips where there is no C++ compiler."""
    if os.name != "posix":
        pytest.skip("the simulated cameras are built on Linux and macOS only")
    if find_compiler() is None:
        pytest.skip("there is no C++ compiler to build the simulated cameras with")
    build(folder, SMALL, SHORT, flags=("-O1",))
    return folder
