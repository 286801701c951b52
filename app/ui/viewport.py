"""Where the panes look: one zoom and one centre that all of them share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

MAX_SCALE = 64.0
"""Most screen pixels that one image pixel is blown up to."""


@dataclass(frozen=True)
class Placement:
    """How an image lies in a widget. Sizes in logical pixels.

    Attributes:
        scale: widget pixels per image pixel.
        left, top: where the image's upper left corner lies in the widget; may be outside of it.
    """

    scale: float
    left: float
    top: float

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Return the image position (pixel i spans i … i + 1) under a widget position."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """Return the widget position of an image position."""
        return self.left + x * self.scale, self.top + y * self.scale


class Viewport(QObject):
    """Zoom and centre shared by all panes; emits `changed` after every change.

    While `fit` is set each pane shows its whole image, whatever its size. Positions are in image pixels.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.fit = True
        self.scale = 1.0
        self.centre = (0.0, 0.0)

    def placement(
        self, image: tuple[int, int], widget: tuple[int, int], pixel_ratio: float = 1.0
    ) -> Placement:
        """Return how an image of (width, height) lies in a widget of (width, height) logical pixels."""
        scale = self._fit_scale(image, widget) if self.fit else self.scale
        centre_x, centre_y = (image[0] / 2, image[1] / 2) if self.fit else self.centre
        left = widget[0] / 2 - centre_x * scale
        top = widget[1] / 2 - centre_y * scale
        # Whole device pixels: at 1:1 every image pixel then falls on exactly one screen pixel.
        return Placement(scale, _snapped(left, pixel_ratio), _snapped(top, pixel_ratio))

    def show_all(self) -> None:
        """Show the whole image in every pane."""
        self.fit = True
        self.changed.emit()

    def show_actual(self, image: tuple[int, int], pixel_ratio: float = 1.0) -> None:
        """Show one image pixel as one device pixel, about the present centre."""
        if self.fit:
            self.centre = (image[0] / 2, image[1] / 2)
        self.fit = False
        self.scale = 1.0 / pixel_ratio
        self.changed.emit()

    def zoom(
        self, factor: float, at: tuple[float, float], image: tuple[int, int], widget: tuple[int, int]
    ) -> None:
        """Zoom by a factor about the widget position `at`, as far out as fit."""
        before = self.placement(image, widget)
        fit_scale = self._fit_scale(image, widget)
        scale = min(before.scale * factor, max(MAX_SCALE, fit_scale))
        if scale <= fit_scale * 1.001:
            self.show_all()
            return
        x, y = before.to_image(*at)
        self.fit = False
        self.scale = scale
        self._set_centre(x + (widget[0] / 2 - at[0]) / scale, y + (widget[1] / 2 - at[1]) / scale, image)

    def pan(self, dx: float, dy: float, image: tuple[int, int]) -> None:
        """Move the picture by widget pixels."""
        if self.fit:
            return
        x, y = self.centre
        self._set_centre(x - dx / self.scale, y - dy / self.scale, image)

    def _set_centre(self, x: float, y: float, image: tuple[int, int]) -> None:
        self.centre = (min(max(x, 0.0), float(image[0])), min(max(y, 0.0), float(image[1])))
        self.changed.emit()

    @staticmethod
    def _fit_scale(image: tuple[int, int], widget: tuple[int, int]) -> float:
        return max(min(widget[0] / max(image[0], 1), widget[1] / max(image[1], 1)), 1e-3)


def _snapped(value: float, pixel_ratio: float) -> float:
    return math.floor(value * pixel_ratio + 0.5) / pixel_ratio
