"""One result at a time, and five answers. Whose result it is stays hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.inspecting.measures import final_picture
from app.inspecting.store import ResultStore
from app.inspecting.study import LEVELS, Question
from app.inspecting.study_store import Ballot
from app.ui.calibration.jobs import Job
from app.ui.image_view import ImageView
from app.ui.inspect.keys import STUDY_KEYS
from app.ui.keys import make_key_actions
from app.ui.picture import Picture, make_picture
from app.ui.viewport import Viewport
from models.color import as_uint8
from models.errors import ModelError

AHEAD = 2
"""Pictures that are made while a person looks at the ones before."""


@dataclass(frozen=True, eq=False)
class _Sheet:
    """The pictures of a question."""

    number: int
    result: Picture
    reference: Picture


class RatingView(QWidget):
    """Result and reference side by side; 1 … 5 answer, Backspace goes back, Escape leaves.

    Signals:
        done: every question has an answer.
        left: the person wants to go; all answers are kept.
        failed: one line for the banner.
    """

    done = Signal()
    left = Signal()
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ballot: Ballot | None = None
        self._store: ResultStore | None = None
        self._number = 0
        self._saving = False
        self._sheets: dict[int, _Sheet] = {}
        self._viewport = Viewport(self)
        self.result, self.reference = ImageView(self._viewport, self), ImageView(self._viewport, self)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.words = QLabel(self)
        self.words.setProperty("role", "dim")
        self.buttons = [self._make_button(level) for level in range(1, len(LEVELS) + 1)]
        self.back_button = QPushButton("Back", self)
        self.back_button.setToolTip("See the picture before again, to answer anew (Backspace).")
        self.leave_button = QPushButton("Pause", self)
        self.leave_button.setToolTip("Leave; every answer is kept, and you go on here next time (Escape).")
        self._loading = Job("loading pictures", self)
        self._voting = Job("keeping the answer", self)
        self._arrange()
        self._connect()

    @property
    def number(self) -> int:
        """The question on screen."""
        return self._number

    @property
    def ready(self) -> bool:
        """Whether its picture is there, and an answer would be taken."""
        return self._number in self._sheets and not self._saving

    def begin(self, ballot: Ballot, store: ResultStore) -> None:
        """Ask the first question without an answer."""
        self._ballot, self._store = ballot, store
        self._sheets.clear()
        first = ballot.next_open
        self.progress.setRange(0, len(ballot.questions))
        if first is None:
            self.done.emit()
            return
        self._ask(first)
        self.setFocus()

    def answer(self, level: int) -> None:
        """Answer the question on screen with level 1 … 5; the next one comes when the answer is kept."""
        ballot, number = self._ballot, self._number
        if ballot is None or not self.ready:
            return
        self._saving = True
        self._enable()
        self._voting.start(lambda _tell, _cancelled: ballot.vote(number, level))

    def back(self) -> None:
        """Ask the question before again."""
        if self._number > 0 and not self._saving:
            self._ask(self._number - 1)

    def close_threads(self) -> None:
        """End what runs in the background."""
        self._loading.close()
        self._voting.close()

    def _ask(self, number: int) -> None:
        ballot, store = self._ballot, self._store
        assert ballot is not None
        assert store is not None
        self._number = number
        self._viewport.show_all()
        self._show()
        missing = [
            (i, ballot.questions[i])
            for i in range(number, min(number + 1 + AHEAD, len(ballot.questions)))
            if i not in self._sheets
        ]
        self._sheets = {i: s for i, s in self._sheets.items() if abs(i - number) <= AHEAD}
        if missing:
            self._loading.start(lambda tell, cancelled: _load(store, missing, tell, cancelled))

    def _show(self) -> None:
        assert self._ballot is not None
        sheet = self._sheets.get(self._number)
        for view, picture in (
            (self.result, sheet.result if sheet else None),
            (self.reference, sheet.reference if sheet else None),
        ):
            view.set_message("Making the picture …")
            view.set_picture(picture)
        total = len(self._ballot.questions)
        self.progress.setValue(self._number)
        self.words.setText(f"{self._number + 1} of {total}")
        given = self._ballot.votes.get(self._number)
        for level, button in enumerate(self.buttons, start=1):
            button.setChecked(given is not None and given.level == level)
        self._enable()

    def _enable(self) -> None:
        for button in self.buttons:
            button.setEnabled(self.ready)
        self.back_button.setEnabled(self._number > 0 and not self._saving)

    def _on_loaded(self, sheet: _Sheet) -> None:
        self._sheets[sheet.number] = sheet
        if sheet.number == self._number:
            self._show()

    def _on_voted(self) -> None:
        self._saving = False
        ballot = self._ballot
        assert ballot is not None
        following = self._number + 1
        if following < len(ballot.questions) and following in ballot.votes:
            self._ask(following)  # the person went back: they come forward again one by one
            return
        left = ballot.next_open
        if left is None:
            self.done.emit()
        else:
            self._ask(left)

    def _on_vote_failed(self, problem: str) -> None:
        self._saving = False
        self._enable()
        self.failed.emit(problem)

    def _make_button(self, level: int) -> QPushButton:
        button = QPushButton(f"{level}   {LEVELS[level - 1]}", self)
        button.setCheckable(True)
        button.setMinimumHeight(40)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(f"Key {level}")
        button.setProperty("level", level)
        button.clicked.connect(self._on_button)
        return button

    def _on_button(self) -> None:
        button = self.sender()
        self.answer(int(button.property("level")))

    def _on_key(self) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        name = str(action.data())
        if name == "study_back":
            self.back()
        elif name == "study_pause":
            self.left.emit()
        else:
            self.answer(int(name.removeprefix("answer_")))

    def _connect(self) -> None:
        self.back_button.clicked.connect(self.back)
        self.leave_button.clicked.connect(self.left)
        self._loading.progressed.connect(self._on_loaded)
        self._loading.failed.connect(self.failed)
        self._voting.finished.connect(self._on_voted)
        self._voting.failed.connect(self._on_vote_failed)
        for name, action in make_key_actions(STUDY_KEYS, self).items():
            action.triggered.connect(self._on_key)
            action.setData(name)

    def _arrange(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        pictures = QHBoxLayout()
        pictures.setSpacing(4)
        for title, view in (("Result", self.result), ("Reference", self.reference)):
            column = QVBoxLayout()
            column.setSpacing(2)
            head = QLabel(title, self)
            head.setProperty("role", "smalldim")
            head.setContentsMargins(8, 0, 0, 0)
            column.addWidget(head)
            column.addWidget(view, 1)
            pictures.addLayout(column, 1)
        answers = QHBoxLayout()
        answers.setSpacing(8)
        for button in self.buttons:
            answers.addWidget(button, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.leave_button)
        foot.addWidget(self.back_button)
        foot.addStretch(1)
        foot.addWidget(self.words)
        question = QLabel("How right are the colours of the result?", self)
        question.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 8)
        column.setSpacing(6)
        column.addWidget(self.progress)
        column.addLayout(pictures, 1)
        column.addWidget(question)
        column.addLayout(answers)
        column.addLayout(foot)


def _load(
    store: ResultStore,
    questions: list[tuple[int, Question]],
    tell: Callable[[object], None],
    cancelled: Callable[[], bool],
) -> None:
    """Make the pictures of some questions, in a worker thread."""
    for number, question in questions:
        if cancelled():
            return
        prediction = store.make(question.item, question.method)
        if prediction is None:
            raise ModelError(f"there is no result for {question.item}: a method of the study has none")
        result = make_picture(final_picture(prediction))
        tell(_Sheet(number, result, make_picture(as_uint8(store.pair(question.item).reference))))
