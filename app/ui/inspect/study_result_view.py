"""What a study says: the chart of Figure 12, the raters, and the way to files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.study_export import export_study, interval_text, result_svg
from app.inspecting.study_results import StudyResult, evaluate_study
from app.inspecting.study_store import all_votes, read_plan
from app.ui.calibration.jobs import Job
from app.ui.theme import DIM, TEXT, WELL

EXPORT_FOLDER = "results"


class Chart(QWidget):
    """An SVG as large as it fits."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renderer = QSvgRenderer(self)
        self._renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
        self.setMinimumSize(420, 180)

    def show_svg(self, text: str) -> None:
        """Show another one."""
        self._renderer.load(QByteArray(text.encode()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint it."""
        painter = QPainter(self)
        size = self._renderer.defaultSize().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        self._renderer.render(painter, QRectF(left, top, size.width(), size.height()))


class StudyResultView(QWidget):
    """Chart, numbers and raters of a study.

    Signals:
        failed: one line for the banner.
        exported: folder that files were written to.
        left: back to where the study begins.
    """

    failed = Signal(str)
    exported = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = Path()
        self.result: StudyResult | None = None
        self.chart = Chart(self)
        self.methods = _table(
            ["Method", "Perfect or few errors", "Mean level", "Answers"],
            "Shares and mean levels (1 Perfect … 5 Totally Wrong); intervals: 95 %, by pairs.",
            self,
        )
        self.raters = _table(
            ["Rater", "Answers", "Asked again", "Off by more than one", ""],
            "A rater who is off by more than one level too often is left out.",
            self,
        )
        self.words = QLabel(self)
        self.words.setProperty("role", "dim")
        self.export_button = QPushButton("Export CSV, JSON, SVG", self)
        self.export_button.setToolTip(f"Writes three files to the folder {EXPORT_FOLDER} of the study.")
        self.leave_button = QPushButton("Back", self)
        self._reading = Job("reading the study", self)
        self._writing = Job("exporting the study", self)
        self._arrange()
        self._reading.finished.connect(self._on_read)
        self._reading.failed.connect(self.failed)
        self._writing.finished.connect(self._on_written)
        self._writing.failed.connect(self.failed)
        self.export_button.clicked.connect(self.export)
        self.leave_button.clicked.connect(self.left)

    def show_study(self, folder: Path) -> None:
        """Read a study and show what it says by now."""
        self._folder = folder
        self.words.setText("Reading …")
        self._reading.start(lambda _tell, _cancelled: _evaluate(folder))

    def export(self) -> None:
        """Write the three files."""
        folder = self._folder
        self._writing.start(lambda _tell, _cancelled: _export(folder))

    def close_threads(self) -> None:
        """End what runs in the background."""
        self._reading.close()
        self._writing.close()

    def _on_read(self, result: StudyResult) -> None:
        self.result = result
        self.chart.show_svg(result_svg(result, ink=TEXT, paper=WELL))
        self.chart.setVisible(bool(result.methods))
        kept = sum(not check.dropped for check in result.raters)
        self.words.setText(
            f"{kept} of {len(result.raters)} raters count, on {len(result.plan.items)} pairs."
            if result.methods
            else "No answers count yet."
        )
        _fill(
            self.methods,
            [
                [
                    m.method,
                    interval_text(m.good),
                    f"{m.mean_level.value:.2f}"
                    + (
                        ""
                        if m.mean_level.count < 2
                        else f" [{m.mean_level.low:.2f}, {m.mean_level.high:.2f}]"
                    ),
                    str(sum(m.counts)),
                ]
                for m in result.methods
            ],
        )
        _fill(
            self.raters,
            [
                [
                    c.rater,
                    str(c.votes),
                    str(c.asked_again),
                    str(c.slips),
                    "left out" if c.dropped else "counts",
                ]
                for c in result.raters
            ],
        )

    def _on_written(self, folder: Path) -> None:
        self.words.setText(f"Written to {folder}")
        self.exported.emit(folder)

    def _arrange(self) -> None:
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setStyleSheet(f"color: {DIM};")
        tables = QHBoxLayout()
        tables.setSpacing(10)
        tables.addWidget(self.methods, 3)
        tables.addWidget(self.raters, 3)
        foot = QHBoxLayout()
        foot.addWidget(self.leave_button)
        foot.addWidget(self.words, 1)
        foot.addWidget(self.export_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(8)
        column.addWidget(self.chart, 3)
        column.addLayout(tables, 2)
        column.addLayout(foot)


def _evaluate(folder: Path) -> StudyResult:
    plan = read_plan(folder)
    return evaluate_study(plan, all_votes(folder, plan))


def _export(folder: Path) -> Path:
    plan = read_plan(folder)
    export_study(folder / EXPORT_FOLDER, plan, all_votes(folder, plan))
    return folder / EXPORT_FOLDER


def _table(heads: list[str], tip: str, parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, len(heads), parent)
    table.setHorizontalHeaderLabels(heads)
    table.setToolTip(tip)
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return table


def _fill(table: QTableWidget, rows: list[list[str]]) -> None:
    table.setRowCount(len(rows))
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            table.setItem(y, x, QTableWidgetItem(text))
