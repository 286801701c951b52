"""Camera counters across reconnections."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from capture.frames import ROLES, Role
from capture.rig import CameraCounters


class Ledger:
    """Adds up what rigs count: each counts from zero when it is opened. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = dict.fromkeys(ROLES, CameraCounters())
        self._current = dict.fromkeys(ROLES, CameraCounters())
        self._read = dict.fromkeys(ROLES, 0)

    def read(self, role: Role) -> None:
        """Count a frame that was read."""
        with self._lock:
            self._read[role] += 1

    def update(self, counters: Mapping[Role, CameraCounters]) -> None:
        """Take over what the open rig has counted."""
        with self._lock:
            self._current.update(counters)

    def close(self) -> None:
        """Keep what the rig counted last, before it is opened anew."""
        with self._lock:
            self._closed = self._sum()
            self._current = dict.fromkeys(ROLES, CameraCounters())

    def total(self) -> dict[Role, CameraCounters]:
        """Return all of it; `delivered` is what was read from the rig, to the frame."""
        with self._lock:
            return {role: replace(total, delivered=self._read[role]) for role, total in self._sum().items()}

    def _sum(self) -> dict[Role, CameraCounters]:
        return {
            role: CameraCounters(
                delivered=self._closed[role].delivered + current.delivered,
                incomplete=self._closed[role].incomplete + current.incomplete,
                id_gaps=self._closed[role].id_gaps + current.id_gaps,
                overrun=self._closed[role].overrun + current.overrun,
            )
            for role, current in self._current.items()
        }
