"""Keeps the time of a lost rig: when the picture stopped, when that was noticed, when it went on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from app.pipeline.status import Outage, RecoveryStatus
from capture.frames import ROLES, Frame, Role

OUTAGES_KEPT = 100

BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Before the first, second, … attempt to open the rig again; the last one repeats while it is absent."""

STABLE_S = 3.0
"""A rig that is lost again sooner than this after it came back is not tried at once again."""

TRIGGER_WAIT_S = 2.0
"""Cameras that wait for triggers are taken as back without a frame this long after they began to acquire."""

TRIGGER_PAUSE_S = 10.0
"""A last frame of such cameras that is older than this says nothing of when they were lost."""

_NS_PER_S = 1e9


class Recovery:
    """What the source thread reports and anybody may ask for. `status` and `outages` are for any thread.

    Args:
        on_change: called, outside of the lock, when the rig is lost and when it is back.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._status = RecoveryStatus()
        self._outages: deque[Outage] = deque(maxlen=OUTAGES_KEPT)
        self._last_frame_ns: dict[Role, int] = {}
        self._silent: set[Role] = set()
        self._lost_ns = 0
        self._detection_s: float | None = None
        self._backoff = 0
        self._attempt_ns = 0
        self._opened_ns = 0
        self._recovered_ns: int | None = None
        self._refused: tuple[str, ...] = ()

    def frame(self, frame: Frame) -> Outage | None:
        """Note a frame; return the outage that it ends, None for all other frames."""
        self._last_frame_ns[frame.role] = frame.host_ns
        if not self._silent:
            return None
        self._silent.discard(frame.role)
        return None if self._silent else self._back()

    def lost(self, cause: str, serials: tuple[str, ...], *, waits_for_trigger: bool) -> None:
        """Note that the rig is gone; while it is, another loss is part of the same outage."""
        with self._lock:
            if self._status.reconnecting:
                return
            now_ns = self._lost_ns = time.monotonic_ns()
            # The picture has stood still since one of the two cameras fell silent.
            self._detection_s = None
            if len(self._last_frame_ns) == len(ROLES):
                silent_s = max(0.0, (now_ns - min(self._last_frame_ns.values())) / _NS_PER_S)
                if not waits_for_trigger or silent_s < TRIGGER_PAUSE_S:
                    self._detection_s = silent_s
            recently = self._recovered_ns is not None and now_ns - self._recovered_ns < STABLE_S * _NS_PER_S
            self._backoff = self._backoff if recently else 0
            self._status = RecoveryStatus(
                reconnecting=True,
                cause=cause,
                serials=serials,
                losses=self._status.losses + 1,
            )
        self._silent.clear()
        self._last_frame_ns.clear()
        self._on_change()

    def next_attempt(self) -> float:
        """Return how long to wait before the next attempt to open the rig."""
        with self._lock:
            wait_s = BACKOFF_S[min(self._backoff, len(BACKOFF_S) - 1)]
            self._backoff += 1
            self._attempt_ns = time.monotonic_ns() + round(wait_s * _NS_PER_S)
            self._status = replace(self._status, attempt=self._status.attempt + 1)
        return wait_s

    def opened(self, refused: tuple[str, ...]) -> None:
        """Note that the rig acquires, and what it refused; both cameras' first frames end the outage."""
        self._refused = refused
        self._last_frame_ns.clear()
        self._opened_ns = time.monotonic_ns()
        if self.reconnecting:
            self._silent = set(ROLES)

    def silence(self) -> Outage | None:
        """Note that nothing comes from cameras that wait for triggers; return the outage if it is over."""
        if not self._silent or time.monotonic_ns() - self._opened_ns < TRIGGER_WAIT_S * _NS_PER_S:
            return None
        self._silent.clear()
        return self._back(self._opened_ns)

    @property
    def reconnecting(self) -> bool:
        """Return whether the rig is gone."""
        with self._lock:
            return self._status.reconnecting

    def status(self) -> RecoveryStatus:
        """Return a snapshot."""
        now_ns = time.monotonic_ns()
        with self._lock:
            status = replace(self._status, outages=tuple(self._outages))
            if status.reconnecting:
                return replace(
                    status,
                    elapsed_s=(now_ns - self._lost_ns) / _NS_PER_S,
                    wait_s=max(0.0, (self._attempt_ns - now_ns) / _NS_PER_S),
                )
            if self._recovered_ns is not None:
                return replace(status, recovered_ago_s=(now_ns - self._recovered_ns) / _NS_PER_S)
            return status

    def _back(self, since_ns: int | None = None) -> Outage:
        with self._lock:
            now_ns = self._recovered_ns = since_ns or time.monotonic_ns()
            outage = Outage(
                self._status.cause,
                self._status.attempt,
                self._detection_s,
                (now_ns - self._lost_ns) / _NS_PER_S,
                self._refused,
            )
            self._outages.append(outage)
            self._status = replace(self._status, reconnecting=False)
        self._on_change()
        return outage


def reconnecting_words(recovery: RecoveryStatus) -> str:
    """Return what is being done about a lost rig, with the seconds that it takes so far."""
    cameras = f"camera{'s' * (len(recovery.serials) > 1)} {' and '.join(recovery.serials)}"
    words = f"Reconnecting to {cameras} … {recovery.elapsed_s:.1f} s"
    if recovery.wait_s > 0:
        return f"{words}; attempt {recovery.attempt} in {recovery.wait_s:.1f} s."
    return f"{words}; attempt {recovery.attempt}." if recovery.attempt > 1 else f"{words}."


def recovered_words(recovery: RecoveryStatus, within_s: float = float("inf")) -> str:
    """Return the good news if it is not older than that, else nothing."""
    ago_s = recovery.recovered_ago_s
    if recovery.reconnecting or not recovery.outages or ago_s is None or ago_s > within_s:
        return ""
    outage = recovery.outages[-1]
    return (
        f"Recovered in {outage.recovery_s:.1f} s; the picture stood still for {outage.frozen_s:.1f} s. "
        f"{outage.cause}"
    )
