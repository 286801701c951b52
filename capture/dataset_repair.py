"""Makes a dataset whole again after its writer died: what is listed is complete, the rest is set aside.

Captured images are never deleted. What cannot be listed moves to `orphans/`, where nothing reads it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.dataset_edits import Edits, move_trash
from capture.dataset_files import MOST_LIST_BYTES, read_inside
from capture.dataset_records import (
    ORPHANS_NAME,
    PAIRS_NAME,
    TRASH_NAME,
    PairRecord,
    from_line,
    image_path,
    read_records,
)
from capture.files import TEMPORARY_SUFFIX, make_folder, sync_folder, write_atomically
from capture.frames import ROLES, Role

# Only the newest files can have been caught by a crash; hashing all of a large dataset would take minutes.
HASHED_PAIRS = 64
LONGEST_NUMBER = 18


@dataclass(frozen=True)
class Repairs:
    """What reopening had to do. All zero after a clean end.

    Attributes:
        temporary_files: half-written files that were removed.
        orphans: whole images that no line lists, moved to `orphans/`.
        torn_lines: an unfinished last line of `pairs.jsonl`, moved to `orphans/`.
        broken_pairs: listed pairs whose files are missing or changed; line and files moved to `orphans/`.
    """

    temporary_files: int = 0
    orphans: int = 0
    torn_lines: int = 0
    broken_pairs: int = 0

    def __str__(self) -> str:
        parts = {
            "half-written files removed": self.temporary_files,
            "unlisted images set aside": self.orphans,
            "torn line set aside": self.torn_lines,
            "damaged pairs set aside": self.broken_pairs,
        }
        return ", ".join(f"{count} {what}" for what, count in parts.items() if count) or "nothing to repair"


def repair(folder: Path, also_broken: Collection[str] = ()) -> tuple[list[PairRecord], Repairs]:
    """Bring the folder in order; the caller holds its locks. Returns the listed pairs.

    Args:
        folder: of the dataset.
        also_broken: names of pairs that are known to be damaged, besides those that are looked at here.

    Raises DatasetError (a line that no crash explains) or OSError.
    """
    records, torn = read_records(folder)
    edits = Edits.read(folder, records)
    trashed = {record.name: edits.state(record.name).trashed for record in records}
    move_trash(folder, _misplaced(folder, trashed))
    temporary_files = _remove_temporary_files(folder)
    if torn:
        keep_copy(folder, "torn-lines.txt", torn)
    sizes = {role: _sizes(folder / role) for role in ROLES}
    broken = {
        record.name
        for position, record in enumerate(records)
        # What lies in the trash is nobody's loss: a person may empty that folder.
        if not trashed[record.name]
        and (
            record.name in also_broken
            or not _is_whole(folder, record, sizes, with_hash=position >= len(records) - HASHED_PAIRS)
        )
    }
    if torn or broken:
        _rewrite_list(folder, broken)
        records = [record for record in records if record.name not in broken]
    orphans = _set_unlisted_aside(folder, {record.name: trashed[record.name] for record in records})
    return records, Repairs(temporary_files, orphans, int(bool(torn)), len(broken))


def used_numbers(folder: Path, records: Iterable[PairRecord]) -> Iterable[int]:
    """Yield the numbers of all pairs, those that were set aside included: no name is given twice."""
    names = [record.name for record in records]
    for role in ROLES:
        names += [path.name.split(".")[0] for path in (folder / ORPHANS_NAME / role).glob("*.png")]
    # Longer ones were not given by a writer, and the number after them might be too long for a name.
    yield from (int(name) for name in names if name.isdecimal() and len(name) <= LONGEST_NUMBER)


def _remove_temporary_files(folder: Path) -> int:
    found = [
        path
        for place in (folder, *(folder / role for role in ROLES))
        for path in place.glob(f".*{TEMPORARY_SUFFIX}")
        if path.is_symlink() or not path.is_dir()
    ]
    for path in found:
        path.unlink()
    return len(found)


def _is_whole(
    folder: Path, record: PairRecord, sizes: Mapping[Role, Mapping[str, int]], with_hash: bool
) -> bool:
    for role in ROLES:
        expected = record.frame(role)
        if expected is None or sizes[role].get(f"{record.name}.png") != expected.size_bytes:
            return False
        if with_hash:
            data = image_path(folder, role, record.name).read_bytes()
            if hashlib.sha256(data).hexdigest() != expected.sha256:
                return False
    return True


def _sizes(folder: Path) -> dict[str, int]:
    """Return what regular files there have in bytes, by name; of tens of thousands in a tenth of a second."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _misplaced(folder: Path, trashed: Mapping[str, bool]) -> dict[str, bool]:
    """Return of the pairs those with a file where it does not belong."""
    inside = {name.removesuffix(".png") for role in ROLES for name in _names(folder / role)}
    thrown = {name.removesuffix(".png") for role in ROLES for name in _names(folder / TRASH_NAME / role)}
    return {name: there for name, there in trashed.items() if name in (inside if there else thrown)}


def _rewrite_list(folder: Path, broken: set[str]) -> None:
    """Leave the torn end and the broken pairs out of `pairs.jsonl`; their lines go beside the orphans."""
    path = folder / PAIRS_NAME
    lines = path.read_bytes().split(b"\n")[:-1]
    kept = [line for line in lines if from_line(line).name not in broken]
    if broken:
        gone = [line for line in lines if from_line(line).name in broken]
        keep_copy(folder, "broken-pairs.jsonl", b"\n".join(gone))
    write_atomically(path, b"".join(line + b"\n" for line in kept))


def _set_unlisted_aside(folder: Path, is_trashed: Mapping[str, bool]) -> int:
    """Move images that no line lists, and second ones of pairs whose first lies in the trash."""
    count = 0
    for role in ROLES:
        unsure = [name for name in _names(folder / role) if is_trashed.get(name.removesuffix(".png"), True)]
        for path in sorted(folder / role / name for name in unsure if name.endswith(".png")):
            in_trash = is_trashed.get(path.stem, False) and (folder / TRASH_NAME / role / path.name).exists()
            if (path.stem in is_trashed and not in_trash) or not (path.is_file() or path.is_symlink()):
                continue
            target = folder / ORPHANS_NAME / role / path.name
            make_folder(target.parent)
            path.rename(_free_name(target))
            count += 1
        if count:
            sync_folder(folder / role)
            if (folder / ORPHANS_NAME / role).is_dir():
                sync_folder(folder / ORPHANS_NAME / role)
    return count


def _free_name(path: Path) -> Path:
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free


def keep_copy(folder: Path, name: str, data: bytes) -> None:
    """Add a copy of what is about to leave the list, safely on disk before it does."""
    make_folder(folder / ORPHANS_NAME)
    path = folder / ORPHANS_NAME / name
    before = read_inside(folder, path, MOST_LIST_BYTES) if path.exists() else b""
    write_atomically(path, before + data + b"\n")
