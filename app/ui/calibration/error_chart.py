"""A bar per shot and camera: how far found corners are from where the calibration puts them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from math import ceil

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.picture import nice_ceiling
from app.ui.theme import ACCENT, DIM, FAINT, LINE, RECORD, SKY, TEXT, VERMILION, WELL
from capture.calibrate import ViewErrors

_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 20.0, 18.0
MONO_COLOUR, COLOR_COLOUR = SKY, VERMILION


class ErrorChart(QWidget):
    """Errors of all shots. Click a bar, or walk with the arrow keys; Delete leaves a shot out or takes it in.

    Signals:
        selected: name of a shot.
        toggled: name of a shot that is to be left out, or taken in again.
    """

    selected = Signal(str)
    toggled = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._errors: tuple[ViewErrors, ...] = ()
        self._excluded: frozenset[str] = frozenset()
        self._current = -1
        self.setMinimumHeight(110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Error of every shot")

    @property
    def current(self) -> str:
        """Name of the selected shot, empty if none is."""
        return self._errors[self._current].name if 0 <= self._current < len(self._errors) else ""

    @property
    def errors(self) -> tuple[ViewErrors, ...]:
        """What is shown."""
        return self._errors

    def show_errors(self, errors: Sequence[ViewErrors], excluded: frozenset[str]) -> None:
        """Show other errors; `excluded` shots are pale. The selection stays with its shot."""
        before = self.current
        self._errors, self._excluded = tuple(errors), excluded
        names = [view.name for view in self._errors]
        self._current = names.index(before) if before in names else -1
        self.update()

    def select(self, name: str) -> None:
        """Select a shot."""
        names = [view.name for view in self._errors]
        if name in names and name != self.current:
            self._current = names.index(name)
            self.update()
            self.selected.emit(name)

    def bar_middle(self, name: str) -> QPointF:
        """Return where to click for a shot."""
        number = [view.name for view in self._errors].index(name)
        plot = self._plot()
        return QPointF(plot.left() + (number + 0.5) * self._step(plot), plot.center().y())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a height at which bars can be told apart."""
        return QSize(600, 150)

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint axis, bars and marks."""
        painter = QPainter(self)
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        plot = self._plot()
        painter.fillRect(plot, QColor(WELL))
        self._paint_legend(painter)
        if not self._errors:
            return
        top = nice_ceiling(max(_worst(view) for view in self._errors) * 1.05 or 0.1)
        self._paint_axis(painter, plot, top)
        step = self._step(plot)
        for number, view in enumerate(self._errors):
            slot = QRectF(plot.left() + number * step, plot.top(), step, plot.height())
            self._paint_view(painter, slot, view, top, selected=number == self._current)
        self._paint_names(painter, plot, step)

    def _paint_legend(self, painter: QPainter) -> None:
        x = _LEFT
        for words, colour in (
            ("reprojection error, px RMS:", DIM), ("mono", MONO_COLOUR), ("colour", COLOR_COLOUR),
            ("✕ does not fit, not used", RECORD), ("pale: left out by you", FAINT),
        ):  # fmt: skip
            painter.setPen(QColor(colour))
            width = painter.fontMetrics().horizontalAdvance(words)
            painter.drawText(QPointF(x, 13), words)
            x += width + 12

    def _paint_axis(self, painter: QPainter, plot: QRectF, top: float) -> None:
        for share in (0.0, 0.5, 1.0):
            y = plot.bottom() - share * plot.height()
            painter.setPen(QPen(QColor(LINE), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(QColor(DIM))
            label = QRectF(0, y - 8, _LEFT - 6, 16)
            painter.drawText(
                label,
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                f"{top * share:.3g}",
            )

    def _paint_view(
        self, painter: QPainter, slot: QRectF, view: ViewErrors, top: float, *, selected: bool
    ) -> None:
        if selected:
            painter.fillRect(slot, QColor(255, 255, 255, 22))
            painter.setPen(QPen(QColor(ACCENT), 1))
            painter.drawRect(slot.adjusted(0.5, 0.5, -0.5, -0.5))
        width = min(slot.width() * 0.36, 14.0)
        pale = view.name in self._excluded or view.why == "excluded"
        for side, (error_px, colour) in enumerate(
            ((view.mono_px, MONO_COLOUR), (view.color_px, COLOR_COLOUR))
        ):
            if error_px is None:
                continue
            tint = QColor(colour)
            tint.setAlphaF(0.28 if pale else 1.0)
            height = max(min(error_px / top, 1.0) * slot.height(), 1.0)
            left = slot.center().x() + (side - 1) * (width + 1) + side
            painter.fillRect(QRectF(left, slot.bottom() - height, width, height), tint)
        if not view.used and not pale:
            painter.setPen(QColor(RECORD))
            painter.drawText(slot, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop), "✕")

    def _paint_names(self, painter: QPainter, plot: QRectF, step: float) -> None:
        names = _short([view.name for view in self._errors])
        widest = max(painter.fontMetrics().horizontalAdvance(name) for name in names) + 6
        every = max(1, ceil(widest / step))
        for number, name in enumerate(names):
            beside = abs(number - self._current) * step < widest
            if number != self._current and (number % every or (beside and self._current >= 0 and every > 1)):
                continue
            painter.setPen(QColor(TEXT if number == self._current else DIM))
            label = QRectF(plot.left() + (number + 0.5) * step - 40, plot.bottom() + 2, 80, _BOTTOM - 2)
            painter.drawText(label, int(Qt.AlignmentFlag.AlignHCenter), name)

    def _plot(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(self.width() - _LEFT - _RIGHT, 1), self.height() - _TOP - _BOTTOM)

    def _step(self, plot: QRectF) -> float:
        return plot.width() / max(len(self._errors), 1)

    # --- mouse and keys ---

    def _name_at(self, position: QPointF) -> str:
        plot = self._plot()
        if not self._errors or not plot.adjusted(0, 0, 0, _BOTTOM).contains(position):
            return ""
        number = int((position.x() - plot.left()) / self._step(plot))
        return self._errors[min(number, len(self._errors) - 1)].name

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Select the shot under the mouse."""
        name = self._name_at(event.position())
        if name:
            self.select(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Walk through the shots, or toggle one."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self._errors:
            number = min(max(self._current + step, 0), len(self._errors) - 1)
            self.select(self._errors[number].name)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.current:
            self.toggled.emit(self.current)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tell the figures of the bar under the mouse."""
        if isinstance(event, QHelpEvent):
            name = self._name_at(QPointF(event.pos()))
            view = next((view for view in self._errors if view.name == name), None)
            if view is not None:
                QToolTip.showText(event.globalPos(), words_of(view), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)


def words_of(view: ViewErrors) -> str:
    """Return a shot's figures in one line."""
    parts = [
        f"{name} {value:.3f} px"
        for name, value in (
            ("mono", view.mono_px), ("colour", view.color_px), ("rows", view.epipolar_px),
        )
        if value is not None
    ]  # fmt: skip
    line = f"{view.name}: {', '.join(parts)}"
    if view.why:
        line += f"; not used: {view.why}"
    if view.dropped:
        line += f"; {view.dropped} single corners left out"
    return line


def _worst(view: ViewErrors) -> float:
    return max(view.mono_px or 0.0, view.color_px or 0.0)


def _short(names: list[str]) -> list[str]:
    """Return what tells the names apart: without the letters that all begin with, numbers without zeros."""
    columns = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    begin = "".join(letters[0] for letters in columns) if len(names) > 1 else ""
    common = len(begin.rstrip("0123456789"))
    ends = [name[common:] for name in names]
    return [end.lstrip("0") or "0" if end.isdecimal() else end[-10:] for end in ends]
