"""A saved pair, large, in place of the live pictures: read back from the disk, as it was captured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.capturing.gates import GATES
from app.capturing.status import SavedPair
from app.ui.calibration.jobs import Job
from app.ui.capture.words import titles_text
from app.ui.image_view import ImageView
from app.ui.picture import Picture, make_picture
from app.ui.theme import ACCENT, PANEL
from app.ui.viewport import Viewport
from capture.dataset import DatasetReader
from capture.develop import develop
from capture.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Loaded:
    """Both pictures of a saved pair."""

    name: str
    mono: Picture
    color: Picture


def load(folder: Path, name: str) -> Loaded:
    """Read a pair of a dataset by its name. Raises DatasetError."""
    reader = DatasetReader.open(folder)
    for record in (*reader.records, *reader.trash):
        if record.name == name:
            pair = reader.load(record)
            return Loaded(name, make_picture(develop(pair.mono)), make_picture(develop(pair.color)))
    raise DatasetError(f"{folder} has no pair {name}")


class Review(QWidget):
    """Mono and colour side by side, what the gates said, and what can be done with the pair.

    Signals:
        closed: back to the live pictures.
        trash_wanted, inspect_wanted: name of the pair.
        failed: it could not be read.
    """

    closed = Signal()
    trash_wanted = Signal(str)
    inspect_wanted = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pair: SavedPair | None = None
        self.viewport = Viewport(self)
        self.mono, self.color = (ImageView(self.viewport, self) for _ in range(2))
        self._title = QLabel(self)
        self._gates = QLabel(self)
        self._gates.setProperty("role", "small")
        self._gates.setWordWrap(True)
        self._gates.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.inspect = self._button("Open in Inspect", "Colorize it, and see why (I)")
        self.trash = self._button(
            "To the trash", "Take it out of the set; its files are kept in the trash (Del)"
        )
        self.back = self._button("Live pictures", "Back to the live pictures (Esc)")
        self.inspect.clicked.connect(self._on_inspect)
        self.trash.clicked.connect(self._on_trash)
        self.back.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.setContentsMargins(8, 3, 4, 3)
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addStretch(1)
        for button in (self.inspect, self.trash, self.back):
            head.addWidget(button)
        pictures = QHBoxLayout()
        pictures.setContentsMargins(4, 0, 4, 0)
        pictures.setSpacing(4)
        pictures.addWidget(self.mono, 1)
        pictures.addWidget(self.color, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 2, 8, 4)
        foot.addWidget(self._gates, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        line = QWidget(self)
        line.setObjectName("reviewHead")
        line.setStyleSheet(f"#reviewHead {{ background: {PANEL}; }}")
        line.setLayout(head)
        column.addWidget(line)
        column.addLayout(pictures, 1)
        column.addLayout(foot)
        self._job = Job("reading a pair", self)
        self._job.finished.connect(self._on_loaded)
        self._job.failed.connect(self._on_failed)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return button

    def show_pair(self, folder: Path, pair: SavedPair) -> None:
        """Read a pair and show it."""
        if self.pair is not None and self.pair.name == pair.name:
            return
        self.pair = pair
        tags = f" · {', '.join(pair.tags)}" if pair.tags else ""
        self._title.setText(f"<b>{pair.name}</b>{tags}")
        self._gates.setText(gates_text(pair))
        for view in (self.mono, self.color):
            view.set_picture(None)
            view.set_message("Reading …")
        self.viewport.show_all()
        name = pair.name

        def work(*_: object) -> Loaded:
            return load(folder, name)

        self._job.start(work)

    def forget(self) -> None:
        """Show nothing any more."""
        self.pair = None
        self._job.cancel()

    def close_down(self) -> None:
        """End what is read, and wait for it."""
        self._job.close()

    def _on_loaded(self, loaded: Loaded) -> None:
        if self.pair is not None and loaded.name == self.pair.name:
            self.mono.set_picture(loaded.mono)
            self.color.set_picture(loaded.color)

    def _on_failed(self, problem: str) -> None:
        for view in (self.mono, self.color):
            view.set_message("This pair could not be read.")
        self.failed.emit(problem)

    def _on_trash(self) -> None:
        if self.pair is not None:
            self.trash_wanted.emit(self.pair.name)

    def _on_inspect(self) -> None:
        if self.pair is not None:
            self.inspect_wanted.emit(self.pair.name)


def gates_text(pair: SavedPair) -> str:
    """Return the values of all gates in one line, the warnings first and in colour."""
    warned = titles_text(pair.verdict.warnings)
    head = f'<span style="color:{ACCENT}">Warned: {warned}</span> \u2002' if warned else ""
    values = pair.verdict.values
    return head + "\u2002·\u2002".join(f"{spec.title} {spec.text(values.get(spec.key))}" for spec in GATES)
