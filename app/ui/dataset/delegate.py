"""Paints a cell of the contact sheet: mono and colour beside each other, name, tags, marks."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.dataset.model import PairModel
from app.ui.dataset.thumbs import ThumbMemory
from app.ui.theme import ACCENT, DIM, FAINT, LINE, PANEL, SKY, SMALL_PX, TEXT, WELL
from capture.dataset_records import PairRecord

Index = QModelIndex | QPersistentModelIndex

PADDING = 4
CAPTION_PX = 20
_PICKED = QColor("#4a4a4a")


class PairDelegate(QStyledItemDelegate):
    """Draws what the model and the memory of thumbnails have. Widths are those of both pictures together."""

    def __init__(self, memory: ThumbMemory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self.picture_px = QSize(260, 98)
        self._small = QFont()
        self._small.setPixelSize(SMALL_PX - 1)

    @property
    def cell_px(self) -> QSize:
        """Size of a cell, everything included."""
        return QSize(
            self.picture_px.width() + 2 * PADDING, self.picture_px.height() + CAPTION_PX + 2 * PADDING
        )

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802, ARG002
        """Return the size of a cell: all are the same."""
        return self.cell_px

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        model = index.model()
        assert isinstance(model, PairModel)
        record = model.record(index.row())
        cell: QRect = option.rect
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(cell.adjusted(1, 1, -1, -1), _PICKED)
        picture = QRect(cell.topLeft(), self.picture_px).translated(PADDING, PADDING)
        self._paint_picture(painter, picture, record)
        caption = QRect(picture.left(), picture.bottom() + 1, picture.width(), CAPTION_PX)
        self._paint_caption(painter, caption, record)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(ACCENT), 2))
            painter.drawRect(cell.adjusted(1, 1, -2, -2))
        elif selected:
            painter.setPen(QColor(DIM))
            painter.drawRect(cell.adjusted(1, 1, -2, -2))

    def _paint_picture(self, painter: QPainter, place: QRect, record: PairRecord) -> None:
        ready = self._memory.get(record.name)
        if ready is None or ready.image is None:
            painter.fillRect(place, QColor(WELL))
            painter.setPen(QColor(FAINT if ready is None else ACCENT))
            painter.setFont(self._small)
            words = "…" if ready is None else f"✕ {_reason(ready.problem)}"
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(place.adjusted(6, 2, -6, -2), int(flags), words)
            return
        image = ready.image
        size = image.deviceIndependentSize().toSize()
        if abs(size.width() - place.width()) > 2 and abs(size.height() - place.height()) > 2:
            size = size.scaled(
                place.size(), Qt.AspectRatioMode.KeepAspectRatio
            )  # until the right one is there
        target = QRect(0, 0, size.width(), size.height())
        target.moveCenter(place.center())
        if record.excluded:
            painter.setOpacity(0.3)
        painter.drawImage(target, image)
        painter.setOpacity(1.0)
        if record.excluded:
            painter.setPen(QPen(QColor(TEXT), 1))
            painter.setFont(self._small)
            painter.drawText(target, int(Qt.AlignmentFlag.AlignCenter), "excluded")

    def _paint_caption(self, painter: QPainter, place: QRect, record: PairRecord) -> None:
        painter.setFont(self._small)
        metrics = painter.fontMetrics()
        painter.setPen(QColor(DIM if record.excluded else TEXT))
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        name = metrics.elidedText(record.name, Qt.TextElideMode.ElideLeft, place.width())
        painter.drawText(place, left, name)
        x = place.left() + metrics.horizontalAdvance(name) + 8
        if record.warnings:
            painter.setPen(QColor(ACCENT))
            words = f"⚠ {len(record.warnings)}"
            painter.drawText(place.adjusted(x - place.left(), 0, 0, 0), left, words)
            x += metrics.horizontalAdvance(words) + 8
        for tag in record.tags:
            width = metrics.horizontalAdvance(tag) + 8
            if x + width > place.right():
                painter.setPen(QColor(DIM))
                painter.drawText(place.adjusted(max(x - place.left(), 0), 0, 0, 0), left, "…")
                break
            chip = QRect(x, place.top() + 3, width, place.height() - 6)
            painter.fillRect(chip, QColor(PANEL))
            painter.setPen(QColor(LINE))
            painter.drawRect(chip.adjusted(0, 0, -1, -1))
            painter.setPen(QColor(SKY))
            painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), tag)
            x += width + 3


def _reason(problem: str) -> str:
    """Return why a pair cannot be shown, without the folders before the file's name."""
    head, separator, tail = problem.partition("/")
    if not separator:
        return problem
    path, space, rest = f"/{tail}".partition(" ")
    return f"{head}{'/'.join(path.split('/')[-2:])}{space}{rest}"
