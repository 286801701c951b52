"""The six panes: a title line with values above a picture, in a grid where one can fill it all."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.image_view import ImageView
from app.ui.layers import CHOICES, FIXED, Layer
from app.ui.picture import Picture
from app.ui.readout import Readout
from app.ui.viewport import Viewport

COLUMNS = 3


class Pane(QWidget):
    """One layer with its title line. The last pane's title is a chooser.

    Signals:
        layer_changed: the user chose another layer (its key).
    """

    layer_changed = Signal(str)

    def __init__(
        self, number: int, layers: tuple[Layer, ...], viewport: Viewport, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.number = number
        self.view = ImageView(viewport, self)
        self._layers = layers
        self._layer = layers[0]
        digit = QLabel(str(number), self)
        digit.setProperty("role", "smalldim")
        digit.setToolTip(f"Key {number} or a double click fills the window with this pane.")
        self._title = QLabel(self._layer.title, self)
        self._title.setProperty("role", "small")
        self._chooser: QComboBox | None = None
        self._readout = Readout(self)
        head = QHBoxLayout()
        head.setContentsMargins(6, 0, 6, 0)
        head.setSpacing(6)
        head.addWidget(digit)
        if len(layers) > 1:
            self._chooser = self._make_chooser()
            head.addWidget(self._chooser)
            self._title.hide()
        else:
            head.addWidget(self._title)
        head.addWidget(self._readout.values, 1)
        head.addWidget(self._readout.bar)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        line = QWidget(self)
        line.setFixedHeight(22)
        line.setLayout(head)
        body.addWidget(line)
        body.addWidget(self.view, 1)
        self._describe()

    @property
    def layer(self) -> Layer:
        """What the pane shows."""
        return self._layer

    def choose(self, key: str) -> None:
        """Show another layer of this pane's choice; an unknown key changes nothing."""
        for index, layer in enumerate(self._layers):
            if layer.key == key and self._chooser is not None:
                self._chooser.setCurrentIndex(index)

    def choose_next(self, step: int) -> None:
        """Show the next (1) or previous (−1) layer of the choice."""
        index = self._layers.index(self._layer)
        self.choose(self._layers[(index + step) % len(self._layers)].key)

    def show_picture(self, picture: Picture | None, summary: str) -> None:
        """Show a picture of the pane's layer; the title line says `summary` while the mouse is elsewhere."""
        self.view.set_picture(picture)
        self._readout.show_scale_of(picture, summary)

    def show_value(self, pixel: tuple[int, int] | None) -> None:
        """Show position and value of a pixel in the title line; None brings the summary back."""
        self._readout.show_value(self.view.picture, pixel)

    def value_line(self) -> str:
        """Return what the title line says at its right."""
        return self._readout.line

    def _make_chooser(self) -> QComboBox:
        chooser = QComboBox(self)
        chooser.setObjectName("layerChooser")
        chooser.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for layer in self._layers:
            chooser.addItem(layer.title, layer.key)
        chooser.currentIndexChanged.connect(self._on_chosen)
        return chooser

    def _on_chosen(self, index: int) -> None:
        self._layer = self._layers[index]
        self._describe()
        self.view.set_picture(None)
        self.layer_changed.emit(self._layer.key)

    def _describe(self) -> None:
        self._title.setToolTip(self._layer.tip)
        if self._chooser is not None:
            self._chooser.setToolTip(self._layer.tip)


class PaneGrid(QWidget):
    """Two rows of three panes; one of them can fill the grid.

    Signals:
        maximised: number of the pane that fills the grid, 0 for none.
    """

    maximised = Signal(int)

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panes = tuple(
            Pane(index + 1, layers, viewport, self)
            for index, layers in enumerate([*((layer,) for layer in FIXED), CHOICES])
        )
        self.full = 0
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for index, pane in enumerate(self.panes):
            grid.addWidget(pane, index // COLUMNS, index % COLUMNS)
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        for row in range(len(self.panes) // COLUMNS):
            grid.setRowStretch(row, 1)
        self._grid = grid

    @property
    def choice(self) -> Pane:
        """The pane whose layer can be chosen."""
        return self.panes[-1]

    def visible_layers(self) -> frozenset[str]:
        """Return the keys of the layers that are on screen."""
        return frozenset(pane.layer.key for pane in self.panes if self.full in (0, pane.number))

    def toggle(self, number: int) -> None:
        """Fill the grid with a pane, or bring all back if it does already."""
        self.maximise(0 if self.full == number else number)

    def maximise(self, number: int) -> None:
        """Fill the grid with pane 1 … 6; 0 brings all back."""
        if number == self.full:
            return
        self.full = number
        for index, pane in enumerate(self.panes):
            shown = number in (0, pane.number)
            pane.setVisible(shown)
            if number == 0:
                self._grid.setColumnStretch(index % COLUMNS, 1)
                self._grid.setRowStretch(index // COLUMNS, 1)
        if number:
            # An empty row or column of a grid still takes its share: give all of it to the one that is shown.
            for column in range(COLUMNS):
                self._grid.setColumnStretch(column, int(column == (number - 1) % COLUMNS))
            for row in range(len(self.panes) // COLUMNS):
                self._grid.setRowStretch(row, int(row == (number - 1) // COLUMNS))
        self.maximised.emit(number)

    def set_messages(self, message: str) -> None:
        """Say in the first visible pane why there is no picture; empty: in each pane its layer's words."""
        first = max(self.full, 1)
        for pane in self.panes:
            own = message if pane.number == first else ""
            pane.view.set_message(own if message else pane.layer.missing)
