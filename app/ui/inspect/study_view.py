"""The user study as a mode of the page: set up, rate, see the result."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.inspecting.sources import Source
from app.inspecting.study import StudyPlan
from app.inspecting.study_store import Ballot, check_rater, create_study
from app.ui.calibration.jobs import Job
from app.ui.inspect.model import InspectModel
from app.ui.inspect.study_rating import RatingView
from app.ui.inspect.study_result_view import StudyResultView
from app.ui.inspect.study_setup import StudySetup


class StudyView(QWidget):
    """Takes the place of the comparing while a study goes on.

    Signals:
        left: the person is done with it for now.
        failed: one line for the banner.
    """

    left = Signal()
    failed = Signal(str)

    def __init__(self, model: InspectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._folder = Path()
        self._source: Source | None = None
        self._opening = Job("opening the study", self)
        self._opening.finished.connect(self._on_opened)
        self._opening.failed.connect(self.failed)
        self.setup = StudySetup(self)
        self.rating = RatingView(self)
        self.results = StudyResultView(self)
        self.stack = QStackedWidget(self)
        for part in (self.setup, self.rating, self.results):
            self.stack.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)
        self.setup.rate_wanted.connect(self.rate)
        self.setup.results_wanted.connect(self.show_results)
        self.setup.left.connect(self.left)
        self.rating.done.connect(self._on_done)
        self.rating.left.connect(self.begin)
        self.results.left.connect(self.begin)
        for part in (self.setup, self.rating, self.results):
            part.failed.connect(self.failed)

    def begin(self) -> None:
        """Show where a study begins, for what is open."""
        source = self._model.source
        if source is None:
            self.failed.emit("Open pairs first: a study rates results of what is open.")
            return
        if source is not self._source:
            self._source, self._folder = source, studies_folder() / source.title
        self.setup.offer(self._folder, list(self._model.items), list(self._model.methods))
        self.stack.setCurrentWidget(self.setup)
        self.setup.rater.setFocus()

    def rate(self, folder: Path, rater: str, plan: StudyPlan | None = None) -> None:
        """Let a rater begin, or go on; with a plan, a study is made first."""
        self._opening.start(lambda _tell, _cancelled: _open(folder, rater, plan))

    def _on_opened(self, ballot: Ballot) -> None:
        store, problem = self._model.store, self._stranger(ballot)
        if problem or store is None:
            self.failed.emit(problem)
            return
        self._folder = ballot.folder
        self.stack.setCurrentWidget(self.rating)
        self.rating.begin(ballot, store)

    def show_results(self, folder: Path) -> None:
        """Show what a study says."""
        self._folder = folder
        self.stack.setCurrentWidget(self.results)
        self.results.show_study(folder)

    def close_threads(self) -> None:
        """End what runs in the background."""
        self._opening.close()
        for part in (self.setup, self.rating, self.results):
            part.close_threads()

    def _on_done(self) -> None:
        self.show_results(self._folder)

    def _stranger(self, ballot: Ballot) -> str:
        """Return why the study cannot be rated with what is open, empty if it can."""
        items, methods = set(self._model.items), set(self._model.methods)
        pair = next((item for item in ballot.plan.items if item not in items), None)
        if pair is not None:
            return f"This study rates {pair}, which is not open: open its pairs, or choose another folder."
        method = next((name for name in ballot.plan.methods if name not in methods), None)
        if method is not None:
            return "This study rates a method that is not chosen: choose its methods, or another folder."
        return ""


def _open(folder: Path, rater: str, plan: StudyPlan | None) -> Ballot:
    """Make the study if it is new, and open a rater's answers, in a worker thread. Raises DatasetError."""
    check_rater(rater)
    if plan is not None:
        create_study(folder, plan)
    return Ballot(folder, rater)


def studies_folder() -> Path:
    """Return where studies are kept: the user's documents."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(place or Path.home()) / "CycleRig" / "studies"
