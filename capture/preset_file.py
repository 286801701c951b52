"""Presets on disk: one TOML file each, in a folder per rig. Unknown keys are errors.

    rig = "bench rig"
    saved = 2026-11-24T14:00:00Z

    [mono]
    model = "acA1300-30gm"
    serial = "40012345"
    [[mono.values]]
    name = "ExposureTime"
    value = 8000.0
    [[mono.values]]
    name = "TriggerMode"
    value = "Off"
    at = [["TriggerSelector", "FrameStart"]]       # only for what depends on selectors

and the same for [color].
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli_w

from capture.errors import PresetError
from capture.files import write_atomically
from capture.frames import ROLES, Role
from capture.presets import Snapshot, StoredValue


@dataclass(frozen=True)
class CameraPreset:
    """Stored values of one camera, and which camera they came from."""

    model: str
    serial: str
    values: Snapshot


@dataclass(frozen=True)
class Preset:
    """Settings of a rig's cameras. `saved`: when, with time zone."""

    rig: str
    saved: datetime
    cameras: Mapping[Role, CameraPreset]


def file_stem(name: str) -> str:
    """Return a name as a file or folder may be called. Raises PresetError if nothing is left of it."""
    stem = re.sub(r"[^\w.() -]+", "_", name).strip(" ._")
    if not stem:
        raise PresetError(f"{name!r} is no name for a preset: use letters, digits, spaces and dashes")
    return stem


def preset_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the presets in a rig's folder, sorted; none if there is no folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml"))) if folder.is_dir() else ()


def save_preset(path: Path, preset: Preset) -> None:
    """Write a preset, whole or not at all. Raises PresetError."""
    content: dict[str, Any] = {"rig": preset.rig, "saved": preset.saved.replace(microsecond=0)}
    for role, camera in preset.cameras.items():
        content[role] = {
            "model": camera.model,
            "serial": camera.serial,
            "values": [_entry(value) for value in camera.values],
        }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, tomli_w.dumps(content).encode())
    except OSError as error:
        raise PresetError(f"Preset {path} cannot be written: {error.strerror or error}.") from error


def _entry(value: StoredValue) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": value.name, "value": value.value}
    if value.at:
        entry["at"] = [list(pair) for pair in value.at]
    return entry


def load_preset(path: Path) -> Preset:
    """Read a preset. Raises PresetError naming the file and the key."""
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise PresetError(f"Preset {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"Preset {path} is not valid TOML: {error}.") from error
    _check_keys(path, content, "", required=("rig", "saved"), optional=ROLES)
    saved = content["saved"]
    if not isinstance(saved, datetime) or saved.tzinfo is None:
        raise PresetError(f"Preset {path}: saved is {saved!r}, must be a date with time and zone.")
    cameras: dict[Role, CameraPreset] = {
        role: _camera(path, role, content[role]) for role in ROLES if role in content
    }
    return Preset(_text(path, "rig", content["rig"]), saved, cameras)


def _camera(path: Path, role: Role, table: Any) -> CameraPreset:
    _check_keys(path, table, role, required=("model", "serial", "values"))
    entries = table["values"]
    if not isinstance(entries, list):
        raise PresetError(f"Preset {path}: {role}.values must be a list of tables.")
    return CameraPreset(
        model=_text(path, f"{role}.model", table["model"]),
        serial=_text(path, f"{role}.serial", table["serial"]),
        values=tuple(_value(path, f"{role}.values[{n}]", entry) for n, entry in enumerate(entries)),
    )


def _value(path: Path, where: str, entry: Any) -> StoredValue:
    _check_keys(path, entry, where, required=("name", "value"), optional=("at",))
    value = entry["value"]
    if not isinstance(value, (bool, int, float, str)):
        raise PresetError(
            f"Preset {path}: {where}.value is {value!r}, must be a number, a text, true or false."
        )
    at = entry.get("at", [])
    pairs = isinstance(at, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], (int, float, str))
        for pair in at
    )
    if not pairs:
        raise PresetError(f"Preset {path}: {where}.at is {at!r}, must be pairs of selector and value.")
    position = tuple((name, where_it_points) for name, where_it_points in at)
    return StoredValue(_text(path, f"{where}.name", entry["name"]), value, position)


def _text(path: Path, where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise PresetError(f"Preset {path}: {where} is {value!r}, must be a text in quotes.")
    return value


def _check_keys(
    path: Path, table: Any, where: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    """Raise PresetError if the table lacks a key, or has one that is not known."""
    name = where or "the file"
    if not isinstance(table, dict):
        raise PresetError(f"Preset {path}: {name} is {table!r}, must be a table.")
    for key in required:
        if key not in table:
            raise PresetError(f"Preset {path}: {name} lacks {key}.")
    for key in table:
        if key not in (*required, *optional):
            known = ", ".join((*required, *optional))
            raise PresetError(f"Preset {path}: {name} has an unknown key {key} (known here: {known}).")
