"""Zoom, panes and maps: the commands that only change what one looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup

from app.ui.inspection import Inspection
from app.ui.overlays import OVERLAYS
from app.ui.panes import PaneGrid
from app.ui.picture import COLOUR_MAPS
from app.ui.settings import UiSettings
from app.ui.viewport import Viewport

ZOOM_STEP = 2**0.5


class Looking(QObject):
    """Connects the view's commands to viewport and panes, and remembers what was chosen.

    Signals:
        changed: other layers, another colour map or other overlays are on screen.
    """

    changed = Signal()

    def __init__(
        self,
        grid: PaneGrid,
        viewport: Viewport,
        inspection: Inspection,
        settings: UiSettings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._grid = grid
        self._viewport = viewport
        self._inspection = inspection
        self._settings = settings
        self._overlays: frozenset[str] = frozenset()
        self.colour_maps = self._make_colour_maps()
        for pane in grid.panes:
            pane.view.double_clicked.connect(self._on_double_click)
        grid.choice.layer_changed.connect(self._on_layer_changed)
        grid.maximised.connect(self._on_maximised)

    @property
    def colour_map(self) -> str | None:
        """The colour map for all maps; None: each map its own."""
        return self._settings.colour_map or None

    @property
    def overlays(self) -> frozenset[str]:
        """What lies over the cameras' pictures."""
        return self._overlays

    def connect_actions(self, actions: Mapping[str, QAction]) -> None:
        """Connect the commands of the group "View" that this object carries out."""
        for name, slot in self._slots().items():
            actions[name].triggered.connect(slot)
        for name in OVERLAYS:
            actions[name].toggled.connect(self._on_overlay)

    def set_enabled(self, actions: Mapping[str, QAction], *, enabled: bool) -> None:
        """Offer these commands, or not while other pages are on screen."""
        for name in (*self._slots(), *OVERLAYS):
            actions[name].setEnabled(enabled)

    def _slots(self) -> dict[str, Callable[[], None]]:
        return {
            "fit": self._viewport.show_all,
            "actual": self._show_actual,
            "zoom_in": self._zoom_in,
            "zoom_out": self._zoom_out,
            "next_map": self._next_map,
            "previous_map": self._previous_map,
            "clear_pin": self._inspection.release,
            **{f"pane_{pane.number}": self._on_pane_key for pane in self._grid.panes},
        }

    def restore(self) -> None:
        """Show what was shown last."""
        self._grid.choice.choose(self._settings.layer)
        self._grid.maximise(self._settings.maximised)

    def _make_colour_maps(self) -> QActionGroup:
        group = QActionGroup(self)
        for name in ("", *COLOUR_MAPS):
            action = group.addAction(name.capitalize() or "Each its own")
            action.setCheckable(True)
            action.setData(name)
            action.setChecked(name == self._settings.colour_map)
        group.triggered.connect(self._on_colour_map)
        return group

    def _on_layer_changed(self, key: str) -> None:
        self._settings.layer = key
        self._inspection.refresh()
        self.changed.emit()

    def _on_colour_map(self, action: QAction) -> None:
        self._settings.colour_map = str(action.data())
        self.changed.emit()

    def _on_overlay(self, shown: bool) -> None:
        name = self.sender().objectName()
        self._overlays = self._overlays | {name} if shown else self._overlays - {name}
        self.changed.emit()

    def _next_map(self) -> None:
        self._grid.choice.choose_next(1)

    def _previous_map(self) -> None:
        self._grid.choice.choose_next(-1)

    def _on_pane_key(self) -> None:
        self._grid.toggle(int(self.sender().objectName().removeprefix("pane_")))

    def _on_double_click(self) -> None:
        view = self.sender()
        self._grid.toggle(next(pane.number for pane in self._grid.panes if pane.view is view))

    def _on_maximised(self, number: int) -> None:
        self._settings.maximised = number
        self._inspection.refresh()
        self.changed.emit()

    def _show_actual(self) -> None:
        size = self._picture_size()
        if size is not None:
            self._viewport.show_actual(size, self._grid.devicePixelRatioF())

    def _zoom_in(self) -> None:
        self._zoom(ZOOM_STEP)

    def _zoom_out(self) -> None:
        self._zoom(1 / ZOOM_STEP)

    def _zoom(self, factor: float) -> None:
        size = self._picture_size()
        if size is not None:
            view = self._grid.panes[max(self._grid.full - 1, 0)].view
            middle = (view.width() / 2, view.height() / 2)
            self._viewport.zoom(factor, middle, size, (view.width(), view.height()))

    def _picture_size(self) -> tuple[int, int] | None:
        pictures = (pane.view.picture for pane in self._grid.panes)
        return next((picture.size for picture in pictures if picture is not None), None)
