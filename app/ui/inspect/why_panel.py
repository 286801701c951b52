"""The tab "Why": what a pixel's colour was made of, and the same along a line."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.inspecting.why import Explainer, LineWhy, PixelWhy
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.latest import Latest
from app.ui.inspect.marks import CanvasMarks
from app.ui.inspect.model import InspectModel, ItemData
from app.ui.inspect.pane import Pane
from app.ui.inspect.pointing import Click
from app.ui.inspect.side_panel import SidePanel, narrow
from app.ui.inspect.why_facts import WhyFacts
from app.ui.inspect.why_line import LinePlots
from app.ui.inspect.why_marks import candidate_shapes, line_shapes
from app.ui.inspector import Pixel, locate
from app.ui.marking import Shape
from app.ui.weight_plot import WeightPlot

HINT = (
    "Click a pixel in any picture: the candidates that its colour was averaged from are drawn on the "
    "reference, with their weights.\n\nWith Line on, drag along or across an edge to see W for every "
    "pixel of the line."
)
NO_MATCH = "No pixel of the mono image takes its colour from there."
CURVE_PX = 150
STEPS = (
    ("Alt+Left", "to the left", (-1, 0)),
    ("Alt+Right", "to the right", (1, 0)),
    ("Alt+Up", "above", (0, -1)),
    ("Alt+Down", "below", (0, 1)),
)
"""Keys for the neighbours of the explained pixel."""


class WhyPanel(SidePanel):
    """Explains the pixel that was clicked last, and the line that was drawn last, in one method's result.

    Signals:
        explained: a `PixelWhy` is on screen.
        line_explained: a `LineWhy` is on screen.
    """

    explained = Signal(object)
    line_explained = Signal(object)

    def __init__(
        self, model: InspectModel, canvas: Canvas, marks: CanvasMarks, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._canvas = canvas
        self._marks = marks
        self._pixel: Pixel | None = None
        self._ends: tuple[Pixel, Pixel] | None = None
        self._explainer: Explainer | None = None
        self._why: PixelWhy | None = None
        self._item = ""
        self._wanted = ""
        self._add_steps()
        self._pixels = Latest("explaining a pixel", self)
        self._lines = Latest("explaining a line", self)
        self._lay_out()
        self._pixels.finished.connect(self._on_pixel)
        self._lines.finished.connect(self._on_line)
        self._pixels.failed.connect(self._say)
        self._lines.failed.connect(self._say)
        model.shown_changed.connect(self._on_shown)
        model.methods_changed.connect(self._on_methods)
        canvas.clicked.connect(self._on_clicked)
        marks.stroke.connect(self._on_stroke)
        self._say(HINT)

    @property
    def method(self) -> str:
        """Whose W is shown."""
        return str(self._chooser.currentData() or "")

    @property
    def why(self) -> PixelWhy | None:
        """What is shown of a pixel."""
        return self._why

    @property
    def message(self) -> str:
        """What is said where there is nothing to show."""
        return self._words.text() if not self._words.isHidden() else ""

    def explain(self, pixel: Pixel) -> None:
        """Explain a mono pixel (x, y)."""
        self._pixel = pixel
        self._canvas.set_pin(pixel)
        self._refresh_pixel()

    def explain_line(self, start: Pixel, end: Pixel) -> None:
        """Explain the mono pixels from one to another."""
        self._ends = (start, end)
        self._refresh_line()

    def close_threads(self) -> None:
        """End the threads, and wait for them."""
        self._pixels.close()
        self._lines.close()

    def _lay_out(self) -> None:
        self._chooser = narrow(QComboBox(self))
        self._chooser.setToolTip("Whose result is explained. Methods without W have nothing to show.")
        self._chooser.setAccessibleName("Method to explain")
        self._chooser.activated.connect(self._on_method)
        self.line_button = self._toggle(
            "Line", "Drag in a picture to draw a line instead of moving it; a click still explains a pixel"
        )
        self.line_button.toggled.connect(self._on_line_tool)
        self.log_button = self._toggle("Log", "W on a log axis: what little weight there is elsewhere")
        self.log_button.toggled.connect(self._on_log)
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 8, 2)
        head.addWidget(self._chooser, 1)
        head.addWidget(self.line_button)
        head.addWidget(self.log_button)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setProperty("role", "dim")
        self._words.setContentsMargins(10, 8, 10, 8)
        self._title = QLabel(self)
        self._title.setProperty("role", "small")
        self._title.setContentsMargins(8, 2, 8, 0)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.plot = WeightPlot(self)
        self.plot.setFixedHeight(CURVE_PX)
        self.facts = WhyFacts(self)
        self.lines = LinePlots(self)
        self.lines.picked.connect(self._on_picked)
        body = QWidget(self)
        self._column = column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        for widget in (self._words, self._title, self.plot, self.facts, self.lines):
            column.addWidget(widget)
        column.addStretch(1)
        self.show_body(body)
        for widget in (self._title, self.plot, self.facts, self.lines):
            widget.hide()

    def _add_steps(self) -> None:
        """Let Alt and the arrows go to the neighbours of the explained pixel."""
        for key, name, step in STEPS:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setWhatsThis(f"Explain the pixel {name}")
            shortcut.setProperty("step", step)
            shortcut.activated.connect(self._on_step)

    def _on_step(self) -> None:
        if self._why is not None and self._explainer is not None:
            dx, dy = self.sender().property("step")
            width, height = self._explainer.size
            x, y = self._why.x + dx, self._why.y + dy
            self.explain((min(max(x, 0), width - 1), min(max(y, 0), height - 1)))

    def _toggle(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setProperty("framed", True)
        return button

    # --- coming and going ---

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Want W again, and draw again."""
        super().showEvent(event)
        self._want()
        self._on_line_tool(self.line_button.isChecked())
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Leave the pictures to the other tabs."""
        super().hideEvent(event)
        self._marks.clear()
        self._want()

    def _want(self) -> None:
        """Ask for W while it is looked at."""
        self._model.explain(self.method if self.isVisible() else "")

    # --- what changes ---

    def _on_methods(self) -> None:
        former, store = self.method, self._model.store
        self._chooser.clear()
        for method in self._model.methods:
            known = store is not None and store.explains(method)
            self._chooser.addItem(method if known else f"{method} (no W)", method)
        index = max(self._chooser.findData(former), 0)
        self._chooser.setCurrentIndex(index)
        self._want()
        self._refresh()

    def _on_method(self) -> None:
        self._want()
        self._refresh()

    def _on_shown(self, shown: ItemData) -> None:
        if shown.item != self._item:
            self._item = shown.item
            self._pixel, self._ends, self._why, self._explainer = None, None, None, None
            self._pixels.forget()
            self._lines.forget()
        if self.isVisible():
            self._refresh()

    def _on_clicked(self, click: Click) -> None:
        if not self.isVisible():
            return
        index = self._chooser.findData(click.side.method)
        if index >= 0 and index != self._chooser.currentIndex():
            self._chooser.setCurrentIndex(index)
            self._want()
        if click.place.mono is None:
            self._say(NO_MATCH)
            return
        self._pixel = click.place.mono
        self._refresh()

    def _on_stroke(self, pane: Pane, points: tuple[Pixel, ...], finished: bool) -> None:
        del finished
        if not self.isVisible():
            return
        ends = [self._in_mono(pane, point) for point in (points[0], points[-1])]
        if ends[0] is None or ends[1] is None:
            self._say(NO_MATCH)
        else:
            self.explain_line(ends[0], ends[1])

    def _in_mono(self, pane: Pane, pixel: Pixel) -> Pixel | None:
        result = None if self._explainer is None else self._explainer.result
        return locate(result, pane.aligned, *pixel).mono

    def _on_line_tool(self, on: bool) -> None:
        # What a person works with stands first.
        column = self._column
        column.removeWidget(self.lines)
        column.insertWidget(column.indexOf(self.plot) + (1 if on else 2), self.lines)
        if self.isVisible():
            self._marks.set_tool("line" if on else "look")

    def _on_log(self, on: bool) -> None:
        self.plot.set_logarithmic(on)

    def _on_picked(self, sample: int) -> None:
        line = self.lines.line
        if line is not None:
            self.explain((int(line.xs[sample]), int(line.ys[sample])))

    # --- explaining ---

    def _refresh(self) -> None:
        """Show what is asked for with what there is."""
        self._explainer = self._find_explainer()
        self._refresh_pixel()
        self._refresh_line()

    def _find_explainer(self) -> Explainer | None:
        shown = self._model.shown
        if shown is None or shown.pair is None:
            return None
        result = shown.explanations.get(self.method)
        if result is None:
            return None
        if self._explainer is not None and self._explainer.result is result:
            return self._explainer
        prediction = shown.predictions.get(self.method)
        refines = prediction is None or prediction.refined is not None
        return Explainer(shown.pair, result, refines=refines)

    def _refresh_pixel(self) -> None:
        explainer, pixel = self._explainer, self._pixel
        if explainer is None or pixel is None:
            self._pixels.forget()
            self._why = None
            self._say(self._reason())
            self._draw()
            return
        self._pixels.ask(lambda: (explainer, explainer.at(*pixel)))

    def _refresh_line(self) -> None:
        explainer, ends = self._explainer, self._ends
        if explainer is None or ends is None:
            self._lines.forget()
            self.lines.hide()
            self._draw()
            return
        self._lines.ask(lambda: (explainer, explainer.along(*ends)))

    def _reason(self) -> str:
        """Return why there is nothing to show."""
        shown, store = self._model.shown, self._model.store
        if shown is None or store is None:
            return HINT
        problem = shown.problems.get("") or shown.problems.get(self.method)
        if problem:
            return problem
        if self.method and not store.explains(self.method):
            return (
                f"{self.method} has no W: it takes each colour from one place, by its disparity, and fills "
                "the rest from around. Choose a network's result to see candidates and their weights."
            )
        if self._pixel is not None and self._explainer is None:
            return f"Working on W of {self.method} …"
        return HINT

    def _on_pixel(self, answer: tuple[Explainer, PixelWhy]) -> None:
        explainer, why = answer
        if explainer is not self._explainer:
            return
        self._why = why
        self._words.hide()
        self._title.setText(f"Pixel ({why.x}, {why.y})   match ({why.match_x:.1f}, {why.y})")
        self.plot.show_contributions(why.contributions, (why.x, why.y), why.peak_px)
        self.facts.show_why(why)
        for widget in (self._title, self.plot, self.facts):
            widget.show()
        self._draw()
        self.explained.emit(why)

    def _on_line(self, answer: tuple[Explainer, LineWhy]) -> None:
        explainer, line = answer
        if explainer is not self._explainer:
            return
        self.lines.show_line(line)
        self.lines.show()
        if self._why is None:
            self._words.hide()
        self._draw()
        self.line_explained.emit(line)

    def _say(self, words: str) -> None:
        self._words.setText(words)
        self._words.show()
        for widget in (self._title, self.plot, self.facts):
            widget.hide()

    def _draw(self) -> None:
        if not self.isVisible():
            return
        mono: tuple[Shape, ...] = ()
        reference: tuple[Shape, ...] = ()
        line = self.lines.line
        mirrored = self._explainer is not None and self._explainer.result.search.mirrored
        if line is not None and not self.lines.isHidden() and self._explainer is not None:
            mono, reference = line_shapes(line, mirrored=mirrored)
        if self._why is not None:
            reference = (*reference, *candidate_shapes(self._why, mirrored=mirrored))
        self._marks.set_shapes(mono, reference)
