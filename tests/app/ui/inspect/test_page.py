"""The page Inspect in the window: opening, running, going from pair to pair, leaving; and the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import main
from app.inspecting.cache import size_of
from app.inspecting.store import LIVE
from app.ui.inspect.page import InspectPage
from app.ui.inspect.sides import Side
from app.ui.main_window import MainWindow
from tests.app.inspecting.folders import write_pairs
from tests.app.ui.conftest import make_scene, make_shown

TIMEOUT_MS = 60_000


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs", 3)
    return tmp_path / "pairs"


def open_page(qtbot, window: MainWindow, path: Path, *methods: str) -> InspectPage:
    window.inspect(path, (), methods)
    page = window.pages.page("inspect")
    assert isinstance(page, InspectPage)
    qtbot.waitUntil(lambda: is_loaded(page), timeout=TIMEOUT_MS)
    return page


def is_loaded(page: InspectPage) -> bool:
    shown = page.model.shown
    return shown is not None and (shown.pair is not None or bool(shown.problems))


def has_result(page: InspectPage, method: str) -> bool:
    return page.model.shown is not None and method in page.model.shown.predictions


def test_nothing_is_open_and_the_page_says_what_to_do(window: MainWindow) -> None:
    window.pages.show_page("inspect")
    page = window.pages.page("inspect")
    assert isinstance(page, InspectPage)
    assert page.stage.currentWidget() is page._empty
    assert "Open" in page._empty.text()


def test_pairs_are_listed_and_results_on_screen_are_made(qtbot, window: MainWindow, pairs: Path) -> None:
    page = open_page(qtbot, window, pairs, "sgbm", "copy")
    assert list(page.items.model.rows) == ["p0", "p1", "p2"]
    page.canvas.set_sides((Side("mono"), Side("first", "sgbm")), "panes")
    qtbot.waitUntil(lambda: has_result(page, "sgbm"), timeout=TIMEOUT_MS)
    assert not has_result(page, "copy"), "nobody looks at it"
    qtbot.waitUntil(lambda: page.canvas.panes[1].view.picture is not None, timeout=TIMEOUT_MS)
    picture = page.canvas.panes[1].view.picture
    assert picture is not None
    assert np.array_equal(picture.values, page.model.shown.predictions["sgbm"].first_pass)
    assert not window.bridge.running, "no rig was started"


def test_the_list_and_its_keys_go_from_pair_to_pair(qtbot, window: MainWindow, pairs: Path) -> None:
    page = open_page(qtbot, window, pairs, "copy")
    QTest.keyClick(page.items.view, Qt.Key.Key_Down)
    assert page.model.item == "p1"
    page.canvas.setFocus()
    QTest.keyClick(page.canvas, Qt.Key.Key_PageDown)
    assert page.model.item == "p2"
    assert page.items.selected == ["p2"]
    QTest.keyClick(page.canvas, Qt.Key.Key_PageDown)
    assert page.model.item == "p2", "it is the last"
    QTest.keyClick(page.canvas, Qt.Key.Key_PageUp)
    assert page.model.item == "p1"
    page.items.filter.setText("2")
    assert list(page.items.model.rows) == ["p2"]
    assert page.items.count.text() == "1 of 3 pairs"


def test_keys_act_on_the_pictures_from_wherever_the_focus_is(qtbot, window: MainWindow, pairs: Path) -> None:
    page = open_page(qtbot, window, pairs, "copy")
    window.activateWindow()
    page.items.view.setFocus()
    QTest.keyClick(page.items.view, Qt.Key.Key_S)
    assert page.canvas.way == "swipe"
    page.items.filter.setFocus()
    QTest.keyClicks(page.items.filter, "p2")
    assert page.items.filter.text() == "p2", "letters are text where text is written"
    assert page.canvas.way == "swipe"
    page.show_stage(page.numbers.study)
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_P)
    assert page.canvas.way == "swipe", "the study has the keys"
    page.show_compare()
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_P)
    assert page.canvas.way == "panes"


def test_a_subset_is_run_and_kept(qtbot, window: MainWindow, pairs: Path, tmp_path: Path) -> None:
    page = open_page(qtbot, window, pairs, "copy")
    page.canvas.set_sides((Side("mono"),), "panes")
    page.items.view.selectAll()
    page.run_bar.run_menu.actions()[0].trigger()
    qtbot.waitUntil(
        lambda: page.model.progress.total == 3 and not page.model.progress.running, timeout=TIMEOUT_MS
    )
    assert (page.model.progress.done, page.model.progress.failed) == (3, 0)
    assert size_of(window._settings.cache_folder / "inspect").count == 3
    page.cache_menu.aboutToShow.emit()
    qtbot.waitUntil(lambda: page.cache_menu.size_words().startswith("3 results"), timeout=TIMEOUT_MS)


def test_a_damaged_pair_says_so_in_its_place_and_others_go_on(qtbot, window: MainWindow, pairs: Path) -> None:
    (pairs / "color/p0.png").write_bytes((pairs / "color/p0.png").read_bytes()[:100])
    page = open_page(qtbot, window, pairs, "copy")
    page.canvas.set_sides((Side("mono"),), "panes")
    qtbot.waitUntil(lambda: "p0.png" in page.canvas.panes[0].view._message, timeout=TIMEOUT_MS)
    page.model.set_item("p1")
    qtbot.waitUntil(lambda: page.canvas.panes[0].view.picture is not None, timeout=TIMEOUT_MS)
    page.model.run_all(list(page.model.items), ["copy"])
    qtbot.waitUntil(lambda: page.model.progress.done == 3, timeout=TIMEOUT_MS)
    assert page.model.progress.failed == 1
    tips = [page.items.model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole) for row in range(3)]
    assert "p0.png" in tips[0]
    assert tips[1:] == ["p1", "p2"]


def test_what_cannot_be_opened_is_said_and_what_was_open_stays(
    qtbot, window: MainWindow, pairs: Path, tmp_path: Path
) -> None:
    page = open_page(qtbot, window, pairs, "copy")
    with qtbot.waitSignal(page.model.failed, timeout=TIMEOUT_MS) as told:
        page.open(tmp_path / "nowhere")
    assert "nowhere does not exist" in told.args[0]
    assert page.title.text() == "pairs"
    assert page.model.item == "p0"


def test_weights_that_are_gone_keep_nobody_from_the_pairs(
    qtbot, window: MainWindow, pairs: Path, tmp_path: Path
) -> None:
    window._settings.inspect_methods = ("copy", str(tmp_path / "gone.safetensors"))
    window.pages.show_page("inspect")
    page = window.pages.page("inspect")
    assert isinstance(page, InspectPage)
    assert "copy" in page.run_bar.methods_button.text()
    with qtbot.waitSignal(page.model.failed, timeout=TIMEOUT_MS) as told:
        page.open(pairs)
    assert "gone.safetensors" in told.args[0]
    assert list(page.model.methods) == ["copy"]
    assert page.model.item == "p0"


def test_a_frozen_frame_comes_with_its_result_and_its_w(qtbot, window: MainWindow) -> None:
    window.pages.show_page("inspect")
    page = window.pages.page("inspect")
    assert isinstance(page, InspectPage)
    scene = make_scene()
    page.freeze()
    assert page.model.source is None, "there was nothing to freeze"
    window.pages.show_page("live")
    window.bridge.newest = make_shown(scene)
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_I)
    assert window.pages.current == "inspect"
    qtbot.waitUntil(lambda: has_result(page, LIVE), timeout=TIMEOUT_MS)
    shown = page.model.shown
    assert shown is not None
    assert shown.pair is not None
    assert scene.result is not None
    assert shown.pair.mono is scene.result.rectified.mono
    assert page.model.methods[0] == LIVE
    assert {side.method for side in page.canvas.sides} <= {"", LIVE}
    page.model.explain(LIVE)
    qtbot.waitUntil(lambda: LIVE in page.model.shown.explanations, timeout=TIMEOUT_MS)
    assert page.model.shown.explanations[LIVE] is scene.result.colorization


def test_recent_sources_and_layout_come_back(
    qtbot, make_window: Callable[..., MainWindow], pairs: Path
) -> None:
    window = make_window()
    page = open_page(qtbot, window, pairs, "copy")
    page._compare.setSizes([300, 500, 300])
    sizes = page._compare.sizes()
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    again = make_window()
    next_page = open_page(qtbot, again, pairs)
    assert next_page._compare.sizes() == sizes
    texts = [action.text() for action in next_page.open_menu.actions()]
    assert any(text.startswith("pairs ") for text in texts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "does not exist"),
        (["pairs", "--pairs", "p0,p7"], "no pair p7"),
        (["pairs", "--methods", "magic"], "magic"),
    ],
)
def test_the_command_refuses_in_one_line(
    pairs: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(pairs.parent)
    assert main.main(["inspect", *arguments]) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
