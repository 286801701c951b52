"""Pairs of one or several datasets as one new dataset: merging, and taking parts out.

What was captured goes along unchanged: images (hard links where the disk allows, else copies), lines,
sessions, calibrations, events, what people decided, notes. Every file is compared with its line before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from capture.calibration import load_calibration
from capture.dataset_edits import EDITS_NAME, Edit, Edits, PairState, to_edit_line
from capture.dataset_events import EVENTS_NAME, read_events
from capture.dataset_notes import read_notes, write_notes
from capture.dataset_reader import DatasetReader
from capture.dataset_records import (
    DATASET_NAME,
    PAIRS_NAME,
    PairRecord,
    image_path,
    read_records,
    to_line,
)
from capture.dataset_sessions import keep_calibration, write_sessions
from capture.datasets.files import faults_of_pair, in_parallel
from capture.datasets.scan import Progress
from capture.datasets.sources import add_sources
from capture.errors import CalibrationError, DatasetError
from capture.files import sync_folder, write_atomically
from capture.frames import ROLES
from capture.words import printable

_UNDER_WAY = ".combining"


@dataclass(frozen=True)
class Part:
    """Pairs of a dataset that go into a new one. `names` None: all but those in the trash."""

    folder: Path
    names: frozenset[str] | None = None


@dataclass(frozen=True)
class Combined:
    """What became a dataset.

    Attributes:
        pairs: how many it has.
        doubles: pairs that were left out because another one has the same images; "FOLDER/NAME".
        in_trash: pairs that were left behind in the trash of their datasets.
        linked, copied: image files.
    """

    pairs: int
    doubles: tuple[str, ...]
    in_trash: int
    linked: int
    copied: int


@dataclass(frozen=True)
class _Taken:
    """A pair on its way: its line there and here, and what people decided of it."""

    part: int
    source: PairRecord
    record: PairRecord
    state: PairState


@dataclass
class _Source:
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


def combine(
    parts: Sequence[Part],
    out: Path,
    *,
    link: bool = True,
    keep_doubles: bool = False,
    progress: Progress | None = None,
) -> Combined:
    """Make a new dataset of pairs of others. `out` is there as a whole at the end, or not at all.

    Pairs of a single part keep their names; those of several are numbered anew, in the order of the parts,
    and `sources.csv` says what they were called.

    Args:
        parts: at least one.
        out: a folder that does not exist yet.
        link: make hard links where that is possible; nothing that was captured is ever changed in place.
        keep_doubles: also take pairs whose two images are the same as another's.
        progress: gets (pairs done, pairs); what it raises ends the work, and leaves nothing behind.

    Raises:
        DatasetError: a part cannot be read, has an unknown schema, is a plain folder or named twice; a file
            of it is not what was captured; `out` exists or cannot be written.
    """
    sources = _open_all(parts)
    if out.exists() or out.is_symlink():
        raise DatasetError(f"{out} exists already: name a new folder")
    taken, doubles = _choose(parts, sources, keep_doubles=keep_doubles)
    if not taken:
        raise DatasetError("no pairs are left to put into a dataset")
    _verify(sources, taken, progress)
    partial = out.with_name(f".{out.name}.partial")
    try:
        _clear(partial)
        for role in ROLES:
            (partial / role).mkdir(parents=True)
        (partial / _UNDER_WAY).touch()
        linked = _place_images(sources, taken, partial, link=link)
        _write_lists(sources, taken, partial)
        (partial / _UNDER_WAY).unlink()
        for folder in (partial, *(partial / role for role in ROLES)):
            sync_folder(folder)
        partial.rename(out)
        sync_folder(out.parent)
    except OSError as error:
        raise DatasetError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            _clear(partial)
    in_trash = sum(len(source.reader.trash) for source in sources)
    return Combined(len(taken), tuple(doubles), in_trash, linked, 2 * len(taken) - linked)


def _open_all(parts: Sequence[Part]) -> list[_Source]:
    sources: list[_Source] = []
    seen: dict[Path, Path] = {}
    first_session = 0
    for part in parts:
        reader = DatasetReader.open(part.folder)
        if reader.is_plain:
            raise DatasetError(f"{part.folder} is a plain folder of pairs: take it in first (dataset import)")
        real = part.folder.resolve()
        if real in seen:
            raise DatasetError(f"{part.folder} was named twice")
        seen[real] = part.folder
        records, _ = read_records(part.folder)
        _check_sessions(part.folder, records, len(reader.sessions))
        edits = Edits.read(part.folder, records)
        sources.append(_Source(part.folder, reader, records, edits, first_session))
        first_session += len(reader.sessions)
    return sources


def _check_sessions(folder: Path, records: Iterable[PairRecord], sessions: int) -> None:
    for record in records:
        if record.session >= sessions:
            raise DatasetError(
                f"{folder / DATASET_NAME} lacks session {record.session} of pair {record.name}: "
                "check --repair lists it anew"
            )


def _choose(
    parts: Sequence[Part], sources: Sequence[_Source], *, keep_doubles: bool
) -> tuple[list[_Taken], list[str]]:
    """Return the pairs to take, with their new names and sessions, and the doubles that are left out."""
    taken: list[_Taken] = []
    doubles: list[str] = []
    seen: set[tuple[str, str]] = set()
    for number, (part, source) in enumerate(zip(parts, sources, strict=True)):
        for record in source.records:
            state = source.edits.state(record.name)
            if state.trashed or (part.names is not None and record.name not in part.names):
                continue
            assert record.mono is not None
            assert record.color is not None
            content = record.mono.sha256, record.color.sha256
            if content in seen and not keep_doubles:
                doubles.append(f"{source.label}/{record.name}")
                continue
            seen.add(content)
            name = record.name if len(parts) == 1 else f"{len(taken):06d}"
            source.names[record.name] = name
            moved = replace(record, name=name, session=record.session + source.first_session)
            taken.append(_Taken(number, record, moved, state))
    return taken, doubles


def _verify(sources: Sequence[_Source], taken: Sequence[_Taken], progress: Progress | None) -> None:
    """Raise DatasetError if a file is not what was captured."""

    def look(pair: _Taken) -> str:
        folder = sources[pair.part].folder
        faults = faults_of_pair(folder, pair.source, "pixels", trashed=False)
        return f"{folder}: {faults[0].message}; check --repair sets it aside" if faults else ""

    for done, (_, fault) in enumerate(in_parallel(look, taken), start=1):
        if fault:
            raise DatasetError(printable(fault, 400))
        if progress is not None:
            progress(done, len(taken))


def _place_images(sources: Sequence[_Source], taken: Sequence[_Taken], out: Path, *, link: bool) -> int:
    """Link or copy all images; return how many are links."""
    linked = 0
    for pair in taken:
        for role in ROLES:
            origin = image_path(sources[pair.part].folder, role, pair.source.name).resolve()
            target = image_path(out, role, pair.record.name)
            linked += link and _linked(origin, target)
            if not target.exists():
                _copy(origin, target)
    return linked


def _linked(origin: Path, target: Path) -> bool:
    try:
        os.link(origin, target)
    except OSError:  # another disk, or one that knows no links
        return False
    return True


def _copy(origin: Path, target: Path) -> None:
    with origin.open("rb") as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


def _write_lists(sources: Sequence[_Source], taken: Sequence[_Taken], out: Path) -> None:
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


def _sessions_of(source: _Source, out: Path, *, several: bool) -> list[dict[str, object]]:
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


def _edit_lines(taken: Sequence[_Taken]) -> bytes:
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


def _event_lines(source: _Source) -> bytes:
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


def _notes(sources: Sequence[_Source]) -> str:
    found = [(source.label, read_notes(source.folder)) for source in sources]
    if len(found) == 1:
        return found[0][1]
    return "\n".join(f"[{label}]\n{text.rstrip()}\n" for label, text in found if text.strip())


def _clear(partial: Path) -> None:
    """Remove what an earlier attempt left. Raises OSError if something else lies there."""
    if not partial.exists() and not partial.is_symlink():
        return
    known = {*ROLES, _UNDER_WAY}
    if partial.is_symlink() or not ({path.name for path in partial.iterdir()} & known):
        raise OSError(f"{partial} is in the way: remove it")
    shutil.rmtree(partial)
