"""The stage that turns raw pairs into rectified ones, at camera rate."""

from __future__ import annotations

from collections.abc import Callable

from app.pipeline.board import Board
from app.pipeline.slots import LatestSlot
from app.pipeline.stages import StageMeter
from app.pipeline.status import RectifiedPair
from capture.develop import develop_pair
from capture.errors import CalibrationError
from capture.frames import FramePair, Image
from capture.rectify import Rectifier

TOPIC = "rectify"


def arrival_ns(pair: FramePair) -> int:
    """Return when the pair was complete on this host, `time.monotonic_ns()`."""
    return max(pair.mono.host_ns, pair.color.host_ns)


class RectifyStage:
    """Develops and rectifies the newest pair. `run` is the body of its thread.

    A calibration that never fitted the images is an error. If it did, and somebody has changed the region of
    a camera since, pictures go on as they are, and the banner says so.

    Args:
        pairs: where raw pairs come from; closing it ends the thread.
        publish: gets every rectified pair.
        give_up: gets every pair that could not be rectified.
        meter: counts; its `take` and the drops in `pairs` are the producer's affair.
        board: where errors are shown, under the topic "rectify".
    """

    def __init__(
        self,
        pairs: LatestSlot[FramePair],
        publish: Callable[[RectifiedPair], None],
        give_up: Callable[[FramePair], None],
        meter: StageMeter,
        board: Board,
    ) -> None:
        self._pairs = pairs
        self._publish = publish
        self._give_up = give_up
        self._meter = meter
        self._board = board
        self._rectifier: Rectifier | None = None
        self._fitted: Rectifier | None = None  # the last one that did

    def use(self, rectifier: Rectifier | None) -> None:
        """Rectify with this from the next pair on; None: not at all. May be called from any thread."""
        self._rectifier = rectifier

    def run(self) -> None:
        """Work until the slot is closed."""
        while (pair := self._pairs.take()) is not None:
            try:
                rectified, notice = self._rectify(pair, self._rectifier)
            except CalibrationError as error:
                self._board.pin(TOPIC, str(error), fatal=error)
                self._meter.drop(error=str(error))
                self._give_up(pair)
            else:
                self._board.pin(TOPIC, notice)
                self._meter.finish(arrival_ns(pair))
                self._publish(rectified)

    def _rectify(self, pair: FramePair, rectifier: Rectifier | None) -> tuple[RectifiedPair, str]:
        """Return what is shown of a pair, and what has to be said about it."""
        mono, color = develop_pair(pair)
        _check_kinds(pair, mono, color)
        if rectifier is None:
            return _unrectified(pair, mono, color), ""
        try:
            images = rectifier.rectify(mono, color)
        except CalibrationError as error:
            if rectifier is not self._fitted:
                raise
            words = f"Pictures are not rectified: {error}, or set the former size again."
            return _unrectified(pair, mono, color), words
        self._fitted = rectifier
        return RectifiedPair(pair, *images, rectified=True, calibration=rectifier.calibration), ""


def _unrectified(pair: FramePair, mono: Image, color: Image) -> RectifiedPair:
    if mono.shape[:2] != color.shape[:2]:
        raise CalibrationError(
            f"The mono images are {_size(mono)}, the colour images {_size(color)}: without a calibration "
            "they cannot be matched. Set both cameras to one size, or solve one: main.py calibrate."
        )
    return RectifiedPair(pair, mono, color, rectified=False)


def _check_kinds(pair: FramePair, mono: Image, color: Image) -> None:
    if mono.ndim != 2 or color.ndim != 3:
        raise CalibrationError(
            f"The mono camera sends {pair.mono.pixel_format}, the colour one {pair.color.pixel_format}: the "
            "first must be gray, the second colour. Choose other formats, or swap the serial numbers."
        )


def _size(image: Image) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"
