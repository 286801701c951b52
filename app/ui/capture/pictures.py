"""The live pictures of the Capture page: a large one, two beside it, a frame that says how a shot stands."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.ui.capture.words import Tone
from app.ui.image_view import ImageView
from app.ui.layers import LAYERS, RAW
from app.ui.picture import Picture
from app.ui.theme import ACCENT, GREEN, LINE, SKY, VERMILION
from app.ui.viewport import Viewport

TONES: Mapping[Tone, str] = {"quiet": LINE, "busy": SKY, "good": GREEN, "warn": ACCENT, "bad": VERMILION}
"""Colours of what is said and of the frame."""

PLACES = ("mono", "reference", "refined")
_RECTIFIED = {"mono": "gray", "reference": "reference", "refined": "refined"}


class LivePicture(QWidget):
    """A title line above a picture.

    Signals:
        large_wanted: it was double-clicked.
    """

    large_wanted = Signal()

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ImageView(viewport, self)
        self.title = QLabel(self)
        self.title.setProperty("role", "small")
        self.note = QLabel(self)
        self.note.setProperty("role", "smalldim")
        self.head = QHBoxLayout()
        self.head.setContentsMargins(4, 0, 4, 0)
        self.head.setSpacing(8)
        self.head.addWidget(self.title)
        self.head.addStretch(1)
        self.head.addWidget(self.note)
        line = QWidget(self)
        line.setFixedHeight(22)
        line.setLayout(self.head)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 0, 2, 2)
        column.setSpacing(0)
        column.addWidget(line)
        column.addWidget(self.view, 1)
        self.view.double_clicked.connect(self.large_wanted)


class LivePictures(QWidget):
    """Mono, reference and the colorized result; the first place is the large one.

    Signals:
        layers_changed: other layers are on screen now.
        clicked: somewhere on a picture.
    """

    layers_changed = Signal()
    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone: Tone = "quiet"
        self._order = list(PLACES)
        self.viewport = Viewport(self)
        self.pictures = {place: LivePicture(self.viewport, self) for place in PLACES}
        self.raw = QToolButton(self)
        self.raw.setText("Raw")
        self.raw.setCheckable(True)
        self.raw.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.raw.setToolTip(
            "Show what is saved: the cameras' own pictures, before rectification. "
            "Off: rectified, as the networks see them (Shift+V)"
        )
        self.raw.toggled.connect(self._on_raw)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(4, 0, 4, 4)
        self._grid.setSpacing(2)
        self._grid.setColumnStretch(0, 2)
        self._grid.setColumnStretch(1, 1)
        for place, picture in self.pictures.items():
            picture.setToolTip("")
            picture.view.setToolTip("Double click: make it the large one. Wheel: zoom. Drag: move")
            picture.large_wanted.connect(self._on_large)
            picture.view.clicked.connect(self.clicked)
            picture.setObjectName(place)
        self.pictures["mono"].head.insertWidget(1, self.raw)
        self._place()
        self._say_titles()

    @property
    def large(self) -> str:
        """Which one is large: "mono", "reference" or "refined"."""
        return self._order[0]

    def layers(self) -> frozenset[str]:
        """Return the keys of the layers that are on screen."""
        return frozenset(self._layer_of(place) for place in PLACES)

    def make_large(self, place: str) -> None:
        """Let a picture have the large place; the one that had it takes its."""
        at = self._order.index(place)
        self._order[0], self._order[at] = self._order[at], self._order[0]
        self._place()

    def next_large(self) -> None:
        """Let the next one have the large place."""
        self.make_large(PLACES[(PLACES.index(self.large) + 1) % len(PLACES)])

    def show_pictures(self, pictures: Mapping[str, Picture | None]) -> None:
        """Show what there is of the layers."""
        for place, picture in self.pictures.items():
            key = self._layer_of(place)
            if key in pictures:
                picture.view.set_picture(pictures[key])

    def forget(self) -> None:
        """Show nothing any more."""
        for picture in self.pictures.values():
            picture.view.set_picture(None)

    def say(self, message: str) -> None:
        """Say why there is nothing to see; empty: each picture its own words."""
        for place, picture in self.pictures.items():
            own = message if place == self.large else ""
            picture.view.set_message(own if message else LAYERS[self._layer_of(place)].missing)

    def show_tone(self, tone: Tone) -> None:
        """Frame the pictures: how a shot would stand, or stood."""
        if tone != self._tone:
            self._tone = tone
            self.update()

    @property
    def tone(self) -> Tone:
        """How the frame is coloured."""
        return self._tone

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint the frame of the large picture."""
        if self._tone in ("quiet", "busy"):
            return
        view = self.pictures[self.large].view
        corner = view.mapTo(self, QPoint(0, 0))
        frame = QRectF(corner.x() - 1, corner.y() - 1, view.width() + 2, view.height() + 2)
        painter = QPainter(self)
        painter.setPen(QPen(QColor(TONES[self._tone]), 2))
        painter.drawRect(frame)

    def _layer_of(self, place: str) -> str:
        if self.raw.isChecked() and place in RAW:
            return RAW[place].key
        return _RECTIFIED[place]

    def _place(self) -> None:
        for index, place in enumerate(self._order):
            picture = self.pictures[place]
            self._grid.removeWidget(picture)
            if index == 0:
                self._grid.addWidget(picture, 0, 0, 2, 1)
            else:
                self._grid.addWidget(picture, index - 1, 1)
        for row in range(2):
            self._grid.setRowStretch(row, 1)
        self.update()

    def _say_titles(self) -> None:
        for place, picture in self.pictures.items():
            layer = LAYERS[self._layer_of(place)]
            picture.title.setText(layer.title)
            picture.title.setToolTip(layer.tip)

    def _on_large(self) -> None:
        self.make_large(self.sender().objectName())

    def _on_raw(self) -> None:
        self._say_titles()
        self.layers_changed.emit()
