"""The thread that makes results: what a person looks at first, then what was asked for in bulk."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.inspecting.store import ResultStore
from app.pipeline.worker import step_back
from capture.errors import DatasetError
from models.engine import Colorization
from models.errors import ModelError
from models.evaluation.methods import Prediction

log = logging.getLogger(__name__)

NICENESS = 5


@dataclass(frozen=True)
class Progress:
    """How a run in bulk stands.

    Attributes:
        total, done, failed: results; done includes what was there already, and what failed.
        seconds_left: at the pace of those that were made; None while unknown.
        running: there is something left to do.
        problem: of the last result that failed, one line.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    seconds_left: float | None = None
    running: bool = False
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Made:
    """A result is there. `explanation`: with its W, where that was asked for and the method has one."""

    store: ResultStore
    item: str
    method: str
    prediction: Prediction | None
    explanation: Colorization | None = None


@dataclass(frozen=True)
class Failed:
    """A result could not be made; `problem` says why in one line."""

    item: str
    method: str
    problem: str


@dataclass(frozen=True)
class _Wish:
    item: str
    method: str
    explain: bool


class Runner:
    """Makes results of one store. Its thread runs from `start` to `close`; requests are for any thread.

    Args:
        store: where results come from and go.
        tell: gets `Made`, `Failed` and `Progress`, in the runner's thread.
    """

    def __init__(self, store: ResultStore, tell: Callable[[Made | Failed | Progress], None]) -> None:
        self.store = store
        self._tell = tell
        self._changed = threading.Condition()
        self._wishes: list[_Wish] = []
        self._bulk: deque[_Wish] = deque()
        self._progress = Progress()
        self._made = 0
        self._spent_s = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="inspect-runner")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the result under way, and wait for it. Idempotent."""
        with self._changed:
            self._closed = True
            self._bulk.clear()
            self._wishes.clear()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def want(self, wishes: Sequence[tuple[str, str, bool]]) -> None:
        """Make these (item, method, with its W) next, in place of what was wanted before."""
        with self._changed:
            self._wishes = [_Wish(*wish) for wish in wishes]
            self._changed.notify()

    def run_all(self, items: Sequence[str], methods: Sequence[str]) -> None:
        """Make the results of all these, method by method, after what is wanted now."""
        with self._changed:
            self._bulk = deque(_Wish(item, method, False) for method in methods for item in items)
            self._progress = Progress(total=len(self._bulk), running=bool(self._bulk))
            self._made, self._spent_s = 0, 0.0
            self._changed.notify()
            progress = self._progress
        self._tell(progress)

    def cancel(self) -> None:
        """Forget what is left in bulk; results that were made stay."""
        with self._changed:
            self._bulk.clear()
            self._progress = replace(self._progress, running=False, seconds_left=None)
            progress = self._progress
        self._tell(progress)

    def _run(self) -> None:
        step_back(NICENESS)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wishes or self._bulk)
                if self._closed:
                    return
                in_bulk = not self._wishes
                wish = self._bulk.popleft() if in_bulk else self._wishes.pop(0)
            problem, made_s = self._fulfil(wish)
            if in_bulk:
                self._count(problem, made_s)

    def _fulfil(self, wish: _Wish) -> tuple[str, float]:
        """Make one result and tell; return what went wrong, and how long it took if it was not there."""
        began = time.monotonic()
        try:
            there = self.store.prediction(wish.item, wish.method) is not None
            explanation = self.store.explain(wish.item, wish.method) if wish.explain else None
            prediction = self.store.make(wish.item, wish.method)
        except (ModelError, DatasetError) as error:
            self._tell(Failed(wish.item, wish.method, str(error)))
            return str(error), 0.0
        except Exception as error:
            # A bug or a lack of memory with one pair: the person learns of it, the others get their turn.
            log.exception("%s of %s failed", wish.method, wish.item)
            self._tell(Failed(wish.item, wish.method, f"{wish.method} failed: {error!r}"))
            return repr(error), 0.0
        self._tell(Made(self.store, wish.item, wish.method, prediction, explanation))
        return "", 0.0 if there else time.monotonic() - began

    def _count(self, problem: str, made_s: float) -> None:
        with self._changed:
            before = self._progress
            if not before.running:
                return  # cancelled meanwhile
            if made_s > 0:
                self._made += 1
                self._spent_s += made_s
            left = len(self._bulk)
            self._progress = progress = replace(
                before,
                done=before.done + 1,
                failed=before.failed + bool(problem),
                problem=problem or before.problem,
                running=left > 0,
                seconds_left=left * self._spent_s / self._made if self._made and left else None,
            )
        self._tell(progress)
