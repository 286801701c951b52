"""What was just captured, newest at the right: a thumbnail each, its name, and what the gates said."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.capturing.gates import GATES
from app.capturing.status import SavedPair
from app.ui.capture.words import titles_text
from app.ui.theme import ACCENT, DIM, FAINT, PANEL, TEXT

THUMB_HEIGHT, TEXT_HEIGHT, MARGIN = 66, 16, 4
_PAIR = Qt.ItemDataRole.UserRole
_IMAGE = Qt.ItemDataRole.UserRole + 1

Index = QModelIndex | QPersistentModelIndex


class _Painter(QStyledItemDelegate):
    """Paints a pair: both pictures, below them the name, tags, and a sign if a gate warned."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802, ARG002 - Qt's name
        image: QImage = index.data(_IMAGE)
        width = round(image.width() * THUMB_HEIGHT / max(image.height(), 1))
        return QSize(width + 2 * MARGIN, THUMB_HEIGHT + TEXT_HEIGHT + 2 * MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        pair: SavedPair = index.data(_PAIR)
        image: QImage = index.data(_IMAGE)
        cell = QRectF(option.rect)
        picture = QRectF(
            cell.left() + MARGIN, cell.top() + MARGIN, cell.width() - 2 * MARGIN, float(THUMB_HEIGHT)
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(picture, image)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        warned = bool(pair.verdict.warnings)
        if selected or warned:
            painter.setPen(QPen(QColor(TEXT if selected else ACCENT), 2 if selected else 1))
            painter.drawRect(picture.adjusted(-1, -1, 1, 1))
        line = QRectF(picture.left(), picture.bottom() + 1, picture.width(), TEXT_HEIGHT)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        if warned:
            painter.setPen(QColor(ACCENT))
            painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), "!")
            line.adjust(0, 0, -9, 0)
        painter.setPen(QColor(TEXT if selected else DIM))
        words = "  ".join((pair.name, *pair.tags))
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(line.width()))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), words)
        painter.restore()


class Filmstrip(QListWidget):
    """The pairs that were saved last.

    Signals:
        opened: the `SavedPair` that was clicked, or chosen by arrow keys.
    """

    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setItemDelegate(_Painter(self))
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(THUMB_HEIGHT + TEXT_HEIGHT + 2 * MARGIN + 14)
        self.setStyleSheet(f"QListWidget {{ background: {PANEL}; border: none; }}")
        self.setAccessibleName("What was just captured")
        self.currentItemChanged.connect(self._on_current)
        self.itemClicked.connect(self._on_clicked)

    @property
    def names(self) -> tuple[str, ...]:
        """What is shown, oldest first."""
        return self._names

    def show_pairs(self, pairs: tuple[SavedPair, ...]) -> None:
        """Show these, oldest first; what is there already stays."""
        names = tuple(pair.name for pair in pairs)
        if names == self._names:
            return
        self.blockSignals(True)
        for row in range(self.count() - 1, -1, -1):
            if self.item(row).data(_PAIR).name not in names:
                self.takeItem(row)
        known = {self.item(row).data(_PAIR).name for row in range(self.count())}
        for row, pair in enumerate(pairs):
            if pair.name not in known:
                self.insertItem(row, _item(pair))
        self.blockSignals(False)
        newer = bool(names) and (not self._names or names[-1] != self._names[-1])
        self._names = names
        if newer and not self.selectedItems():
            self.scrollToItem(self.item(self.count() - 1))

    def deselect(self) -> None:
        """Let none be chosen, and show the newest."""
        self.blockSignals(True)
        self.setCurrentItem(None)  # type: ignore[call-overload] # the stubs forbid what Qt allows
        self.clearSelection()
        self.blockSignals(False)
        if self.count():
            self.scrollToItem(self.item(self.count() - 1))
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say what will be here while nothing is."""
        super().paintEvent(event)
        if not self.count():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(FAINT))
            words = "Nothing captured yet: what is saved appears here, the newest at the right"
            painter.drawText(self.viewport().rect(), int(Qt.AlignmentFlag.AlignCenter), words)

    def _on_current(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.opened.emit(item.data(_PAIR))

    def _on_clicked(self, item: QListWidgetItem) -> None:
        self.opened.emit(item.data(_PAIR))


def _item(pair: SavedPair) -> QListWidgetItem:
    item = QListWidgetItem()
    height, width = pair.picture.shape[:2]
    image = QImage(pair.picture.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    item.setData(_PAIR, pair)
    item.setData(_IMAGE, image)
    item.setToolTip(tip_of(pair))
    return item


def tip_of(pair: SavedPair) -> str:
    """Return everything that is known of a saved pair, as rich text."""
    values = pair.verdict.values
    rows = "".join(
        f"<tr><td>{spec.title}&nbsp;&nbsp;</td><td>{spec.text(values.get(spec.key))}"
        f"{' <b>!</b>' if spec.key in pair.verdict.warnings else ''}</td></tr>"
        for spec in GATES
    )
    tags = f"<p>{', '.join(pair.tags)}</p>" if pair.tags else ""
    warned = f"<p>Warned: {titles_text(pair.verdict.warnings)}</p>" if pair.verdict.warnings else ""
    return f"<b>{pair.name}</b>{tags}{warned}<table>{rows}</table><p>Click: see it large</p>"


def spot_of(strip: Filmstrip, name: str) -> QPointF | None:
    """Return the middle of a pair's thumbnail in the strip's viewport, None if it is not there."""
    for row in range(strip.count()):
        if strip.item(row).data(_PAIR).name == name:
            return QPointF(strip.visualItemRect(strip.item(row)).center())
    return None
