"""What the app captured last, so that capturing can go on after it was closed, crashed or lost power."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.capturing.modes import Plan
from app.capturing.state import read_state
from app.ui.calibration.jobs import Job
from app.ui.capture.words import continue_text
from capture.dataset import DatasetReader
from capture.errors import DatasetError


@dataclass(frozen=True)
class LastSession:
    """A dataset that can be gone on with.

    Attributes:
        total: pairs in it, without the trash.
        target: pairs that are wanted.
        plan: what was running when it was left; None if nothing was.
    """

    folder: Path
    total: int
    target: int
    plan: Plan | None

    @property
    def question(self) -> str:
        """What to ask, one line."""
        return continue_text(str(self.folder), self.total, self.target, self.plan)


def read_last(folder: Path) -> LastSession | None:
    """Return what a dataset remembers, None if it is no dataset any more or cannot be read."""
    try:
        state = read_state(folder)
        if state is None:
            return None
        return LastSession(folder, len(DatasetReader.open(folder)), state.target, state.plan)
    except DatasetError:
        return None


class LastSessionLook(QObject):
    """Looks at the last dataset in the background.

    Signals:
        found: a `LastSession`, or None.
    """

    found = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._job = Job("looking at the last dataset", self)
        self._job.finished.connect(self.found)

    def look(self, folder: Path) -> None:
        """Look; `found` follows."""

        def work(*_: object) -> LastSession | None:
            return read_last(folder)

        self._job.start(work)

    def close(self) -> None:
        """Wait until it is over."""
        self._job.close()
