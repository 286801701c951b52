"""The thread that measures results, the newest ones first; what was measured before is read."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.inspecting.measures_cache import MeasuresCache
from app.inspecting.measures_run import measured_row
from app.inspecting.measures_table import Row
from app.inspecting.results import Results
from app.pipeline.worker import EXPECTED_ERRORS, step_back

log = logging.getLogger(__name__)

NICENESS = 10
_TELL_EVERY_S = 0.2

ResultId = tuple[str, str]
"""Item and method."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What came of it since the last time.

    Attributes:
        rows: that are new, or replace an older one of the same item and method.
        done, total: results looked at, of those that were asked for since there was last nothing to do.
        problem: of the last result that could not be measured, one line; empty if all could.
    """

    rows: tuple[Row, ...]
    done: int
    total: int
    problem: str = ""


class MeasuresWorker:
    """Measures results of one source. Its thread runs from `start` to `close`; requests are for any thread.

    Args:
        results: where they come from.
        cache: where values are kept.
        tell: gets `Measured` in the worker's thread, a few times per second.
    """

    def __init__(self, results: Results, cache: MeasuresCache, tell: Callable[[Measured], None]) -> None:
        self._results, self._cache, self._tell = results, cache, tell
        self._changed = threading.Condition()
        self._queue: deque[ResultId] = deque()
        self._queued: set[ResultId] = set()
        self._done = self._total = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="inspect-measures")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the result under way, and wait for it. Idempotent."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def ask(self, wanted: Iterable[ResultId], *, first: bool = False) -> None:
        """Measure these, those without a result being passed over; `first`: before what was asked earlier."""
        with self._changed:
            if self._closed:
                return
            if not self._queue:
                self._done = self._total = 0
            new = [result for result in wanted if first or result not in self._queued]
            self._total += len(new)
            self._queued.update(new)
            if first:
                self._queue.extendleft(reversed(new))
            else:
                self._queue.extend(new)
            self._changed.notify()

    def cancel(self) -> None:
        """Forget what was not measured yet."""
        with self._changed:
            self._queue.clear()
            self._queued.clear()
            self._total = self._done

    def _run(self) -> None:
        step_back(NICENESS)
        rows: list[Row] = []
        problem, told = "", time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._queue)
                if self._closed:
                    return
                wanted = self._queue.popleft()
                self._queued.discard(wanted)
            try:
                rows += self._measure(*wanted)
            except EXPECTED_ERRORS as error:
                problem = f"{wanted[0]}, {wanted[1]}: {error}"
            except Exception as error:
                log.exception("%s of %s cannot be measured", *reversed(wanted))
                problem = f"{wanted[0]}, {wanted[1]}: {error!r}"
            with self._changed:
                self._done = min(self._done + 1, self._total)
                done, total, is_last = self._done, self._total, not self._queue
            if is_last or time.monotonic() - told >= _TELL_EVERY_S:
                self._tell(Measured(tuple(rows), done, total, problem))
                rows, told = [], time.monotonic()

    def _measure(self, item: str, method: str) -> list[Row]:
        values = measured_row(self._results, self._cache, item, method)
        return [] if values is None else [Row(item, method, {**self._results.gates(item), **values})]
