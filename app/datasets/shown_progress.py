"""How far a long command has come, on stderr: a line that renews itself, or one now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_SOON_S, _AGAIN_S, _LOG_AGAIN_S = 1.0, 0.2, 10.0


class ShownProgress:
    """Called with (done, of all); says nothing in the first second.

        with ShownProgress("checking", "pairs") as progress:
            check_dataset(folder, progress=progress)

    Args:
        doing: what is done, e.g. "checking".
        of_what: what is counted.
    """

    def __init__(self, doing: str, of_what: str = "pairs", stream: TextIO | None = None) -> None:
        self._doing, self._of_what = doing, of_what
        self._stream = sys.stderr if stream is None else stream
        self._said = 0.0
        self._first: tuple[float, int] | None = None
        self._width = 0

    def __enter__(self) -> Self:
        self._said = time.monotonic() + _SOON_S
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            print(file=self._stream, flush=True)

    def __call__(self, done: int, total: int) -> None:
        """Say how far it has come, unless that was said just now."""
        now = time.monotonic()
        # The first one may have waited for much else.
        self._first = self._first or (now, done)
        if now < self._said and not (self._width and done == total):
            return
        in_place = self._stream.isatty()
        self._said = now + (_AGAIN_S if in_place else _LOG_AGAIN_S)
        text = f"{self._doing}: {done} of {total} {self._of_what}{self._left(now, done, total)}"
        if in_place:
            print(f"\r{text.ljust(self._width)}", end="", file=self._stream, flush=True)
            self._width = len(text)
        else:
            print(text, file=self._stream, flush=True)

    def _left(self, now: float, done: int, total: int) -> str:
        assert self._first is not None
        began, before = self._first
        if done <= before:
            return ""
        left_s = (now - began) / (done - before) * (total - done)
        return f", {left_s:.0f} s left" if left_s < 100 else f", {left_s / 60:.0f} min left"
