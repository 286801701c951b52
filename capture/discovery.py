"""Finding GenTL producers (`.cti` files) and the cameras behind them.

A producer is a shared library of the camera's vendor. It is looked for in the rig file, in the folders that
`GENICAM_GENTL64_PATH` names (which `harvesters` does not read by itself), and where vendors install theirs.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.errors import CaptureError, DeviceNotFound
from capture.libraries import LoadedLibrary, admitted, exposure_of

PATH_VARIABLE = "GENICAM_GENTL64_PATH"

VIKY_NAME, SIMULATOR_NAME = "viky.cti", "cyclerig.cti"
"""Producers of simulated cameras: the one in the `genicam` package, and ours."""

VENDOR_FOLDERS: dict[str, tuple[str, ...]] = {
    "linux": (
        "/opt/pylon*/lib/gentlproducer/gtl",  # Basler
        "/opt/VimbaX*/cti",  # Allied Vision
        "/opt/Vimba_*/Vimba*TL/CTI/x86_64bit",
        "/opt/Vimba_*/Vimba*TL/CTI/arm_64bit",
        "/opt/spinnaker/lib/*gentl",  # Teledyne FLIR
        "/opt/ids-peak*/lib/ids/cti",  # IDS
        "/usr/lib/ids/cti",
        "/opt/mvIMPACT_Acquire/lib/*",  # Balluff, Matrix Vision
        "/opt/ImpactAcquire/lib/*",
        "/opt/MVS/lib/64",  # Hikrobot
        "/opt/MVS/lib/aarch64",
        "/opt/cvb*/drivers/genicam",  # Stemmer
        "/opt/baumer-gapi-sdk*/lib",  # Baumer
        "/opt/Galaxy_camera/lib/*",  # Daheng
        "/opt/ArenaSDK*/lib64*",  # Lucid
        "/opt/jai/*/lib/*",  # JAI
    ),
    "win32": (
        r"C:\Program Files\Basler\pylon*\Runtime\x64",
        r"C:\Program Files\Allied Vision\Vimba X\cti",
        r"C:\Program Files\Teledyne\Spinnaker\cti64\*",
        r"C:\Program Files\IDS\ids_peak\ids_*\64",
        r"C:\Program Files\Balluff\ImpactAcquire\bin\x64",
        r"C:\Program Files (x86)\Common Files\MVS\Runtime\Win64_x64",
        r"C:\Program Files\Lucid Vision Labs\*",
    ),
    "darwin": ("/Library/Frameworks/pylon.framework/Libraries/gentlproducer/gtl",),
}


@dataclass(frozen=True)
class Device:
    """A camera that a producer offers.

    Attributes:
        transport: "GEV" (GigE Vision), "U3V" (USB3 Vision), … as GenTL calls it.
        producer: path of the `.cti` file.
        accessible: free to be opened by us now.
        interface: what it hangs on, as the producer calls it: a network adapter, a host controller.
    """

    serial: str
    vendor: str
    model: str
    transport: str
    producer: str
    accessible: bool
    interface: str = ""

    def __str__(self) -> str:
        return f"{self.vendor} {self.model} ({self.serial})"


def viky_producer() -> Path:
    """Return the simulated producer in the `genicam` package. Raises DeviceNotFound where it is missing."""
    package = importlib.util.find_spec("genicam")
    path = Path(package.origin).with_name(VIKY_NAME) if package and package.origin else Path(VIKY_NAME)
    if not path.is_file():
        raise DeviceNotFound("The simulated cameras are missing: the genicam package here has no viky.cti.")
    return path


def is_simulated(producer: Path) -> bool:
    """Tell whether the cameras of a producer exist in software only."""
    return producer.name in (SIMULATOR_NAME, VIKY_NAME)


def simulated_producers() -> list[Path]:
    """Return our simulator, if it is built, and the one of the `genicam` package."""
    from capture.simulator.rig import is_built, producer_path

    found = [producer_path()] if is_built() else []
    try:
        return [*found, viky_producer()]
    except DeviceNotFound:
        return found


def path_folders(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the entries of GENICAM_GENTL64_PATH."""
    return [Path(entry) for entry in environ.get(PATH_VARIABLE, "").split(os.pathsep) if entry]


def installed_producers(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the `.cti` files of GENICAM_GENTL64_PATH, then of the vendors' usual folders, each once."""
    found: list[Path] = []
    for entry in path_folders(environ):
        found += [entry] if entry.suffix == ".cti" else sorted(entry.glob("*.cti"))
    for pattern in VENDOR_FOLDERS.get(sys.platform, ()):
        anchor = Path(Path(pattern).anchor)
        found += sorted(anchor.glob(str(Path(pattern).relative_to(anchor) / "*.cti")))
    return _unique(found)


def _unique(paths: Iterable[Path]) -> list[Path]:
    by_target: dict[Path, Path] = {}
    for path in paths:
        by_target.setdefault(path.resolve(), path)
    return list(by_target.values())


def architecture(path: Path) -> str | None:
    """Return the processor a library or program was built for, e.g. "x86_64"; None if the file is neither."""
    with path.open("rb") as file:
        head = file.read(4096)
    machine: int
    if head[:4] == b"\x7fELF" and len(head) >= 20:
        machine = struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)[0]
        return {3: "x86", 40: "arm", 62: "x86_64", 183: "aarch64"}.get(machine, f"ELF machine {machine}")
    if head[:2] == b"MZ" and len(head) >= 64:
        start = struct.unpack_from("<I", head, 60)[0]
        if head[start : start + 4] != b"PE\0\0":
            return None
        machine = struct.unpack_from("<H", head, start + 4)[0]
        return {0x14C: "x86", 0x8664: "x86_64", 0xAA64: "aarch64"}.get(machine, f"PE machine {machine:#x}")
    if head[:4] == b"\xcf\xfa\xed\xfe" and len(head) >= 8:
        machine = struct.unpack_from("<I", head, 4)[0]
        return {0x01000007: "x86_64", 0x0100000C: "aarch64"}.get(machine, f"Mach-O machine {machine:#x}")
    if head[:4] == b"\xca\xfe\xba\xbe":
        return architecture(Path(sys.executable))  # a universal library holds several; the loader picks
    return None


def check_producer(path: Path) -> Path:
    """Make sure that this file is a GenTL producer that may and can be loaded here; loads it.

    Returns the file that was looked at, links followed: the one to open.

    Raises:
        CaptureError: says what is wrong with the file and what to do.
    """
    target = admitted(path)
    try:
        built_for = architecture(target)
    except OSError as error:
        raise CaptureError(f"Producer {path} cannot be read: {error.strerror}.") from error
    here = architecture(Path(sys.executable))
    if built_for is None:
        raise CaptureError(f"{path} is no GenTL producer: it is not even a shared library.")
    if built_for != here:
        raise CaptureError(
            f"Producer {path} is built for {built_for}, this Python for {here}; "
            f"install the vendor's {here} package."
        )
    try:
        library = ctypes.CDLL(str(target))
    except OSError as error:
        raise CaptureError(f"Producer {path} cannot be loaded: {error}.") from error
    if not hasattr(library, "GCInitLib"):
        raise CaptureError(f"{path} is no GenTL producer: it is a shared library without GCInitLib.")
    return target


def usable_producers(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Split into files of producers that load here and one line about each that does not."""
    usable: list[Path] = []
    problems: list[str] = []
    for path in paths:
        try:
            usable.append(check_producer(path))
        except CaptureError as error:
            problems.append(str(error))
    return usable, problems


def describe(info: Any) -> Device:
    """Return what a GenTL device info object says; what the producer does not know is empty."""
    return Device(
        serial=_text(info, "serial_number") or _text(info, "id_"),
        vendor=_text(info, "vendor"),
        model=_text(info, "model"),
        transport=_text(info, "tl_type"),
        producer=_producer_of(info),
        accessible=_text(info, "access_status") in {"0", "1"},  # unknown, or free to read and write
        interface=_text(getattr(info, "parent", None), "display_name"),
    )


def describe_library(path: Path, system: Any) -> LoadedLibrary:
    """Return what a GenTL library says of itself through its system module, None if that did not open."""
    return LoadedLibrary(
        path,
        _text(system, "vendor"),
        _text(system, "model"),
        _text(system, "version"),
        exposure_of(path),
    )


def unique_devices(infos: Iterable[Any]) -> dict[str, tuple[Device, Any]]:
    """Return devices by serial number; one seen through several producers counts once, the first wins."""
    devices: dict[str, tuple[Device, Any]] = {}
    for info in infos:
        device = describe(info)
        devices.setdefault(device.serial, (device, info))
    return devices


def _text(module: Any, attribute: str) -> str:
    from genicam import gentl

    try:
        value = getattr(module, attribute, None)
    except gentl.GenericException:  # this producer does not answer this question
        return ""
    return "" if value is None else str(value)


def _producer_of(info: Any) -> str:
    module = info
    while module is not None:
        name = _text(module, "path_name")
        if name:
            return name
        module = getattr(module, "parent", None)
    return ""
