"""`main.py bench`: the time and memory of every stage, per network, size and device."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from app.commands.summary import Json, write_json

if TYPE_CHECKING:
    from models.bench import Case, Measurement, Ratio
    from models.engine import Device

RELEASED_CANDIDATES = 48
BUSY_LOOK_S, BUSY_PERCENT = 0.5, 20.0
SIZE = re.compile(r"(\d+)[x×](\d+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "--model",
        nargs="+",
        default=["live", "paper"],
        metavar="M",
        help="presets or weights files (default: both presets)",
    )
    parser.add_argument(
        "--size",
        nargs="+",
        type=_size,
        default=[(640, 480), (1024, 780)],
        metavar="WxH",
        help="sizes of the images",
    )
    parser.add_argument(
        "--max-disparity", type=_positive, default=128, metavar="N", help="candidates (default: 128)"
    )
    parser.add_argument(
        "--device", nargs="+", choices=("cpu", "cuda", "mps"), help="default: all that this machine has"
    )
    parser.add_argument("--threads", type=_positive, metavar="N", help="CPU threads (default: all cores)")
    parser.add_argument(
        "--repeats", type=_positive, default=5, metavar="N", help="measured runs (default: 5)"
    )
    parser.add_argument(
        "--released",
        metavar="FILE",
        help=f"the authors' network (.h5 or converted) as yardstick, with {RELEASED_CANDIDATES} candidates",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured here")


def run(args: argparse.Namespace) -> int:
    """Measure every case and print a table; 1 if one failed. Raises ModelError, DatasetError."""
    from models.bench import available_devices, measure, prepare, ratios

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        networks = [(*prepare(model, Path(folder)), args.max_disparity) for model in args.model]
        if args.released:
            networks.append(("released", prepare(args.released, Path(folder))[1], RELEASED_CANDIDATES))
        cases = _cases(args, networks, args.device or available_devices())
        busy_percent = psutil.cpu_percent(interval=BUSY_LOOK_S)
        if busy_percent > BUSY_PERCENT:
            print(f"note: the cores are {busy_percent:.0f} % busy: times will be too long", file=sys.stderr)
        measurements = []
        for number, case in enumerate(cases, start=1):
            print(f"[{number}/{len(cases)}] {_name(case)}", file=sys.stderr, flush=True)
            measurements.append(measure(case))
    compared = ratios(measurements, "released")
    print("\n".join(table(measurements)))
    for ratio in compared:
        print(_compare(ratio))
    if args.json:
        write_json(report(measurements, compared, busy_percent), args.json)
    return 1 if any(measurement.error for measurement in measurements) else 0


def table(measurements: Sequence[Measurement]) -> list[str]:
    """Return the table's lines: one row per case, times in ms, memory in MB."""
    stages = list(dict.fromkeys(stage for m in measurements for stage in m.stages_ms))
    titles = [name.replace("_", " ") for name in stages]
    rows = [["network", "size", "d", "device", *titles, "total ms", "cpu ms", "MB", "runs"]]
    for m in measurements:
        case = m.case
        rows.append([case.label, f"{case.width}×{case.height}", str(case.max_disparity), case.device])
        if m.error:
            rows[-1].append(m.error)
            continue
        times = [m.stages_ms.get(stage, 0.0) for stage in stages]
        rows[-1] += [
            *(f"{ms:.1f}" for ms in (*times, m.total_ms, m.cpu_ms)),
            f"{m.memory_mb:.0f}",
            str(m.runs),
        ]
    complete = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(row[column]) for row in complete) for column in range(len(rows[0]))]
    return [
        "  ".join(_align(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=False)))
        for row in rows
    ]


def report(
    measurements: Sequence[Measurement], compared: Sequence[Ratio], busy_percent: float
) -> dict[str, Json]:
    """Return what `--json` holds."""
    import torch

    return {
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "busy_percent": busy_percent,
        },
        "cases": [asdict(measurement) for measurement in measurements],
        "ratios": [asdict(ratio) for ratio in compared],
    }


def _cases(
    args: argparse.Namespace, networks: Sequence[tuple[str, str, int]], devices: Sequence[Device]
) -> list[Case]:
    from models.bench import Case

    return [
        Case(label, model, width, height, candidates, device, args.repeats, args.threads)
        for device in devices
        for width, height in args.size
        for label, model, candidates in networks
    ]


def _name(case: Case) -> str:
    return f"{case.label}, {case.width}×{case.height}, {case.max_disparity} candidates, {case.device}"


def _compare(ratio: Ratio) -> str:
    return (
        f"{ratio.width}×{ratio.height} on {ratio.device}: a whole cycle of {ratio.label} is "
        f"{ratio.times_faster:.1f}× as fast as the two passes of {ratio.yardstick}, in 1/"
        f"{ratio.times_less_memory:.1f} of the memory"
    )


def _align(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column in (0, 3) else cell.rjust(width)


def _size(text: str) -> tuple[int, int]:
    found = SIZE.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size like 1024x780")
    return int(found[1]), int(found[2])


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number
