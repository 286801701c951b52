"""The simulator as a rig: where it is built, and how to open it."""

from __future__ import annotations

from pathlib import Path

from capture.errors import DeviceNotFound
from capture.spec import CameraSpec, GenicamSpec
from capture.sync.config import SyncConfig

BUILD_FOLDER = Path(__file__).resolve().parent / "build"
PRODUCER_NAME = "cyclerig.cti"
SCENE_NAME = "scene.bin"
CALIBRATION_NAME = "calibration.toml"
MONO_SERIAL, COLOR_SERIAL = "SIM-MONO", "SIM-COLOR"

BOARD_NODE = "SimulatorBoard"
"""Holds the calibration board before both cameras."""

# The mono camera runs freely and shows its exposure on Line1, which is wired to Line0 of the colour camera.
WIRED = SyncConfig("hardware", leader="mono", mono_line="Line1", color_line="Line0")


def producer_path(folder: Path | None = None) -> Path:
    """Return where the producer is, or would be; `folder` is where it was built, if not in BUILD_FOLDER."""
    return (folder or BUILD_FOLDER) / PRODUCER_NAME


def is_built(folder: Path | None = None) -> bool:
    """Tell whether the producer and its scene are there."""
    producer = producer_path(folder)
    return producer.is_file() and producer.with_name(SCENE_NAME).is_file()


def simulator_spec(folder: Path | None = None) -> GenicamSpec:
    """Return the rig of both simulated cameras, the colour camera triggered by the mono camera's exposure.

    Raises DeviceNotFound where the simulator was not built.
    """
    if not is_built(folder):
        raise DeviceNotFound("The simulated cameras are not built yet: run `make simulator`.")
    return GenicamSpec(
        name="simulator",
        mono=CameraSpec(MONO_SERIAL, "Mono8"),
        color=CameraSpec(COLOR_SERIAL, "BayerRG8"),
        producers=(producer_path(folder),),
        calibration=producer_path(folder).with_name(CALIBRATION_NAME),
        sync=WIRED,
    )
