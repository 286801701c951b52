"""A small live picture with a tag that says what the camera is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import ACCENT, DIM, LINE, SKY, TEXT, WELL
from capture.frames import Role

ROLE_COLOURS: dict[Role, str] = {"mono": TEXT, "color": SKY}
ROLE_TAGS: dict[Role, str] = {"mono": "MONO", "color": "COLOUR"}
RADIUS = 5.0


class Thumbnail(QWidget):
    """Paints the newest picture, centred; a message where there is none."""

    def __init__(self, size: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = size
        self._image: QImage | None = None
        self._message = ""
        self._role: Role | None = None
        self._lit = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size asked for."""
        return self._size

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the height asked for; the width may shrink."""
        return QSize(80, self._size.height())

    def set_size(self, size: QSize) -> None:
        """Ask for another size."""
        if size != self._size:
            self._size = size
            self.updateGeometry()

    @property
    def shows_picture(self) -> bool:
        """Whether there is a picture."""
        return self._image is not None

    @property
    def message(self) -> str:
        """What stands in place of a picture."""
        return self._message

    @property
    def lit(self) -> bool:
        """Whether it stands out."""
        return self._lit

    def show_picture(self, pixels: NDArray[np.uint8]) -> None:
        """Show an H×W×3 RGB picture."""
        height, width = pixels.shape[:2]
        # A copy of its own: the array may be gone before the next paint.
        self._image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def show_message(self, message: str) -> None:
        """Show words in place of a picture."""
        self._image = None
        self._message = message
        self.update()

    def set_role(self, role: Role | None) -> None:
        """Tag it."""
        if role != self._role:
            self._role = role
            self.update()

    def set_lit(self, *, lit: bool) -> None:
        """Let it stand out: this is the camera under the hand."""
        if lit != self._lit:
            self._lit = lit
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint picture or message, tag and border."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(WELL))
        painter.drawRoundedRect(area, RADIUS, RADIUS)
        if self._image is not None:
            painter.drawImage(self._fitted(self._image.size(), area), self._image)
        elif self._message:
            painter.setPen(QColor(DIM))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(area.adjusted(10, 6, -10, -6), flags, self._message)
        if self._role is not None:
            self._paint_tag(painter, self._role)
        self._paint_border(painter, area)

    def _paint_border(self, painter: QPainter, area: QRectF) -> None:
        colour, width = (ACCENT, 3.0) if self._lit else (LINE, 1.0)
        if self._role is not None and not self._lit:
            colour = ROLE_COLOURS[self._role]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colour), width))
        painter.drawRoundedRect(area, RADIUS, RADIUS)
        if self._lit:
            self._paint_label(painter, "lens covered", QPointF(area.center().x(), area.bottom() - 20))

    def _paint_label(self, painter: QPainter, text: str, top_middle: QPointF) -> None:
        width = painter.fontMetrics().horizontalAdvance(text) + 16
        box = QRectF(top_middle.x() - width / 2, top_middle.y() - 6, width, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ACCENT))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(WELL))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_tag(self, painter: QPainter, role: Role) -> None:
        font = QFont(self.font())
        font.setPixelSize(11)
        font.setBold(True)
        painter.save()
        painter.setFont(font)
        text = ROLE_TAGS[role]
        box = QRectF(8, 8, painter.fontMetrics().horizontalAdvance(text) + 12, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ROLE_COLOURS[role]))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(WELL))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.restore()

    @staticmethod
    def _fitted(size: QSize, area: QRectF) -> QRectF:
        inside = area.adjusted(2, 2, -2, -2)
        factor = min(inside.width() / size.width(), inside.height() / size.height())
        width, height = size.width() * factor, size.height() * factor
        return QRectF(inside.center().x() - width / 2, inside.center().y() - height / 2, width, height)
