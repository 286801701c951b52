"""How a recording goes, second by second, and whether all of it is on disk in the end."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import psutil

from app.pipeline.status import PipelineStatus
from capture.dataset import DatasetReader, PairRecord
from capture.dataset_records import image_path
from capture.frames import ROLES

_BYTES_PER_MB = 1e6

WRITING_THREADS = ("dataset", "recorder")
"""Beginnings of the names of the threads that write pairs."""


@dataclass(frozen=True)
class Sample:
    """One moment of a recording. Shares are in percent of one core since the sample before.

    Attributes:
        at_s: since it began.
        saved: pairs that are safe on disk.
        queued, queued_mb, age_s: what waits to be written, and for how long its oldest.
        saved_hz: pairs written per second since the sample before.
        captured_hz, colorized_hz: rate of the cameras and of the networks.
        app_percent, capture_percent: both processes.
        writing_percent: of the app, the threads that write.
        others_percent: everything else on this computer.
        memory_mb: of both processes.
        compressed: whether images were compressed.
        free_mb: on the disk.
    """

    at_s: float
    saved: int
    queued: int
    queued_mb: float
    age_s: float
    saved_hz: float
    captured_hz: float
    colorized_hz: float
    app_percent: float
    capture_percent: float
    writing_percent: float
    others_percent: float
    memory_mb: float
    compressed: bool
    free_mb: float | None

    def line(self) -> str:
        """Return it for people."""
        return (
            f"{self.at_s:6.0f} s {self.saved:6} saved {self.saved_hz:5.1f}/s  queue {self.queued:4} "
            f"({self.queued_mb:5.1f} MB, {self.age_s:4.2f} s)  colorized {self.colorized_hz:4.1f}/s  CPU app "
            f"{self.app_percent:3.0f} % (writing {self.writing_percent:3.0f} %) capture "
            f"{self.capture_percent:3.0f} % others {self.others_percent:3.0f} %"
            f"{'' if self.compressed else '  uncompressed'}"
        )


class Sampler:
    """Takes samples of a running pipeline. For one thread."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._began_s = self._last_s = clock_s()
        self._saved = 0
        self._spent = _Spent.now()

    def take(self, status: PipelineStatus) -> Sample:
        """Return the present moment."""
        now_s, spent = self._clock_s(), _Spent.now()
        seconds = max(now_s - self._last_s, 1e-6)
        before, saved_before = self._spent, self._saved
        recorder = status.recorder
        self._last_s, self._spent, self._saved = now_s, spent, recorder.saved

        def percent(after_s: float, before_s: float) -> float:
            return max(0.0, 100 * (after_s - before_s) / seconds)

        app, capture = percent(spent.app_s, before.app_s), percent(spent.capture_s, before.capture_s)
        return Sample(
            at_s=now_s - self._began_s,
            saved=recorder.saved,
            queued=recorder.queued,
            queued_mb=recorder.queued_bytes / _BYTES_PER_MB,
            age_s=recorder.age_s,
            saved_hz=(recorder.saved - saved_before) / seconds,
            captured_hz=status.stages["capture"].rate_hz,
            colorized_hz=status.stages["colorize"].rate_hz,
            app_percent=app,
            capture_percent=capture,
            writing_percent=percent(spent.writing_s, before.writing_s),
            others_percent=max(0.0, percent(spent.all_s, before.all_s) - app - capture),
            memory_mb=status.memory_mb,
            compressed=recorder.compressed,
            free_mb=recorder.space.free_bytes / _BYTES_PER_MB if recorder.space is not None else None,
        )


@dataclass(frozen=True)
class _Spent:
    """Processor time until now, in seconds."""

    app_s: float
    capture_s: float
    writing_s: float
    all_s: float

    @classmethod
    def now(cls) -> _Spent:
        this = psutil.Process()
        writing = {
            thread.native_id
            for thread in threading.enumerate()
            if thread.name.startswith(WRITING_THREADS) and thread.native_id is not None
        }
        times = psutil.cpu_times()
        idle_s = times.idle + getattr(times, "iowait", 0.0)
        return cls(
            app_s=_cpu_s(this),
            capture_s=sum(_cpu_s(child) for child in this.children(recursive=True)),
            writing_s=sum(t.user_time + t.system_time for t in this.threads() if t.id in writing),
            all_s=sum(times[:8]) - idle_s,
        )


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # it was lost just now; a new one will be there
        return 0.0
    return float(times.user + times.system)


@dataclass(frozen=True)
class Verdict:
    """What a look at every file of a recording found.

    Attributes:
        pairs: that are listed.
        size_mb: of their images.
        damaged: names of those whose files are missing or not what was captured (by hash).
        gaps: missing frames between the listed ones, per camera, by frame id.
        skipped: pairs of the stream between the listed ones that are not listed.
    """

    pairs: int
    size_mb: float
    damaged: tuple[str, ...]
    gaps: dict[str, int]
    skipped: int

    @property
    def complete(self) -> bool:
        """Return whether nothing is damaged or missing."""
        return not self.damaged and not self.skipped and not any(self.gaps.values())


def verify(folder: Path) -> Verdict:
    """Read every image of a dataset's last session and compare hashes. Raises DatasetError."""
    reader = DatasetReader.open(folder)
    records = [record for record in reader if record.session == len(reader.sessions) - 1]
    steps: Counter[str] = Counter(dict.fromkeys(ROLES, 0))
    for before, after in pairwise(records):
        for role in ROLES:
            first, second = before.frame(role), after.frame(role)
            if first is not None and second is not None:
                steps[role] += second.frame_id - first.frame_id - 1
    sizes = [frame.size_bytes for record in records for role in ROLES if (frame := record.frame(role))]
    return Verdict(
        pairs=len(records),
        size_mb=sum(sizes) / _BYTES_PER_MB,
        damaged=damaged(reader, records),
        gaps=dict(steps),
        skipped=sum(after.index - before.index - 1 for before, after in pairwise(records)),
    )


def damaged(reader: DatasetReader, records: Sequence[PairRecord]) -> tuple[str, ...]:
    """Return the names of pairs whose files are missing or have another hash."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        whole = pool.map(lambda record: _is_whole(reader, record), records)
        return tuple(record.name for record, good in zip(records, whole, strict=True) if not good)


def _is_whole(reader: DatasetReader, record: PairRecord) -> bool:
    for role in ROLES:
        frame = record.frame(role)
        if frame is None:
            continue
        try:
            data = image_path(reader.folder, role, record.name).read_bytes()
        except OSError:
            return False
        if hashlib.sha256(data).hexdigest() != frame.sha256:
            return False
    return True


def figures(samples: Sequence[Sample]) -> dict[str, float]:
    """Return means and extremes of a recording."""
    return {
        "saved_hz": fmean(sample.saved_hz for sample in samples),
        "colorized_hz": fmean(sample.colorized_hz for sample in samples),
        "longest_queue": max(sample.queued for sample in samples),
        "largest_queue_mb": max(sample.queued_mb for sample in samples),
        "oldest_s": max(sample.age_s for sample in samples),
        "app_percent": fmean(sample.app_percent for sample in samples),
        "writing_percent": fmean(sample.writing_percent for sample in samples),
        "capture_percent": fmean(sample.capture_percent for sample in samples),
        "others_percent": fmean(sample.others_percent for sample in samples),
        "uncompressed_s": float(sum(not sample.compressed for sample in samples)),
        "memory_mb": max(sample.memory_mb for sample in samples),
    }
