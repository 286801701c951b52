"""Writes `dataset.toml`: the schema, and what is known of each session. Format: docs/dataset.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from capture.dataset_files import MOST_TABLE_BYTES, read_inside
from capture.dataset_lock import FolderLock
from capture.dataset_records import CALIBRATION_NAME, DATASET_NAME, SCHEMA, read_sessions
from capture.errors import DatasetError
from capture.files import parse_toml, write_atomically
from capture.rig import RigInfo

HEADER = """\
# Pairs of a mono and a colour camera, as the sensors gave them, listed in pairs.jsonl.
# A session is a time of writing with one rig and one calibration. The format: docs/dataset.md of CycleRig.

"""


def write_sessions(folder: Path, sessions: Sequence[Mapping[str, object]]) -> None:
    """Replace the table of sessions, as a whole or not at all. Raises OSError."""
    document = {"schema": SCHEMA, "sessions": [dict(session) for session in sessions]}
    write_atomically(folder / DATASET_NAME, (HEADER + tomli_w.dumps(document)).encode())


def migrate(folder: Path) -> None:
    """Make a dataset of an earlier schema one of this schema: a program that knows only that one must not
    overlook edits. Lines stay as they are. Raises DatasetError, OSError.
    """
    try:
        data = read_inside(folder, folder / DATASET_NAME, MOST_TABLE_BYTES)
    except FileNotFoundError:
        return
    sessions = read_sessions(folder)
    if parse_toml(data).get("schema") == SCHEMA:
        return
    writing = FolderLock(folder)
    try:
        writing.acquire()
    except DatasetError:  # whoever writes it has migrated it, or is about to
        return
    try:
        write_sessions(folder, sessions)
    finally:
        writing.release()


def describe_rig(rig: RigInfo) -> dict[str, object]:
    """Return what a session that begins now says of its rig."""
    session: dict[str, object] = {
        "started": datetime.now(UTC).replace(microsecond=0),
        "rig": rig.name,
        "kind": rig.kind,
        "shares_trigger": rig.shares_trigger,
    }
    if rig.frame_rate_hz is not None:
        session["frame_rate_hz"] = rig.frame_rate_hz
    return session | {"mono": asdict(rig.mono), "color": asdict(rig.color)}


def keep_calibration(folder: Path, data: bytes) -> str:
    """Put the calibration into the dataset unless it is there; return its file name."""
    number = 1
    path = folder / CALIBRATION_NAME
    while path.exists():
        if path.read_bytes() == data:
            return path.name
        number += 1
        path = folder / f"calibration-{number}.toml"
    write_atomically(path, data)
    return path.name
