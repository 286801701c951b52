"""Thumbnails: mono and colour beside each other, kept on disk by content, made in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.browsing.pictures import PairStudio
from app.pipeline.worker import step_back
from capture.dataset_records import PairRecord
from capture.errors import DatasetError

log = logging.getLogger(__name__)

KEPT_SIDE_PX = 288
"""Each of the two pictures on disk fits into a square of this size."""
QUALITY = 88
MOST_CACHE_BYTES = 1 << 30
THREADS = 2
NICENESS = 10
GAP_PX = 2

Bgra = NDArray[np.uint8]


class ThumbnailCache:
    """Thumbnails as JPEG files, by the content that they were made from. Any thread may use it.

    It may be deleted at any time; a file that cannot be written is made again the next time.

    Args:
        folder: for nothing else; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> NDArray[np.uint8] | None:
        """Return H×2W×3 uint8 BGR, mono at the left; None if there is none, or it is damaged."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        if not data:
            return None
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        return None if image is None else np.asarray(image, np.uint8)

    def has(self, key: str) -> bool:
        """Return whether there is one."""
        return self._path(key).exists()

    def put(self, key: str, image: NDArray[np.uint8]) -> None:
        """Keep one."""
        path = self._path(key)
        good, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
        if not good:
            return
        draft = path.with_suffix(f".{threading.get_native_id()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data.tobytes())
            draft.replace(path)
        except OSError:
            return

    def prune(self, most_bytes: int = MOST_CACHE_BYTES) -> int:
        """Delete the oldest until no more than `most_bytes` are left; return how many went."""
        files = []
        for path in self.folder.glob("??/*"):
            try:
                status = path.stat()
            except OSError:
                continue
            files.append((status.st_mtime_ns, status.st_size, path))
        excess = sum(size for _, size, _ in files) - most_bytes
        gone = 0
        for _, size, path in sorted(files):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size
            gone += 1
        return gone

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.jpg"


@dataclass(frozen=True)
class Job:
    """A thumbnail that is wanted.

    Attributes:
        record: of the pair.
        size_px: (width, height) of the whole picture, gap included; None: only on disk, for later.
    """

    record: PairRecord
    size_px: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """What became of a job.

    Attributes:
        name: of the pair.
        size_px: what was asked for.
        image: H×W×4 uint8 BGRA, opaque, at most `size_px`; None if the pair cannot be shown.
        problem: why.
    """

    name: str
    size_px: tuple[int, int] | None
    image: Bgra | None
    problem: str = ""


class Thumbnailer:
    """Makes thumbnails in threads of its own: first what is on screen, then everything else, for later.

    Args:
        studio: reads the pairs.
        cache: keeps thumbnails on disk.
        done: gets every thumbnail that was wanted for the screen, in one of the threads.
    """

    def __init__(
        self,
        studio: PairStudio,
        cache: ThumbnailCache,
        done: Callable[[Thumbnail], None],
        threads: int = THREADS,
    ) -> None:
        self._studio = studio
        self._cache = cache
        self._done = done
        self._changed = threading.Condition()
        self._wanted: list[Job] = []
        self._later: list[Job] = []
        self._filled = self._fill_total = 0
        self._closed = self._paused = False
        self._threads = [
            threading.Thread(target=self._work, name=f"thumbnails-{number}") for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def want(self, jobs: Sequence[Job]) -> None:
        """Make these now, in this order; what was wanted before and is not begun is forgotten."""
        with self._changed:
            self._wanted = list(reversed(jobs))
            self._changed.notify_all()

    def fill(self, records: Sequence[PairRecord]) -> None:
        """Make these for the disk whenever nothing is wanted; the ones before are forgotten."""
        with self._changed:
            self._later = [Job(record) for record in reversed(records)]
            self._filled, self._fill_total = 0, len(records)
            self._changed.notify_all()

    def pause(self, *, paused: bool) -> None:
        """Begin no other thumbnail until it goes on: nobody looks."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    @property
    def filled(self) -> tuple[int, int]:
        """Return how many of those for later are there, and of how many."""
        with self._changed:
            return self._filled, self._fill_total

    def close(self) -> None:
        """End the threads, and wait for them: at most for a pair each."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._closed and (self._paused or not (self._wanted or self._later)):
                self._changed.wait()
            if self._closed:
                return None
            return (self._wanted or self._later).pop()

    def _work(self) -> None:
        step_back(NICENESS)
        while (job := self._next()) is not None:
            if job.size_px is None:
                self._make_for_later(job)
            else:
                self._done(self._made(job, job.size_px))

    def _make_for_later(self, job: Job) -> None:
        try:
            key = self._studio.content_key(job.record)
            if not self._cache.has(key):
                self._cache.put(key, _beside(self._studio, job.record))
        except DatasetError:
            pass  # it is said when the pair comes on screen
        except Exception:
            log.exception("no thumbnail of %s", job.record.name)
        with self._changed:
            self._filled += 1
            last = self._filled == self._fill_total
        if last:
            self._cache.prune()

    def _made(self, job: Job, size_px: tuple[int, int]) -> Thumbnail:
        try:
            key = self._studio.content_key(job.record)
            kept = self._cache.get(key)
            if kept is None:
                kept = _beside(self._studio, job.record)
                self._cache.put(key, kept)
        except DatasetError as error:
            return Thumbnail(job.record.name, job.size_px, None, str(error))
        except Exception as error:
            log.exception("no thumbnail of %s", job.record.name)
            return Thumbnail(job.record.name, job.size_px, None, f"it cannot be shown: {error!r}")
        return Thumbnail(job.record.name, job.size_px, fitted(kept, size_px))


def fitted(kept: NDArray[np.uint8], size_px: tuple[int, int]) -> Bgra:
    """Return a kept thumbnail for the screen: two pictures with a gap, as large as fits into `size_px`."""
    height, width = kept.shape[0], kept.shape[1] // 2
    scale = min((size_px[0] - GAP_PX) / 2 / width, size_px[1] / height)
    target = max(1, int(width * scale)), max(1, int(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((target[1], 2 * target[0] + GAP_PX, 4), np.uint8)
    canvas[..., 3] = 255
    for side, left in ((0, 0), (1, target[0] + GAP_PX)):
        half = cv2.resize(kept[:, side * width : (side + 1) * width], target, interpolation=way)
        canvas[:, left : left + target[0], :3] = half
    return canvas


def _beside(studio: PairStudio, record: PairRecord) -> NDArray[np.uint8]:
    """Return both pictures of a pair, small, beside each other: H×2W×3 BGR. Raises DatasetError."""
    pictures = studio.pictures(record)
    height, width = pictures.mono.shape
    scale = min(KEPT_SIDE_PX / max(width, height), 1.0)
    target = max(1, round(width * scale)), max(1, round(height * scale))
    mono = cv2.resize(pictures.mono, target, interpolation=cv2.INTER_AREA)
    color = cv2.resize(pictures.color, target, interpolation=cv2.INTER_AREA)
    both = (cv2.cvtColor(mono, cv2.COLOR_GRAY2BGR), cv2.cvtColor(color, cv2.COLOR_RGB2BGR))
    return np.ascontiguousarray(np.hstack(both), np.uint8)
