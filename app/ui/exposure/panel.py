"""The exposure assistant beside the live pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.exposure import MatchResult, MatchStep
from app.pipeline.status import PipelineStatus
from app.raw_measures import RawHistogram
from app.ui.bridge import Bridge
from app.ui.exposure.histogram import HistogramPlot
from app.ui.exposure.matching import Matching, MatchWish
from app.ui.exposure.watch import HistogramWatch
from app.ui.side_scroll import SideScroll
from capture.frames import ROLES, Role

TITLES: Mapping[Role, str] = {"mono": "Mono", "color": "Colour"}


class ExposurePanel(SideScroll):
    """Histograms of the raw frames, marks over the pictures, and one button that matches the cameras.

    Args:
        overlays: the window's commands "zebra" and "peaking".
    """

    def __init__(self, bridge: Bridge, overlays: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._serials: tuple[str, str] | None = None
        self.watch = HistogramWatch(bridge.taps, self)
        self.matching = Matching(bridge, self)
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(8)
        column.addWidget(self._histograms(overlays, body))
        column.addWidget(self._match_box(body))
        column.addStretch(1)
        self.show_body(body)
        self.watch.measured.connect(self._on_measured)
        self.watch.failed.connect(bridge.failed)
        self.matching.stepped.connect(self._on_step)
        self.matching.ended.connect(self._on_ended)
        self.matching.undone.connect(self._on_undone)
        bridge.status_changed.connect(self._on_status)
        bridge.stopping.connect(self._on_stopping)
        self._show_state()

    def _histograms(self, overlays: Sequence[QAction], parent: QWidget) -> QWidget:
        box = QGroupBox("Raw values", parent)
        self.plots = {role: HistogramPlot(TITLES[role], box) for role in ROLES}
        self.logarithmic = QCheckBox("Logarithmic", box)
        self.logarithmic.setToolTip("Shares of pixels on a logarithmic scale: shows the few at the ends")
        row = QHBoxLayout()
        for action in overlays:
            button = QToolButton(box)
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setProperty("framed", True)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.logarithmic)
        column = QVBoxLayout(box)
        column.setSpacing(8)
        for plot in self.plots.values():
            self.logarithmic.toggled.connect(plot.set_logarithmic)
            column.addWidget(plot)
        column.addLayout(row)
        return box

    def _match_box(self, parent: QWidget) -> QWidget:
        box = QGroupBox("Match the mono camera to the colour camera", parent)
        self.motion = QDoubleSpinBox(box)
        self.motion.setRange(0.0, 1000.0)
        self.motion.setDecimals(1)
        self.motion.setSuffix(" ms")
        self.motion.setSpecialValueText("any")
        self.motion.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.motion.setToolTip(
            "Longest exposure in ms before what moves gets blurred; gain does the rest.\n"
            "0: as long as it takes"
        )
        self.keep_rate = QCheckBox("Keep the frame rate", box)
        self.keep_rate.setChecked(True)
        self.keep_rate.setToolTip("The exposure stays below 90 % of the frame period")
        self.start = QPushButton("Match luma", box)
        self.start.setToolTip(
            "Changes the mono camera's exposure, then its gain, on live pictures until its luma is within "
            "2 % of the colour camera's"
        )
        self.cancel = QPushButton("Cancel", box)
        self.undo = QPushButton("Undo", box)
        self.undo.setToolTip("Put exposure and gain back as they were before the match")
        self.told = QLabel(box)
        self.told.setWordWrap(True)
        self.told.setProperty("role", "small")
        self.start.clicked.connect(self._on_start)
        self.cancel.clicked.connect(self.matching.cancel)
        self.undo.clicked.connect(self._on_undo)
        form = QFormLayout()
        form.addRow("Longest exposure", self.motion)
        buttons = QHBoxLayout()
        for button in (self.start, self.cancel, self.undo):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(box)
        column.addLayout(form)
        column.addWidget(self.keep_rate)
        column.addLayout(buttons)
        column.addWidget(self.told)
        return box

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Measure while somebody looks."""
        self.watch.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Cost nothing while nobody does."""
        self.watch.stop()
        super().hideEvent(event)

    def close_down(self) -> None:
        """End all threads; before the window goes."""
        self.watch.stop()
        self.matching.close()

    # --- what comes back ---

    def _on_measured(self, found: Mapping[Role, RawHistogram]) -> None:
        for role, plot in self.plots.items():
            plot.show_histogram(found[role])

    def _on_status(self, status: PipelineStatus) -> None:
        serials = None if status.rig is None else (status.rig.mono.serial, status.rig.color.serial)
        if serials != self._serials:
            self._serials = serials
            self.matching.forget()
            for plot in self.plots.values():
                plot.show_histogram(None)
            self.told.clear()
        self._show_state()

    def _on_stopping(self) -> None:
        self.matching.cancel()

    def _on_start(self) -> None:
        motion_ms = self.motion.value()
        wish = MatchWish(motion_ms * 1e3 if motion_ms else None, self.keep_rate.isChecked())
        if self.matching.start(wish):
            self.told.setText("Looking at the pictures …")
        self._show_state()

    def _on_undo(self) -> None:
        self.matching.undo()
        self._show_state()

    def _on_step(self, step: MatchStep) -> None:
        gain = "" if step.gain_db is None else f", {step.gain_db:.1f} dB"
        off = "clipped: feeling the way" if step.ratio is None else f"mono is {1 / step.ratio:.0%} of colour"
        self.told.setText(f"Step {step.number}: {step.exposure_us:.0f} µs{gain} – {off}")

    def _on_ended(self, result: MatchResult) -> None:
        self.told.setText(result.message)
        self._after_change()

    def _on_undone(self, refused: str) -> None:
        self.told.setText(refused or "Exposure and gain are as they were.")
        self._after_change()

    def _after_change(self) -> None:
        self._show_state()
        for name in ("ExposureTime", "Gain"):
            self._bridge.applied.emit("mono", name)  # the settings beside the pictures follow

    def _show_state(self) -> None:
        busy, running = self.matching.running, self._bridge.cameras is not None
        self.start.setEnabled(running and not busy)
        self.cancel.setEnabled(busy)
        self.undo.setEnabled(running and self.matching.can_undo)
