"""The live pipeline: rig → pairer → recorder / rectifier → colorizer, each stage in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.capturing.controller import Capturing
from app.capturing.modes import Plan
from app.pipeline.board import Board
from app.pipeline.calibrations import CalibrationInUse, Calibrations
from app.pipeline.cameras import CameraDesk
from app.pipeline.colorizing import ColorizeStage
from app.pipeline.drift import DriftWatch
from app.pipeline.gate import PairGate
from app.pipeline.memory import MemoryWatch
from app.pipeline.nodes import nodes_that_matter
from app.pipeline.pairing import PairStage
from app.pipeline.recorder import Recorder
from app.pipeline.rectifying import RectifyStage
from app.pipeline.slots import LatestSlot
from app.pipeline.source import Source
from app.pipeline.stages import StageMeter
from app.pipeline.status import LiveResult, Outage, PipelineStatus, RectifiedPair
from app.pipeline.taps import Taps
from app.pipeline.truth import TruthTeller
from app.pipeline.turning import corrected
from app.pipeline.worker import Worker
from app.search import SearchWish
from capture.calibration import RigCalibration, save_calibration
from capture.correction import without_correction
from capture.errors import CalibrationError, CaptureError, DatasetError
from capture.frames import ROLES, Frame, FramePair, Role
from capture.rig import Rig, RigInfo, Setting, SettingValue
from capture.spec import GenicamSpec, ReplaySpec, RigSpec, VirtualSpec
from capture.sync.config import SyncConfig
from capture.sync.report import SyncReport
from capture.sync_health import SyncState
from capture.virtual.schedule import CLOCK_STEP_NS
from models.engine import Engine

log = logging.getLogger(__name__)

ERROR_TOPICS = ("capture", "pair", "calibration", "rectify", "colorize", "settings", "recorder", "capturing")
NOTICE_TOPICS = ("rig", "calibration", "drift")
STOP_PATIENCE_S = 3.0  # for cameras to stop and to close in good order
TRIGGER_ROLE: Role = "mono"  # setting and trigger act on the whole rig, through either camera


@dataclass(frozen=True)
class LiveConfig:
    """What to run.

    Attributes:
        calibration: overrides the rig's own.
        max_disparity, offset: override the calibration's.
        want_truth: on the virtual rig, render the truth of every colorized pair.
        every_pair: a replay waits until each pair is colorized, so that none is skipped. Replay only.
        threads: CPU threads for the networks; None leaves one core to everything else.
        colorize: False captures, pairs and rectifies only; no network is loaded.
    """

    rig: RigSpec
    model: str = "live"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    calibration: Path | None = None
    max_disparity: int | None = None
    offset: int | None = None
    want_truth: bool = True
    every_pair: bool = False
    threads: int | None = None
    colorize: bool = True


def rig_spec(config: LiveConfig) -> RigSpec:
    """Return the rig to open, with the calibration that was asked for in place of its own."""
    return config.rig if config.calibration is None else replace(config.rig, calibration=config.calibration)


class LivePipeline:
    """Runs until stopped. All methods may be called from any thread and return at once unless said otherwise.

    Attributes:
        cameras: where settings, features, presets and user sets of the cameras are read and changed.
        capturing: the capture session: gates, plans, tags, undo.

    Args:
        on_view: called from a pipeline thread when `take_view` has something new.
        on_result: called from a pipeline thread when `take_result` has something new.
        on_status: called from a pipeline thread when state, error or notice changed.
        taps: get the pairs that pass, for whoever wants to look at them.
    """

    def __init__(
        self,
        config: LiveConfig,
        *,
        on_view: Callable[[], None] = lambda: None,
        on_result: Callable[[], None] = lambda: None,
        on_status: Callable[[], None] = lambda: None,
        taps: Taps | None = None,
    ) -> None:
        is_replay = isinstance(config.rig, ReplaySpec)
        if config.every_pair and not is_replay:
            raise ValueError("only a replay can wait for every pair")
        self._config = config
        self._on_status = on_status
        self._taps = taps or Taps()
        self._lock = threading.Lock()
        self._state = "stopped"
        self._stream_ended = False
        self._info: RigInfo | None = None
        self._newest_view: RectifiedPair | None = None
        self._truth: TruthTeller | None = None
        self._errors = Board(ERROR_TOPICS, on_status)
        self._notices = Board(NOTICE_TOPICS, on_status)
        self._calibrations = Calibrations(self._errors, self._notices)

        self._raw: LatestSlot[FramePair] = LatestSlot()
        self._rectified: LatestSlot[RectifiedPair] = LatestSlot()
        self._views: LatestSlot[RectifiedPair] = LatestSlot(on_view)
        self._results: LatestSlot[LiveResult] = LatestSlot(on_result)
        self._capture_meter, self._rectify_meter, self._colorize_meter = (StageMeter() for _ in range(3))
        self._pairs = PairStage(self._errors)
        self._gate = PairGate(
            self._release, self._turn_away, self._request_pair if is_replay else None, config.every_pair
        )
        self._source = Source(
            rig_spec(config),
            self._rig_opened,
            self._rig_changed,
            self._frame_arrived,
            self._stream_over,
            self._count_anew,
            self._rig_lost,
            self._rig_back,
            self._errors,
        )
        self.cameras = CameraDesk(self._source)
        self._rectify = RectifyStage(self._raw, self._show, self._settle, self._rectify_meter, self._errors)
        self._colorize = ColorizeStage(
            self._rectified,
            Engine(config.model, config.device),
            self._colorized,
            lambda rectified: self._settle(rectified.pair),
            self._colorize_meter,
            self._errors,
            config.threads,
        )
        self._recorder = Recorder(self._errors)
        self._memory = MemoryWatch()
        self._drift = DriftWatch(self._taps.rectified.open(), self._notices)
        self.capturing = Capturing(self._recorder, self._errors, self._row_error_px, on_status)
        self._workers = [
            Worker("capturing", self.capturing.run, self._crashed),
            Worker("recorder", self._recorder.run, self._crashed),
            Worker("memory", self._memory.run, self._crashed),
            Worker("drift", self._drift.run, self._crashed),
            Worker("colorizer", self._colorize.run, self._crashed),
            Worker("rectifier", self._rectify.run, self._crashed),
            Worker("source", self._source.run, self._crashed),
        ]
        self._stop_lock = threading.Lock()

    def start(self) -> None:
        """Open the rig and load the networks in the background; failures land in `status().error`."""
        with self._lock:
            if self._state != "stopped" or self._raw.closed:
                raise RuntimeError("a pipeline is started once")
            self._state = "starting"
        for worker in self._workers:
            if worker.name != "colorizer" or self._config.colorize:
                worker.start()
        self._on_status()

    def stop(self) -> None:
        """Stop, write what is queued for the dataset, join threads and the capture process. Idempotent."""
        capturing, recorder, memory, drift, colorizer, rectifier, source = self._workers
        with self._stop_lock:
            # From the cameras on, so that every stage has its say about what it was given.
            self._source.stop()
            self._memory.stop()
            self._drift.stop()
            if not source.join(STOP_PATIENCE_S):
                self._source.give_up()  # a driver does not answer: its process is closed by force
                source.join()
            if self._raw.close() is not None:
                self._rectify_meter.drop()
            rectifier.join()
            if self._rectified.close() is not None:
                self._colorize_meter.drop()
            self._recorder.close()
            recorder.join()  # what it saved last is for the capture session to know
            self.capturing.close()
            for worker in (colorizer, capturing, memory, drift):
                worker.join()
        self._enter("stopped")

    @property
    def failure(self) -> Exception | None:
        """Return the error that keeps results from coming, None while they may come."""
        return self._errors.fatal

    @property
    def capture_pid(self) -> int | None:
        """Return the process id of the capture process, None while the rig is not open."""
        return self._source.pid

    def status(self) -> PipelineStatus:
        """Return a snapshot."""
        capture = self._capture_meter.status()
        frozen = self._gate.frozen
        recovery = self._source.recovery()
        with self._lock:
            state = "frozen" if self._state == "running" and frozen else self._state
            if recovery.reconnecting and self._state == "running":
                state = "reconnecting"
            info = self._info
        return PipelineStatus(
            state=state,
            error=self._errors.text,
            notice=self._notices.text,
            rig=info,
            search=self._colorize.search,
            cameras=self._source.counters(),
            pairing=self._pairs.counters(),
            stages={
                "capture": replace(capture, rate_hz=capture.rate_hz / len(ROLES)),
                "pair": self._pairs.status(),
                "rectify": self._rectify_meter.status(),
                "colorize": self._colorize_meter.status(),
            },
            skew_ms=self._pairs.skew_ms(),
            device=self._colorize.device_name,
            model=str(self._config.model),
            recorder=self._recorder.status(),
            recovery=recovery,
            memory_mb=self._memory.used_mb,
            drift=self._drift.status(),
            capture=self.capturing.status(),
        )

    def take_view(self) -> RectifiedPair | None:
        """Return the newest pair at camera rate, None if it was taken already."""
        return self._views.try_take()

    def take_result(self) -> LiveResult | None:
        """Return the newest colorized pair, None if it was taken already."""
        return self._results.try_take()

    def set_frozen(self, frozen: bool) -> None:
        """Hold the pictures (the cameras go on) or let them run."""
        self._gate.set_frozen(frozen)
        if self._gate.paces_rig:
            self._source.post(self._pace)
        self._on_status()

    def step(self) -> None:
        """While frozen: let exactly one more pair through. A replay advances by one pair, none is skipped."""
        self._gate.step()

    def open_dataset(self, folder: Path) -> None:
        """Open or create a dataset to save to. Reads the cameras: a second or two. Raises DatasetError."""
        self._recorder.open(folder, {role: self._nodes(role) for role in ROLES})
        # Whoever records at once finds the session ready; it reads the list of pairs first.
        self.capturing.opened(folder).wait(STOP_PATIENCE_S)

    def _nodes(self, role: Role) -> dict[str, SettingValue]:
        """Return what a camera is set to; what is known without asking it, if it does not answer."""
        try:
            return nodes_that_matter(self.cameras.features(role), self.cameras.snapshot(role))
        except CaptureError:
            log.info("the %s camera does not tell its settings", role, exc_info=True)
            return {name: setting.value for name, setting in self.cameras.settings(role).items()}

    def save_pair(self) -> None:
        """Save the newest raw pair (the frozen one while frozen) to the open dataset.

        A wall among the gates may refuse it; `capturing` says why. Raises DatasetError if no dataset is open
        or nothing has been captured yet.
        """
        with self._lock:
            shown = self._newest_view
        pair = shown.pair if self._gate.frozen and shown is not None else self._pairs.newest()
        if pair is None:
            raise DatasetError("there is no pair to save yet: wait for the first one")
        if not self._recorder.status().folder:
            raise DatasetError("no dataset is open: open or create one first")
        self.capturing.begin(Plan("single"), pair)

    def set_recording(self, recording: bool) -> None:
        """Save every pair from now on, or stop. Raises DatasetError if no dataset is open."""
        self._recorder.set_recording(recording)

    def settings(self, role: Role) -> dict[str, Setting]:
        """Return what can be set on a camera (last known)."""
        return self.cameras.settings(role)

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set a value on a camera; see `CameraDesk.apply`. Blocks."""
        return self.cameras.apply(role, name, value)

    def execute(self, command: str) -> None:
        """Run one of the rig's commands; see `CameraDesk.execute`. Blocks."""
        self.cameras.execute(command)
        if self._truth is not None and command in ("ShowBoard", "HideBoard"):
            self._truth.board_shown = command == "ShowBoard"
        if self._truth is not None and command == "StepClock:mono":
            self._truth.clock_ahead_ns += CLOCK_STEP_NS

    def synchronize(self, config: SyncConfig) -> SyncReport:
        """Set the cameras up to expose together; they stop and start for it. Blocks for up to some seconds.

        What they refused is in the report, and in `status().rig.sync`. Raises SettingRejected, DeviceLost.
        """
        return self._source.synchronize(config)

    def sync_state(self) -> SyncState:
        """Return how well the cameras keep together. Costs about a millisecond."""
        return self._pairs.sync_state(self._source.counters())

    @property
    def calibration(self) -> CalibrationInUse | None:
        """Return what pairs are rectified with; None if they are not."""
        return self._calibrations.in_use

    def use_calibration(self, calibration: RigCalibration, path: Path | None = None) -> None:
        """Rectify with this from the next pair on, also after the rig was lost and came back.

        Blocks while the maps are made (0.1 s per megapixel). `path` says which file it lives in; nothing is
        written. Raises CalibrationError: for another size than the rig's, or no rectified view.
        """
        with self._lock:
            info = self._info
        self._calibrations.use(calibration, path, info)
        self._rectify.use(self._calibrations.rectifier)
        self._drift.use(calibration)
        if info is not None:
            self._use_search(info)
        self._on_status()

    def correct_rotation(self) -> RigCalibration:
        """Take in the small turn of the colour camera that the live rows tell of, and return the result.

        It is written to the calibration file if that is ours (`CalibrationInUse.is_ours`). Blocks for some
        tenths of a second. Raises CalibrationError: nothing measured yet, no small turn explains it, rows
        would not be better with it, or the file cannot be written.
        """
        in_use, shift, newest = self._calibrations.in_use, self._drift.status().shift, self._drift.newest()
        if in_use is None or shift is None or newest is None or newest.calibration is not in_use.calibration:
            raise CalibrationError("there is nothing to correct yet: wait until the rows have been measured")
        return self._change(in_use, corrected(in_use.calibration, shift, newest.pair))

    def undo_correction(self) -> RigCalibration:
        """Use the calibration as it was solved again, note that in its file, and return it.

        Raises CalibrationError.
        """
        in_use = self._calibrations.in_use
        if in_use is None or in_use.calibration.correction is None:
            raise CalibrationError("the calibration in use carries no correction")
        return self._change(in_use, without_correction(in_use.calibration))

    def _change(self, in_use: CalibrationInUse, calibration: RigCalibration) -> RigCalibration:
        if in_use.is_ours and in_use.path is not None:
            save_calibration(calibration, in_use.path)
        self.use_calibration(calibration, in_use.path if in_use.is_ours else None)
        return calibration

    # --- what the stages call, each in its own thread ---

    def _rig_opened(self, rig: Rig) -> None:
        self._pairs.use(rig.info)
        self.capturing.rig_changed()
        asked_for = self._config.calibration is not None or self._config.rig.calibration is not None
        self._calibrations.open(rig.info.calibration, is_ours=asked_for)
        self._rectify.use(self._calibrations.rectifier)
        self._drift.use(self._calibrations.calibration)
        spec = self._config.rig
        shows_truth = self._config.want_truth and self._config.colorize
        # Which room a rig is in that is carried about, its frames do not tell.
        if shows_truth and isinstance(spec, VirtualSpec) and not spec.room_s:
            self._truth = TruthTeller(spec)
        self._rig_changed(rig.info)
        self._enter("running")
        if self._gate.paces_rig:
            self._pace(rig)
        self._gate.restart()

    def _rig_changed(self, info: RigInfo) -> None:
        with self._lock:
            self._info = info
        self._use_search(info)
        self._notices.pin("rig", info.notice)

    def _use_search(self, info: RigInfo) -> None:
        calibration = self._calibrations.calibration
        rig = self._config.rig
        side = rig.color_side if isinstance(rig, GenicamSpec) else "left"
        wish = SearchWish(self._config.max_disparity, self._config.offset, side)
        if self._calibrations.is_chosen:
            wish = SearchWish()  # it was chosen with its range
        self._colorize.use(wish.range(calibration, info.mono.width), self._truth)
        self._recorder.use(info, calibration)

    def _frame_arrived(self, frame: Frame) -> None:
        self._capture_meter.take()
        self._capture_meter.finish(frame.host_ns)
        pair = self._pairs.push(frame)
        if pair is not None:
            self._pair_arrived(pair)

    def _pair_arrived(self, pair: FramePair) -> None:
        self.capturing.pair_arrived(pair)
        self._taps.raw.put(pair)
        self._rectify_meter.take()
        self._gate.offer(pair)

    def _count_anew(self, info: RigInfo) -> None:
        """Acquisition was interrupted: frame ids and clocks may begin anew."""
        self._hand_on_rest()
        self._pairs.use(info)

    def _rig_lost(self, cause: str) -> None:
        self._hand_on_rest()
        self._recorder.note("rig_lost", cause=cause)

    def _rig_back(self, outage: Outage) -> None:
        self._recorder.note(
            "rig_back",
            cause=outage.cause,
            frozen_s=round(outage.frozen_s, 3),
            refused=list(outage.refused),
        )

    def _hand_on_rest(self) -> None:
        """Pass on the pairs that waited for a frame that could have fitted better."""
        for pair in self._pairs.flush():
            self._pair_arrived(pair)

    def _stream_over(self) -> None:
        self._hand_on_rest()
        self._stream_ended = True
        self._end_if_over()

    def _release(self, pair: FramePair) -> None:
        if self._raw.put(pair) is not None:
            self._rectify_meter.drop()

    def _turn_away(self, count: int) -> None:
        self._rectify_meter.drop(count)

    def _request_pair(self) -> None:
        self._source.post(lambda rig: rig.execute("TriggerSoftware"))

    def _pace(self, rig: Rig) -> None:
        """Let a replay run by itself, or wait until it is asked for a pair."""
        waits = self._config.every_pair or self._gate.frozen
        self._source.apply_to(rig, TRIGGER_ROLE, "TriggerMode", "On" if waits else "Off")

    def _colorized(self, result: LiveResult) -> None:
        colorization = result.colorization
        cycle_ssim = (colorization.cycle_ssim_cb + colorization.cycle_ssim_cr) / 2
        self.capturing.colorized(result.rectified.pair, cycle_ssim)
        self._results.put(result)

    def _row_error_px(self) -> float | None:
        drift = self._drift.status()
        return None if drift.shift is None else drift.row_error_px

    def _show(self, rectified: RectifiedPair) -> None:
        with self._lock:
            self._newest_view = rectified
        self._views.put(rectified)
        self._taps.rectified.put(rectified)
        if not self._config.colorize:
            self._settle(rectified.pair)
            return
        self._colorize_meter.take()
        if self._rectified.put(rectified) is not None:
            self._colorize_meter.drop()

    def _settle(self, pair: FramePair) -> None:
        self._gate.settle(pair)
        self._end_if_over()

    def _end_if_over(self) -> None:
        """A finite replay is over once its last pair is through."""
        if self._stream_ended and self._gate.idle:
            self._enter("ended")

    def _crashed(self, worker: str, error: Exception) -> None:
        topic = {
            "source": "capture",
            "rectifier": "rectify",
            "recorder": "recorder",
            "capturing": "capturing",
        }.get(worker, "colorize")
        self._errors.pin(topic, str(error) or f"The {worker} stopped: {error!r}", fatal=error)
        self._enter("failed")

    def _enter(self, state: str) -> None:
        with self._lock:
            changed, self._state = self._state != state, state
        if changed:
            self._on_status()
