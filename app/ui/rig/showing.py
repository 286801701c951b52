"""Keeps the preview processes in line with what is on screen and what runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.pipeline.taps import Tap
from app.ui.rig.previews import Previews
from capture.frames import FramePair, Role


@dataclass(frozen=True)
class Wanted:
    """What to show: the cameras of these producers, and those of the rig that runs (role, serial number)."""

    producers: tuple[Path, ...] = ()
    running: tuple[tuple[Role, str], ...] = ()


class Showing(QObject):
    """Starts previews when they are wanted, and again when something else is. For the GUI thread.

    Args:
        previews: what to start and stop.
        tap: where the pairs of the rig that runs pass by.

    Signals:
        started: previews were started.
    """

    started = Signal()

    def __init__(self, previews: Previews, tap: Tap[FramePair], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._previews = previews
        self._tap = tap
        self._wanted = Wanted()
        self._shown: Wanted | None = None
        self._then: list[Callable[[], None]] = []
        previews.stopped.connect(self._on_stopped)

    def want(self, wanted: Wanted) -> None:
        """Say what is to be shown from now on; nothing: `Wanted()`."""
        self._wanted = wanted
        self._update()

    @property
    def releasing(self) -> bool:
        """Whether somebody waits for the cameras."""
        return bool(self._then)

    def release(self, then: Callable[[], None]) -> None:
        """Let go of all cameras, then go on; none is shown again before the next `want`."""
        self._wanted = Wanted()
        self._shown = None
        if not self._previews.running:
            then()
            return
        self._then.append(then)
        self._previews.stop()

    def _update(self) -> None:
        if self._then:
            return
        if self._wanted == self._shown:
            return  # also where they ended by themselves: trying again is for the user to say
        if self._previews.running:
            self._shown = None
            self._previews.stop()
            return
        self._shown = self._wanted
        if self._wanted.producers:
            self._previews.start(self._wanted.producers, self._tap, dict(self._wanted.running))
            self.started.emit()

    def _on_stopped(self) -> None:
        then, self._then = self._then, []
        for action in then:
            action()
        self._update()
