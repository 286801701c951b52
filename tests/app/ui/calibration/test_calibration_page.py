"""The page's own controls, on real rigs and real images: from the first shot to a calibration in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from app.pipeline.live import LiveConfig
from app.ui.calibration.page import CalibrationPage
from app.ui.main_window import MainWindow
from capture.calibration import load_calibration, save_calibration
from capture.dataset import DatasetReader
from capture.spec import VirtualSpec
from capture.virtual.boards import write_boards
from capture.virtual.geometry import true_calibration
from tests.app.test_drift import PITCHED
from tests.capture.test_virtual_calibration import epipolar_errors_px

START_MS = 90_000
SMALL = VirtualSpec(width=320, height=240, frame_rate_hz=10.0)
SHOTS = 12
CHART_PX = ((472, 241), (608, 248), (604, 338), (468, 330))  # of the virtual room at 640×480


@pytest.fixture
def open_page(make_window: Callable[..., MainWindow], qtbot) -> Callable[..., CalibrationPage]:
    """A factory: the page in its window, the rig running if there is one to run."""

    def make(spec: VirtualSpec | None) -> CalibrationPage:
        window = make_window(LiveConfig(spec or SMALL, colorize=False))
        if spec is not None:
            window.start()
            qtbot.waitUntil(lambda: window.bridge.status().state == "running", timeout=START_MS)
        window.pages.show_page("calibration")
        page = window.pages.page("calibration")
        assert isinstance(page, CalibrationPage)
        return page

    return make


@pytest.fixture(scope="module")
def board_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boards")
    write_boards(SMALL, folder, 8)
    return folder


def click(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_virtual_rig_is_calibrated_through_the_page(
    open_page: Callable[..., CalibrationPage], qtbot
) -> None:
    spec = VirtualSpec(width=480, height=360, frame_rate_hz=12.0)
    page = open_page(spec)
    window = page.window()
    assert window.bridge.calibration() is None, "at this size nothing ships"
    capture, model = page.capture, page.model
    capture.virtual_board.click()
    qtbot.waitUntil(lambda: len(model.state.views) >= 1, timeout=START_MS)
    words = capture.message.text()
    qtbot.waitUntil(lambda: capture.message.text() != words, timeout=START_MS)
    assert capture.views["mono"].corners.points_px is not None, "corners are drawn"
    qtbot.waitUntil(lambda: len(model.state.views) >= SHOTS, timeout=START_MS)
    assert capture.bars["x"].value > 0.5
    assert "shots" in capture.count.text()
    # Nothing is lost if the app dies now: every shot is a raw pair on disk.
    folder = model.state.folder
    assert folder is not None
    assert len(DatasetReader.open(folder)) >= SHOTS

    click(capture.solve)
    qtbot.waitUntil(lambda: model.solution is not None, timeout=START_MS)
    assert page.stack.currentWidget() is page.result
    assert model.solution.quality.epipolar.held_out
    assert model.solution.verdict.words == page.result.verdict.text()
    click(page.result.save)
    qtbot.waitUntil(lambda: window.bridge.calibration() is not None, timeout=START_MS)
    in_use = window.bridge.calibration()
    assert in_use.path is not None
    saved = load_calibration(in_use.path)
    assert np.median(epipolar_errors_px(saved, spec)) < 0.1
    qtbot.waitUntil(lambda: window.live_status.drift.light == "green", timeout=START_MS)

    click(page.steps.buttons["check"])
    qtbot.waitUntil(lambda: page.check.mono.picture is not None, timeout=START_MS)
    assert window._settings.calibration_of("virtual") == in_use.path, "the next start uses it, too"


def test_a_dropped_folder_is_solved_shot_by_shot(
    open_page: Callable[..., CalibrationPage], board_folder: Path, qtbot
) -> None:
    page = open_page(None)
    model, result = page.model, page.result
    page.capture.target.size_mm.setValue(30.0)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(board_folder))])
    drop = QDropEvent(
        QPointF(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    page.capture.dropEvent(drop)
    qtbot.waitUntil(lambda: not model.is_busy and len(model.state.views) == 8, timeout=START_MS)
    assert "8 of 8" in page.capture.message.text()
    click(page.capture.solve)
    qtbot.waitUntil(lambda: model.solution is not None, timeout=START_MS)

    name = result.chart.errors[2].name
    QTest.mouseClick(result.chart, Qt.MouseButton.LeftButton, pos=result.chart.bar_middle(name).toPoint())
    assert result.chart.current == name
    qtbot.waitUntil(lambda: result.views["color"].corners.residuals_px is not None, timeout=START_MS)
    assert len(result.views["color"].corners.residuals_px) == 54
    assert name in result.figures.text()

    QTest.keyClick(result.chart, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: model.state.excluded == {name}, timeout=START_MS)
    assert model.is_stale
    before = model.solution
    click(result.again)
    qtbot.waitUntil(lambda: model.solution is not before, timeout=START_MS)
    left_out = next(view for view in model.solution.views if view.name == name)
    assert (left_out.used, left_out.why) == (False, "excluded")
    click(result.undo)
    qtbot.waitUntil(lambda: not result.undo.isEnabled(), timeout=START_MS)
    assert not model.state.excluded

    path = board_folder / "out.toml"
    page.save_to(path)  # no rig runs: the file alone is written
    qtbot.waitUntil(path.is_file, timeout=START_MS)
    assert load_calibration(path).target is not None


def test_a_folder_without_a_board_says_what_to_look_at(
    open_page: Callable[..., CalibrationPage], board_folder: Path, qtbot
) -> None:
    page = open_page(None)
    page.capture.target.kind.setCurrentIndex(2)  # circles: they are not in these pictures
    page.open_images([board_folder])
    banner = page.window().banner.failure
    qtbot.waitUntil(lambda: "none of 8 pairs" in banner.message, timeout=START_MS)
    page.open_images([board_folder / "nothing"])
    qtbot.waitUntil(lambda: "does not exist" in banner.message, timeout=START_MS)
    assert not page.capture.solve.isEnabled()


def test_solving_can_be_cancelled(
    open_page: Callable[..., CalibrationPage], board_folder: Path, qtbot
) -> None:
    page = open_page(None)
    page.capture.target.size_mm.setValue(30.0)
    page.open_images([board_folder])
    qtbot.waitUntil(lambda: not page.model.is_busy and len(page.model.state.views) == 8, timeout=START_MS)
    page.solve()
    assert page.result.cancel.isVisible()
    click(page.result.cancel)
    assert not page.model.is_busy
    assert page.model.solution is None
    assert not page.result.cancel.isVisible()


def test_the_light_tells_of_a_turn_and_takes_it_out(
    make_window: Callable[..., MainWindow], qtbot, tmp_path: Path
) -> None:
    path = tmp_path / "rig.toml"
    save_calibration(PITCHED, path)
    spec = VirtualSpec(width=SMALL.width, height=SMALL.height, frame_rate_hz=10.0, calibration=path)
    window = make_window(LiveConfig(spec, colorize=False))
    window.start()
    light = window.live_status.drift
    qtbot.waitUntil(lambda: light.light == "red", timeout=START_MS)
    assert "does not fit" in light.toolTip()
    assert not light.undo.isEnabled()
    light.correct.trigger()
    qtbot.waitUntil(lambda: light.light == "green", timeout=START_MS)
    qtbot.waitUntil(light.undo.isEnabled, timeout=START_MS)
    assert load_calibration(path).correction is not None
    light.undo.trigger()
    qtbot.waitUntil(lambda: light.light == "red", timeout=START_MS)
    assert load_calibration(path).correction is None
    light.recalibrate.trigger()
    assert window.pages.current == "calibration"


def test_the_range_of_the_scene_is_proposed_and_taken(
    open_page: Callable[..., CalibrationPage], qtbot, tmp_path: Path
) -> None:
    path = tmp_path / "rig.toml"
    exact = true_calibration(SMALL)
    save_calibration(exact, path)
    page = open_page(
        VirtualSpec(width=SMALL.width, height=SMALL.height, frame_rate_hz=10.0, calibration=path)
    )
    check = page.check
    click(page.steps.buttons["check"])
    qtbot.waitUntil(lambda: check.reference.picture is not None, timeout=START_MS)
    check.mode.setCurrentIndex(1)
    check.slider.setValue(15 * 4)
    assert check.disparity.value() == pytest.approx(15.0)
    qtbot.waitUntil(lambda: check.over.picture is not None, timeout=START_MS)
    click(check.measure)
    qtbot.waitUntil(check.apply.isEnabled, timeout=START_MS)
    click(check.cancel)  # what it costs is measured for seconds: not wanted here
    click(check.apply)
    bridge = page.window().bridge
    qtbot.waitUntil(lambda: bridge.calibration().calibration.max_disparity == 32 + 16, timeout=START_MS)
    assert load_calibration(path).max_disparity == bridge.calibration().calibration.max_disparity
    assert bridge.status().search.max_disparity == bridge.calibration().calibration.max_disparity


def test_the_board_is_written_as_a_pdf(
    open_page: Callable[..., CalibrationPage], qtbot, tmp_path: Path
) -> None:
    page = open_page(None)
    page.print_board(tmp_path / "board.pdf", "A4")
    qtbot.waitUntil((tmp_path / "board.pdf").is_file, timeout=START_MS)
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF")


def test_a_target_that_cannot_be_is_refused_in_words(open_page: Callable[..., CalibrationPage]) -> None:
    page = open_page(None)
    panel = page.capture.target
    panel.kind.setCurrentIndex(2)
    panel.rows.setValue(8)
    assert "odd" in panel.problem.text()
    assert panel.problem.isVisible()
    panel.rows.setValue(9)
    assert not panel.problem.isVisible()
    assert page.model.collection.target == panel.target


def test_colours_are_measured_from_the_chart_and_used(
    open_page: Callable[..., CalibrationPage], qtbot
) -> None:
    page = open_page(VirtualSpec(frame_rate_hz=10.0))
    bridge = page.window().bridge
    click(page.steps.buttons["light"])
    qtbot.waitUntil(page.light.buttons["caps"].isEnabled, timeout=START_MS)
    click(page.light.buttons["caps"])  # without caps
    qtbot.waitUntil(lambda: "capped lens" in page.light.results["caps"].text(), timeout=START_MS)
    assert not page.light.use.isEnabled()
    # The chart of this room is small, and a ball swings before it: it is pointed out by hand.
    view = page.light.views["color"]
    qtbot.waitUntil(lambda: view.picture is not None, timeout=START_MS)
    for corner in CHART_PX:
        QTest.mouseClick(
            view, Qt.MouseButton.LeftButton, pos=QPointF(*view.placement().to_widget(*corner)).toPoint()
        )
    qtbot.waitUntil(page.light.use.isEnabled, timeout=START_MS)
    assert "ΔE" in page.light.results["chart"].text()
    assert page.light.views["color"].corners.outline_px is not None
    shipped = bridge.calibration().path
    click(page.light.use)
    qtbot.waitUntil(lambda: bridge.calibration().calibration.photometric is not None, timeout=START_MS)
    in_use = bridge.calibration()
    assert in_use.path != shipped, "what ships with the app stays as it is"
    assert load_calibration(in_use.path).photometric.color.color_matrix is not None
    qtbot.waitUntil(page.light.forget.isEnabled, timeout=START_MS)
    click(page.light.forget)
    qtbot.waitUntil(lambda: bridge.calibration().calibration.photometric is None, timeout=START_MS)
