"""Measured results in the GUI: what the table and the scatter plot both show."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from app.capturing.gates import GATES
from app.inspecting.measures import BY_KEY, Measure
from app.inspecting.measures_cache import MeasuresCache
from app.inspecting.measures_table import Row, ordered_columns
from app.inspecting.measures_worker import Measured, MeasuresWorker, ResultId
from app.inspecting.results import Results
from app.ui.calibration.jobs import emit

GATE_COLUMNS: Mapping[str, Measure] = {
    gate.key: Measure(
        gate.key,
        f"{gate.title} then",
        gate.unit,
        f"When it was saved. {gate.tip}",
        gate.better,
        gate.decimals,
        0.0,
    )
    for gate in GATES
    if gate.key not in BY_KEY
}
"""Quality gates of a captured dataset as columns: what was measured then, by what is measured now."""

_KNOWN = BY_KEY.keys() | GATE_COLUMNS.keys()


class MeasuredResults(QObject):
    """Rows of what is open, growing while they are measured in the background. For the GUI thread.

    Signals:
        changed: rows came, or all went.
        progressed: how many results were looked at, of how many; equal when there is nothing left to do.
        failed: why a result could not be measured.
    """

    changed = Signal()
    progressed = Signal(int, int)
    failed = Signal(str)
    _news = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[ResultId, Row] = {}
        self._keys: set[str] = set()
        self._worker: MeasuresWorker | None = None
        self._lock = threading.Lock()
        self._generation = 0
        self._waiting: list[tuple[int, Measured]] = []
        self._problem = ""
        self._ending: list[threading.Thread] = []
        self._news.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def rows(self) -> Sequence[Row]:
        """All rows, in the order in which they came."""
        return list(self._rows.values())

    @property
    def methods(self) -> list[str]:
        """Methods that have rows, in that order."""
        return list(dict.fromkeys(row.method for row in self._rows.values()))

    @property
    def columns(self) -> list[Measure]:
        """What any row had a value of."""
        return ordered_columns(self._keys, GATE_COLUMNS)

    def use(self, results: Results | None, cache: MeasuresCache | None = None) -> None:
        """Measure results of another source from now on, or of none."""
        self._let_go()
        self._generation += 1
        self._rows.clear()
        self._keys.clear()
        self._problem = ""
        if results is not None and cache is not None:
            self._worker = MeasuresWorker(results, cache, partial(self._tell, self._generation))
            self._worker.start()
        self.changed.emit()
        self.progressed.emit(0, 0)

    def measure(self, wanted: Iterable[ResultId], *, first: bool = False) -> None:
        """Measure these results where they exist; `first`: before all others."""
        if self._worker is not None:
            self._worker.ask(wanted, first=first)

    def keep_methods(self, methods: Iterable[str]) -> None:
        """Forget the rows of all other methods."""
        kept = set(methods)
        before = len(self._rows)
        self._rows = {key: row for key, row in self._rows.items() if row.method in kept}
        if len(self._rows) != before:
            self.changed.emit()

    def cancel(self) -> None:
        """Measure no more of what was asked for."""
        if self._worker is not None:
            self._worker.cancel()
        self.progressed.emit(0, 0)

    def close(self) -> None:
        """End the thread and wait for it."""
        self._let_go()
        for thread in self._ending:
            thread.join()
        self._ending.clear()

    def _let_go(self) -> None:
        """End the worker; it may be in the middle of a result, and nobody waits for that here."""
        worker, self._worker = self._worker, None
        if worker is not None:
            thread = threading.Thread(target=worker.close, name="inspect-measures-end")
            thread.start()
            self._ending = [*(t for t in self._ending if t.is_alive()), thread]

    def _tell(self, generation: int, measured: Measured) -> None:
        """Take news, in a worker's thread: perhaps that of a former source, which is told apart later."""
        with self._lock:
            self._waiting.append((generation, measured))
        emit(self._news)

    def _take(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        mine = [measured for generation, measured in waiting if generation == self._generation]
        if not mine:
            return
        rows = [row for measured in mine for row in measured.rows]
        self._rows.update({(row.item, row.method): row for row in rows})
        for row in rows:
            self._keys.update(key for key in row.values if key in _KNOWN and row.value(key) is not None)
        if rows:
            self.changed.emit()
        self.progressed.emit(mine[-1].done, mine[-1].total)
        if mine[-1].problem and mine[-1].problem != self._problem:
            self._problem = mine[-1].problem
            self.failed.emit(self._problem)
