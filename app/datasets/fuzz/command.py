"""`python -m app.datasets.fuzz DATASET`: hostile variants of a dataset, and what was found."""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from app.capturing.state import CaptureState, write_state
from capture.dataset_reader import DatasetReader
from capture.datasets.combine import Part, combine
from capture.errors import DatasetError

SILENT_S = 60.0
"""A worker that says nothing for so long hangs: that is a finding."""
FEW_PAIRS = 4


def main(argv: Sequence[str]) -> int:
    """Fuzz; return 0 if nothing was found, 1 if something was, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m app.datasets.fuzz", description=__doc__)
    parser.add_argument("dataset", type=Path, help=f"captured dataset; {FEW_PAIRS} pairs of it are used")
    parser.add_argument("--inputs", type=int, default=1000, metavar="N", help="how many variants (1000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first one (0)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other variants (0)")
    parser.add_argument("--minutes", type=float, help="stop after so long, whatever is left")
    parser.add_argument(
        "--room", type=Path, help="folder to work in, best in memory (default: a temporary one)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write summary and findings as JSON")
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(dir=args.room) as room:
            tally = _Tally(None if args.minutes is None else 60 * args.minutes)
            pristine = Path(room) / "pristine"
            _prepare(args.dataset, pristine)
            _run(pristine, Path(room), args.seed, args.first, args.inputs, tally)
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(tally.report())
    if args.out is not None:
        args.out.write_text(json.dumps(tally.as_data(), indent=1) + "\n")
    return 1 if tally.findings else 0


class _Tally:
    """Counts what came of the inputs; keeps the first of each kind of finding."""

    def __init__(self, most_s: float | None = None) -> None:
        self.inputs = 0
        self._most_s = most_s
        self.began = time.monotonic()
        self.results: Counter[str] = Counter()
        self.mutations: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0, -1, ""
        self.findings: dict[str, dict[str, Any]] = {}

    @property
    def is_over(self) -> bool:
        """Return whether the time allowed is over."""
        return self._most_s is not None and time.monotonic() - self.began > self._most_s

    def take(self, done: dict[str, Any]) -> None:
        """Count an input."""
        self.inputs += 1
        self.mutations.update(done["mutations"])
        if done["seconds"] > self.slowest[0]:
            self.slowest = done["seconds"], done["number"], ", ".join(done["mutations"])
        self.results.update(f"{action} {result}" for action, result in done["results"].items())
        for fault in done.get("faults", ()):
            self.find(fault, done["number"], done["mutations"])

    def find(self, fault: dict[str, str], number: int, mutations: Sequence[str]) -> None:
        """Keep a finding, and say so if it is a new kind."""
        kind = " ".join((fault["action"], fault["kind"], fault.get("place", "")))
        self.counts[kind] += 1
        if kind not in self.findings:
            self.findings[kind] = {**fault, "number": number, "mutations": list(mutations)}
            words = fault.get("message", "")
            print(f"found at input {number}: {kind}: {words}", file=sys.stderr, flush=True)

    def as_data(self) -> dict[str, Any]:
        """Return everything, for JSON."""
        return {
            "inputs": self.inputs,
            "seconds": round(time.monotonic() - self.began, 1),
            "slowest": self.slowest,
            "results": dict(sorted(self.results.items())),
            "mutations": dict(self.mutations.most_common()),
            "findings": [{**finding, "times": self.counts[kind]} for kind, finding in self.findings.items()],
        }

    def report(self) -> str:
        """Return the figures as text."""
        seconds = time.monotonic() - self.began
        lines = [
            f"{self.inputs} inputs in {seconds:.0f} s ({1e3 * seconds / max(1, self.inputs):.1f} ms each)"
        ]
        lines += [f"  {result}: {count}" for result, count in sorted(self.results.items())]
        lines.append("  slowest: {:.1f} s, input {} ({})".format(*self.slowest))
        lines += [
            f"FOUND {self.counts[kind]} × {kind} (first: input {finding['number']})"
            for kind, finding in self.findings.items()
        ]
        return "\n".join(lines if self.findings else [*lines, "nothing found"])


def _prepare(dataset: Path, pristine: Path) -> None:
    """Take a few pairs of the dataset. Raises DatasetError."""
    names = [record.name for record in DatasetReader.open(dataset).records[:FEW_PAIRS]]
    combine([Part(dataset, frozenset(names))], pristine, link=False)
    write_state(pristine, CaptureState())


def _run(pristine: Path, room: Path, seed: int, first: int, inputs: int, tally: _Tally) -> None:
    """Have workers try all inputs; one that dies or hangs is a finding, and another goes on after it."""
    number = first
    while number < first + inputs and not tally.is_over:
        number = _run_worker(pristine, room, (seed, number, first + inputs), tally)


def _run_worker(pristine: Path, room: Path, numbers: tuple[int, int, int], tally: _Tally) -> int:
    """Return the number of the next input to try."""
    command = [sys.executable, "-m", "app.datasets.fuzz.worker", str(pristine), str(room), *map(str, numbers)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENCV_LOG_LEVEL": "SILENT"}
    lines: queue.Queue[str | None] = queue.Queue()
    number = numbers[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as worker:
        assert worker.stdout is not None
        listener = threading.Thread(target=_listen, args=(worker.stdout, lines), daemon=True)
        listener.start()
        why = "the process died"
        try:
            while (line := lines.get(timeout=SILENT_S)) is not None:
                said = json.loads(line)
                if "begin" in said:
                    number = int(said["begin"])
                else:
                    tally.take(said)
                    number = int(said["number"]) + 1
                    _tell(tally)
                    if tally.is_over:
                        return number
        except queue.Empty:
            why = f"no answer within {SILENT_S:.0f} s"
        finally:
            worker.kill()
        listener.join()
    if number < numbers[2]:
        tally.inputs += 1
        tally.find({"action": "any", "kind": why}, number, ())
        number += 1
    return number


def _listen(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _tell(tally: _Tally) -> None:
    if tally.inputs % 1000 == 0:
        seconds = time.monotonic() - tally.began
        print(
            f"{tally.inputs} inputs, {seconds:.0f} s, {len(tally.findings)} kinds of findings",
            file=sys.stderr,
            flush=True,
        )
