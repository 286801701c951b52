"""The Rig page as a user has it: simulated cameras of the genicam package, real processes, real clicks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.pipeline.live import LiveConfig
from app.ui.main_window import MainWindow
from app.ui.rig.card import MIME_CAMERA
from app.ui.rig.draft import unused
from app.ui.rig.page import RigPage
from app.ui.rig.running import described_by
from capture.discovery import PATH_VARIABLE, Device, viky_producer
from capture.frames import Role
from capture.preview import PreviewCamera, PreviewFrame, PreviewProblem
from capture.rig import CameraInfo, Setting
from capture.rig_file import load_rig_file
from capture.spec import GenicamSpec, VirtualSpec

TIMEOUT_MS = 60_000


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.discovery.VENDOR_FOLDERS", {})
    monkeypatch.setattr("app.ui.rig.search.simulated_producers", lambda: [viky_producer()])
    monkeypatch.delenv(PATH_VARIABLE, raising=False)


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    """A window that loads no networks: nobody looks at results here."""
    return make_window(LiveConfig(VirtualSpec(), colorize=False))


@pytest.fixture
def page(window: MainWindow, qtbot) -> RigPage:
    """The page with the simulated cameras found, before their pictures."""
    window.pages.show_page("rig")
    shown = window.pages.page("rig")
    assert isinstance(shown, RigPage)
    qtbot.waitUntil(lambda: len(shown.found.cards) == 3, timeout=TIMEOUT_MS)
    return shown


def wait_for_pictures(page: RigPage, qtbot, *serials: str) -> None:
    cards = page.found.cards
    qtbot.waitUntil(lambda: all(cards[s].thumbnail.shows_picture for s in serials), timeout=TIMEOUT_MS)


def press(page: RigPage, serial: str, role: str) -> None:
    QTest.mouseClick(page.found.cards[serial].buttons[role], Qt.MouseButton.LeftButton)


def test_every_camera_is_shown_live_and_freed_when_left(window: MainWindow, page: RigPage, qtbot) -> None:
    wait_for_pictures(page, qtbot, "0", "1", "2")
    assert "400×400" in page.found.cards["0"].detail.line
    (row,) = page.found.libraries.rows()
    assert "viky.cti" in row
    assert "3 cameras" in row
    window.pages.show_page("live")
    qtbot.waitUntil(lambda: not page.previews.running, timeout=TIMEOUT_MS)


def test_a_camera_behind_two_libraries_is_shown_once(
    window: MainWindow, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(viky_producer(), tmp_path / folder / f"{folder}.cti")
    monkeypatch.setenv(PATH_VARIABLE, os.pathsep.join(str(tmp_path / folder) for folder in ("one", "two")))
    monkeypatch.setattr("app.ui.rig.search.simulated_producers", list)
    window.pages.show_page("rig")
    page = window.pages.page("rig")
    assert isinstance(page, RigPage)
    qtbot.waitUntil(lambda: len(page.found.cards) == 3, timeout=TIMEOUT_MS)
    assert {Path(card.device.producer).name for card in page.found.cards.values()} == {"one.cti"}
    assert len(page.found.libraries.rows()) == 2
    press(page, "0", "mono")
    press(page, "1", "color")
    assert page.draft.spec().producers == (tmp_path / "one" / "one.cti",)


def test_from_finding_cameras_to_a_rig_that_runs(window: MainWindow, page: RigPage, qtbot) -> None:
    assert not page.panel.save.isEnabled()
    wait_for_pictures(page, qtbot, "0", "1")
    press(page, "2", "mono")
    press(page, "1", "color")
    page.panel.name.setFocus()
    page.panel.name.selectAll()
    QTest.keyClicks(page.panel.name, "Bench 1")
    QTest.mouseClick(page.panel.places.swap, Qt.MouseButton.LeftButton)
    assert page.panel.places.left.title.text() == "Left · mono"
    started: list[dict[Role, str]] = []
    page.showing.started.connect(
        lambda: started.append({role: info.serial for role, info in page._running.items()})
    )
    QTest.mouseClick(page.panel.save, Qt.MouseButton.LeftButton)
    path = window._settings.rig_folder / "bench_1.toml"
    spec = load_rig_file(path)
    assert isinstance(spec, GenicamSpec)
    assert (spec.name, spec.mono.serial, spec.color.serial) == ("Bench 1", "2", "1")
    assert (spec.mono.pixel_format, spec.color_side) == ("Mono8", "right")
    assert window.chooser.current.name == str(path)
    assert str(path) in window._settings.recent_rigs

    def runs() -> bool:
        rig = window.bridge.status().rig
        return rig is not None and rig.kind == "genicam"

    qtbot.waitUntil(runs, timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: "in use" in page.found.libraries.rows()[0], timeout=TIMEOUT_MS)
    # Seen through the pipeline now, and the third one still by itself.
    qtbot.waitUntil(lambda: "Mono8" in page.found.cards["2"].detail.line, timeout=TIMEOUT_MS)
    wait_for_pictures(page, qtbot, "0", "1", "2")
    assert started == [{"mono": "2", "color": "1"}], "nothing was opened while the rig opened its cameras"


def test_the_page_can_be_used_without_a_mouse(window: MainWindow, page: RigPage) -> None:
    window.activateWindow()
    saved: list[bool] = []
    window.commands["save"].triggered.connect(saved.append)
    page.found.cards["0"].buttons["mono"].setFocus()
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Space)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Space)
    assert page.draft.role_of("0") == "mono"
    assert page.draft.role_of("1") == "color"
    assert saved == [], "Space saves no pair here"


def test_looking_again_opens_the_cameras_anew(page: RigPage, qtbot) -> None:
    wait_for_pictures(page, qtbot, "0")
    first = page.found.cards["0"]
    QTest.mouseClick(page.found.again, Qt.MouseButton.LeftButton)
    assert not page.found.again.isEnabled()
    qtbot.waitUntil(page.found.again.isEnabled, timeout=TIMEOUT_MS)
    assert page.found.cards["0"] is first, "the same camera keeps its card"
    qtbot.waitUntil(lambda: page.previews.running, timeout=TIMEOUT_MS)


def test_a_saved_rig_is_opened_to_be_changed(window: MainWindow, page: RigPage, tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text(
        'kind = "genicam"\nname = "old"\nbuffers = 40\n[mono]\nserial = "0"\n[mono.settings]\nWidth = 320\n'
        '[color]\nserial = "77"\npixel_format = "BayerRG8"\n'
    )
    page.edit(path)
    assert page.found.cards["0"].buttons["mono"].isChecked()
    assert "Not found" in page.panel.places.left.thumbnail.message, "camera 77 is not here"
    press(page, "1", "color")
    page.panel.rate.setValue(12.0)
    assert page.file == path
    assert page.draft.spec().buffers == 40
    assert page.draft.spec().mono.settings["Width"] == 320
    assert page.draft.spec().color.settings["AcquisitionFrameRate"] == 12.0
    assert page.draft.spec().color.serial == "1"


def test_a_rig_file_that_breaks_the_rules_is_named_in_the_banner(
    window: MainWindow, page: RigPage, tmp_path: Path
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('kind = "genicam"\nshutter = 3\n[mono]\nserial = "0"\n[color]\nserial = "1"\n')
    before = page.draft
    page.edit(path)
    assert "shutter is not a known key" in window.banner.failure.message
    assert page.draft == before


def test_a_card_can_be_dropped_on_its_place(page: RigPage) -> None:
    data = QMimeData()
    data.setData(MIME_CAMERA, QByteArray(b"2"))
    place = page.panel.places.left
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(20, 20), *how)
    QApplication.sendEvent(place, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(place, QDropEvent(QPointF(20, 20), *how))
    assert page.draft.role_of("2") == "color"
    assert page.found.cards["2"].buttons["color"].isChecked()
    press(page, "2", "color")
    assert page.draft.role_of("2") is None, "pressed again, the role is taken back"


def test_the_camera_under_a_hand_lights_up(page: RigPage) -> None:
    def show(serial: str, value: int) -> None:
        pixels = np.full((30, 40, 3), value, np.uint8)
        page.previews.pictured.emit(PreviewFrame(serial, pixels, value / 255))

    for _ in range(5):
        for serial in ("0", "1", "2"):
            show(serial, 200)
    show("1", 10)
    assert [page.found.cards[s].thumbnail.lit for s in ("0", "1", "2")] == [False, True, False]
    show("1", 190)
    assert not page.found.cards["1"].thumbnail.lit


def test_a_library_that_dies_is_not_opened_again_by_itself(window: MainWindow, page: RigPage, qtbot) -> None:
    wait_for_pictures(page, qtbot, "0")
    started: list[bool] = []
    page.showing.started.connect(lambda: started.append(True))
    (process,) = page.previews._processes.values()
    assert process._process is not None
    process._process.kill()
    qtbot.waitUntil(lambda: "ended" in window.banner.failure.message, timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: not page.previews.running, timeout=TIMEOUT_MS)
    page._on_status()
    assert started == []
    QTest.mouseClick(page.found.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: started == [True], timeout=TIMEOUT_MS)


def test_what_a_camera_cannot_show_is_said_in_its_place(window: MainWindow, page: RigPage) -> None:
    page.previews.failed.emit(PreviewProblem("1", "does another program use it?"))
    assert "another program" in page.found.cards["1"].thumbnail.message
    page.previews.failed.emit(PreviewProblem("", "Producer x.cti ended."))
    assert "x.cti ended" in window.banner.failure.message


def test_the_page_says_what_does_not_fit_through_the_link(page: RigPage, qtbot) -> None:
    wait_for_pictures(page, qtbot, "0", "1", "2")
    for serial, pixel_format in (("0", "Mono8"), ("1", "BayerRG8")):
        device = Device(serial, "Vendor", "Model", "GEV", "vendor.cti", True, "eno1")
        camera = PreviewCamera(device, (pixel_format,), pixel_format, 2448, 2048, 20.0, 125e6)
        page.previews.described.emit(camera)
    words = page.panel.budget.text()
    assert "Mono: Mono8 2448×2048 × 20 Hz" in words
    assert "does not fit" in words
    assert "DeviceLinkThroughputLimit" in words
    page.panel.rate.setValue(8.0)
    assert "does not fit" not in page.panel.budget.text()


def test_a_camera_that_only_the_pipeline_knows_is_described_by_it() -> None:
    info = CameraInfo("color", "7", "Vendor", "Model", 1920, 1200, "BayerRG8", True)
    device = Device("7", "Vendor", "Model", "GEV", "a.cti", accessible=False)
    settings = {
        "PixelFormat": Setting("PixelFormat", "BayerRG8", choices=("BayerRG8", "BayerRG12p", "Vendor99")),
        "AcquisitionFrameRate": Setting("AcquisitionFrameRate", 20.0),
    }
    camera = described_by(settings, info, device)
    assert camera.pixel_formats == ("BayerRG8", "BayerRG12p")
    assert (camera.width, camera.height, camera.frame_rate_hz) == (1920, 1200, 20.0)
    assert described_by({}, info, device).pixel_formats == ("BayerRG8",)


def test_without_any_camera_the_page_says_what_to_do(page: RigPage) -> None:
    page.search.found.emit([])
    assert page.found.nothing.isVisible()
    assert page.found.cards == {}
    assert PATH_VARIABLE in page.found.libraries.findChildren(type(page.found.nothing))[-1].text()


@pytest.mark.parametrize("size", [(1280, 800), (1100, 640)])
def test_nothing_is_cut_off(window: MainWindow, page: RigPage, qtbot, size: tuple[int, int]) -> None:
    window.resize(*size)
    qtbot.waitUntil(lambda: window.width() == size[0])
    for serial, pixel_format in (("0", "Mono8"), ("1", "BayerRG8")):
        device = Device(serial, "Vendor", "Model", "GEV", "vendor.cti", True, "eno1")
        page.previews.described.emit(PreviewCamera(device, (pixel_format,), pixel_format, 2448, 2048, 20.0))
    assert page.panel.budget.isVisible()
    window.layout().activate()
    for widget in (page.panel.save, page.panel.file, page.found.files, page.found.again):
        corner = widget.mapTo(window, widget.rect().bottomRight())
        assert corner.x() < window.width()
        assert corner.y() < window.height() - window.statusBar().height()
        if widget is not page.panel.file:
            assert widget.width() >= widget.minimumSizeHint().width()


def test_no_rig_file_is_overwritten_by_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    assert unused(path) == path
    path.touch()
    (tmp_path / "rig_2.toml").touch()
    assert unused(path) == tmp_path / "rig_3.toml"


def test_the_first_run_offers_the_page(make_window: Callable[..., MainWindow], qtbot) -> None:
    spec = VirtualSpec(notice="No camera found: showing the virtual rig.")
    window = make_window(LiveConfig(spec, colorize=False))
    window.bridge.start(window._config)
    qtbot.waitUntil(lambda: window.banner.notice.action.isVisible(), timeout=TIMEOUT_MS)  # noqa: PLW0108
    QTest.mouseClick(window.banner.notice.action, Qt.MouseButton.LeftButton)
    assert window.pages.current == "rig"
