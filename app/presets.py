"""The presets of one rig: kept in a folder, taken from running cameras, put back and undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.pipeline.cameras import CameraDesk
from capture.errors import PresetError
from capture.frames import ROLES, Role
from capture.preset_file import CameraPreset, Preset, file_stem, load_preset, preset_names, save_preset
from capture.presets import ApplyReport, Difference, Snapshot, compare
from capture.rig import CameraInfo, RigInfo

Reports = Mapping[Role, ApplyReport]
Differences = Mapping[Role, tuple[Difference, ...]]


@dataclass(frozen=True)
class PresetShelf:
    """A rig's folder of presets. Reading and writing block for some milliseconds."""

    folder: Path
    rig: str

    def names(self) -> tuple[str, ...]:
        """Return what is there, sorted."""
        return preset_names(self.folder)

    def path(self, name: str) -> Path:
        """Return where a preset of this name lies. Raises PresetError if no file can be called so."""
        return self.folder / f"{file_stem(name)}.toml"

    def load(self, name: str) -> Preset:
        """Read a preset. Raises PresetError."""
        return load_preset(self.path(name))

    def save(self, name: str, cameras: CameraDesk, info: RigInfo) -> str:
        """Store what both cameras have now and return the name it got. Raises PresetError, DeviceLost.

        Blocks for as long as the cameras need to be read.
        """
        path = self.path(name)
        stored = {role: _stored(_camera(info, role), cameras.snapshot(role)) for role in ROLES}
        save_preset(path, Preset(self.rig, datetime.now(UTC), stored))
        return path.stem

    def delete(self, name: str) -> None:
        """Remove a preset. Raises PresetError."""
        try:
            self.path(name).unlink()
        except OSError as error:
            raise PresetError(f"Preset {name} cannot be removed: {error.strerror or error}.") from error


def _camera(info: RigInfo, role: Role) -> CameraInfo:
    return info.mono if role == "mono" else info.color


def _stored(camera: CameraInfo, values: Snapshot) -> CameraPreset:
    return CameraPreset(f"{camera.vendor} {camera.model}".strip(), camera.serial, values)


def compare_preset(preset: Preset, cameras: CameraDesk) -> Differences:
    """Return where each camera differs from a preset now. Blocks. Raises DeviceLost."""
    return {role: compare(cameras.snapshot(role), stored.values) for role, stored in preset.cameras.items()}


def apply_preset(preset: Preset, cameras: CameraDesk) -> Reports:
    """Give each camera what the preset has for it. Blocks. Raises DeviceLost."""
    return {role: cameras.restore(role, stored.values) for role, stored in preset.cameras.items()}


def undo_preset(reports: Reports, cameras: CameraDesk) -> Reports:
    """Give each camera what it had before. Blocks. Raises DeviceLost."""
    return {role: cameras.restore(role, report.before) for role, report in reports.items()}


def foreign(preset: Preset, info: RigInfo) -> str:
    """Return a word of warning if a preset comes from other cameras, else an empty text."""
    others = [
        f"the {role.replace('color', 'colour')} camera's values come from {stored.model} {stored.serial}"
        for role, stored in preset.cameras.items()
        if stored.serial != _camera(info, role).serial
    ]
    return f"{', '.join(others).capitalize()}." if others else ""
