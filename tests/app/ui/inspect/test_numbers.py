"""Measures, scatter plot, exports and study on a real model: pairs on disk, classical methods, threads."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QMenu, QTabWidget, QWidget

from app.inspecting.export_screen import GAP_PX
from app.inspecting.measures import BY_KEY
from app.inspecting.measures_worker import Measured
from app.inspecting.study_store import Ballot, read_votes
from app.ui.application import delete_now
from app.ui.inspect import study_view
from app.ui.inspect.canvas import Canvas
from app.ui.inspect.item_list import ItemList
from app.ui.inspect.measured import GATE_COLUMNS
from app.ui.inspect.measures_table_model import NAMES
from app.ui.inspect.model import InspectModel, ItemData
from app.ui.inspect.numbers import Numbers
from app.ui.inspect.sides import Content, Side
from app.ui.settings import UiSettings
from tests.app.inspecting.scenes import HEIGHT, WIDTH
from tests.app.inspecting.test_exports import _write_pairs

COUNT, METHODS = 3, ("sgbm", "copy")


class Bench:
    """What the page is made of, without the page: model, canvas, list and the numbers below them."""

    def __init__(self, cache: Path, settings: UiSettings) -> None:
        self.window = QWidget()
        self.model = InspectModel(cache, self.window)
        self.canvas = Canvas(settings, self.window)
        self.items = ItemList(self.window)
        self.numbers = Numbers(self.model, self.canvas, self.items, settings, self.window)
        self.tabs, self.menu, self.tools = QTabWidget(self.window), QMenu(self.window), QHBoxLayout()
        row = QHBoxLayout(self.window)
        row.addWidget(self.canvas, 3)
        row.addWidget(self.tabs, 2)
        row.addLayout(self.tools)
        self.numbers.add_to(self.tabs, self.menu, self.tools)
        self.model.shown_changed.connect(self.show_item)
        self.failures: list[str] = []
        self.told: list[str] = []
        self.numbers.failed.connect(self.failures.append)
        self.numbers.told.connect(self.told.append)
        self.window.resize(1100, 500)
        self.window.show()

    def show_item(self, shown: ItemData) -> None:
        self.canvas.show_content(
            Content(shown.item, shown.pair, None, shown.predictions, tuple(shown.store.methods))
        )

    @property
    def rows(self):
        return self.numbers.measured.rows

    def close(self) -> None:
        self.model.close()
        self.numbers.close_threads()
        self.canvas.close_threads()
        self.window.close()
        delete_now(self.window)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results and measures that tests share: the pairs are the same."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(qtbot, qapp, cache: Path, tmp_path: Path, settings_file: Path) -> Iterator[Bench]:
    settings = UiSettings(settings_file)
    settings.export_folder = tmp_path / "exports"
    made = Bench(cache, settings)
    made.model.use_methods(METHODS)
    with qtbot.waitSignal(made.model.methods_changed, timeout=20_000):
        made.model.open(_write_pairs(tmp_path / "pairs", COUNT))
    made.items.show_items(made.model.items)
    yield made
    made.close()


@pytest.fixture
def measured(bench: Bench, qtbot) -> Bench:
    """All results made and measured."""
    bench.model.run_all(bench.model.items, bench.model.methods)
    qtbot.waitUntil(lambda: len(bench.rows) == COUNT * len(METHODS), timeout=60_000)
    bench.numbers.measures.refresh()
    return bench


def test_before_anything_is_open_the_panels_say_what_to_do(qtbot, qapp, tmp_path, settings_file):
    bench = Bench(tmp_path, UiSettings(settings_file))
    try:
        assert "run a method" in bench.numbers.measures.state.text()
        assert "choose methods" in bench.numbers.scatter.words.text()
        assert not bench.numbers.measures.table.isVisible()
        bench.numbers.begin_study()
        bench.numbers.export.start()
        bench.numbers.export_picture(annotated=True)
        assert [text.split()[0] for text in bench.failures] == ["Open", "Nothing", "There"]
    finally:
        bench.close()


def test_the_table_begins_with_the_worst_and_a_click_opens_it(measured: Bench, qtbot):
    panel = measured.numbers.measures
    values = [row.value("delta_e") for row in panel.shown_rows]
    assert values == sorted(values, reverse=True)
    assert panel.table_model.sorted_by is BY_KEY["delta_e"]
    other = next(i for i, row in enumerate(panel.shown_rows) if row.item != measured.model.item)
    measured.tabs.setCurrentWidget(panel)
    index = panel.table_model.index(other, 0)
    panel.table.scrollTo(index)
    place = panel.table.visualRect(index).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert measured.model.item == panel.shown_rows[other].item


def test_gates_of_a_dataset_are_told_from_what_is_measured_now():
    assert GATE_COLUMNS.keys() & BY_KEY.keys() == set()
    headings = [column.heading for column in (*BY_KEY.values(), *GATE_COLUMNS.values())]
    assert len(set(headings)) == len(headings)


def test_a_head_sorts_by_its_column_and_turns_round(measured: Bench):
    panel = measured.numbers.measures
    section = [column.key for column in panel.table_model.columns].index("ssim_rgb") + len(NAMES)
    panel.table.horizontalHeader().sectionClicked.emit(section)
    rising = [row.value("ssim_rgb") for row in panel.shown_rows]
    assert rising == sorted(rising)
    panel.table.horizontalHeader().sectionClicked.emit(section)
    assert [row.value("ssim_rgb") for row in panel.shown_rows] == sorted(rising, reverse=True)
    panel.table.horizontalHeader().sectionClicked.emit(0)
    names = [row.item for row in panel.shown_rows]
    assert names == sorted(names)


def test_brushing_the_histogram_filters_the_table(measured: Bench):
    panel = measured.numbers.measures
    everything = panel.shown_rows
    assert sum(panel.histogram.counts) == len(everything)
    values = sorted(row.value("delta_e") for row in everything)
    panel.histogram.set_span((values[0], values[2]))
    assert sorted(row.value("delta_e") for row in panel.shown_rows) == values[:3]
    assert panel.state.text() == f"3 of {len(everything)} results"
    panel.all_button.click()
    assert len(panel.shown_rows) == len(everything)
    panel.method_box.setCurrentText("copy")
    assert {row.method for row in panel.shown_rows} == {"copy"}


def test_only_results_of_the_methods_in_use_are_shown(measured: Bench, qtbot):
    with qtbot.waitSignal(measured.model.methods_changed, timeout=20_000):
        measured.model.use_methods(("copy",))
    assert {row.method for row in measured.rows} == {"copy"}


def test_what_was_measured_is_there_again_at_once(measured: Bench, qtbot, cache: Path, tmp_path: Path):
    before = {(row.item, row.method): dict(row.values) for row in measured.rows}
    files = sorted((cache / "measures").rglob("*.json"))
    stamps = [file.stat().st_mtime_ns for file in files]
    with qtbot.waitSignal(measured.model.source_changed, timeout=20_000):
        measured.model.open(tmp_path / "pairs")
    qtbot.waitUntil(lambda: len(measured.rows) == len(before), timeout=60_000)
    assert {(row.item, row.method): dict(row.values) for row in measured.rows} == before
    assert [file.stat().st_mtime_ns for file in files] == stamps


def test_rows_of_a_former_source_come_to_nothing(measured: Bench, qtbot, tmp_path: Path):
    numbers = measured.numbers.measured
    row = measured.rows[0]
    former = numbers._generation
    with qtbot.waitSignal(measured.model.source_changed, timeout=20_000):
        measured.model.open(_write_pairs(tmp_path / "others", 1))
    numbers._tell(former, Measured((replace(row, item="of the former"),), 1, 1))
    qtbot.waitUntil(lambda: len(measured.rows) == len(METHODS), timeout=60_000)
    assert {row.item for row in measured.rows} == {"p0"}


def test_the_scatter_plot_says_who_wins_and_a_click_opens_a_pair(measured: Bench, qtbot):
    panel = measured.numbers.scatter
    measured.tabs.setCurrentWidget(panel)
    qtbot.waitUntil(lambda: panel.duel is not None and len(panel.duel.dots) == COUNT, timeout=20_000)
    assert {panel.duel.first, panel.duel.second} == set(METHODS)
    assert panel.duel.wins + panel.duel.losses + panel.duel.ties == COUNT
    assert f"{panel.duel.first} wins {panel.duel.wins}" in panel.words.text()
    dot = next(dot for dot in panel.duel.dots if dot.item != measured.model.item)
    view = panel.plot.getPlotItem().getViewBox()

    def opened() -> bool:
        """Click where the dot is by now: the plot is laid out when it is painted."""
        at = panel.plot.mapFromScene(view.mapViewToScene(QPointF(dot.first, dot.second)))
        QTest.mouseClick(panel.plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
        return measured.model.item == dot.item

    qtbot.waitUntil(opened, timeout=20_000)


def _exported(bench: Bench, qtbot, start: Callable[[], None]) -> Path:
    told = len(bench.told)
    start()
    qtbot.waitUntil(lambda: len(bench.told) > told or bool(bench.failures), timeout=60_000)
    assert bench.failures == []
    path = Path(bench.told[-1].removeprefix("Written: "))
    assert path.is_file()
    return path


def test_what_is_on_screen_is_exported_pixel_by_pixel(measured: Bench, qtbot):
    pair = measured.model.shown.pair
    measured.canvas.set_sides((Side("reference"), Side("truth"), *measured.canvas.sides[2:]), "panes")
    views = [pane.view for pane in measured.canvas.panes]
    qtbot.waitUntil(lambda: all(view.picture is not None for view in views), timeout=20_000)
    plain = _exported(measured, qtbot, lambda: measured.numbers.export_picture(annotated=False))
    picture = cv2.imread(str(plain))[..., ::-1]
    assert (picture[:HEIGHT, :WIDTH] == pair.reference).all()
    measured.canvas.set_pin((40, 30))
    marked = _exported(measured, qtbot, lambda: measured.numbers.export_picture(annotated=True))
    assert marked != plain
    annotated = cv2.imread(str(marked))[..., ::-1]
    assert annotated.shape[0] > picture.shape[0]
    # Around the pin, its ring lies over the truth, which is in the mono camera's pixels; nothing further off.
    title_px = (annotated.shape[0] - GAP_PX) // 2 - HEIGHT
    assert picture.shape == (2 * HEIGHT + GAP_PX, 2 * WIDTH + GAP_PX, 3)
    truth = annotated[title_px : title_px + HEIGHT, -WIDTH:]
    differs = (truth != measured.model.shown.pair.truth).any(axis=-1)
    ys, xs = np.nonzero(differs)
    assert len(ys) > 10
    assert np.hypot(ys - 30, xs - 40).max() < 20


def test_swiping_exports_both_sides_of_the_divider(measured: Bench, qtbot):
    pair = measured.model.shown.pair
    measured.canvas.set_sides((Side("truth"), Side("mono"), *measured.canvas.sides[2:]), "swipe")
    compare = measured.canvas.compare
    qtbot.waitUntil(lambda: None not in compare.sides, timeout=20_000)
    path = _exported(measured, qtbot, lambda: measured.numbers.export_picture(annotated=False))
    picture = cv2.imread(str(path))[..., ::-1]
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert (picture[:, :20] == pair.truth[:, :20]).all()
    assert (picture[:, -20:] == pair.mono[:, -20:, None]).all()


@pytest.mark.parametrize(("kind", "ending"), [("figure", ".png"), ("video", ".avi"), ("report", ".html")])
def test_a_figure_a_video_and_a_report_are_made_of_the_form(
    measured: Bench, qtbot, tmp_path: Path, kind, ending
):
    panel = measured.numbers.export
    panel.form.choose_kind(kind)
    panel.form.pairs_box.setCurrentIndex(panel.form.pairs_box.findData("all"))
    assert list(panel.form.wish(panel.folder).items) == list(measured.model.items)
    path = _exported(measured, qtbot, panel.start)
    assert path.suffix == ending
    assert path.parent == tmp_path / "exports"
    assert str(path) in panel.words.text()
    assert not panel.running
    # Nothing is replaced, and nothing half-made is left.
    second = _exported(measured, qtbot, panel.start)
    assert second != path
    assert set((tmp_path / "exports").iterdir()) == {path, second}


def test_an_export_makes_results_that_are_missing(qtbot, qapp, tmp_path: Path, settings_file: Path):
    settings = UiSettings(settings_file)
    settings.export_folder = tmp_path / "exports"
    bench = Bench(tmp_path / "cache", settings)
    try:
        bench.model.use_methods(METHODS)
        with qtbot.waitSignal(bench.model.methods_changed, timeout=20_000):
            bench.model.open(_write_pairs(tmp_path / "pairs", COUNT))
        panel = bench.numbers.export
        panel.form.choose_kind("figure")
        panel.form.pairs_box.setCurrentIndex(panel.form.pairs_box.findData("all"))
        panel.form.methods.item(1).setCheckState(Qt.CheckState.Unchecked)
        path = _exported(bench, qtbot, panel.start)
        assert cv2.imread(str(path)) is not None
        assert len(list((tmp_path / "cache" / "results").rglob("*.npz"))) >= COUNT
    finally:
        bench.close()


def test_a_stopped_export_leaves_nothing(measured: Bench, tmp_path: Path):
    panel = measured.numbers.export
    panel.form.choose_kind("video")
    panel.form.pairs_box.setCurrentIndex(panel.form.pairs_box.findData("all"))
    panel.start()
    panel.cancel()
    panel.close_threads()
    assert not panel.running
    assert list((tmp_path / "exports").glob("*")) == []


def test_an_export_without_methods_says_so(measured: Bench, qtbot):
    panel = measured.numbers.export
    for row in range(panel.form.methods.count()):
        panel.form.methods.item(row).setCheckState(Qt.CheckState.Unchecked)
    panel.start()
    qtbot.waitUntil(lambda: bool(measured.failures), timeout=20_000)
    assert "choose pairs and methods" in measured.failures[0]


@pytest.fixture
def study(measured: Bench, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(study_view, "studies_folder", lambda: tmp_path / "studies")
    view = measured.numbers.study
    measured.numbers.begin_study()
    view.resize(1000, 600)
    view.show()
    view.setup.rater.setText("ann")
    qtbot.waitUntil(view.setup.start_button.isEnabled, timeout=20_000)
    return view


def _start(view, qtbot) -> None:
    view.setup.start_button.click()
    qtbot.waitUntil(lambda: view.stack.currentWidget() is view.rating, timeout=20_000)


def _rate(view, qtbot, level: str) -> None:
    qtbot.waitUntil(lambda: view.rating.ready, timeout=20_000)
    QTest.keyClick(view.rating, level)


def test_a_study_is_rated_by_keys_and_shows_its_result(study, qtbot, tmp_path: Path):
    _start(study, qtbot)
    asked = len(study.rating._ballot.questions)
    assert asked == COUNT * len(METHODS) + 1
    for _ in range(asked):
        _rate(study, qtbot, "2")
        number = study.rating.number
        qtbot.waitUntil(
            lambda number=number: (
                study.rating.number != number or study.stack.currentWidget() is study.results
            ),
            timeout=20_000,
        )
    qtbot.waitUntil(lambda: study.results.result is not None, timeout=20_000)
    assert [m.counts for m in study.results.result.methods] == [(0, COUNT, 0, 0, 0)] * 2
    with qtbot.waitSignal(study.results.exported, timeout=20_000) as told:
        study.results.export_button.click()
    with (told.args[0] / "study-votes.csv").open() as file:
        assert len(list(csv.DictReader(file))) == asked


def test_a_rater_sees_no_names(study, qtbot):
    _start(study, qtbot)
    qtbot.waitUntil(lambda: study.rating.ready, timeout=20_000)
    texts = [w.text() for w in study.rating.findChildren(QWidget) if hasattr(w, "text")]
    tips = [w.toolTip() for w in study.rating.findChildren(QWidget)]
    for name in (*METHODS, *study.rating._ballot.plan.items):
        assert not any(name in text for text in (*texts, *tips))


def test_a_pause_goes_on_where_it_was_and_back_changes_an_answer(study, qtbot, tmp_path: Path):
    _start(study, qtbot)
    _rate(study, qtbot, "1")
    qtbot.waitUntil(lambda: study.rating.number == 1 and study.rating.ready, timeout=20_000)
    QTest.keyClick(study.rating, Qt.Key.Key_Backspace)
    assert study.rating.number == 0
    _rate(study, qtbot, "5")
    qtbot.waitUntil(lambda: study.rating.number == 1, timeout=20_000)
    QTest.keyClick(study.rating, Qt.Key.Key_Escape)
    assert study.stack.currentWidget() is study.setup
    folder = tmp_path / "studies" / "pairs"
    assert {q: v.level for q, v in read_votes(folder, Ballot(folder, "ann").plan, "ann").items()} == {0: 5}
    qtbot.waitUntil(study.setup.start_button.isEnabled, timeout=20_000)
    _start(study, qtbot)
    assert study.rating.number == 1


def test_an_answer_that_cannot_be_kept_is_asked_again(study, qtbot, tmp_path: Path):
    _start(study, qtbot)
    qtbot.waitUntil(lambda: study.rating.ready, timeout=20_000)
    votes = tmp_path / "studies" / "pairs" / "votes"
    votes.rmdir()
    votes.write_text("a file where the folder was")
    QTest.keyClick(study.rating, "1")
    failures = []
    study.failed.connect(failures.append)
    qtbot.waitUntil(lambda: bool(failures), timeout=20_000)
    assert study.rating.number == 0
    assert study.rating.ready
    votes.unlink()
    _rate(study, qtbot, "1")
    qtbot.waitUntil(lambda: study.rating.number == 1, timeout=20_000)


def test_a_bad_name_and_a_strangers_study_are_refused_in_words(study, qtbot, tmp_path: Path):
    failures: list[str] = []
    study.failed.connect(failures.append)
    study.setup.rater.setText("../evil")
    study.setup.start_button.click()
    qtbot.waitUntil(lambda: len(failures) == 1, timeout=20_000)
    assert "letters" in failures[0]
    # Nothing was made for a name that cannot be.
    assert not (tmp_path / "studies").exists()
    study.setup.rater.setText("ann")
    _start(study, qtbot)
    text = (tmp_path / "studies" / "pairs" / "study.toml").read_text()
    other = tmp_path / "other"
    other.mkdir()
    (other / "study.toml").write_text(text.replace('"p0"', '"elsewhere"'))
    study.rate(other, "ann")
    qtbot.waitUntil(lambda: len(failures) == 2, timeout=20_000)
    assert "elsewhere" in failures[1]
