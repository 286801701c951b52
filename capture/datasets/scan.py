"""Reads the lists of a dataset line by line and goes on after what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from capture.dataset_edits import EDITS_NAME, Edit, Edits, from_edit_line
from capture.dataset_events import EVENTS_NAME
from capture.dataset_files import MOST_LIST_BYTES, read_inside
from capture.dataset_records import PAIRS_NAME, PairRecord, from_line, parse_json
from capture.errors import DatasetError

Content = TypeVar("Content")
Progress = Callable[[int, int], None]
"""Gets (done, of all) after each step; what it raises ends the work."""


@dataclass(frozen=True)
class Line(Generic[Content]):
    """A line of a list. `content` is None, and `error` says why, if it cannot be read."""

    number: int
    data: bytes
    content: Content | None
    error: str = ""


@dataclass(frozen=True)
class Lists:
    """Everything that a dataset's lists hold, readable or not.

    Attributes:
        pairs: lines of `pairs.jsonl`; names may repeat.
        torn: what follows the last line feed of it; empty as a rule.
        edits: lines of `edits.jsonl`.
        events: lines of `events.jsonl`; the content is True.
    """

    pairs: Sequence[Line[PairRecord]]
    torn: bytes
    edits: Sequence[Line[Edit]]
    events: Sequence[Line[bool]]

    @classmethod
    def read(cls, folder: Path) -> Lists:
        """Read the lists. Raises DatasetError only if one of the files cannot be read at all."""
        pairs, torn = _read(folder, PAIRS_NAME, from_line)
        edits, _ = _read(folder, EDITS_NAME, from_edit_line)
        events, torn_event = _read(folder, EVENTS_NAME, _is_object)
        if torn_event:
            events.append(Line(len(events) + 1, torn_event, None, "it was torn by a crash"))
        return cls(pairs, torn, edits, events)

    def by_name(self) -> dict[str, list[Line[PairRecord]]]:
        """Return the readable lines of each pair, in order; more than one if a name is listed again."""
        found: dict[str, list[Line[PairRecord]]] = {}
        for line in self.pairs:
            if line.content is not None:
                found.setdefault(line.content.name, []).append(line)
        return found

    def edited(self) -> tuple[Edits, dict[int, str]]:
        """Return what the edits make of the pairs, and why some (by line) cannot be followed."""
        edits = Edits.of(lines[0].content for lines in self.by_name().values() if lines[0].content)
        bad = {line.number: line.error for line in self.edits if line.content is None}
        for line in self.edits:
            if line.content is None:
                continue
            try:
                edits.follow(line.content)
            except DatasetError as error:
                bad[line.number] = str(error)
        return edits, bad


def _read(folder: Path, name: str, parse: Callable[[bytes], Content]) -> tuple[list[Line[Content]], bytes]:
    try:
        data = read_inside(folder, folder / name, MOST_LIST_BYTES)
    except FileNotFoundError:
        return [], b""
    except OSError as error:
        raise DatasetError(f"cannot read {folder / name}: {error.strerror or error}") from error
    *lines, rest = data.split(b"\n")
    return [_parsed(number, line, parse) for number, line in enumerate(lines, start=1)], rest


def _parsed(number: int, data: bytes, parse: Callable[[bytes], Content]) -> Line[Content]:
    try:
        return Line(number, data, parse(data))
    except DatasetError as error:
        return Line(number, data, None, str(error))


def _is_object(line: bytes) -> bool:
    if not isinstance(parse_json(line), dict):
        raise DatasetError("line must be an object")
    return True
