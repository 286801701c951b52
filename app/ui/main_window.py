"""The main window: puts the parts together and connects them to the bridge."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMessageBox, QTabWidget, QVBoxLayout, QWidget

from app.pipeline.calibrations import NONE_YET
from app.pipeline.live import LiveConfig
from app.pipeline.status import PipelineStatus
from app.ui.banner import Banner, Toast
from app.ui.bridge import Bridge
from app.ui.cameras.following import Following
from app.ui.cameras.panel import CameraPanel
from app.ui.commands import MOUSE, icon, keep_single_keys, make_actions, shortcut_groups
from app.ui.dataset_panel import DatasetPanel, RecorderLight
from app.ui.exposure.panel import ExposurePanel
from app.ui.inspection import Inspection
from app.ui.looking import Looking
from app.ui.meter import ScreenMeter, exposure_began_ns
from app.ui.opening import Opening, Ways
from app.ui.overlays import OVERLAYS
from app.ui.page_keys import lines_of, taken_keys
from app.ui.page_stack import PageStack, PageSwitch
from app.ui.pages import CAPTURE, LIVE, PAGES, Host
from app.ui.panes import PaneGrid
from app.ui.plots import LivePlots
from app.ui.renderer import Shown, Wish
from app.ui.rig_chooser import RigChooser, choice_of
from app.ui.saving import Saving
from app.ui.settings import UiSettings
from app.ui.shortcuts import ShortcutOverlay
from app.ui.status_bar import LiveStatusBar, ScreenStatus
from app.ui.summaries import summary_of
from app.ui.toolbar import make_menus, make_toolbar
from app.ui.viewport import Viewport
from app.ui.weight_plot import WeightPlot
from app.ui.words import spaced
from capture.frames import ROLES
from capture.spec import RigSpec

SET_UP, CALIBRATE = "Set up a rig …", "Calibrate …"
SLOW_STOP_MS = 700
"""Stopping says so when it takes longer."""


class MainWindow(QMainWindow):
    """Everything on screen. `start` begins to capture; closing stops it first."""

    def __init__(self, config: LiveConfig, settings: UiSettings, bridge: Bridge | None = None) -> None:
        super().__init__()
        self.setWindowTitle("CycleRig")
        self.setWindowIcon(icon("cyclerig"))
        self.setMinimumSize(1100, 640)
        self.resize(1280, 800)
        self._config = config
        self._settings = settings
        self.bridge = bridge or Bridge(self)
        self._frozen = False
        self._closing = False
        self._stop_was_slow = False
        self._status = PipelineStatus()
        self._shown = Shown()
        self._fresh_meter = ScreenMeter()
        self._result_meter = ScreenMeter()
        self.commands = make_actions(self)
        self.addActions(list(self.commands.values()))
        self._build_centre()
        self._build_docks()
        self.inspection = Inspection(self.grid, self.weight_plot, self)
        self.looking = Looking(self.grid, self.viewport, self.inspection, settings, self)
        self._build_bars()
        self.saving = Saving(
            self.bridge, self.dataset_panel, self.light, self.commands["record"], settings, self
        )
        self.toast = Toast(self.pages)
        self.shortcuts = ShortcutOverlay(self)
        ways = Ways(self.chooser.choose, self.browse, self.inspect, self.use_weights, self.use_calibration)
        self.opening = Opening(self, ways, settings, self.banner, self.toast)
        self.opening.fill(self._recent)
        self._slow_stop = QTimer(self, singleShot=True, interval=SLOW_STOP_MS)
        self.pages.set_host(
            Host(
                self.bridge,
                settings,
                self.chooser,
                self.banner,
                self.toast,
                self.pages.show_page,
                self.inspect,
                self.saving,
                self._wish,
                self._on_painted,
            )
        )
        self._connect()
        self._restore()
        self._show_status(PipelineStatus())

    # --- building ---

    def _build_centre(self) -> None:
        self.viewport = Viewport(self)
        self.banner = Banner(self)
        self.dataset_panel = DatasetPanel(self)
        self.grid = PaneGrid(self.viewport, self)
        self.pages = PageStack(self.grid, self)
        centre = QWidget(self)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.dataset_panel)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _build_docks(self) -> None:
        self.weight_plot = WeightPlot(self)
        self.plots = LivePlots(self)
        self.cameras = CameraPanel(self)
        self._following = Following(self.bridge, self.cameras, self)
        self.exposure = ExposurePanel(self.bridge, [self.commands[name] for name in OVERLAYS], self)
        self.camera_tabs = QTabWidget(self)
        self.camera_tabs.setDocumentMode(True)
        self.camera_tabs.addTab(self.cameras, "Settings")
        self.camera_tabs.addTab(self.exposure, "Exposure")
        below, right = Qt.DockWidgetArea.BottomDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self._weight_dock = self._dock("Weights", self.weight_plot, below)
        # The plots carry their own headlines: a dock's title above them would say it twice.
        self._weight_dock.setTitleBarWidget(self.weight_plot.headline_label)
        self._plots_dock = self._dock("Plots", self.plots, below)
        self._plots_dock.setTitleBarWidget(self.plots.headline)
        self._camera_dock = self._dock("Cameras", self.camera_tabs, right)
        self._camera_dock.hide()
        self._docks = (self._weight_dock, self._plots_dock, self._camera_dock)
        self._live_docks = QByteArray()
        self.splitDockWidget(self._weight_dock, self._plots_dock, Qt.Orientation.Horizontal)
        self.resizeDocks([self._weight_dock, self._plots_dock], [400, 880], Qt.Orientation.Horizontal)
        self.resizeDocks([self._weight_dock], [150], Qt.Orientation.Vertical)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _build_bars(self) -> None:
        self.chooser = RigChooser(choice_of(self._config.rig), self._settings.recent_rigs, self)
        self.light = RecorderLight(self)
        toggles = {
            name: dock.toggleViewAction()
            for name, dock in (
                ("weights", self._weight_dock),
                ("plots", self._plots_dock),
                ("cameras", self._camera_dock),
            )
        }
        for name, toggle in toggles.items():
            toggle.setIcon(icon(name))
            toggle.setToolTip(f"Show or hide: {toggle.text().lower()}")
        docks = list(toggles.values())
        self.addToolBar(make_toolbar(self.commands, self.chooser, self.light, docks, self))
        self._rig_commands, self._recent = make_menus(
            self.menuBar(), self.commands, docks, self.looking.colour_maps.actions()
        )
        # In the bar's empty end, the switch takes no room from the pictures.
        self.menuBar().setNativeMenuBar(False)
        self.menuBar().setCornerWidget(PageSwitch(self.commands, self.menuBar()))
        self.live_status = LiveStatusBar(self)
        self.setStatusBar(self.live_status)

    def _connect(self) -> None:
        slots = {
            "run": self.toggle_run,
            "open_replay": self.chooser.open_replay,
            "open_rig_file": self.chooser.open_rig_file,
            "freeze": self._on_freeze,
            "step": self._on_step,
            "inspect_live": self._on_inspect_live,
            "save": self.saving.save,
            "record": self.saving.toggle_recording,
            "undo_save": self._on_undo_save,
            "dataset": self.saving.ask,
            "restore": self._on_escape,
            "full_screen": self._on_full_screen,
            "shortcuts": self._show_shortcuts,
            "about": self._show_about,
            "quit": self.close,
        }
        for name, slot in slots.items():
            self.commands[name].triggered.connect(slot)
        for page in PAGES:
            self.commands[f"page_{page.key}"].triggered.connect(self._on_page_command)
        self.pages.switched.connect(self._on_page_switched)
        self.banner.notice.action.clicked.connect(self._on_way_out)
        self.looking.connect_actions(self.commands)
        self.looking.changed.connect(self._wish)
        for pane in self.grid.panes:
            pane.view.painted.connect(self._on_painted)
        self._rig_commands.triggered.connect(self._on_rig_command)
        self._camera_dock.visibilityChanged.connect(self._show_cameras)
        self.cameras.changed.connect(self.bridge.apply)
        self.cameras.all_wanted.connect(self._on_all_features)
        self.chooser.chosen.connect(self._on_rig_chosen)
        self.chooser.refused.connect(self.banner.show_failure)
        self.inspection.refused.connect(self.toast.flash)
        self.saving.told.connect(self.toast.flash)
        self._slow_stop.timeout.connect(self._on_slow_stop)
        bridge = self.bridge
        bridge.shown.connect(self._on_shown)
        bridge.status_changed.connect(self._show_status)
        bridge.failed.connect(self.banner.show_failure)
        bridge.applied.connect(self._on_applied)
        bridge.done.connect(self._on_done)
        self.live_status.drift.recalibrate_wanted.connect(self._on_recalibrate)
        self.live_status.drift.correct_wanted.connect(bridge.correct_rotation)
        self.live_status.drift.undo_wanted.connect(bridge.undo_correction)
        bridge.stopping.connect(self._slow_stop.start)
        bridge.stopped.connect(self._on_stopped)

    def _restore(self) -> None:
        if not self._settings.geometry.isEmpty():
            self.restoreGeometry(self._settings.geometry)
        if not self._settings.docks.isEmpty():
            self.restoreState(self._settings.docks)
        self.looking.restore()
        self.commands[f"page_{LIVE}"].setChecked(True)
        self.pages.show_page(self._settings.page)
        self._wish()

    # --- pages ---

    def _on_page_command(self) -> None:
        self.pages.show_page(self.sender().objectName().removeprefix("page_"))

    def _on_way_out(self) -> None:
        self.pages.show_page("calibration" if self.banner.notice.action.text() == CALIBRATE else "rig")

    def _on_page_switched(self, key: str) -> None:
        self.commands[f"page_{key}"].setChecked(True)
        live = key == LIVE
        if not live and self._live_docks.isEmpty():
            self._live_docks = self.saveState()
            for dock in self._docks:
                dock.hide()
        elif live:
            self.restoreState(self._live_docks)
            self._live_docks.clear()
        for dock in self._docks:
            dock.toggleViewAction().setEnabled(live)
        self.looking.set_enabled(self.commands, enabled=live)
        self.commands["undo_save"].setEnabled(live)
        taken = frozenset() if live else taken_keys(self.pages.page(key))
        keep_single_keys(self.commands, key, taken)
        self.saving.tells = key != CAPTURE
        self._wish()

    def inspect(self, path: Path, names: tuple[str, ...] = (), methods: tuple[str, ...] = ()) -> None:
        """Show a dataset, a folder of pairs or of results on the page Inspect.

        Args:
            path: what `app.inspecting.sources.open_source` opens.
            names: of the pairs to show; all without.
            methods: specs of those to compare; the usual ones without.
        """
        from app.ui.inspect.page import InspectPage

        self.pages.show_page("inspect")
        page = self.pages.page("inspect")
        assert isinstance(page, InspectPage)
        page.open(path, names, methods)

    def _on_inspect_live(self) -> None:
        from app.ui.inspect.page import InspectPage

        self.pages.show_page("inspect")
        page = self.pages.page("inspect")
        assert isinstance(page, InspectPage)
        page.freeze()

    def browse(self, folder: Path) -> None:
        """Show a dataset on the page Dataset."""
        from app.ui.dataset.page import DatasetPage

        page = self.pages.page("dataset")
        assert isinstance(page, DatasetPage)
        page.open(folder)
        self.pages.show_page("dataset")

    def use_weights(self, path: Path) -> None:
        """Run with other weights from now on; on the page Inspect, show their results too."""
        from app.ui.inspect.page import InspectPage

        page = self.pages.page("inspect") if self.pages.current == "inspect" else None
        if isinstance(page, InspectPage):
            page.model.use_methods((*page.model.specs, str(path)))
            return
        self._config = replace(self._config, model=str(path))
        self.toast.flash(f"Model: {path.name}")
        if self.bridge.running:
            self.start()

    def use_calibration(self, path: Path) -> None:
        """Rectify with a calibration file from now on, and whenever this rig is opened again."""
        self._config = replace(self._config, calibration=path, max_disparity=None, offset=None)
        self._settings.set_calibration_of(self.chooser.current.name, path)
        self.toast.flash(f"Rectified with {path.name}")
        if self.bridge.running:
            self.start()

    # --- the rig ---

    def start(self) -> None:
        """Run the chosen rig, and remember it."""
        self._settings.rig = self.chooser.current.name
        self._forget_pictures()
        self._frozen = False
        self.commands["freeze"].setChecked(False)
        self.banner.clear()
        if self._config.calibration is None and self._config.rig.calibration is None:
            known = self._settings.calibration_of(self.chooser.current.name)
            self._config = replace(self._config, calibration=known)
        # Pages that show cameras let go of them first; most have none, and it starts at once.
        self.pages.release(partial(self.bridge.start, self._config))

    def toggle_run(self) -> None:
        """Start the rig, or stop it."""
        if self.bridge.running:
            self.bridge.stop()
        else:
            self.start()

    def _on_rig_chosen(self, spec: RigSpec) -> None:
        # Calibration and search range given on the command line belong to the rig that was given there.
        self._config = replace(self._config, rig=spec, calibration=None, max_disparity=None, offset=None)
        self.start()

    def _on_stopped(self) -> None:
        self._on_stop_over()
        if self._closing:
            self.close()
        else:
            self._show_status(replace(self._status, state="stopped"))

    def _on_stop_over(self) -> None:
        self._slow_stop.stop()
        self._stop_was_slow = False
        self.toast.hide()

    def _on_slow_stop(self) -> None:
        self._stop_was_slow = True
        queued = self._status.recorder.queued
        what = f"writing {queued} pairs" if queued else "waiting for the cameras and the networks"
        self.toast.flash(f"Stopping: {what} …", stays=True)

    def _on_rig_command(self, action: QAction) -> None:
        self.bridge.execute(str(action.data()))

    def _on_done(self, request: str, detail: str) -> None:
        if request == "use_calibration" and detail:
            # It comes with a range to search of its own.
            self._config = replace(self._config, calibration=Path(detail), max_disparity=None, offset=None)
            if self._config.rig.calibration is None:
                self._settings.set_calibration_of(self.chooser.current.name, Path(detail))
        elif request == "correct_rotation":
            self.toast.flash("The rotation is corrected; the light in the status bar can undo it.")

    def _on_recalibrate(self) -> None:
        self.pages.show_page("calibration")

    def _on_all_features(self) -> None:
        self.pages.show_page("cameras")

    def _on_applied(self, role: str, name: str) -> None:
        setting = self.bridge.settings("mono" if role == "mono" else "color").get(name)
        if setting is not None and setting.while_stopped:
            self.toast.flash(f"Acquisition stopped and started again for {name}.")
        self._show_cameras(visible=self._camera_dock.isVisible())
        self.cameras.answered(role, name)

    def _show_cameras(self, visible: bool) -> None:
        if visible:
            self.cameras.show_rig(self._status.rig)
            for role in ROLES:
                self.cameras.show_settings(role, self.bridge.settings(role))

    @property
    def results_painted(self) -> int:
        """How many colorized pairs were painted since the rig was started."""
        return self._result_meter.total

    def show_cameras(self) -> None:
        """Open the camera settings."""
        self._camera_dock.show()

    # --- what comes from the pipeline ---

    def _on_shown(self, shown: Shown) -> None:
        before, self._shown = self._shown.scene, shown
        scene = shown.scene
        for pane in self.grid.panes:
            key = pane.layer.key
            if key in shown.pictures:
                pane.show_picture(shown.pictures[key], summary_of(key, scene))
        self.inspection.show(shown)
        self.plots.add_scene(scene, before, time.monotonic())

    def _on_painted(self) -> None:
        now_ns = time.monotonic_ns()
        scene = self._shown.scene
        if scene.pair is not None:
            self._fresh_meter.painted(scene.pair.pair.index, exposure_began_ns(scene.pair.pair), now_ns)
        if scene.result is not None:
            pair = scene.result.rectified.pair
            self._result_meter.painted(pair.index, exposure_began_ns(pair), now_ns)

    def _show_status(self, status: PipelineStatus) -> None:
        before, self._status = self._status, status
        now_ns = time.monotonic_ns()
        screen = ScreenStatus(
            self._fresh_meter.rate_hz(now_ns),
            self._result_meter.rate_hz(now_ns),
            self._fresh_meter.latency_ms(now_ns),
            self._result_meter.latency_ms(now_ns),
        )
        self.live_status.show_status(status, screen)
        in_use = self.bridge.calibration()
        corrected = in_use is not None and in_use.calibration.correction is not None
        self.live_status.drift.show_drift(status.drift, corrected=corrected)
        self.banner.show_state(status.error, status.notice, status.recovery)
        self.banner.notice.offer(self._way_out(status))
        self.saving.show_status(status.recorder, status.capture)
        self._show_run(status)
        if status.state == "starting" and self._stop_was_slow:
            self._on_stop_over()  # another rig follows: there is no `stopped` in between
        if status.rig != before.rig or not self._rig_commands.actions():
            self._fill_rig_commands(status.rig.commands if status.rig else ())
            self._show_cameras(visible=self._camera_dock.isVisible())
        if self.bridge.running:
            self.plots.add_status(status, screen.result_latency_ms, time.monotonic())

    def _way_out(self, status: PipelineStatus) -> str:
        """Return what the button beside the notice says, empty for none."""
        # The virtual rig says why it is shown where nobody chose it: on the first run, mostly.
        if status.rig is not None and status.rig.kind == "virtual" and status.rig.notice:
            return "" if self.pages.current == "rig" else SET_UP
        if NONE_YET in status.notice:
            return "" if self.pages.current == "calibration" else CALIBRATE
        return ""

    def _show_run(self, status: PipelineStatus) -> None:
        running = self.bridge.running
        run = self.commands["run"]
        run.setText("Stop" if running else "Start")
        run.setIcon(icon("stop" if running else "play"))
        for name in ("freeze", "step", "save", "record"):
            self.commands[name].setEnabled(running)
        if status.state == "failed":
            message = "The rig could not be run: see above."
        elif not running:
            message = "No rig is running.\nChoose one at the top left, then press Start (F5)."
        elif status.state == "starting":
            message = f"Opening {self.chooser.current.label} …"
        else:
            message = ""
        self.grid.set_messages(message)

    def _fill_rig_commands(self, commands: tuple[str, ...]) -> None:
        self._rig_commands.clear()
        for command in commands:
            self._rig_commands.addAction(spaced(command)).setData(command)
        if not commands:
            self._rig_commands.addAction("This rig has none").setEnabled(False)

    def _forget_pictures(self) -> None:
        self._shown = Shown()
        self._fresh_meter.clear()
        self._result_meter.clear()
        self.plots.clear()
        for pane in self.grid.panes:
            pane.show_picture(None, "")
        self.inspection.show(self._shown)
        self.viewport.show_all()

    # --- freezing, looking ---

    def _on_freeze(self) -> None:
        self._set_frozen(not self._frozen)

    def _set_frozen(self, frozen: bool) -> None:
        self._frozen = frozen
        self.commands["freeze"].setChecked(frozen)
        self.bridge.set_frozen(frozen)
        self._wish()

    def _on_step(self) -> None:
        if self._frozen:
            self.bridge.step()
        else:
            self._set_frozen(True)

    def _on_undo_save(self) -> None:
        capturing, capture = self.bridge.capturing, self._status.capture
        if capturing is None or not capture.can_undo:
            self.toast.flash("There is no save to take back")
            return
        last = capture.strip[-1].name if capture.strip else "The last pair"
        capturing.undo()
        self.toast.flash(f"{last} is in the trash; the page Dataset brings it back")

    def _wish(self) -> None:
        live = self.pages.current == LIVE
        layers = self.grid.visible_layers() if live else self.pages.live_layers()
        if self.isMinimized():
            layers = frozenset()
        wish = Wish(layers, self.looking.colour_map, self._frozen, self.looking.overlays)
        self.bridge.wish(wish)

    def _on_escape(self) -> None:
        if self.dataset_panel.isVisible():
            self.dataset_panel.cancel()
        elif self.shortcuts.isVisible():
            self.shortcuts.hide()
        elif self.grid.full:
            self.grid.maximise(0)
        elif self.isFullScreen():
            self._on_full_screen()

    def _on_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _show_shortcuts(self) -> None:
        groups = shortcut_groups(self.commands)
        current = self.pages.current
        if current == LIVE:
            self.shortcuts.toggle([*groups, ("Mouse", MOUSE)])
            return
        page = self.pages.page(current)
        own = [*lines_of(page, page.KEYS), *page.HANDS]
        title = next(spec.title for spec in PAGES if spec.key == current)
        self.shortcuts.toggle([(title, own), *groups] if own else groups)

    def _show_about(self) -> None:
        box = QMessageBox(self)
        box.setWindowTitle("About CycleRig")
        box.setIconPixmap(icon("cyclerig").pixmap(QSize(64, 64)))
        box.setText(
            "<b>CycleRig</b><p>Live colorization for a rig of a mono and a colour camera, "
            "with the two-pass Cycle-CNN.</p><p>MIT licence.</p>"
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    # --- the window itself ---

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Draw nothing while minimised."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._wish()
            self.commands["full_screen"].setChecked(self.isFullScreen())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the toast in its place."""
        super().resizeEvent(event)
        self.toast.place()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember everything; stop the pipeline off this thread first, then close."""
        if not self._closing:
            self._closing = True
            self._settings.geometry = self.saveGeometry()
            self._settings.docks = self.saveState() if self._live_docks.isEmpty() else self._live_docks
            self._settings.page = self.pages.current
            self.pages.leave()
            self._settings.save()
        if self.bridge.running:
            event.ignore()
            self.bridge.stop()
            return
        self.bridge.close()
        self.exposure.close_down()
        self.opening.close()
        self.hide()
        self.pages.close_pages()
        event.accept()
