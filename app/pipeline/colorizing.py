"""The stage that owns the networks: newest rectified pair in, everything the app shows of it out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from app.pipeline.board import Board
from app.pipeline.rectifying import arrival_ns
from app.pipeline.slots import LatestSlot
from app.pipeline.stages import StageMeter
from app.pipeline.status import LiveResult, RectifiedPair, Truth
from app.pipeline.truth import TruthTeller
from app.pipeline.worker import step_back
from capture.errors import CalibrationError
from models.engine import Engine, SearchRange
from models.errors import InferenceFailed, ModelError
from models.metrics import psnr

log = logging.getLogger(__name__)

TOPIC = "colorize"
FAILURES_TO_STOP = 3  # in a row
NICENESS = 10


class ColorizeStage:
    """Colorizes the newest pair. `run` is the body of its thread, the only one that touches the engine.

    A pair that fails is shown as an error and the next one is tried: CUDA reports trouble as RuntimeError,
    often only about the pair at hand. After three failures in a row it stops trying.

    Args:
        pairs: where rectified pairs come from; closing it ends the thread.
        engine: not loaded yet.
        publish: gets every result.
        settle: gets every pair that is through, colorized or not.
        meter: counts; its `take` and the drops in `pairs` are the producer's affair.
        board: where errors are shown, under the topic "colorize".
        threads: CPU threads for the networks, None for all cores but one.
    """

    def __init__(
        self,
        pairs: LatestSlot[RectifiedPair],
        engine: Engine,
        publish: Callable[[LiveResult], object],
        settle: Callable[[RectifiedPair], None],
        meter: StageMeter,
        board: Board,
        threads: int | None = None,
    ) -> None:
        self._pairs = pairs
        self._engine = engine
        self._publish = publish
        self._settle = settle
        self._meter = meter
        self._board = board
        self._threads = threads
        self._device_name = ""
        self._search = SearchRange()
        self._truth: TruthTeller | None = None

    def use(self, search: SearchRange, truth: TruthTeller | None) -> None:
        """Search this range, and ask for the truth, from the next pair on. May be called from any thread."""
        self._search, self._truth = search, truth

    @property
    def search(self) -> SearchRange:
        """Return the range to search."""
        return self._search

    @property
    def device_name(self) -> str:
        """Return the device in use, for people; empty until the networks are loaded."""
        return self._device_name

    def run(self) -> None:
        """Load the networks and work until the slot is closed."""
        # Torch's pool inherits it, so this comes before torch is first used (decision 041).
        step_back(NICENESS)
        self._load()
        failures = 0 if self._device_name else FAILURES_TO_STOP
        with ThreadPoolExecutor(1, thread_name_prefix="truth") as truth_pool:
            while (rectified := self._pairs.take()) is not None:
                if failures >= FAILURES_TO_STOP:
                    self._meter.drop()
                    self._settle(rectified)
                    continue
                try:
                    result = self._colorize(rectified, truth_pool)
                except (ModelError, RuntimeError, MemoryError) as error:
                    failures += 1
                    self._failed(error, failures)
                else:
                    if failures:
                        self._board.clear(TOPIC)
                    failures = 0
                    self._publish(result)
                self._settle(rectified)

    def _load(self) -> None:
        try:
            _limit_threads(self._threads)
            self._engine.load()
        except (ModelError, RuntimeError, MemoryError) as error:
            log.info("the networks could not be loaded", exc_info=True)
            self._board.pin(TOPIC, f"Not colorizing: {error}", fatal=_as_model_error(error))
        else:
            self._device_name = self._engine.device_name

    def _colorize(self, rectified: RectifiedPair, truth_pool: ThreadPoolExecutor) -> LiveResult:
        teller = self._truth
        # Rendered beside the inference, which is busy outside of Python most of the time.
        truth: Future[Truth] | None = (
            truth_pool.submit(teller.truth, rectified) if teller is not None else None
        )
        try:
            # A running rig's rows are watched, and corrected if asked, by the drift check.
            colorization = self._engine.colorize(
                rectified.mono, rectified.reference, self._search, align_rows=False
            )
            latency_ms = self._meter.finish(arrival_ns(rectified.pair))
        finally:
            told = _told(truth)
        psnr_db = psnr(colorization.refined, told.color) if told is not None else None
        return LiveResult(rectified, colorization, latency_ms, told, psnr_db)

    def _failed(self, error: Exception, failures: int) -> None:
        log.info("inference failed", exc_info=error)
        self._meter.drop(error=str(error))
        if failures < FAILURES_TO_STOP:
            self._board.pin(TOPIC, f"A pair was not colorized: {error}")
        else:
            self._board.pin(
                TOPIC,
                f"Colorizing stopped after {failures} failures in a row: {error} Try another device or size.",
                fatal=_as_model_error(error),
            )


def _told(truth: Future[Truth] | None) -> Truth | None:
    try:
        return truth.result() if truth is not None else None
    except CalibrationError:  # as bad for the rectifier, which has said so
        log.info("no truth for this pair", exc_info=True)
        return None


def _as_model_error(error: Exception) -> ModelError:
    if isinstance(error, ModelError):
        return error
    return InferenceFailed(str(error) or type(error).__name__)


def _limit_threads(threads: int | None) -> None:
    """Leave a core to the screen, the cameras and the rectifier unless told otherwise."""
    import torch

    torch.set_num_threads(threads or max(1, (os.cpu_count() or 2) - 1))
