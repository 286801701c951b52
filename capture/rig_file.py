"""How a person names a rig: on the command line, and in a rig file (TOML). Unknown keys are errors.

A rig file, in full:

    kind = "genicam"                      # or "virtual", "replay"
    name = "bench rig"
    shares_trigger = true                 # frame ids of both cameras count the same trigger
    color_side = "left"                   # of the mono camera, seen from behind; the calibration comes first
    calibration = "bench.toml"            # paths are relative to this file
    producers = ["/opt/pylon/lib/gentlproducer/gtl/ProducerU3V.cti"]
    buffers = 16

    [mono]
    serial = "40012345"
    pixel_format = "Mono12p"
    [mono.settings]                       # SFNC names, applied in this order
    ExposureTime = 8000.0

    [color]
    serial = "40012346"
    pixel_format = "BayerRG12p"

    [sync]                                # docs/hardware-trigger.md; without it no trigger is touched
    mode = "hardware"                     # free_run, software, hardware, external, action
    leader = "mono"
    frame_rate_hz = 20.0
    mono_line = "Line2"
    color_line = "Line1"
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w

from capture.discovery import installed_producers, viky_producer
from capture.errors import RigFileError
from capture.files import write_atomically
from capture.frames import ROLES
from capture.probe import probe_producers
from capture.rig import SettingValue
from capture.simulator.rig import simulator_spec
from capture.spec import CameraSpec, GenicamSpec, ReplaySpec, RigSpec, VirtualSpec
from capture.sync.config import EDGES, LARGEST_KEY, MODES, SyncConfig, is_address

Chosen = TypeVar("Chosen", bound=str)

NO_CAMERA_NOTICE = "No camera found: showing the virtual rig."

VIKY_SETTINGS: dict[str, SettingValue] = {
    "ChunkModeActive": False,  # would send 2 MB of made-up 3-D data along with each frame
    "Width": 640,
    "Height": 480,
}

HEADER = """# CycleRig: a rig of two GenICam cameras, by serial number.
# calibration_data/example_rig.toml explains every key; an unknown one is an error.

"""

NAMES = "virtual, simulator, viky, replay:DIR or a rig file (.toml)"


def parse_rig(argument: str | None) -> RigSpec:
    """Return the rig that a name stands for: virtual, simulator, viky, replay:DIR or a rig file's path.

    Without a name (None) it is `default_spec()`.

    Raises:
        RigFileError: nothing of that name, no such file or folder, or a file that breaks the rules.
        DeviceNotFound: the simulator was not built, or the genicam package lacks viky.
    """
    if argument is None:
        return default_spec()
    if argument == "virtual":
        return VirtualSpec()
    if argument == "simulator":
        return simulator_spec()
    if argument == "viky":
        return viky_spec()
    kind, colon, rest = argument.partition(":")
    if colon and kind == "replay":
        return ReplaySpec(_existing_folder(Path(rest).expanduser(), "--rig replay:DIR"))
    if argument.endswith(".toml"):
        return load_rig_file(Path(argument).expanduser())
    raise RigFileError(f"No rig is called {argument!r}; use {NAMES}.")


def viky_spec() -> GenicamSpec:
    """Return the rig of two simulated cameras of the `genicam` package: a real producer, no hardware."""
    return GenicamSpec(
        name="viky",
        mono=CameraSpec("0", "Mono8", dict(VIKY_SETTINGS)),
        color=CameraSpec("1", "RGBa8", dict(VIKY_SETTINGS)),
        producers=(viky_producer(),),
    )


def default_spec(last: Path | None = None) -> RigSpec:
    """Return the rig to open when none is named.

    That is the rig file used last, if it is still there; else the virtual rig, with a notice that says why
    and names the cameras that were found. Two cameras do not tell which of them is mono or what they should
    send, so nothing is guessed. Looking for cameras runs in processes of its own; it takes a second or two
    where vendors' libraries are installed, and no time where none is.

    Raises:
        RigFileError: the last rig file is there but breaks the rules.
    """
    if last is not None and last.is_file():
        return load_rig_file(last)
    producers = [path for path in installed_producers() if path.name != "viky.cti"]
    devices = {d.serial: d for report in probe_producers(producers) for d in report.devices}
    if not devices:
        return VirtualSpec(notice=NO_CAMERA_NOTICE)
    found = ", ".join(str(device) for device in devices.values())
    return VirtualSpec(
        notice=f"Cameras found: {found}. Say on the Rig page which is mono and which is "
        "colour, or in a rig file (calibration_data/example_rig.toml shows how); showing the virtual rig."
    )


def load_rig_file(path: Path) -> RigSpec:
    """Read a rig file. Raises RigFileError naming the file and the key."""
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise RigFileError(f"Rig file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RigFileError(f"Rig file {path} is not valid TOML: {error}.") from error
    table = _Table(content, path)
    kind = table.text("kind", required=True)
    readers: dict[str, Callable[[_Table, str], RigSpec]] = {
        "genicam": _genicam,
        "virtual": _virtual,
        "replay": _replay,
    }
    if kind not in readers:
        raise table.error("kind", f"is {kind!r}, must be one of {', '.join(readers)}")
    spec = readers[kind](table, path.stem)
    table.finish()
    return spec


def save_rig_file(spec: GenicamSpec, path: Path) -> None:
    """Write a rig file that `load_rig_file` reads back as the same spec; as a whole or not at all.

    Comments of a file that was there before are lost. Raises RigFileError.
    """

    def relative(file: Path) -> str:
        inside = file.is_relative_to(path.parent)
        return (file.relative_to(path.parent) if inside else file.absolute()).as_posix()

    content: dict[str, Any] = {
        "kind": "genicam",
        "name": spec.name,
        "shares_trigger": spec.shares_trigger,
        "color_side": spec.color_side,
        "buffers": spec.buffers,
    }
    if spec.calibration is not None:
        content["calibration"] = relative(spec.calibration)
    if spec.producers:
        content["producers"] = [relative(producer) for producer in spec.producers]
    for role, camera in (("mono", spec.mono), ("color", spec.color)):
        table: dict[str, Any] = {"serial": camera.serial}
        if camera.pixel_format is not None:
            table["pixel_format"] = camera.pixel_format
        if camera.settings:
            table["settings"] = dict(camera.settings)
        content[role] = table
    if spec.sync is not None:
        content["sync"] = {key: value for key, value in asdict(spec.sync).items() if value not in ("", None)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (HEADER + tomli_w.dumps(content)).encode())
    except OSError as error:
        raise RigFileError(f"Rig file {path} cannot be written: {error.strerror}.") from error


def _genicam(table: _Table, default_name: str) -> GenicamSpec:
    spec = GenicamSpec(
        name=table.text("name") or default_name,
        mono=_camera(table.table("mono")),
        color=_camera(table.table("color")),
        producers=tuple(table.path_of(entry, "producers") for entry in table.texts("producers")),
        shares_trigger=table.flag("shares_trigger", default=False),
        buffers=int(table.number("buffers", default=16, minimum=3, whole=True)),
        calibration=table.file("calibration"),
        color_side=_side(table),
        sync=_sync(table),
    )
    if spec.mono.serial == spec.color.serial:
        raise table.error("color.serial", f"is {spec.color.serial!r}, the same camera as mono.serial")
    return spec


def _sync(table: _Table) -> SyncConfig | None:
    if not table.has("sync"):
        return None
    default, sync = SyncConfig(), table.table("sync")
    rate = sync.number("frame_rate_hz", default=0.0, minimum=0.0)
    config = SyncConfig(
        mode=sync.choice("mode", MODES),
        leader=sync.choice("leader", ROLES, default.leader),
        frame_rate_hz=rate or None,
        mono_line=sync.text("mono_line"),
        color_line=sync.text("color_line"),
        activation=sync.choice("activation", EDGES, default.activation),
        device_key=_key(sync, "device_key"),
        group_key=_key(sync, "group_key"),
        group_mask=_key(sync, "group_mask"),
        broadcast=sync.text("broadcast") or default.broadcast,
    )
    if not is_address(config.broadcast):
        raise sync.error("broadcast", f"is {config.broadcast!r}, must be an IPv4 address")
    sync.finish()
    return config


def _key(table: _Table, key: str) -> int:
    value = int(table.number(key, default=1, minimum=0, whole=True))
    if value > LARGEST_KEY:
        raise table.error(key, f"is {value}, must fit into 32 bits")
    return value


def _side(table: _Table) -> Literal["left", "right"]:
    sides: dict[str, Literal["left", "right"]] = {"": "left", "left": "left", "right": "right"}
    side = table.text("color_side")
    if side in sides:
        return sides[side]
    raise table.error("color_side", f'is {side!r}, must be "left" or "right"')


def _camera(table: _Table) -> CameraSpec:
    serial = table.text("serial", required=True)
    pixel_format = table.text("pixel_format")
    settings = table.table("settings", required=False)
    spec = CameraSpec(serial, pixel_format or None, settings.all_values())
    table.finish()
    return spec


def _virtual(table: _Table, _: str) -> VirtualSpec:
    default = VirtualSpec()
    return VirtualSpec(
        seed=int(table.number("seed", default=default.seed, minimum=0, whole=True)),
        width=int(table.number("width", default=default.width, minimum=1, whole=True)),
        height=int(table.number("height", default=default.height, minimum=1, whole=True)),
        frame_rate_hz=table.number("frame_rate_hz", default=default.frame_rate_hz, minimum=0.1),
        calibration=table.file("calibration"),
        sync=_sync(table),
        room_s=table.number("room_s", default=default.room_s, minimum=0.0),
    )


def _replay(table: _Table, _: str) -> ReplaySpec:
    folder = table.path_of(table.text("folder", required=True), "folder")
    rate = table.number("frame_rate_hz", default=0.0, minimum=0.0)
    return ReplaySpec(
        folder=_existing_folder(folder, f"folder in {table.path}"),
        frame_rate_hz=rate or None,
        loop=table.flag("loop", default=True),
        calibration=table.file("calibration"),
    )


def _existing_folder(folder: Path, named_by: str) -> Path:
    if not folder.is_dir():
        raise RigFileError(f"There is no folder {folder} ({named_by}).")
    return folder


class _Table:
    """A TOML table of which every key must be asked for: `finish` complains about those that were not."""

    def __init__(self, content: Mapping[str, Any], path: Path, prefix: str = "") -> None:
        self.path = path
        self._content = content
        self._prefix = prefix
        self._known: set[str] = set()

    def error(self, key: str, problem: str) -> RigFileError:
        return RigFileError(f"Rig file {self.path}: {self._prefix}{key} {problem}.")

    def finish(self) -> None:
        for key in self._content:
            if key not in self._known:
                known = ", ".join(sorted(self._known))
                raise self.error(key, f"is not a known key (known here: {known})")

    def text(self, key: str, *, required: bool = False) -> str:
        value = self._take(key, "", required=required)
        if not isinstance(value, str) or (required and not value):
            raise self.error(key, f"is {value!r}, must be a text in quotes")
        return value

    def choice(self, key: str, choices: tuple[Chosen, ...], default: Chosen | None = None) -> Chosen:
        """Return one of some texts; without a default the key is required."""
        value = self.text(key, required=default is None)
        if not value and default is not None:
            return default
        for choice in choices:
            if value == choice:
                return choice
        raise self.error(key, f"is {value!r}, must be one of {', '.join(choices)}")

    def has(self, key: str) -> bool:
        """Tell whether there is such a key; asking for it makes it a known one."""
        self._known.add(key)
        return key in self._content

    def texts(self, key: str) -> list[str]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.error(key, f"is {value!r}, must be a list of texts")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"is {value!r}, must be true or false")
        return value

    def number(self, key: str, *, default: float, minimum: float, whole: bool = False) -> float:
        value = self._take(key, default)
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not minimum <= value < float("inf"):
            raise self.error(
                key, f"is {value!r}, must be a {'whole ' if whole else ''}number of at least {minimum:g}"
            )
        return value

    def file(self, key: str) -> Path | None:
        """Return a path that need not exist yet: a calibration may still be to come. None without the key."""
        value = self.text(key)
        return self.path_of(value, key) if value else None

    def path_of(self, text: str, key: str) -> Path:
        """Return a path, relative to the rig file's folder."""
        if not text:
            raise self.error(key, "is empty, must be a path")
        return self.path.parent / Path(text).expanduser()

    def table(self, key: str, *, required: bool = True) -> _Table:
        value = self._take(key, {}, required=required)
        if not isinstance(value, dict):
            raise self.error(key, f"is {value!r}, must be a table: [{self._prefix}{key}]")
        return _Table(value, self.path, f"{self._prefix}{key}.")

    def all_values(self) -> dict[str, SettingValue]:
        """Return all entries as settings of a camera."""
        for key, value in self._content.items():
            if not isinstance(value, (bool, int, float, str)):
                raise self.error(key, f"is {value!r}, must be a number, a text, true or false")
        return dict(self._content)

    def _take(self, key: str, default: Any, *, required: bool = False) -> Any:
        self._known.add(key)
        if required and key not in self._content:
            raise self.error(key, "is missing")
        return self._content.get(key, default)
