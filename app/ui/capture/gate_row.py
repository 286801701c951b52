"""One gate on screen: its value and its limit on the same bar, and what happens beyond."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QSizePolicy, QWidget

from app.capturing.gates import MODES, GateLimit, GateSpec, Mode
from app.ui.labels import ElidedLabel
from app.ui.theme import ACCENT, DIM, FAINT, GREEN, LINE, TEXT, VERMILION, WELL

STEPS = 50
"""Arrow keys move a limit by the bar's length over this."""

_SIGNS = {"ok": ("✓", GREEN), "warn": ("!", ACCENT), "wall": ("✕", VERMILION), "off": ("–", FAINT)}
_WORDS = {
    "ok": "within its limit",
    "warn": "beyond its limit: a shot is saved with a warning",
    "wall": "beyond its limit: a shot is refused",
    "off": "not known, or the gate is off",
}


def verdict_of(spec: GateSpec, value: float | None, limit: GateLimit) -> str:
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
        colour = QColor(_SIGNS[verdict][1] if verdict in ("warn", "wall") else "#8c8c8c")
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


class GateRow(QWidget):
    """Sign, name, value and mode above the bar and the limit as a number.

    Signals:
        changed: key and the new `GateLimit`, once a person has let go of it.
    """

    changed = Signal(str, object)

    def __init__(self, spec: GateSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._value: float | None = None
        self.limit = GateLimit(spec.default_limit, spec.default_mode)
        self._asked: GateLimit | None = None
        self.sign = QLabel(self)
        self.sign.setFixedWidth(14)
        self.sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel(spec.title, self)
        self.value = ElidedLabel(Qt.TextElideMode.ElideRight, self)
        self.switch = ModeSwitch(spec.title, self)
        self.bar = GateBar(spec, self)
        self.box = self._make_box()
        for widget in (self, title, self.value, self.bar):
            widget.setToolTip(_tip(spec))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        grid.addWidget(self.sign, 0, 0)
        grid.addWidget(title, 0, 1)
        grid.addWidget(self.value, 0, 2)
        grid.addWidget(self.switch, 0, 3)
        grid.addWidget(self.bar, 1, 0, 1, 3)
        grid.addWidget(self.box, 1, 3)
        grid.setColumnStretch(2, 1)
        self.switch.chosen.connect(self._on_mode)
        self.bar.moved.connect(self._on_moved)
        self.bar.let_go.connect(self._on_limit)
        self.box.valueChanged.connect(self._on_limit)
        self._show()

    def _make_box(self) -> QDoubleSpinBox:
        box = QDoubleSpinBox(self)
        box.setDecimals(self.spec.decimals)
        low, high = self.spec.span
        box.setRange(low, high * 10 if self.spec.better == "low" else max(high, 1.0))
        box.setSingleStep((high - low) / STEPS)
        box.setPrefix("≤ " if self.spec.better == "low" else "≥ ")
        box.setSuffix(f" {self.spec.unit}" if self.spec.unit else "")
        box.setKeyboardTracking(False)
        box.setFixedWidth(114)
        box.setFixedHeight(20)
        box.setStyleSheet("padding: 0 6px;")
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.setToolTip(
            f"The limit of {self.spec.title.lower()}" + (f", {self.spec.unit}" * bool(self.spec.unit))
        )
        return box

    @property
    def verdict(self) -> str:
        """How the value stands: "ok", "warn", "wall", or "off" where there is nothing to judge."""
        return verdict_of(self.spec, self._value, self.limit)

    def show_gate(self, value: float | None, limit: GateLimit) -> None:
        """Show the newest value, and the limit unless a person is just changing it."""
        self._value = value
        if self._asked == limit:
            self._asked = None
        if self._asked is None and not self.bar.dragging:
            self.limit = limit
        self._show()

    def forget_wish(self) -> None:
        """What was asked for last will not be answered any more: another rig is running."""
        self._asked = None

    def _show(self) -> None:
        verdict = self.verdict
        sign, colour = _SIGNS[verdict]
        if self.sign.text() != sign:
            self.sign.setText(sign)
            self.sign.setStyleSheet(f"color: {colour}; font-weight: bold;")
            loud = verdict in ("warn", "wall")
            self.value.set_colour(colour if loud else (TEXT if verdict == "ok" else DIM))
            self.sign.setToolTip(_WORDS[verdict])
        self.value.setText(self.spec.text(self._value) if self.isEnabled() else "")
        self.bar.show_gate(self._value, self.limit)
        self.switch.show_mode(self.limit.mode)
        if not self.box.hasFocus() or self.bar.dragging:
            self.box.blockSignals(True)
            self.box.setValue(self.limit.limit)
            self.box.blockSignals(False)

    def _on_mode(self, mode: Mode) -> None:
        self._ask(GateLimit(self.limit.limit, mode))

    def _on_moved(self, limit: float) -> None:
        self.limit = GateLimit(limit, self.limit.mode)
        self._show()

    def _on_limit(self, limit: float) -> None:
        self._ask(GateLimit(limit, self.limit.mode))

    def _ask(self, limit: GateLimit) -> None:
        self._asked = self.limit = limit
        self._show()
        self.changed.emit(self.spec.key, limit)


def _tip(spec: GateSpec) -> str:
    unit = f" in {spec.unit}" if spec.unit else ""
    good = "at most" if spec.better == "low" else "at least"
    return (
        f"<b>{spec.title}</b>{unit}<p>{spec.tip}</p>"
        f"<p>Good: {good} the limit. Drag the handle, or type the limit beside it.</p>"
    )
