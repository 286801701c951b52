"""Watches, without a board, whether the rig still stands as it was calibrated: are matched rows the same?"""

from __future__ import annotations

import threading
from collections import deque
from statistics import median

import numpy as np

from app.pipeline.board import Board
from app.pipeline.slots import LatestSlot
from app.pipeline.status import DriftStatus, Light, RectifiedPair
from app.pipeline.turning import measure_rows, rms_px
from app.pipeline.worker import step_back
from capture.calibration import RigCalibration
from models.rows import RowShift

TOPIC = "drift"
PERIOD_S = 1.0
SMOOTHED_OVER = 5  # measurements, of which the median counts
AMBER_PX, RED_PX = 0.25, 0.5
BACK_BY = 0.8  # a light goes back below this share of the threshold that it passed: it must not flicker
NICENESS = 15


def next_light(before: Light, row_error_px: float) -> Light:
    """Return the light for an error, given the one that is on."""
    amber, red = AMBER_PX, RED_PX
    if before in ("amber", "red"):
        amber *= BACK_BY
    if before == "red":
        red *= BACK_BY
    if row_error_px > red:
        return "red"
    return "amber" if row_error_px > amber else "green"


class DriftWatch:
    """Measures about once a second. `run` is the body of its thread, the rest is for any thread.

    Args:
        pairs: rectified pairs; closing it ends the thread.
        notices: where a red light is told, under the topic "drift".
        period_s: between two measurements.
    """

    def __init__(self, pairs: LatestSlot[RectifiedPair], notices: Board, period_s: float = PERIOD_S) -> None:
        self._pairs = pairs
        self._notices = notices
        self._period_s = period_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._calibration: RigCalibration | None = None
        self._shifts: deque[RowShift] = deque(maxlen=SMOOTHED_OVER)
        self._status = DriftStatus()
        self._newest: RectifiedPair | None = None

    def use(self, calibration: RigCalibration | None) -> None:
        """Begin anew with a calibration; None: there is none, and nothing to watch."""
        with self._lock:
            self._calibration = calibration
            self._shifts.clear()
            self._newest = None
            self._status = DriftStatus(reason="" if calibration else "the rig has no calibration")
        self._notices.clear(TOPIC)

    def status(self) -> DriftStatus:
        """Return what is known."""
        with self._lock:
            return self._status

    def newest(self) -> RectifiedPair | None:
        """Return the pair that was measured last with the calibration in use."""
        with self._lock:
            return self._newest

    def stop(self) -> None:
        """End the thread soon. Idempotent."""
        self._stopping.set()
        self._pairs.close()

    def run(self) -> None:
        """Measure until stopped, at the lowest priority."""
        step_back(NICENESS)
        while (rectified := self._pairs.take()) is not None:
            with self._lock:
                calibration = self._calibration
            if calibration is None or rectified.calibration is not calibration:
                continue  # on its way since before the calibration changed
            self._note(rectified, calibration, measure_rows(rectified, calibration))
            self._tell()
            self._stopping.wait(self._period_s)

    def _note(self, rectified: RectifiedPair, calibration: RigCalibration, shift: RowShift | None) -> None:
        with self._lock:
            if self._calibration is not calibration:
                return
            measured = self._status.measured + 1
            self._newest = rectified
            if shift is None:
                self._shifts.clear()
                self._status = DriftStatus(measured=measured, reason="too little detail to match")
                return
            self._shifts.append(shift)
            smooth = smoothed(list(self._shifts))
            error_px = max(rms_px(smooth), smooth.residual_px)
            self._status = DriftStatus(
                next_light(self._status.light, error_px), error_px, smooth, measured, reason=""
            )

    def _tell(self) -> None:
        status = self.status()
        if status.light != "red":
            self._notices.clear(TOPIC)
        else:
            # Without the figure, which changes: a notice that was dismissed stays so.
            self._notices.pin(
                TOPIC,
                "The rig has moved since it was calibrated: rows of the two pictures do not agree. The light "
                "in the status bar offers to correct a small rotation, or to recalibrate.",
            )


def smoothed(shifts: list[RowShift]) -> RowShift:
    """Return the median of several fits, number by number."""
    return RowShift(
        offset_px=median(shift.offset_px for shift in shifts),
        stretch_px=median(shift.stretch_px for shift in shifts),
        shear_px=median(shift.shear_px for shift in shifts),
        residual_px=median(shift.residual_px for shift in shifts),
        matches=int(np.median([shift.matches for shift in shifts])),
    )
