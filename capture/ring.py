"""Shared memory in which the capture process hands images over: a fixed number of slots for each camera.

The side that creates a ring unlinks it; the other side attaches by name. Who may use a slot is agreed over
pipes (`capture/process.py`); the ring only copies. Its first page holds each camera's counters, which the
reader can look at whenever it likes, also after the writer died.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from capture.errors import CaptureError
from capture.frames import ROLES, Image, Role
from capture.rig import CameraCounters

COUNTERS_BYTES = 4096
ALIGNMENT = 4096
WANTED_BYTES_PER_CAMERA = 96 << 20
"""Room for half a second of two fast cameras; the slots of large images are fewer."""
FEWEST_SLOTS, MOST_SLOTS = 3, 32
SHARED_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 (where Linux keeps it; not a file of ours)


@dataclass(frozen=True)
class RingLayout:
    """Sizes of a ring. `name`: of the shared memory; `slots`: per camera."""

    name: str
    slot_bytes: int
    slots: int


class FrameRing:
    """One side's view of the shared memory. Not thread-safe; either side may close first."""

    def __init__(self, memory: SharedMemory, layout: RingLayout, *, owned: bool) -> None:
        self.layout = layout
        self._memory = memory
        self._owned = owned

    @classmethod
    def create(cls, image_bytes: int) -> FrameRing:
        """Make a ring whose slots hold images of up to this size. Raises CaptureError if memory is short."""
        slot_bytes = -(-max(image_bytes, 1) // ALIGNMENT) * ALIGNMENT
        slots = min(MOST_SLOTS, max(FEWEST_SLOTS, WANTED_BYTES_PER_CAMERA // slot_bytes))
        free_bytes = _free_bytes()
        if free_bytes is not None:
            # Linux hands out more than it has and kills the writer later (SIGBUS): better to ask before.
            slots = min(slots, (free_bytes - COUNTERS_BYTES) // (len(ROLES) * slot_bytes))
            if slots < FEWEST_SLOTS:
                needed = COUNTERS_BYTES + len(ROLES) * FEWEST_SLOTS * slot_bytes
                raise CaptureError(
                    f"Shared memory is too small: images need {needed / 1e6:.0f} MB, {SHARED_MEMORY_FOLDER} "
                    f"has {free_bytes / 1e6:.0f} MB free; give the container more (--shm-size=1g)."
                )
        memory = SharedMemory(create=True, size=COUNTERS_BYTES + len(ROLES) * slots * slot_bytes)
        ring = cls(memory, RingLayout(memory.name, slot_bytes, slots), owned=True)
        ring.set_counters(dict.fromkeys(ROLES, CameraCounters()))
        return ring

    @classmethod
    def attach(cls, layout: RingLayout) -> FrameRing:
        """Open a ring that the other side created."""
        return cls(SharedMemory(name=layout.name), layout, owned=False)

    def write(self, role: Role, slot: int, image: Image) -> None:
        """Copy an image into a slot. Raises CaptureError if it is too large for one."""
        if image.nbytes > self.layout.slot_bytes:
            raise CaptureError(
                f"A {role} image of {image.nbytes} bytes arrived, larger than when capture started "
                f"({self.layout.slot_bytes}); stop and start again."
            )
        np.copyto(self._view(role, slot, image.shape, image.dtype), image)

    def read(self, role: Role, slot: int, shape: tuple[int, ...], dtype: str) -> Image:
        """Return an owned, read-only copy of the image in a slot."""
        image: Image = self._view(role, slot, shape, np.dtype(dtype)).copy()
        image.flags.writeable = False
        return image

    def set_counters(self, counters: Mapping[Role, CameraCounters]) -> None:
        """Publish counters. Each number is written in one piece, so that a reader sees no half of one."""
        table = self._counters()
        for row, role in enumerate(ROLES):
            c = counters[role]
            table[row] = (c.delivered, c.incomplete, c.id_gaps, c.overrun)

    def counters(self) -> dict[Role, CameraCounters]:
        """Return the counters that were published last."""
        table = self._counters().tolist()
        return {role: CameraCounters(*table[row]) for row, role in enumerate(ROLES)}

    def close(self) -> None:
        """Let go of the memory, and remove it if this side created it."""
        self._memory.close()
        if self._owned:
            self._memory.unlink()

    def _counters(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        return np.ndarray((len(ROLES), 4), np.int64, self._memory.buf)

    def _view(
        self, role: Role, slot: int, shape: tuple[int, ...], dtype: np.dtype[np.uint8 | np.uint16]
    ) -> Image:
        index = ROLES.index(role) * self.layout.slots + slot
        return np.ndarray(shape, dtype, self._memory.buf, COUNTERS_BYTES + index * self.layout.slot_bytes)


def _free_bytes() -> int | None:
    """Return how much shared memory is free, None where the system has no folder to ask."""
    return shutil.disk_usage(SHARED_MEMORY_FOLDER).free if SHARED_MEMORY_FOLDER.is_dir() else None
