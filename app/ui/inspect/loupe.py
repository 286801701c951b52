"""A loupe: the pixels around the mouse, magnified, of every picture that is compared, with their values."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.inspector import Pixel
from app.ui.layers import value_text
from app.ui.picture import Picture
from app.ui.theme import ACCENT, DIM, LINE, PANEL, SMALL_PX, TEXT, WELL

CELLS, FEWER_CELLS = 15, 9
"""Pixels along a side of the loupe's squares; odd: the one under the mouse is in the middle. Fewer where more
than two pictures are compared: the loupe must not hide them."""
MAGNIFICATION = 9
GAP_PX = 6
AWAY_PX = 22
"""Between mouse and loupe: what is looked at stays free."""


@dataclass(frozen=True, eq=False)
class Look:
    """One square: a picture and the pixel in its middle, None where it is not known."""

    title: str
    picture: Picture
    pixel: Pixel | None


class Loupe(QWidget):
    """Lies over the pictures, beside the mouse, and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._looks: tuple[Look, ...] = ()
        self.hide()

    @property
    def looks(self) -> tuple[Look, ...]:
        """What is in it."""
        return self._looks

    def show_looks(self, looks: tuple[Look, ...], mouse: QPoint) -> None:
        """Show squares beside a position of the parent; nothing to show hides the loupe."""
        self._looks = looks
        if not looks:
            self.hide()
            return
        side = self._cells() * MAGNIFICATION
        columns = min(len(looks), 3)
        rows = -(-len(looks) // columns)
        width = columns * (side + GAP_PX) + GAP_PX
        height = rows * (side + self._line() * 2 + GAP_PX) + GAP_PX
        self.setGeometry(*self._place(mouse, width, height), width, height)
        self.show()
        self.raise_()
        self.update()

    def _place(self, mouse: QPoint, width: int, height: int) -> tuple[int, int]:
        area = self._over.rect()
        x = mouse.x() + AWAY_PX
        if x + width > area.width():
            x = mouse.x() - AWAY_PX - width
        y = mouse.y() + AWAY_PX
        if y + height > area.height():
            y = mouse.y() - AWAY_PX - height
        return max(0, min(x, area.width() - width)), max(0, min(y, area.height() - height))

    def _cells(self) -> int:
        return CELLS if len(self._looks) <= 2 else FEWER_CELLS

    @staticmethod
    def _line() -> int:
        return SMALL_PX + 5

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint the squares."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(PANEL))
        painter.setPen(QColor(LINE))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        font = painter.font()
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        side, line = self._cells() * MAGNIFICATION, self._line()
        for index, look in enumerate(self._looks):
            x = GAP_PX + index % 3 * (side + GAP_PX)
            y = GAP_PX + index // 3 * (side + 2 * line + GAP_PX)
            self._paint_words(painter, look, QRectF(x, y, side, line), QRectF(x, y + line + side, side, line))
            self._paint_square(painter, look, QRectF(x, y + line, side, side))

    @staticmethod
    def _paint_words(painter: QPainter, look: Look, above: QRectF, below: QRectF) -> None:
        metrics = painter.fontMetrics()
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.setPen(QColor(TEXT))
        painter.drawText(
            above, flags, metrics.elidedText(look.title, Qt.TextElideMode.ElideRight, int(above.width()))
        )
        painter.setPen(QColor(DIM))
        inside = look.pixel is not None and look.picture.has(*look.pixel)
        value = value_text(look.picture, *look.pixel) if inside and look.pixel is not None else "no match"
        painter.drawText(
            below, flags, metrics.elidedText(value, Qt.TextElideMode.ElideRight, int(below.width()))
        )

    def _paint_square(self, painter: QPainter, look: Look, box: QRectF) -> None:
        cells = self._cells()
        painter.fillRect(box, QColor(WELL))
        if look.pixel is None:
            return
        x0, y0 = look.pixel[0] - cells // 2, look.pixel[1] - cells // 2
        width, height = look.picture.size
        left, top = max(x0, 0), max(y0, 0)
        right, bottom = min(x0 + cells, width), min(y0 + cells, height)
        if right > left and bottom > top:
            target = QRectF(
                box.x() + (left - x0) * MAGNIFICATION,
                box.y() + (top - y0) * MAGNIFICATION,
                (right - left) * MAGNIFICATION,
                (bottom - top) * MAGNIFICATION,
            )
            painter.drawImage(target, look.picture.levels[0], QRectF(left, top, right - left, bottom - top))
        middle = cells // 2 * MAGNIFICATION
        cell = QRectF(box.x() + middle, box.y() + middle, MAGNIFICATION, MAGNIFICATION)
        for colour, thickness in ((QColor(0, 0, 0, 150), 3.0), (QColor(ACCENT), 1.0)):
            painter.setPen(QPen(colour, thickness))
            painter.drawRect(cell)
