"""Histograms of the raw frames as they pass, computed in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, Signal

from app.pipeline.slots import LatestSlot
from app.pipeline.taps import Taps
from app.raw_measures import RawHistogram, raw_histogram
from app.ui.mailbox import Mailbox
from capture.frames import FramePair, Role

PERIOD_S = 0.15
"""No faster than a person reads; the cores belong to the networks."""


class HistogramWatch(QObject):
    """Measures raw pairs between `start` and `stop`.

    Signals:
        measured: histograms by role, the newest only.
        failed: why a pair could not be measured.
    """

    measured = Signal(object)
    failed = Signal(str)
    _ready = Signal()

    def __init__(self, taps: Taps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._taps = taps
        self._slot: LatestSlot[FramePair] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._mail: Mailbox[Mapping[Role, RawHistogram]] = Mailbox()
        self._ready.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        """Whether pairs are measured."""
        return self._thread is not None

    def start(self) -> None:
        """Measure from now on."""
        if self._thread is None:
            self._stopping.clear()
            self._slot = self._taps.raw.open()
            self._thread = threading.Thread(target=self._run, args=(self._slot,), name="histograms")
            self._thread.start()

    def stop(self) -> None:
        """Measure no more; waits for the pair that is being measured, some milliseconds."""
        if self._thread is not None and self._slot is not None:
            self._stopping.set()
            self._slot.close()
            self._thread.join()
            self._thread = self._slot = None

    def _run(self, slot: LatestSlot[FramePair]) -> None:
        while (pair := slot.take()) is not None:
            began = time.monotonic()
            try:
                found: dict[Role, RawHistogram] = {
                    "mono": raw_histogram(pair.mono),
                    "color": raw_histogram(pair.color),
                }
            except Exception as error:  # noqa: BLE001 - a thread never just dies
                self.failed.emit(f"The histogram could not be made: {error}.")
                return
            if self._mail.put(found):
                self._ready.emit()
            if self._stopping.wait(max(PERIOD_S - (time.monotonic() - began), 0.0)):
                return

    def _take(self) -> None:
        found = self._mail.take()
        if found is not None and self._thread is not None:
            self.measured.emit(found)
