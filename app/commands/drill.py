"""`main.py drill`: break a running rig on purpose, many times, and measure how long it takes to come back."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from app.commands.summary import Json, write_json
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.recovery import STABLE_S
from app.pipeline.status import Outage
from capture.errors import CaptureError, DeviceLost
from capture.rig import SettingValue
from capture.rig_file import parse_rig
from capture.spec import RigSpec

LONGEST_S = 120.0
"""A rig that has not come back after this long will not."""

QUIET_S = (STABLE_S, STABLE_S + 0.5)
"""The rig runs in good order for a time between these before it is broken again, at a random moment."""


ABSENCE_S = 5.0
"""For how long a simulated camera is gone."""


@dataclass(frozen=True)
class Fault:
    """One way to break a rig.

    Attributes:
        signal: name of one that is sent to the capture process, where the system has it.
        settings: given to the mono camera first, where it has them.
        command: of the rig, or of a camera as NAME:ROLE.
    """

    name: str
    meaning: str
    signal: str = ""
    settings: tuple[tuple[str, SettingValue], ...] = ()
    command: str = ""


FAULTS = (
    Fault("kill", "capture process killed (SIGKILL)", "SIGKILL"),
    Fault("crash", "crash inside a library (SIGSEGV)", "SIGSEGV"),
    Fault("hang", "capture process stands still (SIGSTOP)", "SIGSTOP"),
    Fault("fetch", "a fetch that never returns", command="HangFetch"),
    Fault("unplug", "mono camera unplugged, back at once", command="LoseDevice:mono"),
    Fault("unplug-color", "colour camera unplugged, back at once", command="LoseDevice:color"),
    Fault("driver-crash", "crash inside the GenTL producer", command="SimulatorCrash:mono"),
    Fault(
        "driver-hang",
        "a fetch in the GenTL producer that never returns, interpreter lock held",
        settings=(("SimulatorHangFetch", 3600.0),),
    ),
    Fault(
        "vanish",
        f"mono camera unplugged, back after {ABSENCE_S:g} s",
        settings=(("SimulatorAbsence", ABSENCE_S),),
        command="SimulatorVanish:mono",
    ),
)


@dataclass(frozen=True)
class Row:
    """What came of one fault, seconds."""

    fault: str
    outages: Sequence[Outage]

    def line(self) -> str:
        """Return a row of a Markdown table: median / largest."""
        cells = [
            _figures([o.detection_s for o in self.outages if o.detection_s is not None]),
            _figures([o.recovery_s for o in self.outages]),
            _figures([o.frozen_s for o in self.outages]),
        ]
        return f"| {self.fault} | {len(self.outages)} | {' | '.join(cells)} |"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--rig", default="virtual", metavar="RIG", help="as for live (default: virtual)")
    names = [fault.name for fault in FAULTS]
    parser.add_argument(
        "--fault",
        nargs="+",
        choices=names,
        metavar="FAULT",
        help=f"{', '.join(names)}; default: all possible",
    )
    parser.add_argument("--repeats", type=int, default=10, metavar="N", help="of each fault (default: 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outage here")


def run(args: argparse.Namespace) -> int:
    """Break and measure; 1 if the rig did not come back. Raises CaptureError, DatasetError."""
    spec = parse_rig(args.rig)
    wanted = [fault for fault in FAULTS if args.fault is None or fault.name in args.fault]
    rows = drill(spec, wanted, args.repeats, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"Rig {args.rig}; seconds, median / largest.\n")
    print("| fault | times | noticed after | back after | picture stood still |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        print(row.line())
    if args.json:
        report: dict[str, Json] = {row.fault: [asdict(outage) for outage in row.outages] for row in rows}
        write_json({"rig": args.rig, "faults": report}, args.json)
    return 1 if any(len(row.outages) < args.repeats for row in rows) else 0


def drill(spec: RigSpec, faults: Sequence[Fault], repeats: int, tell: Callable[[str], None]) -> list[Row]:
    """Break one running rig with each fault that it knows, again and again.

    Raises CaptureError if it cannot be opened in the first place.
    """
    news = threading.Condition()

    def on_news() -> None:
        with news:
            news.notify_all()

    pipeline = LivePipeline(
        LiveConfig(spec, device="cpu", colorize=False), on_status=on_news, on_view=on_news
    )
    rows = []
    pipeline.start()
    try:
        _wait_for_pairs(pipeline, news)
        for fault in faults:
            if not _is_known(pipeline, fault):
                continue
            outages = []
            for number in range(1, repeats + 1):
                outage = _break(pipeline, news, fault)
                if outage is None:
                    tell(f"{fault.name} {number}/{repeats}: not back within {LONGEST_S:g} s")
                    break
                tell(f"{fault.name} {number}/{repeats}: back in {outage.recovery_s:.2f} s")
                outages.append(outage)
            rows.append(Row(fault.meaning, outages))
            if len(outages) < repeats:
                break
    finally:
        pipeline.stop()
    return rows


def _is_known(pipeline: LivePipeline, fault: Fault) -> bool:
    """Tell whether this rig can be broken in this way."""
    if fault.signal:
        return fault.signal in signal.Signals.__members__
    info = pipeline.status().rig
    nodes = {feature.name for feature in pipeline.cameras.features("mono")}
    known = {*nodes, *(info.commands if info is not None else ())}
    command_is_known = fault.command in known or fault.command.partition(":")[0] in nodes
    return all(name in nodes for name, _ in fault.settings) and (not fault.command or command_is_known)


def _break(pipeline: LivePipeline, news: threading.Condition, fault: Fault) -> Outage | None:
    """Break the rig once and return how it came back, None if it did not."""
    before = len(pipeline.status().recovery.outages)
    if fault.signal:
        pid = pipeline.capture_pid
        if pid is None:
            raise CaptureError("the capture process is gone by itself")
        os.kill(pid, signal.Signals[fault.signal])
    with suppress(DeviceLost):  # which is what it is for
        for name, value in fault.settings:
            pipeline.apply("mono", name, value)
        if fault.command:
            pipeline.execute(fault.command)
    came_back = _wait(
        pipeline, news, lambda: len(pipeline.status().recovery.outages) > before, patience_s=LONGEST_S
    )
    if not came_back:
        return None
    _wait_for_pairs(pipeline, news)
    return pipeline.status().recovery.outages[-1]


def _wait_for_pairs(pipeline: LivePipeline, news: threading.Condition) -> None:
    """Let the rig run for a while of random length. Raises CaptureError if it does not."""
    before = pipeline.status().pairing.paired
    until_s = time.monotonic() + random.uniform(*QUIET_S)

    def runs() -> bool:
        return pipeline.status().pairing.paired > before and time.monotonic() > until_s

    if not _wait(pipeline, news, runs, LONGEST_S):
        raise CaptureError(pipeline.status().error or "no pairs come through")


def _wait(
    pipeline: LivePipeline, news: threading.Condition, holds: Callable[[], bool], patience_s: float
) -> bool:
    deadline_s = time.monotonic() + patience_s
    with news:
        while not holds():
            if pipeline.failure is not None:
                raise pipeline.failure
            if time.monotonic() > deadline_s:
                return False
            news.wait(0.25)
    return True


def _figures(values: Sequence[float]) -> str:
    return f"{median(values):.2f} / {max(values):.2f}" if values else "–"
