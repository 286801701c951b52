"""How far the set is, how long it will take, what the disk has left, and how writing keeps up."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QWidget

from app.capturing.status import CaptureStatus
from app.pipeline.status import RecorderStatus
from app.ui.capture.words import Said, disk_said, left_text, queue_said
from app.ui.theme import ACCENT, DIM, GREEN, RECORD, TEXT, WELL

_COLOURS = {"quiet": DIM, "busy": TEXT, "good": TEXT, "warn": ACCENT, "bad": RECORD}


class Progress(QWidget):
    """A bar that fills up to the target."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size at which one percent can be seen."""
        return QSize(140, 12)

    @property
    def share(self) -> float:
        """How full it is, 0 … 1."""
        return self._share

    def show_share(self, share: float) -> None:
        """Fill it so far."""
        share = min(max(share, 0.0), 1.0)
        if share != self._share:
            self._share = share
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint track and bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(0, self.height() / 2 - 4, self.width(), 8)
        painter.setBrush(QColor(WELL))
        painter.drawRoundedRect(track, 4, 4)
        if self._share > 0:
            painter.setBrush(QColor(GREEN if self._share >= 1 else "#9a9a9a"))
            painter.drawRoundedRect(
                QRectF(track.left(), track.top(), max(track.width() * self._share, 8), 8), 4, 4
            )


class ProgressLine(QWidget):
    """One line of figures.

    Signals:
        target_changed: how many pairs are wanted.
    """

    target_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.total = QLabel(self)
        self.target = QSpinBox(self, minimum=1, maximum=10_000_000, value=1000)
        self.target.setKeyboardTracking(False)
        self.target.setFixedWidth(64)
        self.target.setToolTip(
            "Pairs wanted in all. The set of the paper has 1000: 700 to train on, 300 to test"
        )
        self.target.valueChanged.connect(self.target_changed)
        self.progress = Progress(self)
        self.left = QLabel(self)
        self.disk = QLabel(self)
        self.disk.setToolTip("Free on the disk of the dataset, above the part that is never touched")
        self.queue = QLabel(self)
        self.queue.setToolTip(
            "Pairs that wait to be written, share of the memory for them, pairs written per second, and how "
            "long the oldest has waited. When the memory is full, recording stops and says so"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 2)
        row.setSpacing(6)
        row.addWidget(self.total)
        row.addWidget(self.target)
        row.addSpacing(4)
        row.addWidget(self.progress, 1)
        for label in (self.left, self.disk, self.queue):
            label.setProperty("role", "small")
            row.addSpacing(6)
            row.addWidget(label)
        self.setFixedHeight(30)
        self.show_status(CaptureStatus(), RecorderStatus())

    def show_status(self, status: CaptureStatus, recorder: RecorderStatus) -> None:
        """Show the newest figures."""
        target = status.state.target
        total = status.total if status.folder else 0
        self.total.setText(f"{total} of")
        self.progress.show_share(total / target)
        self.progress.setToolTip(f"{total} of {target} pairs ({total / target:.0%})")
        if not self.target.hasFocus():
            self.target.blockSignals(True)
            self.target.setValue(target)
            self.target.blockSignals(False)
        _show(self.left, Said(left_text(status), "good"))
        _show(self.disk, disk_said(recorder, target - total))
        _show(self.queue, queue_said(recorder) if recorder.folder else Said(""))


def _show(label: QLabel, said: Said) -> None:
    if label.text() == said.text and label.property("tone") == said.tone:
        return
    label.setText(said.text)
    label.setVisible(bool(said.text))
    if label.property("tone") != said.tone:
        label.setProperty("tone", said.tone)
        label.setStyleSheet(f"color: {_COLOURS[said.tone]};")
