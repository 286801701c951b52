"""Work in the background of which only the newest piece counts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.ui.calibration.jobs import Job


class Latest(QObject):
    """Does one piece of work at a time; of what was asked for meanwhile, only the newest is done next.

    So a drag of the mouse gets an answer as often as there is time for one, and always one for its end.

    Signals (in the GUI thread):
        finished: what the work returned.
        failed: what went wrong, one line.
    """

    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, name: str, parent: QObject) -> None:
        super().__init__(parent)
        self._job = Job(name, self)
        self._next: Callable[[], object] | None = None
        self._job.finished.connect(self.finished)
        self._job.failed.connect(self.failed)
        self._job.ended.connect(self._on_ended)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._job.running or self._next is not None

    def ask(self, work: Callable[[], object]) -> None:
        """Do this next."""
        if self._job.running:
            self._next = work
        else:
            self._start(work)

    def forget(self) -> None:
        """Want no answer any more."""
        self._next = None
        self._job.cancel()

    def close(self) -> None:
        """Want no answer any more, and wait for the thread."""
        self._next = None
        self._job.close()

    def _start(self, work: Callable[[], object]) -> None:
        self._job.start(lambda tell, cancelled: work())  # noqa: ARG005 - short work is not cancelled

    def _on_ended(self) -> None:
        work, self._next = self._next, None
        if work is not None:
            self._start(work)
