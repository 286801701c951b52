"""The contact sheet: cells of one size in a grid. What is not on screen costs nothing."""

from __future__ import annotations

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

from app.ui.dataset.delegate import PADDING, PairDelegate
from app.ui.dataset.thumbs import ThumbMemory
from app.ui.theme import SKY, WELL

Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
MARGIN = 6
WIDTHS_PX = (120, 720)
"""Of both pictures of a pair together, logical pixels."""
DEFAULT_ASPECT = 4 / 3


class SheetView(QAbstractItemView):
    """Lays the rows of a model out as a grid, painted by its delegate; rows × columns by arithmetic alone.

    Signals:
        looked_at: other cells are on screen, or they have another size.
        zoomed: the user turned the wheel with Ctrl held; +1 closer, −1 further.
    """

    looked_at = Signal()
    zoomed = Signal(int)

    def __init__(self, memory: ThumbMemory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.delegate = PairDelegate(memory, self)
        self.setItemDelegate(self.delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QAbstractItemView.Shape.NoFrame)
        self._aspect = DEFAULT_ASPECT
        self._wanted_px = self.delegate.picture_px.width()
        self._band: QRect | None = None
        self.verticalScrollBar().valueChanged.connect(self.looked_at)

    # --- sizes ---

    @property
    def picture_width(self) -> int:
        """Width of both pictures of a pair together that is wanted, logical pixels."""
        return self._wanted_px

    def set_cells(self, width_px: int, aspect: float | None = None) -> None:
        """Set the width of a pair on screen, and width ÷ height of its images."""
        self._wanted_px = min(max(width_px, WIDTHS_PX[0]), WIDTHS_PX[1])
        self._aspect = aspect or self._aspect
        self._fit_cells()

    def _fit_cells(self) -> None:
        """Give cells about the width that is wanted, so that a row of them fills the view."""
        room = self.viewport().width() - 2 * MARGIN
        count = max(1, round(room / (self._wanted_px + 2 * PADDING)))
        width = max(40, room // count - 2 * PADDING)
        size = QSize(width, max(24, round(width / 2 / self._aspect)))
        if size == self.delegate.picture_px:
            return
        top = self._first_row()
        self.delegate.picture_px = size
        self.updateGeometries()
        self.verticalScrollBar().setValue(top // self.columns * self._cell.height())
        self.viewport().update()
        self.looked_at.emit()

    @property
    def columns(self) -> int:
        """How many cells stand beside each other."""
        return max(1, (self.viewport().width() - 2 * MARGIN) // self._cell.width())

    @property
    def _cell(self) -> QSize:
        return self.delegate.cell_px

    def _count(self) -> int:
        return self.model().rowCount() if self.model() is not None else 0

    def _first_row(self) -> int:
        return max(0, (self.verticalOffset() - MARGIN) // self._cell.height()) * self.columns

    def rows_on_screen(self, pages_before: float = 0.0, pages_after: float = 0.0) -> range:
        """Return the rows of the model in view, and so many screens before and after."""
        height, cell = self.viewport().height(), self._cell.height()
        top = self.verticalOffset() - MARGIN
        first = max(0, int((top - pages_before * height) // cell)) * self.columns
        last = (int((top + (1 + pages_after) * height) // cell) + 1) * self.columns
        return range(min(first, self._count()), min(max(last, 0), self._count()))

    def updateGeometries(self) -> None:  # noqa: N802
        """Tell the scroll bar how long the sheet is."""
        lines = -(-self._count() // self.columns)
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setRange(0, max(0, lines * self._cell.height() + 2 * MARGIN - height))
        bar.setPageStep(height)
        bar.setSingleStep(max(16, self._cell.height() // 3))
        super().updateGeometries()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Lay out anew."""
        super().resizeEvent(event)
        self._fit_cells()
        self.updateGeometries()
        self.looked_at.emit()

    # --- what QAbstractItemView asks ---

    def visualRect(self, index: Index) -> QRect:  # noqa: N802
        """Return the place of a cell in the viewport."""
        if not index.isValid():
            return QRect()
        line, column = divmod(index.row(), self.columns)
        cell = self._cell
        return QRect(
            MARGIN + column * cell.width(),
            MARGIN + line * cell.height() - self.verticalOffset(),
            cell.width(),
            cell.height(),
        )

    def indexAt(self, point: QPoint) -> QModelIndex:  # noqa: N802
        """Return the cell at a point of the viewport."""
        cell = self._cell
        column = (point.x() - MARGIN) // cell.width()
        line = (point.y() + self.verticalOffset() - MARGIN) // cell.height()
        row = line * self.columns + column
        if not 0 <= column < self.columns or line < 0 or row >= self._count():
            return QModelIndex()
        return self.model().index(row, 0)

    def scrollTo(  # noqa: N802
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Bring a cell into view."""
        place, bar = self.visualRect(index), self.verticalScrollBar()
        height = self.viewport().height()
        if not place.isValid():
            return
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + place.center().y() - height // 2)
        elif place.top() < MARGIN:
            bar.setValue(bar.value() + place.top() - MARGIN)
        elif place.bottom() > height:
            bar.setValue(bar.value() + min(place.bottom() - height + MARGIN, place.top() - MARGIN))

    def moveCursor(  # noqa: N802
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Return the cell that a key leads to."""
        del modifiers
        count = self._count()
        if not count:
            return QModelIndex()
        actions = QAbstractItemView.CursorAction
        lines = max(1, self.viewport().height() // self._cell.height())
        current = self.currentIndex()
        if not current.isValid():
            return self.model().index(0, 0)
        row, columns = current.row(), self.columns
        steps = {
            actions.MoveLeft: -1,
            actions.MovePrevious: -1,
            actions.MoveRight: 1,
            actions.MoveNext: 1,
            actions.MoveUp: -columns,
            actions.MoveDown: columns,
            actions.MovePageUp: -columns * lines,
            actions.MovePageDown: columns * lines,
            actions.MoveHome: -count,
            actions.MoveEnd: count,
        }
        step = steps.get(action, 0)
        target = row + step
        if action in (actions.MoveUp, actions.MoveDown) and not 0 <= target < count:
            target = (
                row if action == actions.MoveUp or row // columns == (count - 1) // columns else count - 1
            )
        return self.model().index(min(max(target, 0), count - 1), 0)

    def horizontalOffset(self) -> int:  # noqa: N802
        """Return 0: it never scrolls sideways."""
        return 0

    def verticalOffset(self) -> int:  # noqa: N802
        """Return how far it is scrolled."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: Index) -> bool:  # noqa: N802
        """Return whether it is another column than the first."""
        return index.column() != 0

    def setSelection(  # noqa: N802
        self, rect: QRect, command: QItemSelectionModel.SelectionFlag
    ) -> None:
        """Select what a rubber band touches; with Shift, all from one cell to the other."""
        if self.state() == QAbstractItemView.State.DragSelectingState:
            self._band = rect.normalized()
            selection = self._inside(self._band)
            self.viewport().update()
        else:
            first, last = self.indexAt(rect.topLeft()), self.indexAt(rect.bottomRight())
            selection = QItemSelection()
            if first.isValid() and last.isValid():
                top, bottom = sorted((first.row(), last.row()))
                selection.select(self.model().index(top, 0), self.model().index(bottom, 0))
        self.selectionModel().select(selection, command)

    def _inside(self, band: QRect) -> QItemSelection:
        selection, cell = QItemSelection(), self._cell
        left = max(0, (band.left() - MARGIN) // cell.width())
        right = min(self.columns - 1, (band.right() - MARGIN) // cell.width())
        top = max(0, (band.top() + self.verticalOffset() - MARGIN) // cell.height())
        bottom = (band.bottom() + self.verticalOffset() - MARGIN) // cell.height()
        for line in range(top, bottom + 1):
            first = line * self.columns + left
            last = min(line * self.columns + right, self._count() - 1)
            if first <= last:
                selection.select(self.model().index(first, 0), self.model().index(last, 0))
        return selection

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:  # noqa: N802, ARG002
        """Return everything: painting what is on screen is quick."""
        return QRegion(self.viewport().rect())

    # --- mouse ---

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The rubber band is done."""
        super().mouseReleaseEvent(event)
        if self._band is not None:
            self._band = None
            self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll; with Ctrl, larger or smaller."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint the cells that are on screen."""
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), QColor(WELL))
        selected, current = self.selectionModel(), self.currentIndex()
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        plain = option.state & ~QStyle.StateFlag.State_HasFocus
        for row in self.rows_on_screen():
            index = self.model().index(row, 0)
            option.rect = self.visualRect(index)
            state = plain
            if selected.isSelected(index):
                state |= QStyle.StateFlag.State_Selected
            if row == current.row():
                state |= QStyle.StateFlag.State_HasFocus
            option.state = state
            self.delegate.paint(painter, option, index)
        if self._band is not None:
            painter.setPen(QPen(QColor(SKY), 1))
            shade = QColor(SKY)
            shade.setAlpha(40)
            painter.fillRect(self._band, shade)
            painter.drawRect(self._band)
