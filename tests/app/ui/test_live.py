"""The window on the virtual rig and the shipped networks: nothing here is made up."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.pipeline.live import LiveConfig
from app.ui.main_window import MainWindow
from capture.spec import VirtualSpec

SMALL = LiveConfig(VirtualSpec(width=160, height=120, frame_rate_hz=10.0), device="cpu", max_disparity=32)
START_MS = 90_000  # a busy machine takes its time to start a process and to load the networks


def leftovers(before: set[str]) -> list[str]:
    """Names of threads and processes that are there but were not before."""
    threads = [thread.name for thread in threading.enumerate() if thread.name not in before]
    children = [child.name for child in multiprocessing.active_children()]
    return threads + children


@pytest.fixture
def live(make_window: Callable[..., MainWindow], qtbot) -> MainWindow:
    window = make_window(SMALL)
    window.start()
    qtbot.waitUntil(lambda: window.results_painted >= 1, timeout=START_MS)
    return window


def test_a_day_in_the_life(live: MainWindow, qtbot, tmp_path: Path) -> None:
    window = live
    scene = window._shown.scene
    assert scene.result is not None
    assert all(pane.view.picture is not None for pane in window.grid.panes)
    assert scene.result.truth is not None

    QTest.keyClick(window, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: window.bridge.status().state == "frozen", timeout=10_000)
    qtbot.waitUntil(lambda: settled(window), timeout=30_000)
    held = window._shown.scene
    assert held.pair is not None
    assert held.result is not None
    assert held.pair is held.result.rectified, "held pictures belong together"
    refined = window.grid.panes[4].view.picture
    assert refined is not None
    assert np.array_equal(refined.values, held.result.colorization.refined)

    QTest.keyClick(window, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: shown_index(window) > held.pair.pair.index, timeout=30_000)

    folder = tmp_path / "captures" / "pairs"
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert window.dataset_panel.isVisible(), "the first pair asks where it goes"
    window.dataset_panel.path.setText(str(folder))
    QTest.keyClick(window.dataset_panel.path, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.saving.recorder.saved == 1, timeout=15_000)
    QTest.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.saving.recorder.saved == 2, timeout=15_000)
    assert len((folder / "pairs.jsonl").read_text().splitlines()) == 2
    assert "2 saved" in window.light.text

    QTest.keyClick(window, Qt.Key.Key_F)
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.saving.recorder.saved >= 4, timeout=15_000)
    assert window.commands["record"].isChecked()
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: not window.saving.recorder.recording, timeout=15_000)

    window.show_cameras()
    settings = window.bridge.settings("mono")
    assert "ExposureTime" in settings
    box = window.cameras.boxes["mono"]
    with qtbot.waitSignal(window.bridge.applied, timeout=10_000):
        box.field("ExposureTime").number.setValue(4000)
    assert window.bridge.settings("mono")["ExposureTime"].value == pytest.approx(4000, rel=0.05)

    commands = [action.data() for action in window._rig_commands.actions()]
    assert "ShowBoard" in commands
    with qtbot.waitSignal(window.bridge.done, timeout=10_000):
        window._rig_commands.actions()[commands.index("ShowBoard")].trigger()


def settled(window: MainWindow) -> bool:
    scene = window._shown.scene
    return scene.pair is not None and scene.result is not None and scene.pair is scene.result.rectified


def shown_index(window: MainWindow) -> int:
    pair = window._shown.scene.pair
    return -1 if pair is None else pair.pair.index


def test_closing_during_capture_leaves_nothing_behind(make_window: Callable[..., MainWindow], qtbot) -> None:
    before = {thread.name for thread in threading.enumerate()}
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    window = make_window(SMALL)
    window.start()
    qtbot.waitUntil(lambda: window.bridge.status().stages["pair"].finished >= 2, timeout=START_MS)
    window.close()
    assert window.bridge.running, "stopping goes on in the background, the window still answers"
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert leftovers(before) == []
    after = [child for child in psutil.Process().children(recursive=True) if child.pid not in children]
    # multiprocessing keeps one helper of its own until the interpreter ends.
    assert [child for child in after if "resource_tracker" not in " ".join(child.cmdline())] == []


def test_another_rig_can_be_chosen_while_one_runs(live: MainWindow, qtbot) -> None:
    first = live.bridge._pipeline
    assert live.chooser.choose("virtual")
    qtbot.waitUntil(lambda: live.bridge._pipeline not in (first, None), timeout=30_000)
    with qtbot.waitSignal(live.bridge.shown, timeout=START_MS):
        pass


def test_a_rig_that_is_not_there_is_refused_and_the_other_goes_on(live: MainWindow, tmp_path: Path) -> None:
    running = live.bridge._pipeline
    assert not live.chooser.choose(str(tmp_path / "none.toml"))
    assert "none.toml" in live.banner.failure.message
    assert live.bridge._pipeline is running
