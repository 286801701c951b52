"""The stage that rectifies: what fits, what never did, and what somebody changed while it ran."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import pytest

from app.pipeline.board import Board
from app.pipeline.rectifying import TOPIC, RectifyStage
from app.pipeline.slots import LatestSlot
from app.pipeline.stages import StageMeter
from app.pipeline.status import RectifiedPair
from capture.errors import CalibrationError
from capture.frames import FramePair, Layout
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from tests.capture.dataset_pairs import make_pair

pytestmark = pytest.mark.usefixtures("no_leaks")
WAIT_S = 30


class Running:
    """A stage in its thread."""

    def __init__(self) -> None:
        self.pairs: LatestSlot[FramePair] = LatestSlot()
        self.results: SimpleQueue[RectifiedPair | FramePair] = SimpleQueue()
        self.board = Board((TOPIC,), lambda: None)
        self.stage = RectifyStage(self.pairs, self.results.put, self.results.put, StageMeter(), self.board)

    def send(self, width: int, height: int, color_height: int | None = None) -> RectifiedPair | FramePair:
        """Return what comes of a pair of this size: the pair itself if it was given up."""
        pair = make_pair(0, Layout.BAYER_GB, bits=8, height=height, width=width)
        if color_height is not None:
            other = make_pair(0, Layout.BAYER_GB, bits=8, height=color_height, width=width)
            pair = FramePair(pair.index, pair.mono, other.color, pair.skew_ns)
        self.pairs.put(pair)
        return self.results.get(timeout=WAIT_S)


@contextmanager
def running() -> Iterator[Running]:
    one = Running()
    thread = threading.Thread(target=one.stage.run)
    thread.start()
    try:
        yield one
    finally:
        one.pairs.close()
        thread.join(WAIT_S)


@pytest.fixture(scope="module")
def rectifier() -> Rectifier:
    return Rectifier(true_calibration(VirtualSpec(width=160, height=120)))


def test_a_region_changed_on_the_way_is_said_and_pictures_go_on(rectifier: Rectifier) -> None:
    with running() as one:
        one.stage.use(rectifier)
        whole = one.send(160, 120)
        assert isinstance(whole, RectifiedPair)
        assert whole.rectified
        assert one.board.text == ""
        part = one.send(96, 64)
        assert isinstance(part, RectifiedPair)
        assert not part.rectified
        assert part.calibration is None
        assert part.mono.shape == (64, 96)
        assert "not rectified" in one.board.text
        assert "160×120" in one.board.text
        assert one.board.fatal is None
        again = one.send(160, 120)
        assert isinstance(again, RectifiedPair)
        assert again.rectified
        assert one.board.text == ""


def test_a_calibration_that_never_fitted_is_an_error(rectifier: Rectifier) -> None:
    with running() as one:
        one.stage.use(rectifier)
        assert isinstance(one.send(96, 64), FramePair)
        assert isinstance(one.board.fatal, CalibrationError)


def test_regions_of_two_sizes_cannot_be_matched(rectifier: Rectifier) -> None:
    with running() as one:
        one.stage.use(rectifier)
        one.send(160, 120)
        assert isinstance(one.send(96, 64, color_height=80), FramePair)
        assert "96×80" in str(one.board.fatal)
