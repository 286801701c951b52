"""`main.py soak`: start and stop a rig many times; look for memory, handles and threads not given back."""

from __future__ import annotations

import argparse
import gc
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from app.commands.summary import write_json
from app.pipeline.live import LiveConfig, LivePipeline
from capture.errors import CaptureError
from capture.process import RigProcess
from capture.rig_file import parse_rig
from capture.spec import RigSpec

FRAMES = 4
PATIENCE_S = 30.0
WARM_SHARE = 0.1
"""Caches fill and allocators find their size in the first tenth; what is counted is what comes after."""

MOST_GROWTH_MB = 8.0
"""Memory that may be more in the end: allocators keep fragments; a buffer leaked per cycle is far more."""

MOST_HANDLES = 3
"""Handles and threads that may be more in the end, by the moment at which they are counted."""


@dataclass(frozen=True)
class Sample:
    """What a process uses after a number of cycles. Handles are open files, pipes and sockets."""

    process: str
    cycle: int
    rss_mb: float
    handles: int
    threads: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--rig", default="viky", metavar="RIG", help="as for live (default: viky)")
    parser.add_argument("--cycles", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument(
        "--what",
        choices=("stream", "rig", "app"),
        default="stream",
        help="stream: start and stop acquisition of one open rig; rig: open and close it each time, in a new "
        "process; app: start and stop the whole pipeline (default: stream)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples here")


def run(args: argparse.Namespace) -> int:
    """Run all cycles and print what the processes used; 1 if it grew. Raises CaptureError, DatasetError."""
    spec = parse_rig(args.rig)
    began_s = time.monotonic()
    samples: list[Sample] = []

    def keep(sample: Sample) -> None:
        samples.append(sample)
        line = f"{sample.cycle:6} {sample.process:8} {sample.rss_mb:8.1f} MB {sample.handles:5} handles"
        print(f"{line} {sample.threads:4} threads", flush=True)

    cycles = {"stream": _streams, "rig": _rigs, "app": _apps}[args.what]
    cycles(spec, args.cycles, keep)
    print(f"{args.cycles} cycles in {time.monotonic() - began_s:.0f} s")
    growth = grown(samples)
    for line in growth:
        print(line, file=sys.stderr)
    if args.json:
        write_json({"samples": [asdict(sample) for sample in samples], "grown": growth}, args.json)
    return 1 if growth else 0


def grown(samples: Sequence[Sample]) -> list[str]:
    """Return one line for everything that is more at the end than once all was warm."""
    lines = []
    for process in dict.fromkeys(sample.process for sample in samples):
        own = [sample for sample in samples if sample.process == process]
        last = own[-1]
        warm = next(sample for sample in own if sample.cycle >= WARM_SHARE * last.cycle)
        for unit, before, after, room in (
            ("MB of memory", warm.rss_mb, last.rss_mb, MOST_GROWTH_MB),
            ("handles", warm.handles, last.handles, MOST_HANDLES),
            ("threads", warm.threads, last.threads, MOST_HANDLES),
        ):
            if after - before > room:
                lines.append(
                    f"{process}: {before:g} {unit} after {warm.cycle} cycles, {after:g} after {last.cycle}"
                )
    return lines


def _streams(spec: RigSpec, cycles: int, keep: Callable[[Sample], None]) -> None:
    """Start and stop one rig; the capture process is the one that has to give everything back."""
    with RigProcess(spec) as rig:
        for cycle in range(1, cycles + 1):
            rig.start()
            _take(rig)
            rig.stop()
            if _is_due(cycle, cycles):
                keep(_sample("app", cycle))
                keep(_sample("capture", cycle, rig.pid))


def _rigs(spec: RigSpec, cycles: int, keep: Callable[[Sample], None]) -> None:
    """Open and close the rig in a process of its own each time; this process has to give everything back."""
    for cycle in range(1, cycles + 1):
        with RigProcess(spec) as rig:
            rig.start()
            _take(rig)
            rig.stop()
        if _is_due(cycle, cycles):
            keep(_sample("app", cycle))


def _apps(spec: RigSpec, cycles: int, keep: Callable[[Sample], None]) -> None:
    """Start and stop the whole pipeline, without networks."""
    for cycle in range(1, cycles + 1):
        news = threading.Event()
        pipeline = LivePipeline(LiveConfig(spec, device="cpu", colorize=False), on_view=news.set)
        pipeline.start()
        try:
            arrived = news.wait(PATIENCE_S)
            if not arrived:
                raise CaptureError(pipeline.status().error or "no pair came through")
        finally:
            pipeline.stop()
        if _is_due(cycle, cycles):
            keep(_sample("app", cycle))


def _take(rig: RigProcess) -> None:
    for _ in range(FRAMES):
        rig.next_frame(PATIENCE_S)


def _is_due(cycle: int, cycles: int) -> bool:
    """Ten samples and the first cycle."""
    return cycle == 1 or cycle % max(1, cycles // 10) == 0


def _sample(name: str, cycle: int, pid: int | None = None) -> Sample:
    gc.collect()  # what only waits to be collected is no leak
    process = psutil.Process(pid)
    with process.oneshot():
        handles = process.num_handles() if sys.platform == "win32" else process.num_fds()
        return Sample(name, cycle, process.memory_info().rss / 1e6, handles, process.num_threads())
