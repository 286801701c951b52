"""One place of the canvas: a line with what it shows and the value under the mouse, above the picture."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.image_view import ImageView
from app.ui.inspect.sides import LAYERS, OF_PAIR, OF_RESULT, Side, title_of
from app.ui.inspector import Pixel
from app.ui.layers import Alignment
from app.ui.picture import Picture
from app.ui.readout import Readout


def sides_of(methods: Sequence[str]) -> list[Side]:
    """Return everything that can be chosen, in the order of the choosers."""
    return [
        *(Side(layer) for layer in OF_PAIR),
        *(Side(layer, method) for method in methods for layer in OF_RESULT),
    ]


class SideChooser(QComboBox):
    """Chooses a side.

    Signals:
        chosen: the `Side` that a person chose.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sides: list[Side] = []
        self.setMaxVisibleItems(30)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaximumWidth(220)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(9)
        self.activated.connect(self._on_activated)

    def show_choice(self, methods: Sequence[str], side: Side) -> None:
        """Offer the sides of these methods; `side` is the one that is chosen, also if it is gone."""
        sides = sides_of(methods)
        if side not in sides:
            sides.append(side)
        if sides != self._sides:
            self.clear()
            self._sides = []
            for index, offered in enumerate(sides):
                if index and offered.method != sides[index - 1].method:
                    self.insertSeparator(self.count())
                self.addItem(title_of(offered), offered)
                self.setItemData(self.count() - 1, LAYERS[offered.layer].tip, Qt.ItemDataRole.ToolTipRole)
            self._sides = sides
        self.setCurrentIndex(next(i for i in range(self.count()) if self.itemData(i) == side))
        self.setToolTip(LAYERS[side.layer].tip)

    def _on_activated(self, index: int) -> None:
        side = self.itemData(index)
        if isinstance(side, Side):
            self.chosen.emit(side)


class Pane(QWidget):
    """A picture with its line.

    Attributes:
        number: its place, from 0: 0 is A, 1 is B.
        view: what paints the picture.

    Signals:
        chosen: its number and the `Side` that a person chose for it.
    """

    chosen = Signal(int, object)

    def __init__(self, number: int, view: ImageView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # All panes are of one width, whatever their lines would like.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(120, 100)
        self.number = number
        self.view = view
        self.side = Side("mono")
        self.chooser = SideChooser(self)
        self.chooser.setObjectName("layerChooser")
        self.chooser.setAccessibleName(f"Picture {'ABCDEF'[number]}")
        self.chooser.chosen.connect(self._on_chosen)
        self._readout = Readout(self)
        line = QWidget(self)
        line.setFixedHeight(22)
        head = QHBoxLayout(line)
        head.setContentsMargins(6, 0, 6, 0)
        head.setSpacing(6)
        head.addWidget(self.chooser, 2)
        head.addWidget(self._readout.values, 3)
        head.addWidget(self._readout.bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(line)
        column.addWidget(view, 1)

    @property
    def title(self) -> str:
        """Name of what it shows."""
        return title_of(self.side)

    @property
    def aligned(self) -> Alignment:
        """Whose pixels it shows."""
        return LAYERS[self.side.layer].aligned

    def show_choice(self, methods: Sequence[str], side: Side) -> None:
        """Show another side's name; the picture follows."""
        self.side = side
        self.chooser.show_choice(methods, side)

    def show_scale_of(self, picture: Picture | None, summary: str = "") -> None:
        """Show the colours of a map, and a line while the mouse is elsewhere."""
        self._readout.show_scale_of(picture, summary)

    def show_value(self, picture: Picture | None, pixel: Pixel | None) -> None:
        """Show position and value of a pixel; None brings the summary back."""
        self._readout.show_value(picture, pixel)

    def add_values(self, words: str) -> None:
        """Say, while the mouse is there, more of the pixel than its value in the picture."""
        self._readout.add_words(words)

    def line(self) -> str:
        """Return what the line says at its right."""
        return self._readout.line

    def _on_chosen(self, side: Side) -> None:
        self.chosen.emit(self.number, side)
