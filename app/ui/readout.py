"""What a pane's title line says of its picture: the value under the mouse, and the colours of a map."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.inspector import Pixel
from app.ui.labels import ElidedLabel
from app.ui.layers import value_text
from app.ui.picture import Picture, Scale, colour_table
from app.ui.theme import DIM, SMALL_PX, TEXT


class ColourBar(QWidget):
    """A map's scale in the title line: colours between lowest and highest value, a tick at the hovered."""

    BAR_PX = 84

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: Scale | None = None
        self._value: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_scale(self, scale: Scale | None) -> None:
        """Show another scale; None hides the bar."""
        if scale == self._scale:
            return
        self._scale = scale
        self.setVisible(scale is not None)
        if scale is not None:
            self.setToolTip(
                f"{scale.colour_map}: {scale.low:g} to {scale.high:g} {scale.unit}; values beyond are clipped"
            )
        self.updateGeometry()
        self.update()

    def show_value(self, value: float | None) -> None:
        """Put a tick at a value; None takes it away."""
        if value != self._value:
            self._value = value
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room that the bar and its labels take."""
        metrics = self.fontMetrics()
        low, high = self._labels()
        return QSize(
            self.BAR_PX + 12 + metrics.horizontalAdvance(low) + metrics.horizontalAdvance(high),
            metrics.height(),
        )

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint labels, colours and tick."""
        if self._scale is None:
            return
        low, high = self._labels()
        metrics = self.fontMetrics()
        painter = QPainter(self)
        painter.setPen(QColor(DIM))
        left = metrics.horizontalAdvance(low) + 5
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.drawText(QRectF(0, 0, left, self.height()), flags, low)
        painter.drawText(QRectF(left + self.BAR_PX + 5, 0, 200, self.height()), flags, high)
        top = (self.height() - 8) / 2
        bar = QRectF(left, top, self.BAR_PX, 8)
        table = colour_table(self._scale.colour_map)
        painter.drawImage(bar, QImage(table.tobytes(), 256, 1, 1024, QImage.Format.Format_RGB32))
        if self._value is not None and self._value == self._value:
            share = (self._value - self._scale.low) / (self._scale.high - self._scale.low)
            x = left + min(max(share, 0.0), 1.0) * self.BAR_PX
            for colour, width in ((QColor(0, 0, 0), 3.0), (QColor(TEXT), 1.0)):
                painter.setPen(QPen(colour, width))
                painter.drawLine(QPointF(x, top - 2), QPointF(x, top + 10))

    def _labels(self) -> tuple[str, str]:
        if self._scale is None:
            return "", ""
        return f"{self._scale.low:g}", f"{self._scale.high:g} {self._scale.unit}".rstrip()


class Readout:
    """The right part of a pane's title line; the pane lays its two widgets out.

    Attributes:
        values: position and value of the pixel under the mouse, else a summary.
        bar: colours of a map, with a tick at that value.
    """

    def __init__(self, parent: QWidget) -> None:
        self.bar = ColourBar(parent)
        self.bar.setStyleSheet(f"font-size: {SMALL_PX - 1}px;")
        self.values = ElidedLabel(Qt.TextElideMode.ElideLeft, parent)
        self.values.setProperty("role", "small")
        self.values.set_dim(dim=True)
        self._summary = ""
        self._hovering = False

    @property
    def line(self) -> str:
        """What it says in words."""
        return self.values.text()

    def show_scale_of(self, picture: Picture | None, summary: str) -> None:
        """Show the colours of a map, and a summary while the mouse is elsewhere."""
        self.bar.show_scale(None if picture is None else picture.scale)
        self._summary = summary
        if not self._hovering:
            self.values.setText(summary)

    def show_value(self, picture: Picture | None, pixel: Pixel | None) -> None:
        """Show position and value of a pixel; None, or one outside, brings the summary back."""
        inside = pixel is not None and picture is not None and picture.has(*pixel)
        self._hovering = inside
        self.values.set_dim(dim=not inside)
        if not inside or pixel is None or picture is None:
            self.bar.show_value(None)
            self.values.setText(self._summary)
            return
        x, y = pixel
        self.values.setText(f"{x}, {y}   {value_text(picture, x, y)}")
        self.bar.show_value(float(picture.values[y, x]) if picture.scale is not None else None)

    def add_words(self, words: str) -> None:
        """Say, while the mouse is there, more of the pixel than its value in the picture."""
        self._hovering = bool(words)
        own = self.values.text() if self.bar.isVisible() else ""
        self.values.set_dim(dim=not words)
        self.values.setText(f"{words}   {own}".strip() if words else self._summary)
