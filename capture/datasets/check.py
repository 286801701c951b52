"""Compares a dataset with what its lists say: every line, every file, every hash. Changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from capture.calibration import load_calibration
from capture.dataset_edits import EDITS_NAME, PairState
from capture.dataset_events import EVENTS_NAME
from capture.dataset_files import MOST_TABLE_BYTES, check_inside, read_inside
from capture.dataset_lock import EDIT_LOCK_NAME, LOCK_NAME, is_locked
from capture.dataset_notes import NOTES_NAME, read_notes
from capture.dataset_reader import DatasetReader
from capture.dataset_records import (
    DATASET_NAME,
    ORPHANS_NAME,
    PAIRS_NAME,
    READABLE_SCHEMAS,
    TRASH_NAME,
    PairRecord,
    image_path,
    read_sessions,
)
from capture.datasets.files import Depth, FileFault, faults_of_pair, in_parallel
from capture.datasets.findings import SET_ASIDE, Checked, Finding
from capture.datasets.plain import check_plain
from capture.datasets.scan import Line, Lists, Progress
from capture.datasets.sources import SOURCES_NAME
from capture.errors import CalibrationError, DatasetError
from capture.files import TEMPORARY_SUFFIX, parse_toml
from capture.frames import ROLES, Role
from capture.words import printable


def check_dataset(folder: Path, depth: Depth = "pixels", progress: Progress | None = None) -> Checked:
    """Check a dataset or a plain folder of pairs.

    Args:
        folder: of the dataset.
        depth: "sizes": files are there and as large as listed; "hashes": and have the right content;
            "pixels": and can be decoded to what their line says.
        progress: gets (pairs done, pairs); what it raises ends the check.

    Raises:
        DatasetError: no dataset is there, or its schema is not known to this version.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    if not is_captured(folder):
        return check_plain(folder, progress)
    refuse_other_schemas(folder)
    return _CapturedCheck(folder, depth, progress).run()


def is_captured(folder: Path) -> bool:
    """Return whether a folder has the lists of a captured dataset."""
    return any((folder / name).exists() for name in (PAIRS_NAME, DATASET_NAME))


def refuse_other_schemas(folder: Path) -> None:
    """Raise DatasetError if a newer version of the format is there: nothing in it may be called damage."""
    try:
        document = parse_toml(read_inside(folder, folder / DATASET_NAME, MOST_TABLE_BYTES))
    except (OSError, ValueError, DatasetError):
        return
    schema = document.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool) and schema not in READABLE_SCHEMAS:
        read_sessions(folder)


class _CapturedCheck:
    """One run over one dataset."""

    def __init__(self, folder: Path, depth: Depth, progress: Progress | None) -> None:
        self._folder = folder
        self._depth: Depth = depth
        self._progress = progress
        self._findings: list[Finding] = []
        self._lists = Lists((), b"", (), ())
        self._states: dict[str, PairState] = {}
        self._is_growing = False

    def run(self) -> Checked:
        """Check everything, lists first."""
        if is_locked(self._folder):
            words = "a program is writing this dataset: what it is about to list is not looked at"
            self._add("unlisted", LOCK_NAME, words, is_damage=False)
            self._is_growing = True
        self._findings += self._seen_growing(_folder_findings(self._folder))
        try:
            self._lists = Lists.read(self._folder)
        except DatasetError as error:
            self._findings.append(Finding("link", PAIRS_NAME, str(error)))
            return Checked(tuple(self._findings), 0, 0, 0)
        self._check_lines()
        by_name = self._lists.by_name()
        sessions = self._check_sessions([line for lines in by_name.values() for line in lines])
        faulty, chosen, size_bytes = self._check_files(by_name)
        self._findings += self._seen_growing(_unlisted(self._folder, set(by_name), self._states))
        self._check_events_and_notes(sessions)
        broken = frozenset(name for name in faulty if not self._state(name).trashed)
        return Checked(
            tuple(self._findings), len(by_name), len(by_name) - len(faulty), size_bytes, broken, chosen
        )

    def _seen_growing(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings, without what is but a pair being written."""
        passing = ("unlisted", "temporary") if self._is_growing else ()
        return [finding for finding in findings if finding.kind not in passing]

    def _state(self, name: str) -> PairState:
        return self._states.get(name, PairState())

    def _check_lines(self) -> None:
        for line in self._lists.pairs:
            if line.content is None:
                self._add("line", f"{PAIRS_NAME}, line {line.number}", line.error, SET_ASIDE)
        if self._lists.torn:
            self._add("line", PAIRS_NAME, "the last line is torn: its pair was never whole", SET_ASIDE)
        edits, bad = self._lists.edited()
        self._states = edits.states
        for number, why in sorted(bad.items()):
            self._add("edit", f"{EDITS_NAME}, line {number}", why, SET_ASIDE)

    def _check_sessions(self, lines: Sequence[Line[PairRecord]]) -> int:
        """Check `dataset.toml` and what it names; return the number of sessions."""
        mend = "rebuilds it; what can be read is kept, the rest is unknown"
        try:
            sessions = read_sessions(self._folder)
        except DatasetError as error:
            self._add("session", DATASET_NAME, str(error), mend)
            return 1 << 62  # which sessions it lacks cannot be told
        last = max((line.content.session for line in lines if line.content), default=-1)
        if not (self._folder / DATASET_NAME).exists():
            self._add("session", DATASET_NAME, "it is missing", mend)
        elif last >= len(sessions):
            named = next(line.content for line in lines if line.content and line.content.session == last)
            self._add("session", named.name, f"{DATASET_NAME} lacks its session, number {last}", mend)
        reader = DatasetReader(self._folder, (), tuple(sessions))
        for number, session in enumerate(sessions):
            if session.get("calibration") is not None:
                self._check_calibration(reader, number, session)
        return len(sessions)

    def _check_calibration(self, reader: DatasetReader, number: int, session: Mapping[str, object]) -> None:
        where = f"session {number}"
        some = PairRecord("x", number, "", 0, 0, None, None)
        try:
            path = reader.calibration_path(some)
            if path is None:
                self._add("calibration", where, f"its calibration {session['calibration']!r} is missing")
                return
            calibration = load_calibration(path)
        except (DatasetError, CalibrationError, OSError) as error:
            self._add("calibration", where, str(error))
            return
        known = session.get("calibration_sha256")
        if isinstance(known, str) and hashlib.sha256(path.read_bytes()).hexdigest() != known:
            self._add("calibration", path.name, "it is not the file that was in use (its hash differs)")
        for role, camera in (("mono", calibration.mono), ("color", calibration.color)):
            described = session.get(role)
            if not isinstance(described, dict):
                continue
            size = described.get("width"), described.get("height")
            if all(isinstance(side, int) for side in size) and size != camera.size_px:
                self._add(
                    "calibration",
                    where,
                    f"{path.name} is for {role} images of {camera.size_px[0]}×{camera.size_px[1]}, "
                    f"the camera gave {size[0]}×{size[1]}: its pairs cannot be rectified with it",
                    is_damage=False,
                )

    def _check_files(
        self, by_name: Mapping[str, Sequence[Line[PairRecord]]]
    ) -> tuple[set[str], dict[str, int], int]:
        """Check all images; return names with a fault, the line chosen of repeated names, and all bytes."""
        faulty: set[str] = set()
        chosen: dict[str, int] = {}
        size_bytes = 0

        def look(lines: Sequence[Line[PairRecord]]) -> list[tuple[int, list[FileFault]]]:
            return [(line.number, self._faults(line.content)) for line in lines if line.content is not None]

        for done, (lines, found) in enumerate(in_parallel(look, list(by_name.values())), start=1):
            name = lines[0].content.name if lines[0].content else ""
            number, faults = min(found, key=lambda item: len(item[1]))
            if len(lines) > 1:
                chosen[name] = number
                for line in lines:
                    if line.number != number:
                        words = f"{name} is listed again in line {line.number}"
                        self._add("duplicate", name, words, SET_ASIDE)
            if faults:
                faulty.add(name)
                is_gone = self._state(name).trashed and all(fault.kind == "missing" for fault in faults)
                for fault in faults:
                    # What lies in the trash is nobody's loss: a person may empty that folder.
                    mend = "" if self._state(name).trashed else SET_ASIDE
                    self._add(fault.kind, name, fault.message, mend, is_damage=not is_gone)
            size_bytes += sum(_size(self._folder, role, name, self._state(name).trashed) for role in ROLES)
            if self._progress is not None:
                self._progress(done, len(by_name))
        return faulty, chosen, size_bytes

    def _faults(self, record: PairRecord) -> list[FileFault]:
        return faults_of_pair(self._folder, record, self._depth, trashed=self._state(record.name).trashed)

    def _check_events_and_notes(self, sessions: int) -> None:
        for line in self._lists.events:
            if line.content is None:
                self._add("event", f"{EVENTS_NAME}, line {line.number}", line.error, is_damage=False)
        try:
            read_notes(self._folder)
        except DatasetError as error:
            self._add("notes", NOTES_NAME, str(error))
        if sessions == 0 and not self._lists.pairs:
            self._add("session", DATASET_NAME, "no session and no pair is listed", is_damage=False)

    def _add(self, kind: str, name: str, message: str, mend: str = "", *, is_damage: bool = True) -> None:
        words = printable(message, 400)
        self._findings.append(Finding(kind, printable(name), words, mend, is_damage))


_KNOWN = {DATASET_NAME, PAIRS_NAME, EDITS_NAME, EVENTS_NAME, NOTES_NAME, LOCK_NAME, EDIT_LOCK_NAME}
_KNOWN |= {*ROLES, TRASH_NAME, ORPHANS_NAME, SOURCES_NAME, "capture.toml", ".fingerprints"}


def _folder_findings(folder: Path) -> Iterator[Finding]:
    """Yield what lies in the folder that should not, and links that leave it."""
    for path in sorted(folder.iterdir()):
        name = printable(path.name)
        if path.is_symlink():
            try:
                check_inside(folder, path)
            except DatasetError as error:
                yield Finding("link", name, printable(str(error)))
                continue
        if _is_temporary(path):
            yield Finding(
                "temporary", name, "a file that was being written when its program died", "removes it"
            )
        elif not path.is_file() and not path.is_dir():
            yield Finding("link", name, "is neither a file nor a folder")
        elif path.name not in _KNOWN and not path.name.startswith("calibration"):
            yield Finding("unknown", name, "is no part of the dataset", is_damage=False)


def _is_temporary(path: Path) -> bool:
    # One that is gone meanwhile was being written: it counts as what it was.
    return path.name.startswith(".") and path.suffix == TEMPORARY_SUFFIX and not path.is_dir()


def _unlisted(folder: Path, listed: set[str], states: Mapping[str, PairState]) -> Iterator[Finding]:
    """Yield images that no line lists, files that a crash left, and images that are in the wrong place."""
    for role in ROLES:
        for trashed in (False, True):
            place = image_path(folder, role, "x", trashed=trashed).parent
            if not place.is_dir():
                continue
            try:
                check_inside(folder, place)
            except DatasetError as error:
                yield Finding("link", f"{role}/", printable(str(error)))
                continue
            for path in sorted(place.iterdir()):
                yield from _stray(folder, path, listed, states, trashed=trashed)


def _stray(
    folder: Path, path: Path, listed: set[str], states: Mapping[str, PairState], *, trashed: bool
) -> Iterator[Finding]:
    name = printable(str(path.relative_to(folder)))
    if _is_temporary(path):
        yield Finding("temporary", name, "a file that was being written when its program died", "removes it")
    elif path.suffix != ".png" or not (path.is_file() or path.is_symlink()):
        yield Finding("unknown", name, "is no part of the dataset", is_damage=False)
    elif path.stem not in listed:
        # In the trash, nobody misses it.
        mend = "" if trashed else SET_ASIDE
        yield Finding("unlisted", name, "no line lists it", mend, is_damage=not trashed)
    elif states.get(path.stem, PairState()).trashed != trashed:
        yield _misplaced(folder, path, name, trashed=trashed)


def _misplaced(folder: Path, path: Path, name: str, *, trashed: bool) -> Finding:
    """Return what is wrong with an image in the trash of a pair that is not, or the other way round."""
    role: Role = "mono" if path.parent.name == "mono" else "color"
    if image_path(folder, role, path.stem, trashed=not trashed).exists():
        words = "the pair has its image in the right place too"
        return Finding("trash", name, words, "" if trashed else SET_ASIDE, is_damage=not trashed)
    words = "a crash kept it from its move " + ("out of the trash" if trashed else "to the trash")
    return Finding("trash", name, words, "moves it")


def _size(folder: Path, role: Role, name: str, trashed: bool) -> int:
    try:
        return image_path(folder, role, name, trashed=trashed).stat().st_size
    except OSError:
        return 0
