"""Looks for producers and cameras without holding up the window."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, Qt, Signal

from capture.discovery import installed_producers, simulated_producers
from capture.probe import ProducerReport, probe_producers


class DeviceSearch(QObject):
    """Asks every producer, each in a process of its own. For the GUI thread.

    Signals:
        found: a list of `ProducerReport`, in the order in which producers are preferred.
    """

    found = Signal(object)
    _answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: ThreadPoolExecutor | None = None
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    @property
    def searching(self) -> bool:
        """Whether an answer is still to come."""
        return self._worker is not None

    def start(self) -> None:
        """Look; `found` follows. Does nothing while it is looking."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="device-search")
            self._worker.submit(_look).add_done_callback(self._on_done)

    def stop(self) -> None:
        """Wait for a search under way; its answer is dropped."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown(wait=True)

    def _on_done(self, future: Future[list[ProducerReport]]) -> None:
        self._answered.emit(future.result())

    def _on_answered(self, reports: list[ProducerReport]) -> None:
        if self._worker is not None:
            self.stop()
            self.found.emit(reports)


def _look() -> list[ProducerReport]:
    paths = installed_producers()
    known = {path.resolve() for path in paths}
    return probe_producers([*paths, *(p for p in simulated_producers() if p.resolve() not in known)])
