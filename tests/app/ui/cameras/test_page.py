"""The Cameras page on cameras that answer through GenTL, and on the virtual rig."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.pipeline.live import LiveConfig
from app.ui.cameras.fields import NumberField
from app.ui.cameras.model import VALUE
from app.ui.cameras.page import CamerasPage
from app.ui.main_window import MainWindow
from capture.features import Feature
from capture.frames import Role
from capture.preset_file import load_preset
from capture.simulator.rig import simulator_spec
from capture.spec import RigSpec, VirtualSpec

START_MS = 60_000
Make = Callable[..., MainWindow]


def opened(make_window: Make, rig: RigSpec, qtbot) -> tuple[MainWindow, CamerasPage]:
    window = make_window(LiveConfig(rig, colorize=False))
    window.start()
    window.pages.show_page("cameras")
    page = window.pages.page("cameras")
    assert isinstance(page, CamerasPage)
    qtbot.waitUntil(lambda: page.features.shown_names() != [], timeout=START_MS)
    return window, page


def feature(page: CamerasPage, name: str, role: Role = "mono") -> Feature:
    found = page._trees[role].get(name)
    assert found is not None, name
    return found


def set_value(page: CamerasPage, name: str, value: object, qtbot) -> None:
    """Ask as the tree does, and wait until the camera's tree says so."""
    page.features.model.ask(name, value)  # type: ignore[arg-type]
    role = page._role
    qtbot.waitUntil(lambda: feature(page, name, role).value == value, timeout=START_MS)


def test_everything_of_simulated_cameras(make_window: Make, simulator: Path, qtbot) -> None:
    window, page = opened(make_window, simulator_spec(simulator), qtbot)
    view = page.features

    # A value, typed into its place in the tree; what hangs on it follows.
    assert view.choose("ExposureTime")
    index = view.view.currentIndex().siblingAtColumn(VALUE)
    view.view.setCurrentIndex(index)
    QTest.keyClick(view.view, Qt.Key.Key_F2)
    editor = view.view.indexWidget(index) or view.view.findChild(NumberField)
    assert isinstance(editor, NumberField)
    editor.selectAll()
    QTest.keyClicks(editor, "250 ms")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: feature(page, "ExposureTime").value == 250_000.0, timeout=START_MS)
    rate = feature(page, "AcquisitionFrameRate")
    assert rate.maximum is not None
    assert rate.maximum < 4.0
    assert feature(page, "ExposureTime").differs
    assert window.bridge.settings("mono")["ExposureTime"].value == 250_000.0

    # What a camera refuses is said, and its value comes back.
    view.model.ask("Width", 100_000)
    qtbot.waitUntil(lambda: "Width = 100000 was refused" in window.banner.failure.text, timeout=START_MS)
    window.banner.failure.dismiss()

    # What acquisition locks is set all the same, and pictures go on.
    set_value(page, "ExposureTime", 1000.0, qtbot)
    assert feature(page, "PixelFormat").while_stopped
    set_value(page, "PixelFormat", "Mono12p", qtbot)
    shown = window.bridge.status().stages["pair"].finished
    qtbot.waitUntil(lambda: window.bridge.status().stages["pair"].finished > shown + 2, timeout=START_MS)

    # User sets: stored, changed, loaded again; then compared with the maker's.
    assert not page.user_sets.isHidden()
    page.user_sets.choice.setCurrentText("UserSet0")
    with qtbot.waitSignal(window.bridge.answered, timeout=START_MS):
        page.user_sets.save.click()
    set_value(page, "ExposureTime", 4000.0, qtbot)
    page.user_sets.load.click()
    qtbot.waitUntil(lambda: feature(page, "ExposureTime").value == 1000.0, timeout=START_MS)
    view.factory.click()
    qtbot.waitUntil(lambda: page._trees["mono"].origin == "user set Default", timeout=START_MS)
    assert "user set Default" in view.origin.text()
    assert feature(page, "ExposureTime").value == 1000.0, "what the camera had was put back"
    assert feature(page, "ExposureTime").differs
    assert feature(page, "PixelFormat").default == "Mono8"
    assert window.banner.failure.isHidden(), window.banner.failure.text


def test_presets_are_saved_compared_applied_and_undone(make_window: Make, settings_file: Path, qtbot) -> None:
    rig = VirtualSpec(width=160, height=120, frame_rate_hz=30.0)
    window, page = opened(make_window, rig, qtbot)
    box = page.presets
    assert not box.apply.isEnabled()
    assert page.user_sets.isHidden(), "this rig stores no settings"

    box.name.setText("Bright room")
    QTest.keyClick(box.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: box.choice.currentText() == "Bright room", timeout=START_MS)
    stored = load_preset(settings_file.parent / "presets" / "virtual" / "Bright room.toml")
    assert set(stored.cameras) == {"mono", "color"}

    box.compare.click()
    qtbot.waitUntil(lambda: "exactly" in box.told.text(), timeout=START_MS)
    set_value(page, "ExposureTime", 1234.0, qtbot)
    page.show_camera("color")
    qtbot.waitUntil(lambda: "color" in page._trees, timeout=START_MS)
    set_value(page, "BalanceRatio", 2.0, qtbot)
    box.compare.click()
    qtbot.waitUntil(lambda: box.table.rowCount() == 2, timeout=START_MS)
    lines = [[box.table.item(row, column).text() for column in range(3)] for row in range(2)]
    assert lines == [
        ["Mono: ExposureTime", "1234", "5000"],
        ["Colour: BalanceRatio [Red]", "2", "1.45"],
    ]

    box.apply.click()
    qtbot.waitUntil(lambda: "2 settings set and read back, 0 refused" in box.told.text(), timeout=START_MS)
    assert window.bridge.settings("mono")["ExposureTime"].value == 5000.0
    qtbot.waitUntil(lambda: feature(page, "BalanceRatio", "color").value == 1.45, timeout=START_MS)
    box.undo.click()
    qtbot.waitUntil(lambda: "put back" in box.told.text(), timeout=START_MS)
    assert window.bridge.settings("mono")["ExposureTime"].value == 1234.0
    assert not box.undo.isEnabled()

    box.delete.click()
    assert box.choice.count() == 0


def test_without_a_rig_the_page_says_so(make_window: Make, qtbot) -> None:
    window = make_window()
    window.pages.show_page("cameras")
    page = window.pages.page("cameras")
    assert isinstance(page, CamerasPage)
    assert "No rig is running" in page.about.text()
    assert not page.features.isEnabled()
    assert not page.presets.save.isEnabled()
