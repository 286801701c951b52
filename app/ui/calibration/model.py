"""What the Calibration page knows and does; widgets show it and ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.calibrating.collection import Collection, CollectionState
from app.calibrating.folder import Reading, read_folder
from app.calibrating.watch import BoardWatch, Sighting
from app.pipeline.worker import Worker
from app.ui.bridge import Bridge
from app.ui.calibration.jobs import Job, emit
from app.ui.mailbox import Mailbox
from app.ui.picture import Picture, make_picture
from capture.calibrate import Progress, RigSolution, solve
from capture.errors import CalibrationError
from capture.frames import ROLES, Role
from capture.targets import Target


@dataclass(frozen=True, eq=False)
class LiveBoard:
    """A sighting with its pictures, ready to be painted."""

    sighting: Sighting
    pictures: Mapping[Role, Picture]


@dataclass(frozen=True, eq=False)
class ShotPictures:
    """The images of one shot."""

    name: str
    pictures: Mapping[Role, Picture]


@dataclass(frozen=True, eq=False)
class FolderRead:
    """How far a folder was read, with the pictures of the last pair."""

    reading: Reading
    pictures: Mapping[Role, Picture]


class CalibrationModel(QObject):
    """The page's state. Everything that may take time runs in threads; signals arrive in the GUI thread.

    Signals:
        sighted: a `LiveBoard`, newest only.
        collected: a `CollectionState`, after each change.
        read: a `FolderRead`, while a folder is being read, and at its end.
        solving: a `Progress`.
        solved: a `RigSolution`.
        shot_loaded: the `ShotPictures` that were asked for last.
        busy: whether a folder is being read or a solution is under way.
        failed: what went wrong and what to do.
    """

    sighted = Signal(object)
    collected = Signal(object)
    read = Signal(object)
    solving = Signal(object)
    solved = Signal(object)
    shot_loaded = Signal(object)
    busy = Signal(bool)
    failed = Signal(str)
    _sighting_ready = Signal()
    _collection_changed = Signal()

    def __init__(self, bridge: Bridge, target: Target, parent_folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._sightings: Mailbox[LiveBoard] = Mailbox()
        self._pokes: Mailbox[bool] = Mailbox()
        self._sighting_ready.connect(self._take_sighting)
        self._collection_changed.connect(self._take_collection)
        self.collection = Collection(target, parent_folder, self._poke_collection)
        self.solution: RigSolution | None = None
        self.solved_from: tuple[str, ...] = ()
        self._watch: BoardWatch | None = None
        self._watchers: list[Worker] = []
        self._takes_shots = True
        self._folder_job, self._solve_job, self._load_job, self._choice_job = (
            Job(name, self) for name in ("reading", "solving", "loading", "choosing")
        )
        self._folder_job.progressed.connect(self.read)
        self._folder_job.finished.connect(self._on_read)
        self._solve_job.progressed.connect(self.solving)
        self._solve_job.finished.connect(self._on_solved)
        self._load_job.finished.connect(self.shot_loaded)
        for job in (self._folder_job, self._solve_job, self._load_job, self._choice_job):
            job.failed.connect(self.failed)
        for job in (self._folder_job, self._solve_job):
            job.ended.connect(self._tell_busy)

    @property
    def state(self) -> CollectionState:
        """The shots."""
        return self.collection.state()

    @property
    def is_busy(self) -> bool:
        """Whether a folder is being read or a solution is under way."""
        return self._folder_job.running or self._solve_job.running

    @property
    def is_stale(self) -> bool:
        """Whether shots or choices changed since the solution was begun."""
        return self.solution is None or self.solved_from != tuple(view.name for view in self.state.used)

    # --- live ---

    def watch(self) -> None:
        """Look for the board in the live pictures from now on."""
        if self._watch is not None:
            return
        pairs = self._bridge.taps.raw.open()
        watch = BoardWatch(pairs, self.collection, lambda: self._bridge.status().rig, self._publish)
        watch.takes_shots = self._takes_shots
        self._watch = watch
        self._watchers = [worker for worker in self._watchers if worker.alive]
        worker = Worker("board watch", watch.run, self._crashed)
        self._watchers.append(worker)
        worker.start()

    def unwatch(self) -> None:
        """Look no longer; the thread ends with the pair it is at."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def close(self) -> None:
        """Give everything up, and wait for the threads."""
        self.unwatch()
        for job in (self._folder_job, self._solve_job, self._load_job, self._choice_job):
            job.close()
        for worker in self._watchers:
            worker.join()
        self.collection.close()

    def set_takes_shots(self, takes: bool) -> None:
        """Take shots by itself, or only when asked."""
        self._takes_shots = takes
        if self._watch is not None:
            self._watch.takes_shots = takes

    def take_next(self) -> None:
        """Take a shot of the next pair in which both cameras see the board."""
        if self._watch is not None:
            self._watch.take_next()

    # --- shots ---

    def choose_target(self, target: Target) -> None:
        """Look for another target; the shots so far stay in their folder, a new set begins."""
        if target != self.collection.target:
            self._forget_solution()
            self.collection.begin(target)

    def start_anew(self) -> None:
        """Begin a new set of shots with the same target."""
        self._forget_solution()
        self.collection.begin(self.collection.target)

    def open_folder(self, paths: list[Path], mono_side: Literal["left", "right"] = "left") -> None:
        """Read board images, or an earlier set of shots, in the background."""
        self._forget_solution()
        collection = self.collection

        def with_pictures(reading: Reading) -> FolderRead:
            return FolderRead(reading, {role: make_picture(image) for role, image in reading.images.items()})

        def work(tell: Callable[[object], None], cancelled: Callable[[], bool]) -> FolderRead:
            reading = read_folder(
                paths, collection, mono_side, lambda news: tell(with_pictures(news)), cancelled
            )
            return with_pictures(reading)

        self._folder_job.start(work)
        self._tell_busy()

    def set_excluded(self, name: str, *, excluded: bool) -> None:
        """Leave a shot out of the solution, or take it in again."""
        collection = self.collection
        self._choice_job.start(lambda *_: collection.set_excluded(name, excluded=excluded))

    def undo(self) -> None:
        """Take the last choice back."""
        collection = self.collection
        self._choice_job.start(lambda *_: collection.undo())

    def load_shot(self, name: str) -> None:
        """Read the images of a shot; `shot_loaded` follows."""
        collection = self.collection

        def work(*_: object) -> ShotPictures:
            images = collection.images(name)
            if images is None:
                raise CalibrationError(f"the images of {name} are not there any more")
            return ShotPictures(name, {role: make_picture(images.load(role)) for role in ROLES})

        self._load_job.start(work)

    # --- solving ---

    def solve(self) -> None:
        """Solve from the shots that are not left out, in the background."""
        state = self.state
        self.solved_from = tuple(view.name for view in state.used)

        def work(tell: Callable[[object], None], cancelled: Callable[[], bool]) -> RigSolution:
            return solve(
                state.views,
                state.target,
                exclude=state.excluded,
                on_progress=tell,
                cancelled=cancelled,
            )

        self._solve_job.start(work)
        self.solving.emit(Progress(0, 1, "starting"))
        self._tell_busy()

    def cancel(self) -> None:
        """Give up reading or solving."""
        self._folder_job.cancel()
        self._solve_job.cancel()

    def _forget_solution(self) -> None:
        self.cancel()
        self.solution = None
        self.solved_from = ()

    def _on_solved(self, solution: RigSolution) -> None:
        self.solution = solution
        self.solved.emit(solution)

    def _on_read(self, read: FolderRead) -> None:
        self.read.emit(read)
        reading = read.reading
        if reading.found == 0:
            self.failed.emit(
                f"The board was found in none of {reading.total} pairs. Last: {reading.last} "
                "Do the target's settings fit the board in these images?"
            )

    def _tell_busy(self) -> None:
        self.busy.emit(self.is_busy)

    # --- from the threads ---

    def _publish(self, sighting: Sighting) -> None:
        pictures = {role: make_picture(image) for role, image in sighting.images.items()}
        if self._sightings.put(LiveBoard(sighting, pictures)):
            emit(self._sighting_ready)

    def _crashed(self, worker: str, error: Exception) -> None:
        emit(self.failed, f"The {worker} stopped: {error}. Leave the page and come back to start it again.")

    def _poke_collection(self) -> None:
        if self._pokes.put(item=True):
            emit(self._collection_changed)

    def _take_sighting(self) -> None:
        live = self._sightings.take()
        if live is not None and self._watch is not None:
            self.sighted.emit(live)

    def _take_collection(self) -> None:
        self._pokes.take()
        self.collected.emit(self.state)
