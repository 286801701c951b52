"""The thread that looks for the board in live pairs and takes the shots."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.calibrating.collection import Collection
from app.pipeline.slots import LatestSlot
from app.pipeline.worker import step_back
from capture.develop import develop, to_8_bits
from capture.errors import DatasetError
from capture.frames import ROLES, Frame, FramePair, Role
from capture.rig import RigInfo
from capture.targets import Detection, NotSeen, Target

NICENESS = 5
_NS_PER_S = 1e9

Outcome = Literal["looking", "refused", "taken", "failed"]


@dataclass(frozen=True, eq=False)
class Sighting:
    """What was seen in one live pair.

    Attributes:
        pair: the raw pair.
        images: developed, 8 bits: mono H×W, colour H×W×3 RGB.
        seen: the board in each image, or why there is none.
        outcome: whether a shot was taken of it; "looking" while shots are not taken by themselves.
        reason: why, one line.
        search_ms: time the search took, both images.
    """

    pair: FramePair
    images: Mapping[Role, NDArray[np.uint8]]
    seen: Mapping[Role, Detection | NotSeen]
    outcome: Outcome
    reason: str
    search_ms: float


class BoardWatch:
    """Searches the newest pair, both images at once. `run` is the body of its thread, the rest for any.

    Args:
        pairs: raw pairs; closing it ends the thread.
        collection: judges and keeps the shots.
        info: returns the running rig, None while there is none.
        publish: gets every sighting, in the thread.
    """

    def __init__(
        self,
        pairs: LatestSlot[FramePair],
        collection: Collection,
        info: Callable[[], RigInfo | None],
        publish: Callable[[Sighting], None],
    ) -> None:
        self._pairs = pairs
        self._collection = collection
        self._info = info
        self._publish = publish
        self._take_next = threading.Event()
        self.takes_shots = True

    def take_next(self) -> None:
        """Keep the next pair in which both cameras see the board, whatever it adds."""
        self._take_next.set()

    def stop(self) -> None:
        """End the thread soon. Idempotent."""
        self._pairs.close()

    def run(self) -> None:
        """Search until stopped."""
        step_back(NICENESS)
        with ThreadPoolExecutor(len(ROLES), thread_name_prefix="boards") as pool:
            while (pair := self._pairs.take()) is not None:
                self._publish(self._look(pair, pool))

    def _look(self, pair: FramePair, pool: ThreadPoolExecutor) -> Sighting:
        began_s = time.monotonic()
        target = self._collection.target
        searches = {
            role: pool.submit(_search, pair.mono if role == "mono" else pair.color, target) for role in ROLES
        }
        found = {role: search.result() for role, search in searches.items()}
        seen = {role: detection for role, (_, detection) in found.items()}
        search_ms = (time.monotonic() - began_s) * 1e3
        outcome, reason = self._judge(pair, seen, target)
        images = {role: image for role, (image, _) in found.items()}
        return Sighting(pair, images, seen, outcome, reason, search_ms)

    def _judge(
        self, pair: FramePair, seen: Mapping[Role, Detection | NotSeen], target: Target
    ) -> tuple[Outcome, str]:
        info, state = self._info(), self._collection.state()
        if info is None or target is not state.target:
            return "looking", ""
        if not state.takes_shots:
            return "looking", "These shots are images from disk: begin a new set to take live ones."
        try:
            if self._take_next.is_set():
                view = self._collection.take(pair, seen, info)
                if view is not None:
                    self._take_next.clear()
                    return "taken", f"Taken as {view.name}, because you asked for it."
            if not self.takes_shots:
                return "looking", _first_reason(seen)
            offer = self._collection.offer(pair, seen, pair.mono.host_ns / _NS_PER_S, info)
        except DatasetError as error:
            return "failed", f"The shot could not be saved: {error}"
        return ("taken" if offer.accepted else "refused"), offer.reason


def gray_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an 8-bit image in gray, H×W: what boards are searched in."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _search(frame: Frame, target: Target) -> tuple[NDArray[np.uint8], Detection | NotSeen]:
    image = to_8_bits(develop(frame))
    return image, target.detect(gray_of(image), quick=True)


def _first_reason(seen: Mapping[Role, Detection | NotSeen]) -> str:
    for role, words in (("mono", "Mono camera"), ("color", "Colour camera")):
        detection = seen[role]  # type: ignore[index]
        if isinstance(detection, NotSeen):
            return f"{words}: {detection.reason}"
    return "Both cameras see the board. Shots are taken when you press the button."
