"""The GenTL libraries: every file that was loaded, from where, and what came of it.

A library is code that runs with all rights of its user, so nobody should have to guess which ones do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.ui.rig.card import ShortLine, short_path
from app.ui.theme import GREEN, VERMILION
from capture.discovery import PATH_VARIABLE
from capture.probe import ProducerReport

EMPTY = (
    "None. Install the software of the cameras' maker, "
    f"or set {PATH_VARIABLE} to the folder of its .cti file."
)


class LibraryList(QWidget):
    """A row per library."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(2, 1)
        self._reports: tuple[ProducerReport, ...] = ()
        self._in_use: frozenset[Path] = frozenset()

    def rows(self) -> list[str]:
        """Return the rows as text."""
        return [f"{report.path} {self._outcome(report)}" for report in self._reports]

    def show_in_use(self, files: frozenset[Path]) -> None:
        """Say which of them the rig that runs has loaded; links followed."""
        if files != self._in_use:
            self._in_use = files
            self.show_reports(self._reports)

    def show_reports(self, reports: Sequence[ProducerReport]) -> None:
        """Show what came of asking the producers."""
        self._reports = tuple(reports)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if not reports:
            empty = QLabel(EMPTY, self)
            empty.setWordWrap(True)
            empty.setProperty("role", "smalldim")
            self._grid.addWidget(empty, 0, 0, 1, 3)
        for row, report in enumerate(reports):
            wrong = report.problem or (report.library is not None and report.library.warning)
            sign = QLabel("✕" if wrong else "✓", self)
            sign.setStyleSheet(f"color: {VERMILION if wrong else GREEN};")
            name = QLabel(report.path.name, self)
            name.setToolTip(str(report.path))
            rest = ShortLine(self)
            rest.setProperty("role", "smalldim")
            outcome = self._outcome(report)
            rest.set_line(f"{outcome} — {short_path(report.path.parent)}", f"{report.path}\n{outcome}")
            for column, widget in enumerate((sign, name, rest)):
                self._grid.addWidget(widget, row, column)

    def _outcome(self, report: ProducerReport) -> str:
        if report.problem:
            return report.problem
        count = len(report.devices)
        parts = ["no camera" if count == 0 else "1 camera" if count == 1 else f"{count} cameras"]
        if report.path.resolve() in self._in_use:
            parts.append("in use")
        library = report.library
        if library is not None:
            parts = [library.made_by, *parts, library.warning]
        return " · ".join(filter(None, parts))
