"""Two pictures in one place: side A left of a divider and B right of it, or the one in place of the other."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.image_view import ImageView
from app.ui.picture import Picture
from app.ui.theme import ACCENT, DIM, SMALL_PX, TEXT
from app.ui.viewport import Placement, Viewport

Way = Literal["swipe", "blink"]

GRIP_PX = 7
"""How near the mouse must be to the divider to take hold of it."""

_SHADE = QColor(0, 0, 0, 150)
_LINE = QColor(255, 255, 255, 220)
_PLATE = QColor(0, 0, 0, 150)


class CompareView(ImageView):
    """Shows A and B through the shared viewport.

    The whole of what is hidden comes with one repaint: no fading, no blank in between.

    Signals:
        divider_moved: where the divider is now, in widths of the view.
        side_shown: "a" or "b", in the way "blink".
    """

    divider_moved = Signal(float)
    side_shown = Signal(str)

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(viewport, parent)
        self._other: Picture | None = None
        self._titles = ("A", "B")
        self._messages = ("", "")
        self._way: Way = "swipe"
        self._divider = 0.5
        self._shows_b = False
        self._held = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def way(self) -> Way:
        """How the two share the view."""
        return self._way

    @property
    def divider(self) -> float:
        """Where the divider is, 0 … 1 of the view's width."""
        return self._divider

    @property
    def shown_side(self) -> str:
        """The side that is on screen, "a" or "b", in the way "blink"."""
        return "b" if self._shows_b else "a"

    @property
    def sides(self) -> tuple[Picture | None, Picture | None]:
        """What is compared."""
        return self.picture, self._other

    def set_sides(
        self,
        first: Picture | None,
        second: Picture | None,
        titles: tuple[str, str],
        messages: tuple[str, str] = ("", ""),
    ) -> None:
        """Compare other pictures; where one is missing, its place says its message."""
        self._other = second
        self._titles = titles
        self._messages = messages
        self.set_picture(first)
        self.update()

    def set_way(self, way: Way) -> None:
        """Share the view in another way."""
        self._way = way
        self._held = False
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.update()

    def move_divider(self, share: float) -> None:
        """Put the divider at a share of the view's width."""
        share = min(max(share, 0.0), 1.0)
        if share != self._divider:
            self._divider = share
            self.update()
            self.divider_moved.emit(share)

    def show_side(self, side: str) -> None:
        """Show side "a" or "b"."""
        self._shows_b = side == "b"
        self.update()
        self.side_shown.emit(side)

    def placement(self) -> Placement | None:
        """Return how the pictures lie in the widget: that of B while A is missing."""
        picture = self.picture or self._other
        if picture is None:
            return None
        return self._viewport.placement(picture.size, self._extent(), self.devicePixelRatioF())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the sides, then divider and names."""
        super().paintEvent(event)
        if self.picture is None and self._other is None:
            return
        painter = QPainter(self)
        placement = self.placement()
        if self.picture is None and placement is not None:
            self._paint_sides(painter, placement)  # without A, the view itself has painted nothing
        self._paint_messages(painter)
        if self._way == "swipe":
            self._paint_divider(painter)
        self._paint_titles(painter)

    def _paint_picture(self, painter: QPainter, picture: Picture, placement: Placement) -> None:
        del picture
        self._paint_sides(painter, placement)

    def _paint_sides(self, painter: QPainter, placement: Placement) -> None:
        for side, box in zip(self.sides, self._boxes(), strict=True):
            if side is not None and box.width() > 0:
                painter.setClipRect(box)
                super()._paint_picture(painter, side, self._placed(side, placement))
        painter.setClipping(False)

    def _boxes(self) -> tuple[QRect, QRect]:
        """Return what of the view belongs to A and to B."""
        width, height = self.width(), self.height()
        x = self._divider_x()
        if self._way == "blink":
            x = 0 if self._shows_b else width
        return QRect(0, 0, x, height), QRect(x, 0, width - x, height)

    def _placed(self, picture: Picture, placement: Placement) -> Placement:
        """Return where a picture lies; one of another size has a fit of its own."""
        if self.picture is None or picture.size == self.picture.size:
            return placement
        return self._viewport.placement(picture.size, self._extent(), self.devicePixelRatioF())

    def _divider_x(self) -> int:
        return round(self._divider * self.width())

    def _paint_messages(self, painter: QPainter) -> None:
        painter.setPen(QColor(DIM))
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        for side, box, message in zip(self.sides, self._boxes(), self._messages, strict=True):
            if side is None and box.width() > 0:
                painter.drawText(box.adjusted(16, 8, -16, -8), flags, message)

    def _paint_divider(self, painter: QPainter) -> None:
        x = self._divider_x()
        self._line(painter, x, 0, x, self.height(), QColor(ACCENT) if self._held else _LINE, 1.0)
        middle = self.height() / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(_SHADE, 1))
        painter.setBrush(QColor(ACCENT) if self._held else _LINE)
        painter.drawRoundedRect(QRectF(x - 4, middle - 16, 8, 32), 4, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _paint_titles(self, painter: QPainter) -> None:
        font = painter.font()
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        for number, title in enumerate(self._titles):
            if self._way == "blink" and number != int(self._shows_b):
                continue
            text = f"{'AB'[number]}  {title}"
            width = painter.fontMetrics().horizontalAdvance(text) + 12
            right = number == 1 and self._way == "swipe"
            box = QRectF(self.width() - width - 8 if right else 8, 8, width, SMALL_PX + 9)
            painter.fillRect(box, _PLATE)
            painter.setPen(QColor(TEXT))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)

    # --- mouse ---

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of the divider, else click or pan."""
        if event.button() == Qt.MouseButton.LeftButton and self._near_divider(event.position()):
            self._held = True
            self.update()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the divider, else pan or tell the pixel."""
        if self._held:
            self.move_divider(event.position().x() / max(self.width(), 1))
            return
        super().mouseMoveEvent(event)
        if event.buttons() == Qt.MouseButton.NoButton:
            near = self._near_divider(event.position())
            self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.CrossCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go of the divider."""
        if self._held:
            self._held = False
            self.update()
            return
        super().mouseReleaseEvent(event)

    def _near_divider(self, position: QPointF) -> bool:
        return (
            self._way == "swipe"
            and self.placement() is not None
            and abs(position.x() - self._divider_x()) <= GRIP_PX
        )
