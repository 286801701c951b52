"""The Dataset page: contact sheet or table of pairs, filters at the left, the current pair at the right."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QByteArray, QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QSplitter, QVBoxLayout, QWidget

from app.browsing.columns import COLUMNS
from app.browsing.table import PairTable
from app.pipeline.status import PipelineStatus
from app.ui.arrangement import remember
from app.ui.banner import BannerLine
from app.ui.dataset.bars import HeadBar, SelectionBar
from app.ui.dataset.detail_panel import DetailPanel
from app.ui.dataset.editing import Editing
from app.ui.dataset.filter_panel import FilterPanel
from app.ui.dataset.gallery import WAYS, Gallery
from app.ui.dataset.keys import DATASET_KEYS, HANDS
from app.ui.dataset.model import PairModel
from app.ui.dataset.selection import Selection
from app.ui.dataset.session import DatasetSession
from app.ui.keys import make_key_actions
from app.ui.pages import Host, Page

KEY = "dataset"
EMPTY = (
    "No dataset is open.\n\nOpen one with Ctrl+O, or drop a folder here: a captured dataset, or a plain "
    "folder with mono/ and color/.\nThe page Capture makes new ones (Ctrl+2)."
)
DEFAULT_WIDTH_PX = 260
FILTERS_PX, DETAIL_PX = 222, 318
ZOOM = 1.15
PROGRESS_MS = 500


class DatasetPage(Page):
    """Puts the parts together: session → model → views; commands → edits."""

    KEYS = DATASET_KEYS
    HANDS = HANDS

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._settings = host.settings
        self.session = DatasetSession(self)
        self.model = PairModel(self)
        self.actions_by_name = make_key_actions(DATASET_KEYS, self)
        self.head = HeadBar(self.actions_by_name, self)
        self.problem = BannerLine("error", self)
        self.filters = FilterPanel(self)
        self.gallery = Gallery(self.model, self.session, self)
        self.sheet, self.table = self.gallery.sheet, self.gallery.table
        self.selection = Selection(self.model, self.sheet.selectionModel(), self)
        self.detail = DetailPanel(self)
        self.bar = SelectionBar(self.actions_by_name, self)
        self.editing = Editing(self.session, self.model, self.selection, self.bar, self.actions_by_name, self)
        self._dialog: QFileDialog | None = None
        self._detailed = ""
        self._entered_once = False
        self._progress = QTimer(self, interval=PROGRESS_MS)
        self._lay_out()
        self._connect()
        self._restore()
        self._show_table(None)

    # --- requests ---

    def open(self, folder: Path) -> None:
        """Open a dataset or a plain folder of pairs."""
        self.session.open(folder)

    def ask(self) -> None:
        """Ask for a folder."""
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Dataset, or a folder with mono/ and color/")
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            self._dialog.fileSelected.connect(self._on_folder)
        start = self.session.folder.parent if self.session.folder else self._settings.dataset_parent
        if start is not None and start.is_dir():
            self._dialog.setDirectory(str(start))
        self._dialog.open()

    def inspect(self) -> None:
        """Show the selected pairs on the page Inspect, or the current one; all if all are selected."""
        table, names, record = self.model.table, self.selection.names, self.selection.current
        if table is None or self.model.wanted.trash or record is None:
            return
        if len(names) <= 1:
            names = (record.name,)
        used = tuple(name for name in names if not table.records[table.row_of[name]].excluded)
        if not used:
            self._host.toast.flash("Excluded pairs are not inspected: include them first (X)")
            return
        self._host.open_in_inspect(table.folder, () if len(used) == table.size else used)

    # --- coming and going ---

    def entered(self) -> None:
        """Follow the dataset; the first time, open the one in use or the one that was open last."""
        if not self._entered_once:
            self._entered_once = True
            if self._settings.layout_of(f"{KEY}/middle").isEmpty():
                side = max(DETAIL_PX, self.width() // 5)
                self._splitter.setSizes([FILTERS_PX, self.width() - FILTERS_PX - side, side])
            self._open_if_nothing_is(self._likely_folder())
        self._host.bridge.status_changed.connect(self._on_status)
        self.session.set_followed(followed=True)
        self._progress.start()
        self.gallery.look()

    def left(self) -> None:
        """Stop following; remember how the page is arranged."""
        self.session.set_followed(followed=False)
        self._progress.stop()
        self._host.bridge.status_changed.disconnect(self._on_status)
        for part, state in (
            ("width", QByteArray(str(self.sheet.picture_width).encode())),
            ("way", QByteArray(self.gallery.way.encode())),
        ):
            self._settings.set_layout_of(f"{KEY}/{part}", state)

    def closed(self) -> None:
        """End the threads."""
        self.session.close()

    def _likely_folder(self) -> Path | None:
        recording = self._host.bridge.status().recorder.folder
        if recording:
            return Path(recording)
        recent = (*self._settings.recent_datasets, self._settings.last_dataset)
        return next((folder for folder in recent if folder is not None and folder.is_dir()), None)

    def _on_status(self, status: PipelineStatus) -> None:
        """Show what is being recorded, if nothing else is open."""
        if status.recorder.folder:
            self._open_if_nothing_is(Path(status.recorder.folder))

    def _open_if_nothing_is(self, folder: Path | None) -> None:
        if folder is not None and self.session.folder is None and self.session.idle:
            self.open(folder)

    # --- building ---

    def _lay_out(self) -> None:
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.gallery, 1)
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
        session = self.session
        session.table_changed.connect(self._show_table)
        session.opened.connect(self._on_opened)
        session.refused.connect(self._on_refused)
        session.failed.connect(self.problem.insist)
        session.busy_changed.connect(self._on_busy)
        session.said.connect(self._host.toast.flash)
        session.detailed.connect(self.detail.show_detail)
        self.editing.refused.connect(self.problem.insist)
        self.editing.told.connect(self._host.toast.flash)
        self.filters.changed.connect(self._on_filter)
        self.head.recent_chosen.connect(self.open)
        self.head.order_chosen.connect(self._on_order)
        self.head.way_chosen.connect(self.show_way)
        self.table.horizontalHeader().sortIndicatorChanged.connect(self._on_header)
        self.sheet.zoomed.connect(self._zoom)
        self._progress.timeout.connect(self._show_progress)
        self.bar.width_slider.valueChanged.connect(self.sheet.set_cells)
        self.bar.tag.left.connect(self.gallery.take_keys)
        self.selection.moved.connect(self._show_current)
        self.gallery.opened.connect(self.inspect)
        for name, slot in {
            "open": self.ask,
            "find": self._on_find,
            "show_all": self._on_show_all,
            "view": self._on_view,
            "larger": self._on_larger,
            "smaller": self._on_smaller,
            "inspect": self.inspect,
            "show_trash": self._on_show_trash,
        }.items():
            self.actions_by_name[name].triggered.connect(slot)

    def _restore(self) -> None:
        head = self.table.horizontalHeader()
        remember(head, "columns")
        remember(self._splitter, "middle")
        remember(self.detail.splitter, "detail")
        width, way = (
            bytes(self._settings.layout_of(f"{KEY}/{part}").data()).decode(errors="replace")
            for part in ("width", "way")
        )
        self.bar.width_slider.setValue(int(width) if width.isdecimal() else DEFAULT_WIDTH_PX)
        self.show_way(way if way in WAYS else "sheet")
        self.head.show_recent(self._settings.recent_datasets)

    # --- what comes from the session ---

    def _show_table(self, table: PairTable | None) -> None:
        before = self.model.table
        if table is not None and (before is None or before.folder != table.folder):
            self._begin(table)
        with self.gallery.still(), self.selection.kept():
            self.model.show_table(table)
        self.filters.show_table(table)
        self._show_counts()
        self.bar.tag.offer(tuple(table.tags) if table is not None else ())
        self.editing.show_possible()
        self._show_current()

    def _begin(self, table: PairTable) -> None:
        """Another dataset: forget what was on screen."""
        self.gallery.begin(_aspect(table))
        self.problem.show_message("")
        self.filters.trash = False
        self.actions_by_name["show_trash"].setChecked(False)
        with QSignalBlocker(self.filters):
            self.filters.show_table(table)
            self.filters.clear()
        self.model.set_filter(self.filters.wanted)
        self.model.show_table(None)

    def _on_opened(self, folder: Path) -> None:
        self._settings.remember_dataset(folder.absolute())
        self.head.show_recent(self._settings.recent_datasets)
        self.selection.begin()
        self.gallery.take_keys()

    def _on_refused(self, message: str) -> None:
        self.problem.insist(f"{message}. What can be mended: python main.py dataset check FOLDER --repair")

    def _on_busy(self, what: str) -> None:
        if what:
            self.bar.progress.setText(what)
        else:
            self._show_progress()

    def _show_progress(self) -> None:
        if self.session.idle:
            done, total = self.session.filled
            self.bar.progress.setText(f"thumbnails {done:,} of {total:,}" if done < total else "")

    def _show_counts(self) -> None:
        table, shown = self.model.table, len(self.model.rows)
        self.head.show_dataset(table, shown, self.model.wanted)
        if table is None:
            self.gallery.show_pairs(EMPTY)
            self.editing.show_history()
            return
        thrown = int(table.trashed.sum())
        self.actions_by_name["show_trash"].setText(f"Trash ({thrown:,})" if thrown else "Trash")
        self.gallery.show_pairs("" if shown else _nothing(table, trash=self.model.wanted.trash))
        self.filters.show_values(self.model.rows)

    def _show_current(self) -> None:
        record, table = self.selection.current, self.model.table
        if record is None or table is None:
            self._detailed = ""
            self.detail.show_record(None, {}, "")
            return
        session = table.sessions[record.session] if record.session < len(table.sessions) else {}
        place = f"{self.selection.place + 1:,} of {len(self.model.rows):,}"
        self.detail.show_record(record, session, place)
        if record.name != self._detailed:
            self._detailed = record.name
            self.session.detail(record)

    # --- views and filters ---

    def show_way(self, way: str) -> None:
        """Show the contact sheet or the table."""
        self.gallery.show_way(way)
        self.head.show_way(way)
        self.bar.width_slider.setVisible(way == "sheet")
        if self.model.table is not None:
            self._show_counts()
            self.gallery.show_current()
            self.gallery.take_keys()

    def _on_view(self) -> None:
        self.show_way("table" if self.gallery.way == "sheet" else "sheet")

    def _on_larger(self) -> None:
        self._zoom(1)

    def _on_smaller(self) -> None:
        self._zoom(-1)

    def _zoom(self, direction: int) -> None:
        self.bar.width_slider.setValue(round(self.sheet.picture_width * ZOOM**direction))

    def _on_order(self, key: str, descending: bool) -> None:
        head = self.table.horizontalHeader()
        column = next((number for number, each in enumerate(COLUMNS) if each.key == key), -1)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        with QSignalBlocker(head):
            head.setSortIndicator(column, order)
        self._arrange(key, descending=descending)

    def _on_header(self, column: int, order: Qt.SortOrder) -> None:
        key = COLUMNS[column].key if column >= 0 else ""
        descending = order == Qt.SortOrder.DescendingOrder and column >= 0
        self.head.show_order(key, descending=descending)
        self._arrange(key, descending=descending)

    def _arrange(self, key: str, *, descending: bool) -> None:
        if len(self.selection.rows):
            with self.selection.kept():
                self.model.set_order(key, descending=descending)
        else:  # one looks for the first ones
            self.model.set_order(key, descending=descending)
            self.selection.begin()
            self.gallery.view.scrollToTop()

    def _on_filter(self) -> None:
        with self.selection.kept():
            self.model.set_filter(self.filters.wanted)
        self._show_counts()

    def _on_find(self) -> None:
        self.filters.text.setFocus()
        self.filters.text.selectAll()

    def _on_show_all(self) -> None:
        if self.filters.trash:
            self.actions_by_name["show_trash"].setChecked(False)
            self._on_show_trash(shown=False)
        self.filters.clear()
        self.gallery.take_keys()

    def _on_show_trash(self, shown: bool) -> None:
        self.filters.trash = shown
        self.selection.clear()
        self._on_filter()
        self.editing.show_possible()
        self.gallery.take_keys()

    def _on_folder(self, path: str) -> None:
        self.open(Path(path))


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
