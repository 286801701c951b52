"""Small things that are painted: bars that fill, maps of image cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.picture import colour_table
from app.ui.theme import ACCENT, DIM, FAINT, GREEN, LINE, TEXT, WELL

FULL = 0.9
"""A bar this full is as good as a full one, and green."""


class FillBar(QWidget):
    """A word, and a bar that fills as more of a range was shown: 0 … 1."""

    def __init__(self, word: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._word = word
        self._value = 0.0
        self.setToolTip(tip)
        self.setFixedHeight(18)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def value(self) -> float:
        """How full it is, 0 … 1."""
        return self._value

    def show_value(self, value: float) -> None:
        """Fill it so far."""
        if value != self._value:
            self._value = value
            self.setAccessibleName(f"{self._word} {value:.0%}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint word, bar and percentage."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(DIM))
        font = self.font()
        font.setPixelSize(12)
        painter.setFont(font)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(0, 0, 44, self.height()), middle, self._word)
        track = QRectF(46, self.height() / 2 - 3.5, self.width() - 46 - 40, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(WELL))
        painter.drawRoundedRect(track, 3, 3)
        if self._value > 0:
            painter.setBrush(QColor(GREEN if self._value >= FULL else ACCENT))
            filled = QRectF(track.left(), track.top(), max(track.width() * self._value, 6), track.height())
            painter.drawRoundedRect(filled, 3, 3)
        painter.setPen(QColor(TEXT if self._value else FAINT))
        right = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        painter.drawText(QRectF(self.width() - 38, 0, 38, self.height()), right, f"{self._value:.0%}")


class CellMap(QWidget):
    """A grid of image cells in colours, in the shape of the image. Subclasses say colours and words."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._values: NDArray[Any] = np.zeros((6, 8))
        self._aspect = 4 / 3
        self._known = False
        self.setMinimumSize(100, 60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    @property
    def values(self) -> NDArray[Any]:
        """What is shown, rows × columns."""
        return self._values

    def show_values(self, values: NDArray[Any] | None, size_px: tuple[int, int] | None = None) -> None:
        """Show other values; `size_px` is the size of the image they lie over."""
        self._known = values is not None
        if values is not None:
            self._values = values
        if size_px is not None and size_px[0] / size_px[1] != self._aspect:
            self._aspect = size_px[0] / size_px[1]
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size at which cells can be told apart."""
        return QSize(220, round(220 / self._aspect) + 16)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Return True: it has the shape of the image."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """Return the height for a width."""
        return round(width / self._aspect) + 16

    def cell_colour(self, value: float) -> QColor:
        """Return the colour of a cell."""
        raise NotImplementedError

    def cell_words(self, value: float) -> str:
        """Return what a cell means, for its tooltip."""
        raise NotImplementedError

    def legend(self) -> str:
        """Return what stands at the right of the title."""
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint title and cells."""
        painter = QPainter(self)
        font = self.font()
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor(DIM))
        head = QRectF(0, 0, self.width(), 15)
        painter.drawText(head, int(Qt.AlignmentFlag.AlignLeft), self._title)
        painter.drawText(head, int(Qt.AlignmentFlag.AlignRight), self.legend() if self._known else "")
        area = self._area()
        painter.fillRect(area, QColor(WELL))
        rows, columns = self._values.shape
        if self._known:
            for row in range(rows):
                for column in range(columns):
                    cell = self._cell(area, row, column)
                    painter.fillRect(cell, self.cell_colour(float(self._values[row, column])))
        painter.setPen(QPen(QColor(LINE), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area)

    def event(self, event: QEvent) -> bool:
        """Explain the cell under the mouse."""
        if isinstance(event, QHelpEvent) and self._known:
            index = self._index_at(QPointF(event.pos()))
            if index is not None:
                QToolTip.showText(event.globalPos(), self.cell_words(float(self._values[index])), self)
                return True
        return super().event(event)

    def _area(self) -> QRectF:
        height = self.height() - 17
        width = min(float(self.width() - 1), height * self._aspect)
        return QRectF((self.width() - width) / 2, 16, width, width / self._aspect)

    def _cell(self, area: QRectF, row: int, column: int) -> QRectF:
        rows, columns = self._values.shape
        width, height = area.width() / columns, area.height() / rows
        return QRectF(
            area.left() + column * width + 0.5, area.top() + row * height + 0.5, width - 1, height - 1
        )

    def _index_at(self, position: QPointF) -> tuple[int, int] | None:
        area = self._area()
        if not area.contains(position):
            return None
        rows, columns = self._values.shape
        row = int((position.y() - area.top()) / area.height() * rows)
        column = int((position.x() - area.left()) / area.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)


class CoverageMap(CellMap):
    """Where in a camera's image corners of the board were seen."""

    ENOUGH = 30

    def cell_colour(self, value: float) -> QColor:
        """Return nothing for none, greener for more."""
        if value <= 0:
            return QColor(WELL)
        colour = QColor(GREEN)
        colour.setAlphaF(0.35 + 0.65 * min(value / self.ENOUGH, 1.0))
        return colour

    def cell_words(self, value: float) -> str:
        """Return the number of corners."""
        return f"{value:.0f} corners seen here" if value else "The board was not here yet"

    def legend(self) -> str:
        """Return the part of the image that was covered."""
        return f"{float((self._values > 0).mean()):.0%}"


class WeakMap(CellMap):
    """Where the rows of the rectified pair are uncertain, in px."""

    TOP_PX = 0.25

    def cell_colour(self, value: float) -> QColor:
        """Return a colour of the map, which ends where rows begin to matter."""
        blue, green, red, _ = colour_table("inferno")[0, round(255 * min(value / self.TOP_PX, 1.0))]
        return QColor(int(red), int(green), int(blue))

    def cell_words(self, value: float) -> str:
        """Return the expected error."""
        return f"Rows are expected to be off by {value:.3f} px here (one standard deviation)"

    def legend(self) -> str:
        """Return the range."""
        return f"{float(self._values.min()):.2f} … {float(self._values.max()):.2f} px"
