"""What a dataset says of its pairs: one line of `pairs.jsonl` per pair, and the layout of the folder."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from capture.errors import DatasetError
from capture.frames import ROLES, Frame, Layout, Role

SCHEMA = 1
DATASET_NAME = "dataset.toml"
PAIRS_NAME = "pairs.jsonl"
CALIBRATION_NAME = "calibration.toml"
ORPHANS_NAME = "orphans"

# Names become file names: no separators, nothing hidden, nothing relative.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    """

    name: str
    session: int
    saved: str
    index: int
    skew_ns: int
    mono: FrameRecord | None
    color: FrameRecord | None

    def frame(self, role: Role) -> FrameRecord | None:
        """Return the record of one camera's frame."""
        return self.mono if role == "mono" else self.color


def image_path(folder: Path, role: Role, name: str) -> Path:
    """Return where the image of a pair lies."""
    return folder / role / f"{name}.png"


def read_sessions(folder: Path) -> list[dict[str, object]]:
    """Return the entries of `dataset.toml`, none if there is no such file. Raises DatasetError."""
    path = folder / DATASET_NAME
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not a TOML file: {error}") from error
    if document.get("schema") != SCHEMA:
        raise DatasetError(
            f"{path}: schema is {document.get('schema')!r}; this version of CycleRig reads {SCHEMA}"
        )
    sessions = document.get("sessions", [])
    if not isinstance(sessions, list) or not all(isinstance(session, dict) for session in sessions):
        raise DatasetError(f"{path}: sessions must be a list of tables")
    return sessions


def to_line(record: PairRecord) -> bytes:
    """Return the line of `pairs.jsonl`, with its line feed."""
    values = asdict(record)
    for role in ROLES:
        values[role]["layout"] = values[role]["layout"].value
    return json.dumps(values, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_line(line: bytes) -> PairRecord:
    """Read a line of `pairs.jsonl`. Raises DatasetError that names the key."""
    try:
        values = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"not JSON: {error}") from error
    fields = _Fields(values, "")
    name = fields.text("name")
    if not _NAME.fullmatch(name):
        raise DatasetError(
            f"name: {name[:80]!r} cannot be the name of a pair (letters, digits, - and _ only)"
        )
    record = PairRecord(
        name=name,
        session=fields.whole("session", 0),
        saved=fields.text("saved"),
        index=fields.whole("index", 0),
        skew_ns=fields.whole("skew_ns"),
        mono=_frame(fields.table("mono"), "mono."),
        color=_frame(fields.table("color"), "color."),
    )
    fields.done()
    return record


def _frame(values: object, prefix: str) -> FrameRecord:
    fields = _Fields(values, prefix)
    layout, sha256 = fields.text("layout"), fields.text("sha256")
    if layout not in {each.value for each in Layout}:
        raise DatasetError(f"{prefix}layout: {layout!r} is not known")
    if not _SHA256.fullmatch(sha256):
        raise DatasetError(f"{prefix}sha256 is not a hash")
    bits = fields.whole("bits", 8)
    if bits > 16:
        raise DatasetError(f"{prefix}bits: {bits} is not within 8 … 16")
    record = FrameRecord(
        layout=Layout(layout),
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


class _Fields:
    """Takes typed values out of a parsed object, and knows which are left."""

    def __init__(self, values: object, prefix: str) -> None:
        if not isinstance(values, dict):
            raise DatasetError(f"{prefix.rstrip('.') or 'line'} must be an object")
        self._values: dict[str, object] = dict(values)
        self._prefix = prefix

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str):
            raise DatasetError(f"{self._prefix}{key} must be a text, not {value!r}")
        return value

    def whole(self, key: str, smallest: int | None = None) -> int:
        value = self._take(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or (smallest is not None and value < smallest)
        ):
            raise DatasetError(f"{self._prefix}{key}: {value!r} is not a valid whole number")
        return value

    def whole_or_none(self, key: str) -> int | None:
        return None if self._take_none(key) else self.whole(key)

    def number_or_none(self, key: str) -> float | None:
        if self._take_none(key):
            return None
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DatasetError(f"{self._prefix}{key} must be a number, not {value!r}")
        return float(value)

    def table(self, key: str) -> object:
        return self._take(key)

    def done(self) -> None:
        for key in self._values:
            raise DatasetError(f"{self._prefix}{key} is not a known key")

    def _take_none(self, key: str) -> bool:
        if self._values.get(key, "") is not None:
            return False
        del self._values[key]
        return True

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise DatasetError(f"{self._prefix}{key} is missing")
        return self._values.pop(key)
