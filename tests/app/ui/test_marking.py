"""Maps and shapes over a picture, and a mouse that draws on it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest

from app.ui.image_view import ImageView
from app.ui.marking import Disc, Outline, disc_radius, make_overlay, paint_shapes
from app.ui.picture import Scale, colour_table, make_picture
from app.ui.viewport import Placement, Viewport

SCALE = Scale(0.0, 1.0, "", "viridis")


@pytest.fixture
def view(qtbot, qapp) -> ImageView:
    shown = ImageView(Viewport())
    qtbot.addWidget(shown)
    shown.resize(200, 100)
    shown.set_picture(make_picture(np.full((100, 200), 40, np.uint8)))
    shown.show()
    return shown


def test_an_overlay_has_the_map_s_colours_where_it_is_shown_and_nothing_elsewhere() -> None:
    values = np.array([[0.0, 1.0, np.nan, 5.0]], np.float32)
    inside = np.array([[True, True, False, True]])
    overlay = make_overlay(values, SCALE, inside, 1.0)
    table = colour_table("viridis")[0]
    np.testing.assert_array_equal(overlay.buffer[0, 0, :3], table[0, :3])
    np.testing.assert_array_equal(overlay.buffer[0, 1, :3], table[255, :3])
    np.testing.assert_array_equal(overlay.buffer[0, 3], overlay.buffer[0, 1])
    np.testing.assert_array_equal(overlay.buffer[0, 2], 0)
    faint = make_overlay(values, SCALE, inside, 0.5).buffer
    assert faint[0, 0, 3] == 128
    np.testing.assert_allclose(faint[0, 1, :3], table[255, :3] / 2, atol=1)


def test_the_picture_shines_through_as_much_as_it_should(view: ImageView) -> None:
    inside = np.zeros((100, 200), np.bool_)
    inside[:, :100] = True
    view.set_overlay(make_overlay(np.ones((100, 200)), SCALE, inside, 0.25))
    image = view.grab().toImage()
    ratio = image.width() / 200
    covered, free = (QColor(image.pixel(round(x * ratio), round(50 * ratio))) for x in (50, 150))
    blue, green, red = (int(v) for v in colour_table("viridis")[0, 255, :3])
    assert free.getRgb()[:3] == (40, 40, 40)
    np.testing.assert_allclose(covered.getRgb()[:3], 0.75 * 40 + 0.25 * np.array([red, green, blue]), atol=2)


def test_a_map_of_another_size_is_not_shown(view: ImageView) -> None:
    view.set_overlay(make_overlay(np.ones((50, 200)), SCALE, np.ones((50, 200), np.bool_), 1.0))
    image = view.grab().toImage()
    assert QColor(image.pixel(10, 10)).getRgb()[:3] == (40, 40, 40)


def test_more_weight_makes_a_larger_disc() -> None:
    radii = [disc_radius(weight) for weight in (0.0, 0.01, 0.1, 0.5, 1.0)]
    assert radii == sorted(radii)
    assert radii[0] < radii[-1]


def test_labels_do_not_lie_on_each_other() -> None:
    image = QImage(200, 200, QImage.Format.Format_RGB32)
    drawn = []
    for shapes in (
        (Disc(100, 100, 0.5, "#ff0000", "50%"),),
        (Disc(100, 100, 0.5, "#ff0000", "50%"), Disc(101, 100, 0.4, "#ff0000", "40%")),
    ):
        image.fill(QColor("#808080"))
        painter = QPainter(image)
        paint_shapes(painter, shapes, Placement(1.0, 0.0, 0.0))
        painter.end()
        column = [QColor(image.pixel(100, y)).lightness() for y in range(80)]
        drawn.append(sum(level < 120 for level in column))
    assert drawn[1] > 1.7 * drawn[0] > 0


def test_with_a_tool_a_drag_draws_and_a_click_stays_a_click(view: ImageView, qtbot) -> None:
    strokes: list[tuple[tuple[tuple[int, int], ...], bool]] = []
    view.stroke.connect(lambda points, finished: strokes.append((points, finished)))
    view.set_tool("lasso")
    left = Qt.MouseButton.LeftButton
    with qtbot.waitSignal(view.clicked) as click:
        QTest.mouseClick(view, left, pos=QPoint(60, 40))
    assert click.args == [60, 40]
    assert strokes == []
    QTest.mousePress(view, left, pos=QPoint(60, 40))
    QTest.mouseMove(view, QPoint(90, 50))
    QTest.mouseMove(view, QPoint(500, 60))
    QTest.mouseRelease(view, left, pos=QPoint(500, 60))
    points, finished = strokes[-1]
    assert finished
    assert points == ((60, 40), (90, 50), (199, 60))
    assert [done for _, done in strokes] == [False, False, True]


def test_without_a_tool_a_drag_draws_nothing(view: ImageView) -> None:
    strokes: list[object] = []
    view.stroke.connect(lambda points, finished: strokes.append((points, finished)))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(60, 40))
    QTest.mouseMove(view, QPoint(90, 50))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(90, 50))
    assert strokes == []


def test_shapes_are_kept_until_others_come(view: ImageView) -> None:
    shapes = (Outline(((0, 0), (10, 0), (10, 10)), "#00ff00", closed=True, fill=0.5, label="sky"),)
    view.set_shapes(shapes)
    assert view.shapes == shapes
    image = view.grab().toImage()
    assert QColor(image.pixel(9, 4)).green() > 80
    view.set_shapes(())
    assert view.shapes == ()
