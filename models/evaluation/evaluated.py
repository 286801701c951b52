"""What an evaluation was made from, beside its results: so that they can be opened again, and looked at."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.engine import SearchRange
from models.errors import ModelError

EVALUATED_NAME = "evaluated.json"


@dataclass(frozen=True)
class Evaluated:
    """The last run of `evaluate` in a folder.

    Attributes:
        data: folders of pairs, as `open_sets` takes them; absolute.
        methods: specs, as `open_methods` takes them; files absolute.
        ranges: candidates by name of the set, where a person gave them.
    """

    data: tuple[Path, ...]
    methods: tuple[str, ...]
    ranges: Mapping[str, SearchRange]


def note_evaluated(
    folder: Path, data: Sequence[Path], methods: Sequence[str], ranges: Mapping[str, SearchRange]
) -> None:
    """Write it, whole or not at all. Raises ModelError where that is impossible."""
    table = {
        "data": [str(path.absolute()) for path in data],
        "methods": [_absolute(spec) for spec in methods],
        "ranges": {name: [r.max_disparity, r.offset, r.mirrored] for name, r in ranges.items()},
    }
    temporary = folder / f".{EVALUATED_NAME}.{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        temporary.replace(folder / EVALUATED_NAME)
    except OSError as error:
        raise ModelError(f"cannot write {folder / EVALUATED_NAME}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def is_evaluation(folder: Path) -> bool:
    """Return whether a folder holds what `evaluate` wrote."""
    return (folder / EVALUATED_NAME).is_file()


def read_evaluated(folder: Path) -> Evaluated:
    """Return what an evaluation was made from. Raises ModelError if the file does not tell."""
    file = folder / EVALUATED_NAME
    try:
        table = json.loads(file.read_bytes())
        return Evaluated(
            data=tuple(Path(str(path)) for path in table["data"]),
            methods=tuple(str(spec) for spec in table["methods"]),
            ranges={
                str(name): SearchRange(int(count), int(offset), bool(mirrored))
                for name, (count, offset, mirrored) in table["ranges"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} does not tell what was evaluated: run the evaluation again") from error


def _absolute(spec: str) -> str:
    """Return a method's spec with the files in it as absolute paths."""
    name, named, model = spec.rpartition("=")
    files = [str(Path(part).absolute()) if Path(part).is_file() else part for part in model.split(",")]
    return f"{name}{named}{','.join(files)}"
