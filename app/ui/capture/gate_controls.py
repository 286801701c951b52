"""The two controls of a gate: a bar with value and limit, and a switch for what happens beyond."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.capturing.gates import MODES, GateLimit, GateSpec, Mode
from app.ui.theme import ACCENT, DIM, FAINT, LINE, TEXT, VERMILION, WELL

STEPS = 50
"""Arrow keys move a limit by the bar's length over this."""

Standing = Literal["ok", "warn", "wall", "off"]


def verdict_of(spec: GateSpec, value: float | None, limit: GateLimit) -> Standing:
    """Return "ok", "warn", "wall" or "off" for a value."""
    if limit.mode == "off" or value is None:
        return "off"
    return "ok" if spec.keeps(value, limit.limit) else limit.mode


class GateBar(QWidget):
    """Value as a filled bar, limit as a handle that can be dragged, what lies beyond it shaded.

    Signals:
        moved: the limit while it is dragged or moved by arrow keys; let_go: the last of them.
    """

    moved = Signal(float)
    let_go = Signal(float)

    def __init__(self, spec: GateSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
        self._value: float | None = None
        self._limit = GateLimit(spec.default_limit, spec.default_mode)
        self.dragging = False
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName(f"{spec.title}: limit")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size at which a drag is fine enough."""
        return QSize(160, 20)

    def show_gate(self, value: float | None, limit: GateLimit) -> None:
        """Show a value and a limit."""
        if (value, limit) != (self._value, self._limit):
            self._value, self._limit = value, limit
            self.update()

    def position_of(self, value: float) -> float:
        """Return where a value lies in the widget; beyond the span it stops at the ends."""
        low, high = self._spec.span
        track = self._track()
        return track.left() + min(max((value - low) / (high - low), 0.0), 1.0) * track.width()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint track, zone, value and handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = self._track()
        painter.setBrush(QColor(WELL))
        painter.drawRoundedRect(track, 3, 3)
        verdict = verdict_of(self._spec, self._value, self._limit)
        colour = QColor({"warn": ACCENT, "wall": VERMILION}.get(verdict, "#8c8c8c"))
        at = self.position_of(self._limit.limit)
        if self._limit.mode != "off":
            self._paint_zone(painter, track, at)
        if self._value is not None:
            end = self.position_of(self._value)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour if self._limit.mode != "off" else QColor("#555555"))
            painter.drawRoundedRect(
                QRectF(track.left(), track.top() + 2, max(end - track.left(), 3.0), track.height() - 4), 2, 2
            )
        self._paint_handle(painter, track, at)

    def _paint_zone(self, painter: QPainter, track: QRectF, at: float) -> None:
        """Shade where shots are not wanted."""
        wrong = (
            QRectF(at, track.top(), track.right() - at, track.height())
            if self._spec.better == "low"
            else QRectF(track.left(), track.top(), at - track.left(), track.height())
        )
        shade = QColor(VERMILION if self._limit.mode == "wall" else ACCENT)
        shade.setAlpha(52 if self.isEnabled() else 20)
        painter.setBrush(shade)
        painter.drawRoundedRect(wrong, 2, 2)

    def _paint_handle(self, painter: QPainter, track: QRectF, at: float) -> None:
        on = self._limit.mode != "off" and self.isEnabled()
        colour = QColor((TEXT if self.hasFocus() or self.dragging else "#b4b4b4") if on else FAINT)
        painter.setPen(QPen(colour, 2.0))
        painter.drawLine(QPointF(at, track.top() - 2), QPointF(at, track.bottom() + 2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        top = track.top() - 2
        painter.drawPolygon(
            QPolygonF([QPointF(at - 4.5, top - 3), QPointF(at + 4.5, top - 3), QPointF(at, top + 3)])
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the handle, wherever the bar is pressed."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.dragging = True
            self.moved.emit(self._limit_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the handle."""
        if self.dragging:
            self.moved.emit(self._limit_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let the handle go."""
        if self.dragging and event.button() == Qt.MouseButton.LeftButton:
            self.dragging = False
            self.let_go.emit(self._limit_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move the limit by arrow keys."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if steps is None:
            super().keyPressEvent(event)
            return
        low, high = self._spec.span
        limit = min(max(self._limit.limit + steps * (high - low) / STEPS, low), high)
        limit = round(limit, self._spec.decimals)
        self.moved.emit(limit)
        self.let_go.emit(limit)

    def _track(self) -> QRectF:
        return QRectF(6, 7, self.width() - 12, 9)

    def _limit_at(self, x: float) -> float:
        low, high = self._spec.span
        track = self._track()
        share = min(max((x - track.left()) / max(track.width(), 1.0), 0.0), 1.0)
        return round(low + share * (high - low), self._spec.decimals)


class ModeSwitch(QWidget):
    """Off, warn or wall: one click, or arrow keys.

    Signals:
        chosen: the mode.
    """

    chosen = Signal(str)

    _TITLES: tuple[str, ...] = ("Off", "Warn", "Wall")
    _TIPS = (
        "Off: measured and saved with every pair, judged never\n"
        "Warn: a shot beyond the limit is saved, and marked\n"
        "Wall: a shot beyond the limit is refused"
    )

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.mode: Mode = "warn"
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedSize(114, 20)
        self.setToolTip(self._TIPS)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_mode(self, mode: Mode) -> None:
        """Show a mode."""
        if mode != self.mode:
            self.mode = mode
            self.setAccessibleName(f"{self._title}: {mode}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint three fields, one of them lit."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(DIM if self.hasFocus() else LINE), 1))
        painter.setBrush(QColor(WELL))
        painter.drawRoundedRect(frame, 4, 4)
        font = self.font()
        font.setPixelSize(12)
        painter.setFont(font)
        width = self.width() / len(MODES)
        lit = {"off": "#4a4a4a", "warn": "#6b4f12", "wall": "#6d3413"}
        for index, (mode, title) in enumerate(zip(MODES, self._TITLES, strict=True)):
            field = QRectF(index * width, 0, width, self.height())
            if mode == self.mode:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(lit[mode] if self.isEnabled() else LINE))
                painter.drawRoundedRect(field.adjusted(2, 2, -2, -2), 3, 3)
            enabled = self.isEnabled()
            painter.setPen(QColor(TEXT if mode == self.mode and enabled else (DIM if enabled else FAINT)))
            painter.drawText(field, int(Qt.AlignmentFlag.AlignCenter), title)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Choose the field under the mouse."""
        if event.button() == Qt.MouseButton.LeftButton:
            index = int(event.position().x() / (self.width() / len(MODES)))
            self._choose(min(max(index, 0), len(MODES) - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Choose the next field by arrow keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self._choose(min(max(MODES.index(self.mode) + step, 0), len(MODES) - 1))

    def _choose(self, index: int) -> None:
        if MODES[index] != self.mode:
            self.show_mode(MODES[index])
            self.chosen.emit(self.mode)
