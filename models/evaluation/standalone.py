"""Commands of this package that measure methods by one question each, beside `main.py evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from models.errors import ModelError
from models.evaluation.methods import Contestant, Folds, Method, open_methods

Result = Mapping[str, Mapping[str, Any]]
"""Frozen dataclasses of figures by place and picture."""
Rows = Iterable[Sequence[str]]


def main(
    name: str,
    about: str,
    measure: Callable[[Method, Sequence[Path]], Result],
    rows: Callable[[Any], Rows],
    argv: Sequence[str],
) -> int:
    """Measure every method that the arguments name, print its table and write the figures.

    Args:
        name: module in this package.
        about: first line of the help.
        measure: takes a loaded method and the folders named; may raise ModelError.
        rows: the table of a result, its header first.
        argv: arguments.

    Returns:
        the exit code: 2 for bad input, which is told in one line; 130 for Ctrl-C.
    """
    args = _parser(name, about).parse_args(argv)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    found = {}
    try:
        for method in _single(open_methods(args.model, args.out.parent, args.device)):
            method.load()
            found[method.name] = result = measure(method, args.folders)
            print(f"{name}, {method.name}\n{_aligned(rows(result))}")
        _write(args.out, found)
    except ModelError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(f"wrote {args.out}")
    return 0


def _single(methods: Sequence[Contestant]) -> list[Method]:
    """Refuse folds: which of their networks is meant, only pairs that they were trained on tell."""
    for method in methods:
        if isinstance(method, Folds):
            raise ModelError(f"{method.name} is of several networks: name one weights file")
    return [method for method in methods if not isinstance(method, Folds)]


def _parser(name: str, about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m models.evaluation.{name}", description=about)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folders of pairs, or of these")
    parser.add_argument(
        "--model",
        nargs="+",
        default=["live"],
        metavar="M",
        help="presets, weights files, or methods without weights, as for evaluate (default: live)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs") / f"{name}.json",
        metavar="FILE",
        help="JSON to write (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument(
        "--threads", type=int, choices=range(1, 65), metavar="N", help="CPU threads (default: all cores)"
    )
    return parser


def _aligned(rows: Rows) -> str:
    """Return the rows with two columns of words and the rest of figures."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    sides = ["<", "<", *[">"] * (len(widths) - 2)]
    return "\n".join(
        "  ".join(f"{c:{side}{width}}" for c, side, width in zip(line, sides, widths, strict=True))
        for line in lines
    )


def _write(path: Path, found: Mapping[str, Result]) -> None:
    plain = {
        method: {
            place: {name: asdict(value) for name, value in by_name.items()} for place, by_name in r.items()
        }
        for method, r in found.items()
    }
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error
