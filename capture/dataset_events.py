"""What happened while a dataset was recorded, besides pairs: `events.jsonl`. Format: docs/dataset.md."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from capture.dataset_files import MOST_LINE_BYTES, MOST_LIST_BYTES, read_inside
from capture.errors import DatasetError

EVENTS_NAME = "events.jsonl"

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | int | None"


@dataclass(frozen=True)
class DatasetEvent:
    """Something that a person who uses the pairs should know.

    Attributes:
        event: "rig_lost": no frames from here on; "rig_back": they go on.
        details: "cause" in one line; "frozen_s", for how long there was nothing; "refused", settings that the
            cameras did not take back.
    """

    event: str
    details: Mapping[str, Json] = field(default_factory=dict)


def append_event(folder: Path, event: DatasetEvent, session: int, after: str | None) -> None:
    """Add a line that survives a power cut. `after`: name of the last pair before it. Raises OSError."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "session": session,
        "after": after,
        "event": event.event,
        **event.details,
    }
    with (folder / EVENTS_NAME).open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")  # a crash tore the last line: it is left to be seen
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_events(folder: Path) -> list[dict[str, Json]]:
    """Return the events of a dataset in order, without lines that a crash tore. Raises DatasetError."""
    try:
        lines = read_inside(folder, folder / EVENTS_NAME, MOST_LIST_BYTES).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DatasetError(f"cannot read {folder / EVENTS_NAME}: {error.strerror or error}") from error
    events = []
    for line in lines:
        with suppress(ValueError, RecursionError):
            event = json.loads(line[: MOST_LINE_BYTES + 1].decode())
            if isinstance(event, dict):
                events.append(event)
    return events
