"""Pairs of one or several datasets as one new dataset: merging, and taking parts out.

What was captured goes along unchanged: images (hard links where the disk allows, else copies), lines,
sessions, calibrations, events, what people decided, notes. Every file is compared with its line before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from capture.dataset_edits import Edits
from capture.dataset_reader import DatasetReader
from capture.dataset_records import (
    DATASET_NAME,
    PairRecord,
    image_path,
    read_records,
)
from capture.datasets.carry import Source, Taken, write_lists
from capture.datasets.files import faults_of_pair, in_parallel
from capture.datasets.scan import Progress
from capture.errors import DatasetError
from capture.files import sync_folder
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
        write_lists(sources, taken, partial)
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


def _open_all(parts: Sequence[Part]) -> list[Source]:
    sources: list[Source] = []
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
        sources.append(Source(part.folder, reader, records, edits, first_session))
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
    parts: Sequence[Part], sources: Sequence[Source], *, keep_doubles: bool
) -> tuple[list[Taken], list[str]]:
    """Return the pairs to take, with their new names and sessions, and the doubles that are left out."""
    taken: list[Taken] = []
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
            taken.append(Taken(number, record, moved, state))
    return taken, doubles


def _verify(sources: Sequence[Source], taken: Sequence[Taken], progress: Progress | None) -> None:
    """Raise DatasetError if a file is not what was captured."""

    def look(pair: Taken) -> str:
        folder = sources[pair.part].folder
        faults = faults_of_pair(folder, pair.source, "pixels", trashed=False)
        return f"{folder}: {faults[0].message}; check --repair sets it aside" if faults else ""

    for done, (_, fault) in enumerate(in_parallel(look, taken), start=1):
        if fault:
            raise DatasetError(printable(fault, 400))
        if progress is not None:
            progress(done, len(taken))


def _place_images(sources: Sequence[Source], taken: Sequence[Taken], out: Path, *, link: bool) -> int:
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


def _clear(partial: Path) -> None:
    """Remove what an earlier attempt left. Raises OSError if something else lies there."""
    if not partial.exists() and not partial.is_symlink():
        return
    known = {*ROLES, _UNDER_WAY}
    if partial.is_symlink() or not ({path.name for path in partial.iterdir()} & known):
        raise OSError(f"{partial} is in the way: remove it")
    shutil.rmtree(partial)
