"""Brings a dataset in order after a check: what can be read stays listed, the rest is set aside by name.

Captured images are never deleted: they move to `orphans/`, and so do the lines that listed them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.dataset_edits import EDITS_NAME
from capture.dataset_files import MOST_TABLE_BYTES, check_writable_layout, read_inside
from capture.dataset_lock import EDIT_LOCK_NAME, FolderLock
from capture.dataset_records import (
    CALIBRATION_NAME,
    DATASET_NAME,
    PAIRS_NAME,
    WRITTEN_FOLDERS,
    PairRecord,
    read_sessions,
)
from capture.dataset_repair import Repairs, keep_copy, repair
from capture.dataset_sessions import write_sessions
from capture.datasets.check import check_dataset, is_captured, refuse_other_schemas
from capture.datasets.files import Depth
from capture.datasets.findings import Checked
from capture.datasets.scan import Content, Line, Lists, Progress
from capture.errors import DatasetError
from capture.files import parse_toml, write_atomically

BAD_LINES_NAME, BAD_EDITS_NAME, BAD_TABLE_NAME = "bad-lines.jsonl", "bad-edits.jsonl", "bad-dataset.toml"


@dataclass(frozen=True)
class Mended:
    """What was done. `repairs` is what opening for writing does too.

    Attributes:
        lines, edits: that could not be read, or listed a pair again; copied to `orphans/`.
        sessions: entries of `dataset.toml` that were made anew, with nothing known of them.
        repairs: files and pairs that were set aside.
    """

    lines: int = 0
    edits: int = 0
    sessions: int = 0
    repairs: Repairs = field(default_factory=Repairs)

    def __str__(self) -> str:
        parts = {
            "unreadable or repeated lines set aside": self.lines,
            "edits that cannot be followed set aside": self.edits,
            "sessions listed anew, with nothing known of them": self.sessions,
        }
        said = [f"{count} {what}" for what, count in parts.items() if count]
        said += [str(self.repairs)] if self.repairs != Repairs() else []
        return ", ".join(said) or "nothing to mend"


def mend_dataset(
    folder: Path, checked: Checked, depth: Depth = "pixels", progress: Progress | None = None
) -> tuple[Mended, Checked]:
    """Set aside what a check found and cannot be used; return what was done and what a new check finds.

    Raises:
        DatasetError: another process writes the dataset, something in it leads outside the folder, its
            schema is not known, it is a plain folder (which has nothing to go by), or it cannot be written.
    """
    if not is_captured(folder):
        raise DatasetError(f"{folder} is a plain folder of pairs: nothing says what it should hold")
    refuse_other_schemas(folder)
    check_writable_layout(folder, WRITTEN_FOLDERS)
    writing, editing = FolderLock(folder), FolderLock(folder, EDIT_LOCK_NAME)
    try:
        writing.acquire()
        editing.acquire(wait=True)
        mended = _mend(folder, checked)
    except OSError as error:
        raise DatasetError(f"cannot mend {folder}: {error.strerror or error}") from error
    finally:
        editing.release()
        writing.release()
    return mended, check_dataset(folder, depth, progress)


def _mend(folder: Path, checked: Checked) -> Mended:
    lists = Lists.read(folder)
    _, bad_edits = lists.edited()
    drop = {line.number for line in lists.pairs if line.content is None}
    for name, lines in lists.by_name().items():
        kept = checked.chosen.get(name, lines[0].number)
        if kept not in {line.number for line in lines}:
            raise DatasetError(f"{folder / PAIRS_NAME} changed since it was checked: check it again")
        drop |= {line.number for line in lines} - {kept}
    _drop_lines(folder, PAIRS_NAME, lists.pairs, drop, BAD_LINES_NAME, lists.torn)
    _drop_lines(folder, EDITS_NAME, lists.edits, bad_edits, BAD_EDITS_NAME, b"")
    records = [line.content for line in lists.pairs if line.content and line.number not in drop]
    sessions = _complete_sessions(folder, records)
    _, repairs = repair(folder, checked.broken)
    return Mended(len(drop), len(bad_edits), sessions, repairs)


def _drop_lines(
    folder: Path,
    name: str,
    lines: Sequence[Line[Content]],
    drop: Collection[int],
    kept_in: str,
    torn: bytes,
) -> None:
    """Rewrite a list without some of its lines; they are safe in `orphans/` before."""
    if not drop:
        return
    keep_copy(folder, kept_in, b"\n".join(line.data for line in lines if line.number in drop))
    rest = b"".join(line.data + b"\n" for line in lines if line.number not in drop)
    write_atomically(folder / name, rest + torn)


def _complete_sessions(folder: Path, records: Sequence[PairRecord]) -> int:
    """Give every pair a session in `dataset.toml`; return how many entries were made.

    An unreadable file is copied to `orphans/` first. Of a session nobody knows anything of, the calibration
    is known if the dataset has but one. A number far beyond the number of pairs is left as it is.
    """
    path = folder / DATASET_NAME
    readable = True
    try:
        sessions = read_sessions(folder)
    except DatasetError:
        sessions, readable = _salvaged(folder), False
    most = len(records) + len(sessions)
    needed = max((record.session for record in records if record.session < most), default=-1) + 1
    if readable and path.exists() and needed <= len(sessions):
        return 0
    if not readable:
        keep_copy(folder, BAD_TABLE_NAME, read_inside(folder, path, MOST_TABLE_BYTES))
    calibrations = sorted(folder.glob("calibration*.toml"))
    new: dict[str, object] = {"rig": "unknown", "kind": "unknown"}
    if [path.name for path in calibrations] == [CALIBRATION_NAME]:
        new["calibration"] = CALIBRATION_NAME
    count = max(0, needed - len(sessions))
    write_sessions(folder, [*sessions, *([new] * count)])
    return count


def _salvaged(folder: Path) -> list[dict[str, object]]:
    """Return the sessions of a file that is TOML but for its end; none if even that is not so."""
    try:
        data = read_inside(folder, folder / DATASET_NAME, MOST_TABLE_BYTES)
    except (DatasetError, OSError):
        return []
    while data:
        try:
            sessions = parse_toml(data).get("sessions", [])
        except ValueError:
            data = data[: max(0, data.rfind(b"\n[[sessions]]"))]
            continue
        tables = isinstance(sessions, list) and all(isinstance(session, dict) for session in sessions)
        return sessions if tables else []
    return []
