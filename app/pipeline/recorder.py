"""The stage that writes raw pairs to a dataset, losslessly or not at all."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from app.pipeline.board import Board
from app.pipeline.slots import LosslessQueue
from app.pipeline.status import RecorderStatus
from capture.calibration import RigCalibration
from capture.dataset import DatasetEvent, DatasetWriter
from capture.dataset_events import Json
from capture.errors import DatasetError
from capture.frames import FramePair
from capture.rig import RigInfo

log = logging.getLogger(__name__)

TOPIC = "recorder"
CAPACITY_PAIRS = 64


@dataclass(eq=False)
class _Dataset:
    """An open dataset; it is closed when another one has taken its place and its last pair is written."""

    writer: DatasetWriter
    queued: int = 0
    replaced: bool = False


@dataclass(frozen=True, eq=False)
class _Job:
    item: FramePair | DatasetEvent
    dataset: _Dataset


class Recorder:
    """Writes pairs in the order in which they came. `run` is the body of its thread, the rest is for any.

    When the disk cannot keep up and the queue is full, recording stops with an error: a gap that nobody
    notices is worse than a recording that ends.

    Args:
        board: where errors are shown, under the topic "recorder".
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._queue: LosslessQueue[_Job] = LosslessQueue(CAPACITY_PAIRS)
        self._lock = threading.RLock()
        self._opening = threading.Lock()
        self._info: RigInfo | None = None
        self._calibration: RigCalibration | None = None
        self._dataset: _Dataset | None = None
        self._status = RecorderStatus()

    def use(self, info: RigInfo, calibration: RigCalibration | None) -> None:
        """Describe the rig like this in datasets opened from now on."""
        with self._lock:
            self._info, self._calibration = info, calibration

    def open(self, folder: Path) -> None:
        """Open or create a dataset in place of the one that was open. Raises DatasetError."""
        with self._opening:
            with self._lock:
                info, calibration, current = self._info, self._calibration, self._dataset
            if info is None:
                raise DatasetError("a dataset notes which rig it is from: wait until the rig is open")
            if current is not None and current.writer.folder.resolve() == folder.resolve():
                return
            dataset = _Dataset(DatasetWriter(folder, info, calibration))
            dataset.writer.open()  # may repair for seconds: nobody who asks for a status waits for that
            with self._lock:
                self._replace(dataset)
                self._status = RecorderStatus(folder=str(folder))
        self._board.clear(TOPIC)

    def save(self, pair: FramePair) -> None:
        """Queue one pair. Raises DatasetError if no dataset is open or the queue is full."""
        with self._lock:
            self._put(pair)

    def set_recording(self, recording: bool) -> None:
        """Queue every offered pair from now on, or no longer. Raises DatasetError if no dataset is open."""
        with self._lock:
            if recording:
                self._open_dataset()
                self._board.clear(TOPIC)
            self._status = replace(self._status, recording=recording, error="")

    def offer(self, pair: FramePair) -> None:
        """Queue the pair if recording is on."""
        with self._lock:
            if self._status.recording:
                try:
                    self._put(pair)
                except DatasetError as error:
                    self._stop_recording(error)

    def note(self, event: str, **details: Json) -> None:
        """Queue an event for the open dataset, between the pairs before and after it; while it records."""
        with self._lock:
            if self._status.recording and self._dataset is not None:
                try:
                    self._put(DatasetEvent(event, details))
                except DatasetError as error:
                    self._stop_recording(error)

    def status(self) -> RecorderStatus:
        """Return a snapshot."""
        with self._lock:
            return replace(self._status, queued=len(self._queue))

    def close(self) -> None:
        """End the thread once everything queued is written. Idempotent."""
        self._queue.close()

    def run(self) -> None:
        """Write until closed and empty, then close the dataset."""
        try:
            while (job := self._queue.take()) is not None:
                self._write(job)
        finally:
            with self._lock:
                self._replace(None)

    def _write(self, job: _Job) -> None:
        try:
            if isinstance(job.item, DatasetEvent):
                job.dataset.writer.note(job.item)
            else:
                job.dataset.writer.save(job.item)
        except DatasetError as error:
            log.info("a pair or an event was not saved", exc_info=True)
            self._stop_recording(error)
        else:
            with self._lock:
                if job.dataset is self._dataset and isinstance(job.item, FramePair):
                    self._status = replace(self._status, saved=self._status.saved + 1)
        finally:
            with self._lock:
                job.dataset.queued -= 1
                _close_if_done(job.dataset)

    def _replace(self, dataset: _Dataset | None) -> None:
        former, self._dataset = self._dataset, dataset
        if former is not None:
            former.replaced = True
            _close_if_done(former)

    def _put(self, item: FramePair | DatasetEvent) -> None:
        dataset = self._open_dataset()
        if self._queue.put(_Job(item, dataset)):
            dataset.queued += 1
        else:
            raise DatasetError(
                f"The disk is too slow: {CAPACITY_PAIRS} pairs wait to be written. Lower the frame rate, "
                "or record to a faster disk."
            )

    def _open_dataset(self) -> _Dataset:
        if self._dataset is None:
            raise DatasetError("no dataset is open: open or create one first")
        return self._dataset

    def _stop_recording(self, error: DatasetError) -> None:
        with self._lock:
            self._status = replace(self._status, recording=False, error=str(error))
        self._board.pin(TOPIC, f"Recording stopped. {error}")


def _close_if_done(dataset: _Dataset) -> None:
    if dataset.replaced and dataset.queued == 0:
        dataset.writer.close()
