"""The tab "Region": draw rectangles and lassos on any picture, and measure every method over them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.maps import MapInput
from app.inspecting.regions import (
    COLUMNS,
    Region,
    RegionRow,
    free_name,
    measure_region,
    table_text,
    too_small,
)
from app.ui.inspect.latest import Latest
from app.ui.inspect.marks import CanvasMarks
from app.ui.inspect.model import InspectModel, ItemData
from app.ui.inspect.pane import Pane
from app.ui.inspect.side_panel import SidePanel
from app.ui.inspector import Pixel
from app.ui.marking import Outline, Shape, Tool
from app.ui.theme import ACCENT, GREEN, ROSE, SKY, VERMILION
from models.evaluation.measures import SMALLEST_REGION_PX

HINT = (
    "Choose Rectangle or Lasso and draw on any picture. Every method's result is measured over each region. "
    "Double-click a name to change it; Del removes a region."
)
LINES = (SKY, ACCENT, GREEN, ROSE, VERMILION)
TABLE_PX = 26 * (len(COLUMNS) + 2)


class RegionsPanel(SidePanel):
    """Regions belong to the pair they were drawn on; they stay with it while the source is open.

    Signals:
        measured: the rows on screen, a tuple of `RegionRow`.
    """

    measured = Signal(object)

    def __init__(self, model: InspectModel, marks: CanvasMarks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._marks = marks
        self._regions: dict[str, list[Region]] = {}
        self._draft: Region | None = None
        self._rows: tuple[RegionRow, ...] = ()
        self._asked: tuple[object, ...] = ()
        self._work = Latest("measuring regions", self)
        self._lay_out()
        self._work.finished.connect(self._on_measured)
        self._work.failed.connect(self._words.setText)
        model.source_changed.connect(self._on_source)
        model.shown_changed.connect(self._on_shown)
        marks.stroke.connect(self._on_stroke)

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions of the current pair."""
        return tuple(self._regions.get(self._model.item, ()))

    @property
    def rows(self) -> tuple[RegionRow, ...]:
        """What was measured."""
        return self._rows

    def add(self, region: Region) -> None:
        """Measure another region of the current pair."""
        self._regions.setdefault(self._model.item, []).append(region)
        self._show_regions()
        self._refresh()

    def copy(self) -> None:
        """Put the table into the clipboard, for a spreadsheet."""
        QApplication.clipboard().setText(table_text(self._rows))

    def close_threads(self) -> None:
        """End the thread, and wait for it."""
        self._work.close()

    # --- building ---

    def _lay_out(self) -> None:
        self.rectangle_button = self._button("Rectangle", "Drag from corner to corner on any picture")
        self.lasso_button = self._button("Lasso", "Draw around a region on any picture")
        for button in (self.rectangle_button, self.lasso_button):
            button.setCheckable(True)
            button.toggled.connect(self._on_tool)
        self.copy_button = self._button("Copy", "Copy the table, for a spreadsheet")
        self.copy_button.clicked.connect(self.copy)
        self.remove_button = self._button("Remove", "Remove the chosen region (Del)")
        self.remove_button.clicked.connect(self._on_remove)
        self._list = QListWidget(self)
        self._list.setFixedHeight(84)
        self._list.setAccessibleName("Regions")
        self._list.setToolTip("Double-click: another name. Del: remove.")
        self._list.itemChanged.connect(self._on_renamed)
        self._list.currentRowChanged.connect(self._on_current)
        remove = QShortcut(QKeySequence(Qt.Key.Key_Delete), self._list)
        remove.setContext(Qt.ShortcutContext.WidgetShortcut)
        remove.setWhatsThis("Remove the chosen region")
        remove.activated.connect(self._on_remove)
        self._words = QLabel(HINT, self)
        self._words.setWordWrap(True)
        self._words.setProperty("role", "dim")
        self._table = QTableWidget(self)
        self._table.setAccessibleName("Measures of the region")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.setMinimumHeight(TABLE_PX)
        self._table.verticalHeader().setDefaultSectionSize(24)
        self._table.horizontalHeader().setHighlightSections(False)
        tools, edits = QHBoxLayout(), QHBoxLayout()
        for row, buttons in (
            (tools, (self.rectangle_button, self.lasso_button)),
            (edits, (self.copy_button, self.remove_button)),
        ):
            for button in buttons:
                row.addWidget(button)
            row.addStretch(1)
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self._words)
        column.addWidget(self._list)
        column.addLayout(edits)
        column.addWidget(self._table)
        column.addStretch(1)
        self.show_body(body)
        self._show_regions()

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setProperty("framed", True)
        return button

    # --- coming and going ---

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Draw the regions again, and measure what is new."""
        super().showEvent(event)
        self._marks.set_tool(self._tool)
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Leave the pictures to the other tabs."""
        super().hideEvent(event)
        self._marks.clear()
        self._model.prefer((), "regions")

    # --- drawing ---

    @property
    def _tool(self) -> Tool:
        if self.rectangle_button.isChecked():
            return "rectangle"
        return "lasso" if self.lasso_button.isChecked() else "look"

    def _on_tool(self, on: bool) -> None:
        if on:
            other = self.lasso_button if self.sender() is self.rectangle_button else self.rectangle_button
            other.setChecked(False)
        if self.isVisible():
            self._marks.set_tool(self._tool)

    def _on_stroke(self, pane: Pane, points: tuple[Pixel, ...], finished: bool) -> None:
        if not self.isVisible() or self._tool == "look" or not self._model.item:
            return
        name = free_name([region.name for region in self.regions])
        if self._tool == "rectangle":
            region = Region(name, pane.aligned, "rectangle", (points[0], points[-1]))
        else:
            region = Region(name, pane.aligned, "lasso", points)
        self._draft = None if finished else region
        if finished:
            self.add(region)
        else:
            self._draw()

    def _draw(self) -> None:
        if not self.isVisible():
            return
        shapes: dict[str, list[Shape]] = {"mono": [], "reference": []}
        drawn = [*self.regions, *([] if self._draft is None else [self._draft])]
        for number, region in enumerate(drawn):
            chosen = number == self._list.currentRow() or region is self._draft
            shapes[region.aligned].append(
                Outline(
                    region.outline,
                    LINES[number % len(LINES)],
                    closed=True,
                    fill=0.16 if chosen else 0.0,
                    label=region.name,
                )
            )
        self._marks.set_shapes(tuple(shapes["mono"]), tuple(shapes["reference"]))

    # --- what changes ---

    def _on_source(self) -> None:
        self._regions.clear()
        self._show_regions()

    def _on_shown(self, shown: ItemData) -> None:
        if self._asked and self._asked[0] != shown.item:
            self._asked, self._rows = (), ()
            self._show_regions()
        self._refresh()

    def _on_renamed(self, item: QListWidgetItem) -> None:
        regions, row = self._regions.get(self._model.item, []), self._list.row(item)
        name = item.text().strip()
        others = [region.name for n, region in enumerate(regions) if n != row]
        if not name or name in others:
            name = free_name(others)
        former = regions[row]
        regions[row] = Region(name, former.aligned, former.kind, former.points)
        self._rows = tuple(
            RegionRow(name, line.method, line.values) if line.region == former.name else line
            for line in self._rows
        )
        self._asked = ()
        self._show_regions(row)
        self._refresh()

    def _on_current(self, row: int) -> None:
        del row
        self._show_table()
        self._draw()

    def _on_remove(self) -> None:
        regions, row = self._regions.get(self._model.item, []), self._list.currentRow()
        if 0 <= row < len(regions):
            del regions[row]
            self._show_regions(min(row, len(regions) - 1))
            self._refresh()

    def _show_regions(self, current: int | None = None) -> None:
        """Show the names; the last region is the current one unless told otherwise."""
        regions = self.regions
        self._list.blockSignals(True)
        self._list.clear()
        for region in regions:
            item = QListWidgetItem(region.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self._list.addItem(item)
        self._list.setCurrentRow(len(regions) - 1 if current is None else current)
        self._list.blockSignals(False)
        for widget in (self._list, self._table, self.copy_button, self.remove_button):
            widget.setVisible(bool(regions))
        self._words.setText(HINT)
        self._words.setVisible(not regions)
        self._show_table()
        self._draw()

    # --- measuring ---

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        shown, regions = self._model.shown, self.regions
        self._model.prefer(self._model.methods if regions else (), "regions")
        self._draw()
        if shown is None or shown.pair is None or shown.search is None or not regions:
            self._rows = ()
            return
        predictions = dict(shown.predictions)
        asked = (shown.item, regions, tuple(predictions.values()))
        if asked == self._asked:
            return
        self._asked = asked
        pair, search = shown.pair, shown.search

        def work() -> tuple[object, tuple[RegionRow, ...]]:
            rows = [
                RegionRow(region.name, method, measure_region(region, MapInput(pair, prediction, search)))
                for region in regions
                for method, prediction in predictions.items()
            ]
            return asked, tuple(rows)

        self._work.ask(work)

    def _on_measured(self, answer: tuple[object, tuple[RegionRow, ...]]) -> None:
        asked, rows = answer
        if asked is not self._asked:
            return
        self._rows = rows
        self._show_table()
        self.measured.emit(rows)

    def _show_table(self) -> None:
        """Show the chosen region: a line for every measure, a column for every method."""
        regions, row = self.regions, self._list.currentRow()
        if not 0 <= row < len(regions):
            self._table.setRowCount(0)
            return
        region = regions[row]
        lines = [line for line in self._rows if line.region == region.name]
        self._table.setColumnCount(len(lines))
        self._table.setRowCount(len(COLUMNS))
        self._table.setHorizontalHeaderLabels([line.method for line in lines])
        self._table.setVerticalHeaderLabels([column.title for column in COLUMNS])
        for number, column in enumerate(COLUMNS):
            self._table.verticalHeaderItem(number).setToolTip(column.tip)
            for place, line in enumerate(lines):
                item = QTableWidgetItem(column.text(line.values.get(column.key)))
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(column.tip)
                self._table.setItem(number, place, item)
        self._table.resizeColumnsToContents()
        shown = self._model.shown
        if shown is not None and shown.pair is not None and too_small(region, *shown.pair.mono.shape):
            self._words.setText(f"{region.name}: fewer than {SMALLEST_REGION_PX} pixels, too few for SSIM.")
            self._words.show()
        else:
            self._words.hide()
