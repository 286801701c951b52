"""Runs the rectified preview and the measurements of the check step; their results arrive as signals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.calibrating.preview import Preview, PreviewImages, PreviewWish
from app.calibrating.ranges import Cost, SceneRange, measure_cost, scene_range
from app.pipeline.worker import Worker
from app.ui.bridge import Bridge
from app.ui.calibration.jobs import Job, emit
from app.ui.mailbox import Mailbox
from app.ui.picture import Picture, make_picture
from capture.board_images import BoardImages
from capture.calibration import RigCalibration
from capture.errors import CalibrationError
from capture.rectify import RectifiedView
from models.engine import SearchRange


@dataclass(frozen=True, eq=False)
class PreviewPictures:
    """A rectified pair, ready to be painted."""

    mono: Picture
    reference: Picture
    overlay: Picture | None


class Previewing(QObject):
    """The check step's work. All methods are for the GUI thread and return at once.

    Signals:
        shown: `PreviewPictures`, the newest only.
        proposed: a `SceneRange`.
        costs_known: two `Cost`s, of the range in use and of the proposed one.
        measuring: what is being measured, empty when it is over.
        failed: what went wrong with the preview or a measurement.
    """

    shown = Signal(object)
    proposed = Signal(object)
    costs_known = Signal(object, object)
    measuring = Signal(str)
    failed = Signal(str)
    _ready = Signal()
    _preview_failed = Signal(str)

    def __init__(self, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._box: Mailbox[PreviewPictures] = Mailbox()
        self._preview: Preview | None = None
        self._workers: list[Worker] = []
        self._calibration: RigCalibration | None = None
        self._wish = PreviewWish()
        self._ready.connect(self._take)
        self._preview_failed.connect(self.failed)
        self._range_job, self._cost_job, self._load_job = (
            Job(name, self) for name in ("measuring the range", "measuring the cost", "loading")
        )
        self._range_job.finished.connect(self.proposed)
        self._cost_job.finished.connect(self._on_costs)
        for job in (self._range_job, self._cost_job, self._load_job):
            job.failed.connect(self.failed)
        for job in (self._range_job, self._cost_job):
            job.ended.connect(self._on_ended)

    def start(self) -> None:
        """Show rectified pairs from now on."""
        if self._preview is not None:
            return
        pairs = self._bridge.taps.raw.open(self._poke)
        preview = Preview(pairs, self._publish, self._fail)
        self._preview = preview
        preview.show(self._wish)
        preview.use(self._calibration)
        self._workers = [worker for worker in self._workers if worker.alive]
        worker = Worker("preview", preview.run, self._crashed)
        self._workers.append(worker)
        worker.start()

    def stop(self) -> None:
        """Show nothing more; the thread ends with the pair it is at."""
        if self._preview is not None:
            self._preview.stop()
            self._preview = None
        self._range_job.cancel()
        self._cost_job.cancel()

    def close(self) -> None:
        """Stop, and wait for the threads."""
        self.stop()
        for job in (self._range_job, self._cost_job, self._load_job):
            job.close()
        for worker in self._workers:
            worker.join()

    def use(self, calibration: RigCalibration | None) -> None:
        """Rectify with this."""
        if calibration is not self._calibration:
            self._calibration = calibration
            if self._preview is not None:
                self._preview.use(calibration)

    def wish(self, wish: PreviewWish) -> None:
        """Show it like this."""
        self._wish = wish
        if self._preview is not None:
            self._preview.show(wish)

    def show_shot(self, find: Callable[[], BoardImages | None]) -> None:
        """Show a pair from disk, where no rig is running."""
        preview = self._preview
        if preview is None:
            return

        def work(*_: object) -> None:
            images = find()
            if images is not None:
                preview.show_images(images.load("mono"), images.load("color"))

        self._load_job.start(work)

    def measure(self) -> None:
        """Propose a range from the last rectified pairs; `proposed` follows."""
        preview, calibration = self._preview, self._calibration
        if preview is None or calibration is None:
            return

        def work(*_: object) -> SceneRange:
            pairs = preview.kept()
            if not pairs:
                raise CalibrationError("there are no rectified pictures yet: start the rig")
            return scene_range(pairs, RectifiedView(calibration), mirrored=calibration.mirrored)

        self.measuring.emit("Matching …")
        self._range_job.start(work)

    def measure_costs(self, now: SearchRange, proposed: SearchRange) -> None:
        """Measure what two ranges cost; `costs_known` follows, after some seconds."""
        calibration, model = self._calibration, self._bridge.status().model or "live"
        if calibration is None:
            return
        size_px = calibration.mono.size_px

        def work(_: object, cancelled: Callable[[], bool]) -> tuple[Cost, Cost]:
            first = measure_cost(now, size_px, model, cancelled)
            return first, first if proposed == now else measure_cost(proposed, size_px, model, cancelled)

        self.measuring.emit("Measuring time and memory of both ranges …")
        self._cost_job.start(work)

    def cancel(self) -> None:
        """Give up measuring."""
        self._range_job.cancel()
        self._cost_job.cancel()

    def _on_costs(self, costs: tuple[Cost, Cost]) -> None:
        self.costs_known.emit(*costs)

    def _on_ended(self) -> None:
        if not self._range_job.running and not self._cost_job.running:
            self.measuring.emit("")

    # --- in the threads ---

    def _poke(self) -> None:
        preview = self._preview
        if preview is not None:
            preview.poke()

    def _publish(self, images: PreviewImages) -> None:
        over = make_picture(images.overlay) if images.overlay is not None else None
        shown = PreviewPictures(make_picture(images.mono), make_picture(images.reference), over)
        if self._box.put(shown):
            emit(self._ready)

    def _crashed(self, worker: str, error: Exception) -> None:
        self._fail(f"The {worker} stopped: {error}. Leave the page and come back to start it again.")

    def _fail(self, problem: str) -> None:
        emit(self._preview_failed, problem)

    # --- in the GUI thread ---

    def _take(self) -> None:
        shown = self._box.take()
        if shown is not None and self._preview is not None:
            self.shown.emit(shown)
