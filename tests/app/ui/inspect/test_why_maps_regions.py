"""The tabs Why, Maps and Region on real networks: what the mouse asks for is answered, drawn and measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QTabWidget, QWidget

from app.inspecting.regions import COLUMNS
from app.ui.application import delete_now
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.maps_panel import MapsPanel
from app.ui.inspect.marks import CanvasMarks
from app.ui.inspect.model import InspectModel, ItemData
from app.ui.inspect.regions_panel import RegionsPanel
from app.ui.inspect.sides import Content, Side
from app.ui.inspect.why_panel import HINT, NO_MATCH, WhyPanel
from app.ui.marking import Disc, Outline
from app.ui.settings import UiSettings
from models.data.layers import generate_pair

SIZE = (144, 96)
SIDES = (Side("mono"), Side("reference"), Side("refined", "live"))


def write_pairs(folder: Path, count: int = 2) -> Path:
    for index in range(count):
        made = generate_pair(np.random.default_rng(20 + index), SIZE[1], SIZE[0], 24, [])
        for kind, image in (("mono", made.mono), ("color", made.reference), ("truth", made.truth)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            levels = np.asarray(np.round(image * 255), np.uint8)
            cv2.imwrite(
                str(folder / kind / f"p{index}.png"), levels if levels.ndim == 2 else levels[..., ::-1]
            )
    return folder


class Bench:
    """Model, canvas and the three tabs, without the page around them."""

    def __init__(self, cache: Path, settings: UiSettings) -> None:
        self.window = QWidget()
        self.model = InspectModel(cache, self.window)
        self.canvas = Canvas(settings, self.window)
        marks = CanvasMarks(self.canvas)
        self.tabs = QTabWidget(self.window)
        self.why = WhyPanel(self.model, self.canvas, marks)
        self.maps = MapsPanel(self.model, marks)
        self.regions = RegionsPanel(self.model, marks)
        for panel, title in ((self.why, "Why"), (self.maps, "Maps"), (self.regions, "Region")):
            self.tabs.addTab(panel, title)
        row = QHBoxLayout(self.window)
        row.addWidget(self.canvas, 1)
        row.addWidget(self.tabs)
        self.model.shown_changed.connect(self.show_item)
        self.canvas.wanted.connect(self.model.prefer)
        self.window.resize(1100, 600)
        self.window.show()

    def show_item(self, shown: ItemData) -> None:
        methods = tuple(shown.store.methods)
        self.canvas.show_content(Content(shown.item, shown.pair, shown.search, shown.predictions, methods))

    def spot(self, pane: int, x: int, y: int) -> QPoint:
        placement = self.canvas.panes[pane].view.placement()
        assert placement is not None
        return QPointF(*placement.to_widget(x + 0.5, y + 0.5)).toPoint()

    def click(self, pane: int, x: int, y: int) -> None:
        view = self.canvas.panes[pane].view
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=self.spot(pane, x, y))

    def drag(self, pane: int, *pixels: tuple[int, int]) -> None:
        view = self.canvas.panes[pane].view
        left = Qt.MouseButton.LeftButton
        QTest.mousePress(view, left, pos=self.spot(pane, *pixels[0]))
        for pixel in pixels[1:]:
            QTest.mouseMove(view, self.spot(pane, *pixel))
        QTest.mouseRelease(view, left, pos=self.spot(pane, *pixels[-1]))

    def close(self) -> None:
        self.model.close()
        for panel in (self.why, self.maps, self.regions):
            panel.close_threads()
        self.canvas.close_threads()
        self.window.close()
        delete_now(self.window)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that tests share: the pairs are the same."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(qtbot, qapp, cache: Path, tmp_path: Path, settings_file: Path) -> Iterator[Bench]:
    made = Bench(cache, UiSettings(settings_file))
    made.model.use_methods(("live", "sgbm"))
    made.model.open(write_pairs(tmp_path / "pairs"))
    qtbot.waitUntil(
        lambda: made.model.shown is not None and made.model.shown.pair is not None, timeout=30_000
    )
    made.canvas.set_sides(SIDES, "panes")
    made.canvas.actions_by_name["panes_3"].trigger()
    qtbot.waitUntil(lambda: all(pane.view.picture is not None for pane in made.canvas.panes), timeout=60_000)
    yield made
    made.close()


def test_a_click_draws_what_the_colour_was_averaged_from(bench: Bench, qtbot) -> None:
    assert bench.why.message == HINT
    with qtbot.waitSignal(bench.why.explained, timeout=60_000) as got:
        bench.click(2, 70, 40)
    (why,) = got.args
    assert (why.x, why.y) == (70, 40)
    assert why.residual_levels <= 1
    assert bench.why.facts.check.value("Residual").startswith(("0 levels", "1 level"))
    assert bench.why.facts.confidence.value("Confidence") == f"{why.confidence:.2f}"
    discs = [shape for shape in bench.canvas.panes[1].view.shapes if isinstance(shape, Disc)]
    assert sum(disc.weight for disc in discs) > 0.9
    heaviest = max(discs, key=lambda disc: disc.weight)
    assert heaviest.label.endswith("%")
    assert abs(heaviest.x - 0.5 - why.match_x) <= 1.5
    assert not any(isinstance(shape, Disc) for shape in bench.canvas.panes[0].view.shapes)
    assert np.array_equal(bench.why.plot.curve[1], why.contributions.weights)


def test_alt_and_an_arrow_go_to_the_neighbour(bench: Bench, qtbot) -> None:
    with qtbot.waitSignal(bench.why.explained, timeout=60_000):
        bench.click(2, 143, 40)
    for key, pixel in ((Qt.Key.Key_Down, (143, 41)), (Qt.Key.Key_Left, (142, 41))):
        with qtbot.waitSignal(bench.why.explained, timeout=60_000) as got:
            QTest.keyClick(bench.window, key, Qt.KeyboardModifier.AltModifier)
        assert (got.args[0].x, got.args[0].y) == pixel


def test_a_click_on_the_reference_explains_the_pixel_that_took_its_colour(bench: Bench, qtbot) -> None:
    with qtbot.waitSignal(bench.why.explained, timeout=60_000) as got:
        bench.click(1, 80, 50)
    (why,) = got.args
    assert why.y == 50
    assert abs(why.match_x - 80) <= 1


def test_a_drag_shows_w_along_the_line_and_a_click_in_it_explains(bench: Bench, qtbot) -> None:
    bench.why.line_button.setChecked(True)
    with qtbot.waitSignal(bench.why.explained, timeout=60_000):
        bench.click(0, 30, 30)  # a click stays a click
    with qtbot.waitSignal(bench.why.line_explained, timeout=60_000):
        bench.drag(0, (30, 30), (60, 40), (110, 60))
    qtbot.waitUntil(lambda: int(bench.why.lines.line.xs[-1]) == 110, timeout=30_000)
    line = bench.why.lines.line
    assert (line.xs[0], line.ys[0], line.ys[-1]) == (30, 30, 60)
    for pane in bench.canvas.panes:
        assert any(isinstance(shape, Outline) and not shape.closed for shape in pane.view.shapes)
    with qtbot.waitSignal(bench.why.explained, timeout=60_000) as got:
        bench.why.lines.picked.emit(40)
    assert (got.args[0].x, got.args[0].y) == (line.xs[40], line.ys[40])
    assert bench.canvas.pin == (line.xs[40], line.ys[40])


def test_a_method_without_w_says_so_and_an_unmatched_place_too(bench: Bench, qtbot) -> None:
    bench.canvas.set_sides((Side("mono"), Side("reference"), Side("first", "sgbm")))
    qtbot.waitUntil(lambda: "sgbm" in bench.model.shown.predictions, timeout=60_000)
    qtbot.waitUntil(lambda: bench.canvas.panes[2].view.picture is not None, timeout=30_000)
    bench.click(2, 70, 40)
    assert bench.why.method == "sgbm"
    assert "has no W" in bench.why.message
    bench.click(1, 1, 40)  # left of every match: content lies further right in the reference
    assert bench.why.message == NO_MATCH


def test_another_pair_begins_anew(bench: Bench, qtbot) -> None:
    with qtbot.waitSignal(bench.why.explained, timeout=60_000):
        bench.click(2, 70, 40)
    bench.model.set_item("p1")
    assert bench.why.why is None
    assert bench.why.message == HINT
    assert not bench.canvas.panes[1].view.shapes


def test_maps_lie_over_their_own_pictures_within_their_thresholds(bench: Bench, qtbot) -> None:
    maps = bench.maps
    with qtbot.waitSignal(maps.mapped, timeout=60_000):
        bench.tabs.setCurrentWidget(maps)
    assert maps.made.kind.key == "confidence"
    assert maps.share_text == "100.0% of the pixels shown"
    with qtbot.waitSignal(maps.mapped, timeout=60_000) as got:
        maps.low.set_value(0.5)
    expected = np.mean(bench.model.shown.predictions["live"].confidence >= 0.5)
    assert got.args[0] == pytest.approx(expected)
    overlay = bench.canvas.panes[0].view.overlay
    assert overlay is not None
    assert np.mean(overlay.buffer[..., 3] > 0) == pytest.approx(expected)
    assert bench.canvas.panes[1].view.overlay is None
    with qtbot.waitSignal(maps.mapped, timeout=60_000):
        maps.choose("cycle_error")
    assert bench.canvas.panes[0].view.overlay is None
    assert bench.canvas.panes[1].view.overlay is not None
    maps.choose("depth")
    qtbot.waitUntil(lambda: "calibration" in maps.message, timeout=30_000)
    assert bench.canvas.panes[1].view.overlay is None
    with qtbot.waitSignal(maps.mapped, timeout=60_000):
        maps.choose("ssm")
    bench.tabs.setCurrentWidget(bench.why)
    assert bench.canvas.panes[0].view.overlay is None


def test_handles_of_the_colour_bar_move_the_colours_and_stay_for_the_next_pair(bench: Bench, qtbot) -> None:
    maps = bench.maps
    with qtbot.waitSignal(maps.mapped, timeout=60_000):
        bench.tabs.setCurrentWidget(maps)
    before = bench.canvas.panes[0].view.overlay.buffer.copy()
    with qtbot.waitSignal(maps.mapped, timeout=60_000):
        maps.bar.span_changed.emit(0.4, 0.6)
    assert not np.array_equal(before, bench.canvas.panes[0].view.overlay.buffer)
    with qtbot.waitSignal(maps.mapped, timeout=60_000):
        bench.model.set_item("p1")
    assert maps.bar.span == (0.4, 0.6)


def test_regions_are_drawn_named_measured_for_every_method_and_copied(bench: Bench, qtbot) -> None:
    regions = bench.regions
    bench.tabs.setCurrentWidget(regions)
    regions.rectangle_button.setChecked(True)
    bench.drag(0, (40, 20), (60, 30), (89, 59))
    qtbot.waitUntil(lambda: len(regions.rows) == 2, timeout=60_000)
    assert {row.method for row in regions.rows} == {"live", "sgbm"}
    assert all(row.values["pixels"] == 50 * 40 for row in regions.rows)
    assert all(row.values["delta_e"] is not None for row in regions.rows)
    regions.lasso_button.setChecked(True)
    assert not regions.rectangle_button.isChecked()
    bench.drag(1, (60, 20), (90, 20), (90, 60), (60, 60))
    qtbot.waitUntil(lambda: len(regions.rows) == 4, timeout=60_000)
    assert [region.name for region in regions.regions] == ["Region 1", "Region 2"]
    assert regions.regions[1].aligned == "reference"
    outlines = bench.canvas.panes[0].view.shapes
    assert [shape.label for shape in outlines] == ["Region 1"]
    regions.copy_button.click()
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 5
    assert len(lines[0].split("\t")) == len(COLUMNS) + 2
    bench.model.set_item("p1")
    assert regions.regions == ()
    bench.model.set_item("p0")
    assert len(regions.regions) == 2
