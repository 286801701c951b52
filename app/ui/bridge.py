"""The one object between Qt and the pipeline: worker threads on one side, signals in the GUI on the other."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.capturing.controller import Capturing
from app.pipeline.calibrations import CalibrationInUse, save_keeping_former
from app.pipeline.cameras import CameraDesk
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.status import PipelineStatus
from app.pipeline.taps import Taps
from app.ui.mailbox import Mailbox
from app.ui.renderer import Renderer, Shown, Wish
from capture.calibration import RigCalibration
from capture.errors import CalibrationError, CaptureError, DatasetError
from capture.frames import Role
from capture.rig import Setting, SettingValue
from capture.sync.config import SyncConfig
from capture.sync_health import SyncState
from models.errors import ModelError

STATUS_PERIOD_MS = 250
_EXPECTED = (CaptureError, CalibrationError, DatasetError, ModelError)

PipelineFactory = Callable[..., LivePipeline]


class Bridge(QObject):
    """Runs one pipeline at a time for the window. All methods are for the GUI thread and return at once.

    What may block (stop, dataset, camera settings) runs in order in one worker thread; failures come back
    as `failed`.

    Attributes:
        taps: slots of the newest raw or rectified pair for pages that look at pictures themselves:
            `slot = bridge.taps.raw.open()`, take from it in a thread of your own, `slot.close()` when done.
            They stay through stops and changes of the rig.
        newest: what `shown` brought last; it stays when the rig stops.

    Signals (all in the GUI thread):
        shown: new pictures (`Shown`), the newest only.
        status_changed: a `PipelineStatus`, four times a second and at every change of state.
        failed: what went wrong and what to do.
        stopping, stopped: the pipeline; `stopped` not between two rigs.
        applied: role and name of a camera setting that was written or refused.
        done: a request that succeeded ("open_dataset", "save_pair", "set_recording", "execute",
            "use_calibration", "correct_rotation", "undo_correction", "synchronize"), its detail.
        answered: name and result of what `ask` was given; None if it failed (`failed` says why).
    """

    shown = Signal(object)
    status_changed = Signal(object)
    failed = Signal(str)
    stopping = Signal()
    stopped = Signal()
    applied = Signal(str, str)
    done = Signal(str, str)
    answered = Signal(str, object)
    _pictures_ready = Signal()
    _status_ready = Signal()
    _halted = Signal(object)

    def __init__(self, parent: QObject | None = None, *, pipeline: PipelineFactory = LivePipeline) -> None:
        super().__init__(parent)
        self._make_pipeline = pipeline
        self.taps = Taps()
        self._pipeline: LivePipeline | None = None
        self._renderer: Renderer | None = None
        self._wish = Wish()
        self._next: LiveConfig | None = None
        self._starts = 0
        self._halting = False
        self._settled = False
        self.newest = Shown()
        self._pictures: Mailbox[Shown] = Mailbox()
        self._pokes: Mailbox[bool] = Mailbox()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bridge")
        queued = Qt.ConnectionType.QueuedConnection
        self._pictures_ready.connect(self._take_pictures, queued)
        self._status_ready.connect(self._take_status_poke, queued)
        self._halted.connect(self._on_halted, queued)
        self._timer = QTimer(self)
        self._timer.setInterval(STATUS_PERIOD_MS)
        self._timer.timeout.connect(self._emit_status)

    @property
    def running(self) -> bool:
        """Whether a pipeline is there (even if it is stopping or has failed)."""
        return self._pipeline is not None

    @property
    def starts(self) -> int:
        """How many pipelines were started: tells whether `status` is of the one that was asked for."""
        return self._starts

    def start(self, config: LiveConfig) -> None:
        """Run a pipeline; one that runs is stopped first."""
        if self._pipeline is not None:
            self._next = config
            self.stop(then_start=True)
            return
        self._next = None
        try:
            pipeline = self._make_pipeline(
                config,
                on_view=self._poke,
                on_result=self._poke,
                on_status=self._poke_status,
                taps=self.taps,
            )
            self._renderer = Renderer(pipeline, self._publish, self.failed.emit)
            self._pipeline = pipeline
            self._starts += 1
            self._renderer.wish(self._wish)
            self._renderer.start()
            pipeline.start()
        except _EXPECTED as error:
            self.failed.emit(str(error))
            self.stop()
            return
        self._timer.start()
        self._emit_status()

    def stop(self, *, then_start: bool = False) -> None:
        """Stop in the background; `stopped` follows, also if nothing ran."""
        if not then_start:
            self._next = None
        if self._pipeline is None:
            self.stopped.emit()
            return
        if self._halting:
            return
        self._halting = True
        self._timer.stop()
        self.stopping.emit()
        self._worker.submit(self._halt, self._pipeline, self._renderer)

    def close(self) -> None:
        """End the worker thread. Call after `stopped`."""
        self._worker.shutdown(wait=True)

    def status(self) -> PipelineStatus:
        """Return a snapshot, of a stopped pipeline if there is none."""
        return PipelineStatus() if self._pipeline is None else self._pipeline.status()

    def wish(self, wish: Wish) -> None:
        """Say which layers are on screen, and how."""
        self._wish = wish
        if self._renderer is not None:
            self._renderer.wish(wish)

    def set_frozen(self, frozen: bool) -> None:
        """Hold the pictures or let them run."""
        if self._pipeline is not None:
            self._pipeline.set_frozen(frozen)

    def step(self) -> None:
        """Let one more pair through while frozen."""
        if self._pipeline is not None:
            self._pipeline.step()

    def open_dataset(self, folder: Path) -> None:
        """Open or create a dataset to save to."""
        self._request("open_dataset", str(folder), lambda pipeline: pipeline.open_dataset(folder))

    @property
    def capturing(self) -> Capturing | None:
        """The capture session of the running pipeline, whose requests return at once; None without one."""
        return None if self._pipeline is None or self._halting else self._pipeline.capturing

    def save_pair(self) -> None:
        """Save the newest raw pair."""
        self._request("save_pair", "", lambda pipeline: pipeline.save_pair())

    def set_recording(self, recording: bool) -> None:
        """Save every pair from now on, or stop."""
        self._request("set_recording", str(recording), lambda pipeline: pipeline.set_recording(recording))

    def settings(self, role: Role) -> dict[str, Setting]:
        """Return what can be set on a camera (last known)."""
        return {} if self._pipeline is None else self._pipeline.settings(role)

    def apply(self, role: Role, name: str, value: SettingValue) -> None:
        """Set a value on a camera; `applied` follows in any case."""
        if self._pipeline is not None:
            self._worker.submit(self._apply, self._pipeline, role, name, value)

    def calibration(self) -> CalibrationInUse | None:
        """Return what pairs are rectified with, None if they are not."""
        return None if self._pipeline is None else self._pipeline.calibration

    def use_calibration(self, calibration: RigCalibration, path: Path | None) -> None:
        """Write a calibration to its file, if it has one, and rectify with it from now on."""

        def use(pipeline: LivePipeline) -> None:
            if path is not None:
                save_keeping_former(calibration, path)
            pipeline.use_calibration(calibration, path)

        self._request("use_calibration", str(path or ""), use)

    def correct_rotation(self) -> None:
        """Take in the small turn of the colour camera that the live rows tell of."""
        self._request("correct_rotation", "", lambda pipeline: pipeline.correct_rotation())

    def undo_correction(self) -> None:
        """Use the calibration as it was solved."""
        self._request("undo_correction", "", lambda pipeline: pipeline.undo_correction())

    def synchronize(self, config: SyncConfig) -> None:
        """Set the cameras up to expose together; what came of it is in `status().rig.sync`."""
        self._request("synchronize", config.mode, lambda pipeline: pipeline.synchronize(config))

    def sync_state(self) -> SyncState:
        """Return how well the cameras keep together, nothing while none run. Costs about 1 ms."""
        return SyncState() if self._pipeline is None else self._pipeline.sync_state()

    @property
    def cameras(self) -> CameraDesk | None:
        """Where a page's own threads ask the cameras; None while nothing runs. Its calls block."""
        return None if self._pipeline is None or self._halting else self._pipeline.cameras

    def ask(self, name: str, question: Callable[[CameraDesk], object]) -> bool:
        """Let `question` run in the worker thread; `answered` follows. False: nothing runs, nor follows."""
        if self._pipeline is None or self._halting:
            return False
        self._worker.submit(self._answer, self._pipeline, name, question)
        return True

    def execute(self, command: str) -> None:
        """Run one of the rig's commands."""
        self._request("execute", command, lambda pipeline: pipeline.execute(command))

    # --- in the worker thread ---

    def _request(self, name: str, detail: str, action: Callable[[LivePipeline], object]) -> None:
        if self._pipeline is not None and not self._halting:
            self._worker.submit(self._perform, self._pipeline, name, detail, action)

    def _perform(
        self, pipeline: LivePipeline, name: str, detail: str, action: Callable[[LivePipeline], object]
    ) -> None:
        try:
            action(pipeline)
        except _EXPECTED as error:
            self.failed.emit(str(error))
        except Exception as error:  # noqa: BLE001 - the user must learn of it; the thread must go on
            self.failed.emit(f"{name.replace('_', ' ')} failed: {error}")
        else:
            self.done.emit(name, detail)
        self._poke_status()

    def _apply(self, pipeline: LivePipeline, role: Role, name: str, value: SettingValue) -> None:
        try:
            pipeline.apply(role, name, value)
        except _EXPECTED as error:
            self.failed.emit(str(error))
        except Exception as error:  # noqa: BLE001
            self.failed.emit(f"{name} could not be set: {error}")
        self.applied.emit(role, name)

    def _answer(self, pipeline: LivePipeline, name: str, question: Callable[[CameraDesk], object]) -> None:
        answer: object = None
        try:
            answer = question(pipeline.cameras)
        except _EXPECTED as error:
            self.failed.emit(str(error))
        except Exception as error:  # noqa: BLE001 - the user must learn of it; the thread must go on
            self.failed.emit(f"The cameras could not be asked: {error}")
        self.answered.emit(name, answer)

    def _halt(self, pipeline: LivePipeline, renderer: Renderer | None) -> None:
        try:
            pipeline.stop()
        except Exception as error:  # noqa: BLE001
            self.failed.emit(f"Stopping the rig failed: {error}")
        finally:
            if renderer is not None:
                renderer.stop()
            self._halted.emit(pipeline.status())

    # --- in the pipeline's and the renderer's threads ---

    def _poke(self) -> None:
        renderer = self._renderer
        if renderer is not None:
            renderer.poke()

    def _publish(self, shown: Shown) -> None:
        if self._pictures.put(shown):
            self._pictures_ready.emit()

    def _poke_status(self) -> None:
        if self._pokes.put(item=True):
            self._status_ready.emit()

    # --- in the GUI thread ---

    def _take_pictures(self) -> None:
        shown = self._pictures.take()
        if shown is None or self._renderer is None:
            return
        if shown.scene.result is not None and not self._settled:
            # Everything is loaded: from now on the collector need not walk through it again (decision 055).
            gc.freeze()
            self._settled = True
        self.newest = shown
        self.shown.emit(shown)
        self._renderer.taken()

    def _take_status_poke(self) -> None:
        self._pokes.take()
        self._emit_status()

    def _emit_status(self) -> None:
        if self._pipeline is not None:
            self.status_changed.emit(self._pipeline.status())

    def _on_halted(self, status: PipelineStatus) -> None:
        self._pipeline = self._renderer = None
        self._halting = self._settled = False
        gc.unfreeze()
        self._pictures.take()
        if self._next is not None:
            self.start(self._next)
            return
        self.status_changed.emit(status)
        self.stopped.emit()
