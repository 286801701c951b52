"""The thumbnails in memory: those on screen lately, at the size at which they are painted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtGui import QImage

from app.browsing.thumbnails import Thumbnail

MOST_BYTES = 320 << 20


@dataclass(frozen=True)
class Ready:
    """A thumbnail that can be painted. `image` None: it cannot be shown, and `problem` says why."""

    size_px: tuple[int, int]
    image: QImage | None
    problem: str = ""


class ThumbMemory:
    """Keeps thumbnails by the names of pairs. For the GUI thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Ready] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str) -> Ready | None:
        """Return what there is, of whatever size."""
        ready = self._kept.get(name)
        if ready is not None:
            self._kept.move_to_end(name)
        return ready

    def put(self, thumbnail: Thumbnail, pixel_ratio: float) -> None:
        """Keep one."""
        self.forget(thumbnail.name)
        image = None
        if thumbnail.image is not None:
            height, width = thumbnail.image.shape[:2]
            view = QImage(thumbnail.image.tobytes(), width, height, 4 * width, QImage.Format.Format_RGB32)
            image = view.copy()  # it owns its pixels
            image.setDevicePixelRatio(pixel_ratio)
            self._bytes += image.sizeInBytes()
        self._kept[thumbnail.name] = Ready(thumbnail.size_px or (0, 0), image, thumbnail.problem)
        while self._bytes > MOST_BYTES:
            self.forget(next(iter(self._kept)))

    def forget(self, name: str) -> None:
        """Drop one."""
        ready = self._kept.pop(name, None)
        if ready is not None and ready.image is not None:
            self._bytes -= ready.image.sizeInBytes()

    def clear(self) -> None:
        """Drop all: another dataset."""
        self._kept.clear()
        self._bytes = 0
