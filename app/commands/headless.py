"""The live pipeline without a window: progress on one line, pictures and a summary on disk."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TextIO

from app.commands.montage import side_by_side
from app.commands.summary import (
    Json,
    ResultTally,
    accounts,
    drops,
    libraries,
    lines,
    recovery,
    synchronization,
    write_json,
)
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.recovery import recovered_words
from app.pipeline.slots import LosslessQueue
from app.pipeline.status import LiveResult, PipelineStatus
from capture.errors import CaptureError, DatasetError
from capture.png import write_png
from capture.sync_health import SyncState

LOOK_EVERY_S = 0.25
PLAIN_PROGRESS_EVERY_S = 5.0
WAITING_RESULTS = 4


@dataclass(frozen=True)
class Limits:
    """When to stop: after so many pairs or seconds of capture, whichever comes first. None: no limit."""

    pairs: int | None = None
    duration_s: float | None = None


def run_headless(config: LiveConfig, limits: Limits, out: Path | None, stream: TextIO) -> None:
    """Run until a limit is reached, the stream ends or Ctrl-C; write to `out` and print what came of it.

    Raises:
        CaptureError, CalibrationError, DatasetError, ModelError: no result can come, or it cannot be written.
        KeyboardInterrupt: after the summary.
    """
    if out is not None:
        _make_folder(out)
    run = _Run(config, limits, out, Progress(stream, limits))
    with interrupt_as_event() as interrupted:
        try:
            run.until_done(interrupted)
        finally:
            status = run.stop()
    summary = _summary(config, status, run)
    if out is not None:
        write_json(summary, out / "summary.json")
    print(*lines(summary), sep="\n", file=stream)
    if interrupted.is_set():
        raise KeyboardInterrupt
    if run.pairs == 0:
        raise CaptureError(status.error or "no pair came through in the time allowed")


@contextmanager
def interrupt_as_event() -> Iterator[threading.Event]:
    """Let the first Ctrl-C set an event; the second raises KeyboardInterrupt as usual.

    As an exception it may come up between taking a lock and the block that releases it, or in a destructor,
    which swallows it; either way the run would never end.
    """
    interrupted = threading.Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    if threading.current_thread() is not threading.main_thread():  # no signals here
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class _Run:
    """One run. Results wait in a queue; while it is full the colorizer waits, and drops count before it.

    Attributes:
        tally: measures of the colorized pairs.
        pairs: pairs that came through all stages.
        seconds: for how long the rig has been open.
    """

    def __init__(self, config: LiveConfig, limits: Limits, out: Path | None, progress: Progress) -> None:
        self._config = config
        self._limits = limits
        self._out = out
        self._progress = progress
        self._results: LosslessQueue[LiveResult] = LosslessQueue(WAITING_RESULTS)
        self._pipeline = LivePipeline(config, on_result=self._keep)
        self._running_since_s: float | None = None
        self.tally = ResultTally()
        self.pairs = 0
        self.seconds = 0.0
        self.sync = SyncState()

    def until_done(self, interrupted: threading.Event) -> None:
        """Start, and work until done or interrupted. Raises what keeps results from coming."""
        self._pipeline.start()
        while True:
            result = self._results.take(LOOK_EVERY_S)
            if result is not None:
                self._write(result)
            status = self._pipeline.status()
            self.pairs = self.tally.pairs if self._config.colorize else status.stages["rectify"].finished
            done, failure = self._is_done(status), self._pipeline.failure
            if result is None and failure is not None and not done:
                raise failure  # whoever catches it prints it: once is enough
            self._progress.show(status, self.pairs)
            if done or interrupted.is_set():
                return

    def stop(self) -> PipelineStatus:
        """Stop everything and return the final counts."""
        self._results.close()
        self.sync = self._pipeline.sync_state()  # of the last minute, while there is one
        self._pipeline.stop()
        status = self._pipeline.status()
        if not self._config.colorize:
            self.pairs = status.stages["rectify"].finished
        self._progress.end()
        return status

    def _is_done(self, status: PipelineStatus) -> bool:
        if status.state not in ("starting", "failed"):
            self._running_since_s = self._running_since_s or time.monotonic()
            self.seconds = time.monotonic() - self._running_since_s
        if self._limits.pairs is not None and self.pairs >= self._limits.pairs:
            return True
        if self._limits.duration_s is not None and self.seconds >= self._limits.duration_s:
            return True
        return status.state == "ended" and not len(self._results)

    def _keep(self) -> None:
        """Take a result over, in the colorizer's thread."""
        result = self._pipeline.take_result()
        if result is not None:
            self._results.put(result, timeout_s=None)

    def _write(self, result: LiveResult) -> None:
        if self._out is not None:
            write_png(side_by_side(result), self._out / f"{result.rectified.pair.index:06d}.png")
        self.tally.add(result)


class Progress:
    """One line that is kept up to date on a terminal, a line now and then elsewhere, and the news."""

    def __init__(self, stream: TextIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._updates = stream.isatty()
        self._news: dict[str, str] = {}
        self._due_s = 0.0
        self._width = 0

    def show(self, status: PipelineStatus, pairs: int) -> None:
        """Show how far it is."""
        news = recovered_words(status.recovery)
        for kind, text in (("note", status.notice), ("error", status.error), ("recovery", news)):
            if text and self._news.get(kind) != text:
                self._print(f"{kind}: {text}")
            self._news[kind] = text
        if self._updates or time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + PLAIN_PROGRESS_EVERY_S
            self._line(status, pairs)

    def end(self) -> None:
        """Leave the last state on a line of its own."""
        if self._updates:
            self._stream.write("\n")

    def _line(self, status: PipelineStatus, pairs: int) -> None:
        of = f"/{self._limits.pairs}" if self._limits.pairs is not None else ""
        stages = status.stages
        parts = [f"{pairs}{of} pairs"]
        parts += [
            f"{word} {stages[name].rate_hz:.1f}/s"
            for name, word in (("capture", "captured"), ("pair", "paired"), ("colorize", "colorized"))
        ]
        parts.append(f"latency {stages['colorize'].latency_ms:.0f} ms")
        parts.append(f"{status.memory_mb:.0f} MB")
        line = "  ".join(parts)
        if self._updates:
            self._stream.write("\r" + line.ljust(self._width))
            self._stream.flush()
            self._width = len(line)
        else:
            self._print(line)

    def _print(self, line: str) -> None:
        start = "\r" + " " * self._width + "\r" if self._updates else ""
        self._width = 0
        print(start + line, file=self._stream, flush=True)


def _summary(config: LiveConfig, status: PipelineStatus, run: _Run) -> Mapping[str, Json]:
    # Colorizing starts later than capturing: loading the networks is no part of the rate.
    seconds = run.tally.seconds if config.colorize else run.seconds
    return {
        "rig": status.rig.name if status.rig is not None else None,
        "libraries": libraries(status.rig),
        "model": status.model if config.colorize else None,
        "device": status.device,
        "search": {
            "max_disparity": status.search.max_disparity,
            "offset": status.search.offset,
            "mirrored": status.search.mirrored,
        },
        "pairs": run.pairs,
        "seconds": seconds,
        "fps": run.pairs / seconds if seconds > 0 else None,
        **run.tally.summary(),
        "drops": drops(status),
        "skew_ms": status.skew_ms,
        "sync": synchronization(run.sync, status.rig),
        "drift": {
            "light": status.drift.light,
            "row_error_px": status.drift.row_error_px if status.drift.shift is not None else None,
        },
        "memory_mb": status.memory_mb,
        "error": status.error,
        "recovery": recovery(status.recovery),
        **accounts(status),
    }


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot make the folder {folder}: {error.strerror or error}") from error
