"""What every node was set to and reads back, and what was lost on each side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QFrame, QGridLayout, QHeaderView, QLabel, QTableView, QWidget

from app.ui.arrangement import remember
from app.ui.sync.plots import CLOCK_NAMES, drift_words
from app.ui.theme import ACCENT, DIM, GREEN, TEXT, VERMILION
from capture.frames import ROLES
from capture.sync.report import SyncReport
from capture.sync.script import Outcome, Step
from capture.sync_facts import CameraHealth
from capture.sync_health import SyncState

HEAD = ("Camera", "Node", "Set to", "Reads back", "Result")
WORDS: dict[Outcome, str] = {
    "set": "set",
    "differs": "became something else",
    "refused": "refused",
    "absent": "not there",
    "read": "read",
}
Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class StepModel(QAbstractTableModel):
    """The steps of a report, one per row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: Sequence[Step] = ()

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Show others."""
        self.beginResetModel()
        self._steps = steps
        self.endResetModel()

    def rowCount(self, parent: Index = NO_PARENT) -> int:  # noqa: N802
        """Return the number of steps."""
        return 0 if parent.isValid() else len(self._steps)

    def columnCount(self, parent: Index = NO_PARENT) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(HEAD)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        """Return the head of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEAD[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """Return text, colour and tooltip of a cell."""
        step = self._steps[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(step, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(step)
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(self._colour(step) if index.column() == len(HEAD) - 1 else TEXT)
        return None

    @staticmethod
    def _text(step: Step, column: int) -> str:
        if column == 0:
            return CLOCK_NAMES[step.role]
        if column == 1:
            return step.node
        if column == 2:
            return _value(step.wanted)
        if column == 3:
            return _value(step.read_back)
        reason = f": {step.reason}" if step.reason else ""
        return f"{WORDS[step.outcome]}{reason}"

    @staticmethod
    def _colour(step: Step) -> str:
        if step.failed:
            return VERMILION
        if step.outcome in ("refused", "absent", "differs"):
            return ACCENT
        return DIM if step.outcome == "read" else GREEN


class StepTable(QTableView):
    """The table of a report; rows can be read with the arrow keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("syncSteps")
        self.steps = StepModel(self)
        self.setModel(self.steps)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(23)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        remember(header, "steps")
        header.setStretchLastSection(True)
        for column, width in enumerate((78, 210, 130, 130)):
            self.setColumnWidth(column, width)

    def show_report(self, report: SyncReport | None) -> None:
        """Show what came of a recipe; nothing if none was run."""
        self.steps.show_steps(report.steps if report is not None else ())
        first = next((row for row, step in enumerate(report.steps) if step.failed), None) if report else None
        if first is not None:
            self.selectRow(first)


class CounterTable(QWidget):
    """What was lost, per camera, since the rig was started."""

    ROWS = (
        ("lost on the way", "Gaps in the frame ids: lost in camera, cable or driver"),
        ("incomplete", "Frames that arrived in part"),
        ("too slow here", "Complete frames that this computer had no time for"),
        ("without partner", "Frames that no frame of the other camera belongs to"),
        ("missed triggers", "Triggers that the camera did not answer, found by its clock"),
        ("clock steps", "How often its clock was set or reset"),
        ("clock drift", "Against the computer's clock, in ppm (millionths)"),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 2, 12, 2)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        self._cells: list[tuple[QLabel, QLabel]] = []
        for column, role in enumerate(ROLES, 1):
            grid.addWidget(self._label(CLOCK_NAMES[role], right=True), 0, column)
        for row, (title, tip) in enumerate(self.ROWS, 1):
            name = self._label(title)
            name.setToolTip(tip)
            grid.addWidget(name, row, 0)
            cells = self._label("", right=True, role="small"), self._label("", right=True, role="small")
            for column, cell in enumerate(cells, 1):
                cell.setMinimumWidth(66)
                grid.addWidget(cell, row, column)
            self._cells.append(cells)
        grid.setRowStretch(len(self.ROWS) + 1, 1)

    def show_state(self, state: SyncState) -> None:
        """Show the counts."""
        columns = [_counts(state.cameras.get(role), any_pair=state.pairs > 0) for role in ROLES]
        for cells, texts in zip(self._cells, zip(*columns, strict=True), strict=True):
            for cell, (text, bad) in zip(cells, texts, strict=True):
                cell.setText(text)
                cell.setStyleSheet(f"color: {ACCENT if bad else TEXT};")

    def _label(self, text: str, *, right: bool = False, role: str = "smalldim") -> QLabel:
        label = QLabel(text, self)
        label.setProperty("role", role)
        if right:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label


def _counts(health: CameraHealth | None, *, any_pair: bool) -> list[tuple[str, bool]]:
    """Return the cells of one camera, and whether each is worth a look."""
    if health is None:
        return [("–", False)] * len(CounterTable.ROWS)
    counts = (
        health.lost,
        health.incomplete,
        health.overrun,
        health.unpaired,
        health.missed,
        health.clock.jumps,
    )
    told = drift_words(health.clock, any_pair=any_pair)
    return [*((str(count), count > 0) for count in counts), (told, False)]


def _value(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
