"""How a person names a target: on the command line or in a TOML file. Unknown keys are errors.

kind = "charuco"            # or "chessboard", "circles"
columns = 12                # chessboard: inner corners; charuco: squares; circles: discs per row
rows = 9
square_mm = 20.0
marker_mm = 15.0
dictionary = "DICT_5X5_100"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path

import tomli_w

from capture.errors import CalibrationError
from capture.files import read_toml, write_atomically
from capture.targets.base import Target
from capture.targets.charuco import Charuco
from capture.targets.chessboard import Chessboard
from capture.targets.circles import CircleGrid

_KINDS: dict[str, type[Chessboard | Charuco | CircleGrid]] = {
    kind.kind: kind for kind in (Chessboard, Charuco, CircleGrid)
}
FORMS = (
    "chessboard:9x6:25 (inner corners, square in mm), charuco:12x9:20:15:DICT_5X5_100 (squares, square "
    "and marker in mm, dictionary), circles:4x11:20:14 (per row, rows, spacing and diameter "
    "in mm) or a .toml file"
)


def parse_target(text: str) -> Target:
    """Return the target of a name such as "charuco:12x9:20:15" or of a TOML file.

    Raises CalibrationError: no such form, file or key, or a value out of range.
    """
    if text.endswith(".toml"):
        return _load(Path(text).expanduser())
    kind, *parts = text.split(":")
    if kind not in _KINDS or not parts:
        raise CalibrationError(f"{text!r} is no target: use {FORMS}")
    counts = re.fullmatch(r"(\d{1,3})[x×](\d{1,3})", parts[0].strip().lower())
    if not counts:
        raise CalibrationError(f"{parts[0]!r} in {text!r} must be COLUMNSxROWS, e.g. 9x6")
    table: dict[str, object] = {"kind": kind, "columns": int(counts[1]), "rows": int(counts[2])}
    names = [field.name for field in fields(_KINDS[kind])][2:]
    if len(parts) - 1 > len(names):
        raise CalibrationError(f"{text!r} has too many parts: use {FORMS}")
    for name, part in zip(names, parts[1:], strict=False):
        table[name] = _value(name, part, text)
    return target_from_table(table)


def target_from_table(table: Mapping[str, object]) -> Target:
    """Return the target of a TOML table. Raises CalibrationError, which names the key."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise CalibrationError(f"target.kind is {kind!r}, must be one of {', '.join(_KINDS)}")
    known = {field.name: field for field in fields(_KINDS[kind])}
    for key in table:
        if key != "kind" and key not in known:
            raise CalibrationError(f"target.{key} is not a known key of a {kind} ({', '.join(known)})")
    for name, field in known.items():
        if name not in table and field.default is MISSING:
            raise CalibrationError(f"target.{name} is missing")
    values = {key: _checked(known[key], value) for key, value in table.items() if key != "kind"}
    return _KINDS[kind](**values)  # type: ignore[arg-type]


def target_to_table(target: Target) -> dict[str, object]:
    """Return the TOML table of a target; `target_from_table` reads it."""
    known = fields(_KINDS[target.kind])
    return {"kind": target.kind} | {field.name: getattr(target, field.name) for field in known}


def save_target(target: Target, path: Path) -> None:
    """Write a target's settings as TOML. Raises CalibrationError."""
    text = "# CycleRig: a calibration target. Lengths in mm; measure the printed board.\n\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (text + tomli_w.dumps(target_to_table(target))).encode())
    except OSError as error:
        raise CalibrationError(f"cannot write {path}: {error.strerror or error}") from error


def _load(path: Path) -> Target:
    document = read_toml(path, CalibrationError)
    try:
        return target_from_table(document)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error


def _value(name: str, part: str, text: str) -> object:
    if name.endswith("_mm"):
        try:
            return float(part)
        except ValueError as error:
            raise CalibrationError(f"{part!r} in {text!r} must be a length in mm") from error
    if name == "legacy":
        if part != "legacy":
            raise CalibrationError(f'{part!r} in {text!r} must be "legacy" or be left out')
        return True
    return part


def _checked(field: Field[object], value: object) -> object:
    """Return the value as the field's type. Raises CalibrationError."""
    wanted = str(field.type)
    if wanted == "bool":
        fits = isinstance(value, bool)
    elif wanted == "str":
        fits = isinstance(value, str)
    else:
        kinds = int if wanted == "int" else (int, float)
        fits = isinstance(value, kinds) and not isinstance(value, bool)
    if not fits:
        words = {"bool": "true or false", "str": "a text", "int": "a whole number", "float": "a number"}
        raise CalibrationError(f"target.{field.name} is {value!r}, must be {words[wanted]}")
    return float(value) if wanted == "float" else value  # type: ignore[arg-type]
