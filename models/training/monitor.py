"""How a run is going: a line with the time left, a history on disk, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from torch import Tensor

log = logging.getLogger(__name__)

SMOOTHING = 0.98
RECORD_EVERY = 10  # steps between two entries of the history and of TensorBoard
TERMINAL_EVERY_S, LINE_EVERY_S = 0.5, 30.0


class Monitor:
    """Shows, records and smooths the losses of one run; a context manager that closes its files.

    Args:
        folder: where `history.jsonl` and TensorBoard's `events` go; None shows and records nothing.
        name: of the stage.
        steps: length of the run.
        start: step at which it goes on; later entries of the history were lost with the last checkpoint.
        stream: where the line is written; a terminal has it rewritten in place.
    """

    def __init__(
        self, folder: Path | None, name: str, steps: int, start: int, stream: TextIO | None = None
    ) -> None:
        self.name = name
        self.steps = steps
        self._start = start
        self._stream = stream or sys.stderr
        self._smooth: dict[str, float] = {}
        self._began = self._shown = time.monotonic()
        self._width = 0
        self._history: TextIO | None = None
        self._writer: Any = None
        if folder is not None:
            self._history = _open_history(folder / "history.jsonl", start)
            self._writer = _summary_writer(folder / "events", start)
        self._quiet = folder is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_line()
        if self._history is not None:
            self._history.close()
        if self._writer is not None:
            self._writer.close()

    def step(self, step: int, losses: Mapping[str, float], learning_rate: float) -> None:
        """Take the losses of a step that is done; `step` counts from 1."""
        for name, value in losses.items():
            self._smooth[name] = SMOOTHING * self._smooth.get(name, value) + (1 - SMOOTHING) * value
        if self._quiet:
            return
        if step % RECORD_EVERY == 0 or step == self.steps:
            self._record(step, {f"train/{k}": v for k, v in self._smooth.items()})
            self._record(step, {"train/learning_rate": learning_rate})
        every = TERMINAL_EVERY_S if self._stream.isatty() else LINE_EVERY_S
        now = time.monotonic()
        if now - self._shown >= every or step == self.steps:
            self._shown = now
            self._show(step, now)

    def validation(self, step: int, measures: Mapping[str, float], images: Tensor | None, note: str) -> None:
        """Show and record what validation measured, and a picture grid (3×H×W, 0 … 1)."""
        if self._quiet:
            return
        self._record(step, {f"validation/{k}": v for k, v in measures.items()})
        if self._writer is not None and images is not None:
            self._writer.add_image("validation", images, step)
        shown = "  ".join(f"{k} {v:.4f}" for k, v in measures.items())
        self.say(f"{self.name} {step}/{self.steps}  held out: {shown}  {note}".rstrip())

    def wait(self, text: str) -> None:
        """Say, on a terminal, what takes a moment; the next line replaces it."""
        if not self._quiet and self._stream.isatty():
            self._rewrite(text)

    def say(self, text: str) -> None:
        """Write a line that stays."""
        if not self._quiet:
            self._end_line()
            print(text, file=self._stream, flush=True)

    def _show(self, step: int, now: float) -> None:
        pace = (now - self._began) / max(1, step - self._start)
        losses = "  ".join(f"{k} {v:.4f}" for k, v in self._smooth.items())
        left = _duration(pace * (self.steps - step))
        text = f"{self.name} {step}/{self.steps}  {pace:.2f} s/step  {left} left  {losses}"
        if not self._stream.isatty():
            print(text, file=self._stream, flush=True)
            return
        self._rewrite(text)

    def _rewrite(self, text: str) -> None:
        print(f"\r{text:<{self._width}}", end="", file=self._stream, flush=True)
        self._width = len(text)

    def _end_line(self) -> None:
        if self._width:
            print(file=self._stream, flush=True)
            self._width = 0

    def _record(self, step: int, values: Mapping[str, float]) -> None:
        assert self._history is not None
        print(json.dumps({"step": step, **values}), file=self._history, flush=True)
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)


def _open_history(path: Path, start: int) -> TextIO:
    """Open for appending, without what was recorded after `start`."""
    kept = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.endswith("}"):  # cut off by a kill
                continue
            if json.loads(line)["step"] <= start:
                kept.append(line + "\n")
    path.write_text("".join(kept), encoding="utf-8")
    return path.open("a", encoding="utf-8")


def _summary_writer(folder: Path, start: int) -> Any:
    """Return TensorBoard's writer, None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.warning("TensorBoard is not installed: scalars go to history.jsonl only, pictures nowhere")
        return None
    return SummaryWriter(str(folder), purge_step=start + 1)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes >= 10 else f"{minutes}:{rest:02d} min"
