"""The quality gates: what is measured of a pair, and the limits that it has to keep.

A gate is off, warns, or is a wall that refuses the pair. A value that could not be measured (no calibration,
no colorization yet) passes, and is noted as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from capture.errors import DatasetError

Mode = Literal["off", "warn", "wall"]
MODES: tuple[Mode, ...] = ("off", "warn", "wall")
Values = Mapping[str, float | None]


@dataclass(frozen=True)
class GateSpec:
    """One thing that is measured of every pair.

    Attributes:
        key: its name in datasets, with the unit.
        title: its name on screen.
        unit: on screen; empty for shares and indices.
        tip: what it is, and what to do when it is bad.
        better: which values are good.
        default_limit, default_mode: until a person changes them.
        span: values at both ends of its bar on screen.
        decimals: digits that make sense.
    """

    key: str
    title: str
    unit: str
    tip: str
    better: Literal["low", "high"]
    default_limit: float
    default_mode: Mode
    span: tuple[float, float]
    decimals: int

    def keeps(self, value: float, limit: float) -> bool:
        """Return whether a value is on the good side of a limit."""
        return value <= limit if self.better == "low" else value >= limit

    def text(self, value: float | None) -> str:
        """Return a value as a person reads it."""
        if value is None:
            return "unknown"
        return f"{value:.{self.decimals}f} {self.unit}".rstrip()


GATES: tuple[GateSpec, ...] = (
    GateSpec(
        "skew_ms",
        "Skew",
        "ms",
        "Time between the two exposures. If it is large: see the Sync page.",
        "low",
        5.0,
        "warn",
        (0.0, 10.0),
        2,
    ),
    GateSpec(
        "clipped_share",
        "Clipped",
        "",
        "Share of saturated pixels, in the worse camera. Shorten the exposure, or lower the gain.",
        "low",
        0.02,
        "warn",
        (0.0, 0.1),
        3,
    ),
    GateSpec(
        "sharpness",
        "Sharpness",
        "",
        "How steep edges are in the less sharp camera, against the best seen in this dataset: 1 is as sharp "
        "as ever. Low: out of focus, or moved during the exposure.",
        "high",
        0.65,
        "warn",
        (0.0, 1.0),
        2,
    ),
    GateSpec(
        "motion_px",
        "Motion",
        "px",
        "How far the faster parts of the scene move during skew and exposure. Hold still, or expose shorter.",
        "low",
        1.0,
        "wall",
        (0.0, 5.0),
        2,
    ),
    GateSpec(
        "duplicate_distance",
        "Difference",
        "",
        "How different the picture is from the most similar saved one: 0 is the same, 1 nothing in common. "
        "Small: a duplicate, move on to something else.",
        "high",
        0.03,
        "warn",
        (0.0, 0.3),
        3,
    ),
    GateSpec(
        "row_error_px",
        "Row error",
        "px",
        "How far rows of the two rectified pictures are apart. If it is large: calibrate again.",
        "low",
        0.5,
        "warn",
        (0.0, 2.0),
        2,
    ),
    GateSpec(
        "texture_share",
        "Texture",
        "",
        "Share of the picture with detail that can be matched. Low: walls, sky, defocus.",
        "high",
        0.3,
        "warn",
        (0.0, 1.0),
        2,
    ),
    GateSpec(
        "cycle_ssim",
        "Cycle SSIM",
        "",
        "How well the newest colorization finds the way back to the reference (mean of Cb and Cr).",
        "high",
        0.89,
        "warn",
        (0.5, 1.0),
        3,
    ),
)
GATE: Mapping[str, GateSpec] = {spec.key: spec for spec in GATES}


@dataclass(frozen=True)
class GateLimit:
    """The limit of a gate, in its unit, and what happens beyond it."""

    limit: float
    mode: Mode


Limits = Mapping[str, GateLimit]
LARGEST_LIMIT = 1e9
"""A limit that is no number, or beyond all numbers, would open a wall without a word."""


def default_limits() -> dict[str, GateLimit]:
    """Return the limits of all gates until a person changes them."""
    return {spec.key: GateLimit(spec.default_limit, spec.default_mode) for spec in GATES}


def limits_from(table: Mapping[str, object]) -> dict[str, GateLimit]:
    """Return the limits of a table as `limits_table` makes it; gates that it lacks keep their defaults.

    Raises DatasetError that names the key.
    """
    limits = default_limits()
    for key, entry in table.items():
        if key not in GATE or not isinstance(entry, dict) or set(entry) != {"limit", "mode"}:
            raise DatasetError(f"gates.{key} is not a gate with limit and mode")
        limit, mode = entry["limit"], entry["mode"]
        is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
        if not is_number or not abs(limit) <= LARGEST_LIMIT or mode not in MODES:
            raise DatasetError(f"gates.{key}: limit must be a number, mode one of {', '.join(MODES)}")
        limits[key] = GateLimit(float(limit), mode)
    return limits


def limits_table(limits: Limits) -> dict[str, dict[str, float | str]]:
    """Return limits as they are kept in `capture.toml`."""
    return {key: {"limit": limit.limit, "mode": limit.mode} for key, limit in limits.items()}


@dataclass(frozen=True)
class Verdict:
    """What the gates say of a pair.

    Attributes:
        values: by gate; None where unknown.
        refused: walls that it ran into.
        warnings: gates that only warn, beyond their limit.
    """

    values: Values = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def reasons(self, limits: Limits) -> tuple[str, ...]:
        """Return a line for each wall it ran into: "Skew 3.20 ms: at most 2.00 ms"."""
        return tuple(reason(key, self.values[key], limits[key].limit) for key in self.refused)


def reason(key: str, value: float | None, limit: float) -> str:
    """Return why a value is beyond its limit, in one line."""
    spec = GATE[key]
    bound = "at most" if spec.better == "low" else "at least"
    return f"{spec.title} {spec.text(value)}: {bound} {spec.text(limit)}"


def judge(values: Values, limits: Limits) -> Verdict:
    """Return the verdict on what was measured of a pair."""
    beyond = [
        spec.key
        for spec in GATES
        if (value := values.get(spec.key)) is not None and not spec.keeps(value, limits[spec.key].limit)
    ]
    return Verdict(
        {spec.key: values.get(spec.key) for spec in GATES},
        tuple(key for key in beyond if limits[key].mode == "wall"),
        tuple(key for key in beyond if limits[key].mode == "warn"),
    )
