"""The line at the bottom: rates, latency, drops, skew, device and memory, each explained by its tooltip."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QStatusBar, QWidget

from app.pipeline.status import PipelineStatus, RecoveryStatus, StageStatus
from app.ui.drift_light import DriftLight
from app.ui.labels import ElidedLabel
from app.ui.theme import ACCENT, DIM, RECORD, TEXT

STAGES = ("capture", "pair", "rectify", "colorize")


@dataclass(frozen=True)
class ScreenStatus:
    """What the screen itself adds to a pipeline's status: displayed rates in Hz, exposure to screen in ms."""

    fresh_hz: float = 0.0
    result_hz: float = 0.0
    fresh_latency_ms: float = 0.0
    result_latency_ms: float = 0.0


class Figure(QWidget):
    """A dim word and a value beside it that keeps its width while it changes."""

    def __init__(self, word: str, widest: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._word = QLabel(word, self)
        self._word.setProperty("role", "smalldim")
        self._value = QLabel("–", self)
        self._value.setProperty("role", "small")
        self._value.setTextFormat(Qt.TextFormat.PlainText)
        self._widest = widest
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self._word)
        row.addWidget(self._value)
        self.setToolTip(tip)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def word(self) -> str:
        """What the value is."""
        return self._word.text()

    @property
    def text(self) -> str:
        """The value on screen."""
        return self._value.text()

    def show_value(self, text: str, *, alert: bool = False) -> None:
        """Show another value, in the accent colour if it calls for a look."""
        if text != self._value.text():
            self._value.setText(text)
        self._value.ensurePolished()
        self._value.setMinimumWidth(self._value.fontMetrics().horizontalAdvance(self._widest))
        colour = ACCENT if alert else TEXT
        if self._value.property("tint") != colour:
            self._value.setProperty("tint", colour)
            self._value.setStyleSheet(f"color: {colour};")


class LiveStatusBar(QStatusBar):
    """Shows a `PipelineStatus` and a `ScreenStatus`; fits into 1280 px."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.state = QLabel("stopped", self)
        self.state.setProperty("role", "small")
        self.captured = Figure(
            "captured",
            "100.0",
            "Complete frames per camera and second.",
            self,
        )
        self.paired = Figure("paired", "100.0", "Pairs per second.", self)
        self.processed = Figure("processed", "100.0", "Colorized pairs per second.", self)
        self.displayed = Figure(
            "shown", "100 · 100", "Pairs painted per second: raw pictures · colorized pictures.", self
        )
        self.latency = Figure(
            "latency",
            "100 · 1000 ms",
            "Milliseconds from the start of the exposure until the picture is painted, two seconds' median: "
            "raw · colorized.\nCounted from arrival less exposure time of the later camera.",
            self,
        )
        self.drops = Figure("drops", "0 · 0 · 0 · 10000", "", self)
        self.skew = Figure(
            "skew", "−10.00 ms", "Time of the colour frame minus time of the mono frame, newest pair.", self
        )
        self.device = ElidedLabel(Qt.TextElideMode.ElideMiddle, self)
        self.device.setProperty("role", "small")
        self.memory = Figure("", "1000 MB", "Memory of this process and the capture process.", self)
        self.drift = DriftLight(self)
        row = QWidget(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(9)
        layout.addWidget(self.state)
        layout.addWidget(self.drift)
        for figure in self.figures():
            line = QFrame(row)
            line.setFrameShape(QFrame.Shape.VLine)
            line.setFixedHeight(12)
            line.setStyleSheet("color: #444444;")
            if figure is self.memory:
                layout.addWidget(self.device, 1)
            layout.addWidget(line)
            layout.addWidget(figure)
        self.addWidget(row, 1)
        self.show_status(PipelineStatus(), ScreenStatus())

    def figures(self) -> tuple[Figure, ...]:
        """Return all figures from left to right."""
        return (
            self.captured, self.paired, self.processed, self.displayed, self.latency, self.drops, self.skew,
            self.memory,
        )  # fmt: skip

    def show_status(self, status: PipelineStatus, screen: ScreenStatus) -> None:
        """Show the newest figures."""
        stages = {name: status.stages.get(name, StageStatus()) for name in STAGES}
        live = status.state in ("running", "frozen", "ended")
        colour = {"failed": RECORD, "frozen": ACCENT, "reconnecting": ACCENT, "running": TEXT}.get(
            status.state, DIM
        )
        self.state.setText(status.state)
        self.state.setToolTip(recovery_tip(status.recovery))
        self.state.setStyleSheet(f"color: {colour};")
        self.captured.show_value(f"{stages['capture'].rate_hz:.1f}" if live else "–")
        self.paired.show_value(f"{stages['pair'].rate_hz:.1f}" if live else "–")
        self.processed.show_value(f"{stages['colorize'].rate_hz:.1f}" if live else "–")
        self.displayed.show_value(f"{screen.fresh_hz:.1f} · {screen.result_hz:.1f}" if live else "–")
        self.latency.show_value(
            f"{screen.fresh_latency_ms:.0f} · {screen.result_latency_ms:.0f} ms" if live else "–"
        )
        self._show_drops(status, stages)
        self.skew.show_value(f"{status.skew_ms:+.2f} ms".replace("-", "−") if live else "–")
        self._show_device(status)
        self.memory.show_value(f"{status.memory_mb:.0f} MB" if status.memory_mb else "–")

    def _show_device(self, status: PipelineStatus) -> None:
        device = status.device.partition(" (")[0]  # threads and precision are in the tooltip
        text = f"{_short_model(status.model)} on {device}" if device else ""
        self.device.setText(text)
        self.device.setToolTip(f"Model {status.model} on {status.device}." if text else "")

    def _show_drops(self, status: PipelineStatus, stages: dict[str, StageStatus]) -> None:
        lost = sum(camera.incomplete + camera.id_gaps + camera.overrun for camera in status.cameras.values())
        counts = (lost, stages["pair"].dropped, stages["rectify"].dropped, stages["colorize"].dropped)
        text = " · ".join(str(count) for count in counts)
        self.drops.show_value(text if status.stages else "–", alert=lost > 0)
        lines = ["Dropped since the start: capture · pair · rectify · colorize", ""]
        for role, camera in status.cameras.items():
            lines.append(
                f"{role} camera: {camera.delivered} delivered, {camera.incomplete} incomplete, "
                f"{camera.id_gaps} missing by frame id, {camera.overrun} overrun"
            )
        for name, stage in stages.items():
            words = f"{name}: {stage.taken} in, {stage.finished} out, {stage.dropped} dropped"
            words += f", {stage.latency_ms:.1f} ms"
            lines.append(f"{words}; last error: {stage.last_error}" if stage.last_error else words)
        lines.append("")
        lines.append(
            "Colorize drops are pairs that a newer one overtook while the networks were busy: no fault."
        )
        self.drops.setToolTip("\n".join(lines))


def recovery_tip(recovery: RecoveryStatus) -> str:
    """Return how often the rig was lost and how long it took to come back."""
    if not recovery.losses:
        return "The rig was not lost since it was started."
    lines = [f"The rig was lost {'once' if recovery.losses == 1 else f'{recovery.losses} times'}."]
    if recovery.outages:
        last, longest = recovery.outages[-1], max(outage.frozen_s for outage in recovery.outages)
        lines.append(
            f"Last time back within {last.recovery_s:.1f} s; pictures stood still for {last.frozen_s:.1f} s "
            f"(longest: {longest:.1f} s)."
        )
        lines.append(last.cause)
    return "\n".join(lines)


def _short_model(model: str) -> str:
    return model.rsplit("/", 1)[-1].removesuffix(".safetensors")
