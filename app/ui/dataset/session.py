"""The open dataset: read, followed and edited in a thread of its own; thumbnails and details in others."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, QTimer, Signal

from app.browsing.feed import Feed
from app.browsing.pictures import PairPictures, PairStudio
from app.browsing.table import PairTable
from app.browsing.thumbnails import Job, Thumbnail, ThumbnailCache, Thumbnailer
from app.browsing.undo import EditHistory
from app.ui.picture import Picture, make_picture
from capture.dataset_edits import DatasetEditor, Edit
from capture.dataset_records import PairRecord
from capture.errors import DatasetError

POLL_MS = 1000
QUICK_TURN_S = 0.0005


def thumbnail_folder() -> Path:
    """Return where thumbnails are kept: in the user's folder for caches."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation)
    return Path(place) / "CycleRig" / "thumbnails"


@contextmanager
def giving_way() -> Iterator[None]:
    """Let the window's thread go before while a long list is read (decision 122).

    It asks for the interpreter at every call into Qt, and by default waits 5 ms each time that another
    thread computes; and the collector would walk through all records again and again, with all threads held.
    """
    before, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(QUICK_TURN_S)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # records have no cycles: they go when nobody has them any more
        if collects:
            gc.enable()
        sys.setswitchinterval(before)


class Superseded(Exception):
    """Another dataset is wanted, or the window closes: what is being read is not needed any more."""


@dataclass(frozen=True, eq=False)
class Detail:
    """A pair at full size.

    Attributes:
        record: of the pair.
        mono, color: None if they cannot be read.
        rectified: whether they are.
        note: why they are not rectified, although there is a calibration; else empty.
        hash_problem: what is wrong with the files; empty if they are what was captured.
    """

    record: PairRecord
    mono: Picture | None = None
    color: Picture | None = None
    rectified: bool = False
    note: str = ""
    hash_problem: str = ""


class DatasetSession(QObject):
    """One dataset at a time. All methods are for the GUI thread and return at once.

    Signals (all in the GUI thread):
        table_changed: the `PairTable`: newly opened, or grown, or edited.
        opened: its folder; everything is read.
        failed: what went wrong, in one line that names file and line; the table stays as it was.
        refused: why a folder cannot be opened.
        busy_changed: what is being done, empty when it is done.
        history_changed: there is another edit to undo or to redo.
        said: what an edit did, for a toast.
        thumbnails_made: `list[Thumbnail]`.
        detailed: a `Detail` that was asked for.
    """

    table_changed = Signal(object)
    opened = Signal(object)
    failed = Signal(str)
    refused = Signal(str)
    busy_changed = Signal(str)
    history_changed = Signal()
    said = Signal(str)
    thumbnails_made = Signal(object)
    detailed = Signal(object)
    _read = Signal(int, object, bool)
    _progressed = Signal(int, str)
    _complained = Signal(int, str, bool)
    _edited = Signal(int, str)
    _made = Signal()
    _looked = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder: Path | None = None
        self.table: PairTable | None = None
        self._generation = 0
        self._asked = 0
        self._polling = False
        self._busy = self._followed = False
        self._feed: Feed | None = None  # in the worker only
        self._history: EditHistory | None = None
        self._studio: PairStudio | None = None
        self._thumbnailer: Thumbnailer | None = None
        self._cache = ThumbnailCache(thumbnail_folder())
        self._lock = threading.Lock()
        self._batch: list[Thumbnail] = []
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="dataset")
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="dataset-detail")
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)
        queued = Qt.ConnectionType.QueuedConnection
        self._read.connect(self._on_read, queued)
        self._progressed.connect(self._on_progressed, queued)
        self._complained.connect(self._on_complained, queued)
        self._edited.connect(self._on_edited, queued)
        self._made.connect(self._on_made, queued)
        self._looked.connect(self._on_looked, queued)

    # --- opening and following ---

    def open(self, folder: Path) -> None:
        """Open a dataset or a plain folder; one that is open is closed when the new one could be read."""
        self._generation += 1
        self._set_busy(f"Reading {folder.name} …")
        self._worker.submit(self._guarded, self._open, self._generation, folder)

    def set_followed(self, *, followed: bool) -> None:
        """Look every second whether the dataset has grown, and make thumbnails; or stop."""
        self._followed = followed
        if self._thumbnailer is not None:
            self._thumbnailer.pause(paused=not followed)
        if followed:
            self._poll()
            self._timer.start()
        else:
            self._timer.stop()

    def close(self) -> None:
        """End all threads, and wait for them."""
        self._timer.stop()
        self._generation += 1
        self._asked += 1
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._looker.shutdown(wait=True, cancel_futures=True)
        if self._thumbnailer is not None:
            self._thumbnailer.close()

    def _poll(self) -> None:
        if self.folder is not None and not self._polling:
            self._polling = True
            self._worker.submit(self._guarded, self._follow, self._generation)

    # --- edits ---

    @property
    def undo_title(self) -> str:
        """What can be undone, empty if nothing."""
        return self._history.undo_title if self._history else ""

    @property
    def redo_title(self) -> str:
        """What can be done again, empty if nothing."""
        return self._history.redo_title if self._history else ""

    def edit(self, title: str, edit: Edit) -> None:
        """Carry out an edit."""
        history = self._history
        if history is not None and edit.names:

            def do() -> str:
                return title if history.do(title, edit) else ""

            self._change(f"{title} …", do)

    def undo(self) -> None:
        """Take back what was done last."""
        history = self._history
        if history is not None and history.undo_title:

            def undo() -> str:
                title = history.undo()
                return f"Undone: {title}" if title else ""

            self._change(f"Undo: {history.undo_title} …", undo)

    def redo(self) -> None:
        """Do again what was taken back last."""
        history = self._history
        if history is not None and history.redo_title:
            self._change(f"Redo: {history.redo_title} …", history.redo)

    def _change(self, busy: str, action: Callable[[], str]) -> None:
        self._set_busy(busy)
        self._worker.submit(self._guarded, self._carry_out, self._generation, action)

    # --- pictures ---

    def want(self, jobs: Sequence[Job]) -> None:
        """Make these thumbnails now; `thumbnails_made` brings them."""
        if self._thumbnailer is not None:
            self._thumbnailer.want(jobs)

    def detail(self, record: PairRecord) -> None:
        """Read a pair at full size; `detailed` follows unless another one is asked for."""
        self._asked += 1
        if self._studio is not None:
            self._looker.submit(self._look, self._asked, self._studio, record)

    @property
    def filled(self) -> tuple[int, int]:
        """How many thumbnails are on disk of those that will be, and of how many."""
        return (0, 0) if self._thumbnailer is None else self._thumbnailer.filled

    @property
    def idle(self) -> bool:
        """Whether nothing is being read or edited that was asked for."""
        return not self._busy

    # --- in the worker ---

    def _guarded(self, work: Callable[..., None], generation: int, *arguments: object) -> None:
        opening = work == self._open
        try:
            if opening:
                with giving_way():
                    work(generation, *arguments)
            else:
                work(generation, *arguments)
        except Superseded:
            return
        except DatasetError as error:
            self._complained.emit(generation, str(error), opening)
        except Exception as error:  # noqa: BLE001 - the user must learn of it; the thread must go on
            self._complained.emit(generation, f"The dataset could not be read: {error!r}", opening)

    def _open(self, generation: int, folder: Path) -> None:
        def told(count: int) -> None:
            if generation != self._generation:
                raise Superseded
            self._progressed.emit(generation, f"Reading {folder.name}: {count:,} pairs …")

        feed = Feed(folder, told)
        begun = False

        def show_first(table: PairTable) -> None:
            nonlocal begun
            begun = True
            # Until everything is read nothing can be edited or followed, and never if a line is bad.
            self._feed = self._history = None
            self._begin(table)
            self._read.emit(generation, table, False)

        table = feed.open(show_first)
        if not begun:
            self._begin(table)
        self._feed = feed
        editor = DatasetEditor(folder)
        self._history = None if table.is_plain else EditHistory(editor)
        self._read.emit(generation, table, True)
        if not table.is_plain:
            with suppress(DatasetError):
                editor.read_ahead()

    def _begin(self, table: PairTable) -> None:
        """Make thumbnails of another dataset from now on."""
        before = self._thumbnailer
        self._thumbnailer = None
        if before is not None:
            before.close()
        self._studio = PairStudio(table.folder, table.sessions)
        self._thumbnailer = Thumbnailer(self._studio, self._cache, self._collect)
        self._thumbnailer.pause(paused=not self._followed)

    def _follow(self, generation: int) -> None:
        table = self._feed.poll() if self._feed is not None else None
        if table is not None and table.sessions != (self.table.sessions if self.table else ()):
            self._begin(table)
        self._read.emit(generation, table, False)

    def _carry_out(self, generation: int, action: Callable[[], str]) -> None:
        said = action()
        table = self._feed.poll() if self._feed is not None else None
        if table is not None:
            self._read.emit(generation, table, False)
        self._edited.emit(generation, said)

    def _collect(self, thumbnail: Thumbnail) -> None:
        with self._lock:
            first = not self._batch
            self._batch.append(thumbnail)
        if first:
            self._made.emit()

    def _look(self, asked: int, studio: PairStudio, record: PairRecord) -> None:
        if asked != self._asked:
            return
        try:
            detail = _detail(studio, record)
        except Exception as error:  # noqa: BLE001 - a damaged pair must not end the thread
            detail = Detail(record, hash_problem=f"it cannot be shown: {error!r}")
        self._looked.emit(asked, detail)

    # --- in the GUI thread ---

    def _on_read(self, generation: int, table: PairTable | None, whole: bool) -> None:
        self._polling = False
        if generation != self._generation or table is None:
            return
        self.folder, self.table = table.folder, table
        self.table_changed.emit(table)
        if whole:
            self._set_busy("")
            self.opened.emit(table.folder)
            self.history_changed.emit()
            if self._thumbnailer is not None:
                self._thumbnailer.fill(table.records)

    def _on_progressed(self, generation: int, what: str) -> None:
        if generation == self._generation and self._busy:
            self._set_busy(what)

    def _on_complained(self, generation: int, message: str, opening: bool) -> None:
        self._polling = False
        if generation != self._generation:
            return
        self._set_busy("")
        (self.refused if opening else self.failed).emit(message)

    def _on_edited(self, generation: int, said: str) -> None:
        if generation == self._generation:
            self._set_busy("")
            self.history_changed.emit()
            if said:
                self.said.emit(said)

    def _set_busy(self, what: str) -> None:
        self._busy = bool(what)
        self.busy_changed.emit(what)

    def _on_made(self) -> None:
        with self._lock:
            batch, self._batch = self._batch, []
        self.thumbnails_made.emit(batch)

    def _on_looked(self, asked: int, detail: Detail) -> None:
        if asked == self._asked:
            self.detailed.emit(detail)


def _detail(studio: PairStudio, record: PairRecord) -> Detail:
    """Read a pair, and compare its files with their hashes; show what can be shown."""
    problem = ""
    try:
        pictures: PairPictures = studio.pictures(record, verify=True)
    except DatasetError as error:
        problem = str(error)
        try:
            pictures = studio.pictures(record)
        except DatasetError:
            return Detail(record, hash_problem=problem)
    return Detail(
        record,
        make_picture(pictures.mono),
        make_picture(pictures.color),
        pictures.rectified,
        pictures.problem,
        problem,
    )
