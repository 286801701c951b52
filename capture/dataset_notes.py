"""What people and gates say of pairs while they are captured; notes. Format: docs/dataset.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from capture.dataset_files import read_inside
from capture.errors import DatasetError
from capture.files import write_atomically

NOTES_NAME = "notes.txt"
MOST_NOTES_BYTES = 1 << 20

NodeValue = str | int | float | bool


@dataclass(frozen=True)
class PairNote:
    """What is known of a pair besides its frames when it is saved.

    Attributes:
        gates: measured value by gate, the unit in the name ("skew_ms"); None where it could not be measured.
        warnings: gates whose value was beyond its limit.
        tags: scene tags.
        mode: what saved it: "single", "burst", "timed", "change", "walk", "record"; empty if unknown.
    """

    gates: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    mode: str = ""


@dataclass(frozen=True)
class SessionAbout:
    """What is known of a session of capturing besides its rig and calibration.

    Attributes:
        app_version: of the program that wrote it.
        operator: who captured.
        lens_note: lenses, filters, apertures: what no camera can tell.
        nodes: by camera ("mono", "color"), the nodes that matter to whoever uses the pairs (SFNC names).
        gate_limits: limit by gate at the start of the session; None where the gate was off.
    """

    app_version: str = ""
    operator: str = ""
    lens_note: str = ""
    nodes: Mapping[str, Mapping[str, NodeValue]] = field(default_factory=dict)
    gate_limits: Mapping[str, float | None] = field(default_factory=dict)

    def entries(self) -> dict[str, object]:
        """Return what goes into the session's table of `dataset.toml`; what is empty is left out.

        TOML knows no null: a gate that was off is not listed.
        """
        table: dict[str, object] = {
            "app_version": self.app_version,
            "operator": self.operator,
            "lens_note": self.lens_note,
            "nodes": {role: dict(nodes) for role, nodes in self.nodes.items() if nodes},
            "gate_limits": {gate: limit for gate, limit in self.gate_limits.items() if limit is not None},
        }
        return {key: value for key, value in table.items() if value}


def read_notes(folder: Path) -> str:
    """Return the free notes of a dataset, empty if there are none. Raises DatasetError."""
    path = folder / NOTES_NAME
    try:
        return read_inside(folder, path, MOST_NOTES_BYTES).decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no UTF-8 text: {error}") from error


def write_notes(folder: Path, text: str) -> None:
    """Replace the free notes, as a whole or not at all. Raises DatasetError."""
    data = text.encode()
    if len(data) > MOST_NOTES_BYTES:
        raise DatasetError(f"notes may have {MOST_NOTES_BYTES >> 20} MiB; these have {len(data)} bytes")
    try:
        write_atomically(folder / NOTES_NAME, data)
    except OSError as error:
        raise DatasetError(
            f"notes were not saved in {folder}: {error.strerror or error}; copy them elsewhere"
        ) from error
