"""The middle of the page Inspect: the pictures of one pair, compared in one way or another."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.inspecting.comparing import Measure
from app.ui.inspect.choice import Choice
from app.ui.inspect.compare_bar import CompareBar
from app.ui.inspect.drawing import Drawer, Drawing, origin_of, uses_mono_luma
from app.ui.inspect.keys import CANVAS_KEYS, WAYS
from app.ui.inspect.pane import Pane
from app.ui.inspect.pointing import Pointing
from app.ui.inspect.sides import LAYERS, Content, Side, missing_words, title_of
from app.ui.inspect.stage import Stage
from app.ui.inspector import Pixel
from app.ui.keys import make_key_actions
from app.ui.picture import Picture
from app.ui.settings import UiSettings
from app.ui.viewport import Viewport

PATIENCE_MS = 150
"""For so long the former picture stays while the next one is drawn: turning pairs over does not flicker."""


class Canvas(QWidget):
    """Shows the sides of one pair.

    Attributes:
        viewport: zoom and centre that all views share.
        actions_by_name: the commands of `CANVAS_KEYS`.
        compare: the view of A and B in one place.
        loupe: what lies beside the mouse.

    Signals:
        wanted: frozenset of the methods whose results are on screen.
        clicked: a `Click`.
        hovered: the `Place` under the mouse, None while it is on no picture.
        changed: other sides, another way, or other pictures are on screen.
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
        self.actions_by_name = make_key_actions(CANVAS_KEYS, self)
        self.bar = CompareBar(self.actions_by_name, self)
        self._stage = Stage(self.viewport, self)
        self._pointing = Pointing(self._stage, self._picture, self)
        self.compare, self.loupe = self._stage.compare, self._pointing.loupe
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._stage, 1)
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
        for pane in self._stage.every_pane:
            pane.chosen.connect(self._on_chosen)
        self.compare.side_shown.connect(self._on_side_shown)
        self._pointing.clicked.connect(self.clicked)
        self._pointing.hovered.connect(self.hovered)
        self.actions_by_name["loupe"].toggled.connect(self._pointing.magnify)
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
            "fit": self.viewport.show_all,
            "actual": self._stage.show_actual,
            "zoom_in": self._stage.zoom_in,
            "zoom_out": self._stage.zoom_out,
            "divider_left": self._stage.divider_left,
            "divider_right": self._stage.divider_right,
            "clear_pin": self._pointing.release,
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
        return self._stage.panes

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides on screen, or that what is on screen is made of."""
        return self._choice.sides[: self._choice.count if self.way == "panes" else 2]

    @property
    def pin(self) -> Pixel | None:
        """The mono pixel that was clicked."""
        return self._pointing.pin

    def show_content(self, content: Content) -> None:
        """Show another pair, or more of this one."""
        self._content = content
        self._choice = self._choice.with_methods(content.methods)
        self._show_choice()
        self._refresh()

    def forget(self) -> None:
        """Another source was opened: keep no pictures of the former."""
        self._drawer.forget()

    def set_sides(self, sides: tuple[Side, ...], way: str | None = None) -> None:
        """Show these sides, A first, in this way (None: as now)."""
        self._choose(self._choice.with_sides(sides, way or self.way))

    def show_method(self, method: str) -> None:
        """Show what is on screen of this method, wherever a method's result is shown."""
        self._choose(self._choice.of_method(method))

    def set_pin(self, pixel: Pixel | None) -> None:
        """Mark a mono pixel and what belongs to it; None takes the mark away."""
        self._pointing.set_pin(pixel)

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
        if way == "blink":
            self.compare.show_side("b" if self.way == "blink" and self.compare.shown_side == "a" else "a")
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
        self._stage.arrange(self.way, self._choice.count)
        self._pointing.forget_mouse()

    def _show_choice(self) -> None:
        self.actions_by_name[self.way].setChecked(True)
        methods, sides = self._content.methods, self._choice.sides
        for pane in self._stage.all_panes[: self._choice.count]:
            pane.show_choice(methods, sides[pane.number])
        self._stage.both.side = self._shown_side()
        self._stage.apart.side = sides[0]
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
        self._stage.follow_size()
        self._pointing.follow(self._content, self.sides)
        self._pointing.refresh()

    @staticmethod
    def _show_in(pane: Pane, picture: Picture | None, message: str) -> None:
        pane.view.set_message(message)
        pane.view.set_picture(picture)
        pane.show_scale_of(picture)

    def _show_both(self) -> None:
        first, second = self._choice.sides[:2]
        pictures = (self._picture(first), self._picture(second))
        words = [missing_words(self._content, side) for side in (first, second)]
        self.compare.set_message(words[0] if pictures == (None, None) else "")
        self.compare.set_sides(*pictures, (title_of(first), title_of(second)), (words[0], words[1]))
        self._stage.both.show_scale_of(None, self._note(first, second))

    def _show_apart(self) -> None:
        first, second = self._choice.sides[:2]
        drawn = self._drawer.get(self._content, self._drawings()[-1])
        absent = next((side for side in (first, second) if self._picture(side) is None), None)
        message = "Comparing …" if absent is None else missing_words(self._content, absent)
        picture = None if drawn is None else drawn.picture
        self._show_in(self._stage.apart, picture, message)
        note = self._note(first, second)
        numbers = "" if drawn is None or drawn.difference is None else drawn.difference.summary()
        self._stage.apart.show_scale_of(picture, f"{note}   {numbers}".strip())

    def _note(self, first: Side, second: Side) -> str:
        """Return what to mind when two sides are compared."""
        if LAYERS[first.layer].aligned != LAYERS[second.layer].aligned:
            return "A and B are views of different cameras: parallax shows, too."
        apart = self.way in ("difference", "delta_e")
        return "Truth with the mono luma" if apart and uses_mono_luma(self._content, (first, second)) else ""

    def _on_side_shown(self) -> None:
        self._stage.both.side = self._shown_side()
        self._pointing.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Hide the loupe: the mouse is elsewhere now."""
        super().resizeEvent(event)
        self.loupe.hide()
