"""The switch between pages: keys, what Live keeps meanwhile, what is remembered."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.ui.main_window import MainWindow
from app.ui.page_stack import PageSwitch
from app.ui.pages import LIVE, PAGES
from app.ui.settings import UiSettings


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def test_every_page_has_its_key_and_is_built_when_wanted(window: MainWindow) -> None:
    assert window.pages.current == LIVE
    assert window.pages.count() == 1
    for number, page in enumerate(PAGES, start=1):
        press(window, Qt.Key(Qt.Key.Key_0.value + number), Qt.KeyboardModifier.ControlModifier)
        assert window.pages.current == page.key
        assert window.commands[f"page_{page.key}"].isChecked()
    assert window.pages.count() == len(PAGES)


def test_the_docks_of_live_come_back_as_they_were(window: MainWindow) -> None:
    window._plots_dock.hide()
    window.pages.show_page("rig")
    assert not window._weight_dock.isVisible()
    assert not window.commands["fit"].isEnabled()
    window.pages.show_page(LIVE)
    assert window._weight_dock.isVisible()
    assert not window._plots_dock.isVisible()
    assert window.commands["fit"].isEnabled()


def test_single_keys_belong_to_live_alone(window: MainWindow) -> None:
    window.pages.show_page("rig")
    for name in ("save", "record", "freeze", "pane_1", "restore"):
        assert window.commands[name].shortcuts() == []
    assert window.commands["run"].shortcuts()
    window.pages.show_page(LIVE)
    assert window.commands["save"].shortcut().toString() == "Space"


def test_a_page_on_screen_draws_no_panes(window: MainWindow) -> None:
    wishes = []
    window.bridge.wish = wishes.append  # type: ignore[method-assign]
    window.pages.show_page("rig")
    assert not wishes[-1].layers
    window.pages.show_page(LIVE)
    assert wishes[-1].layers


def test_the_page_and_the_docks_of_live_are_remembered(
    make_window: Callable[..., MainWindow], settings_file
) -> None:
    first = make_window()
    first._plots_dock.hide()
    first.pages.show_page("rig")
    first.close()
    second = make_window()
    assert second.pages.current == "rig"
    second.pages.show_page(LIVE)
    assert second._weight_dock.isVisible()
    assert not second._plots_dock.isVisible()
    settings = UiSettings(settings_file)
    settings.page = "of another version"
    settings.save()
    second.close()
    settings.page = "of another version"
    settings.save()
    assert make_window().pages.current == LIVE


def test_the_switch_takes_no_room_from_the_pictures(window: MainWindow) -> None:
    switch = window.menuBar().cornerWidget()
    assert isinstance(switch, PageSwitch)
    assert switch.height() <= 28
