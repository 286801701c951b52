"""The shots of a calibration: what was found in them, where their images are, which of them count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.calibrating.session import Choices, Session, new_folder, write_choices
from capture.board_images import BoardImages, find_board_images
from capture.coverage import Bars, BoardView
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
        takes_shots: live shots may be added: there are none yet, or they are live ones themselves. Not to
            images that somebody else collected.
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
    takes_shots: bool
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
        self._disk = threading.Lock()  # never waited for while the other one is held
        self._guide = Guide(target)
        self._folder: Path | None = None
        self._is_ours = False
        self._session: Session | None = None
        self._former: list[Session] = []
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
            takes_shots=self._folder is None or self._is_ours,
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
            guide = self._guide
            offer = guide.offer(seen["mono"], seen["color"], time_s, pair.skew_ns / 1e9)
            if offer.view is None:
                return offer
            guide.remove(offer.view.name)  # until it is on disk
        view = self._keep(pair, offer.view, guide, info)
        return replace(offer, view=view, reason=f"Taken as shot {view.name}: {self._state.hint}")

    def take(
        self, pair: FramePair, seen: Mapping[Role, Detection | NotSeen], info: RigInfo
    ) -> BoardView | None:
        """Keep a pair whatever it adds; None if not both cameras see the target. Raises DatasetError."""
        mono, color = seen["mono"], seen["color"]
        if isinstance(mono, NotSeen) or isinstance(color, NotSeen):
            return None
        guide = self._guide
        return self._keep(pair, BoardView("", *guide.target.paired(mono, color)), guide, info)

    def add(self, images: BoardImages, view: BoardView, to: object) -> None:
        """Take in a view of images that are on disk already.

        `to` is what `begin` returned: nothing is added if all has begun anew since.
        """
        with self._lock:
            if self._guide is not to:
                return
            self._images[images.name] = images
            self._guide.add(view)
            self._state = self._snapshot()
        self._on_change()

    def begin(self, target: Target, folder: Path | None = None, choices: Choices | None = None) -> object:
        """Start again: with another target, or with the images of a folder, whose shots are then added.

        Does not wait for a shot that is being written: it stays where it is, and does not count. Returns
        what `add` wants to know.
        """
        with self._lock:
            self._let_go()
            self._guide = Guide(target)
            self._folder = folder
            self._is_ours = choices is not None and choices.target is not None
            self._images.clear()
            self._excluded = choices.excluded if choices is not None else frozenset()
            self._before.clear()
            self._state = self._snapshot()
            begun = self._guide
        self._on_change()
        return begun

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
        """Let the folder go, once a shot that is being written is there. The next one opens it again."""
        with self._lock:
            self._let_go()
        with self._disk:
            self._close_former()

    def _let_go(self) -> None:
        if self._session is not None:
            self._former.append(self._session)
            self._session = None

    def _close_former(self) -> None:
        while self._former:
            self._former.pop().close()

    def _keep(self, pair: FramePair, view: BoardView, guide: Guide, info: RigInfo) -> BoardView:
        """Write a shot, then count it; not if all has begun anew meanwhile."""
        with self._disk:
            self._close_former()
            with self._lock:
                session, is_new = self._open_session(info)
                choices = Choices(guide.target, self._excluded)
            kept = replace(view, name=session.save(pair))
            if is_new:
                write_choices(session.folder, choices)
        with self._lock:
            if guide is self._guide:
                guide.add(kept)
                self._state = self._snapshot()
        self._on_change()
        return kept

    def _open_session(self, info: RigInfo) -> tuple[Session, bool]:
        is_new = self._folder is None
        if self._folder is None:
            self._folder = new_folder(self.parent, datetime.now())  # noqa: DTZ005 - for people, local time
            self._is_ours = True
        if self._session is None:
            self._session = Session(self._folder, info)
        return self._session, is_new

    def _choose(self, excluded: frozenset[str]) -> None:
        self._excluded = excluded
        if self._folder is not None and self._is_ours:
            write_choices(self._folder, Choices(self._guide.target, excluded))
        self._state = self._snapshot()
