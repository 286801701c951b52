"""`main.py record`: save every pair for a while, say how writing keeps up, and check what is on disk."""

from __future__ import annotations

import argparse
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from app.commands.record_kill import SAFE, kill
from app.commands.record_log import Sample, Sampler, Verdict, figures, verify
from app.commands.summary import Json, write_json
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.status import PipelineStatus
from capture.errors import CaptureError, DatasetError
from capture.rig_file import parse_rig

PATIENCE_S = 120.0
"""For the rig to open and the networks to load."""

WINDOW_SIZE = (1280, 800)
EVERY_S, LOOK_EVERY_S = 1.0, 0.005
TELL_EVERY_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="dataset to make, or to go on with")
    parser.add_argument("--rig", default="virtual", metavar="RIG", help="as for live (default: virtual)")
    parser.add_argument("--pairs", type=int, metavar="N", help="stop after N pairs")
    parser.add_argument("--duration", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument("--model", default="live", help="what colorizes meanwhile (default: live)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads for the networks")
    parser.add_argument("--capture-only", action="store_true", help="do not colorize")
    parser.add_argument("--window", action="store_true", help="with the app's window open")
    parser.add_argument("--kill", type=int, metavar="N", help="instead: kill a recording N times, and look")
    parser.add_argument("--tell", action="store_true", help="print how many pairs are safe, all the time")
    parser.add_argument("--check", action="store_true", help="compare all hashes in the end")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples here")


def run(args: argparse.Namespace) -> int:
    """Record; 1 if it stopped early or something is missing. Raises CaptureError, DatasetError."""
    if args.kill is not None:
        return kill(args)
    if args.pairs is None and args.duration is None:
        raise CaptureError("say how much to record: --pairs N or --duration S")
    config = LiveConfig(
        parse_rig(args.rig), model=args.model, threads=args.threads, colorize=not args.capture_only
    )
    with ExitStack() as stack:
        running = stack.enter_context(_InWindow(config) if args.window else _Headless(config))
        if args.tell:
            stack.enter_context(_Teller(running))
        outcome = _record(running, args.folder, args.pairs, args.duration)
    verdict = verify(args.folder) if args.check else None
    print("\n".join(_lines(outcome, verdict)))
    if args.json:
        write_json(_document(args.rig, outcome, verdict), args.json)
    return 0 if not outcome.error and (verdict is None or verdict.complete) else 1


class Running(Protocol):
    """A rig that runs in an app, with or without a window."""

    def status(self) -> PipelineStatus:
        """Return a snapshot."""

    def open_dataset(self, folder: Path) -> None:
        """Open or create a dataset. Raises DatasetError."""

    def set_recording(self, recording: bool) -> None:
        """Begin or end. Raises DatasetError."""

    def pause(self, seconds: float) -> None:
        """Let time pass."""


class _Headless:
    """The pipeline alone; its pictures are taken and looked at by nobody."""

    def __init__(self, config: LiveConfig) -> None:
        self._pipeline = LivePipeline(config, on_view=self._take_view, on_result=self._take_result)
        self._never = threading.Event()

    def __enter__(self) -> Running:
        self._pipeline.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipeline.stop()

    def status(self) -> PipelineStatus:
        return self._pipeline.status()

    def open_dataset(self, folder: Path) -> None:
        self._pipeline.open_dataset(folder)

    def set_recording(self, recording: bool) -> None:
        self._pipeline.set_recording(recording)

    def pause(self, seconds: float) -> None:
        self._never.wait(seconds)

    def _take_view(self) -> None:
        self._pipeline.take_view()

    def _take_result(self) -> None:
        self._pipeline.take_result()


class _InWindow:
    """The app's window, on a screen or without one."""

    def __init__(self, config: LiveConfig) -> None:
        from app.ui.driver import Driver

        self._driver = Driver(config, WINDOW_SIZE, PATIENCE_S)

    def __enter__(self) -> Running:
        self._driver.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._driver.__exit__(*error)

    def status(self) -> PipelineStatus:
        return self._driver.window.bridge.status()

    def open_dataset(self, folder: Path) -> None:
        bridge = self._driver.window.bridge
        bridge.open_dataset(folder)
        if not self._driver.wait(lambda: bridge.status().recorder.folder == str(folder)):
            raise DatasetError(bridge.status().error or f"{folder} could not be opened")

    def set_recording(self, recording: bool) -> None:
        bridge = self._driver.window.bridge
        bridge.set_recording(recording)
        self._driver.wait(lambda: bridge.status().recorder.recording == recording)

    def pause(self, seconds: float) -> None:
        self._driver.run(seconds)


class _Teller:
    """Prints the number of pairs that are safe whenever it has changed, in a thread of its own."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teller")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        told = 0
        while not self._over.wait(LOOK_EVERY_S):
            saved = self._running.status().recorder.saved
            if saved != told:
                told = saved
                print(f"{SAFE}{saved}", flush=True)


@dataclass(frozen=True)
class Outcome:
    """What came of a recording. `error`: why it ended early, empty if it did not."""

    saved: int
    seconds: float
    error: str
    samples: tuple[Sample, ...]


def _record(running: Running, folder: Path, pairs: int | None, duration_s: float | None) -> Outcome:
    _wait_until_it_runs(running)
    running.open_dataset(folder)
    running.set_recording(True)
    sampler, samples = Sampler(), []
    began_s = time.monotonic()
    told_s = 0.0
    while True:
        running.pause(EVERY_S)
        status = running.status()
        samples.append(sampler.take(status))
        if samples[-1].at_s - told_s >= TELL_EVERY_S:
            told_s = samples[-1].at_s
            print(samples[-1].line(), flush=True)
        recorder = status.recorder
        seconds = time.monotonic() - began_s
        enough = pairs is not None and recorder.saved + recorder.queued >= pairs
        if enough or (duration_s is not None and seconds >= duration_s) or not recorder.recording:
            break
    if recorder.recording:
        running.set_recording(False)
    while running.status().recorder.queued and running.status().state not in ("failed", "stopped"):
        running.pause(EVERY_S / 10)
    status = running.status()
    error = status.recorder.error or ("" if recorder.recording else status.error or "recording ended")
    return Outcome(status.recorder.saved, seconds, error, tuple(samples))


def _wait_until_it_runs(running: Running) -> None:
    """Wait for pictures, colorized ones if they are to come. Raises CaptureError."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        status = running.status()
        if status.state == "failed":
            raise CaptureError(status.error)
        colorized = status.stages["colorize"].finished if "colorize" in status.stages else 0
        if status.state == "running" and (colorized or not status.device):
            return
        running.pause(EVERY_S / 10)
    raise CaptureError(running.status().error or f"nothing came within {PATIENCE_S:g} s")


def _lines(outcome: Outcome, verdict: Verdict | None) -> list[str]:
    mean = figures(outcome.samples)
    queue = f"{mean['longest_queue']:.0f} pairs ({mean['largest_queue_mb']:.0f} MB)"
    cpu = (
        f"percent of a core: app {mean['app_percent']:.0f}, of it writing {mean['writing_percent']:.0f}; "
        f"capture {mean['capture_percent']:.0f}; everything else {mean['others_percent']:.0f}"
    )
    lines = [
        f"{outcome.saved} pairs in {outcome.seconds:.1f} s",
        f"at most {queue} waited, the oldest for {mean['oldest_s']:.2f} s",
        f"colorized {mean['colorized_hz']:.1f}/s; images uncompressed for {mean['uncompressed_s']:.0f} s",
        cpu,
    ]
    if outcome.error:
        lines.append(f"stopped: {outcome.error}")
    if verdict is not None:
        gaps = ", ".join(f"{role} {count}" for role, count in verdict.gaps.items())
        lines.append(
            f"on disk: {verdict.pairs} pairs, {verdict.size_mb:.0f} MB, {len(verdict.damaged)} damaged; "
            f"frames missing between them: {gaps}; pairs not saved: {verdict.skipped}"
        )
    return lines


def _document(rig: str, outcome: Outcome, verdict: Verdict | None) -> dict[str, Json]:
    return {
        "rig": rig,
        "saved": outcome.saved,
        "seconds": outcome.seconds,
        "error": outcome.error,
        "figures": figures(outcome.samples),
        "check": asdict(verdict) if verdict is not None else None,
        "samples": [asdict(sample) for sample in outcome.samples],
    }
