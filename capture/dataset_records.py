"""What a dataset says of its pairs: one line of `pairs.jsonl` per pair, and the layout of the folder."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from capture.dataset_files import MOST_LINE_BYTES, MOST_LIST_BYTES, MOST_TABLE_BYTES, quoted, read_inside
from capture.errors import DatasetError
from capture.files import parse_toml
from capture.frames import ROLES, Frame, Layout, Role
from capture.words import printable

SCHEMA = 2
READABLE_SCHEMAS = (1, 2)
"""A line of schema 1 lacks gates, warnings, tags and mode; otherwise it is one of schema 2."""
DATASET_NAME = "dataset.toml"
PAIRS_NAME = "pairs.jsonl"
CALIBRATION_NAME = "calibration.toml"
ORPHANS_NAME = "orphans"
TRASH_NAME = "trash"
WRITTEN_FOLDERS = (
    *ROLES,
    TRASH_NAME,
    ORPHANS_NAME,
    *(f"{place}/{role}" for place in (TRASH_NAME, ORPHANS_NAME) for role in ROLES),
)

# Names become file names: no separators, nothing hidden, nothing relative.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: no file and no screen can hold it
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_TAGS = 32
MOST_GATES = 64
DEEPEST_TABLE = 16
LONGEST_TAG = 64
_INT64 = 1 << 63
_LAYOUTS = {layout.value: layout for layout in Layout}


@dataclass(frozen=True)
class FrameRecord:
    """One of the two images of a pair: what `Frame` says of it, and the file.

    Attributes:
        layout, bits, pixel_format, frame_id, device_ns, host_ns, exposure_us, gain_db: as in `Frame`.
        size_bytes, sha256: of the PNG file.
    """

    layout: Layout
    bits: int
    pixel_format: str
    frame_id: int
    device_ns: int | None
    host_ns: int
    exposure_us: float | None
    gain_db: float | None
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, frame: Frame, data: bytes) -> FrameRecord:
        """Describe a frame and the PNG it became."""
        return cls(
            layout=frame.layout,
            bits=frame.bits,
            pixel_format=frame.pixel_format,
            frame_id=frame.frame_id,
            device_ns=frame.device_ns,
            host_ns=frame.host_ns,
            exposure_us=frame.exposure_us,
            gain_db=frame.gain_db,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )


@dataclass(frozen=True)
class PairRecord:
    """One pair of a dataset.

    Attributes:
        name: stem of both file names.
        session: number of the entry in `dataset.toml` that tells rig and calibration.
        saved: wall-clock time in UTC, ISO 8601.
        index: running number of the pair in the stream it was taken from.
        skew_ns: time of the colour frame minus time of the mono frame.
        mono, color: the frames; None in a plain folder, which has no `pairs.jsonl`.
        gates, warnings, mode: as in `PairNote`.
        tags: scene tags; those of a reader include what was edited since.
        excluded: not to be used, an edit says; the line does not have it.
        trashed: the files lie in `trash/`, an edit says; the line does not have it.
    """

    name: str
    session: int
    saved: str
    index: int
    skew_ns: int
    mono: FrameRecord | None
    color: FrameRecord | None
    gates: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    mode: str = ""
    excluded: bool = False
    trashed: bool = False

    def frame(self, role: Role) -> FrameRecord | None:
        """Return the record of one camera's frame."""
        return self.mono if role == "mono" else self.color


def image_path(folder: Path, role: Role, name: str, *, trashed: bool = False) -> Path:
    """Return where the image of a pair lies."""
    return (folder / TRASH_NAME if trashed else folder) / role / f"{name}.png"


def is_pair_name(name: str) -> bool:
    """Return whether a pair may be called that: it becomes a file name, so nothing relative or hidden."""
    return _NAME.fullmatch(name) is not None


def check_tag(tag: str) -> str:
    """Return a scene tag. Raises DatasetError if it is empty, long, or not a line of text."""
    if not tag or len(tag) > LONGEST_TAG or not tag.isprintable() or tag != tag.strip():
        raise DatasetError(f"{quoted(tag)} cannot be a tag (1 to {LONGEST_TAG} printable characters)")
    return tag


def read_sessions(folder: Path) -> list[dict[str, object]]:
    """Return the entries of `dataset.toml`, none if there is no such file. Raises DatasetError."""
    path = folder / DATASET_NAME
    try:
        document = parse_toml(read_inside(folder, path, MOST_TABLE_BYTES))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DatasetError(f"{path} is not a TOML file: {error}") from error
    schema = document.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema not in READABLE_SCHEMAS:
        raise DatasetError(
            f"{path}: schema is {quoted(schema)}; this version of CycleRig reads "
            f"{' and '.join(map(str, READABLE_SCHEMAS))}"
        )
    sessions = document.get("sessions", [])
    if not isinstance(sessions, list) or not all(isinstance(session, dict) for session in sessions):
        raise DatasetError(f"{path}: sessions must be a list of tables")
    if _is_deeper(sessions, DEEPEST_TABLE):
        raise DatasetError(f"{path}: sessions are nested too deep")
    return sessions


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and (levels == 0 or any(_is_deeper(item, levels - 1) for item in value))


def read_records(folder: Path) -> tuple[list[PairRecord], bytes]:
    """Return the pairs that are listed and the torn rest of the last line (empty if there is none).

    Raises DatasetError that names line and key.
    """
    path = folder / PAIRS_NAME
    try:
        data = read_inside(folder, path, MOST_LIST_BYTES)
    except FileNotFoundError:
        return [], b""
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    *lines, rest = data.split(b"\n")
    records: dict[str, PairRecord] = {}
    for number, line in enumerate(lines, start=1):
        try:
            record = from_line(line)
        except DatasetError as error:
            raise DatasetError(f"{path}, line {number}: {error}") from error
        if record.name in records:
            raise DatasetError(f"{path}, line {number}: name: {record.name!r} is listed twice")
        records[record.name] = record
    return list(records.values()), rest


def to_line(record: PairRecord) -> bytes:
    """Return the line of `pairs.jsonl`, with its line feed. Raises DatasetError if nobody could read it."""
    values = asdict(record)
    del values["excluded"], values["trashed"]
    for role in ROLES:
        values[role]["layout"] = values[role]["layout"].value
    try:
        line = json.dumps(values, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise DatasetError(f"what is known of the pair cannot be written: {error}") from error
    from_line(line)  # one line that nobody can read would be the end of the whole list
    return line + b"\n"


def from_line(line: bytes) -> PairRecord:
    """Read a line of `pairs.jsonl`. Raises DatasetError that names the key."""
    fields = Fields(parse_json(line), "")
    name = fields.text("name")
    if not is_pair_name(name):
        raise DatasetError(
            f"name: {quoted(name)} cannot be the name of a pair (letters, digits, - and _ only)"
        )
    record = PairRecord(
        name=name,
        session=fields.whole("session", 0),
        saved=fields.text("saved"),
        index=fields.whole("index", 0),
        skew_ns=fields.whole("skew_ns"),
        mono=_frame(fields.table("mono"), "mono."),
        color=_frame(fields.table("color"), "color."),
        gates=_gates(fields.optional("gates", {})),
        warnings=fields.texts("warnings", most=MOST_GATES),
        tags=tuple(check_tag(tag) for tag in fields.texts("tags", most=MOST_TAGS)),
        mode=fields.text("mode") if fields.has("mode") else "",
    )
    fields.done()
    return record


def parse_json(line: bytes, most_bytes: int = MOST_LINE_BYTES) -> object:
    """Return what a line of JSON in UTF-8 holds. Raises DatasetError."""
    if len(line) > most_bytes:
        raise DatasetError(f"the line has {len(line)} bytes; {most_bytes} are the most")
    try:
        value: object = json.loads(line.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"not JSON: {error}") from error
    return value


def _gates(values: object) -> Mapping[str, float | None]:
    if not isinstance(values, dict) or len(values) > MOST_GATES:
        raise DatasetError(f"gates must be an object of at most {MOST_GATES} values")
    for key, value in values.items():
        if not _KEY.fullmatch(key):
            raise DatasetError(f"gates: {quoted(key)} cannot be the name of a gate")
        if value is not None and not _is_number(value):
            raise DatasetError(f"gates.{key} must be a number, not {quoted(value)}")
    return {key: None if value is None else float(value) for key, value in values.items()}


def _frame(values: object, prefix: str) -> FrameRecord:
    fields = Fields(values, prefix)
    layout, sha256 = fields.text("layout"), fields.text("sha256")
    if layout not in _LAYOUTS:
        raise DatasetError(f"{prefix}layout: {quoted(layout)} is not known")
    if not _SHA256.fullmatch(sha256):
        raise DatasetError(f"{prefix}sha256 is not a hash")
    bits = fields.whole("bits", 8)
    if bits > 16:
        raise DatasetError(f"{prefix}bits: {bits} is not within 8 … 16")
    record = FrameRecord(
        layout=_LAYOUTS[layout],
        bits=bits,
        pixel_format=fields.text("pixel_format"),
        frame_id=fields.whole("frame_id"),
        device_ns=fields.whole_or_none("device_ns"),
        host_ns=fields.whole("host_ns"),
        exposure_us=fields.number_or_none("exposure_us"),
        gain_db=fields.number_or_none("gain_db"),
        size_bytes=fields.whole("size_bytes", 1),
        sha256=sha256,
    )
    fields.done()
    return record


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a value")


def _is_number(value: object) -> bool:
    # An integer too large for a float is no measurement.
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is not int:
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


class Fields:
    """Takes typed values out of a parsed object, and knows which are left. All raise DatasetError."""

    def __init__(self, values: object, prefix: str) -> None:
        if not isinstance(values, dict):
            raise DatasetError(f"{prefix.rstrip('.') or 'line'} must be an object")
        self._values: dict[str, object] = dict(values)
        self._prefix = prefix

    def has(self, key: str) -> bool:
        """Return whether a key is there and not taken yet."""
        return key in self._values

    def optional(self, key: str, default: object) -> object:
        """Take a value that may be missing."""
        return self._values.pop(key, default)

    def flag_or_none(self, key: str) -> bool | None:
        """Take true or false; None if the key is missing."""
        value = self.optional(key, None)
        if value is not None and not isinstance(value, bool):
            raise DatasetError(f"{self._prefix}{key} must be true or false, not {quoted(value)}")
        return value

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """Take a list of texts; empty if the key is missing."""
        values = self.optional(key, [])
        if not isinstance(values, list) or not all(
            isinstance(value, str) and not _SURROGATE.search(value) for value in values
        ):
            raise DatasetError(f"{self._prefix}{key} must be a list of texts")
        if len(values) > most:
            raise DatasetError(f"{self._prefix}{key} has {len(values)} entries; {most} are the most")
        return tuple(values)

    def text(self, key: str) -> str:
        """Take a text."""
        value = self._take(key)
        if type(value) is not str or not (value.isascii() or not _SURROGATE.search(value)):
            raise DatasetError(f"{self._prefix}{key} must be a text, not {quoted(value)}")
        return value

    def whole(self, key: str, smallest: int | None = None) -> int:
        """Take a whole number of at most 64 bits, not below `smallest`."""
        value = self._take(key)
        if type(value) is not int or not (-_INT64 if smallest is None else smallest) <= value < _INT64:
            raise DatasetError(f"{self._prefix}{key}: {quoted(value)} is not a valid whole number")
        return value

    def whole_or_none(self, key: str) -> int | None:
        """Take a whole number or null."""
        return None if self._take_none(key) else self.whole(key)

    def number_or_none(self, key: str) -> float | None:
        """Take a finite number or null."""
        if self._take_none(key):
            return None
        value: Any = self._take(key)
        if not _is_number(value):
            raise DatasetError(f"{self._prefix}{key} must be a number, not {quoted(value)}")
        return float(value)

    def table(self, key: str) -> object:
        """Take whatever is there."""
        return self._take(key)

    def done(self) -> None:
        """Raise if a key is left."""
        for key in self._values:
            raise DatasetError(f"{self._prefix}{printable(key, 80)} is not a known key")

    def _take_none(self, key: str) -> bool:
        if self._values.get(key, "") is not None:
            return False
        del self._values[key]
        return True

    def _take(self, key: str) -> object:
        try:
            return self._values.pop(key)
        except KeyError:
            raise DatasetError(f"{self._prefix}{key} is missing") from None
