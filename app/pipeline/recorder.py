"""The stage that writes raw pairs to a dataset, losslessly or not at all."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.pipeline.board import Board
from app.pipeline.stages import StageMeter
from app.pipeline.status import RecorderStatus
from app.pipeline.write_queue import WriteQueue
from capture.calibration import RigCalibration, dump_calibration
from capture.dataset import DatasetEvent, DatasetWriter, PairNote, SavedGroup, SessionAbout
from capture.dataset_events import Json
from capture.dataset_notes import NodeValue
from capture.disk_space import RESERVE_BYTES, DiskSpace, free_bytes
from capture.errors import DatasetError
from capture.frames import FramePair
from capture.rig import RigInfo

log = logging.getLogger(__name__)

TOPIC = "recorder"
BUDGET_BYTES = 512 << 20
"""Memory for pairs that wait: ten seconds of 1024×780 at 30 pairs/s, for a disk that pauses."""

HURRY_SHARE = 0.25
"""With more of the budget in use, images are stored uncompressed: that takes a tenth of the time."""

GROUP_PAIRS, GROUP_BYTES = 16, 64 << 20
"""Most that goes to disk together. What is flushed once for all of them need not be flushed for each."""

LOOK_EVERY_S = 1.0
"""Others use the disk too."""

LAST_SAVED = 16
NO_NOTE = PairNote()
RECORDED = PairNote(mode="record")


@dataclass(eq=False)
class _Dataset:
    """An open dataset; it is closed when another one has taken its place and its last pair is written."""

    writer: DatasetWriter
    nodes: Mapping[str, Mapping[str, NodeValue]]
    queued: int = 0
    replaced: bool = False


def _promise() -> Future[str]:
    future: Future[str] = Future()
    future.set_running_or_notify_cancel()  # what is queued will be written: it cannot be cancelled
    return future


@dataclass(frozen=True, eq=False)
class _Shot:
    """A pair to be saved, with what is known of it; `name` is told once it is safe."""

    pair: FramePair
    note: PairNote
    name: Future[str] = field(default_factory=_promise)

    @property
    def size_bytes(self) -> int:
        return raw_bytes(self.pair)


@dataclass(frozen=True)
class _Rig:
    """What a session says of rig and calibration."""

    info: RigInfo
    calibration: RigCalibration | None

    def is_like(self, other: _Rig) -> bool:
        """Return whether pairs of both belong into one session."""
        return (
            (self.info.mono, self.info.color) == (other.info.mono, other.info.color)
            and (self.calibration is None) == (other.calibration is None)
            and (
                self.calibration is None
                or other.calibration is None
                or dump_calibration(self.calibration) == dump_calibration(other.calibration)
            )
        )


@dataclass(frozen=True, eq=False)
class _Session:
    """From here on it is another session."""

    rig: _Rig
    about: SessionAbout


@dataclass(frozen=True, eq=False)
class _Job:
    item: _Shot | DatasetEvent | SessionAbout | _Session
    dataset: _Dataset


class Recorder:
    """Writes pairs in the order in which they came. `run` is the body of its thread, the rest is for any.

    When writing cannot keep up and the queue is full, or the disk nearly so, recording stops with an error: a
    gap that nobody notices is worse than a recording that ends. What was queued before is written.

    Args:
        board: where errors are shown, under the topic "recorder".
        budget_bytes: memory that pairs which wait may take.
        reserve_bytes: what stays free on the disk.
    """

    def __init__(
        self, board: Board, *, budget_bytes: int = BUDGET_BYTES, reserve_bytes: int = RESERVE_BYTES
    ) -> None:
        self._board = board
        self._queue: WriteQueue[_Job] = WriteQueue(budget_bytes)
        self._meter = StageMeter()
        self._lock = threading.RLock()
        self._opening = threading.Lock()
        self._rig: _Rig | None = None
        self._about = SessionAbout()
        self._dataset: _Dataset | None = None
        self._status = RecorderStatus(budget_bytes=budget_bytes)
        self._last_saved: deque[str] = deque(maxlen=LAST_SAVED)
        self._reserve_bytes = reserve_bytes
        self._free_bytes: int | None = None
        self._pair_bytes = 0

    @property
    def recording(self) -> bool:
        """Return whether every offered pair is queued."""
        with self._lock:
            return self._status.recording

    def use(self, info: RigInfo, calibration: RigCalibration | None) -> None:
        """Describe the rig like this from now on; if it differs, the open dataset begins another session."""
        rig = _Rig(info, calibration)
        with self._lock:
            former, self._rig = self._rig, rig
            dataset = self._dataset
            if dataset is not None and former is not None and not rig.is_like(former):
                self._queue_up(_Job(_Session(rig, _complete(self._about, dataset.nodes)), dataset), 0)

    def describe(self, about: SessionAbout) -> None:
        """Note this of the session: in the open dataset, if there is one, and in those opened later.

        `nodes` that it lacks are those that the dataset was opened with.
        """
        with self._lock:
            changed, self._about = self._about != about, about
            dataset = self._dataset
            if changed and dataset is not None:
                self._queue_up(_Job(_complete(about, dataset.nodes), dataset), 0)

    def open(self, folder: Path, nodes: Mapping[str, Mapping[str, NodeValue]] | None = None) -> None:
        """Open or create a dataset in place of the one that was open. Raises DatasetError.

        Args:
            folder: of the dataset.
            nodes: by camera, what is to be noted of its settings.
        """
        with self._opening:
            with self._lock:
                rig, current = self._rig, self._dataset
                about = _complete(self._about, nodes or {})
            if rig is None:
                raise DatasetError("a dataset notes which rig it is from: wait until the rig is open")
            if current is not None and current.writer.folder.resolve() == folder.resolve():
                return
            dataset = _Dataset(DatasetWriter(folder, rig.info, rig.calibration, about), nodes or {})
            dataset.writer.open()  # may repair for seconds: nobody who asks for a status waits for that
            free = _free_bytes(folder)
            with self._lock:
                self._replace(dataset)
                self._free_bytes = free
                self._last_saved.clear()
                self._status = RecorderStatus(folder=str(folder), budget_bytes=self._queue.budget_bytes)
        self._board.clear(TOPIC)

    def save(self, pair: FramePair, note: PairNote = NO_NOTE) -> Future[str]:
        """Queue one pair; the future tells its name once it is safe, or raises DatasetError.

        Callbacks of the future run in the recorder's thread. Raises DatasetError if no dataset is open, the
        queue is full, or the disk nearly so.
        """
        shot = _Shot(pair, note)
        with self._lock:
            self._put(shot, shot.size_bytes)
        return shot.name

    def set_recording(self, recording: bool) -> None:
        """Queue every offered pair from now on, or no longer. Raises DatasetError if no dataset is open."""
        with self._lock:
            if recording:
                self._open_dataset()
                self._board.clear(TOPIC)
            self._status = replace(self._status, recording=recording, error="")

    def offer(self, pair: FramePair, note: PairNote = RECORDED) -> Future[str] | None:
        """Queue the pair if recording is on; see `save`. None if it is not queued."""
        with self._lock:
            if self._pair_bytes == 0:
                self._pair_bytes = raw_bytes(pair)  # the best guess until one is on disk
            if not self._status.recording:
                return None
            try:
                return self.save(pair, note)
            except DatasetError as error:
                self._stop_recording(error)
                return None

    def note(self, event: str, **details: Json) -> None:
        """Queue an event for the open dataset, between the pairs before and after it; while it records."""
        with self._lock:
            if self._status.recording and self._dataset is not None:
                try:
                    self._put(DatasetEvent(event, details), 0)
                except DatasetError as error:
                    self._stop_recording(error)

    def status(self) -> RecorderStatus:
        """Return a snapshot."""
        written = self._meter.status()
        with self._lock:
            waiting = self._queue.state()
            return replace(
                self._status,
                queued=waiting.items,
                last_saved=tuple(self._last_saved),
                queued_bytes=waiting.size_bytes,
                age_s=waiting.age_s,
                rate_hz=written.rate_hz,
                latency_ms=written.latency_ms,
                compressed=not self._hurries(waiting.size_bytes),
                space=self._space(waiting.size_bytes),
            )

    def close(self) -> None:
        """End the thread once everything queued is written. Idempotent."""
        self._queue.close()

    def run(self) -> None:
        """Write until closed and empty, then close the dataset."""
        try:
            while True:
                jobs = self._queue.first(GROUP_PAIRS, LOOK_EVERY_S)
                if jobs:
                    self._write(jobs)
                elif self._queue.closed:
                    break
                self._look_at_disk()
        finally:
            self._queue.close()
            with self._lock:
                self._replace(None)
            self._give_up()

    def _give_up(self) -> None:
        """Say of what is still queued that it was not saved: an unexpected error ended the thread."""
        for job in self._queue.first(sys.maxsize):
            if isinstance(job.item, _Shot):
                job.item.name.set_exception(DatasetError("the pair was not saved: the recorder failed"))
            with self._lock:
                job.dataset.queued -= 1
                _close_if_done(job.dataset)

    def _write(self, jobs: Sequence[_Job]) -> None:
        """Write the first jobs, as many as go together, and let go of them."""
        dataset = jobs[0].dataset
        shots = _first_group(jobs)
        saved, error = SavedGroup(()), None
        if shots:
            saved = dataset.writer.save_group(
                [(shot.pair, shot.note) for shot in shots],
                stored=self._hurries(self._queue.state().size_bytes),
            )
            error = saved.error
        else:
            error = self._note(dataset.writer, jobs[0].item)
        # One that failed is done with too: it would fail again.
        self._settle(dataset, saved, max(1, len(saved.names) + (error is not None)))
        for shot, name in zip(shots, saved.names, strict=False):
            self._meter.finish(max(shot.pair.mono.host_ns, shot.pair.color.host_ns))
            shot.name.set_result(name)
        if error is not None:
            log.info("a pair or an event was not saved", exc_info=error)
            self._stop_recording(error)
            if shots:
                shots[len(saved.names)].name.set_exception(error)

    def _settle(self, dataset: _Dataset, saved: SavedGroup, done: int) -> None:
        """Count what is safe, and let go of the first jobs."""
        with self._lock:
            if saved.names:
                self._pair_bytes = saved.size_bytes // len(saved.names)
            if dataset is self._dataset:
                self._last_saved.extend(saved.names)
                self._status = replace(self._status, saved=self._status.saved + len(saved.names))
            self._queue.done(done)
            dataset.queued -= done
            _close_if_done(dataset)

    @staticmethod
    def _note(
        writer: DatasetWriter, item: _Shot | DatasetEvent | SessionAbout | _Session
    ) -> DatasetError | None:
        try:
            if isinstance(item, DatasetEvent):
                writer.note(item)
            elif isinstance(item, SessionAbout):
                writer.describe(item)
            elif isinstance(item, _Session):
                writer.begin_session(item.rig.info, item.rig.calibration, item.about)
        except DatasetError as error:
            return error
        return None

    def _replace(self, dataset: _Dataset | None) -> None:
        former, self._dataset = self._dataset, dataset
        if former is not None:
            former.replaced = True
            _close_if_done(former)

    def _put(self, item: _Shot | DatasetEvent, size_bytes: int) -> None:
        dataset = self._open_dataset()
        waiting = self._queue.state()
        space = self._space(waiting.size_bytes)
        if size_bytes and space is not None and not space.has_room_for(size_bytes):
            raise DatasetError(f"The disk is nearly full: {space}. Make room, or record to another disk.")
        if not self._queue_up(_Job(item, dataset), size_bytes):
            raise DatasetError(
                f"Writing is too slow: {waiting.items} pairs ({waiting.size_bytes / 1e6:.0f} MB) wait to be "
                f"written, the oldest for {waiting.age_s:.1f} s. Lower the frame rate, or record to a faster "
                "disk."
            )

    def _queue_up(self, job: _Job, size_bytes: int) -> bool:
        accepted = self._queue.put(job, size_bytes)
        job.dataset.queued += accepted
        return accepted

    def _open_dataset(self) -> _Dataset:
        if self._dataset is None:
            raise DatasetError("no dataset is open: open or create one first")
        return self._dataset

    def _stop_recording(self, error: DatasetError) -> None:
        with self._lock:
            was_recording = self._status.recording
            self._status = replace(self._status, recording=False, error=str(error))
        self._board.pin(TOPIC, f"Recording stopped. {error}" if was_recording else f"Not saved: {error}")

    def _hurries(self, queued_bytes: int) -> bool:
        return queued_bytes > HURRY_SHARE * self._queue.budget_bytes

    def _space(self, queued_bytes: int) -> DiskSpace | None:
        free = self._free_bytes
        if free is None or self._dataset is None:
            return None
        return DiskSpace(free - queued_bytes, self._reserve_bytes, self._pair_bytes)

    def _look_at_disk(self) -> None:
        with self._lock:
            dataset = self._dataset
        if dataset is None:
            return
        free = _free_bytes(dataset.writer.folder)  # may take its time on a network
        with self._lock:
            if dataset is self._dataset:
                self._free_bytes = free


def raw_bytes(pair: FramePair) -> int:
    """Return what a pair takes in memory, which bounds what it takes on disk."""
    return pair.mono.image.nbytes + pair.color.image.nbytes


def _free_bytes(folder: Path) -> int | None:
    try:
        return free_bytes(folder)
    except OSError:  # unplugged: writing will say so
        log.info("%s does not tell what is free", folder, exc_info=True)
        return None


def _first_group(jobs: Sequence[_Job]) -> list[_Shot]:
    """Return the pairs at the front that go to one dataset; none if something else comes first."""
    shots: list[_Shot] = []
    size_bytes = 0
    for job in jobs:
        if not isinstance(job.item, _Shot) or job.dataset is not jobs[0].dataset or size_bytes > GROUP_BYTES:
            break
        shots.append(job.item)
        size_bytes += job.item.size_bytes
    return shots


def _complete(about: SessionAbout, nodes: Mapping[str, Mapping[str, NodeValue]]) -> SessionAbout:
    return replace(about, nodes={**nodes, **about.nodes})


def _close_if_done(dataset: _Dataset) -> None:
    if dataset.replaced and dataset.queued == 0:
        dataset.writer.close()
