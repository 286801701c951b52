"""Paints raw histograms: gray for the mono camera, red, green and blue for the colour one."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.raw_measures import BINS, ChannelHistogram, RawHistogram
from app.ui.theme import DIM, FAINT, LINE, RECORD, SKY, SMALL_PX, WELL

LOG_DECADES = 5.0
"""What a logarithmic scale shows: from the fullest bin down to a hundred-thousandth of it."""

SPIKE_FACTOR = 12.0
"""On a linear scale the spike of clipped pixels may stick out of the plot this many times, not more."""

CHANNEL_COLOURS = {"mono": "#d8d8d8", "red": "#ff5a4d", "green": "#5ad26e", "blue": "#5aa0ff"}
CLIPPED_FROM = 0.001
"""Shares of clipped pixels from here on are shown in colour."""


class HistogramPlot(QWidget):
    """The histogram of one camera's raw values, with the shares that are clipped."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._histogram: RawHistogram | None = None
        self._logarithmic = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def histogram(self) -> RawHistogram | None:
        """What is shown."""
        return self._histogram

    def show_histogram(self, histogram: RawHistogram | None) -> None:
        """Show another histogram; None says that there is none."""
        self._histogram = histogram
        self.update()

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Show shares on a logarithmic scale, or on a linear one."""
        self._logarithmic = logarithmic
        self.update()

    def summary(self) -> tuple[str, str]:
        """Return what is said above the curve: clipped at 0, clipped at the top."""
        if self._histogram is None:
            return "", ""
        return f"at 0: {_percent(self._histogram.under)}", f"clipped: {_percent(self._histogram.over)}"

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size that shows the shape."""
        return QSize(260, 132)

    def event(self, event: QEvent) -> bool:
        """Say the shares of each channel in a tooltip."""
        if isinstance(event, QHelpEvent) and self._histogram is not None:
            lines = [
                f"{channel.channel}: mean {channel.mean:.1%}, at 0 {_percent(channel.under)}, "
                f"clipped {_percent(channel.over)}"
                for channel in self._histogram.channels
            ]
            top = 2**self._histogram.bits - 1
            QToolTip.showText(event.globalPos(), "\n".join([f"Raw values, 0 to {top}", *lines]), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint title, shares, curves and the ends of the scale."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        line = painter.fontMetrics().height() + 2
        head = QRectF(0, 0, self.width(), line)
        plot = QRectF(0, line + 2, self.width(), self.height() - 2 * line - 4)
        foot = QRectF(0, plot.bottom() + 2, self.width(), line)
        painter.fillRect(plot, QColor(WELL))
        painter.setPen(QColor(DIM))
        painter.drawText(head, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self._title)
        histogram = self._histogram
        if histogram is None:
            painter.setPen(QColor(FAINT))
            painter.drawText(plot, int(Qt.AlignmentFlag.AlignCenter), "Waiting for a frame …")
            return
        self._paint_shares(painter, head, histogram)
        self._paint_scale(painter, plot, foot, histogram.bits)
        top = self._top(histogram)
        for channel in histogram.channels:
            self._paint_channel(painter, plot, channel, top)

    def _paint_shares(self, painter: QPainter, head: QRectF, histogram: RawHistogram) -> None:
        under, over = self.summary()
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(RECORD if histogram.over >= CLIPPED_FROM else DIM))
        painter.drawText(head, right, over)
        painter.setPen(QColor(SKY if histogram.under >= CLIPPED_FROM else DIM))
        room = head.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(over) - 14, 0)
        painter.drawText(room, right, under)

    def _paint_scale(self, painter: QPainter, plot: QRectF, foot: QRectF, bits: int) -> None:
        painter.setPen(QPen(QColor(LINE), 1))
        for quarter in (1, 2, 3):
            x = plot.left() + plot.width() * quarter / 4
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setPen(QColor(FAINT))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignLeft | middle), "0")
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignRight | middle), str(2**bits - 1))
        scale = "raw value, log" if self._logarithmic else "raw value"
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignHCenter | middle), scale)

    def _top(self, histogram: RawHistogram) -> float:
        """Return the share that reaches the top of the plot."""
        highest = max(float(channel.shares.max()) for channel in histogram.channels)
        if self._logarithmic:
            return highest
        inner = max(float(channel.shares[1:-1].max()) for channel in histogram.channels)
        return max(inner * 1.08, highest / SPIKE_FACTOR)

    def _paint_channel(self, painter: QPainter, plot: QRectF, channel: ChannelHistogram, top: float) -> None:
        shares = channel.shares / top
        if self._logarithmic:
            with np.errstate(divide="ignore"):
                shares = 1 + np.log10(shares) / LOG_DECADES
        heights = np.clip(shares, 0, 1) * plot.height()
        path = QPainterPath(plot.bottomLeft())
        for n, height in enumerate(heights.tolist()):
            path.lineTo(plot.left() + plot.width() * (n + 0.5) / BINS, plot.bottom() - height)
        path.lineTo(plot.bottomRight())
        colour = QColor(CHANNEL_COLOURS[channel.channel])
        painter.setPen(QPen(colour, 1.2))
        colour.setAlpha(46)
        painter.setBrush(colour)
        painter.drawPath(path)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _percent(share: float) -> str:
    """Return a share as a person reads it: clipping matters long before it is a percent."""
    if share == 0:
        return "0 %"
    if share < 1e-4:
        return "< 0.01 %"
    return f"{100 * share:.2f} %" if share < 0.1 else f"{100 * share:.0f} %"
