"""The page's own controls and keys, on a running virtual rig, down to the files on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.capturing.state import read_state
from app.pipeline.live import LiveConfig
from app.ui.capture.filmstrip import spot_of
from app.ui.capture.page import CapturePage
from app.ui.main_window import MainWindow
from app.ui.pages import LIVE
from capture.dataset import DatasetReader, read_notes
from capture.spec import VirtualSpec

WAIT_MS = 90_000
SMALL = VirtualSpec(width=160, height=120, frame_rate_hz=15.0)

MakePage = Callable[..., CapturePage]


@pytest.fixture
def make_page(make_window: Callable[..., MainWindow], qtbot) -> MakePage:
    """A factory: the page in its window with a running rig, and a dataset if a folder is given."""

    def make(folder: Path | None = None) -> CapturePage:
        window = make_window(LiveConfig(SMALL, colorize=False))
        window.start()
        window.pages.show_page("capture")
        page = window.pages.page("capture")
        assert isinstance(page, CapturePage)
        qtbot.waitUntil(lambda: page.side.gates["skew_ms"].verdict == "ok", timeout=WAIT_MS)
        if folder is not None:
            window.bridge.open_dataset(folder)
            qtbot.waitUntil(lambda: capture_of(page).folder == str(folder), timeout=WAIT_MS)
            page._on_status(window.bridge.status())
        return page

    return make


def capture_of(page: CapturePage):
    return page._bridge.status().capture


def press(page: CapturePage, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(page.window(), key, modifier)


def saved(page: CapturePage, count: int) -> Callable[[], bool]:
    return lambda: len(page.strip.names) == count


def test_a_pair_is_asked_a_folder_for_saved_tagged_and_taken_back(
    make_page: MakePage, qtbot, tmp_path: Path
) -> None:
    page = make_page()
    window = page.window()
    assert isinstance(window, MainWindow)
    qtbot.waitUntil(lambda: page.pictures.pictures["mono"].view.picture is not None, timeout=WAIT_MS)
    assert "No dataset yet" in page.offer.text
    assert window.banner.notice.action.text() == "Calibrate …"
    press(page, Qt.Key.Key_Space)
    assert window.dataset_panel.isVisible()
    folder = tmp_path / "set"
    window.dataset_panel.path.setText(str(folder))
    window.dataset_panel.accept_button.click()
    qtbot.waitUntil(saved(page, 1), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.said.said.text.startswith("Saved 000000"), timeout=WAIT_MS)

    press(page, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: capture_of(page).state.tags == ("outdoor",), timeout=WAIT_MS)
    press(page, Qt.Key.Key_Space)
    qtbot.waitUntil(saved(page, 2), timeout=WAIT_MS)
    records = DatasetReader.open(folder).records
    assert [record.tags for record in records] == [(), ("outdoor",)]
    assert {record.mode for record in records} == {"single"}
    assert records[0].gates["skew_ms"] == pytest.approx(3.0, abs=2.0)

    # Large, the next one, and back; then the wrong one goes, wherever it stands.
    strip = page.strip
    spot = spot_of(strip, "000000")
    assert spot is not None
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=spot.toPoint())
    qtbot.waitUntil(lambda: page.review.mono.picture is not None, timeout=WAIT_MS)
    assert page.stage.currentWidget() is page.review
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert page.review.pair is not None
    assert page.review.pair.name == "000001"
    press(page, Qt.Key.Key_Escape)
    assert page.stage.currentWidget() is page.pictures
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=spot.toPoint())
    QTest.keyClick(strip, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.strip.names == ("000001",), timeout=WAIT_MS)
    assert page.stage.currentWidget() is page.pictures
    press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page.strip.names == ("000000", "000001"), timeout=WAIT_MS)
    assert page.said.said.text == "Pair 000000 is back"
    for left in (1, 0):
        press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(saved(page, left), timeout=WAIT_MS)
    reader = DatasetReader.open(folder)
    assert not reader.records
    assert len(reader.trash) == 2


def test_a_wall_refuses_a_shot_and_says_why_here_and_on_live(
    make_page: MakePage, qtbot, tmp_path: Path
) -> None:
    page = make_page(tmp_path / "set")
    window = page.window()
    assert isinstance(window, MainWindow)
    gate = page.side.gates["skew_ms"]
    QTest.mouseClick(
        gate.switch, Qt.MouseButton.LeftButton, pos=QPoint(gate.switch.width() - 8, gate.switch.height() // 2)
    )
    QTest.mouseClick(gate.bar, Qt.MouseButton.LeftButton, pos=QPoint(1, 10))
    qtbot.waitUntil(lambda: gate.verdict == "wall", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.said.said.text.startswith("Would be refused. Skew"), timeout=WAIT_MS)
    press(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.said.said.text.startswith("Not saved. Skew"), timeout=WAIT_MS)
    assert page.pictures.tone == "bad"
    # On Live the same key asks the same gates.
    window.pages.show_page(LIVE)
    press(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Not saved. Skew" in window.toast.text(), timeout=WAIT_MS)
    assert not DatasetReader.open(tmp_path / "set").records
    window.pages.show_page("capture")
    page.side.reset.trigger()
    qtbot.waitUntil(lambda: gate.verdict == "ok", timeout=WAIT_MS)
    press(page, Qt.Key.Key_B)
    qtbot.waitUntil(saved(page, 10), timeout=WAIT_MS)
    modes = {record.mode for record in DatasetReader.open(tmp_path / "set")}
    assert modes == {"burst"}


def test_a_plan_ends_at_its_target_and_an_interrupted_one_goes_on(
    make_page: MakePage, qtbot, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    page = make_page(folder)
    page.modes.period_s.setValue(0.1)
    page.progress.target.setValue(3)
    qtbot.waitUntil(lambda: capture_of(page).state.target == 3, timeout=WAIT_MS)
    press(page, Qt.Key.Key_T)
    qtbot.waitUntil(saved(page, 3), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "target of 3 pairs is reached" in page.said.said.text, timeout=WAIT_MS)
    assert page.progress.progress.share == 1.0
    assert not page.modes.buttons["timed"].isChecked()
    press(page, Qt.Key.Key_T)
    assert "raise it" in page.said.said.text

    page.progress.target.setValue(500)
    qtbot.waitUntil(lambda: capture_of(page).state.target == 500, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.progress.progress.share < 1.0, timeout=WAIT_MS)
    press(page, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: capture_of(page).total > 4, timeout=WAIT_MS)
    window = page.window()
    assert isinstance(window, MainWindow)
    window.saving._settings.last_dataset = folder
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    before = len(DatasetReader.open(folder))
    state = read_state(folder)
    assert state is not None
    assert state.plan is not None

    again = make_page()
    qtbot.waitUntil(
        lambda: "its timed capture was interrupted. Continue?" in again.offer.text, timeout=WAIT_MS
    )
    assert again.offer.text.startswith(f"set has {before} of 500 pairs")
    again.offer.buttons[0].click()
    qtbot.waitUntil(lambda: capture_of(again).total > before, timeout=WAIT_MS)
    qtbot.waitUntil(again.modes.buttons["timed"].isChecked, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not again.offer.isVisible(), timeout=WAIT_MS)
    press(again, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: capture_of(again).state.plan is None, timeout=WAIT_MS)


def test_notes_save_themselves_and_fields_keep_their_keys(make_page: MakePage, qtbot, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    page = make_page(folder)
    about = page.side.about
    about.operator.setFocus()
    QTest.keyClicks(about.operator, "Kim 2 b w")
    QTest.keyClick(about.operator, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: capture_of(page).state.operator == "Kim 2 b w", timeout=WAIT_MS)
    assert capture_of(page).state.plan is None
    assert capture_of(page).state.tags == ()
    assert page.hasFocus(), "keys belong to the page again"
    qtbot.waitUntil(lambda: not about._loading, timeout=WAIT_MS)
    about.notes.setFocus()
    QTest.keyClicks(about.notes, "Rain on the window")
    with qtbot.waitSignal(about.keeper.written, timeout=WAIT_MS):
        pass
    assert read_notes(folder) == "Rain on the window"
    QTest.keyClicks(about.notes, ", noon")
    page.window().pages.show_page(LIVE)
    qtbot.waitUntil(lambda: read_notes(folder) == "Rain on the window, noon", timeout=WAIT_MS)

    page.window().pages.show_page("capture")
    page.side.tags.edit.setChecked(True)
    page.side.tags.fields[6].setText("glass")
    page.side.tags.edit.setChecked(False)
    qtbot.waitUntil(lambda: capture_of(page).state.palette[-1:] == ("glass",), timeout=WAIT_MS)
    page.setFocus()
    press(page, Qt.Key.Key_7)
    qtbot.waitUntil(lambda: capture_of(page).state.tags == ("glass",), timeout=WAIT_MS)


def test_without_a_rig_the_page_says_what_to_do(window: MainWindow) -> None:
    window.pages.show_page("capture")
    page = window.pages.page("capture")
    assert isinstance(page, CapturePage)
    assert not page.modes.buttons["single"].isEnabled()
    assert not page.side.gates["skew_ms"].isEnabled()
    assert not page.offer.isVisible()
    assert "Start (F5)" in page.pictures.pictures[page.pictures.large].view._message


def test_pictures_change_places_and_show_what_is_saved(window: MainWindow) -> None:
    wishes = []
    window.bridge.wish = wishes.append  # type: ignore[method-assign]
    window.pages.show_page("capture")
    page = window.pages.page("capture")
    assert isinstance(page, CapturePage)
    assert wishes[-1].layers == {"gray", "reference", "refined"}
    page.pictures.raw.click()
    assert wishes[-1].layers == {"raw_mono", "raw_reference", "refined"}
    press(page, Qt.Key.Key_V)
    assert page.pictures.large == "reference"
    page.pictures.pictures["refined"].view.double_clicked.emit()
    assert page.pictures.large == "refined"
    window.pages.show_page("rig")
    assert not wishes[-1].layers
