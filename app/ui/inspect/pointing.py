"""The mouse on the pictures of the canvas: crosshair and pin in every pane, values, and the loupe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, QPointF, Signal

from app.ui.inspect.loupe import Look, Loupe
from app.ui.inspect.pane import Pane
from app.ui.inspect.sides import LAYERS, Content, Side, title_of
from app.ui.inspect.stage import Stage
from app.ui.inspector import Matched, Pixel, Place, locate, marks_for
from app.ui.layers import Alignment, value_text
from app.ui.picture import Picture
from models.engine import SearchRange
from models.evaluation.methods import FloatImage


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


class Pointing(QObject):
    """Follows the mouse.

    Args:
        stage: the views.
        picture_of: the picture of a side, None if it is not there.

    Signals:
        clicked: a `Click`.
        hovered: the `Place` under the mouse, None while it is on no picture.
    """

    clicked = Signal(object)
    hovered = Signal(object)

    def __init__(self, stage: Stage, picture_of: Callable[[Side], Picture | None], parent: QObject) -> None:
        super().__init__(parent)
        self._stage = stage
        self._picture_of = picture_of
        self._content = Content()
        self._sides: tuple[Side, ...] = ()
        self._hover: tuple[Pane, Pixel] | None = None
        self._magnifies = False
        self.pin: Pixel | None = None
        self.loupe = Loupe(stage)
        for pane in stage.every_pane:
            pane.view.hovered.connect(self._on_hovered)
            pane.view.left.connect(self._on_left)
            pane.view.clicked.connect(self._on_clicked)
        stage.compare.divider_moved.connect(self.refresh)

    def follow(self, content: Content, sides: Sequence[Side]) -> None:
        """Say what there is, and which sides are on screen; `refresh` brings the marks."""
        if content.item != self._content.item:
            self.pin = None
        self._content, self._sides = content, tuple(sides)

    def forget_mouse(self) -> None:
        """Other panes are on screen: the mouse is on none of them until it moves."""
        self._hover = None

    def set_pin(self, pixel: Pixel | None) -> None:
        """Mark a mono pixel and what belongs to it; None takes the mark away."""
        self.pin = pixel
        self.refresh()

    def release(self) -> None:
        """Take the pin away."""
        self.set_pin(None)

    def magnify(self, wanted: bool) -> None:
        """Show the loupe, or not."""
        self._magnifies = wanted
        self.refresh()

    def refresh(self) -> None:
        """Bring marks, values and loupe up to date."""
        place = None if self._hover is None else self._place(*self._hover)
        for pane in self._stage.panes:
            match = self._match_of(pane.side)
            pin = None if self.pin is None else locate(match, "mono", *self.pin)
            pane.view.set_marks(marks_for(pane.aligned, place, pin, match))
            pixel = None if place is None else place.pixel(pane.aligned)
            pane.show_value(None if pane is self._stage.both else pane.view.picture, pixel)
            if place is not None and pane in (self._stage.both, self._stage.apart):
                pane.add_values(self._values_at(place))
        self._show_loupe(place)
        self.hovered.emit(place)

    def _match_of(self, side: Side) -> Matched | None:
        """Return where the pixels of a side belong: by its own method, else by the first that knows."""
        content = self._content
        methods = [side.method, *(other.method for other in self._sides), *content.methods]
        for method in methods:
            prediction = content.predictions.get(method)
            if prediction is not None and prediction.disparity is not None and content.search is not None:
                return _Match(prediction.disparity, content.search)
        return None

    def _place(self, pane: Pane, pixel: Pixel) -> Place:
        return locate(self._match_of(pane.side), pane.aligned, *pixel)

    def _on_hovered(self, x: int, y: int) -> None:
        self._hover = (self._stage.pane_of(self.sender()), (x, y))
        self.refresh()

    def _on_left(self) -> None:
        if self._hover is not None:
            self._hover = None
            self.refresh()

    def _on_clicked(self, x: int, y: int) -> None:
        pane = self._stage.pane_of(self.sender())
        place = self._place(pane, (x, y))
        if place.mono is not None:
            self.set_pin(place.mono)
        self.clicked.emit(Click(pane.side, pane.aligned, x, y, place))

    def _values_at(self, place: Place) -> str:
        """Return position and values of the pixel in A and B, for views that show both."""
        words = []
        for letter, side in zip("AB", self._sides, strict=False):
            picture, pixel = self._picture_of(side), place.pixel(LAYERS[side.layer].aligned)
            if picture is not None and pixel is not None and picture.has(*pixel):
                words.append(f"{letter} {pixel[0]}, {pixel[1]}: {value_text(picture, *pixel)}")
        return "   ".join(words)

    def _show_loupe(self, place: Place | None) -> None:
        if not self._magnifies or place is None or self._hover is None:
            self.loupe.show_looks((), QPoint())
            return
        looks = [
            Look(title_of(side), picture, place.pixel(LAYERS[side.layer].aligned))
            for side in dict.fromkeys(self._sides)
            if (picture := self._picture_of(side)) is not None
        ]
        pane, pixel = self._hover
        placement = pane.view.placement()
        if placement is not None:
            spot = QPointF(*placement.to_widget(pixel[0] + 0.5, pixel[1] + 0.5)).toPoint()
            self.loupe.show_looks(tuple(looks), pane.view.mapTo(self._stage, spot))
