"""The page Inspect: pairs at the left, pictures in the middle, why at the right, numbers below."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.store import LIVE
from app.ui.inspect.cache_menu import CacheMenu
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.item_list import ItemList
from app.ui.inspect.keys import CANVAS_KEYS, EXPORT_KEYS, PAGE_KEYS, STUDY_KEYS
from app.ui.inspect.maps_panel import MapsPanel
from app.ui.inspect.marks import CanvasMarks
from app.ui.inspect.model import InspectModel, ItemData
from app.ui.inspect.numbers import Numbers
from app.ui.inspect.regions_panel import RegionsPanel
from app.ui.inspect.run_bar import RunBar
from app.ui.inspect.sides import Content
from app.ui.inspect.why_panel import WhyPanel
from app.ui.keys import make_key_actions
from app.ui.pages import Host, Page

KEY = "inspect"
EMPTY = (
    "Nothing is open yet.\n\n"
    "Open (O) a captured dataset, a folder of pairs (mono/ and color/, reference/ and truth/, or as KITTI "
    "names them), or what main.py evaluate wrote; or drop it here.\n"
    "Freeze (F) takes over the picture that is live now, with its result."
)


class InspectPage(Page):
    """Puts the parts together; each of them belongs to a module of its own.

    Attributes:
        model: what is shown.
        canvas: the pictures.
        side_tabs, bottom_tabs: panels about the current pair, and about all pairs.
        export_menu: what can be written to files.
        stage: comparing, and whatever takes its place for a while (the user study).
    """

    KEYS = (*PAGE_KEYS, *CANVAS_KEYS, *EXPORT_KEYS, *STUDY_KEYS)

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._dialog: QFileDialog | None = None
        self._cache = host.settings.cache_folder / KEY
        self._arranged = False
        self.model = InspectModel(self._cache, self, limit_bytes=host.settings.inspect_cache_gb << 30)
        self.items = ItemList(self)
        self.canvas = Canvas(host.settings, self)
        self.side_tabs = QTabWidget(self)
        self.bottom_tabs = QTabWidget(self)
        self.export_menu = QMenu("Export", self)
        self.numbers = Numbers(self.model, self.canvas, self.items, host.settings, self)
        self.run_bar = RunBar(self)
        self.cache_menu = CacheMenu(self._cache, host.settings, self)
        self.run_bar.run_menu.addSeparator()
        self.run_bar.run_menu.addMenu(self.cache_menu)
        self.stage = QStackedWidget(self)
        self._empty = QLabel(EMPTY, self)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "dim")
        self.actions_by_name = make_key_actions(PAGE_KEYS, self)
        # A key acts on the pictures also while the list or a table has the focus.
        self.addActions(list(self.canvas.actions_by_name.values()))
        self._lay_out()
        self._connect()
        self._add_tabs()
        self.model.use_methods(host.settings.inspect_methods)
        self.run_bar.show_methods(self.model.specs)
        self._show_nothing()

    # --- requests ---

    def open(self, path: Path, names: tuple[str, ...] = (), methods: tuple[str, ...] = ()) -> None:
        """Inspect what lies at a path; see `MainWindow.inspect`."""
        self.model.open(path, names, methods)

    def show_stage(self, widget: QWidget) -> None:
        """Put a widget in place of the comparing."""
        if self.stage.indexOf(widget) < 0:
            self.stage.addWidget(widget)
        self.stage.setCurrentWidget(widget)
        self._let_keys_compare(wanted=False)

    def show_compare(self) -> None:
        """Show the comparing again."""
        self.stage.setCurrentWidget(self._compare)
        self._let_keys_compare(wanted=True)
        if not self._arranged:
            self._arranged = True
            self._restore_layout()

    def _let_keys_compare(self, *, wanted: bool) -> None:
        """Let the keys of the pictures act, wherever the focus is; or leave them to what is on stage."""
        for action in (*self.canvas.actions_by_name.values(), *self.actions_by_name.values()):
            action.setEnabled(wanted)

    # --- coming and going ---

    def left(self) -> None:
        """Remember how the page is arranged."""
        for name, splitter in self._splitters.items() if self._arranged else ():
            self._host.settings.set_layout_of(f"{KEY}/{name}", splitter.saveState())

    def closed(self) -> None:
        """End what runs in the background."""
        self.model.close()
        self.numbers.close_threads()
        for panel in (self.why, self.maps, self.regions):
            panel.close_threads()
        self.canvas.close_threads()
        self.cache_menu.close_threads()

    # --- building ---

    def _lay_out(self) -> None:
        self._compare = QSplitter(Qt.Orientation.Horizontal, self)
        middle = QSplitter(Qt.Orientation.Vertical, self._compare)
        middle.addWidget(self.canvas)
        middle.addWidget(self.bottom_tabs)
        middle.setStretchFactor(0, 1)
        # Panels may be wider than there is room beside the pictures: they scroll, pictures come first.
        self.side_tabs.setMinimumWidth(240)
        self.bottom_tabs.setMinimumWidth(240)
        for part in (self.items, middle, self.side_tabs):
            self._compare.addWidget(part)
        self._compare.setStretchFactor(1, 1)
        for place in (0, 2):
            self._compare.setStretchFactor(place, 0)
        self._splitters = {"columns": self._compare, "middle": middle}
        self.stage.addWidget(self._compare)
        self.stage.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._header())
        column.addWidget(self.stage, 1)

    def _restore_layout(self) -> None:
        """Arrange the parts as they were left. Only once they have their full size: sizes are in pixels."""
        usual = {"columns": [140, 790, 350], "middle": [560, 190]}
        for name, splitter in self._splitters.items():
            splitter.setSizes(usual[name])
            splitter.restoreState(self._host.settings.layout_of(f"{KEY}/{name}"))

    def _header(self) -> QHBoxLayout:
        self.open_menu = QMenu("Open", self)
        self._open_button = _menu_button(
            "Open", self.open_menu, "A dataset, a folder of pairs or of results", self
        )
        self.title = QLabel(self)
        self.freeze_button = QToolButton(self)
        self.freeze_button.setText("Freeze")
        self.freeze_button.setProperty("framed", True)
        self.freeze_button.setToolTip("Inspect the picture that is live now")
        self.freeze_button.clicked.connect(self.freeze)
        export = _menu_button("Export", self.export_menu, "Write pictures, figures, videos and reports", self)
        self.tools = QHBoxLayout()
        self.tools.setSpacing(6)
        row = QHBoxLayout()
        row.setContentsMargins(8, 5, 8, 5)
        row.setSpacing(8)
        for widget in (self._open_button, self.freeze_button, self.title):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.run_bar)
        row.addLayout(self.tools)
        row.addWidget(export)
        self._fill_recent()
        return row

    def _add_tabs(self) -> None:
        """Add the panels; one line each."""
        self.numbers.add_to(self.bottom_tabs, self.export_menu, self.tools)
        marks = CanvasMarks(self.canvas)
        self.why = WhyPanel(self.model, self.canvas, marks, self)
        self.maps = MapsPanel(self.model, marks, self)
        self.regions = RegionsPanel(self.model, marks, self)
        for panel, title in ((self.why, "Why"), (self.maps, "Maps"), (self.regions, "Region")):
            self.side_tabs.addTab(panel, title)

    def _connect(self) -> None:
        model = self.model
        model.source_changed.connect(self._on_source)
        model.methods_changed.connect(self._on_methods)
        model.item_changed.connect(self.items.show_current)
        model.shown_changed.connect(self._on_shown)
        model.spoiled.connect(self.items.model.mark_problem)
        model.progress_changed.connect(self.run_bar.show_progress)
        model.failed.connect(self._host.banner.show_failure)
        self.numbers.failed.connect(self._host.banner.show_failure)
        self.numbers.told.connect(self._host.toast.flash)
        self.numbers.study_wanted.connect(self._on_study)
        self.numbers.compare_wanted.connect(self.show_compare)
        model.busy_changed.connect(self._on_busy)
        self.items.chosen.connect(model.set_item)
        self.canvas.wanted.connect(model.prefer)
        self.run_bar.methods_wanted.connect(self._on_methods_wanted)
        self.run_bar.run_wanted.connect(self._on_run)
        self.run_bar.cancel_wanted.connect(model.cancel)
        self.cache_menu.limit_changed.connect(model.set_limit)

        slots = {
            "next_item": self._on_next,
            "previous_item": self._on_previous,
            "freeze_live": self.freeze,
            "open_source": self.choose,
            "find_item": self.items.filter.setFocus,
            "choose_methods": self.run_bar.methods_button.showMenu,
            "run_selected": self._on_run_selected,
            "run_all": self._on_run_all,
            "cancel_run": self.model.cancel,
        }
        for name, slot in slots.items():
            self.actions_by_name[name].triggered.connect(slot)

    # --- what happens ---

    def _on_next(self) -> None:
        self.model.step(1)

    def _on_previous(self) -> None:
        self.model.step(-1)

    def freeze(self) -> None:
        """Take over the live picture with its result."""
        result = self._host.bridge.newest.scene.result
        if result is None:
            self._host.toast.flash("There is no result to freeze: the rig has shown none yet")
        else:
            self.model.freeze(result)

    def choose(self) -> None:
        """Ask for a folder to open."""
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Dataset, pairs or results to inspect")
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            self._dialog.fileSelected.connect(self._on_folder)
        self._dialog.open()

    def _on_study(self) -> None:
        self.show_stage(self.numbers.study)

    def _on_folder(self, folder: str) -> None:
        self.open(Path(folder))

    def _on_recent(self) -> None:
        action = self.sender()
        self.open(Path(str(action.property("path"))))

    def _fill_recent(self) -> None:
        self.open_menu.clear()
        self.open_menu.addAction("Folder …").triggered.connect(self.choose)
        recent = self._host.settings.recent_sources
        if recent:
            self.open_menu.addSeparator()
        for path in recent:
            action = self.open_menu.addAction(f"{path.name}    {path.parent}")
            action.setProperty("path", str(path))
            action.triggered.connect(self._on_recent)

    def _on_busy(self, busy: bool) -> None:
        if busy:
            self.title.setText("Opening …")
        elif self.model.source is None:
            self._show_nothing()
        else:
            self.title.setText(self.model.source.title)

    def _on_source(self) -> None:
        source = self.model.source
        if source is None:
            self._show_nothing()
            return
        if source.path is not None:
            self._host.settings.remember_source(source.path.absolute())
            self._fill_recent()
        if source.notice:
            self._host.toast.flash(source.notice)
        place = str(source.path or "A frame from the live picture")
        self.title.setText(source.title)
        self.title.setToolTip(f"{place}\n{source.notice}".strip())
        self.items.show_items(self.model.items)
        self.canvas.forget()
        if source.live:
            # What was seen live is what a person wants to look into, not what is computed of it anew.
            self.canvas.show_method(LIVE)
        self.show_compare()

    def _show_nothing(self) -> None:
        self.title.setText("")
        self.stage.setCurrentWidget(self._empty)

    def _on_methods_wanted(self, specs: tuple[str, ...]) -> None:
        self._host.settings.inspect_methods = specs
        self.model.use_methods(specs)
        self.run_bar.show_methods(specs)

    def _on_methods(self) -> None:
        self.run_bar.show_methods(self.model.specs)

    def _on_run_selected(self) -> None:
        self._on_run(everything=False)

    def _on_run_all(self) -> None:
        self._on_run(everything=True)

    def _on_run(self, everything: bool) -> None:
        items = list(self.model.items) if everything else self.items.selected
        self.model.run_all(items, list(self.model.methods))

    def _on_shown(self, shown: ItemData) -> None:
        methods = tuple(shown.store.methods)
        waiting = {method: "Working …" for method in methods if method not in shown.predictions}
        self.canvas.show_content(
            Content(
                item=shown.item,
                pair=shown.pair,
                search=shown.search,
                predictions=shown.predictions,
                methods=methods,
                messages={**waiting, **shown.problems},
            )
        )


def _menu_button(text: str, menu: QMenu, tip: str, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setText(text)
    button.setProperty("framed", True)
    button.setToolTip(tip)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setMenu(menu)
    return button
