"""The tab "Measures": what was measured of every result, the worst first, and how a column is spread."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.export_report import USUAL_COLUMNS
from app.inspecting.measures import Measure
from app.inspecting.measures_table import Row, brushed, histogram, of_methods
from app.ui.arrangement import remember
from app.ui.inspect.histogram_view import HistogramView
from app.ui.inspect.measured import MeasuredResults
from app.ui.inspect.measures_table_model import NAMES, MeasuresTableModel
from app.ui.inspect.model import InspectModel

ALL = "All methods"
EMPTY = "No results yet. Open pairs and run a method on them: every result is measured in the background."
REFRESH_MS = 150


class MeasuresPanel(QWidget):
    """Table at the left, histogram of the column that orders it at the right. A click opens a pair."""

    def __init__(self, model: InspectModel, measured: MeasuredResults, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._measured = model, measured
        self._chosen_order = False
        self.table_model = MeasuresTableModel(self)
        self.table = self._make_table()
        self.histogram = HistogramView(self)
        self.method_box = QComboBox(self)
        self.method_box.addItem(ALL)
        self.method_box.setToolTip("Whose results the table shows.")
        self.state = QLabel(EMPTY, self)
        self.state.setProperty("role", "smalldim")
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.cancel_button = QPushButton("Stop", self)
        self.cancel_button.setToolTip("Measure no more; what was measured stays.")
        self.cancel_button.hide()
        self.all_button = QPushButton("Show all", self)
        self.all_button.setToolTip("Open the band of the histogram.")
        self.all_button.hide()
        self.column_title = QLabel(self)
        self.column_title.setProperty("role", "smalldim")
        # Rows come several times per second while much is measured: the table is filled at its own pace.
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self.side = QWidget(self)
        self._arrange()
        self._refresh.timeout.connect(self.refresh)
        measured.changed.connect(self._refresh.start)
        measured.progressed.connect(self._on_progress)
        model.item_changed.connect(self.table_model.set_current)
        self.method_box.currentIndexChanged.connect(self._on_method)
        self.histogram.brushed.connect(self._on_brush)
        self.all_button.clicked.connect(self.histogram.open_band)
        self.cancel_button.clicked.connect(measured.cancel)
        self.refresh()

    @property
    def shown_rows(self) -> list[Row]:
        """What the table shows, in its order."""
        return list(self.table_model.rows)

    def order_by(self, key: str, *, best_first: bool = False) -> None:
        """Sort by a measure, as a click on its head does."""
        keys = [column.key for column in self.table_model.columns]
        section = keys.index(key) + len(NAMES) if key in keys else 0
        self._chosen_order = True
        self.table_model.order_by(key if key in keys else "", best_first=best_first)
        self._show_indicator(section)
        self.histogram.forget_band()
        self.refresh()  # which sorts

    def refresh(self) -> None:
        """Fill table and histogram from what is measured by now."""
        self._offer_methods()
        rows = self._rows_of_method()
        columns = self._measured.columns
        self._choose_order(columns)
        by = self._by(columns)
        values = [value for row in rows if by is not None and (value := row.value(by.key)) is not None]
        self.histogram.show_column(histogram(values), by)
        self.column_title.setText("" if by is None else by.heading)
        self.column_title.setToolTip("" if by is None else by.tip)
        self._fill(rows, columns, by)

    def _fill(self, rows: list[Row], columns: list[Measure], by: Measure | None) -> None:
        span = self.histogram.span
        shown = rows if by is None else brushed(rows, by.key, span)
        same = [c.key for c in columns] == [c.key for c in self.table_model.columns]
        self.table_model.show(shown, columns)
        if not same:
            self.table.resizeColumnsToContents()
            self._show_indicator(self._section())
        self.all_button.setVisible(span is not None)
        self.table.setVisible(bool(rows))
        self.side.setVisible(bool(rows))
        total = f"{len(rows)} results" if len(rows) != 1 else "1 result"
        count = f"{len(shown)} of {total}" if span is not None else total
        self._count = count if rows else EMPTY
        self.state.setText(self._count)

    def _section(self) -> int:
        by = self.table_model.sorted_by
        return 0 if by is None else list(self.table_model.columns).index(by) + len(NAMES)

    def _by(self, columns: list[Measure]) -> Measure | None:
        """Return the column of the histogram: the one that orders the table."""
        by = self.table_model.sorted_by
        return next((column for column in columns if by is not None and column.key == by.key), None)

    def _choose_order(self, columns: list[Measure]) -> None:
        """Begin with the most telling column there is, until a person chose another."""
        keys = [column.key for column in columns]
        if self._chosen_order or not keys:
            return
        usual = next((key for key in USUAL_COLUMNS if key in keys), keys[0])
        by = self.table_model.sorted_by
        if by is None or by.key != usual:
            self.table_model.show(self.table_model.rows, columns)
            self.table_model.order_by(usual)
            self.table.resizeColumnsToContents()
            self._show_indicator(self._section())
            self.histogram.forget_band()

    def _rows_of_method(self) -> list[Row]:
        rows = list(self._measured.rows)
        method = self.method_box.currentText()
        return rows if self.method_box.currentIndex() <= 0 else of_methods(rows, {method})

    def _offer_methods(self) -> None:
        names = [ALL, *self._measured.methods]
        if names == [self.method_box.itemText(i) for i in range(self.method_box.count())]:
            return
        chosen = self.method_box.currentText()
        self.method_box.blockSignals(True)
        self.method_box.clear()
        self.method_box.addItems(names)
        self.method_box.setCurrentIndex(names.index(chosen) if chosen in names else 0)
        self.method_box.blockSignals(False)

    def _on_method(self) -> None:
        self.histogram.forget_band()
        self.refresh()

    def _on_brush(self) -> None:
        rows = self._rows_of_method()
        columns = list(self.table_model.columns)
        self._fill(rows, columns, self._by(columns))

    def _on_header(self, section: int) -> None:
        keys = ["", "", *(column.key for column in self.table_model.columns)]
        key = keys[section]
        by = self.table_model.sorted_by
        again = (by is None and not key) or (by is not None and by.key == key)
        self.order_by(key, best_first=again and not self.table_model.best_first)

    def _show_indicator(self, section: int) -> None:
        order = Qt.SortOrder.AscendingOrder if self.table_model.best_first else Qt.SortOrder.DescendingOrder
        self.table.horizontalHeader().setSortIndicator(section, order)

    def _on_progress(self, done: int, total: int) -> None:
        busy = done < total
        self.cancel_button.setVisible(busy)
        count = self._count if self._measured.rows else ""
        self.state.setText(f"measuring {done} of {total} … {count}" if busy else self._count)

    def _on_open(self, index: QModelIndex) -> None:
        if index.isValid():
            self._model.set_item(self.table_model.rows[index.row()].item)

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self.table_model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.setAccessibleName("Measures of every result")
        # Room for the arrow that shows the order.
        table.setStyleSheet("QHeaderView::section { padding: 4px 22px 4px 6px; }")
        rows = table.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(22)
        head = table.horizontalHeader()
        head.setSectionsClickable(True)
        head.setSortIndicatorShown(True)
        head.setHighlightSections(False)
        head.setStretchLastSection(False)
        head.setResizeContentsPrecision(100)
        for section in range(len(NAMES)):
            head.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        head.sectionClicked.connect(self._on_header)
        table.clicked.connect(self._on_open)
        table.activated.connect(self._on_open)
        return table

    def _arrange(self) -> None:
        self._count = EMPTY
        self.setMinimumHeight(120)
        column = QVBoxLayout(self.side)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(2)
        head = QHBoxLayout()
        head.addWidget(self.column_title, 1)
        head.addWidget(self.all_button)
        column.addLayout(head)
        column.addWidget(self.histogram, 1)
        split = QSplitter(Qt.Orientation.Horizontal, self)
        remember(split, "measures")
        split.setChildrenCollapsible(False)
        split.addWidget(self.table)
        split.addWidget(self.side)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([3000, 1200])
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.method_box)
        top.addWidget(self.state, 1)
        top.addWidget(self.cancel_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 4, 8, 4)
        whole.setSpacing(4)
        whole.addLayout(top)
        whole.addWidget(split, 1)
