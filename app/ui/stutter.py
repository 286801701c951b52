"""Measures how late a 16 ms timer in the GUI thread is while cameras stream and the networks run.

python -m app.ui.stutter --rig virtual --seconds 30
"""

from __future__ import annotations

import sys
import time

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

from app.ui.driver import Driver, main, parser
from app.ui.pages import PAGES

PERIOD_MS = 16


class Stopwatch(QObject):
    """A precise timer that notes how much later than its period each tick came, in ms."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lateness_ms: list[float] = []
        self._last_ns: int | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to measure."""
        self._timer.start()

    def stop(self) -> None:
        """End."""
        self._timer.stop()

    def _tick(self) -> None:
        now_ns = time.perf_counter_ns()
        if self._last_ns is not None:
            self.lateness_ms.append(max((now_ns - self._last_ns) / 1e6 - PERIOD_MS, 0.0))
        self._last_ns = now_ns


def run() -> int:
    """Measure and print. Returns 1 if no result came at all."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--seconds", type=float, default=30.0, help="how long to measure")
    arguments.add_argument("--page", choices=[page.key for page in PAGES], help="with this page on screen")
    options = arguments.parse_args()
    with Driver.of(options) as driver:
        # Loading the networks is over once a result is on screen: what counts is the day after that.
        if not driver.wait_for_results(1):
            return 1
        if options.page:
            driver.window.pages.show_page(options.page)
            driver.run(1.0)  # building it is over, too
        stopwatch = Stopwatch()
        stopwatch.start()
        driver.run(options.seconds)
        stopwatch.stop()
        window = driver.window
        figures = "  ".join(f"{figure.word} {figure.text}" for figure in window.live_status.figures())
    lateness = np.array(stopwatch.lateness_ms)
    p50, p99 = np.percentile(lateness, (50, 99))
    print(f"{len(lateness)} ticks of {PERIOD_MS} ms, late by (ms):", end="  ")
    print(f"p50 {p50:.2f}  p99 {p99:.2f}  max {lateness.max():.2f}")
    print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main(run))
