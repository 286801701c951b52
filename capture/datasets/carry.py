"""What goes along when pairs become another dataset: lines, sessions, calibrations, decisions, notes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from capture.calibration import load_calibration
from capture.dataset_edits import EDITS_NAME, Edit, Edits, PairState, to_edit_line
from capture.dataset_events import EVENTS_NAME, read_events
from capture.dataset_notes import read_notes, write_notes
from capture.dataset_reader import DatasetReader
from capture.dataset_records import PAIRS_NAME, PairRecord, to_line
from capture.dataset_sessions import keep_calibration, write_sessions
from capture.datasets.sources import add_sources
from capture.errors import CalibrationError, DatasetError
from capture.files import write_atomically
from capture.words import printable


@dataclass(frozen=True)
class Taken:
    """A pair on its way: its line there and here, and what people decided of it."""

    part: int
    source: PairRecord
    record: PairRecord
    state: PairState


@dataclass
class Source:
    """A dataset that is read: what it lists, and the number of its first session in the new one."""

    folder: Path
    reader: DatasetReader
    records: Sequence[PairRecord]
    edits: Edits
    first_session: int
    names: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return the name of its folder, as a file of text can hold it."""
        return printable(self.folder.resolve().name)


def write_lists(sources: Sequence[Source], taken: Sequence[Taken], out: Path) -> None:
    """Write everything but the images into the new dataset's folder.

    Raises:
        DatasetError: something in a source cannot be read.
        OSError: the folder cannot be written.
    """
    sessions: list[dict[str, object]] = []
    for source in sources:
        sessions += _sessions_of(source, out, several=len(sources) > 1)
    write_sessions(out, sessions)
    write_atomically(out / PAIRS_NAME, b"".join(to_line(pair.record) for pair in taken))
    if edits := _edit_lines(taken):
        write_atomically(out / EDITS_NAME, edits)
    if events := b"".join(_event_lines(source) for source in sources):
        write_atomically(out / EVENTS_NAME, events)
    if notes := _notes(sources):
        write_notes(out, notes)
    if len(sources) > 1:
        add_sources(out, ((pair.record.name, sources[pair.part].label, pair.source.name) for pair in taken))


def _sessions_of(source: Source, out: Path, *, several: bool) -> list[dict[str, object]]:
    """Return the sessions with their calibrations' new names; the files go along."""
    carried = []
    for number, session in enumerate(source.reader.sessions):
        entry = dict(session)
        if several:
            entry.setdefault("merged_from", source.label)
        if session.get("calibration") is not None:
            some = PairRecord("x", number, "", 0, 0, None, None)
            path = source.reader.calibration_path(some)
            if path is None:
                raise DatasetError(f"{source.folder}: the calibration of session {number} is missing")
            entry["calibration"] = keep_calibration(out, _calibration_data(path, session))
        carried.append(entry)
    return carried


def _calibration_data(path: Path, session: Mapping[str, object]) -> bytes:
    """Return the content of a calibration file, if it is one, and the one that was in use."""
    try:
        load_calibration(path)
    except CalibrationError as error:
        raise DatasetError(str(error)) from error
    data = path.read_bytes()
    known = session.get("calibration_sha256")
    if isinstance(known, str) and hashlib.sha256(data).hexdigest() != known:
        raise DatasetError(f"{path} is not the file that was in use (its hash differs)")
    return data


def _edit_lines(taken: Sequence[Taken]) -> bytes:
    """Return edits that give the pairs the state they have: one for all pairs with the same change."""
    groups: dict[Edit, list[str]] = {}
    for pair in taken:
        captured = {*pair.source.tags}
        change = Edit(
            names=(),
            add_tags=tuple(tag for tag in pair.state.tags if tag not in captured),
            remove_tags=tuple(sorted(captured - {*pair.state.tags})),
            excluded=True if pair.state.excluded else None,
        )
        if change != Edit(names=()):
            groups.setdefault(change, []).append(pair.record.name)
    return b"".join(to_edit_line(replace(change, names=tuple(names))) for change, names in groups.items())


def _event_lines(source: Source) -> bytes:
    lines = []
    for event in read_events(source.folder):
        session, after = event.get("session"), event.get("after")
        moved: dict[str, object] = dict(event)
        if isinstance(session, int):
            moved["session"] = session + source.first_session
        moved["after"] = source.names.get(after) if isinstance(after, str) else None
        try:
            lines.append(json.dumps(moved).encode() + b"\n")
        except RecursionError as error:
            raise DatasetError(f"{source.folder / EVENTS_NAME}: an event is nested too deep") from error
    return b"".join(lines)


def _notes(sources: Sequence[Source]) -> str:
    found = [(source.label, read_notes(source.folder)) for source in sources]
    if len(found) == 1:
        return found[0][1]
    return "\n".join(f"[{label}]\n{text.rstrip()}\n" for label, text in found if text.strip())
