"""Notes that save themselves: nothing that was typed is lost, nothing that was there is written over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QTest

from app.ui.capture.about_form import AboutForm
from capture.dataset import read_notes, write_notes

WAIT_MS = 60_000


@pytest.fixture
def form(qtbot) -> Iterator[AboutForm]:
    form = AboutForm()
    qtbot.addWidget(form)
    yield form
    form.close_down()


def test_what_was_typed_before_the_file_was_read_is_added_to_it(
    form: AboutForm, qtbot, tmp_path: Path
) -> None:
    write_notes(tmp_path, "From yesterday.")
    form.show_folder(str(tmp_path))
    QTest.keyClicks(form.notes, "From now.")
    with qtbot.waitSignal(form.keeper.written, timeout=WAIT_MS):
        pass
    assert read_notes(tmp_path) == "From yesterday.\nFrom now."


def test_another_dataset_gets_its_own_notes_and_the_former_keeps_its(
    form: AboutForm, qtbot, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    write_notes(second, "Of the second.")
    with qtbot.waitSignal(form.keeper.read, timeout=WAIT_MS):
        form.show_folder(str(first))
    QTest.keyClicks(form.notes, "Of the first.")
    with qtbot.waitSignal(form.keeper.read, timeout=WAIT_MS):
        form.show_folder(str(second))
    assert form.notes.toPlainText() == "Of the second."
    form.close_down()
    assert read_notes(first) == "Of the first."
    assert read_notes(second) == "Of the second."


def test_notes_that_could_not_be_written_are_tried_again(form: AboutForm, qtbot, tmp_path: Path) -> None:
    with qtbot.waitSignal(form.keeper.read, timeout=WAIT_MS):
        form.show_folder(str(tmp_path))
    obstacle = tmp_path / "notes.txt"
    obstacle.mkdir()
    QTest.keyClicks(form.notes, "Important.")
    with qtbot.waitSignal(form.failed, timeout=WAIT_MS) as failed:
        form.save_notes()
    assert "notes were not saved" in failed.args[0]
    assert "NOT" in form.saved.text()
    obstacle.rmdir()
    form.close_down()
    assert read_notes(tmp_path) == "Important."
