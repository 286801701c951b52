"""The Dataset page as a person uses it: a real window, a real dataset, keys and clicks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QTest

from app.browsing.filters import Range
from app.ui.dataset.page import DatasetPage
from app.ui.main_window import MainWindow
from capture.dataset import DatasetEditor, DatasetReader, Edit
from capture.dataset_records import PAIRS_NAME
from tests.app.browsing.pairs import write_dataset

WAIT_MS = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "set", 12)
    return tmp_path / "set"


@pytest.fixture
def page(
    make_window: Callable[..., MainWindow],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot,
) -> DatasetPage:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    window = make_window()
    window.activateWindow()
    window.pages.show_page("dataset")
    found = window.pages.page("dataset")
    assert isinstance(found, DatasetPage)
    with qtbot.waitSignal(found.session.opened, timeout=WAIT_MS):
        found.open(folder)
    return found


def shown(page: DatasetPage) -> list[str]:
    return [page.model.record(row).name for row in range(page.model.rowCount())]


def select(page: DatasetPage, *rows: int) -> None:
    selection = page.sheet.selectionModel()
    selection.clearSelection()
    flags = QItemSelectionModel.SelectionFlag
    for row in rows:
        selection.setCurrentIndex(page.model.index(row, 0), flags.Select | flags.Rows)


def press(page: DatasetPage, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(page.sheet, key, modifier)


def test_tags_are_given_and_taken_back(page: DatasetPage, folder: Path, qtbot) -> None:
    select(page, 1, 4)
    press(page, Qt.Key.Key_T)
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        QTest.keyClicks(page.bar.tag, "bridge")
        QTest.keyClick(page.bar.tag, Qt.Key.Key_Return)
    tagged = [record.name for record in DatasetReader.open(folder) if "bridge" in record.tags]
    assert tagged == ["000001", "000004"]
    assert page.model.table is not None
    assert page.model.table.tags["bridge"] == 2
    assert page.head.undo.isEnabled()
    assert page.selection.rows.tolist() == [1, 4]
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert "bridge" not in page.model.table.tags
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        press(page, Qt.Key.Key_Z, both)
    assert page.model.table.tags["bridge"] == 2


def test_the_trash_gives_back_what_it_got(page: DatasetPage, folder: Path, qtbot) -> None:
    select(page, 2)
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        press(page, Qt.Key.Key_Delete)
    assert "000002" not in shown(page)
    assert (folder / "trash" / "mono" / "000002.png").is_file()
    press(page, Qt.Key.Key_B)
    assert shown(page) == ["000002"]
    page.sheet.selectAll()
    assert page.actions_by_name["trash"].text() == "Restore"
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        page.actions_by_name["trash"].trigger()
    assert shown(page) == []
    assert (folder / "mono" / "000002.png").is_file()
    page.actions_by_name["show_all"].trigger()
    assert len(shown(page)) == 12


def test_excluding_marks_and_includes_again(page: DatasetPage, folder: Path, qtbot) -> None:
    page.sheet.selectAll()
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        press(page, Qt.Key.Key_X)
    assert all(record.excluded for record in DatasetReader.open(folder))
    assert page.actions_by_name["exclude"].text() == "Include"
    with qtbot.waitSignal(page.session.said, timeout=WAIT_MS):
        press(page, Qt.Key.Key_X)
    assert not any(record.excluded for record in DatasetReader.open(folder))


def test_filters_and_order_keep_the_selection(page: DatasetPage) -> None:
    select(page, 5, 7)
    page.head.order_chosen.emit("sharpness", True)
    assert shown(page)[0] == "000001"
    assert set(page.selection.rows.tolist()) == {5, 7}
    bar = next(bar for bar in page.filters.bars if bar.column.key == "sharpness")
    bar.set_range(Range(low=0.94))
    page.filters.changed.emit()
    assert shown(page) == ["000001", "000002", "000004", "000005"]
    assert page.selection.rows.tolist() == [5]
    press(page, Qt.Key.Key_Escape)
    assert len(shown(page)) == 12


def test_a_range_is_dragged_and_double_click_opens_it_again(page: DatasetPage, qtbot) -> None:
    bar = next(bar for bar in page.filters.bars if bar.column.key == "skew_ms")
    assert bar.isVisible()
    with qtbot.waitSignal(page.filters.changed):
        QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 3, 30))
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 3, 30))
    assert bar.range.low is not None
    assert 0 < len(shown(page)) < 12
    QTest.mouseDClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 3, 30))
    assert bar.range.is_open
    assert len(shown(page)) == 12


def test_thumbnails_and_the_current_pair_come(page: DatasetPage, qtbot) -> None:
    rows = page.sheet.rows_on_screen()
    qtbot.waitUntil(
        lambda: all(page.gallery.memory.get(page.model.record(row).name) is not None for row in rows),
        timeout=WAIT_MS,
    )
    select(page, 3)
    qtbot.waitUntil(lambda: "SHA-256" in page.detail.hashes.text(), timeout=WAIT_MS)
    assert page.detail.mono.picture is not None
    assert page.detail.color.picture is not None
    assert "Kim" in page.detail.about.text()


def test_a_pair_whose_file_was_changed_is_told(page: DatasetPage, folder: Path, qtbot) -> None:
    other = (folder / "mono" / "000000.png").read_bytes()
    (folder / "mono" / "000006.png").write_bytes(other)
    select(page, 6)
    qtbot.waitUntil(lambda: "hash" in page.detail.hashes.text(), timeout=WAIT_MS)
    assert page.detail.mono.picture is not None, "what can be shown is shown"


def test_what_is_recorded_meanwhile_appears(page: DatasetPage, folder: Path, qtbot) -> None:
    select(page, 0)
    write_dataset(folder, 3, first=12)
    DatasetEditor(folder).apply(Edit(("000013",), add_tags=("new",)))
    qtbot.waitUntil(lambda: page.model.rowCount() == 15, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "new" in page.model.record(13).tags, timeout=WAIT_MS)
    assert page.selection.rows.tolist() == [0]


def test_a_view_stays_where_it_is_while_pairs_come(page: DatasetPage, folder: Path, qtbot) -> None:
    page.head.order_chosen.emit("", True)
    assert shown(page)[0] == "000011"
    assert page.sheet.currentIndex().row() == 0
    page.bar.width_slider.setValue(720)
    bar = page.sheet.verticalScrollBar()
    bar.setValue(bar.maximum())
    place = bar.value()
    assert place > 0
    write_dataset(folder, 2, first=12)
    qtbot.waitUntil(lambda: page.model.rowCount() == 14, timeout=WAIT_MS)
    assert bar.value() == place
    assert page.selection.current is not None
    assert page.selection.current.name == "000011"


def test_a_broken_dataset_is_a_line_that_names_the_line(
    page: DatasetPage, folder: Path, tmp_path: Path, qtbot
) -> None:
    write_dataset(tmp_path / "other", 2)
    path = tmp_path / "other" / PAIRS_NAME
    path.write_bytes(path.read_bytes() + b"{}\n")
    with qtbot.waitSignal(page.session.refused, timeout=WAIT_MS):
        page.open(tmp_path / "other")
    assert "line 3" in page.problem.text
    assert page.problem.isVisible()
    assert page.session.folder == folder


def test_enter_opens_the_pairs_in_inspect(page: DatasetPage, folder: Path) -> None:
    opened = []
    object.__setattr__(page._host, "open_in_inspect", lambda path, names: opened.append((path, names)))
    select(page, 2)
    press(page, Qt.Key.Key_Return)
    select(page, 2, 3)
    press(page, Qt.Key.Key_I)
    assert opened == [(folder, ("000002",)), (folder, ("000002", "000003"))]


def test_shift_and_arrows_walk_through_the_sheet(page: DatasetPage) -> None:
    select(page, 0)
    press(page, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    press(page, Qt.Key.Key_Down)
    assert page.sheet.currentIndex().row() == 1 + page.sheet.columns
    press(page, Qt.Key.Key_End)
    assert page.sheet.currentIndex().row() == 11
    assert page.sheet.indexAt(page.sheet.visualRect(page.model.index(11, 0)).center()).row() == 11


def test_away_from_the_page_nothing_is_read(page: DatasetPage, folder: Path, qtbot) -> None:
    window = page.window()
    assert isinstance(window, MainWindow)
    window.pages.show_page("live")
    write_dataset(folder, 2, first=12)
    assert page.model.rowCount() == 12
    assert not page.session._timer.isActive()
    window.pages.show_page("dataset")
    qtbot.waitUntil(lambda: page.model.rowCount() == 14, timeout=WAIT_MS)


def test_the_arrangement_is_remembered(
    page: DatasetPage, make_window: Callable[..., MainWindow], folder: Path, qtbot
) -> None:
    page.show_way("table")
    page.bar.width_slider.setValue(400)
    page.table.setColumnWidth(3, 99)
    page.window().close()
    again = make_window().pages.page("dataset")
    assert isinstance(again, DatasetPage)
    assert again.gallery.way == "table"
    assert again.sheet.picture_width == 400
    assert again.table.columnWidth(3) == 99
    with qtbot.waitSignal(again.session.opened, timeout=WAIT_MS):
        again.window().pages.show_page("dataset")  # type: ignore[attr-defined]
    assert again.session.folder == folder
