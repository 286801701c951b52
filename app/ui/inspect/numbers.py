"""Measures, scatter plot, exports and the user study of the page, put together and wired to what is open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QTabWidget, QToolButton, QWidget

from app.inspecting.export_files import free_name, write_png
from app.inspecting.export_jobs import KINDS
from app.inspecting.export_screen import columns_for, compose
from app.inspecting.measures import Measure
from app.inspecting.measures_cache import MeasuresCache
from app.ui.calibration.jobs import Job
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.export_form import TITLES
from app.ui.inspect.export_panel import ExportPanel
from app.ui.inspect.item_list import ItemList
from app.ui.inspect.keys import EXPORT_KEYS
from app.ui.inspect.measured import MeasuredResults
from app.ui.inspect.measures_panel import MeasuresPanel
from app.ui.inspect.model import InspectModel
from app.ui.inspect.scatter_panel import ScatterPanel
from app.ui.inspect.screen_grab import grab_panes, pane_of, visible_box
from app.ui.inspect.study_view import StudyView
from app.ui.keys import make_key_actions
from app.ui.settings import UiSettings

LOOKED_FOR_AT_ONCE = 300
"""Pairs of a source whose results are looked for when it is opened; of larger ones when they are run."""


class Numbers(QObject):
    """Owns the panels below the pictures, the study, and the entries of the menu Export.

    Signals:
        failed: one line for the banner.
        told: a word in passing: where a file went.
        study_wanted, compare_wanted: what should be on the page's stage.
    """

    failed = Signal(str)
    told = Signal(str)
    study_wanted = Signal()
    compare_wanted = Signal()

    def __init__(
        self, model: InspectModel, canvas: Canvas, items: ItemList, settings: UiSettings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._model, self._canvas, self._items = model, canvas, items
        self._page = parent
        self._tabs: QTabWidget | None = None
        self.measured = MeasuredResults(self)
        self.measures = MeasuresPanel(model, self.measured)
        self.scatter = ScatterPanel(model, self.measured)
        self.export = ExportPanel(model, settings, self._selected, self._worst, self._visible_part)
        self.study = StudyView(model, parent)
        self.study.hide()
        self._writing = Job("writing the picture", self)
        model.source_changed.connect(self._on_source)
        model.methods_changed.connect(self._on_methods)
        model.made.connect(self._on_made)
        self.measured.failed.connect(self.failed)
        self.export.failed.connect(self.failed)
        self.export.exported.connect(self._on_written)
        self.study.failed.connect(self.failed)
        self.study.left.connect(self.compare_wanted)
        self._writing.failed.connect(self.failed)
        self._writing.finished.connect(self._on_written)

    def add_to(self, tabs: QTabWidget, menu: QMenu, tools: QHBoxLayout) -> None:
        """Put the panels into tabs, the exports into a menu, and the way to the study into the header."""
        study = QToolButton(self._page)
        study.setText("Study")
        study.setProperty("framed", True)
        study.setToolTip("The paper's user study: rate results blind, five levels, several raters")
        study.clicked.connect(self.begin_study)
        tools.addWidget(study)
        self._tabs = tabs
        tabs.addTab(self.measures, "Measures")
        tabs.addTab(self.scatter, "Scatter")
        tabs.addTab(self.export, "Export")
        for name, action in make_key_actions(EXPORT_KEYS, self._page).items():
            action.setData(name == "export_view")
            action.triggered.connect(self._on_picture)
            menu.addAction(action)
        menu.addSeparator()
        for kind in KINDS:
            action = menu.addAction(f"{TITLES[kind]} …")
            action.setData(kind)
            action.triggered.connect(self._on_kind)
        menu.addSeparator()
        menu.addAction("Folder for exports …").triggered.connect(self.export.choose_folder)

    def export_picture(self, *, annotated: bool) -> None:
        """Write what the canvas shows, at the resolution of its images, to a file of its own."""
        if self._writing.running:
            self.told.emit("Still writing the picture before")
            return
        panes = grab_panes(self._canvas, annotated=annotated)
        if not panes:
            self.failed.emit("There is no picture on screen to export.")
            return
        name = "-".join(part for part in (self._model.item.replace("/", "-"), "view") if part)
        folder = self.export.folder

        def work(_tell: object, _cancelled: object) -> Path:
            path = free_name(folder / f"{name}.png")
            shown = [pane_of(pane) for pane in panes]
            write_png(path, compose(shown, columns_for(len(shown)), annotated=annotated))
            return path

        self._writing.start(work)

    def close_threads(self) -> None:
        """End what runs in the background."""
        self.measured.close()
        self.scatter.close_threads()
        self.export.close_threads()
        self.study.close_threads()
        self._writing.close()

    # --- what happens ---

    def _on_source(self) -> None:
        store = self._model.store
        if store is None:
            self.measured.use(None)
            return
        self.measured.use(store, MeasuresCache(self._model.cache / "measures"))
        if self.study.isVisible():
            self.compare_wanted.emit()

    def _on_methods(self) -> None:
        self.measured.keep_methods(self._model.methods)
        items = self._model.items
        source = self._model.source
        if source is None or (len(items) > LOOKED_FOR_AT_ONCE and source.results is None):
            return
        known = {(row.item, row.method) for row in self.measured.rows}
        results = [(item, method) for method in self._model.methods for item in items]
        self.measured.measure(result for result in results if result not in known)

    def _on_made(self, item: str, method: str) -> None:
        self.measured.measure([(item, method)], first=True)

    def _on_picture(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.export_picture(annotated=bool(action.data()))

    def _on_kind(self) -> None:
        action = self.sender()
        if isinstance(action, QAction) and self._tabs is not None:
            self.export.form.choose_kind(action.data())
            self._tabs.setCurrentWidget(self.export)

    def _on_written(self, path: Path) -> None:
        self.told.emit(f"Written: {path}")

    def begin_study(self) -> None:
        """Show the study in place of the comparing."""
        self.study.begin()
        if self._model.source is not None:
            self.study_wanted.emit()

    # --- what the export panel asks ---

    def _selected(self) -> Sequence[str]:
        return self._items.selected

    def _worst(self) -> tuple[Sequence[str], Measure | None]:
        table = self.measures.table_model
        rows = list(table.rows)
        return [row.item for row in rows], table.sorted_by

    def _visible_part(self) -> tuple[int, int, int, int] | None:
        panes = self._canvas.panes
        box = visible_box(panes[0].view) if panes else None
        return None if box is None else (box[0], box[1], box[2] - box[0], box[3] - box[1])
