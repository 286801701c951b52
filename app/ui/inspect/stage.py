"""Where the pictures of the canvas stand: panes side by side, or one view for two pictures."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui.image_view import ImageView
from app.ui.inspect.compare_view import CompareView
from app.ui.inspect.keys import MOST_PANES
from app.ui.inspect.pane import Pane
from app.ui.viewport import Viewport

ZOOM_STEP = 2**0.5
DIVIDER_STEP = 0.02


class Stage(QWidget):
    """All views of the canvas, of which some are on screen; they share zoom and centre.

    Attributes:
        all_panes: the panes that stand side by side.
        compare: the view of A and B in one place; it is in the pane `both`.
        apart: the pane of the difference of A and B.
        panes: those on screen.
    """

    def __init__(self, viewport: Viewport, parent: QWidget) -> None:
        super().__init__(parent)
        self._viewport = viewport
        self._size: tuple[int, int] | None = None
        self.all_panes = tuple(Pane(n, ImageView(viewport, self), self) for n in range(MOST_PANES))
        self.compare = CompareView(viewport, self)
        self.both = Pane(0, self.compare, self)
        self.apart = Pane(0, ImageView(viewport, self), self)
        for joined in (self.both, self.apart):
            joined.chooser.hide()
        self.panes: tuple[Pane, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)

    @property
    def every_pane(self) -> tuple[Pane, ...]:
        """All panes, on screen or not."""
        return (*self.all_panes, self.both, self.apart)

    def arrange(self, way: str, count: int) -> None:
        """Put the panes of a way to compare on screen; `count` of them side by side."""
        for pane in self.every_pane:
            self._grid.removeWidget(pane)
            pane.hide()
        if way == "panes":
            self.panes = self.all_panes[:count]
        else:
            self.panes = (self.both,) if way in ("swipe", "blink") else (self.apart,)
        shown = len(self.panes)
        columns = 1 if shown == 1 else 2 if shown in (2, 4) else 3
        for index, pane in enumerate(self.panes):
            self._grid.addWidget(pane, index // columns, index % columns)
            pane.show()
        for place in range(columns + 3):
            self._grid.setColumnStretch(place, int(place < columns))
            self._grid.setRowStretch(place, int(place * columns < shown))
        if way in ("swipe", "blink"):
            self.compare.set_way("swipe" if way == "swipe" else "blink")

    def pane_of(self, view: object) -> Pane:
        """Return the pane of a view on screen."""
        return next(pane for pane in self.panes if pane.view is view)

    def follow_size(self) -> None:
        """Show all of the pictures if they have another size than those before."""
        picture = next((pane.view.picture for pane in self.panes if pane.view.picture is not None), None)
        if picture is not None and picture.size != self._size:
            if self._size is not None:
                self._viewport.show_all()
            self._size = picture.size

    def show_actual(self) -> None:
        """Show one picture pixel on one screen pixel."""
        if self._size is not None:
            self._viewport.show_actual(self._size, self.devicePixelRatioF())

    def zoom_in(self) -> None:
        """Go closer, about the middle."""
        self._zoom(ZOOM_STEP)

    def zoom_out(self) -> None:
        """Go further away."""
        self._zoom(1 / ZOOM_STEP)

    def divider_left(self) -> None:
        """Move the divider of a swipe."""
        self.compare.move_divider(self.compare.divider - DIVIDER_STEP)

    def divider_right(self) -> None:
        """Move the divider of a swipe."""
        self.compare.move_divider(self.compare.divider + DIVIDER_STEP)

    def _zoom(self, factor: float) -> None:
        view = self.panes[0].view
        if self._size is not None:
            extent = (view.width(), view.height())
            self._viewport.zoom(factor, (extent[0] / 2, extent[1] / 2), self._size, extent)
