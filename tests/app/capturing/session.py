"""A capture session without a rig: real recorder, real dataset, pairs of the virtual scene pushed by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from app.capturing.controller import Capturing
from app.capturing.modes import Plan
from app.capturing.status import CaptureStatus
from app.pipeline.board import Board
from app.pipeline.recorder import Recorder
from capture.dataset import DatasetReader, PairRecord
from capture.frames import Frame, FramePair, Layout, Role
from capture.virtual.sensor import SENSORS
from tests.capture.dataset_pairs import RIG
from tests.capture.virtual_stage import stage

PATIENCE_S = 30.0
PERIOD_NS = 50_000_000


@cache
def picture(role: Role) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return stage().image(role, 0, 10**9, SENSORS[role].look)  # type: ignore[return-value]


def shot(
    index: int, turn_px: int = 0, *, blur_px: float = 0.0, skew_ms: float = 0.0, exposure_us: float = 5000.0
) -> FramePair:
    """Return a pair of the virtual scene, turned by so many pixels (even), 320×240."""

    def frame(role: Role, layout: Layout, name: str) -> Frame:
        image = np.roll(picture(role), turn_px, axis=1)
        if blur_px and role == "mono":
            image = cv2.GaussianBlur(image, (0, 0), blur_px)
        image = np.ascontiguousarray(image)
        image.flags.writeable = False
        time_ns = index * PERIOD_NS
        return Frame(role, image, layout, 8, name, index, time_ns, time.monotonic_ns(), exposure_us, 0.0)

    mono, color = frame("mono", Layout.MONO, "Mono8"), frame("color", Layout.BAYER_RG, "BayerRG8")
    return FramePair(index, mono, color, round(skew_ms * 1e6))


class Session:
    """What a test does with a running session."""

    def __init__(
        self, recorder: Recorder, capturing: Capturing, board: Board, news: threading.Condition
    ) -> None:
        self.recorder = recorder
        self.capturing = capturing
        self.board = board
        self._news = news

    def wait_for(self, what: str, holds: Callable[[CaptureStatus], object]) -> CaptureStatus:
        """Wait until a status holds, and return it."""
        deadline_s = time.monotonic() + PATIENCE_S
        with self._news:
            while not holds(status := self.capturing.status()):
                seen = replace(status, strip=())
                assert time.monotonic() < deadline_s, f"waited in vain for {what}: {seen} {self.board.text}"
                self._news.wait(0.01)
        return status

    def open(self, folder: Path) -> CaptureStatus:
        """Open a dataset."""
        self.recorder.open(folder)
        self.capturing.opened(folder)
        return self.wait_for("the dataset", lambda status: status.folder == str(folder))

    def burst(self, count: int) -> None:
        """Save so many pairs in a row."""
        self.capturing.begin(Plan("burst", count=count))
        self.wait_for("the burst", lambda status: status.state.plan is not None)
        for index in range(count):
            self.capturing.pair_arrived(shot(index))
        self.wait_for("the pairs", lambda status: status.saved == count)

    def show(self, pair: FramePair) -> CaptureStatus:
        """Let a pair arrive and wait until it was measured."""
        before = self.capturing.status().verdict
        self.capturing.pair_arrived(pair)
        return self.wait_for("a measurement", lambda status: status.verdict is not before)

    def done(self) -> CaptureStatus:
        """Wait until no plan runs and nothing waits to be written."""
        self.wait_for("the end", lambda status: status.state.plan is None)
        return self.wait_for("the disk", lambda _: not self.recorder.status().queued)


@contextmanager
def session(kind: Literal["watched", ""] = "") -> Iterator[Session]:
    """Run recorder and capture session in threads of their own, and join them."""
    news = threading.Condition()

    def tell() -> None:
        with news:
            news.notify_all()

    board = Board(("recorder", "capturing"), tell)
    recorder = Recorder(board)
    recorder.use(RIG, None)
    capturing = Capturing(recorder, board, lambda: 0.25, tell)
    capturing.watch(kind == "watched")
    threads = [threading.Thread(target=part.run) for part in (recorder, capturing)]
    for thread in threads:
        thread.start()
    try:
        yield Session(recorder, capturing, board, news)
    finally:
        recorder.close()
        threads[0].join()
        capturing.close()
        threads[1].join()


def records(folder: Path) -> tuple[PairRecord, ...]:
    """Return what a dataset lists."""
    return DatasetReader.open(folder).records
