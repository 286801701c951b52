"""Which GenTL libraries may be loaded, and which ones were: each is code that runs with its user's rights.

A library is loaded only if a person or an installation named its place (the rig file, `GENICAM_GENTL64_PATH`,
the folders where camera makers put theirs), and only if it is called `.cti`, as GenTL wants it, also behind
symbolic links. What is loaded is the file that was looked at, not a link that may point elsewhere by then.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from capture.errors import CaptureError

NAME = re.compile(r".+\.cti", re.IGNORECASE)
TARGET = re.compile(r".+\.cti(\.\d+)*", re.IGNORECASE)
"""A link may lead to a file with its version behind the ending, as shared libraries have it."""


@dataclass(frozen=True)
class LoadedLibrary:
    """A GenTL library in the capture process.

    Attributes:
        path: the file, links followed.
        vendor, model, version: as it says itself, empty where it does not.
        warning: what is wrong with it, one line, empty if nothing is.
    """

    path: Path
    vendor: str = ""
    model: str = ""
    version: str = ""
    warning: str = ""

    @property
    def made_by(self) -> str:
        """Return vendor, model and version in one line, empty if it tells none."""
        return " ".join(part for part in (self.vendor, self.model, self.version) if part)


def admitted(path: Path) -> Path:
    """Return the file to load for a library that was named. Raises CaptureError if it must not be loaded."""
    if NAME.fullmatch(path.name) is None:
        raise CaptureError(
            f"{path} is not loaded: the name of a GenTL library ends in .cti; correct `producers` in the rig "
            "file or the search path."
        )
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = error.strerror if isinstance(error, OSError) else "its links form a circle"
        raise CaptureError(f"Producer {path} cannot be read: {reason}.") from error
    if TARGET.fullmatch(target.name) is None:
        raise CaptureError(f"{path} is not loaded: it is a link to {target}, which does not end in .cti.")
    if not target.is_file():
        raise CaptureError(f"{path} is not loaded: it is no file.")
    return target


def exposure_of(library: Path) -> str:
    """Return one line if others than its owner could put their own code in its place, else an empty one."""
    if os.name != "posix":
        return ""
    target = library.resolve()
    if _writable_by_anyone(target):
        return f"Anyone on this computer may change {target}, which runs with your rights: chmod o-w {target}"
    # Whoever may rename entries of the folder can exchange the file; the sticky bit forbids just that.
    folder = target.parent
    if _writable_by_anyone(folder) and not folder.stat().st_mode & stat.S_ISVTX:
        return (
            f"Anyone on this computer may exchange {target.name} in {folder}, which runs with your rights: "
            f"chmod o-w {folder}"
        )
    return ""


def _writable_by_anyone(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return False
