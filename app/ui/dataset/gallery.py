"""The middle of the page: contact sheet or table, and words where there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QStackedWidget, QTableView, QWidget

from app.browsing.columns import COLUMNS
from app.browsing.thumbnails import Job, Thumbnail
from app.ui.dataset.model import PairModel
from app.ui.dataset.session import DatasetSession
from app.ui.dataset.sheet_view import SheetView
from app.ui.dataset.thumbs import ThumbMemory

WAYS = ("sheet", "table")
ROW_PX = 24


class Gallery(QStackedWidget):
    """Two views of one model with one selection; asks for the thumbnails that are on screen.

    Attributes:
        way: "sheet" or "table".

    Signals:
        opened: Enter or a double click.
    """

    opened = Signal()

    def __init__(self, model: PairModel, session: DatasetSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._session = session
        self.way = "sheet"
        self.memory = ThumbMemory()
        self.sheet = SheetView(self.memory, self)
        self.sheet.setModel(model)
        self.table = make_table(model, self.sheet.selectionModel(), self)
        self._message = QLabel(self)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._message.setProperty("role", "dim")
        self._message.setMargin(30)
        for widget in (self.sheet, self.table, self._message):
            self.addWidget(widget)
        self._look = QTimer(self, singleShot=True, interval=0)
        self._look.timeout.connect(self._want)
        self.sheet.looked_at.connect(self._look.start)
        model.modelReset.connect(self._look.start)
        model.rowsInserted.connect(self._look.start)
        session.thumbnails_made.connect(self._on_made)
        for view in (self.sheet, self.table):
            view.activated.connect(self.opened)

    @property
    def view(self) -> QAbstractItemView:
        """The view in use."""
        return self.sheet if self.way == "sheet" else self.table

    def show_way(self, way: str) -> None:
        """Use the contact sheet or the table."""
        self.way = way
        self.look()

    def show_pairs(self, message: str = "") -> None:
        """Show the pairs, or words in their place."""
        self._message.setText(message)
        self.setCurrentWidget(self._message if message else self.view)

    def show_current(self) -> None:
        """Bring the current pair to the middle."""
        if self.view.currentIndex().isValid():
            self.view.scrollTo(self.view.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Stay where it is scrolled to, whatever becomes of the rows meanwhile."""
        bars = [view.verticalScrollBar() for view in (self.sheet, self.table)]
        values = [bar.value() for bar in bars]
        yield
        for bar, value in zip(bars, values, strict=True):
            bar.setValue(value)

    def take_keys(self) -> None:
        """Let the keys act on the pairs."""
        if self.isVisible():
            self.view.setFocus()

    def begin(self, aspect: float | None) -> None:
        """Another dataset: forget thumbnails. `aspect`: width ÷ height of its images."""
        self.memory.clear()
        self.sheet.set_cells(self.sheet.picture_width, aspect)
        self.sheet.verticalScrollBar().setValue(0)

    def look(self) -> None:
        """Ask for the thumbnails on screen soon."""
        self._look.start()

    def _want(self) -> None:
        if self.way != "sheet" or not self.isVisible():
            return
        ratio = self.devicePixelRatioF()
        place = self.sheet.delegate.picture_px
        size = (round(place.width() * ratio), round(place.height() * ratio))
        seen = self.sheet.rows_on_screen()
        around = self.sheet.rows_on_screen(0.5, 1.5)
        jobs = []
        for row in [*seen, *(row for row in around if row not in seen)]:
            record = self._model.record(row)
            ready = self.memory.get(record.name)
            if ready is None or ready.size_px != size:
                jobs.append(Job(record, size))
        self._session.want(jobs)

    def _on_made(self, made: list[Thumbnail]) -> None:
        ratio = self.devicePixelRatioF()
        for thumbnail in made:
            self.memory.put(thumbnail, ratio)
        self.sheet.viewport().update()


def make_table(model: PairModel, selection: QItemSelectionModel, parent: QWidget) -> QTableView:
    """Return the table of all columns; a click on a title sorts, a third one is the order of saving."""
    table = QTableView(parent)
    table.setObjectName("datasetTable")
    table.setModel(model)
    table.setSelectionModel(selection)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.setFrameShape(QAbstractItemView.Shape.NoFrame)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    rows = table.verticalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(ROW_PX)
    head = table.horizontalHeader()
    head.setSectionsMovable(True)
    head.setHighlightSections(False)
    head.setMinimumSectionSize(40)
    head.setSortIndicatorClearable(True)
    head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    for number, column in enumerate(COLUMNS):
        needed = 24 + head.fontMetrics().horizontalAdvance(column.heading)
        table.setColumnWidth(number, max(column.width_px, needed))
    table.setSortingEnabled(True)
    return table
