"""`main.py dataset check`: is everything there that was captured, and nothing changed? And mending."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.datasets.shown_progress import ShownProgress

if TYPE_CHECKING:
    from capture.datasets.findings import Checked, Finding

HELP = "verify every line, file and hash of a dataset, and mend what can be mended"
EPILOG = """\
Exit code: 0 all is well, 1 something was found (with --repair: something is left), 2 bad input.

--repair never deletes a captured image. What cannot be used moves to DATASET/orphans/, where nothing reads
it, and every line that leaves a list is copied there first.
"""
EXIT_FOUND = 1
_MOST_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the action's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("datasets", nargs="+", type=Path, metavar="DATASET", help="dataset or pair folder")
    parser.add_argument("--repair", action="store_true", help="mend what can be mended")
    parser.add_argument(
        "--quick", action="store_true", help="compare sizes only: neither hashes nor pixels are looked at"
    )
    parser.add_argument("--all", action="store_true", help=f"list all findings, not {_MOST_SHOWN} of a kind")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Check each dataset and print what was found. Raises DatasetError."""
    found = 0
    for folder in args.datasets:
        checked, mended = _check(folder, quick=args.quick, repair=args.repair)
        found += checked.damage
        if args.json:
            print(json.dumps(_as_data(folder, checked, mended), indent=1, ensure_ascii=False))
        else:
            print(_report(folder, checked, mended, None if args.all else _MOST_SHOWN), flush=True)
    return EXIT_FOUND if found else 0


def _check(folder: Path, *, quick: bool, repair: bool) -> tuple[Checked, str]:
    from capture.datasets.check import check_dataset
    from capture.datasets.files import Depth
    from capture.datasets.mend import mend_dataset

    depth: Depth = "sizes" if quick else "pixels"
    with ShownProgress(f"checking {folder}") as progress:
        checked = check_dataset(folder, depth, progress)
    if not repair or not checked.findings or checked.is_plain:
        return checked, ""
    _tell(checked)
    with ShownProgress(f"checking {folder} again") as progress:
        mended, checked = mend_dataset(folder, checked, depth, progress)
    return checked, str(mended)


def _tell(checked: Checked) -> None:
    """Name on stderr what is about to be mended: it is not found any more afterwards."""
    for finding in checked.findings:
        if finding.mend:
            print(f"{finding.name}: {finding.message}; repair {finding.mend}", file=sys.stderr)


def _as_data(folder: Path, checked: Checked, mended: str) -> dict[str, object]:
    return {
        "dataset": str(folder),
        "pairs": checked.pairs,
        "whole": checked.whole,
        "size_bytes": checked.size_bytes,
        "mended": mended,
        "findings": [asdict(finding) for finding in checked.findings],
    }


def _report(folder: Path, checked: Checked, mended: str, most: int | None) -> str:
    """Return the findings, by kind, as text."""
    lines = [f"{folder}: mended: {mended}"] if mended else []
    by_kind: dict[str, list[Finding]] = {}
    for finding in checked.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    for findings in by_kind.values():
        lines += [f"  {_line(finding)}" for finding in findings[:most]]
        if most is not None and len(findings) > most:
            lines.append(f"  … and {len(findings) - most} more of this kind (--all lists them)")
    size = f"{checked.size_bytes / 1e6:,.1f} MB"
    kinds = Counter(finding.kind for finding in checked.findings if finding.is_damage)
    said = ", ".join(f"{count} × {kind}" for kind, count in kinds.items()) or "nothing is damaged"
    return "\n".join([*lines, f"{folder}: {checked.whole} of {checked.pairs} pairs whole, {size}; {said}"])


def _line(finding: Finding) -> str:
    mend = f" (--repair {finding.mend})" if finding.mend else ""
    return f"{'' if finding.is_damage else 'note: '}{finding.name}: {finding.message}{mend}"
