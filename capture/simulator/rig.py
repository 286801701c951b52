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

# The mono camera runs freely and shows its exposure on Line1, which is wired to Line0 of the colour camera.
WIRED = SyncConfig("hardware", leader="mono", mono_line="Line1", color_line="Line0")


def producer_path(folder: Path = BUILD_FOLDER) -> Path:
    """Return where the producer is, or would be."""
    return folder / PRODUCER_NAME


def is_built(folder: Path = BUILD_FOLDER) -> bool:
    """Tell whether the producer and its scene are there."""
    return producer_path(folder).is_file() and (folder / SCENE_NAME).is_file()


def simulator_spec(folder: Path = BUILD_FOLDER) -> GenicamSpec:
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
        calibration=folder / CALIBRATION_NAME,
        sync=WIRED,
    )
