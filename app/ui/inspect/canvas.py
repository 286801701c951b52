"""The middle of the page Inspect: the pictures of one pair, compared in one way or another."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.inspecting.comparing import Measure
from app.ui.image_view import ImageView
from app.ui.inspect.choice import Choice
from app.ui.inspect.compare_bar import CompareBar
from app.ui.inspect.compare_view import CompareView
from app.ui.inspect.drawing import Drawer, Drawing, origin_of
from app.ui.inspect.keys import CANVAS_KEYS, MOST_PANES, WAYS
from app.ui.inspect.loupe import Look, Loupe
from app.ui.inspect.pane import Pane
from app.ui.inspect.sides import LAYERS, Content, Side, missing_words, title_of
from app.ui.inspector import Matched, Pixel, Place, locate, marks_for
from app.ui.keys import make_key_actions
from app.ui.layers import Alignment, value_text
from app.ui.picture import Picture
from app.ui.settings import UiSettings
from app.ui.viewport import Viewport
from models.engine import SearchRange
from models.evaluation.methods import FloatImage

ZOOM_STEP = 2**0.5
DIVIDER_STEP = 0.02
PATIENCE_MS = 150
"""For so long the former picture stays while the next one is drawn: turning pairs over does not flicker."""


@dataclass(frozen=True)
class Click:
    """A pixel that was clicked: in which side, and where it belongs in both images."""

    side: Side
    aligned: Alignment
    x: int
    y: int
    place: Place


@dataclass(frozen=True, eq=False)
class _Match:
    """Where a kept result says that mono pixels belong."""

    disparity: FloatImage
    search: SearchRange


class Canvas(QWidget):
    """Shows the sides of one pair.

    Attributes:
        viewport: zoom and centre that all views share.
        actions_by_name: the commands of `CANVAS_KEYS`.

    Signals:
        wanted: frozenset of the methods whose results are on screen.
        clicked: a `Click`.
        hovered: the `Place` under the mouse, None while it is on no picture.
        changed: other sides, another way, or other pictures are on screen.
        choice_changed: a person chose other sides or another way (to be remembered).
    """

    wanted = Signal(object)
    clicked = Signal(object)
    hovered = Signal(object)
    changed = Signal()

    def __init__(self, settings: UiSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.viewport = Viewport(self)
        self._content = Content()
        self._choice = Choice.parse(settings.inspect_sides)
        self._hover: tuple[Pane, Pixel] | None = None
        self._pin: Pixel | None = None
        self._size: tuple[int, int] | None = None
        self.actions_by_name = make_key_actions(CANVAS_KEYS, self)
        self.bar = CompareBar(self.actions_by_name, self)
        self._panes = tuple(Pane(n, ImageView(self.viewport, self), self) for n in range(MOST_PANES))
        self.compare = CompareView(self.viewport, self)
        self._both = Pane(0, self.compare, self)
        self._apart = Pane(0, ImageView(self.viewport, self), self)
        for joined in (self._both, self._apart):
            joined.chooser.hide()
        self._area = QWidget(self)
        self._grid = QGridLayout(self._area)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._area, 1)
        self.loupe = Loupe(self._area)
        self._drawer = Drawer(self)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._connect()
        self._arrange()

    def _connect(self) -> None:
        self._drawer.drawn.connect(self._on_drawn)
        self._drawer.failed.connect(self._on_failed)
        self._patience.timeout.connect(self._on_patience_over)
        self.bar.first.chosen.connect(self._on_first)
        self.bar.second.chosen.connect(self._on_second)
        for pane in (*self._panes, self._both, self._apart):
            pane.chosen.connect(self._on_chosen)
            pane.view.hovered.connect(self._on_hovered)
            pane.view.left.connect(self._on_left)
            pane.view.clicked.connect(self._on_clicked)
        self.compare.side_shown.connect(self._on_side_shown)
        self.compare.divider_moved.connect(self._show_marks)
        for name, action in self.actions_by_name.items():
            if name in WAYS:
                action.triggered.connect(self._on_way)
            elif name.startswith("panes_"):
                action.triggered.connect(self._on_count)
        slots = {
            "next_a": self._on_next_a,
            "previous_a": self._on_previous_a,
            "next_b": self._on_next_b,
            "previous_b": self._on_previous_b,
            "swap": self._on_swap,
            "loupe": self._show_marks,
            "fit": self.viewport.show_all,
            "actual": self._on_actual,
            "zoom_in": self._on_zoom_in,
            "zoom_out": self._on_zoom_out,
            "divider_left": self._on_divider_left,
            "divider_right": self._on_divider_right,
            "clear_pin": self._on_clear_pin,
        }
        for name, slot in slots.items():
            self.actions_by_name[name].triggered.connect(slot)

    # --- what others need ---

    @property
    def content(self) -> Content:
        """What there is of the pair on screen."""
        return self._content

    @property
    def way(self) -> str:
        """How it is compared, one of `WAYS`."""
        return self._choice.way

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes on screen."""
        if self.way == "panes":
            return self._panes[: self._choice.count]
        return (self._both,) if self.way in ("swipe", "blink") else (self._apart,)

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides on screen, or that what is on screen is made of."""
        return self._choice.sides[: self._choice.count if self.way == "panes" else 2]

    @property
    def pin(self) -> Pixel | None:
        """The mono pixel that was clicked."""
        return self._pin

    def show_content(self, content: Content) -> None:
        """Show another pair, or more of this one."""
        if content.item != self._content.item:
            self._pin = None
        self._content = content
        self._choice = self._choice.with_methods(content.methods)
        self._show_choice()
        self._refresh()

    def forget(self) -> None:
        """Another source was opened: keep no pictures of the former."""
        self._drawer.forget()
        self._size = None

    def set_sides(self, sides: tuple[Side, ...], way: str | None = None) -> None:
        """Show these sides, A first, in this way (None: as now)."""
        self._choose(self._choice.with_sides(sides, way or self.way))

    def show_method(self, method: str) -> None:
        """Show what is on screen of this method, wherever a method's result is shown."""
        self._choose(self._choice.of_method(method))

    def set_pin(self, pixel: Pixel | None) -> None:
        """Mark a mono pixel and what belongs to it; None takes the mark away."""
        self._pin = pixel
        self._show_marks()

    def close_threads(self) -> None:
        """End the thread that draws, and wait for it."""
        self._drawer.close()

    # --- choosing ---

    def _choose(self, choice: Choice) -> None:
        arranged = (choice.way, choice.count) != (self._choice.way, self._choice.count)
        self._choice = choice
        self._settings.inspect_sides = choice.text()
        if arranged:
            self._arrange()
        self._show_choice()
        self._refresh()

    def _on_way(self) -> None:
        way = self.sender().objectName()
        if way == "blink" and self.way == "blink":
            self.compare.blink()
        self._choose(self._choice.with_way(way))

    def _on_count(self) -> None:
        count = int(self.sender().objectName().removeprefix("panes_"))
        self._choose(self._choice.with_way("panes").with_count(count))

    def _on_first(self, side: Side) -> None:
        self._on_chosen(0, side)

    def _on_second(self, side: Side) -> None:
        self._on_chosen(1, side)

    def _on_chosen(self, number: int, side: Side) -> None:
        self._choose(self._choice.with_side(number, side))

    def _on_next_a(self) -> None:
        self._step(0, 1)

    def _on_previous_a(self) -> None:
        self._step(0, -1)

    def _on_next_b(self) -> None:
        self._step(1, 1)

    def _on_previous_b(self) -> None:
        self._step(1, -1)

    def _step(self, number: int, by: int) -> None:
        self._choose(self._choice.stepped(number, by, self._content.methods))

    def _on_swap(self) -> None:
        self._choose(self._choice.swapped())

    # --- layout ---

    def _arrange(self) -> None:
        for pane in (*self._panes, self._both, self._apart):
            self._grid.removeWidget(pane)
            pane.hide()
        count = len(self.panes)
        columns = 1 if count == 1 else 2 if count in (2, 4) else 3
        for index, pane in enumerate(self.panes):
            self._grid.addWidget(pane, index // columns, index % columns)
            pane.show()
        for place in range(3):
            self._grid.setColumnStretch(place, int(place < columns))
            self._grid.setRowStretch(place, int(place * columns < count))
        if self.way in ("swipe", "blink"):
            self.compare.set_way("swipe" if self.way == "swipe" else "blink")
        self._hover = None

    def _show_choice(self) -> None:
        self.actions_by_name[self.way].setChecked(True)
        methods, sides = self._content.methods, self._choice.sides
        for pane in self._panes[: self._choice.count]:
            pane.show_choice(methods, sides[pane.number])
        self._both.side = self._shown_side()
        self._apart.side = sides[0]
        self.bar.show_choice(methods, sides[0], sides[1], joined=self.way != "panes")

    def _shown_side(self) -> Side:
        """Return the side whose pixels count in the view that shows two of them."""
        return self._choice.sides[int(self.way == "blink" and self.compare.shown_side == "b")]

    # --- pictures ---

    def _drawings(self) -> list[Drawing]:
        if self.way in ("difference", "delta_e"):
            measure: Measure = "levels" if self.way == "difference" else "delta_e"
            first, second = self._choice.sides[:2]
            return [Drawing(first), Drawing(second), Drawing(first, second, measure)]
        return [Drawing(side) for side in self.sides]

    def _refresh(self) -> None:
        """Show what is drawn, ask for the rest."""
        self._drawer.ask(self._content, [] if self._content.pair is None else self._pending())
        if not self._pending():
            self._patience.stop()
        elif not self._patience.isActive():
            self._patience.start()
        self._show_pictures(keep=True)
        self.wanted.emit(frozenset(side.method for side in self.sides if side.method))
        self.changed.emit()

    def _pending(self) -> list[Drawing]:
        """Return what will be there in a moment: all of it while the pair is read."""
        content = self._content
        wanted = dict.fromkeys(self._drawings())
        if content.pair is None and content.item and "" not in content.messages:
            return list(wanted)
        return [
            drawing
            for drawing in wanted
            if self._drawer.get(content, drawing) is None and origin_of(content, drawing) is not None
        ]

    def _on_patience_over(self) -> None:
        self._show_pictures(keep=False)

    def _on_drawn(self, drawing: Drawing) -> None:
        del drawing
        waits = bool(self._pending())
        if not waits:
            self._patience.stop()
        self._show_pictures(keep=waits and self._patience.isActive())
        self.changed.emit()

    def _on_failed(self, drawing: Drawing, problem: str) -> None:
        self._patience.stop()
        self._show_pictures(keep=False)
        if drawing in self._drawings():
            self.panes[0].view.set_message(problem)

    def _picture(self, side: Side) -> Picture | None:
        drawn = self._drawer.get(self._content, Drawing(side))
        return None if drawn is None else drawn.picture

    def _show_pictures(self, *, keep: bool) -> None:
        """Put pictures on screen. `keep`: where one will be there soon, the former stays until then."""
        pending = self._pending() if keep else []
        if self.way == "panes":
            for pane in self.panes:
                if Drawing(pane.side) not in pending:
                    words = missing_words(self._content, pane.side)
                    self._show_in(pane, self._picture(pane.side), words)
        elif not pending:
            if self.way in ("swipe", "blink"):
                self._show_both()
            else:
                self._show_apart()
        self._keep_size()
        self._show_marks()

    @staticmethod
    def _show_in(pane: Pane, picture: Picture | None, message: str) -> None:
        pane.view.set_message(message)
        pane.view.set_picture(picture)
        pane.show_scale_of(picture)

    def _show_both(self) -> None:
        first, second = self._choice.sides[:2]
        pictures = (self._picture(first), self._picture(second))
        words = [missing_words(self._content, side) for side in (first, second)]
        lacking = [text for text, picture in zip(words, pictures, strict=True) if picture is None]
        self.compare.set_message(lacking[0] if lacking else "")
        self.compare.set_sides(*pictures, titles=(title_of(first), title_of(second)))
        self._both.show_scale_of(None, self._note(first, second) or (lacking[0] if lacking else ""))

    def _show_apart(self) -> None:
        first, second = self._choice.sides[:2]
        drawn = self._drawer.get(self._content, self._drawings()[-1])
        absent = next((side for side in (first, second) if self._picture(side) is None), None)
        message = "Comparing …" if absent is None else missing_words(self._content, absent)
        picture = None if drawn is None else drawn.picture
        self._show_in(self._apart, picture, message)
        note = self._note(first, second)
        numbers = "" if drawn is None or drawn.difference is None else drawn.difference.summary()
        self._apart.show_scale_of(picture, f"{note}   {numbers}".strip())

    @staticmethod
    def _note(first: Side, second: Side) -> str:
        """Return what to mind when two sides are not of the same view."""
        if LAYERS[first.layer].aligned == LAYERS[second.layer].aligned:
            return ""
        return "A and B are views of different cameras: parallax shows, too."

    def _keep_size(self) -> None:
        picture = next((pane.view.picture for pane in self.panes if pane.view.picture is not None), None)
        if picture is not None and picture.size != self._size:
            if self._size is not None:
                self.viewport.show_all()
            self._size = picture.size

    # --- zoom ---

    def _on_actual(self) -> None:
        if self._size is not None:
            self.viewport.show_actual(self._size, self.devicePixelRatioF())

    def _on_zoom_in(self) -> None:
        self._zoom(ZOOM_STEP)

    def _on_zoom_out(self) -> None:
        self._zoom(1 / ZOOM_STEP)

    def _zoom(self, factor: float) -> None:
        view = self.panes[0].view
        if self._size is not None:
            extent = (view.width(), view.height())
            self.viewport.zoom(factor, (extent[0] / 2, extent[1] / 2), self._size, extent)

    def _on_divider_left(self) -> None:
        self.compare.move_divider(self.compare.divider - DIVIDER_STEP)

    def _on_divider_right(self) -> None:
        self.compare.move_divider(self.compare.divider + DIVIDER_STEP)

    # --- mouse ---

    def _pane_of(self, view: object) -> Pane:
        return next(pane for pane in self.panes if pane.view is view)

    def _match_of(self, side: Side) -> Matched | None:
        """Return where the pixels of a side belong: by its own method, else by the first that knows."""
        content = self._content
        methods = [side.method, *(other.method for other in self._choice.sides), *content.methods]
        for method in methods:
            prediction = content.predictions.get(method)
            if prediction is not None and prediction.disparity is not None and content.search is not None:
                return _Match(prediction.disparity, content.search)
        return None

    def _place(self, pane: Pane, pixel: Pixel) -> Place:
        return locate(self._match_of(pane.side), pane.aligned, *pixel)

    def _on_hovered(self, x: int, y: int) -> None:
        self._hover = (self._pane_of(self.sender()), (x, y))
        self._show_marks()

    def _on_left(self) -> None:
        if self._hover is not None:
            self._hover = None
            self._show_marks()

    def _on_clicked(self, x: int, y: int) -> None:
        pane = self._pane_of(self.sender())
        place = self._place(pane, (x, y))
        if place.mono is not None:
            self.set_pin(place.mono)
        self.clicked.emit(Click(pane.side, pane.aligned, x, y, place))

    def _on_clear_pin(self) -> None:
        self.set_pin(None)

    def _on_side_shown(self) -> None:
        self._both.side = self._shown_side()
        self._show_marks()

    def _show_marks(self) -> None:
        place = None
        if self._hover is not None:
            place = self._place(*self._hover)
        for pane in self.panes:
            match = self._match_of(pane.side)
            pin = None if self._pin is None else locate(match, "mono", *self._pin)
            pane.view.set_marks(marks_for(pane.aligned, place, pin, match))
            pixel = None if place is None else place.pixel(pane.aligned)
            pane.show_value(self._shown_picture(pane), pixel)
            if self.way != "panes" and place is not None:
                pane.add_values(self._values_at(place))
        self._show_loupe(place)
        self.hovered.emit(place)

    def _shown_picture(self, pane: Pane) -> Picture | None:
        return None if pane is self._both else pane.view.picture

    def _values_at(self, place: Place) -> str:
        """Return position and values of the pixel in A and B, for views that show both."""
        words = []
        for letter, side in zip("AB", self._choice.sides, strict=False):
            picture, pixel = self._picture(side), place.pixel(LAYERS[side.layer].aligned)
            if picture is not None and pixel is not None and picture.has(*pixel):
                words.append(f"{letter} {pixel[0]}, {pixel[1]}: {value_text(picture, *pixel)}")
        return "   ".join(words)

    def _show_loupe(self, place: Place | None) -> None:
        wanted = self.actions_by_name["loupe"].isChecked()
        if not wanted or place is None or self._hover is None:
            self.loupe.show_looks((), QPoint())
            return
        looks = []
        for side in dict.fromkeys(self.sides):
            picture = self._picture(side)
            if picture is not None:
                looks.append(Look(title_of(side), picture, place.pixel(LAYERS[side.layer].aligned)))
        pane, pixel = self._hover
        placement = pane.view.placement()
        if placement is not None:
            spot = QPointF(*placement.to_widget(pixel[0] + 0.5, pixel[1] + 0.5)).toPoint()
            self.loupe.show_looks(tuple(looks), pane.view.mapTo(self._area, spot))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Hide the loupe: the mouse is elsewhere now."""
        super().resizeEvent(event)
        self.loupe.hide()
