"""What a user does with the window, on generated pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.pipeline.live import LiveConfig
from app.pipeline.status import PipelineStatus, RecorderStatus, StageStatus
from app.ui.application import with_last_rig
from app.ui.commands import COMMANDS
from app.ui.image_view import ImageView
from app.ui.main_window import MainWindow
from app.ui.pages import PAGES
from app.ui.renderer import Shown
from app.ui.settings import UiSettings
from app.ui.status_bar import ScreenStatus
from capture.disk_space import DiskSpace
from capture.spec import ReplaySpec, VirtualSpec
from models.engine import Colorization
from tests.app.ui.conftest import SHIFT, make_scene, make_shown


@pytest.fixture
def shown(window: MainWindow) -> Shown:
    """Pictures that are on screen."""
    pictures = make_shown(make_scene(3))
    window.bridge.shown.emit(pictures)
    return pictures


def at(view: ImageView, x: int, y: int) -> QPoint:
    placement = view.placement()
    assert placement is not None
    return QPointF(*placement.to_widget(x + 0.5, y + 0.5)).toPoint()


def hover(window: MainWindow, pane: int, x: int, y: int) -> None:
    view = window.grid.panes[pane - 1].view
    QTest.mouseMove(view, at(view, x, y))


def wheel(view: ImageView, position: QPoint, notches: int) -> None:
    event = QWheelEvent(
        QPointF(position),
        view.mapToGlobal(QPointF(position)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def press(
    window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def test_zoom_and_pan_are_shared(window: MainWindow, shown: Shown) -> None:
    view = window.grid.panes[4].view
    wheel(view, at(view, 30, 20), 4)
    placements = {pane.view.placement() for pane in window.grid.panes}
    assert len({placement.scale for placement in placements if placement}) == 1
    assert not window.viewport.fit
    before = window.grid.panes[0].view.placement()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.mouseMove(view, QPoint(110, 106))
    QTest.mouseMove(view, QPoint(125, 112))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(125, 112))
    after = window.grid.panes[0].view.placement()
    assert before is not None
    assert after is not None
    assert (after.left - before.left, after.top - before.top) == pytest.approx((25, 12), abs=1)
    assert window.inspection.pin is None, "a pan is no click"


def test_pictures_are_crisp_squares_when_magnified(window: MainWindow, shown: Shown) -> None:
    window.viewport.zoom(8.0, (100, 100), (96, 64), (400, 260))
    window.viewport.scale = 16.0
    window.viewport.changed.emit()
    view = window.grid.panes[0].view
    picture = shown.pictures["gray"]
    assert picture is not None
    image = view.grab().toImage()
    pixel = view.pixel_at(QPointF(view.width() / 2, view.height() / 2))
    assert pixel is not None
    x, y = (int(v) for v in view.placement().to_widget(*pixel))
    colours = {image.pixelColor(x + dx, y + dy).red() for dx in range(16) for dy in range(16)}
    assert colours == {int(picture.values[pixel[1], pixel[0]])}


def test_the_crosshair_tells_position_and_value_in_every_pane(window: MainWindow, shown: Shown) -> None:
    hover(window, 1, 41, 30)
    scene = shown.scene
    assert scene.pair is not None
    assert scene.result is not None
    lines = [pane.value_line() for pane in window.grid.panes]
    assert lines[0] == f"41, 30   {scene.pair.mono[30, 41]}"
    match = 41 + SHIFT
    expected = " ".join(f"{v:3d}" for v in scene.pair.reference[30, match])
    assert lines[1] == f"{match}, 30   {expected}"
    assert lines[3].startswith(f"{match}, 30 ")
    assert lines[4].split()[2:] == [str(v) for v in scene.result.colorization.refined[30, 41]]
    assert window.grid.panes[1].view.marks.row == 30
    assert window.grid.panes[0].view.marks.cross == (41, 30)
    assert window.grid.panes[1].view.marks.cross == (match, 30)


def test_leaving_brings_the_summary_back(window: MainWindow, shown: Shown) -> None:
    hover(window, 4, 41, 30)
    view = window.grid.panes[3].view
    view.left.emit()
    assert "cycle SSIM" in window.grid.panes[3].value_line()
    assert "#3" in window.grid.panes[0].value_line()
    assert view.marks.cross is None


def test_values_follow_live_pictures_under_a_still_mouse(window: MainWindow, shown: Shown) -> None:
    hover(window, 1, 41, 30)
    newer = make_scene(8)
    window.bridge.shown.emit(make_shown(newer))
    assert newer.pair is not None
    assert window.grid.panes[0].value_line() == f"41, 30   {newer.pair.mono[30, 41]}"


def _curve(colorization: Colorization) -> np.ndarray:
    curve: np.ndarray = colorization.weights.curves(np.array([30]), np.array([44]))[0]
    return curve


@pytest.mark.parametrize("pane", [1, 2, 5])
def test_a_click_plots_the_weight_curve(window: MainWindow, shown: Shown, pane: int) -> None:
    x = 30 + (SHIFT if pane == 2 else 0)
    view = window.grid.panes[pane - 1].view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, x, 44))
    assert window.inspection.pin == (30, 44)
    assert shown.scene.result is not None
    colorization = shown.scene.result.colorization
    disparities, weights = window.weight_plot.curve
    np.testing.assert_allclose(weights, _curve(colorization))
    assert disparities[int(np.argmax(weights))] == pytest.approx(SHIFT, abs=2)
    assert "peak 12.0 px" in window.weight_plot.headline


def test_the_pinned_pixel_follows_live_results(window: MainWindow, shown: Shown) -> None:
    view = window.grid.panes[0].view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 30, 44))
    newer = make_scene(9)
    window.bridge.shown.emit(make_shown(newer))
    assert newer.result is not None
    np.testing.assert_allclose(window.weight_plot.curve[1], _curve(newer.result.colorization))
    press(window, Qt.Key.Key_C)
    assert window.inspection.pin is None
    assert window.weight_plot.curve[1].size == 0


def test_a_click_where_nothing_matches_says_so(window: MainWindow, shown: Shown) -> None:
    view = window.grid.panes[1].view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 3, 44))
    assert window.inspection.pin is None
    assert window.toast.isVisible()


def test_double_click_and_keys_maximise_and_restore(window: MainWindow, shown: Shown) -> None:
    view = window.grid.panes[2].view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 30, 44))
    pin = window.inspection.pin
    small = view.width()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 60, 50))
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at(view, 60, 50))
    assert [pane.isVisible() for pane in window.grid.panes] == [False, False, True, False, False, False]
    assert window.inspection.pin == pin, "a double click moves no pin"
    window.grid.layout().activate()
    assert view.width() > 2 * small
    press(window, Qt.Key.Key_Escape)
    assert all(pane.isVisible() for pane in window.grid.panes)
    for number in range(1, 7):
        press(window, Qt.Key(Qt.Key.Key_0.value + number))
        assert window.grid.full == number
        press(window, Qt.Key(Qt.Key.Key_0.value + number))
        assert window.grid.full == 0


def test_keys_change_the_sixth_pane(window: MainWindow, shown: Shown) -> None:
    first = window.grid.choice.layer.key
    press(window, Qt.Key.Key_M)
    assert window.grid.choice.layer.key != first
    press(window, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    assert window.grid.choice.layer.key == first


def test_fit_and_actual_size(window: MainWindow, shown: Shown) -> None:
    window.commands["actual"].trigger()
    placement = window.grid.panes[0].view.placement()
    assert placement is not None
    assert placement.scale * window.devicePixelRatioF() == 1.0
    window.commands["fit"].trigger()
    assert window.viewport.fit


def test_errors_and_notices_stand_in_the_banner(window: MainWindow) -> None:
    window.bridge.status_changed.emit(
        PipelineStatus("failed", error="Lost: plug it in.", notice="Not rectified.")
    )
    assert window.banner.error.isVisible()
    assert window.banner.notice.isVisible()
    window.banner.notice.dismiss()
    window.bridge.status_changed.emit(
        PipelineStatus("failed", error="Lost: plug it in.", notice="Not rectified.")
    )
    assert not window.banner.notice.isVisible(), "what was dismissed stays dismissed"
    window.bridge.status_changed.emit(PipelineStatus("running", notice="Another notice."))
    assert window.banner.notice.isVisible()
    assert not window.banner.error.isVisible(), "what is well again is not in the banner"


def test_a_request_that_fails_again_is_shown_again(window: MainWindow) -> None:
    window.bridge.failed.emit("The disk is full.")
    window.banner.failure.dismiss()
    window.bridge.failed.emit("The disk is full.")
    assert window.banner.failure.isVisible()


def test_the_list_of_shortcuts_has_every_one(window: MainWindow) -> None:
    press(window, Qt.Key.Key_F1)
    assert window.shortcuts.isVisible()
    words = " ".join(label.text() for label in window.shortcuts.findChildren(QLabel))
    for command in COMMANDS:
        if command.keys and not command.name.startswith(("pane_", "page_")):
            assert command.tip in words
    for first, last in (("1", "6"), ("Ctrl+1", f"Ctrl+{len(PAGES)}")):
        assert f"{first} … {last}" in words, "panes share a line, and so do pages"
    QTest.keyClick(window.shortcuts, Qt.Key.Key_A)
    assert not window.shortcuts.isVisible()


def test_no_shortcut_is_taken_twice() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_empty_panes_say_what_to_do(window: MainWindow) -> None:
    assert "Start" in window.grid.panes[0].view._message


def busy_status() -> PipelineStatus:
    stages = {
        name: StageStatus(99_999, 88_888, 11_111, 199.9, 100.0)
        for name in ("capture", "pair", "rectify", "colorize")
    }
    return PipelineStatus(
        "running",
        stages=stages,
        skew_ms=-12.34,
        device="NVIDIA GeForce RTX 4090 Laptop GPU (half precision)",
        model="/home/somebody/weights/a-rather-long-name.safetensors",
        memory_mb=10_234.0,
        recorder=RecorderStatus(
            "/home/somebody/captures/2025-01-01",
            recording=True,
            saved=99_999,
            queued=320,
            queued_bytes=510_000_000,
            budget_bytes=536_000_000,
            age_s=10.7,
            rate_hz=199.0,
            compressed=False,
            space=DiskSpace(5_000_000_000, 2_000_000_000, 1_000_000),
        ),
    )


def test_the_queue_and_the_disk_are_shown(window: MainWindow) -> None:
    window.light.show_recorder(busy_status().recorder)
    assert window.light.text == "99999 saved · 199/s · 320 queued, 11 s"
    tip = window.light.toolTip()
    assert "320 waiting to be written, 510 of 536 MB, the oldest for 10.7 s" in tip
    assert "stored uncompressed" in tip
    assert "room for 3000 pairs" in tip


def test_nothing_is_cut_off_in_1280_pixels(window: MainWindow, qtbot) -> None:
    window.resize(1280, 800)
    window.live_status.show_status(busy_status(), ScreenStatus(60.0, 59.9, 123.0, 1234.0))
    window.light.show_recorder(busy_status().recorder)
    qtbot.waitUntil(lambda: window.width() == 1280)
    window.layout().activate()
    window.live_status.layout().activate()
    right = 0
    for figure in window.live_status.figures():
        assert figure.width() >= figure.minimumSizeHint().width(), figure.text
        left = figure.mapTo(window, QPoint()).x()
        assert left >= right, "figures do not overlap"
        right = left + figure.width()
    assert right <= window.width()
    assert window.live_status.device.width() > 100, "there is room for the device, shortened"
    for action in window.commands.values():
        button = next(
            (w for w in action.associatedObjects() if isinstance(w, QWidget) and w is not window), None
        )
        if button is not None and button.isVisible():
            assert button.mapTo(window, QPoint()).x() + button.width() <= window.width()


def test_what_was_chosen_is_remembered(make_window: Callable[..., MainWindow], qtbot) -> None:
    first = make_window()
    first.resize(1111, 777)
    first.grid.choice.choose("cycle_error")
    first.grid.maximise(6)
    magma = next(action for action in first.looking.colour_maps.actions() if action.data() == "magma")
    magma.trigger()
    first._plots_dock.hide()
    first.close()
    second = make_window()
    assert second.grid.choice.layer.key == "cycle_error"
    assert second.grid.full == 6
    assert second.looking.colour_map == "magma"
    assert (second.width(), second.height()) == (1111, 777)
    assert not second._plots_dock.isVisible()
    assert second._weight_dock.isVisible()


def test_the_last_rig_is_opened_again_while_it_is_there(settings_file, make_window, tmp_path: Path) -> None:
    settings = UiSettings(settings_file)
    given = LiveConfig(VirtualSpec(notice="No camera found."))
    assert with_last_rig(given, settings) is given
    (tmp_path / "pairs").mkdir()
    settings.rig = f"replay:{tmp_path / 'pairs'}"
    assert with_last_rig(given, settings).rig == ReplaySpec(tmp_path / "pairs")
    assert any("pairs" in make_window().chooser.itemText(index) for index in range(4))
    (tmp_path / "pairs").rmdir()
    assert with_last_rig(given, settings) is given
    settings.rig = "virtual"
    assert with_last_rig(given, settings) is given, "its notice is worth more than the memory"


def test_a_broken_settings_file_does_no_harm(settings_file, make_window: Callable[..., MainWindow]) -> None:
    settings_file.write_text(
        "[panes]\nlayer=nonsense\nmaximised=99\ncolour_map=\n[window]\ngeometry=5\ndocks=7\n"
    )
    window = make_window()
    assert window.grid.full == 0
    assert window.grid.choice.layer.key == "confidence"
