"""A widget that paints one picture and its marks, fast, and tells what the mouse does on it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QSizePolicy, QWidget

from app.ui.inspector import Marks, Pixel
from app.ui.marking import Overlay, Shape, Tool, paint_overlay, paint_shapes
from app.ui.picture import Picture
from app.ui.theme import ACCENT, DIM, WELL
from app.ui.viewport import Placement, Viewport

CLICK_SLACK_PX = 4
"""A press that moves less than this is a click, else it pans."""

_WELL = QColor(WELL)
_SHADE = QColor(0, 0, 0, 150)
_CROSS = QColor(255, 255, 255, 220)
_ROW = QColor(255, 255, 255, 90)
_PIN = QColor(ACCENT)


class ImageView(QWidget):
    """Shows a `Picture` through the shared `Viewport`.

    Signals:
        hovered: image x, y under the mouse; left: the mouse is on no pixel.
        clicked, double_clicked: image x, y; painted: a picture set since the last paint is now on screen.
        stroke: with a tool other than "look", pixels (x, y) that the mouse was drawn over, and whether it was
            let go.
    """

    hovered = Signal(int, int)
    left = Signal()
    clicked = Signal(int, int)
    double_clicked = Signal()
    painted = Signal()
    stroke = Signal(object, bool)

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewport = viewport
        self._picture: Picture | None = None
        self._marks = Marks()
        self._message = ""
        self._unpainted = False
        self._pressed_at: QPoint | None = None
        self._panned_from: QPoint | None = None
        self._overlay: Overlay | None = None
        self._shapes: tuple[Shape, ...] = ()
        self._tool: Tool = "look"
        self._stroke: list[Pixel] = []
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self.setCursor(Qt.CursorShape.CrossCursor)
        viewport.changed.connect(self.update)

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self._picture

    @property
    def marks(self) -> Marks:
        """What is drawn over it."""
        return self._marks

    def set_picture(self, picture: Picture | None) -> None:
        """Show another picture; None shows the message."""
        if picture is self._picture:
            return
        self._picture = picture
        self._unpainted = picture is not None
        self.update()

    def set_marks(self, marks: Marks) -> None:
        """Draw other marks."""
        if marks != self._marks:
            self._marks = marks
            self.update()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """What is drawn over it besides the marks."""
        return self._shapes

    @property
    def overlay(self) -> Overlay | None:
        """The map that lies over it."""
        return self._overlay

    def set_shapes(self, shapes: tuple[Shape, ...]) -> None:
        """Draw other shapes."""
        if shapes != self._shapes:
            self._shapes = shapes
            self.update()

    def set_overlay(self, overlay: Overlay | None) -> None:
        """Lay another map over the picture; one of another size is not shown."""
        if overlay is not self._overlay:
            self._overlay = overlay
            self.update()

    @property
    def tool(self) -> Tool:
        """What a drag with the left button does."""
        return self._tool

    def set_tool(self, tool: Tool) -> None:
        """Say what a drag with the left button does: "look" pans, all others draw. A click stays a click."""
        self._tool = tool
        self._stroke = []

    def set_message(self, message: str) -> None:
        """Say why there is no picture."""
        if message != self._message:
            self._message = message
            self.update()

    def placement(self) -> Placement | None:
        """Return how the picture lies in the widget, None if there is none."""
        if self._picture is None:
            return None
        return self._viewport.placement(self._picture.size, self._extent(), self.devicePixelRatioF())

    def pixel_at(self, position: QPointF) -> Pixel | None:
        """Return the image pixel under a widget position, None outside the picture."""
        placement = self.placement()
        if placement is None or self._picture is None:
            return None
        x, y = placement.to_image(position.x(), position.y())
        width, height = self._picture.size
        return (int(x), int(y)) if 0 <= x < width and 0 <= y < height else None

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size at which a picture still says something."""
        return QSize(120, 80)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint the visible part of the picture, then the marks."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), _WELL)
        placement = self.placement()
        if self._picture is None or placement is None:
            painter.setPen(QColor(DIM))
            box = self.rect().adjusted(16, 8, -16, -8)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._message)
            return
        self._paint_picture(painter, self._picture, placement)
        self.paint_annotations(painter, placement)
        painter.end()
        if self._unpainted:
            self._unpainted = False
            self.painted.emit()

    def paint_annotations(self, painter: QPainter, placement: Placement) -> None:
        """Paint what lies over the picture, which lies as placed: here, or in an exported file."""
        if self._picture is None:
            return
        if self._overlay is not None and self._picture.size == (
            self._overlay.image.width(),
            self._overlay.image.height(),
        ):
            smooth = placement.scale * self.devicePixelRatioF() < 1.0
            paint_overlay(painter, self._overlay, placement, self._picture.size, smooth=smooth)
        if self._shapes:
            paint_shapes(painter, self._shapes, placement)
        self._paint_marks(painter, self._picture, placement)

    def _paint_picture(self, painter: QPainter, picture: Picture, placement: Placement) -> None:
        device_scale = placement.scale * self.devicePixelRatioF()
        level = picture.level_for(device_scale)
        image = picture.levels[level]
        width, height = picture.size
        x0, y0 = placement.to_image(0, 0)
        x1, y1 = placement.to_image(self.width(), self.height())
        # Whole pixels around what is visible: painting costs what is on screen, however large the sensor is.
        x0, y0 = max(int(x0), 0), max(int(y0), 0)
        x1, y1 = min(int(x1) + 1, width), min(int(y1) + 1, height)
        if x1 <= x0 or y1 <= y0:
            return
        target = QRectF(QPointF(*placement.to_widget(x0, y0)), QPointF(*placement.to_widget(x1, y1)))
        fx, fy = image.width() / width, image.height() / height
        source = QRectF(x0 * fx, y0 * fy, (x1 - x0) * fx, (y1 - y0) * fy)
        # Magnified pixels stay crisp squares: what the sensor and the network gave, nothing made up between.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, device_scale < 1.0)
        painter.drawImage(target, image, source)

    def _paint_marks(self, painter: QPainter, picture: Picture, placement: Placement) -> None:
        marks = self._marks
        width, _ = picture.size
        if marks.row is not None:
            _, y = placement.to_widget(0, marks.row + 0.5)
            self._line(painter, placement.to_widget(0, 0)[0], y, placement.to_widget(width, 0)[0], y, _ROW)
            if marks.span is not None:
                x0, x1 = (placement.to_widget(x + 0.5, 0)[0] for x in marks.span)
                self._line(painter, x0, y, x1, y, _PIN, 2.0)
        if marks.cross is not None:
            self._paint_cross(painter, marks.cross, placement, in_row=marks.row is not None)
        if marks.pin is not None:
            self._paint_pin(painter, marks.pin, placement)

    def _paint_cross(self, painter: QPainter, pixel: Pixel, placement: Placement, *, in_row: bool) -> None:
        x, y = placement.to_widget(pixel[0] + 0.5, pixel[1] + 0.5)
        # The middle stays free, so that the pixel itself can be seen.
        gap = max(placement.scale / 2 + 2, 5.0)
        arm = 14.0
        # Where the epipolar line runs through it, that is its horizontal arm.
        arms = ((0, 1), (0, -1)) if in_row else ((1, 0), (-1, 0), (0, 1), (0, -1))
        for dx, dy in arms:
            self._line(
                painter, x + dx * gap, y + dy * gap, x + dx * (gap + arm), y + dy * (gap + arm), _CROSS
            )
        if placement.scale >= 6:
            half = placement.scale / 2
            painter.setPen(QPen(_CROSS, 1))
            painter.drawRect(QRectF(x - half, y - half, 2 * half, 2 * half))

    @staticmethod
    def _paint_pin(painter: QPainter, pixel: Pixel, placement: Placement) -> None:
        x, y = placement.to_widget(pixel[0] + 0.5, pixel[1] + 0.5)
        radius = max(placement.scale * 0.75, 5.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, thickness in ((_SHADE, 3.5), (_PIN, 1.6)):
            painter.setPen(QPen(colour, thickness))
            painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    @staticmethod
    def _line(
        painter: QPainter, x0: float, y0: float, x1: float, y1: float, colour: QColor, thickness: float = 1.0
    ) -> None:
        """Draw a line that can be seen on any picture: dark below, light above."""
        for pen_colour, width in ((_SHADE, thickness + 2), (colour, thickness)):
            painter.setPen(QPen(pen_colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin a click or a pan."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed_at = self._panned_from = event.position().toPoint()
            self._stroke = []
            begin = self._nearest_pixel(event.position())
            if self._tool != "look" and event.button() == Qt.MouseButton.LeftButton and begin is not None:
                self._stroke = [begin]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pan while a button is held, else tell which pixel the mouse is on."""
        here = event.position().toPoint()
        if self._stroke and self._pressed_at is not None:
            self._draw_to(event.position(), (here - self._pressed_at).manhattanLength())
            return
        if self._panned_from is not None and self._pressed_at is not None and self._picture is not None:
            if self._pressed_at != here and (here - self._pressed_at).manhattanLength() >= CLICK_SLACK_PX:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
            if self.cursor().shape() == Qt.CursorShape.ClosedHandCursor:
                moved = here - self._panned_from
                self._panned_from = here
                self._viewport.pan(moved.x(), moved.y(), self._picture.size)
            return
        self._tell_hover(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End a pan, or tell the click."""
        if len(self._stroke) > 1:
            drawn, self._stroke = tuple(self._stroke), []
            self._pressed_at = self._panned_from = None
            self.stroke.emit(drawn, True)
            return
        self._stroke = []
        panned = self.cursor().shape() == Qt.CursorShape.ClosedHandCursor
        clicked = self._pressed_at is not None and not panned and event.button() == Qt.MouseButton.LeftButton
        self._pressed_at = self._panned_from = None
        self.setCursor(Qt.CursorShape.CrossCursor)
        pixel = self.pixel_at(event.position())
        if clicked and pixel is not None:
            self.clicked.emit(*pixel)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Tell the double click; its second release is no click."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Tell that the mouse is gone."""
        self.left.emit()
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom about the mouse; a trackpad's two-finger scroll pans."""
        if self._picture is None:
            return
        pixels = event.pixelDelta()
        # Only trackpads give phases; a mouse's wheel always zooms.
        scrolls = event.phase() != Qt.ScrollPhase.NoScrollPhase and not pixels.isNull()
        if scrolls and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._viewport.pan(pixels.x(), pixels.y(), self._picture.size)
        else:
            self._zoom(2.0 ** (event.angleDelta().y() / 360.0), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom on a pinch, on a trackpad or a touch screen."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self._zoom(1.0 + event.value(), event.position())
            return True
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self._zoom(pinch.scaleFactor(), QPointF(self.mapFromGlobal(pinch.centerPoint().toPoint())))
                return True
        return super().event(event)

    def _zoom(self, factor: float, position: QPointF) -> None:
        if self._picture is not None and factor > 0:
            self._viewport.zoom(factor, (position.x(), position.y()), self._picture.size, self._extent())
            self._tell_hover(position)

    def _tell_hover(self, position: QPointF) -> None:
        pixel = self.pixel_at(position)
        if pixel is None:
            self.left.emit()
        else:
            self.hovered.emit(*pixel)

    def _draw_to(self, position: QPointF, moved: int) -> None:
        """Draw on to a position of the widget; a press that hardly moves is still a click."""
        pixel = self._nearest_pixel(position)
        if pixel is None or pixel == self._stroke[-1]:
            return
        if len(self._stroke) == 1 and moved < CLICK_SLACK_PX:
            return
        self._stroke.append(pixel)
        self.stroke.emit(tuple(self._stroke), False)

    def _nearest_pixel(self, position: QPointF) -> Pixel | None:
        """Return the pixel of the picture that is nearest to a widget position, None without a picture."""
        placement = self.placement()
        if placement is None or self._picture is None:
            return None
        x, y = placement.to_image(position.x(), position.y())
        width, height = self._picture.size
        return min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1)

    def _extent(self) -> tuple[int, int]:
        return self.width(), self.height()
