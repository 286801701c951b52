"""First step: choose the board, hold it before the cameras, collect shots."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.calibrating.collection import CollectionState
from app.calibrating.watch import Outcome
from app.ui.calibration.corner_view import Corners, CornerView
from app.ui.calibration.gauges import CoverageMap, FillBar
from app.ui.calibration.layouts import heading, scrolling
from app.ui.calibration.model import CalibrationModel, FolderRead, LiveBoard
from app.ui.calibration.target_panel import TargetPanel
from app.ui.labels import ElidedLabel
from app.ui.theme import ACCENT, DIM, GREEN, PANEL, RECORD, TEXT
from app.ui.viewport import Viewport
from capture.calibrate import SMALLEST_NUMBER_OF_VIEWS
from capture.frames import ROLES, Role
from capture.targets import Detection, Target

TITLES: dict[Role, str] = {"mono": "Mono camera", "color": "Colour camera"}
_TINTS: dict[Outcome, str] = {"looking": DIM, "refused": ACCENT, "taken": GREEN, "failed": RECORD}
_BARS = {
    "x": ("X", "How far to the left and right the board was shown"),
    "y": ("Y", "How far up and down the board was shown"),
    "size": ("Size", "How near and how far the board was shown"),
    "skew": ("Skew", "How much its corners differed from right angles in the image"),
    "tilt": ("Tilt", "How far it was tilted: 45 degrees each way is full. Tells the focal length"),
}


class CaptureStep(QWidget):
    """Target, live views, guide.

    Signals:
        target_chosen: a person entered another `Target`.
        folder_wanted: the button to open a folder was pressed; dropped: files were dropped here.
        print_wanted: the button to print the board was pressed.
        board_wanted: show the virtual rig's own board, or take it away.
        solve_wanted: go and solve.
    """

    target_chosen = Signal(object)
    folder_wanted = Signal()
    dropped = Signal(list)
    print_wanted = Signal()
    board_wanted = Signal(bool)
    solve_wanted = Signal()

    def __init__(self, model: CalibrationModel, target: Target, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._read = False
        self.setAcceptDrops(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(12)
        row.addWidget(scrolling(self._build_left(target), 240))
        row.addLayout(self._build_middle(), 1)
        row.addWidget(scrolling(self._build_right(), 226))
        self.show_collection(model.state)
        self.show_rig((), running=False)

    # --- building ---

    def _build_left(self, target: Target) -> QWidget:
        left = QWidget(self)
        self.target = TargetPanel(target, left)
        self.target.changed.connect(self.target_chosen)
        self.print_board = QPushButton("Print board …", left)
        self.print_board.setToolTip("Write this board as a PDF, true to scale, with its numbers on it")
        self.print_board.clicked.connect(self.print_wanted)
        self.virtual_board = QCheckBox("Hold the virtual board", left)
        self.virtual_board.setToolTip("This rig has a board of its own, which it holds in many poses")
        self.virtual_board.toggled.connect(self.board_wanted)
        self.virtual_board.hide()
        self.open_folder = QPushButton("Open images …", left)
        self.open_folder.setToolTip(
            "Board images instead of live pictures: a folder with mono/ and color/, a set of earlier shots, "
            "or files called leftNAME and rightNAME. They can be dropped here, too"
        )
        self.open_folder.clicked.connect(self.folder_wanted)
        self.anew = QPushButton("New set", left)
        self.anew.setToolTip("Begin a new set of shots; the ones so far stay in their folder")
        self.anew.clicked.connect(self._model.start_anew)
        self.folder = ElidedLabel(Qt.TextElideMode.ElideLeft, left)
        self.folder.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.folder.set_dim(dim=True)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(8)
        column.addWidget(heading("Board"))
        column.addWidget(self.target)
        column.addWidget(self.print_board)
        column.addWidget(self.virtual_board)
        column.addSpacing(6)
        column.addWidget(heading("Shots"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.open_folder, 3)
        buttons.addWidget(self.anew, 2)
        column.addLayout(buttons)
        column.addWidget(self.folder)
        column.addStretch(1)
        return left

    def _build_middle(self) -> QVBoxLayout:
        self._viewports = {role: Viewport(self) for role in ROLES}  # their sizes and lenses may differ
        self.views = {role: CornerView(TITLES[role], self._viewports[role], self) for role in ROLES}
        self.message = QLabel(self)
        self.message.setObjectName("guideMessage")
        self.message.setWordWrap(True)
        self.message.setMinimumHeight(46)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.cancel = QPushButton("Cancel", self)
        self.cancel.clicked.connect(self._model.cancel)
        busy = QHBoxLayout()
        busy.addWidget(self.progress, 1)
        busy.addWidget(self.cancel)
        self.progress.hide()
        self.cancel.hide()
        pictures = QHBoxLayout()
        pictures.setSpacing(6)
        self.maps = {role: CoverageMap("Where the board was seen", self) for role in ROLES}
        maps = QHBoxLayout()
        maps.setSpacing(6)
        for role in ROLES:
            pictures.addWidget(self.views[role], 1)
            self.maps[role].setToolTip("Where the board was seen: it must reach the corners, too")
            self.maps[role].setMinimumHeight(130)
            self.maps[role].setMaximumHeight(260)
            maps.addWidget(self.maps[role], 1)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(pictures, 2)
        column.addWidget(self.message)
        column.addLayout(maps, 1)
        column.addLayout(busy)
        self.say("looking", "")
        return column

    def _build_right(self) -> QWidget:
        right = QWidget(self)
        self.count = QLabel(right)
        self.hint = QLabel(right)
        self.hint.setWordWrap(True)
        self.hint.setProperty("role", "dim")
        self.bars = {name: FillBar(word, tip, right) for name, (word, tip) in _BARS.items()}
        self.by_itself = QCheckBox("Take shots by itself", right)
        self.by_itself.setChecked(True)
        self.by_itself.setToolTip("Takes a shot when the board is still, sharp and adds something")
        self.by_itself.toggled.connect(self._model.set_takes_shots)
        self.take = QPushButton("Take a shot", right)
        self.take.setToolTip("Take the next pair in which both cameras see the board, whatever it adds (T)")
        self.take.setShortcut("T")
        self.take.clicked.connect(self._model.take_next)
        self.solve = QPushButton("Solve", right)
        self.solve.setToolTip(f"Compute the calibration: {SMALLEST_NUMBER_OF_VIEWS} shots at least")
        self.solve.clicked.connect(self.solve_wanted)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(6)
        column.addWidget(self.count)
        column.addWidget(self.hint)
        column.addSpacing(2)
        for bar in self.bars.values():
            column.addWidget(bar)
        column.addStretch(1)
        column.addWidget(self.by_itself)
        column.addWidget(self.take)
        column.addWidget(self.solve)
        return right

    # --- showing ---

    def show_live(self, live: LiveBoard) -> None:
        """Show what the cameras see, with the corners found."""
        sighting = live.sighting
        for role, view in self.views.items():
            view.set_picture(live.pictures[role])
            seen = sighting.seen[role]
            points = seen.points_px if isinstance(seen, Detection) else None
            view.set_corners(Corners(points), good=sighting.outcome != "failed")
        # What was said of a folder stays until something happens.
        if sighting.outcome != "looking" or not self._read:
            self._read = False
            self.say(sighting.outcome, sighting.reason)

    def show_collection(self, state: CollectionState) -> None:
        """Show what was collected."""
        number = len(state.views)
        self.count.setText(f'<span style="font-size:22px">{number}</span> shot{"s" * (number != 1)}')
        hint = state.hint if number else "show the whole board to both cameras, and hold it still."
        self.hint.setText(hint[:1].upper() + hint[1:])
        for name, bar in self.bars.items():
            bar.show_value(float(getattr(state.bars, name)))
        for role, coverage in self.maps.items():
            sizes = [seen.size_px for view in state.views if (seen := view.of(role)) is not None]
            coverage.show_values(state.counts[role], sizes[0] if sizes else None)
        enough = len(state.used) >= SMALLEST_NUMBER_OF_VIEWS
        self.solve.setEnabled(enough and not self._model.is_busy)
        self.solve.setDefault(state.complete)
        self.folder.setText(str(state.folder) if state.folder else "No shot yet")
        self.folder.setToolTip(f"Every shot is in {state.folder} at once" if state.folder else "")
        if state.target != self.target.target:
            self.target.show_target(state.target)

    def show_reading(self, read: FolderRead) -> None:
        """Show how far a folder was read, and what was found in the last pair."""
        reading = read.reading
        for role, picture in read.pictures.items():
            seen = reading.seen[role]
            self.views[role].set_picture(picture)
            self.views[role].set_corners(Corners(seen.points_px if isinstance(seen, Detection) else None))
        self._read = True
        self.progress.setRange(0, max(reading.total, 1))
        self.progress.setValue(reading.done)
        found = f"the board in {reading.found} of {reading.done} pairs"
        more = f", {reading.total - reading.done} to go" if reading.done < reading.total else ""
        tone: Outcome = "looking" if more else ("taken" if reading.found else "refused")
        self.say(tone, f"Reading: {found}{more}. {reading.last}")

    def show_busy(self, *, busy: bool) -> None:
        """Offer to cancel while something runs."""
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.solve.setEnabled(not busy and len(self._model.state.used) >= SMALLEST_NUMBER_OF_VIEWS)

    def show_rig(self, commands: tuple[str, ...], *, running: bool) -> None:
        """Show what there is to look at."""
        self.virtual_board.setVisible("ShowBoard" in commands)
        for button in (self.take, self.by_itself):
            button.setEnabled(running)
        if not running:
            for view in self.views.values():
                view.set_picture(None)
                view.set_message("No rig is running: start one (F5), or open board images.")

    def say(self, outcome: Outcome, words: str) -> None:
        """Say what the guide thinks."""
        tint = _TINTS[outcome]
        self.message.setText(words or "Hold the board before both cameras.")
        if self.message.property("tint") != tint:
            self.message.setProperty("tint", tint)
            self.message.setStyleSheet(
                f"#guideMessage {{ background: {PANEL}; border-left: 4px solid {tint}; color: {TEXT};"
                " font-size: 14px; padding: 4px 12px; }"
            )

    # --- dropping ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files and folders."""
        if _paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Read what was dropped."""
        paths = _paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)


def _paths(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
