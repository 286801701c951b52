"""Comparing two pictures: what is painted where, at which zoom, and what keys and mouse do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

from app.ui.application import delete_now
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.drawing import Drawing
from app.ui.inspect.pointing import Click
from app.ui.inspect.sides import Content, Side
from app.ui.settings import UiSettings
from models.data.pairs import Pair
from models.engine import SearchRange
from models.evaluation.methods import Prediction
from tests.app.inspecting.scenes import HEIGHT, SHIFT, WIDTH, make_pair, predict

A, B = Side("mono"), Side("first", "net")
SEARCH = SearchRange(2 * SHIFT)


def make_content(pair: Pair | None = None, result: Prediction | None = None) -> Content:
    pair = pair or make_pair()
    return Content(
        item=pair.name,
        pair=pair,
        search=SEARCH,
        predictions={"net": result or predict(pair, error=20), "other": predict(pair)},
        methods=("net", "other"),
    )


@pytest.fixture
def canvas(qtbot, tmp_path: Path) -> Iterator[Canvas]:
    made = Canvas(UiSettings(tmp_path / "settings.ini"))
    made.resize(660, 520)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close_threads()
    delete_now(made)


def show(
    qtbot, canvas: Canvas, content: Content, sides: tuple[Side, ...] = (A, B), way: str = "panes"
) -> None:
    canvas.show_content(content)
    canvas.set_sides(sides, way)
    canvas.setFocus()
    qtbot.waitUntil(lambda: is_drawn(canvas), timeout=20_000)


def is_drawn(canvas: Canvas) -> bool:
    return all(canvas._drawer.get(canvas.content, drawing) is not None for drawing in canvas._drawings())


def press(canvas: Canvas, name: str) -> None:
    QTest.keySequence(canvas, canvas.actions_by_name[name].shortcut())


def at(canvas: Canvas, x: int, y: int, pane: int = 0) -> QPoint:
    """Return the widget position of a pixel's middle."""
    placement = canvas.panes[pane].view.placement()
    assert placement is not None
    left, top = placement.to_widget(x + 0.5, y + 0.5)
    return QPoint(int(left), int(top))


def colour(image: QImage, at: QPoint) -> tuple[int, int, int]:
    found = QColor(image.pixel(at))
    return found.red(), found.green(), found.blue()


def painted(canvas: Canvas, x: int, y: int) -> tuple[int, int, int]:
    """Return what is on screen at a pixel of the first view."""
    view = canvas.panes[0].view
    return colour(view.grab().toImage(), at(canvas, x, y))


def gray(content: Content, x: int, y: int) -> tuple[int, int, int]:
    assert content.pair is not None
    return (int(content.pair.mono[y, x]),) * 3


def first_pass(content: Content, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in content.predictions["net"].first_pass[y, x])
    return red, green, blue


def test_a_swipe_shows_a_left_and_b_right_of_the_divider(qtbot, canvas: Canvas) -> None:
    content = make_content()
    show(qtbot, canvas, content, way="swipe")
    press(canvas, "actual")
    left, right = (20, 70), (140, 70)
    assert painted(canvas, *left) == gray(content, *left)
    assert painted(canvas, *right) == first_pass(content, *right)
    view, half = canvas.compare, canvas.compare.width() // 2
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(half, 200))
    QTest.mouseMove(view, at(canvas, 150, 70))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(canvas, 150, 70))
    assert painted(canvas, *right) == gray(content, *right), "the divider was dragged beyond it"
    QTest.mouseMove(view, at(canvas, 30, 20))
    assert painted(canvas, *right) == gray(content, *right), "it was let go"
    before = view.divider
    press(canvas, "divider_left")
    assert view.divider < before
    view.move_divider(-3.0)
    assert view.divider == 0
    assert painted(canvas, *left) == first_pass(content, *left)


def test_a_blink_is_there_with_the_next_paint_and_nothing_in_between(qtbot, canvas: Canvas) -> None:
    content = make_content()
    show(qtbot, canvas, content)
    canvas.actions_by_name["actual"].trigger()
    press(canvas, "blink")
    where = (100, 50)
    assert painted(canvas, *where) == gray(content, *where)
    press(canvas, "blink")
    assert painted(canvas, *where) == first_pass(content, *where)
    press(canvas, "blink")
    assert painted(canvas, *where) == gray(content, *where)


def test_without_a_result_the_other_half_is_still_there(qtbot, canvas: Canvas) -> None:
    content = replace(make_content(), predictions={}, messages={"net": "net failed"})
    where = (140, 50)
    canvas.show_content(content)
    canvas.set_sides((B, A), "swipe")
    qtbot.waitUntil(lambda: canvas._drawer.get(content, Drawing(A)) is not None, timeout=20_000)
    press(canvas, "actual")
    canvas.compare.move_divider(0.3)
    placement = canvas.compare.placement()
    assert placement is not None
    left, top = placement.to_widget(where[0] + 0.5, where[1] + 0.5)
    shown = canvas.compare.grab().toImage()
    assert colour(shown, QPoint(int(left), int(top))) == gray(content, *where)
    assert canvas.compare._messages[0] == "net failed"


def test_a_truth_of_another_sensor_is_compared_with_the_mono_luma(qtbot, canvas: Canvas) -> None:
    pair = make_pair()
    brighter = np.clip(np.asarray(pair.truth).astype(int) + 25, 0, 255).astype(np.uint8)
    content = make_content(replace(pair, truth=brighter, mono_is_luma=False), predict(pair))
    show(qtbot, canvas, content, (Side("first", "net"), Side("truth")), "delta_e")
    drawn = canvas._drawer.get(content, canvas._drawings()[-1])
    assert drawn is not None
    assert drawn.difference is not None
    assert drawn.difference.median < 2, "25 levels of light alone would be ΔE 9"
    assert "mono luma" in canvas.panes[0].line()


def test_differences_say_how_much(qtbot, canvas: Canvas) -> None:
    content = make_content(replace(make_pair(), mono_is_luma=True))
    truth = Side("truth")
    show(qtbot, canvas, content, (truth, B), "difference")
    drawn = canvas._drawer.get(content, canvas._drawings()[-1])
    assert drawn is not None
    assert drawn.difference is not None
    difference = np.abs(np.asarray(content.pair.truth).astype(int) - content.predictions["net"].first_pass)
    assert np.allclose(drawn.picture.values, difference.mean(axis=2), atol=1e-4)
    assert "levels" in canvas.panes[0].line()
    press(canvas, "delta_e")
    qtbot.waitUntil(lambda: is_drawn(canvas), timeout=20_000)
    assert "ΔE00" in canvas.panes[0].line()
    canvas.set_sides((Side("reference"), B))
    qtbot.waitUntil(lambda: is_drawn(canvas), timeout=20_000)
    assert "parallax" in canvas.panes[0].line()


def test_pixels_are_crisp_from_one_to_one_on(qtbot, canvas: Canvas) -> None:
    content = make_content()
    show(qtbot, canvas, content, (A,))
    press(canvas, "actual")
    placement = canvas.panes[0].view.placement()
    assert placement is not None
    assert placement.scale == 1
    image = canvas.panes[0].view.grab().toImage()
    for x in range(30, 60):
        assert colour(image, at(canvas, x, 40)) == gray(content, x, 40)
    for _ in range(6):
        press(canvas, "zoom_in")
    placement = canvas.panes[0].view.placement()
    assert placement is not None
    assert placement.scale > 8
    image = canvas.panes[0].view.grab().toImage()
    x, y = WIDTH // 2, HEIGHT // 2
    left, top = placement.to_widget(x, y)
    spots = {colour(image, QPoint(int(left) + dx, int(top) + dy)) for dx in (1, 4, 7) for dy in (1, 4, 7)}
    assert spots == {gray(content, x, y)}, "one pixel is one square of one colour"


def test_views_are_linked_and_the_crosshair_stands_at_the_match(qtbot, canvas: Canvas) -> None:
    content = make_content()
    show(qtbot, canvas, content, (B, Side("reference"), A))
    canvas.viewport.zoom(3.0, (50, 50), (WIDTH, HEIGHT), (200, 200))
    placements = [pane.view.placement() for pane in canvas.panes]
    assert len({placement.scale for placement in placements if placement}) == 1
    QTest.mouseMove(canvas.panes[0].view, at(canvas, 30, 40))
    x, y = canvas.panes[0].view.marks.cross or (0, 0)
    assert (x, y) == (30, 40)
    assert canvas.panes[1].view.marks.cross == (30 + SHIFT, 40)
    assert canvas.panes[2].view.marks.cross == (30, 40)
    assert canvas.panes[2].line() == f"30, 40   {content.pair.mono[40, 30]}"


def test_a_click_tells_its_place_and_pins_it_until_another_pair_comes(qtbot, canvas: Canvas) -> None:
    content = make_content()
    show(qtbot, canvas, content, (A, Side("reference")))
    with qtbot.waitSignal(canvas.clicked) as told:
        QTest.mouseClick(canvas.panes[1].view, Qt.MouseButton.LeftButton, pos=at(canvas, 60, 50, pane=1))
    click = told.args[0]
    assert isinstance(click, Click)
    assert (click.aligned, click.x, click.y) == ("reference", 60, 50)
    assert click.place.mono == (60 - SHIFT, 50)
    assert canvas.pin == (60 - SHIFT, 50)
    assert canvas.panes[1].view.marks.pin == (60, 50)
    canvas.show_content(make_content(make_pair("other", 3)))
    assert canvas.pin is None


def test_the_loupe_shows_the_same_place_of_every_picture(qtbot, canvas: Canvas) -> None:
    show(qtbot, canvas, make_content(), (B, Side("reference")), "swipe")
    press(canvas, "loupe")
    QTest.mouseMove(canvas.compare, at(canvas, 40, 30))
    assert canvas.loupe.isVisible()
    assert [look.pixel for look in canvas.loupe.looks] == [(40, 30), (40 + SHIFT, 30)]
    assert canvas.rect().contains(canvas.loupe.geometry())
    press(canvas, "loupe")
    assert not canvas.loupe.isVisible()


def test_keys_choose_sides_and_panes_and_the_choice_is_remembered(
    qtbot, canvas: Canvas, tmp_path: Path
) -> None:
    show(qtbot, canvas, make_content(), (A, B))
    press(canvas, "next_a")
    assert canvas.sides[0] == Side("reference")
    press(canvas, "previous_a")
    press(canvas, "swap")
    assert canvas.sides == (B, A)
    press(canvas, "panes_5")
    assert len(canvas.panes) == 5
    assert all(pane.isVisible() for pane in canvas.panes)
    press(canvas, "swipe")
    again = Canvas(UiSettings(tmp_path / "settings.ini"))
    assert (again.way, again.sides) == ("swipe", (B, A))
    again.close_threads()
    delete_now(again)


def test_what_is_not_there_says_why(qtbot, canvas: Canvas) -> None:
    content = replace(make_content(), predictions={}, messages={"net": "net failed: no memory"})
    refined = Side("refined", "net")
    canvas.show_content(content)
    canvas.set_sides((A, refined, Side("first", "other")))
    qtbot.waitUntil(lambda: canvas._drawer.get(content, Drawing(A)) is not None, timeout=20_000)
    assert canvas.panes[1].view.picture is None
    assert canvas.panes[0].view.picture is not None
    assert canvas.panes[1].view._message == "net failed: no memory"
    assert "at work" in canvas.panes[2].view._message
    canvas.show_content(make_content())
    qtbot.waitUntil(lambda: canvas.panes[2].view.picture is not None, timeout=20_000)
    assert "refines nothing" in canvas.panes[1].view._message


def test_results_on_screen_are_wanted_and_no_others(qtbot, canvas: Canvas) -> None:
    show(qtbot, canvas, make_content(), (A, B))
    with qtbot.waitSignal(canvas.wanted) as told:
        canvas.set_sides((A, Side("first", "other")))
    assert told.args == [frozenset({"other"})]


def test_sides_of_a_method_that_is_gone_show_one_that_is_there(qtbot, canvas: Canvas) -> None:
    show(qtbot, canvas, make_content(), (A, Side("first", "other")))
    left = make_content()
    canvas.show_content(replace(left, methods=("net",), predictions={"net": left.predictions["net"]}))
    assert canvas.sides[1] == B


def test_only_a_pair_of_another_size_changes_the_zoom(qtbot, canvas: Canvas) -> None:
    show(qtbot, canvas, make_content(), (A,))
    press(canvas, "actual")
    show(qtbot, canvas, make_content(make_pair("next", 2)), (A,))
    assert not canvas.viewport.fit
    pair = make_pair("small", 4)
    half = replace(pair, mono=np.ascontiguousarray(pair.mono[::2]), reference=np.asarray(pair.reference)[::2])
    show(qtbot, canvas, Content("small", half, SEARCH), (A,))
    assert canvas.viewport.fit
