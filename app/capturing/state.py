"""What a capture session remembers in its dataset (`capture.toml`), so that it goes on after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import tomli_w

from app.capturing.gates import Limits, default_limits, limits_from, limits_table
from app.capturing.modes import KINDS, Kind, Plan
from capture.dataset_records import MOST_TAGS, check_tag
from capture.errors import DatasetError
from capture.files import read_toml, write_atomically
from capture.frames import ROLES, Role

FILE_NAME = "capture.toml"
PAPER_TARGET = 1000
"""Pairs in the paper's set: 700 to train on, 300 to test."""
_HEADER = (
    "# How this dataset is being captured; CycleRig keeps it so that capturing can go on after a crash.\n\n"
)


@dataclass(frozen=True)
class CaptureState:
    """What a person set up for a dataset, and what was going on.

    Attributes:
        target: pairs wanted in all.
        plan: what was running when this was written; None if nothing was.
        limits: of the gates.
        palette: scene tags at hand, on the keys 1 … 9.
        tags: those that the next pair gets.
        operator, lens_note: as in `SessionAbout`.
        sharpest: steepness of edges that each camera has reached (see `PairMeasurer`).
    """

    target: int = PAPER_TARGET
    plan: Plan | None = None
    limits: Limits = field(default_factory=default_limits)
    palette: tuple[str, ...] = ("indoor", "outdoor", "people", "plants", "textured", "low light")
    tags: tuple[str, ...] = ()
    operator: str = ""
    lens_note: str = ""
    sharpest: Mapping[Role, float] = field(default_factory=dict)


def read_state(folder: Path) -> CaptureState | None:
    """Return what a dataset remembers, None if there is nothing. Raises DatasetError that names the key."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    table = read_toml(path, DatasetError)
    try:
        return _state(table)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error


def write_state(folder: Path, state: CaptureState) -> None:
    """Remember a state, as a whole or not at all. Raises OSError."""
    table: dict[str, object] = {
        "target": state.target,
        "palette": list(state.palette),
        "tags": list(state.tags),
        "operator": state.operator,
        "lens_note": state.lens_note,
        "gates": limits_table(state.limits),
        "sharpest": dict(state.sharpest),
    }
    if state.plan is not None:
        plan = state.plan
        table["running"] = {"kind": plan.kind, "count": plan.count, "period_s": plan.period_s}
    write_atomically(folder / FILE_NAME, (_HEADER + tomli_w.dumps(table)).encode())


def _state(table: Mapping[str, object]) -> CaptureState:
    default = CaptureState()
    known = {"target", "palette", "tags", "operator", "lens_note", "gates", "running", "sharpest"}
    for key in table:
        if key not in known:
            raise DatasetError(f"{key} is not a known key")
    target = table.get("target", default.target)
    if isinstance(target, bool) or not isinstance(target, int) or not 1 <= target <= 10**7:
        raise DatasetError("target must be a whole number of pairs, at least 1")
    gates = table.get("gates", {})
    if not isinstance(gates, dict):
        raise DatasetError("gates must be a table")
    state = replace(
        default,
        target=target,
        limits=limits_from(gates),
        palette=_tags(table, "palette", default.palette),
        tags=_tags(table, "tags", ()),
        operator=_text(table, "operator"),
        lens_note=_text(table, "lens_note"),
        sharpest=_sharpest(table.get("sharpest", {})),
    )
    return replace(state, plan=_plan(table.get("running"), target))


def _plan(table: object, target: int) -> Plan | None:
    if table is None:
        return None
    if not isinstance(table, dict) or set(table) != {"kind", "count", "period_s"}:
        raise DatasetError("running must have kind, count and period_s")
    kind, count, period_s = table["kind"], table["count"], table["period_s"]
    if kind not in KINDS or not isinstance(count, int) or not isinstance(period_s, int | float):
        raise DatasetError(f"running: {kind!r} is not a way of capturing that can go on")
    try:
        return Plan(cast("Kind", kind), count, float(period_s), target)
    except ValueError as error:
        raise DatasetError(f"running: {error}") from error


def _sharpest(table: object) -> dict[Role, float]:
    if not isinstance(table, dict) or not set(table) <= set(ROLES):
        raise DatasetError("sharpest must be a table with a number for mono and for color")
    for value in table.values():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 100:
            raise DatasetError(f"sharpest: {value!r} is no steepness of an edge")
    return {role: float(table[role]) for role in ROLES if role in table}


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise DatasetError(f"{key} must be a text")
    return value


def _tags(table: Mapping[str, object], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = table.get(key, list(default))
    if not isinstance(values, list) or len(values) > MOST_TAGS:
        raise DatasetError(f"{key} must be a list of at most {MOST_TAGS} tags")
    if not all(isinstance(value, str) for value in values):
        raise DatasetError(f"{key} must be a list of texts")
    return tuple(check_tag(value) for value in values)
