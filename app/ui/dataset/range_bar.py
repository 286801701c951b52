"""A small histogram with two handles: which values of a column are shown."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.browsing.columns import Column
from app.browsing.filters import Histogram, Range
from app.ui.theme import ACCENT, DIM, FAINT, LINE, SMALL_PX, TEXT

HEIGHT_PX = 50
_TITLE_PX, _PLOT_PX = 17, 26
_SIDE = 6
_STEPS = 100


class RangeBar(QWidget):
    """Drag a handle to hide what lies beyond it; double-click to show all values again.

    Keys: ← → move the lower handle, with Shift the upper one; Backspace shows all.

    Signals:
        changed: the user chose another `Range`.
    """

    changed = Signal()

    def __init__(self, column: Column, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column = column
        self.range = Range()
        self._histogram: Histogram | None = None
        self._dragged = ""
        self._font = QFont()
        self._font.setPixelSize(SMALL_PX - 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        unit = f" [{column.unit}]" if column.unit else ""
        self.setToolTip(
            f"{column.tip}{unit}.\nDrag a handle to hide what lies beyond; double-click shows all.\n"
            "Keys: ← → the lower handle, Shift ← → the upper one, Backspace all."
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a slim line."""
        return QSize(180, HEIGHT_PX)

    def show_histogram(self, histogram: Histogram | None) -> None:
        """Show how the values are distributed; None hides the bar."""
        self._histogram = histogram
        self.setVisible(histogram is not None or not self.range.is_open)
        self.update()

    def set_range(self, limits: Range) -> None:
        """Show another range, without telling anybody."""
        self.range = limits
        self.update()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint title, bars, and handles."""
        painter = QPainter(self)
        painter.setFont(self._font)
        head = QRectF(_SIDE, 0, self.width() - 2 * _SIDE, _TITLE_PX)
        painter.setPen(QColor(TEXT if self.hasFocus() else DIM))
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(head, left, self.column.heading)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(FAINT if self.range.is_open else ACCENT))
        painter.drawText(head, right, self._words())
        if self._histogram is None:
            return
        plot = self._plot()
        painter.setPen(QColor(LINE))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        self._paint_bars(painter, plot, self._histogram)
        if not self.range.is_open:
            painter.fillRect(
                QRectF(plot.left(), plot.top(), self._x("low") - plot.left(), plot.height()),
                QColor(0, 0, 0, 110),
            )
            painter.fillRect(
                QRectF(self._x("high"), plot.top(), plot.right() - self._x("high"), plot.height()),
                QColor(0, 0, 0, 110),
            )
        for side in ("low", "high"):
            moved = getattr(self.range, side) is not None
            painter.setPen(QPen(QColor(ACCENT if moved else FAINT), 2))
            x = self._x(side)
            painter.drawLine(int(x), int(plot.top()), int(x), int(plot.bottom()) + 3)

    def _paint_bars(self, painter: QPainter, plot: QRectF, histogram: Histogram) -> None:
        width = plot.width() / len(histogram.counts)
        # Square roots: a bin with three pairs is seen beside one with three thousand.
        top = math.sqrt(max(int(histogram.counts.max()), 1))
        for counts, colour in ((histogram.counts, QColor(LINE)), (histogram.shown, QColor("#8a8a8a"))):
            for number, height in enumerate(np.sqrt(counts) / top * plot.height()):
                if height > 0:
                    left = plot.left() + number * width
                    bar = max(float(height), 1.0)
                    painter.fillRect(QRectF(left, plot.bottom() - bar, max(width - 0.5, 1), bar), colour)

    def _words(self) -> str:
        low, high = self.range.low, self.range.high
        if self._histogram is None:
            return ""
        if low is not None and high is not None:
            return f"{_short(low)} … {_short(high)}"
        if low is not None:
            return f"≥ {_short(low)}"
        if high is not None:
            return f"≤ {_short(high)}"
        return f"{_short(self._histogram.low)} … {_short(self._histogram.high)}"

    def _plot(self) -> QRectF:
        return QRectF(_SIDE, _TITLE_PX + 1, max(self.width() - 2 * _SIDE, 1), _PLOT_PX)

    def _x(self, side: str) -> float:
        plot, histogram = self._plot(), self._histogram
        value = self.range.low if side == "low" else self.range.high
        if histogram is None or value is None:
            return plot.left() if side == "low" else plot.right()
        share = (value - histogram.low) / (histogram.high - histogram.low)
        return plot.left() + min(max(share, 0.0), 1.0) * plot.width()

    # --- mouse and keys ---

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the nearer handle."""
        if self._histogram is not None and event.button() == Qt.MouseButton.LeftButton:
            x = event.position().x()
            self._dragged = "low" if abs(x - self._x("low")) <= abs(x - self._x("high")) else "high"
            self._drag(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move it."""
        if self._dragged:
            self._drag(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """Let go."""
        self._dragged = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802, ARG002
        """Show all values."""
        self._dragged = ""
        self._choose(Range())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move a handle by a hundredth of the span."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Backspace:
            self._choose(Range())
        elif step is not None and self._histogram is not None:
            self._dragged = "high" if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else "low"
            self._drag(self._x(self._dragged) + step * self._plot().width() / _STEPS)
            self._dragged = ""
        else:
            super().keyPressEvent(event)

    def _drag(self, x: float) -> None:
        histogram, plot = self._histogram, self._plot()
        if histogram is None:
            return
        share = (x - plot.left()) / plot.width()
        value = histogram.low + min(max(share, 0.0), 1.0) * (histogram.high - histogram.low)
        low, high = self.range.low, self.range.high
        if self._dragged == "low":
            # At the very end a handle is no limit: what lies beyond the histogram is shown too.
            low = None if share <= 0 else min(value, high if high is not None else histogram.high)
        else:
            high = None if share >= 1 else max(value, low if low is not None else histogram.low)
        self._choose(Range(low, high))

    def _choose(self, limits: Range) -> None:
        if limits != self.range:
            self.range = limits
            self.update()
            self.changed.emit()


def _short(value: float) -> str:
    """Return a number with three digits that count."""
    if value == 0:
        return "0"
    digits = max(0, min(4, 2 - math.floor(math.log10(abs(value)))))
    return f"{value:.{digits}f}"
