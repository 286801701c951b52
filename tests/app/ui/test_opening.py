"""Drops on the window, recent things, and keys: complete, and none that means two things at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QLabel, QSplitter

from app.ui.dataset.page import DatasetPage
from app.ui.main_window import MainWindow
from app.ui.page_keys import lines_of, taken_keys
from app.ui.pages import LIVE, PAGES
from tests.app.browsing.pairs import write_dataset

WAIT_MS = 20_000


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(300, 300), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), copy, data, left, none))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_dropped_dataset_is_browsed_and_remembered(window: MainWindow, tmp_path: Path, qtbot) -> None:
    write_dataset(tmp_path / "set", 2)
    drop(window, tmp_path / "set")
    assert window.pages.current == "dataset"
    page = window.pages.page("dataset")
    assert isinstance(page, DatasetPage)
    qtbot.waitUntil(lambda: page.model.rowCount() == 2 and page.session.idle, timeout=WAIT_MS)
    window._recent.aboutToShow.emit()
    entries = [action for action in window._recent.actions() if action.data()]
    assert [action.data() for action in entries] == [("Datasets", str(tmp_path / "set"))]
    window.pages.show_page(LIVE)
    entries[0].trigger()
    assert window.pages.current == "dataset"


def test_a_dropped_pair_folder_is_inspected(window: MainWindow, tmp_path: Path, qtbot) -> None:
    write_dataset(tmp_path / "set", 1)
    (tmp_path / "set" / "pairs.jsonl").unlink()
    (tmp_path / "set" / "dataset.toml").unlink()
    drop(window, tmp_path / "set")
    assert window.pages.current == "inspect"


def test_a_dropped_replay_or_text_says_what_is_wrong(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    drop(window, tmp_path / "notes.txt")
    assert "notes.txt" in window.banner.failure.text
    assert window.pages.current == LIVE


def test_weights_that_are_none_are_refused(window: MainWindow, tmp_path: Path, qtbot) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    model = window._config.model
    drop(window, tmp_path / "bad.safetensors")
    qtbot.waitUntil(lambda: "bad.safetensors" in window.banner.failure.text, timeout=WAIT_MS)
    assert window._config.model == model


def test_good_weights_become_the_model(window: MainWindow, qtbot) -> None:
    path = Path(__file__).parents[3] / "models" / "weights" / "live.safetensors"
    drop(window, path)
    qtbot.waitUntil(lambda: window._config.model == str(path), timeout=WAIT_MS)


@pytest.mark.parametrize("key", [page.key for page in PAGES])
def test_no_key_means_two_things_on_a_page(window: MainWindow, key: str) -> None:
    window.pages.show_page(key)
    of_window = Counter(keys.toString() for action in window.commands.values() for keys in action.shortcuts())
    assert [keys for keys, count in of_window.items() if count > 1] == []
    if key != LIVE:
        assert taken_keys(window.pages.page(key)).isdisjoint(of_window)


@pytest.mark.parametrize("key", [page.key for page in PAGES if page.key != LIVE])
def test_the_list_of_shortcuts_has_every_key_of_a_page(window: MainWindow, key: str) -> None:
    window.pages.show_page(key)
    page = window.pages.page(key)
    for shortcut in page.findChildren(QShortcut):
        assert shortcut.whatsThis() or shortcut.objectName() in {each.name for each in page.KEYS}
    lines = lines_of(page, page.KEYS)
    assert all(words for _, words in lines)
    window.commands["shortcuts"].trigger()
    shown = {label.text() for label in window.shortcuts.findChildren(QLabel)}
    assert {words for _, words in [*lines, *page.HANDS]} <= shown
    assert window.shortcuts._card.sizeHint().height() < 760
    window.commands["shortcuts"].trigger()


def test_splitters_of_a_page_are_where_they_were_left(make_window: Callable[..., MainWindow], qtbot) -> None:
    first = make_window()
    first.pages.show_page("sync")
    (split,) = first.pages.page("sync").findChildren(QSplitter)
    split.setSizes([100, 400])
    sizes = split.sizes()
    first.pages.show_page(LIVE)
    first.close()
    second = make_window()
    second.pages.show_page("sync")
    (again,) = second.pages.page("sync").findChildren(QSplitter)
    qtbot.waitUntil(lambda: again.sizes() == sizes, timeout=WAIT_MS)


def test_undo_on_live_says_when_there_is_nothing_to_take_back(window: MainWindow) -> None:
    window.commands["undo_save"].trigger()
    assert "no save" in window.toast.text()
    window.pages.show_page("rig")
    assert not window.commands["undo_save"].isEnabled()


def test_the_window_gives_a_page_the_keys_that_it_uses(window: MainWindow) -> None:
    assert QKeySequence("Ctrl+O") in window.commands["open_replay"].shortcuts()
    window.pages.show_page("dataset")
    assert window.commands["open_replay"].shortcuts() == []
    window.pages.show_page(LIVE)
    assert QKeySequence("Ctrl+O") in window.commands["open_replay"].shortcuts()
