"""The tab "Maps": one map of one result, laid over the pictures, with thresholds, colours and opacity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.inspecting import maps
from app.inspecting.maps import KINDS, MapInput, MapKind, Undefined, make_map
from app.inspecting.sources import Item
from app.ui.inspect.latest import Latest
from app.ui.inspect.maps_bar import ColourHistogram
from app.ui.inspect.marks import CanvasMarks
from app.ui.inspect.model import InspectModel, ItemData
from app.ui.inspect.side_panel import SidePanel, narrow
from app.ui.marking import Overlay, make_overlay
from app.ui.picture import Scale
from capture.rectify import RectifiedView

COLOURS = ("viridis", "cividis", "magma")
STEPS = 1000
HINT = "Open pairs to see maps of their results."


@dataclass(frozen=True, eq=False)
class Made:
    """A map: of what it is made, its values, and its limits."""

    kind: MapKind
    prediction: object
    values: NDArray[np.float32]
    limits: tuple[float, float]
    span: tuple[float, float]


class Threshold(QWidget):
    """A slider with a number beside it, over the limits of a map.

    Signals:
        changed: a person moved it.
    """

    changed = Signal()

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limits = (0.0, 1.0)
        self._label = QLabel(name, self)
        self._label.setProperty("role", "smalldim")
        self._label.setFixedWidth(44)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, STEPS)
        self.slider.setAccessibleName(name)
        self.number = QDoubleSpinBox(self)
        self.number.setFixedWidth(84)
        for widget in (self._label, self.slider, self.number):
            widget.setToolTip(tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._label)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self._on_number)

    @property
    def value(self) -> float:
        """The threshold."""
        return self.number.value()

    def set_limits(self, limits: tuple[float, float], decimals: int, unit: str, value: float) -> None:
        """Show other limits and another value, without a signal."""
        self._limits = limits
        for widget in (self.slider, self.number):
            widget.blockSignals(True)
        self.number.setDecimals(decimals)
        self.number.setRange(*limits)
        self.number.setSingleStep((limits[1] - limits[0]) / 100)
        self.number.setSuffix(f" {unit}" if unit else "")
        self.number.setValue(value)
        self.slider.setValue(self._step_of(value))
        for widget in (self.slider, self.number):
            widget.blockSignals(False)

    def set_value(self, value: float) -> None:
        """Move it, with a signal."""
        self.number.setValue(value)

    def _step_of(self, value: float) -> int:
        low, high = self._limits
        return round((value - low) / max(high - low, 1e-9) * STEPS)

    def _on_slider(self, step: int) -> None:
        low, high = self._limits
        self.number.setValue(low + (high - low) * step / STEPS)

    def _on_number(self, value: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(self._step_of(value))
        self.slider.blockSignals(False)
        self.changed.emit()


class MapsPanel(SidePanel):
    """Makes maps and overlays in the background.

    Signals:
        mapped: another overlay is on the pictures; the share of pixels that it shows, 0 … 1.
    """

    mapped = Signal(float)

    def __init__(self, model: InspectModel, marks: CanvasMarks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._marks = marks
        self._made: Made | None = None
        self._asked: tuple[object, ...] = ()
        self._opacity_step = 70
        self._chosen: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {}
        self._making = Latest("making a map", self)
        self._painting = Latest("drawing a map", self)
        self._lay_out()
        self._making.finished.connect(self._on_made)
        self._making.failed.connect(self._say)
        self._painting.finished.connect(self._on_painted)
        self._painting.failed.connect(self._say)
        model.shown_changed.connect(self._on_shown)
        model.methods_changed.connect(self._on_methods)
        self._say(HINT)

    @property
    def kind(self) -> MapKind:
        """Which map is chosen."""
        return maps.BY_KEY[str(self._kinds.currentData())]

    @property
    def method(self) -> str:
        """Of whose result."""
        return str(self._methods.currentData() or "")

    @property
    def made(self) -> Made | None:
        """The map on screen."""
        return self._made

    @property
    def message(self) -> str:
        """Why there is no map; empty if there is one."""
        return "" if self._words.isHidden() else self._words.text()

    @property
    def share_text(self) -> str:
        """How many pixels are shown."""
        return self._share.text()

    def choose(self, key: str) -> None:
        """Show another kind of map."""
        self._kinds.setCurrentIndex(self._kinds.findData(key))

    def close_threads(self) -> None:
        """End the threads, and wait for them."""
        self._making.close()
        self._painting.close()

    # --- building ---

    def _lay_out(self) -> None:
        self._kinds = narrow(QComboBox(self))
        self._kinds.setAccessibleName("Map")
        for kind in KINDS:
            self._kinds.addItem(kind.title, kind.key)
            self._kinds.setItemData(self._kinds.count() - 1, kind.tip, Qt.ItemDataRole.ToolTipRole)
        self._kinds.currentIndexChanged.connect(self._on_kind)
        self._methods = narrow(QComboBox(self))
        self._methods.setAccessibleName("Method")
        self._methods.setToolTip("Whose result")
        self._methods.activated.connect(self._refresh)
        self._colours = narrow(QComboBox(self))
        self._colours.setAccessibleName("Colour map")
        self._colours.setToolTip("Colours: even steps to the eye, and safe for colour-blind eyes")
        self._colours.addItems([name.capitalize() for name in COLOURS])
        self._colours.activated.connect(self._on_colours)
        self.bar = ColourHistogram(self)
        self.bar.setFixedHeight(120)
        self.bar.span_changed.connect(self._on_span)
        self.low = Threshold("From", "Values below are hidden", self)
        self.high = Threshold("To", "Values above are hidden", self)
        for threshold in (self.low, self.high):
            threshold.changed.connect(self._on_threshold)
        self.opacity = QSlider(Qt.Orientation.Horizontal, self)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(self._opacity_step)
        self.opacity.setAccessibleName("Opacity")
        self.opacity.setToolTip("How much the map covers the pictures, in %")
        self.opacity.valueChanged.connect(self._paint)
        self.on_pictures = QCheckBox("Over the pictures", self)
        self.on_pictures.setChecked(True)
        self.on_pictures.setToolTip("Lay the map over all pictures whose pixels it is of")
        self.on_pictures.toggled.connect(self._paint)
        self._share = QLabel(self)
        self._share.setProperty("role", "small")
        self._tip = QLabel(self)
        self._tip.setWordWrap(True)
        self._tip.setProperty("role", "smalldim")
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setProperty("role", "dim")
        grid = QGridLayout()
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        for row, (name, widget) in enumerate(
            (
                ("Map", self._kinds),
                ("Result of", self._methods),
                ("Colours", self._colours),
                ("Opacity", self.opacity),
            )
        ):
            label = QLabel(name, self)
            label.setProperty("role", "smalldim")
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(grid)
        column.addWidget(self.on_pictures)
        for part in (self._words, self.bar, self.low, self.high, self._share, self._tip):
            column.addWidget(part)
        column.addStretch(1)
        self.show_body(body)

    # --- coming and going ---

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Lay the map over the pictures."""
        super().showEvent(event)
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Leave the pictures to the other tabs."""
        super().hideEvent(event)
        self._marks.clear()
        self._model.prefer((), "maps")

    # --- what changes ---

    def _on_methods(self) -> None:
        former = self.method
        self._methods.clear()
        for method in self._model.methods:
            self._methods.addItem(method, method)
        self._methods.setCurrentIndex(max(self._methods.findData(former), 0))
        self._refresh()

    def _on_shown(self, shown: ItemData) -> None:
        del shown
        self._refresh()

    def _on_kind(self) -> None:
        self._colours.setCurrentIndex(max(self._colours.findText(self.kind.colour_map.capitalize()), 0))
        self._refresh()

    def _on_colours(self) -> None:
        self._show_scale()
        self._paint()

    def _on_span(self, low: float, high: float) -> None:
        self._remember(span=(low, high))
        self.bar.set_scale(self._scale())
        self._paint()

    def _on_threshold(self) -> None:
        self._remember(thresholds=self._thresholds())
        self.bar.set_thresholds(self.low.value, self.high.value)
        self._paint()

    def _thresholds(self) -> tuple[float, float]:
        """Return what is shown; a slider at its end means everything beyond it, too."""
        low, high = (-np.inf, np.inf) if self._made is None else self._made.limits
        first, last = self.low.value, self.high.value
        return (-np.inf if first <= low + 1e-9 else first, np.inf if last >= high - 1e-9 else last)

    def _remember(
        self,
        span: tuple[float, float] | None = None,
        thresholds: tuple[float, float] | None = None,
    ) -> None:
        """Keep what a person chose for this kind of map: it holds for the next pair, too."""
        if self._made is None:
            return
        before = self._chosen.get(self._made.kind.key, (self._made.span, self._thresholds()))
        self._chosen[self._made.kind.key] = (span or before[0], thresholds or before[1])

    # --- making the map ---

    def _refresh(self) -> None:
        """Make the map that is asked for, if it is not the one on screen."""
        if not self.isVisible():
            return
        self._model.prefer((self.method,), "maps")
        shown, kind = self._model.shown, self.kind
        self._tip.setText(kind.tip)
        prediction = None if shown is None else shown.predictions.get(self.method)
        if shown is None or shown.pair is None or shown.search is None or prediction is None:
            self._nothing(self._reason(shown))
            return
        asked = (kind, shown.pair, prediction)
        if self._asked == asked:
            self._paint()
            return
        self._asked = asked
        item = shown.store.source.item(shown.item)
        given = MapInput(shown.pair, prediction, shown.search)
        if kind.slow:
            self._nothing("Working …", forget=False)
        self._making.ask(lambda: _make(kind, given, item))

    def _reason(self, shown: ItemData | None) -> str:
        if shown is None:
            return HINT
        return shown.problems.get("") or shown.problems.get(self.method) or f"Working on {self.method} …"

    def _nothing(self, words: str, *, forget: bool = True) -> None:
        if forget:
            self._asked = ()
            self._making.forget()
        self._painting.forget()
        self._made = None
        if self.isVisible():
            self._marks.clear()
        self._say(words)

    def _say(self, words: str) -> None:
        self._words.setText(words)
        self._words.show()
        for widget in (self.bar, self.low, self.high, self._share):
            widget.hide()

    def _on_made(self, made: Made | str) -> None:
        if isinstance(made, str):
            self._nothing(made, forget=False)
            return
        if not self._asked or self._asked[0] is not made.kind or self._asked[2] is not made.prediction:
            return
        self._made = made
        self._words.hide()
        span, thresholds = self._chosen.get(made.kind.key, (made.span, (-np.inf, np.inf)))
        low, high = min(made.limits[0], span[0]), max(made.limits[1], span[1])
        self._made = made = replace(made, limits=(low, high), span=span)
        first, last = (min(max(value, low), high) for value in thresholds)
        self.bar.show_values(made.values, (low, high), made.kind.unit)
        digits = made.kind.decimals + 1
        self.low.set_limits((low, high), digits, made.kind.unit, first)
        self.high.set_limits((low, high), digits, made.kind.unit, last)
        self.bar.set_thresholds(first, last)
        self._show_scale()
        for widget in (self.bar, self.low, self.high, self._share):
            widget.show()
        self._paint()

    # --- laying it over the pictures ---

    def _scale(self) -> Scale:
        made = self._made
        assert made is not None, "there is a map"
        span = self._chosen.get(made.kind.key, (made.span, None))[0]
        return Scale(*span, made.kind.unit, COLOURS[self._colours.currentIndex()])

    def _show_scale(self) -> None:
        if self._made is not None:
            self.bar.set_scale(self._scale())

    def _paint(self) -> None:
        made = self._made
        if made is None or not self.isVisible():
            return
        scale = self._scale()
        low, high = self._thresholds()
        opacity = self.opacity.value() / 100 if self.on_pictures.isChecked() else 0.0

        def work() -> tuple[Made, Overlay, float]:
            inside = maps.shown(made.values, low, high) & np.isfinite(made.values)
            overlay = make_overlay(made.values, scale, inside, opacity)
            return made, overlay, maps.share_shown(made.values, low, high)

        self._painting.ask(work)

    def _on_painted(self, painted: tuple[Made, Overlay, float]) -> None:
        made, overlay, share = painted
        if made is not self._made or not self.isVisible():
            return
        undefined = 1 - np.count_nonzero(np.isfinite(made.values)) / made.values.size
        words = f"{share:.1%} of the pixels shown"
        self._share.setText(f"{words}, {undefined:.1%} undefined" if undefined > 0 else words)
        self._marks.set_overlay(made.kind.aligned, overlay if self.on_pictures.isChecked() else None)
        self.mapped.emit(share)


def _make(kind: MapKind, given: MapInput, item: Item) -> Made | str:
    """Return a map, or why there is none. Not in the GUI thread."""
    try:
        if kind.key == "depth":
            calibration = item.calibration()
            given = replace(given, view=None if calibration is None else RectifiedView(calibration))
        values = make_map(kind.key, given)
    except Undefined as reason:
        return str(reason)
    return Made(kind, given.prediction, values, maps.limits_of(kind, values), maps.span_of(kind, values))
