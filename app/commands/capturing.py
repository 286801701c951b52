"""`main.py live --capture …`: a capture session without a window, until its plan is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from app.capturing.gates import GateLimit
from app.capturing.modes import Plan
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.status import PipelineStatus
from capture.errors import CaptureError, DatasetError

LOOK_EVERY_S = 0.2
TELL_EVERY_S = 5.0
PATIENCE_S = 120.0
"""For a rig to open, and the networks to load."""


@dataclass(frozen=True)
class CaptureWish:
    """What to capture.

    Attributes:
        folder: of the dataset; one that is there is gone on with.
        plan: how.
        tags, operator, lens_note: metadata; None: as the dataset remembers it.
        limits: gates to change, by key; they are remembered.
        duration_s: stop after that long; None: when the plan is done.
    """

    folder: Path
    plan: Plan
    tags: tuple[str, ...] | None = None
    operator: str | None = None
    lens_note: str | None = None
    limits: tuple[tuple[str, GateLimit], ...] = ()
    duration_s: float | None = None


def run_capture(config: LiveConfig, wish: CaptureWish, interrupted: threading.Event, stream: TextIO) -> None:
    """Capture until the plan is done, the time is up or somebody interrupts; print what came of it.

    Raises CaptureError, CalibrationError, DatasetError, ModelError.
    """
    session = _Session(config, wish, interrupted, stream)
    try:
        session.run()
    finally:
        session.close()
    session.tell_end()


class _Session:
    def __init__(
        self, config: LiveConfig, wish: CaptureWish, interrupted: threading.Event, stream: TextIO
    ) -> None:
        self._wish = wish
        self._colorize = config.colorize
        self._interrupted = interrupted
        self._stream = stream
        self._pipeline = LivePipeline(config)  # nobody takes its pictures: the newest are overwritten
        self._told: tuple[str, ...] = ()
        self._due_s = 0.0
        self._began_s = time.monotonic()

    def run(self) -> None:
        """Open rig and dataset, begin, and wait for the end."""
        self._pipeline.start()
        self._await("the rig to open", self._is_ready)
        self._pipeline.open_dataset(self._wish.folder)
        self._await("the dataset to open", lambda status: bool(status.capture.folder))
        self._set_up()
        self._began_s = time.monotonic()
        self._pipeline.capturing.begin(self._wish.plan)
        self._await("the plan to begin", _has_begun)
        while not self._interrupted.wait(LOOK_EVERY_S):
            status = self._pipeline.status()
            self._tell(status)
            self._check(status)
            if status.capture.state.plan is None and not status.recorder.queued:
                return
            if self._wish.duration_s is not None and self._seconds >= self._wish.duration_s:
                return

    def _is_ready(self, status: PipelineStatus) -> bool:
        """Return whether pairs come, and colours, if they are to come: a gate asks for them."""
        colors = not self._colorize or status.stages["colorize"].finished > 0
        return status.state == "running" and colors

    def close(self) -> None:
        """Write what is queued and stop."""
        self._pipeline.stop()

    def tell_end(self) -> None:
        """Print what came of it. Raises DatasetError if something was not saved."""
        status = self._pipeline.status()
        capture = status.capture
        print(
            f"{capture.saved} pairs saved in {self._seconds:.0f} s, {capture.refused} refused; "
            f"{capture.total} in {capture.folder}",
            file=self._stream,
        )
        if capture.reason:
            print(capture.reason, file=self._stream)
        if status.recorder.error:
            raise DatasetError(status.recorder.error)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began_s

    def _set_up(self) -> None:
        capturing, wish = self._pipeline.capturing, self._wish
        state = capturing.status().state
        for key, limit in wish.limits:
            capturing.set_limit(key, limit)
        if wish.tags is not None:
            capturing.set_tags(wish.tags)
        if wish.operator is not None or wish.lens_note is not None:
            capturing.set_people(
                state.operator if wish.operator is None else wish.operator,
                state.lens_note if wish.lens_note is None else wish.lens_note,
            )

    def _await(self, what: str, holds: Callable[[PipelineStatus], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds(status := self._pipeline.status()):
            self._check(status)
            if time.monotonic() > deadline_s:
                raise CaptureError(status.error or f"waited {PATIENCE_S:g} s in vain for {what}")
            if self._interrupted.wait(LOOK_EVERY_S / 10):
                raise KeyboardInterrupt

    def _check(self, status: PipelineStatus) -> None:
        if status.state == "failed" or (failure := self._pipeline.failure) is not None:
            raise failure if status.state != "failed" and failure else CaptureError(status.error)

    def _tell(self, status: PipelineStatus) -> None:
        capture = status.capture
        told = (capture.reason,)
        if time.monotonic() < self._due_s and told == self._told:
            return
        self._due_s, self._told = time.monotonic() + TELL_EVERY_S, told
        of = f"/{capture.state.target}" if self._wish.plan.goes_on else ""
        left = "" if capture.seconds_left is None else f"  {capture.seconds_left:.0f} s left"
        print(f"{capture.total}{of} pairs{left}  {capture.reason}".rstrip(), file=self._stream, flush=True)


def _has_begun(status: PipelineStatus) -> bool:
    capture = status.capture
    return capture.state.plan is not None or bool(capture.saved or capture.refused or capture.reason)
