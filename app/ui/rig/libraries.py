"""The GenTL libraries: every file that was loaded, from where, and what came of it.

A library is code that runs with all rights of its user, so nobody should have to guess which ones do.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.ui.rig.card import ShortLine
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

    def rows(self) -> list[str]:
        """Return the rows as text."""
        return [f"{report.path} {_outcome(report)}" for report in self._reports]

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
            sign = QLabel("✕" if report.problem else "✓", self)
            sign.setStyleSheet(f"color: {VERMILION if report.problem else GREEN};")
            name = QLabel(report.path.name, self)
            name.setToolTip(str(report.path))
            rest = ShortLine(self)
            rest.setProperty("role", "smalldim")
            rest.set_line(f"{_outcome(report)} — {report.path.parent}", f"{report.path}\n{_outcome(report)}")
            for column, widget in enumerate((sign, name, rest)):
                self._grid.addWidget(widget, row, column)


def _outcome(report: ProducerReport) -> str:
    if report.problem:
        return report.problem
    count = len(report.devices)
    cameras = "no camera" if count == 0 else "1 camera" if count == 1 else f"{count} cameras"
    library = report.library
    if library is None:
        return cameras
    return " · ".join(part for part in (library.made_by, cameras, library.warning) if part)
