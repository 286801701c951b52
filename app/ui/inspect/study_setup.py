"""Where a study begins: which folder, who rates, and what a new one asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.study import AGAIN_SHARE, PAPER_PAIRS, StudyPlan, draw_plan, questions
from app.inspecting.study_store import raters, read_plan, read_votes
from app.ui.calibration.jobs import Job
from capture.errors import DatasetError

INTRO = (
    "A rater sees the results of all methods in random order, without names, beside the reference, and gives "
    "each one of five levels from Perfect to Totally Wrong. Some are asked again later: who differs from "
    "themselves by more than one level is left out. Every answer is kept at once; pause whenever you like."
)


@dataclass(frozen=True, eq=False)
class _Known:
    """What lies in the study's folder."""

    folder: Path
    plan: StudyPlan | None
    answered: dict[str, int]
    total: int


class StudySetup(QWidget):
    """Form of a study.

    Signals:
        rate_wanted: folder, name of the rater, and the plan of a new study (None: one is there).
        results_wanted: folder.
        failed: one line for the banner.
        left: back to comparing.
    """

    rate_wanted = Signal(object, str, object)
    results_wanted = Signal(object)
    failed = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: Sequence[str] = ()
        self._folder = Path()
        self._known: _Known | None = None
        self._dialog: QFileDialog | None = None
        self.folder_label = QLabel(self)
        self.folder_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.folder_label.setWordWrap(True)
        self.folder_button = QPushButton("Other folder …", self)
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.rater = QLineEdit(self)
        self.rater.setPlaceholderText("letters, digits, - and _")
        self.rater.setMaxLength(40)
        self.rater.setToolTip("A name or a number for the rater; each has an order and a file of their own.")
        self.count = QSpinBox(self)
        self.count.setToolTip(f"Pairs drawn at random; the paper took {PAPER_PAIRS}.")
        self.again = QSpinBox(self)
        self.again.setRange(0, 100)
        self.again.setSuffix(" %")
        self.again.setValue(round(100 * AGAIN_SHARE))
        self.again.setToolTip("Share of the results that every rater is asked again, to check them.")
        self.seed = QSpinBox(self)
        self.seed.setRange(0, 1_000_000)
        self.seed.setToolTip("Draws the pairs and every order: the same seed, the same study.")
        self.methods = QListWidget(self)
        self.methods.setToolTip("Methods to be compared.")
        self.start_button = QPushButton("Start rating", self)
        self.start_button.setDefault(True)
        self.results_button = QPushButton("Results", self)
        self.leave_button = QPushButton("Back to comparing", self)
        self._reading = Job("reading the study", self)
        self._arrange()
        self._connect()

    @property
    def plan(self) -> StudyPlan | None:
        """The plan of the study in the folder, None if there is none yet."""
        return None if self._known is None else self._known.plan

    def offer(self, folder: Path, items: Sequence[str], methods: Sequence[str]) -> None:
        """Offer a study of these; one that lies in the folder goes on."""
        self._items = items
        self.count.setRange(1, max(1, len(items)))
        self.count.setValue(min(PAPER_PAIRS, max(1, len(items))))
        self.methods.clear()
        for method in methods:
            entry = QListWidgetItem(method, self.methods)
            entry.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            entry.setCheckState(Qt.CheckState.Checked)
        self.methods.setFixedHeight(min(140, 8 + 24 * max(2, len(methods))))
        self.look_at(folder)

    def look_at(self, folder: Path) -> None:
        """Read what lies in a folder."""
        self._folder, self._known = folder, None
        self.folder_label.setText(str(folder))
        self._enable()
        self._reading.start(lambda _tell, _cancelled: _read(folder))

    def close_threads(self) -> None:
        """End what runs in the background."""
        self._reading.close()

    def _on_read(self, known: _Known) -> None:
        self._known = known
        if known.plan is None:
            self.state.setText("A new study.")
        else:
            plan = known.plan
            people = ", ".join(f"{name}: {n} of {known.total}" for name, n in known.answered.items())
            self.state.setText(
                f"Goes on: {len(plan.items)} pairs, {len(plan.methods)} methods, {known.total} questions "
                f"for each rater.\n" + (f"Answers so far: {people}." if people else "No answers yet.")
            )
        self._enable()

    def _on_start(self) -> None:
        known = self._known
        if known is None:
            return
        try:
            plan = self._new_plan() if known.plan is None else None
        except DatasetError as error:
            self.failed.emit(str(error))
            return
        self.rate_wanted.emit(self._folder, self.rater.text(), plan)

    def _new_plan(self) -> StudyPlan:
        entries = [self.methods.item(i) for i in range(self.methods.count())]
        chosen = [e.text() for e in entries if e.checkState() == Qt.CheckState.Checked]
        return draw_plan(
            self._items,
            chosen,
            count=self.count.value(),
            seed=self.seed.value(),
            again_share=self.again.value() / 100,
        )

    def _enable(self) -> None:
        known = self._known
        is_new = known is not None and known.plan is None
        for field in (self.count, self.again, self.seed, self.methods):
            field.setEnabled(is_new)
        self.results_button.setEnabled(known is not None and any(known.answered.values()))
        self.start_button.setEnabled(known is not None and bool(self.rater.text().strip()))

    def _choose(self) -> None:
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Folder of a user study")
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            self._dialog.fileSelected.connect(self._on_folder)
        self._dialog.open()

    def _on_folder(self, folder: str) -> None:
        self.look_at(Path(folder))

    def _on_results(self) -> None:
        self.results_wanted.emit(self._folder)

    def _connect(self) -> None:
        self.folder_button.clicked.connect(self._choose)
        self.start_button.clicked.connect(self._on_start)
        self.results_button.clicked.connect(self._on_results)
        self.leave_button.clicked.connect(self.left)
        self.rater.textChanged.connect(self._enable)
        self.rater.returnPressed.connect(self.start_button.click)
        self._reading.finished.connect(self._on_read)
        self._reading.failed.connect(self.failed)

    def _arrange(self) -> None:
        intro = QLabel(INTRO, self)
        intro.setWordWrap(True)
        intro.setProperty("role", "dim")
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        form.setSpacing(8)
        place = QHBoxLayout()
        place.addWidget(self.folder_label, 1)
        place.addWidget(self.folder_button)
        form.addRow("Kept in", place)
        form.addRow("", self.state)
        form.addRow("Rater", self.rater)
        form.addRow("Pairs", self.count)
        form.addRow("Methods", self.methods)
        form.addRow("Asked again", self.again)
        form.addRow("Seed", self.seed)
        buttons = QHBoxLayout()
        buttons.addWidget(self.leave_button)
        buttons.addStretch(1)
        buttons.addWidget(self.results_button)
        buttons.addWidget(self.start_button)
        sheet = QWidget(self)
        sheet.setMaximumWidth(640)
        column = QVBoxLayout(sheet)
        column.setSpacing(14)
        column.addStretch(1)
        title = QLabel("User study", sheet)
        title.setStyleSheet("font-size: 20px;")
        column.addWidget(title)
        column.addWidget(intro)
        column.addLayout(form)
        column.addLayout(buttons)
        column.addStretch(2)
        whole = QHBoxLayout(self)
        whole.addStretch(1)
        whole.addWidget(sheet, 8)
        whole.addStretch(1)


def _read(folder: Path) -> _Known:
    """Read plan and answers, in a worker thread. Raises DatasetError."""
    if not (folder / "study.toml").exists():
        return _Known(folder, None, {}, 0)
    plan = read_plan(folder)
    answered = {name: len(read_votes(folder, plan, name)) for name in raters(folder)}
    return _Known(folder, plan, answered, len(questions(plan, "anyone")))
