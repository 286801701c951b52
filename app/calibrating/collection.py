"""The shots of a calibration: what was found in them, where their images are, which of them count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.calibrating.session import Choices, Session, new_folder, read_choices, write_choices
from capture.board_images import BoardImages, find_board_images
from capture.coverage import Bars, BoardView
from capture.errors import CalibrationError
from capture.frames import ROLES, FramePair, Role
from capture.guide import Guide, Offer
from capture.rig import RigInfo
from capture.targets import Detection, NotSeen, Target


@dataclass(frozen=True, eq=False)
class CollectionState:
    """A snapshot for the page.

    Attributes:
        target: what is looked for.
        views: shots in which the target was found, oldest first, those that are left out among them.
        excluded: names of shots that are left out.
        counts: corners seen in each cell of a camera's image, 6×8.
        coverage: part of the image in which the target was seen, 0 … 1.
        complete: enough for a good solution.
        hint: what would add most now, in words.
        folder: where the shots lie; None before the first.
        can_undo: whether there is a choice to take back.
    """

    target: Target
    views: tuple[BoardView, ...]
    excluded: frozenset[str]
    counts: Mapping[Role, NDArray[np.int64]]
    coverage: Mapping[Role, float]
    bars: Bars
    complete: bool
    hint: str
    folder: Path | None
    can_undo: bool

    @property
    def used(self) -> tuple[BoardView, ...]:
        """Return the shots to solve with."""
        return tuple(view for view in self.views if view.name not in self.excluded)


class Collection:
    """Shots and choices. Every shot is on disk before it counts. Safe to use from any thread.

    Args:
        target: what is looked for at first.
        parent: a new folder is made in here with the first shot.
        on_change: called after each change, outside of the lock, in the thread that made it.
    """

    def __init__(self, target: Target, parent: Path, on_change: Callable[[], None] = lambda: None) -> None:
        self.parent = parent
        self._on_change = on_change
        self._lock = threading.RLock()
        self._guide = Guide(target)
        self._folder: Path | None = None
        self._session: Session | None = None
        self._images: dict[str, BoardImages] = {}
        self._excluded: frozenset[str] = frozenset()
        self._before: list[frozenset[str]] = []
        self._state = self._snapshot()

    def state(self) -> CollectionState:
        """Return a snapshot; never waits, not even for a shot that is being written."""
        return self._state

    def _snapshot(self) -> CollectionState:
        guide = self._guide
        return CollectionState(
            target=guide.target,
            views=guide.views,
            excluded=self._excluded,
            counts={role: guide.counts(role) for role in ROLES},
            coverage={role: guide.coverage(role) for role in ROLES},
            bars=guide.bars(),
            complete=guide.complete,
            hint=guide.hint(),
            folder=self._folder,
            can_undo=bool(self._before),
        )

    @property
    def target(self) -> Target:
        """Return what is looked for."""
        return self._state.target

    def offer(
        self, pair: FramePair, seen: Mapping[Role, Detection | NotSeen], time_s: float, info: RigInfo
    ) -> Offer:
        """Let the guide judge what is seen of a pair, and keep the pair if it takes it.

        Raises DatasetError if the shot cannot be written; it does not count then.
        """
        with self._lock:
            offer = self._guide.offer(seen["mono"], seen["color"], time_s, pair.skew_ns / 1e9)
            if offer.view is not None:
                self._guide.remove(offer.view.name)
                offer = replace(offer, view=self._keep(pair, offer.view, info))
            if offer.accepted:
                self._state = self._snapshot()
        if offer.accepted:
            self._on_change()
        return offer

    def take(
        self, pair: FramePair, seen: Mapping[Role, Detection | NotSeen], info: RigInfo
    ) -> BoardView | None:
        """Keep a pair whatever it adds; None if not both cameras see the target. Raises DatasetError."""
        mono, color = seen["mono"], seen["color"]
        if isinstance(mono, NotSeen) or isinstance(color, NotSeen):
            return None
        with self._lock:
            view = self._keep(pair, BoardView("", *self._guide.target.paired(mono, color)), info)
            self._state = self._snapshot()
        self._on_change()
        return view

    def add(self, images: BoardImages, view: BoardView) -> None:
        """Take in a view of images that are on disk already."""
        with self._lock:
            self._images[images.name] = images
            self._guide.add(view)
            self._state = self._snapshot()
        self._on_change()

    def begin(self, target: Target, folder: Path | None = None, choices: Choices | None = None) -> None:
        """Start again: with another target, or with the images of a folder, whose shots are then added."""
        with self._lock:
            self.close()
            self._guide = Guide(target)
            self._folder = folder
            self._images.clear()
            self._excluded = choices.excluded if choices is not None else frozenset()
            self._before.clear()
            self._state = self._snapshot()
        self._on_change()

    def set_excluded(self, name: str, *, excluded: bool) -> None:
        """Leave a shot out, or take it in again. Raises DatasetError if the choice cannot be noted."""
        with self._lock:
            chosen = self._excluded | {name} if excluded else self._excluded - {name}
            if chosen == self._excluded:
                return
            self._before.append(self._excluded)
            self._choose(chosen)
        self._on_change()

    def undo(self) -> None:
        """Take the last choice back. Raises DatasetError."""
        with self._lock:
            if not self._before:
                return
            self._choose(self._before.pop())
        self._on_change()

    def images(self, name: str) -> BoardImages | None:
        """Return where the images of a shot are."""
        with self._lock:
            if name not in self._images and self._session is not None:
                shots = find_board_images([self._session.folder])
                self._images.update((images.name, images) for images in shots)
            return self._images.get(name)

    def close(self) -> None:
        """Let the folder go; the next shot opens it again. Idempotent."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _keep(self, pair: FramePair, view: BoardView, info: RigInfo) -> BoardView:
        if self._session is None:
            if self._folder is None or not _takes_shots(self._folder):
                self._folder = new_folder(self.parent, datetime.now())  # noqa: DTZ005 - for people, local time
            self._session = Session(self._folder, info)
        first = not self._guide.views
        name = self._session.save(pair)
        if first:
            write_choices(self._session.folder, Choices(self._guide.target, self._excluded))
        kept = replace(view, name=name)
        self._guide.add(kept)
        return kept

    def _choose(self, excluded: frozenset[str]) -> None:
        self._excluded = excluded
        if self._folder is not None and _takes_shots(self._folder):
            write_choices(self._folder, Choices(self._guide.target, excluded))
        self._state = self._snapshot()


def _takes_shots(folder: Path) -> bool:
    """Return whether a folder is one of ours: nothing is written into anybody's collection of images."""
    try:
        return read_choices(folder).target is not None
    except CalibrationError:
        return False
