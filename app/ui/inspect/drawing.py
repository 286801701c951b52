"""Makes the pictures on screen in a thread of its own, and keeps the last ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.inspecting.comparing import UNITS, Difference, Measure, difference
from app.inspecting.measures import comparable_truth
from app.ui.calibration.jobs import Job
from app.ui.inspect.sides import LAYERS, Content, Side, values_of
from app.ui.picture import Picture, Scale, make_picture, nice_ceiling

KEPT_BYTES = 256 << 20
"""Pictures that are kept for the next look; those on screen are kept anyway."""


@dataclass(frozen=True)
class Drawing:
    """A picture that can be asked for: a side, or with `second` and `measure` how far two are apart."""

    side: Side
    second: Side | None = None
    measure: Measure = "delta_e"


Origin = tuple[NDArray[Any], ...]
"""The arrays that a picture is made from; the same arrays make the same picture."""
_Asked = tuple[str, Drawing, "Origin | None"]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture, what it was made from, and for a difference its numbers."""

    picture: Picture
    origin: Origin
    difference: Difference | None = None

    @property
    def bytes(self) -> int:
        """Return the memory that the picture takes."""
        return sum(buffer.nbytes for buffer in self.picture.buffers) + (
            0 if self.difference is None else self.difference.values.nbytes
        )


class Drawer(QObject):
    """Draws what is asked for; whatever was asked for before and is not drawn yet is forgotten.

    Signals (in the GUI thread):
        drawn: a `Drawing` that can be had from `get` now.
        failed: a `Drawing` and why it cannot be drawn.
    """

    drawn = Signal(object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[tuple[str, Drawing], Drawn] = OrderedDict()
        self._item = ""
        self._asked: list[_Asked] = []
        self._job = Job("drawing", self)
        self._job.progressed.connect(self._on_progressed)

    def get(self, content: Content, drawing: Drawing) -> Drawn | None:
        """Return a picture that is there already and still true, None if it is not."""
        kept = self._kept.get((content.item, drawing))
        origin = origin_of(content, drawing)
        if kept is None or not _identical(kept.origin, origin):
            return None
        self._kept.move_to_end((content.item, drawing))
        return kept

    def ask(self, content: Content, drawings: Sequence[Drawing]) -> None:
        """Draw these, in this order, in place of what was asked for before.

        What is under way already goes on: news of other results must not begin it anew.
        """
        asked = [(content.item, drawing, origin_of(content, drawing)) for drawing in drawings]
        if drawings and self._job.running and _contains(self._asked, asked):
            return
        self._item, self._asked = content.item, asked
        if not drawings:
            self._job.cancel()
            return

        def work(tell: Callable[[object], None], cancelled: Callable[[], bool]) -> None:
            for drawing in drawings:
                if cancelled():
                    return
                origin = origin_of(content, drawing)
                if origin is None:
                    continue
                try:
                    tell((drawing, _draw(content, drawing, origin, cancelled)))
                except Exception as error:  # noqa: BLE001 - one picture less; the person learns why
                    tell((drawing, str(error)))

        self._job.start(work)

    def forget(self) -> None:
        """Keep nothing: another source was opened."""
        self._kept.clear()

    def close(self) -> None:
        """End the thread."""
        self._job.close()

    def _on_progressed(self, news: tuple[Drawing, Drawn | str | None]) -> None:
        drawing, drawn = news
        if isinstance(drawn, str):
            self.failed.emit(drawing, drawn)
        elif drawn is not None:
            self._kept[self._item, drawing] = drawn
            total = sum(kept.bytes for kept in self._kept.values())
            while total > KEPT_BYTES and len(self._kept) > 1:
                total -= self._kept.popitem(last=False)[1].bytes
            self.drawn.emit(drawing)


def _contains(asked: Sequence[_Asked], more: Sequence[_Asked]) -> bool:
    """Return whether all of `more` was asked for: the same pictures of the very same arrays."""
    return all(any(one[:2] == other[:2] and _identical(one[2], other[2]) for one in asked) for other in more)


def _identical(one: Origin | None, other: Origin | None) -> bool:
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def origin_of(content: Content, drawing: Drawing) -> Origin | None:
    """Return the arrays that a picture is made from, None if one is missing."""
    sides = [drawing.side, *([drawing.second] if drawing.second is not None else [])]
    arrays = [values_of(content, side) for side in sides]
    found = tuple(array for array in arrays if array is not None)
    return found if len(found) == len(arrays) else None


def _draw(content: Content, drawing: Drawing, origin: Origin, cancelled: Callable[[], bool]) -> Drawn | None:
    if drawing.second is None:
        map_of = LAYERS[drawing.side.layer].map_of
        return Drawn(make_picture(origin[0], map_of and map_of(origin[0], content.search)), origin)
    first, second = (
        _comparable(content, side, array)
        for side, array in zip((drawing.side, drawing.second), origin, strict=True)
    )
    apart = difference(first, second, drawing.measure, cancelled)
    if apart is None:
        return None
    lowest = 5.0 if drawing.measure == "delta_e" else 10.0
    scale = Scale(0.0, max(nice_ceiling(apart.high), lowest), UNITS[drawing.measure], "magma")
    return Drawn(make_picture(apart.values, scale), origin, apart)


def uses_mono_luma(content: Content, sides: Sequence[Side]) -> bool:
    """Return whether a truth among the sides is compared with the mono luma in place of its own.

    Results carry the luma of the mono camera: where that is another sensor than the truth's, all of the
    picture would differ, whatever its colours.
    """
    has_truth = any(side.layer == "truth" for side in sides)
    return has_truth and content.pair is not None and not content.pair.mono_is_luma


def _comparable(content: Content, side: Side, array: NDArray[Any]) -> NDArray[Any]:
    if content.pair is None or side.layer != "truth":
        return array
    truth = comparable_truth(content.pair)
    return array if truth is None else truth
