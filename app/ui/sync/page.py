"""The Sync page: choose how the cameras expose together, apply it, and see how well it works."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from app.pipeline.status import PipelineStatus
from app.ui.arrangement import remember
from app.ui.pages import Host, Page
from app.ui.sync.mode_form import ModeForm
from app.ui.sync.plots import ClockPlot, SkewHistogram, SkewPlot
from app.ui.sync.tables import CounterTable, StepTable
from app.ui.sync.verdict import VerdictPanel
from capture.errors import RigFileError
from capture.rig import RigInfo
from capture.rig_file import load_rig_file, save_rig_file
from capture.spec import GenicamSpec
from capture.sync.config import TITLES, SyncConfig
from capture.sync.report import SyncReport
from capture.sync_health import SyncState

REQUEST = "synchronize"
NOT_SET = "Nothing was set: triggers are as the cameras had them."


class SyncPage(Page):
    """Mode at the left; verdict, plots, counters and the table of nodes at the right."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._on_screen = self._applying = False
        self._report: SyncReport | None = None
        self._rig: tuple[str, ...] = ()
        self.form = ModeForm(self)
        self.verdict = VerdictPanel(self)
        self.skew = SkewPlot(self)
        self.histogram = SkewHistogram(self)
        self.clocks = ClockPlot(self)
        self.counters = CounterTable(self)
        self.steps = StepTable(self)
        self.steps_title = QLabel(NOT_SET, self)
        self._arrange()
        self.form.apply_wanted.connect(self._on_apply)
        self.form.save_wanted.connect(self._on_save)
        queued = Qt.ConnectionType.QueuedConnection
        bridge = host.bridge
        bridge.status_changed.connect(self._on_status, queued)
        bridge.done.connect(self._on_done, queued)
        bridge.failed.connect(self._on_failed, queued)
        bridge.stopped.connect(self._on_stopped, queued)

    def _arrange(self) -> None:
        upper, lower = QHBoxLayout(), QHBoxLayout()
        for row in (upper, lower):
            row.setSpacing(10)
        upper.addWidget(self.skew, 3)
        upper.addWidget(self.histogram, 2)
        lower.addWidget(self.clocks, 3)
        lower.addWidget(self.counters, 2)
        plots = QWidget(self)
        column = QVBoxLayout(plots)
        column.setContentsMargins(10, 4, 10, 4)
        column.setSpacing(6)
        column.addLayout(upper, 1)
        column.addLayout(lower, 1)
        below = QWidget(self)
        self.steps_title.setProperty("role", "section")
        self.steps_title.setContentsMargins(14, 0, 10, 3)
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.steps_title)
        column.addWidget(self.steps, 1)
        split = QSplitter(Qt.Orientation.Vertical, self)
        remember(split, "plots")
        split.setChildrenCollapsible(False)
        split.addWidget(plots)
        split.addWidget(below)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.verdict)
        right.addWidget(split, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.form)
        row.addLayout(right, 1)

    # --- coming and going ---

    def entered(self) -> None:
        """Show what runs."""
        self._on_screen = True
        self._on_status(self._host.bridge.status())

    def left(self) -> None:
        """Draw no more."""
        self._on_screen = False

    # --- what comes from the pipeline ---

    def _on_status(self, status: PipelineStatus) -> None:
        if not self._on_screen:
            return
        running = self._host.bridge.running and status.rig is not None
        self._show_rig(status.rig if running else None)
        state = self._host.bridge.sync_state() if running else SyncState()
        if running:
            self.verdict.show_state(state)
        else:
            self.verdict.show_message("No rig is running: press Start (F5) on the Live page.")
        self.skew.show_state(state)
        self.histogram.show_state(state)
        self.clocks.show_state(state, time.monotonic_ns())
        self.counters.show_state(state)

    def _show_rig(self, rig: RigInfo | None) -> None:
        """Show what the rig was set up with; the fields follow only when the rig is another one."""
        self.form.set_possible(
            apply=rig is not None and rig.kind != "replay" and not self._applying,
            save=self._rig_file() is not None,
            why_not_save="" if self._rig_file() else "The rig that is open did not come from a rig file",
        )
        known = () if rig is None else (rig.kind, rig.name, rig.mono.serial, rig.color.serial)
        report = rig.sync if rig is not None else None
        if known != self._rig:
            self._rig = known
            if report is not None:
                self.form.show_config(report.config)
        elif report == self._report:
            return
        self._report = report
        self.steps.show_report(report)
        self.steps_title.setText(NOT_SET if report is None else _title(report))

    def _on_stopped(self) -> None:
        self._on_status(PipelineStatus())

    # --- what the user wants ---

    def _on_apply(self, config: SyncConfig) -> None:
        self._applying = True
        self.form.apply.setEnabled(False)
        self._host.toast.flash(f"Setting up: {TITLES[config.mode].lower()} …", stays=True)
        self._host.bridge.synchronize(config)

    def _on_done(self, request: str) -> None:
        if request == REQUEST:
            self._on_failed()

    def _on_failed(self) -> None:
        """The answer is there, or the banner says why there is none."""
        if self._applying:
            self._applying = False
            self._host.toast.hide()

    def _rig_file(self) -> Path | None:
        name = self._host.chooser.current.name
        return Path(name) if name.endswith(".toml") else None

    def _on_save(self, config: SyncConfig) -> None:
        path = self._rig_file()
        if path is None:
            return
        try:
            spec = load_rig_file(path)
            if isinstance(spec, GenicamSpec):
                save_rig_file(replace(spec, sync=config), path)
                self._host.toast.flash(f"Saved in {path.name}")
            else:
                self._host.banner.show_failure(f"{path.name} is not of kind genicam: add [sync] by hand.")
        except RigFileError as error:
            self._host.banner.show_failure(str(error))


def _title(report: SyncReport) -> str:
    refused = sum(step.outcome in ("refused", "absent", "differs") for step in report.steps)
    what = f"{TITLES[report.config.mode]}: {len(report.steps)} settings"
    if not report.complete:
        return f"{TITLES[report.config.mode]}: NOT set up, the cameras run freely. See what is red."
    return f"{what}, {refused} refused that the mode can do without" if refused else f"{what}, all as wanted"
