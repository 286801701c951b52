"""The rooms that the virtual rig is carried through: another one every so many seconds."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from capture.spec import VirtualSpec
from capture.virtual.stage import Stage
from capture.virtual.viewpoint import draw_viewpoint


def room_of(spec: VirtualSpec, scene_ns: int) -> int:
    """Return the number of the room that the rig is in at a time, from 0; always 0 if it stays."""
    return scene_ns // round(spec.room_s * 1e9) if spec.room_s else 0


def build_room(spec: VirtualSpec, number: int) -> Stage:
    """Return a room with the rig in it; the first is that of the spec, seen as usual. Takes seconds."""
    if number == 0:
        return Stage(spec)
    seed = spec.seed + number
    view = draw_viewpoint(seed, np.random.default_rng([seed, 13]), same_rig=True)
    return Stage(replace(spec, seed=seed), view.rig(spec))


class Tour:
    """Has the room of the moment at hand and builds the next one meanwhile. One thread at a time.

    Args:
        spec: with `room_s`, or the first room is the only one.
    """

    def __init__(self, spec: VirtualSpec) -> None:
        self._spec = spec
        self._builder: ThreadPoolExecutor | None = None
        self._rooms: dict[int, Future[Stage]] = {}
        first: Future[Stage] = Future()
        first.set_result(build_room(spec, 0))
        self._rooms[0] = first
        if spec.room_s:
            self._builder = ThreadPoolExecutor(1, thread_name_prefix="next room")
            self._prepare(1)

    def stage(self, scene_ns: int) -> Stage:
        """Return the room of a moment; waits where it is not built yet."""
        number = room_of(self._spec, scene_ns)
        if number not in self._rooms:
            self._prepare(number)
        stage = self._rooms[number].result()
        if self._builder is not None and number + 1 not in self._rooms:
            self._prepare(number + 1)
            # Frames of the room before may still be on their way.
            for gone in [room for room in self._rooms if room < number - 1]:
                del self._rooms[gone]
        return stage

    def close(self) -> None:
        """End the builder's thread. Idempotent."""
        if self._builder is not None:
            self._builder.shutdown(cancel_futures=True)

    def _prepare(self, number: int) -> None:
        assert self._builder is not None, "a rig that stays is always in room 0"
        self._rooms[number] = self._builder.submit(build_room, self._spec, number)
