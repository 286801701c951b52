"""Does Qt find the system libraries it needs? Asked before Qt is imported: without them Qt aborts.

The Qt wheels bring Qt itself, but not the X11 libraries its `xcb` platform plugin is linked against. This
reads what the plugin and Qt's own libraries need from their ELF headers, and tries to load what the wheel
lacks.
"""

from __future__ import annotations

import ctypes
import importlib.util
import mmap
import os
import re
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

DEBIAN_EXCEPTIONS = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libz.so.1": "zlib1g",
    "libstdc++.so.6": "libstdc++6",
}
"""Libraries whose package is not called like the library; for the others Debian's naming rule holds."""

MODULES = ("QtCore", "QtGui", "QtWidgets")


def missing_qt_libraries(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the Debian packages that Qt's windows need and that are not here; empty if all is well.

    Also empty on systems other than Linux, where the wheels are complete, and where PySide6 is not installed.
    """
    if sys.platform != "linux":
        return []
    package = importlib.util.find_spec("PySide6")
    if package is None or package.origin is None:
        return []
    folder = Path(package.origin).parent
    roots = [folder / f"{module}.abi3.so" for module in MODULES]
    roots.append(folder / "Qt" / "plugins" / "platforms" / f"libq{_platform(environ)}.so")
    own_folders = [folder, folder / "Qt" / "lib", folder.parent / "shiboken6"]
    needed = _system_libraries([root for root in roots if root.is_file()], own_folders)
    return sorted({debian_package(name) for name in needed for name in _unloadable(name)})


def install_hint(packages: Iterable[str]) -> str:
    """Return one line that tells how to install these packages, empty if there are none."""
    names = " ".join(packages)
    if not names:
        return ""
    return (
        f"Qt cannot open a window: system libraries are missing. Install them with: sudo apt install {names}"
    )


def missing_libraries_hint() -> str:
    """Return the line to print instead of starting Qt, empty if Qt can start."""
    return install_hint(missing_qt_libraries())


def display_hint(environ: Mapping[str, str] = os.environ) -> str:
    """Return one line if no X server answers where one is named, empty if one does or Qt will not ask it."""
    if sys.platform != "linux" or _platform(environ) != "xcb" or "DISPLAY" not in environ:
        return ""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # a missing library is `missing_qt_libraries`' affair
        return ""
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    for function in (xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        function.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(environ["DISPLAY"].encode(), None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if not failed:
        return ""
    return f"No display answers at DISPLAY={environ['DISPLAY']}: correct it, or run with --headless."


def debian_package(library: str) -> str:
    """Return the Debian package that holds a library: libxcb-cursor.so.0 is in libxcb-cursor0."""
    if library in DEBIAN_EXCEPTIONS:
        return DEBIAN_EXCEPTIONS[library]
    stem, _, version = library.partition(".so.")
    major = version.partition(".")[0]
    dash = "-" if stem[-1:].isdigit() and major else ""
    return f"{stem.lower().replace('_', '-')}{dash}{major}"


def _platform(environ: Mapping[str, str]) -> str:
    """Return the platform plugin Qt is going to load."""
    asked = environ.get("QT_QPA_PLATFORM", "").partition(";")[0].partition(":")[0]
    if asked:
        return asked
    return "wayland" if environ.get("WAYLAND_DISPLAY") and not environ.get("DISPLAY") else "xcb"


def _system_libraries(roots: Iterable[Path], own_folders: Iterable[Path]) -> set[str]:
    """Return the libraries beyond the wheel that its files need, directly or through each other."""
    folders = list(own_folders)
    to_read = list(roots)
    seen: set[Path] = set()
    outside: set[str] = set()
    while to_read:
        path = to_read.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in needed_libraries(path):
            inside = [folder / name for folder in folders if (folder / name).is_file()]
            if inside:
                to_read.append(inside[0])
            else:
                outside.add(name)
    return outside


def _unloadable(name: str) -> list[str]:
    """Return what keeps a library from being loaded: itself, or one that it needs; empty if it loads."""
    try:
        ctypes.CDLL(name)
    except OSError as error:
        culprit = re.match(r"(\S+\.so[.\d]*): cannot open shared object file", str(error))
        return [culprit[1] if culprit else name]
    return []


def needed_libraries(path: Path) -> list[str]:
    """Return the DT_NEEDED entries of a 64-bit little-endian ELF file, empty for any other file."""
    with path.open("rb") as file:
        if file.read(6) != b"\x7fELF\x02\x01":
            return []
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as elf:
            return _needed(elf)


def _needed(elf: mmap.mmap) -> list[str]:
    (header_offset,) = struct.unpack_from("<Q", elf, 32)
    entry_size, entries = struct.unpack_from("<HH", elf, 54)
    segments = [struct.unpack_from("<IIQQQQ", elf, header_offset + i * entry_size) for i in range(entries)]
    loaded = [(address, offset, size) for kind, _, offset, address, _, size in segments if kind == 1]
    dynamic: list[tuple[int, int]] = []
    for kind, _, offset, _, _, size in segments:
        if kind == 2:
            dynamic = [struct.unpack_from("<QQ", elf, offset + i) for i in range(0, size, 16)]
    table_address = next((value for tag, value in dynamic if tag == 5), None)
    for address, offset, size in loaded:
        if table_address is not None and address <= table_address < address + size:
            start = table_address - address + offset
            names = [start + value for tag, value in dynamic if tag == 1]
            return [elf[name : elf.find(b"\0", name)].decode() for name in names]
    return []
