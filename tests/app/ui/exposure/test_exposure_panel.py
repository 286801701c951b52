"""The exposure assistant on the virtual rig's live pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QToolButton

from app.pipeline.live import LiveConfig
from app.raw_measures import OVER
from app.ui.exposure.histogram import HistogramPlot
from app.ui.main_window import MainWindow
from app.ui.overlays import COLOURS
from capture.spec import VirtualSpec

START_MS = 60_000
SMALL = LiveConfig(VirtualSpec(width=160, height=120, frame_rate_hz=30.0), colorize=False)


def test_the_assistant_from_dark_to_matched_and_back(make_window: Callable[..., MainWindow], qtbot) -> None:
    window = make_window(SMALL)
    panel = window.exposure
    window.show_cameras()
    window.camera_tabs.setCurrentWidget(panel)
    assert not panel.start.isEnabled(), "nothing is running"
    window.start()
    qtbot.waitUntil(lambda: panel.plots["color"].histogram is not None, timeout=START_MS)
    channels = panel.plots["color"].histogram.channels
    assert [channel.channel for channel in channels] == ["red", "green", "blue"]

    window.bridge.apply("mono", "ExposureTime", 60_000.0)
    qtbot.waitUntil(lambda: panel.plots["mono"].histogram.over > 0.3, timeout=START_MS)
    assert panel.plots["mono"].summary()[1].startswith("clipped: ")

    zebra = next(b for b in panel.findChildren(QToolButton) if b.text() == "Zebra")
    assert zebra.defaultAction() is window.commands["zebra"]
    zebra.click()
    view = window.grid.panes[0].view
    over = np.array(COLOURS[OVER][::-1], np.uint8)
    qtbot.waitUntil(
        lambda: view.picture is not None and (view.picture.buffers[0][..., :3] == over).all(axis=2).any(),
        timeout=START_MS,
    )

    panel.motion.setValue(30.0)
    panel.start.click()
    assert panel.cancel.isEnabled()
    qtbot.waitUntil(lambda: not panel.matching.running, timeout=START_MS)
    assert panel.told.text().startswith("Matched to")
    assert window.bridge.settings("mono")["ExposureTime"].value < 30_000.0
    qtbot.waitUntil(lambda: panel.plots["mono"].histogram.over < 0.1, timeout=START_MS)
    panel.undo.click()
    qtbot.waitUntil(lambda: not panel.matching.running, timeout=START_MS)
    assert window.bridge.settings("mono")["ExposureTime"].value == 60_000.0
    assert not panel.undo.isEnabled()

    window.camera_tabs.setCurrentWidget(window.cameras)
    assert not panel.watch.running, "nobody looks: nothing is measured"
    assert "histograms" not in {thread.name for thread in threading.enumerate()}


def test_closing_in_the_middle_of_a_match_ends_it(make_window: Callable[..., MainWindow], qtbot) -> None:
    window = make_window(SMALL)
    window.start()
    qtbot.waitUntil(lambda: window.bridge.status().stages["rectify"].finished > 1, timeout=START_MS)
    window.exposure.start.click()
    assert window.exposure.matching.running
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=START_MS)
    assert "luma match" not in {thread.name for thread in threading.enumerate()}


def test_a_histogram_without_frames_says_so_and_paints(qtbot) -> None:
    plot = HistogramPlot("Mono")
    qtbot.addWidget(plot)
    plot.resize(plot.sizeHint())
    assert plot.summary() == ("", "")
    assert not plot.grab().isNull()
