"""What a dataset holds, in figures: light, times, gate values, tags, sessions, disparities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.capturing.gates import GATES
from capture.dataset_reader import DatasetReader
from capture.dataset_records import FrameRecord, PairRecord
from capture.errors import DatasetError
from capture.frames import ROLES, Role
from capture.words import printable

Value = Callable[[PairRecord], float | None]
_CAMERAS: Mapping[Role, str] = {"mono": "mono", "color": "colour"}


@dataclass(frozen=True)
class Column:
    """One thing that is known of pairs.

    Attributes:
        key: for files.
        title, unit: on screen; the unit is empty for shares and indices.
        values: those that are known and finite, in the order of the pairs.
        sessions: of each value, the number of its session.
        missing: pairs of which it is not known.
        limit: of the gate in the last session; None if there is none.
    """

    key: str
    title: str
    unit: str
    values: Sequence[float]
    sessions: Sequence[int]
    missing: int = 0
    limit: float | None = None

    def quantile(self, share: float) -> float:
        """Return a quantile, `share` 0 … 1; NaN without values."""
        return float(np.quantile(self.values, share)) if self.values else math.nan

    def of_session(self, number: int) -> Column:
        """Return the values of one session."""
        kept = [value for value, session in zip(self.values, self.sessions, strict=True) if session == number]
        return Column(self.key, self.title, self.unit, kept, [number] * len(kept), limit=self.limit)


@dataclass(frozen=True)
class Session:
    """One time of capturing: when, with what, by whom; all texts printable."""

    number: int
    started: str
    rig: str
    operator: str
    lens_note: str
    calibration: str
    pairs: int
    minutes: float | None


@dataclass(frozen=True)
class Statistics:
    """Everything that is drawn.

    Attributes:
        name: of the dataset's folder.
        pairs: listed and not in the trash; what follows is of these.
        excluded, trashed: how many.
        size_bytes: of all images, as listed.
        columns: in the order in which they are shown; those without values are left out.
        tags, modes, warnings: how many pairs have each.
        sessions: one after the other.
        search_px: smallest and largest disparity that the calibration has searched; None without one.
    """

    name: str
    pairs: int
    excluded: int
    trashed: int
    size_bytes: int
    columns: Sequence[Column]
    tags: Mapping[str, int]
    modes: Mapping[str, int]
    warnings: Mapping[str, int]
    sessions: Sequence[Session]
    search_px: tuple[int, int] | None = None


def collect(reader: DatasetReader) -> Statistics:
    """Return what the lists of a dataset tell; no image is read. Raises DatasetError for a plain folder."""
    if reader.is_plain:
        raise DatasetError(f"{reader.folder} is a plain folder of pairs: nothing is known of them but images")
    records = reader.records
    columns = [*_light_columns(records), *_gate_columns(reader)]
    titles = {spec.key: spec.title for spec in GATES}
    return Statistics(
        name=printable(reader.folder.resolve().name),
        pairs=len(records),
        excluded=sum(record.excluded for record in records),
        trashed=len(reader.trash),
        size_bytes=sum(frame.size_bytes for record in records for frame in _frames(record)),
        columns=[column for column in columns if column.values],
        tags=_ranked(tag for record in records for tag in record.tags),
        modes=_ranked(record.mode for record in records if record.mode),
        warnings=_ranked(titles.get(gate, gate) for record in records for gate in record.warnings),
        sessions=_sessions(reader),
    )


def _ranked(words: Iterable[str]) -> dict[str, int]:
    return {printable(word): count for word, count in Counter(words).most_common()}


def _frames(record: PairRecord) -> list[FrameRecord]:
    return [frame for frame in (record.mono, record.color) if frame is not None]


def _column(
    key: str,
    title: str,
    unit: str,
    records: Sequence[PairRecord],
    value: Callable[[PairRecord], float | None],
) -> Column:
    found = [(record.session, value(record)) for record in records]
    known = [(session, float(v)) for session, v in found if v is not None and math.isfinite(v)]
    return Column(
        key, title, unit, [v for _, v in known], [s for s, _ in known], missing=len(found) - len(known)
    )


def _light_columns(records: Sequence[PairRecord]) -> list[Column]:
    wanted = [
        *((f"{r}_exposure_ms", f"Exposure, {_CAMERAS[r]}", "ms", _exposure_ms(r)) for r in ROLES),
        *((f"{r}_gain_db", f"Gain, {_CAMERAS[r]}", "dB", _gain_db(r)) for r in ROLES),
        ("frame_skew_ms", "Colour after mono", "ms", _skew_ms),
    ]
    return [_column(key, title, unit, records, value) for key, title, unit, value in wanted]


def _skew_ms(record: PairRecord) -> float | None:
    return record.skew_ns / 1e6


def _exposure_ms(role: Role) -> Value:
    def value(record: PairRecord) -> float | None:
        frame = record.frame(role)
        return None if frame is None or frame.exposure_us is None else frame.exposure_us / 1e3

    return value


def _gain_db(role: Role) -> Value:
    def value(record: PairRecord) -> float | None:
        frame = record.frame(role)
        return None if frame is None else frame.gain_db

    return value


def _gate_columns(reader: DatasetReader) -> list[Column]:
    """Return a column for each gate that any pair has a value of; known gates first, in their order."""
    records = reader.records
    specs = {spec.key: spec for spec in GATES}
    used = {key for record in records for key in record.gates}
    keys = [key for key in specs if key in used] + sorted(used - specs.keys())
    limits = _last_limits(reader)
    columns = []
    for key in keys:
        title, unit = (specs[key].title, specs[key].unit) if key in specs else (key, "")
        column = _column(f"gate_{key}", f"{title}, gate", unit, records, _gate(key))
        columns.append(replace(column, limit=limits.get(key)))
    return columns


def _gate(key: str) -> Value:
    def value(record: PairRecord) -> float | None:
        return record.gates.get(key)

    return value


def _last_limits(reader: DatasetReader) -> dict[str, float]:
    table = reader.sessions[-1].get("gate_limits") if reader.sessions else None
    if not isinstance(table, dict):
        return {}
    return {
        key: float(value)
        for key, value in table.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def _sessions(reader: DatasetReader) -> list[Session]:
    rows = []
    for number, session in enumerate(reader.sessions):
        times = [r.mono.host_ns for r in reader.records if r.session == number and r.mono is not None]
        rows.append(
            Session(
                number,
                started=_word(session, "started"),
                rig=_word(session, "rig"),
                operator=_word(session, "operator"),
                lens_note=_word(session, "lens_note"),
                calibration=_word(session, "calibration"),
                pairs=len(times),
                minutes=(max(times) - min(times)) / 60e9 if times else None,
            )
        )
    return rows


def _word(session: Mapping[str, object], key: str) -> str:
    value = session.get(key)
    return "" if value is None or isinstance(value, dict | list) else printable(str(value), 80)


def measure_disparities(
    folder: Path, calibration: Path | None, most_pairs: int, progress: Callable[[int, int], None]
) -> tuple[Column, tuple[int, int]]:
    """Return disparities of matched corners of pairs spread over the dataset, and the search range.

    Args:
        folder: of the dataset.
        calibration: file in place of its own.
        most_pairs: to look at.
        progress: gets (pairs done, of all).

    Raises:
        ModelError: a pair cannot be read, or has no calibration.
    """
    from app.calibrating.ranges import scene_disparities, supported
    from app.training_data import CapturedPairs

    source = CapturedPairs(folder, calibration)
    step = max(1, math.ceil(len(source) / most_pairs))
    chosen = range(0, len(source), step)
    values: list[float] = []
    sessions: list[int] = []
    count = 0
    for done, index in enumerate(chosen, start=1):
        pair = source.read(index)
        found = supported(scene_disparities(pair.mono, pair.reference, mirrored=False))
        values += [float(value) for value in found]
        sessions += [source.records[index].session] * len(found)
        count = max(count, pair.max_disparity or 0)
        progress(done, len(chosen))
    title = f"Disparity, {len(chosen)} pairs"
    return Column("disparity_px", title, "px", values, sessions), (0, count - 1)
