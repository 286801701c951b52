"""What the panels draw over the pictures, and what the mouse draws for them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.ui.image_view import ImageView
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.pane import Pane
from app.ui.layers import Alignment
from app.ui.marking import Overlay, Shape, Tool


class CanvasMarks(QObject):
    """Keeps overlay, shapes and tool of one panel at a time on whatever panes are on screen.

    Signals:
        stroke: the pane, pixels (x, y) that the mouse was drawn over, and whether it was let go.
    """

    stroke = Signal(object, object, bool)

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._shapes: dict[Alignment, tuple[Shape, ...]] = {}
        self._overlays: dict[Alignment, Overlay] = {}
        self._tool: Tool = "look"
        self._known: set[ImageView] = set()
        canvas.changed.connect(self._show)

    def set_shapes(self, mono: tuple[Shape, ...], reference: tuple[Shape, ...]) -> None:
        """Draw these over pictures in the mono camera's pixels, and over those in the reference's."""
        self._shapes = {"mono": mono, "reference": reference}
        self._show()

    def set_overlay(self, aligned: Alignment, overlay: Overlay | None) -> None:
        """Lay a map over all pictures of an alignment; None takes all maps away."""
        self._overlays = {} if overlay is None else {aligned: overlay}
        self._show()

    def set_tool(self, tool: Tool) -> None:
        """Say what a drag does."""
        self._tool = tool
        self._show()

    def clear(self) -> None:
        """Take everything away."""
        self._shapes, self._overlays, self._tool = {}, {}, "look"
        self._show()

    def _show(self) -> None:
        for pane in self._canvas.panes:
            view = pane.view
            if view not in self._known:
                self._known.add(view)
                view.stroke.connect(self._on_stroke)
            view.set_shapes(self._shapes.get(pane.aligned, ()))
            view.set_overlay(self._overlays.get(pane.aligned))
            if view.tool != self._tool:
                view.set_tool(self._tool)

    def _on_stroke(self, points: object, finished: bool) -> None:
        pane = self._pane_of(self.sender())
        if pane is not None:
            self.stroke.emit(pane, points, finished)

    def _pane_of(self, view: QObject) -> Pane | None:
        return next((pane for pane in self._canvas.panes if pane.view is view), None)
