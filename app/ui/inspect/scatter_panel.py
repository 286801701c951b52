"""The tab "Scatter": two methods against each other, a dot for each pair; a click opens it."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.inspecting.export_report import USUAL_COLUMNS
from app.inspecting.measures_duel import Dot, Duel, duel
from app.ui.calibration.jobs import Job
from app.ui.inspect.measured import MeasuredResults
from app.ui.inspect.measures_panel import REFRESH_MS
from app.ui.inspect.model import InspectModel
from app.ui.plots import make_plot, style_plot
from app.ui.theme import DIM, FAINT, SKY, TEXT, VERMILION

EMPTY = "Two methods with results of the same pairs make a scatter plot: choose methods and run them."
OUTCOMES = ((1, SKY), (0, DIM), (-1, VERMILION))


class ScatterPanel(QWidget):
    """One method's values over the other's; wins, losses and ties in words beside it."""

    def __init__(self, model: InspectModel, measured: MeasuredResults, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._measured = model, measured
        self._duel: Duel | None = None
        self._stale = True
        self._job = Job("comparing two methods", self)
        self.first_box, self.second_box, self.column_box = (QComboBox(self) for _ in range(3))
        for box, tip in (
            (self.first_box, "The method on the horizontal axis."),
            (self.second_box, "The method on the vertical axis."),
            (self.column_box, "What is compared."),
        ):
            box.setToolTip(tip)
            box.setMinimumContentsLength(6)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.currentIndexChanged.connect(self._draw)
        self.words = QLabel(EMPTY, self)
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.plot = make_plot("", self)
        self._item = style_plot(self.plot)
        self._item.showGrid(x=True, y=True, alpha=0.12)
        self._item.getAxis("bottom").setHeight(36)
        self._item.getAxis("left").setWidth(64)
        for side in ("bottom", "left"):
            self._item.getAxis(side).enableAutoSIPrefix(False)
        self._line = pg.InfiniteLine((0, 0), angle=45, pen=pg.mkPen(FAINT, style=Qt.PenStyle.DashLine))
        self._item.addItem(self._line)
        self._dots = pg.ScatterPlotItem(
            size=9, hoverable=True, hoverPen=pg.mkPen(TEXT), tip=_tip, hoverSize=13
        )
        self._item.addItem(self._dots)
        self._ring = pg.ScatterPlotItem(size=16, brush=None, pen=pg.mkPen(TEXT, width=2))
        self._ring.setZValue(-1)  # clicks are the dots'
        self._item.addItem(self._ring)
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._arrange()
        self._refresh.timeout.connect(self._on_changed)
        measured.changed.connect(self._refresh.start)
        self._job.finished.connect(self._show)
        self._dots.sigClicked.connect(self._on_click)
        model.item_changed.connect(self._show_current)
        self.refresh()

    @property
    def duel(self) -> Duel | None:
        """What is shown."""
        return self._duel

    def close_threads(self) -> None:
        """End what runs in the background."""
        self._job.close()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Take in what came while the tab was hidden."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def _on_changed(self) -> None:
        self._stale = True
        if self.isVisible() and not self._job.running:
            self.refresh()

    def refresh(self) -> None:
        """Take in what is measured by now; the picture follows."""
        self._stale = False
        methods = self._measured.methods
        columns = self._measured.columns
        usual = [key for key in USUAL_COLUMNS if key in {column.key for column in columns}]
        _fill(self.first_box, [(name, name) for name in methods], 0)
        _fill(self.second_box, [(name, name) for name in methods], 1)
        if len(methods) > 1 and self.first_box.currentIndex() == self.second_box.currentIndex():
            # One method came first, the other later.
            other = 1 if self.first_box.currentIndex() == 0 else 0
            self.second_box.blockSignals(True)
            self.second_box.setCurrentIndex(other)
            self.second_box.blockSignals(False)
        places = {column.key: place for place, column in enumerate(columns)}
        _fill(self.column_box, [(c.heading, c.key) for c in columns], places[usual[0]] if usual else 0)
        self._draw()

    def _draw(self) -> None:
        rows = self._measured.rows
        columns = {column.key: column for column in self._measured.columns}
        column = columns.get(self.column_box.currentData() or "")
        first, second = self.first_box.currentData() or "", self.second_box.currentData() or ""
        if column is None:
            self._job.cancel()
            self._show(None)
        else:
            self._job.start(lambda _tell, _cancelled: duel(rows, column, first, second))

    def _show(self, found: Duel | None) -> None:
        self._duel = found
        if self._stale and self.isVisible():
            self._refresh.start()  # more came meanwhile
        self.plot.setVisible(found is not None)
        self.words.setText(EMPTY if found is None else _words(found))
        self.words.setToolTip("" if found is None else _how(found))
        if found is None:
            return
        x = np.array([dot.first for dot in found.dots])
        y = np.array([dot.second for dot in found.dots])
        colours = {outcome: pg.mkBrush(*pg.mkColor(colour).getRgb()[:3], 170) for outcome, colour in OUTCOMES}
        self._dots.setData(
            x, y, data=found.dots, brush=[colours[dot.outcome] for dot in found.dots], pen=pg.mkPen(None)
        )
        low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
        margin = 0.06 * (high - low or abs(high) or 1.0)
        self._item.setXRange(low - margin, high + margin, padding=0)
        self._item.setYRange(low - margin, high + margin, padding=0)
        for side, name in (("bottom", found.first), ("left", found.second)):
            self._item.getAxis(side).setLabel(name, color=DIM)
        self._show_current()

    def _show_current(self) -> None:
        """Put a ring round the pair that is on screen."""
        mine = [dot for dot in (self._duel.dots if self._duel else ()) if dot.item == self._model.item]
        self._ring.setData([dot.first for dot in mine], [dot.second for dot in mine])

    def _on_click(self, _plot: object, points: Any, event: Any) -> None:
        """Open the pair of the dot that was clicked: of several under the mouse, the nearest."""
        if len(points):
            at = event.pos()
            nearest = min(points, key=lambda point: (point.pos() - at).manhattanLength())
            dot: Dot = nearest.data()
            self._model.set_item(dot.item)

    def _arrange(self) -> None:
        self.setMinimumHeight(120)
        boxes = QHBoxLayout()
        boxes.setSpacing(6)
        for label, box in (("Across", self.first_box), ("Up", self.second_box), ("Measure", self.column_box)):
            name = QLabel(label, self)
            name.setProperty("role", "smalldim")
            name.setBuddy(box)
            boxes.addWidget(name)
            boxes.addWidget(box, 1)
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(self.words, 2)
        below.addWidget(self.plot, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(6)
        column.addLayout(boxes)
        column.addLayout(below, 1)


def _fill(box: QComboBox, entries: list[tuple[str, str]], usual: int) -> None:
    """Offer other entries; what was chosen stays chosen if it is among them."""
    if entries == [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
        return
    chosen = box.currentData()
    box.blockSignals(True)
    box.clear()
    for title, key in entries:
        box.addItem(title, key)
    keys = [key for _, key in entries]
    box.setCurrentIndex(keys.index(chosen) if chosen in keys else min(usual, len(keys) - 1))
    box.blockSignals(False)


def _words(found: Duel) -> str:
    """Return wins, losses, ties and gains with their intervals, as rich text."""
    unit = f" {found.column.unit}" if found.column.unit else ""
    digits = found.column.decimals
    gain, share = found.gain, found.win_share
    first, second, verdict = escape(found.first), escape(found.second), escape(found.verdict)

    def between(low: float, high: float, form: str, factor: float = 1.0) -> str:
        return "" if math.isnan(low) else f" [{factor * low:{form}}, {factor * high:{form}}]"

    return (
        f'<p style="margin: 0 0 5px 0"><span style="color:{SKY}">{first} wins {found.wins}</span> &nbsp; '
        f'<span style="color:{VERMILION}">{second} wins {found.losses}</span> &nbsp; '
        f"ties {found.ties}</p>"
        f'<p style="margin: 0 0 5px 0">{first} is better on {100 * share.value:.0f} %'
        f"{between(share.low, share.high, '.0f', 100)} of {len(found.dots)} pairs, "
        f"by {gain.value:+.{digits}f}{between(gain.low, gain.high, f'+.{digits}f')}{unit} on average.</p>"
        f"<p>{verdict[0].upper()}{verdict[1:]}.</p>"
    )


def _how(found: Duel) -> str:
    unit = f" {found.column.unit}" if found.column.unit else ""
    return (
        "In brackets: 95 % bootstrap intervals over the pairs. Ties count half.\n"
        f"Tied: no further apart than {found.column.tie:g}{unit}."
    )


def _tip(x: float, y: float, data: Dot) -> str:
    return f"{data.item}\n{x:.4g}, {y:.4g}\nClick: open it"
