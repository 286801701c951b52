"""Follows the mouse through all panes and keeps the pinned pixel and its weight curve up to date."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.ui.inspector import Pixel, Place, locate, marks_for
from app.ui.panes import Pane, PaneGrid
from app.ui.renderer import Shown
from app.ui.weight_plot import WeightPlot
from models.engine import Colorization


class Inspection(QObject):
    """Connects the panes' mouse to marks, values and the weight plot.

    Signals:
        refused: why a click pinned nothing.
    """

    refused = Signal(str)

    def __init__(self, grid: PaneGrid, plot: WeightPlot, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._grid = grid
        self._plot = plot
        self._shown = Shown()
        self._hover: tuple[Pane, Pixel] | None = None
        self._pin: Pixel | None = None
        self._pin_before: Pixel | None = None
        self._plotted: tuple[Colorization, Pixel] | None = None
        for pane in grid.panes:
            pane.view.hovered.connect(self._on_hovered)
            pane.view.left.connect(self._on_left)
            pane.view.clicked.connect(self._on_clicked)
            pane.view.double_clicked.connect(self._on_double_clicked)

    @property
    def pin(self) -> Pixel | None:
        """The pinned mono pixel."""
        return self._pin

    def show(self, shown: Shown) -> None:
        """Follow new pictures: what is under the mouse and what is pinned may have changed."""
        self._shown = shown
        self._refresh()

    def refresh(self) -> None:
        """Follow other changes, such as another layer in a pane."""
        self._refresh()

    def pin_pixel(self, pixel: Pixel | None) -> None:
        """Pin a mono pixel; None releases it."""
        self._pin_before, self._pin = self._pin, pixel
        self._refresh()

    def release(self) -> None:
        """Release the pinned pixel."""
        self.pin_pixel(None)

    def _on_hovered(self, x: int, y: int) -> None:
        self._hover = (self._pane_of(self.sender()), (x, y))
        self._refresh()

    def _on_left(self) -> None:
        if self._hover is not None:
            self._hover = None
            self._refresh()

    def _on_clicked(self, x: int, y: int) -> None:
        pane = self._pane_of(self.sender())
        place = locate(self._colorization, pane.layer.aligned, x, y)
        if place.mono is None:
            self.refused.emit("No pixel of the mono image takes its colour from there.")
            return
        self.pin_pixel(place.mono)

    def _on_double_clicked(self) -> None:
        # Its first click pinned a pixel that nobody wanted.
        self.pin_pixel(self._pin_before)

    @property
    def _colorization(self) -> Colorization | None:
        result = self._shown.scene.result
        return None if result is None else result.colorization

    def _refresh(self) -> None:
        colorization = self._colorization
        place: Place | None = None
        if self._hover is not None:
            pane, pixel = self._hover
            place = locate(colorization, pane.layer.aligned, *pixel)
        pin = None if self._pin is None else locate(colorization, "mono", *self._pin)
        for pane in self._grid.panes:
            if not pane.isVisible():
                continue
            aligned = pane.layer.aligned
            pane.view.set_marks(marks_for(aligned, place, pin, colorization))
            pane.show_value(None if place is None else place.pixel(aligned))
        self._follow_pin(colorization)

    def _follow_pin(self, colorization: Colorization | None) -> None:
        if self._pin is None or colorization is None:
            if self._plotted is not None:
                self._plotted = None
                self._plot.clear()
            return
        x, y = self._pin
        height, width = colorization.disparity.shape
        if not (0 <= x < width and 0 <= y < height):
            self._pin = None
            self._plot.clear()
            return
        if self._plotted != (colorization, self._pin) and self._plot.isVisible():
            self._plotted = (colorization, self._pin)
            result = self._shown.scene.result
            assert result is not None, "its colorization is there"
            self._plot.show_pixel(colorization, self._pin, result.rectified.reference)

    def _pane_of(self, view: QObject) -> Pane:
        return next(pane for pane in self._grid.panes if pane.view is view)
