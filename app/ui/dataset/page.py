"""The Dataset page: contact sheet or table of pairs, filters at the left, the current pair at the right."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.browsing.columns import COLUMNS
from app.browsing.table import PairTable
from app.browsing.thumbnails import Job, Thumbnail
from app.browsing.undo import titled
from app.ui.banner import BannerLine
from app.ui.dataset.bars import HeadBar, SelectionBar
from app.ui.dataset.detail_panel import DetailPanel
from app.ui.dataset.filter_panel import FilterPanel
from app.ui.dataset.keys import DATASET_KEYS, HANDS
from app.ui.dataset.model import PairModel
from app.ui.dataset.session import DatasetSession, Detail
from app.ui.dataset.sheet_view import SheetView
from app.ui.dataset.thumbs import ThumbMemory
from app.ui.keys import make_key_actions
from app.ui.pages import Host, Page
from capture.dataset_edits import Edit
from capture.dataset_records import PairRecord, check_tag
from capture.errors import DatasetError

KEY = "dataset"
EMPTY = (
    "No dataset is open.\n\nOpen one with Ctrl+O, or drop a folder here: a captured dataset, or a plain "
    "folder with mono/ and color/.\nThe page Capture makes new ones (Ctrl+2)."
)
DEFAULT_WIDTH_PX = 260
ZOOM = 1.15
WAYS = ("sheet", "table")


class DatasetPage(Page):
    """Puts the parts together: session → model → views; actions → edits."""

    KEYS = DATASET_KEYS
    HANDS = HANDS

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._settings = host.settings
        self.setAcceptDrops(False)  # the window takes them
        self.session = DatasetSession(self)
        self.model = PairModel(self)
        self.memory = ThumbMemory()
        self.actions_by_name = make_key_actions(DATASET_KEYS, self)
        self.head = HeadBar(self.actions_by_name, self)
        self.problem = BannerLine("error", self)
        self.filters = FilterPanel(self)
        self.sheet = SheetView(self.memory, self)
        self.table = QTableView(self)
        self.detail = DetailPanel(self)
        self.bar = SelectionBar(self.actions_by_name, self)
        self._message = QLabel(EMPTY, self)
        self._dialog: QFileDialog | None = None
        self._way = "sheet"
        self._entered_once = False
        self._look = QTimer(self, singleShot=True, interval=0)
        self._progress = QTimer(self, interval=500)
        self._prepare_views()
        self._lay_out()
        self._connect()
        self._restore()
        self._show_table(None)

    # --- requests ---

    def open(self, folder: Path) -> None:
        """Open a dataset or a plain folder of pairs."""
        self.session.open(folder)

    # --- coming and going ---

    def entered(self) -> None:
        """Follow the dataset; the first time, open the one in use or the one that was open last."""
        if not self._entered_once:
            self._entered_once = True
            if self._settings.layout_of(f"{KEY}/middle").isEmpty():
                side = max(318, self.width() // 5)
                self._splitter.setSizes([222, self.width() - 222 - side, side])
            folder = self._likely_folder()
            if folder is not None and self.session.folder is None and self.session.idle:
                self.open(folder)
        self.session.set_followed(followed=True)
        self._progress.start()
        self._look.start()

    def left(self) -> None:
        """Stop following; remember how the page is arranged."""
        self.session.set_followed(followed=False)
        self._progress.stop()
        settings = self._settings
        settings.set_layout_of(f"{KEY}/columns", self.table.horizontalHeader().saveState())
        settings.set_layout_of(f"{KEY}/middle", self._splitter.saveState())
        settings.set_layout_of(f"{KEY}/detail", self.detail.splitter.saveState())
        settings.set_layout_of(f"{KEY}/width", QByteArray(str(self.sheet.picture_width).encode()))
        settings.set_layout_of(f"{KEY}/way", QByteArray(self._way.encode()))

    def closed(self) -> None:
        """End the threads."""
        self.session.close()

    def _likely_folder(self) -> Path | None:
        recording = self._host.bridge.status().recorder.folder
        if recording:
            return Path(recording)
        recent = (*self._settings.recent_datasets, self._settings.last_dataset)
        return next((folder for folder in recent if folder is not None and folder.is_dir()), None)

    # --- building ---

    def _prepare_views(self) -> None:
        table = self.table
        table.setObjectName("datasetTable")
        for view in (self.sheet, table):
            view.setModel(self.model)
        table.setSelectionModel(self.sheet.selectionModel())
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
        rows.setDefaultSectionSize(24)
        head = table.horizontalHeader()
        head.setSectionsMovable(True)
        head.setHighlightSections(False)
        head.setMinimumSectionSize(40)
        head.setSortIndicatorClearable(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        for number, column in enumerate(COLUMNS):
            table.setColumnWidth(
                number, max(column.width_px, 24 + head.fontMetrics().horizontalAdvance(column.heading))
            )
        table.setSortingEnabled(True)

    def _lay_out(self) -> None:
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._message.setProperty("role", "dim")
        self._message.setMargin(30)
        self._stage = QStackedWidget(self)
        for widget in (self.sheet, self.table, self._message):
            self._stage.addWidget(widget)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._stage, 1)
        column.addWidget(self.bar)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        for part, stretch in ((self.filters, 0), (middle, 1), (self.detail, 0)):
            self._splitter.addWidget(part)
            self._splitter.setStretchFactor(self._splitter.count() - 1, stretch)
        self._splitter.setCollapsible(1, False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.head)
        whole.addWidget(self.problem)
        whole.addWidget(self._splitter, 1)

    def _connect(self) -> None:
        session, model = self.session, self.model
        session.table_changed.connect(self._show_table)
        session.opened.connect(self._on_opened)
        session.refused.connect(self._on_refused)
        session.failed.connect(self.problem.insist)
        session.busy_changed.connect(self._on_busy)
        session.history_changed.connect(self._show_history)
        session.said.connect(self._host.toast.flash)
        session.thumbnails_made.connect(self._on_thumbnails)
        session.detailed.connect(self._on_detail)
        self.filters.changed.connect(self._on_filter)
        self.head.recent_chosen.connect(self.open)
        self.head.order_chosen.connect(self._on_order)
        self.head.way_chosen.connect(self.show_way)
        self.table.horizontalHeader().sortIndicatorChanged.connect(self._on_header)
        self.sheet.looked_at.connect(self._look.start)
        self.sheet.zoomed.connect(self._on_zoomed)
        self._look.timeout.connect(self._want_thumbnails)
        self._progress.timeout.connect(self._show_progress)
        self.bar.width_slider.valueChanged.connect(self.sheet.set_cells)
        self.bar.tag.given.connect(self._on_tag)
        self.bar.tag.left.connect(self._take_keys)
        model.modelReset.connect(self._look.start)
        model.rowsInserted.connect(self._look.start)
        selection = self.sheet.selectionModel()
        selection.selectionChanged.connect(self._on_selection)
        selection.currentChanged.connect(self._on_current)
        for view in (self.sheet, self.table):
            view.activated.connect(self._on_activated)
        for name, slot in {
            "open": self.ask,
            "find": self._on_find,
            "show_all": self._on_show_all,
            "view": self._on_view,
            "larger": self._on_larger,
            "smaller": self._on_smaller,
            "inspect": self.inspect,
            "tag": self._on_tag_key,
            "exclude": self._on_exclude,
            "trash": self._on_trash,
            "show_trash": self._on_show_trash,
            "undo": session.undo,
            "redo": session.redo,
        }.items():
            self.actions_by_name[name].triggered.connect(slot)

    def _restore(self) -> None:
        settings = self._settings
        columns = settings.layout_of(f"{KEY}/columns")
        if not columns.isEmpty():
            with QSignalBlocker(self.table.horizontalHeader()):
                self.table.horizontalHeader().restoreState(columns)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        for part, splitter in (("middle", self._splitter), ("detail", self.detail.splitter)):
            state = settings.layout_of(f"{KEY}/{part}")
            if not state.isEmpty():
                splitter.restoreState(state)
        width = bytes(settings.layout_of(f"{KEY}/width").data()).decode(errors="replace")
        self.bar.width_slider.setValue(int(width) if width.isdecimal() else DEFAULT_WIDTH_PX)
        way = bytes(settings.layout_of(f"{KEY}/way").data()).decode(errors="replace")
        self.show_way(way if way in WAYS else "sheet")
        self.head.show_recent(settings.recent_datasets)

    # --- what comes from the session ---

    def _show_table(self, table: PairTable | None) -> None:
        before = self.model.table
        if table is not None and (before is None or before.folder != table.folder):
            self._begin(table)
        chosen = self.model.selected_rows(self.sheet.selectionModel())
        current = self._current_record()
        shown = self.model.rows
        self.model.show_table(table)
        if len(shown) and table is not None and before is not None and before.folder == table.folder:
            self._select_again(chosen, current.name if current else "")
        self.filters.show_table(table)
        self._show_counts()
        self.bar.tag.offer(tuple(table.tags) if table is not None else ())
        self._on_selection()
        if current is not None and table is not None:
            self._show_current()

    def _begin(self, table: PairTable) -> None:
        """Another dataset: forget what was on screen."""
        self.memory.clear()
        self.problem.show_message("")
        self.filters.trash = False
        self.actions_by_name["show_trash"].setChecked(False)
        with QSignalBlocker(self.filters):
            self.filters.show_table(table)
            self.filters.clear()
        self.model.set_filter(self.filters.wanted)
        self.model.show_table(None)
        self.sheet.set_cells(self.sheet.picture_width, _aspect(table))
        self.sheet.verticalScrollBar().setValue(0)

    def _on_opened(self, folder: Path) -> None:
        self._settings.remember_dataset(folder.absolute())
        self.head.show_recent(self._settings.recent_datasets)
        if self.model.rowCount() and not self.sheet.currentIndex().isValid():
            index = self.model.index(0, 0)
            self.sheet.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self._take_keys()

    def _on_refused(self, message: str) -> None:
        self.problem.insist(
            f"{message}. To see and mend everything: python main.py dataset check FOLDER --repair"
        )

    def _on_busy(self, what: str) -> None:
        if what:
            self.bar.progress.setText(what)
        else:
            self._show_progress()

    def _show_progress(self) -> None:
        done, total = self.session.filled
        if self.bar.progress.text().endswith(" …") and not self.session.idle:
            return
        self.bar.progress.setText(f"thumbnails {done:,} of {total:,}" if done < total else "")

    def _show_history(self) -> None:
        for name, title in (("undo", self.session.undo_title), ("redo", self.session.redo_title)):
            action = self.actions_by_name[name]
            action.setEnabled(bool(title))
            verb = name.capitalize()
            keys = "Ctrl+Z" if name == "undo" else "Ctrl+Shift+Z"
            action.setToolTip(f"{verb}: {title} ({keys})" if title else f"Nothing to {name} ({keys})")

    def _show_counts(self) -> None:
        table = self.model.table
        stage = self._stage
        if table is None:
            self.head.title.setText("No dataset is open")
            self.head.counts.setText("")
            self._message.setText(EMPTY)
            stage.setCurrentWidget(self._message)
            self._show_history()
            return
        excluded = int((table.excluded & ~table.trashed).sum())
        thrown = int(table.trashed.sum())
        self.head.title.setText(f"<b>{table.folder.name}</b>")
        self.head.title.setToolTip(str(table.folder))
        parts = [f"{table.size:,} pair{'s' * (table.size != 1)}"]
        if self.model.wanted.narrows:
            parts.insert(0, f"{len(self.model.rows):,} shown of")
        words = " ".join(parts) + (f" · {excluded:,} excluded" if excluded else "")
        words += " · plain folder" if table.is_plain else ""
        if self.model.wanted.trash:
            words = f"Trash: {len(self.model.rows):,} pairs"
        self.head.counts.setText(f" {words}")
        self.actions_by_name["show_trash"].setText(f"Trash ({thrown:,})" if thrown else "Trash")
        if len(self.model.rows):
            stage.setCurrentWidget(self.sheet if self._way == "sheet" else self.table)
        else:
            self._message.setText(_nothing(table, trash=self.model.wanted.trash))
            stage.setCurrentWidget(self._message)
        self.filters.show_values(self.model.rows)

    # --- thumbnails ---

    def _want_thumbnails(self) -> None:
        if self._way != "sheet" or not self.isVisible():
            return
        ratio = self.devicePixelRatioF()
        place = self.sheet.delegate.picture_px
        size = (round(place.width() * ratio), round(place.height() * ratio))
        seen = self.sheet.rows_on_screen()
        around = self.sheet.rows_on_screen(0.5, 1.5)
        rows = [*seen, *(row for row in around if row not in seen)]
        jobs = []
        for record in map(self.model.record, rows):
            ready = self.memory.get(record.name)
            if ready is None or ready.size_px != size:
                jobs.append(Job(record, size))
        self.session.want(jobs)

    def _on_thumbnails(self, made: list[Thumbnail]) -> None:
        ratio = self.devicePixelRatioF()
        for thumbnail in made:
            self.memory.put(thumbnail, ratio)
        self.sheet.viewport().update()

    # --- views ---

    def show_way(self, way: str) -> None:
        """Show the contact sheet or the table."""
        self._way = way
        self.head.show_way(way)
        self.bar.width_slider.setVisible(way == "sheet")
        if self.model.table is not None:
            self._show_counts()
            view = self._view()
            if view.currentIndex().isValid():
                view.scrollTo(view.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
            self._take_keys()
        self._look.start()

    def _view(self) -> QAbstractItemView:
        return self.sheet if self._way == "sheet" else self.table

    def _take_keys(self) -> None:
        """Let the keys act on the pairs."""
        if self.isVisible():
            self._view().setFocus()

    def _on_view(self) -> None:
        self.show_way("table" if self._way == "sheet" else "sheet")

    def _on_larger(self) -> None:
        self._on_zoomed(1)

    def _on_smaller(self) -> None:
        self._on_zoomed(-1)

    def _on_zoomed(self, direction: int) -> None:
        self.bar.width_slider.setValue(round(self.sheet.picture_width * ZOOM**direction))

    def _on_order(self, key: str, descending: bool) -> None:
        head = self.table.horizontalHeader()
        column = next((number for number, each in enumerate(COLUMNS) if each.key == key), -1)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        with QSignalBlocker(head):
            head.setSortIndicator(column, order)
        self._rearrange(key, descending=descending)

    def _on_header(self, column: int, order: Qt.SortOrder) -> None:
        key = COLUMNS[column].key if column >= 0 else ""
        descending = order == Qt.SortOrder.DescendingOrder and column >= 0
        self.head.show_order(key, descending=descending)
        self._rearrange(key, descending=descending)

    def _rearrange(self, key: str, *, descending: bool) -> None:
        chosen, current = self._chosen()
        self.model.set_order(key, descending=descending)
        self._select_again(chosen, current)

    def _on_filter(self) -> None:
        chosen, current = self._chosen()
        self.model.set_filter(self.filters.wanted)
        self._select_again(chosen, current)
        self._show_counts()

    # --- selection ---

    def _chosen(self) -> tuple[np.ndarray, str]:
        current = self._current_record()
        return self.model.selected_rows(self.sheet.selectionModel()), current.name if current else ""

    def _select_again(self, chosen: np.ndarray, current: str) -> None:
        """Select the same pairs after rows have moved, and stay at the current one."""
        table, selection = self.model.table, self.sheet.selectionModel()
        if table is None:
            return
        flags = QItemSelectionModel.SelectionFlag
        if not len(self.model.selected_rows(selection)) and len(chosen):
            selection.select(self.model.selection_of(chosen), flags.ClearAndSelect | flags.Rows)
        if selection.currentIndex().isValid() and self._current_name() == current:
            return
        row = self.model.model_row(table.row_of.get(current, -1)) if current else -1
        if row < 0:
            row = min(max(self._current_row, 0), self.model.rowCount() - 1)
        if row >= 0:
            index = self.model.index(row, 0)
            selection.setCurrentIndex(index, flags.NoUpdate)
            self._view().scrollTo(index)
        else:
            self._show_current()

    def _current_record(self) -> PairRecord | None:
        index = self.sheet.selectionModel().currentIndex()
        return self.model.record(index.row()) if index.isValid() else None

    def _current_name(self) -> str:
        record = self._current_record()
        return record.name if record is not None else ""

    _current_row = -1

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid():
            self._current_row = index.row()
        self._show_current()

    def _show_current(self) -> None:
        record = self._current_record()
        session = {}
        table = self.model.table
        place = ""
        if record is not None and table is not None:
            if record.session < len(table.sessions):
                session = dict(table.sessions[record.session])
            place = f"{self.sheet.currentIndex().row() + 1:,} of {len(self.model.rows):,}"
            if record.name != self._detailed:
                self._detailed = record.name
                self.session.detail(record)
        else:
            self._detailed = ""
        self.detail.show_record(record, session, place)

    _detailed = ""

    def _on_detail(self, detail: Detail) -> None:
        self.detail.show_detail(detail)

    def _on_selection(self, *_: object) -> None:
        rows = self.model.selected_rows(self.sheet.selectionModel())
        table = self.model.table
        count = len(rows)
        self.bar.count.setText(f"{count:,} selected")
        editable = count > 0 and table is not None and not table.is_plain
        in_trash = self.model.wanted.trash
        for name in ("exclude", "trash"):
            self.actions_by_name[name].setEnabled(editable and (name == "trash" or not in_trash))
        self.bar.tag.setEnabled(editable)
        self.actions_by_name["inspect"].setEnabled(count > 0 and not in_trash)
        self.actions_by_name["trash"].setText("Restore" if in_trash else "Move to trash")
        all_excluded = editable and table is not None and bool(table.excluded[rows].all())
        self.actions_by_name["exclude"].setText("Include" if all_excluded else "Exclude")

    def _names(self) -> tuple[str, ...]:
        table = self.model.table
        if table is None:
            return ()
        rows = self.model.selected_rows(self.sheet.selectionModel())
        return tuple(table.records[row].name for row in rows.tolist())

    # --- edits ---

    def _on_tag_key(self) -> None:
        if self.bar.tag.isEnabled():
            self.bar.tag.setFocus()
            self.bar.tag.selectAll()
        else:
            self._host.toast.flash("Select pairs first")

    def _on_tag(self, tag: str, taken: bool) -> None:
        names = self._names()
        try:
            check_tag(tag)
        except DatasetError as error:
            self.problem.insist(str(error))
            return
        title = titled("Untag" if taken else "Tag", len(names), tag)
        edit = Edit(names, remove_tags=(tag,)) if taken else Edit(names, add_tags=(tag,))
        self.session.edit(title, edit)

    def _on_exclude(self) -> None:
        table, names = self.model.table, self._names()
        if table is None:
            return
        rows = self.model.selected_rows(self.sheet.selectionModel())
        excluded = not bool(table.excluded[rows].all())
        self.session.edit(
            titled("Exclude" if excluded else "Include", len(names)), Edit(names, excluded=excluded)
        )

    def _on_trash(self) -> None:
        names, back = self._names(), self.model.wanted.trash
        self.session.edit(
            titled("Restore" if back else "Move to trash:", len(names)), Edit(names, trashed=not back)
        )

    def _on_show_trash(self, shown: bool) -> None:
        self.filters.trash = shown
        self.sheet.selectionModel().clear()
        self._on_filter()
        self._on_selection()
        self._take_keys()

    # --- other commands ---

    def ask(self) -> None:
        """Ask for a folder."""
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Dataset, or a folder with mono/ and color/")
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            self._dialog.fileSelected.connect(self._on_folder)
        start = self.session.folder or self._settings.dataset_parent
        if start is not None and start.parent.is_dir():
            self._dialog.setDirectory(str(start.parent if self.session.folder else start))
        self._dialog.open()

    def _on_folder(self, path: str) -> None:
        self.open(Path(path))

    def _on_find(self) -> None:
        self.filters.text.setFocus()
        self.filters.text.selectAll()

    def _on_show_all(self) -> None:
        if self.filters.trash:
            self.actions_by_name["show_trash"].setChecked(False)
            self._on_show_trash(shown=False)
        self.filters.clear()
        self._take_keys()

    def _on_activated(self, index: QModelIndex) -> None:
        del index
        self.inspect()

    def inspect(self) -> None:
        """Show the selected pairs, or the current one, on the page Inspect; all if all are selected."""
        table, names = self.model.table, self._names()
        record = self._current_record()
        if table is None or self.model.wanted.trash or record is None:
            return
        if len(names) <= 1:
            names = (record.name,)
        if any(table.records[table.row_of[name]].excluded for name in names):
            kept = tuple(name for name in names if not table.records[table.row_of[name]].excluded)
            if not kept:
                self._host.toast.flash("Excluded pairs are not inspected: include them first (X)")
                return
            names = kept
        self._host.open_in_inspect(table.folder, () if len(names) == table.size else names)


def _aspect(table: PairTable) -> float | None:
    """Return width ÷ height of the mono images; None if the dataset does not tell."""
    for session in reversed(table.sessions):
        camera = session.get("mono")
        if isinstance(camera, dict):
            with suppress(TypeError, ValueError, ZeroDivisionError, KeyError):
                return min(max(float(camera["width"]) / float(camera["height"]), 0.2), 5.0)
    return None


def _nothing(table: PairTable, *, trash: bool) -> str:
    if trash:
        return "The trash is empty.\n\nB or Esc leads back to the pairs."
    if table.size:
        return "No pair passes the filters.\n\nEsc shows all again."
    return "This dataset holds no pairs yet.\n\nThey appear here as they are captured (Capture, Ctrl+2)."
