"""Settings that a camera moves by itself, on the simulated cameras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.pipeline.live import LiveConfig
from app.ui.cameras.fields import SliderField
from app.ui.main_window import MainWindow
from capture.simulator.rig import simulator_spec

START_MS = 60_000


def test_automatic_exposure_is_followed_while_it_is_on_screen(
    make_window: Callable[..., MainWindow], simulator: Path, qtbot
) -> None:
    window = make_window(LiveConfig(simulator_spec(simulator), colorize=False))
    window.start()
    window.show_cameras()
    box = window.cameras.boxes["mono"]
    qtbot.waitUntil(lambda: "ExposureTime" in box.names, timeout=START_MS)
    window.bridge.apply("mono", "ExposureTime", 50.0)
    window.bridge.apply("mono", "ExposureAuto", "Continuous")

    def shown_us() -> float:
        field = box.field("ExposureTime")
        assert isinstance(field, SliderField)
        return -1.0 if field.number.isEnabled() else field.number.value()

    qtbot.waitUntil(lambda: shown_us() > 100.0, timeout=START_MS)
    field = box.field("ExposureTime")
    assert isinstance(field, SliderField)
    assert "Controlled automatically" in field.number.toolTip()


def test_nothing_is_asked_while_nothing_moves_by_itself(
    make_window: Callable[..., MainWindow], simulator: Path, qtbot
) -> None:
    window = make_window(LiveConfig(simulator_spec(simulator), colorize=False))
    window.start()
    window.show_cameras()
    qtbot.waitUntil(lambda: "ExposureTime" in window.cameras.boxes["mono"].names, timeout=START_MS)
    window._following.look()
    assert not window._following._asked
