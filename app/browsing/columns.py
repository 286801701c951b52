"""The columns of a dataset's table: what each shows, and how a record's value becomes a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.capturing.gates import GATES, GateSpec
from capture.dataset_records import PairRecord

Value = float | None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: its name in settings and filters; the gate's key for a gate.
        title, unit, tip: on screen.
        value: of a record, as a number to sort and to filter by; None: unknown. None for a column of text.
        text: of a record, on screen.
        is_gate: it is a quality gate.
        is_ranged: worth a histogram and a range to filter by.
        width_px: to begin with.
    """

    key: str
    title: str
    unit: str
    tip: str
    value: Callable[[PairRecord], Value] | None
    text: Callable[[PairRecord], str]
    is_gate: bool = False
    is_ranged: bool = False
    width_px: int = 76

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


def local_time(saved: str) -> datetime | None:
    """Return when a pair was saved, in the time of this computer; None if it cannot be read."""
    try:
        return datetime.fromisoformat(saved).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def time_text(saved: str) -> str:
    """Return when a pair was saved, for people."""
    moment = local_time(saved)
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _time(record: PairRecord) -> Value:
    moment = local_time(record.saved)
    try:
        return None if moment is None else moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _gate_column(spec: GateSpec) -> Column:
    def value(record: PairRecord) -> Value:
        return record.gates.get(spec.key)

    def text(record: PairRecord) -> str:
        number = record.gates.get(spec.key)
        return "" if number is None else f"{number:.{spec.decimals}f}"

    return Column(
        spec.key, spec.title, spec.unit, spec.tip, value, text, is_gate=True, is_ranged=True, width_px=72
    )


def _signed_skew(record: PairRecord) -> Value:
    return None if record.mono is None else record.skew_ns / 1e6


def _exposure_ms(record: PairRecord, role: str) -> Value:
    frame = record.mono if role == "mono" else record.color
    return None if frame is None or frame.exposure_us is None else frame.exposure_us / 1e3


def _gain_db(record: PairRecord, role: str) -> Value:
    frame = record.mono if role == "mono" else record.color
    return None if frame is None else frame.gain_db


def _decimals(value: Callable[[PairRecord], Value], decimals: int) -> Callable[[PairRecord], str]:
    def text(record: PairRecord) -> str:
        number = value(record)
        return "" if number is None else f"{number:.{decimals}f}"

    return text


def _measured(
    key: str, title: str, unit: str, tip: str, value: Callable[[PairRecord], Value], decimals: int
) -> Column:
    return Column(
        key, title, unit, tip, value, _decimals(value, decimals), is_ranged=key != "index", width_px=92
    )


COLUMNS: tuple[Column, ...] = (
    Column("name", "Name", "", "File name of both images", None, lambda r: r.name, width_px=78),
    Column("tags", "Tags", "", "Scene tags", None, lambda r: ", ".join(r.tags), width_px=130),
    Column(
        "warnings",
        "Warnings",
        "",
        "How many gates were beyond their limits when it was saved",
        lambda r: float(len(r.warnings)),
        lambda r: str(len(r.warnings) or ""),
    ),
    *(_gate_column(spec) for spec in GATES),
    Column(
        "excluded",
        "Excluded",
        "",
        "Left out of training and export",
        lambda r: float(r.excluded),
        lambda r: "excluded" if r.excluded else "",
    ),
    Column("mode", "Mode", "", "What saved it", None, lambda r: r.mode, width_px=64),
    Column(
        "saved",
        "Saved",
        "",
        "When it was saved, local time",
        _time,
        lambda r: time_text(r.saved),
        width_px=168,
    ),
    Column(
        "session",
        "Session",
        "",
        "A session is one time the dataset was opened for writing",
        lambda r: float(r.session),
        lambda r: str(r.session + 1),
        width_px=64,
    ),
    _measured(
        "skew_signed_ms",
        "Skew ±",
        "ms",
        "Time of the colour frame minus time of the mono frame",
        _signed_skew,
        3,
    ),
    _measured(
        "mono_exposure_ms",
        "Exp. mono",
        "ms",
        "Exposure time of the mono camera",
        lambda r: _exposure_ms(r, "mono"),
        2,
    ),
    _measured(
        "color_exposure_ms",
        "Exp. colour",
        "ms",
        "Exposure time of the colour camera",
        lambda r: _exposure_ms(r, "color"),
        2,
    ),
    _measured("mono_gain_db", "Gain mono", "dB", "Gain of the mono camera", lambda r: _gain_db(r, "mono"), 1),
    _measured(
        "color_gain_db", "Gain colour", "dB", "Gain of the colour camera", lambda r: _gain_db(r, "color"), 1
    ),
    _measured(
        "index",
        "Index",
        "",
        "Running number of the pair in the stream since the rig was started; a jump shows pairs not saved",
        lambda r: float(r.index),
        0,
    ),
)
COLUMN: Mapping[str, Column] = {column.key: column for column in COLUMNS}
NUMBERS: tuple[Column, ...] = tuple(column for column in COLUMNS if column.value is not None)
