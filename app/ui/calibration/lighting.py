"""Runs the measurements of light and colour, and shows raw pictures meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.calibrating.light import (
    Cameras,
    Images,
    LightResult,
    cameras_of,
    from_caps,
    from_card,
    from_chart,
    from_white,
    take_average,
)
from app.pipeline.slots import LatestSlot
from app.pipeline.worker import Worker, step_back
from app.ui.bridge import Bridge
from app.ui.calibration.jobs import NICENESS, Job, emit
from app.ui.mailbox import Mailbox
from app.ui.picture import Picture, make_picture
from capture.develop import develop
from capture.frames import ROLES, FramePair, Role
from capture.photometric.model import CameraPhotometric, Photometric, photometric_to_table


@dataclass(frozen=True, eq=False)
class RawPictures:
    """A raw pair, developed, ready to be painted."""

    pictures: Mapping[Role, Picture]


class Lighting(QObject):
    """The light step's work. All methods are for the GUI thread and return at once.

    Signals:
        shown: `RawPictures`, the newest only.
        measured: key of a measurement and its `LightResult`.
        refused: key of a measurement and why there is no result.
        changed: after either.
    """

    shown = Signal(object)
    measured = Signal(str, object)
    refused = Signal(str, str)
    changed = Signal()
    _ready = Signal()

    def __init__(self, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._box: Mailbox[RawPictures] = Mailbox()
        self._ready.connect(self._take)
        self._pairs: LatestSlot[FramePair] | None = None
        self._workers: list[Worker] = []
        self._job = Job("measuring", self)
        self._job.finished.connect(self._on_measured)
        self._job.failed.connect(self._on_failed)
        self._key = ""
        self._whites: list[Images] = []
        self._cameras: dict[Role, CameraPhotometric] = cameras_of(None)
        self._in_use: Photometric | None = None

    @property
    def photometric(self) -> Photometric | None:
        """What is known now, measured or in use; None if nothing has to be corrected."""
        empty = _table(CameraPhotometric())
        mono, color = (
            None if _table(self._cameras[role]) == empty else self._cameras[role] for role in ROLES
        )
        return Photometric(mono, color) if mono is not None or color is not None else None

    @property
    def pending(self) -> bool:
        """Whether something was measured that is not in use."""
        return _all(self.photometric) != _all(self._in_use)

    def start(self) -> None:
        """Show raw pictures from now on."""
        if self._pairs is not None:
            return
        self._pairs = pairs = self._bridge.taps.raw.open()

        def run() -> None:
            step_back(NICENESS)
            while (pair := pairs.take()) is not None:
                self._publish(pair)

        self._workers = [worker for worker in self._workers if worker.alive]
        worker = Worker("raw view", run, self._crashed)
        self._workers.append(worker)
        worker.start()

    def stop(self) -> None:
        """Show nothing more."""
        if self._pairs is not None:
            self._pairs.close()
            self._pairs = None

    def close(self) -> None:
        """Give everything up, and wait for the threads."""
        self.stop()
        self._job.close()
        for worker in self._workers:
            worker.join()

    def use(self, photometric: Photometric | None) -> None:
        """Begin with what the calibration in use says."""
        self._in_use = photometric
        self._cameras = cameras_of(photometric)
        self._whites.clear()

    def forget(self) -> None:
        """Begin with nothing."""
        self._cameras = cameras_of(None)
        self._whites.clear()

    def measure_marked(self, corners_px: NDArray[np.float64]) -> None:
        """Measure the chart at these corners of the raw colour picture."""
        self.measure("chart", corners_px)

    def measure(self, key: str, corners_px: NDArray[np.float64] | None = None) -> None:
        """Measure from the next pairs: "caps", "white", "chart" or "card"."""
        self._key = key
        pairs = self._bridge.taps.raw.open()
        cameras = {role: self._with_curve(role) for role in ROLES}
        whites, knows_curve = list(self._whites), "Gamma" in self._bridge.settings("color")

        def work(_: object, cancelled: Callable[[], bool]) -> tuple[LightResult, Images]:
            try:
                images = take_average(pairs, cancelled)
            finally:
                pairs.close()
            if key == "chart":
                return from_chart(images, cameras, corners_px, gamma_known=knows_curve), images
            return _measure(key, images, whites, cameras), images

        self._job.start(work)

    def _with_curve(self, role: Role) -> CameraPhotometric:
        """Return what is known of a camera, with the curve that it says it has."""
        gamma = self._bridge.settings(role).get("Gamma")
        known = self._cameras[role]
        return replace(known, gamma=float(gamma.value)) if gamma is not None else known

    def _on_measured(self, found: tuple[LightResult, Images]) -> None:
        result, images = found
        self._cameras = dict(result.cameras)
        if self._key == "white":
            self._whites.append(images)
        self.measured.emit(self._key, result)
        self.changed.emit()

    def _on_failed(self, problem: str) -> None:
        self.refused.emit(self._key, problem)
        self.changed.emit()

    def _publish(self, pair: FramePair) -> None:
        frames = {"mono": pair.mono, "color": pair.color}
        shown = RawPictures({role: make_picture(develop(frames[role])) for role in ROLES})
        if self._box.put(shown):
            emit(self._ready)

    def _crashed(self, worker: str, error: Exception) -> None:
        emit(self.refused, self._key or "caps", f"The {worker} stopped: {error}")

    def _take(self) -> None:
        shown = self._box.take()
        if shown is not None and self._pairs is not None:
            self.shown.emit(shown)


def _measure(key: str, images: Images, whites: list[Images], cameras: Cameras) -> LightResult:
    if key == "caps":
        return from_caps(images, cameras)
    if key == "white":
        return from_white([*whites, images], cameras)
    return from_card(images, cameras)


def _table(camera: CameraPhotometric) -> dict[str, object]:
    """Return what a camera's numbers are, but for its curve, which alone corrects nothing."""
    return photometric_to_table(Photometric(color=replace(camera, gamma=1.0)))


def _all(photometric: Photometric | None) -> dict[str, object]:
    return photometric_to_table(photometric) if photometric is not None else {}
