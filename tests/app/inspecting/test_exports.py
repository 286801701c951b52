from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.inspecting.export_draw import (
    BAR_WIDTH_PX,
    BOX_COLOURS,
    BarScale,
    colour_bar,
    draw_text,
    text_width_px,
)
from app.inspecting.export_figure import draw_figure, find_crops, make_row
from app.inspecting.export_files import free_name, write_png
from app.inspecting.export_report import scatter_svg, usual_column, worst_grids, write_report
from app.inspecting.export_screen import GAP_PX, Mark, ScreenPane, compose
from app.inspecting.export_video import Cancelled, VideoLook, write_video
from app.inspecting.measures import BY_KEY
from app.inspecting.measures_cache import MeasuresCache
from app.inspecting.measures_run import measured_rows
from app.inspecting.measures_table import Row
from app.inspecting.results import EvaluatedResults
from capture.errors import DatasetError
from models.data.pairs import open_pairs
from models.evaluation.methods import open_methods
from models.evaluation.sets import DataSet
from tests.app.inspecting.scenes import HEIGHT, WIDTH, make_pair, predict

WHITE = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)


def _has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == np.array(colour, np.uint8)).all(axis=-1).any())


def test_without_annotations_every_pixel_is_the_panes_own():
    rng = np.random.default_rng(0)
    gray, colour = rng.integers(0, 256, (20, 30), np.uint8), rng.integers(0, 256, (20, 30, 3), np.uint8)
    panes = [ScreenPane("a", gray, marks=[Mark(5, 5, BOX_COLOURS[0])]), ScreenPane("b", colour)]
    sheet = compose(panes, 2, annotated=False)
    assert sheet.shape == (20, 60 + GAP_PX, 3)
    assert (sheet[:, :30] == gray[..., None]).all()
    assert (sheet[:, 30 + GAP_PX :] == colour).all()
    assert compose(panes[1:], 1, annotated=False).shape == (20, 30, 3)


def test_annotations_are_titles_bars_and_marks_around_and_over_the_same_pixels():
    pane = ScreenPane(
        "Disparity",
        np.zeros((60, 90, 3), np.uint8),
        BarScale(0, 40, "px", "viridis"),
        [Mark(40, 30, BOX_COLOURS[1]), Mark(10, 10, BOX_COLOURS[0], 20, 15)],
    )
    sheet = compose([pane], 1, annotated=True)
    assert sheet.shape[0] > 60
    assert sheet.shape[1] > 90 + BAR_WIDTH_PX
    picture = sheet[-60:, :90]
    assert _has(picture, BOX_COLOURS[0])
    assert _has(picture, BOX_COLOURS[1])
    # The marked pixel itself stays visible.
    assert not picture[30, 40].any()
    assert (picture[10, 10:30] == BOX_COLOURS[0]).all()


def test_a_colour_bar_ends_in_the_colours_of_its_ends():
    bar = colour_bar(BarScale(0, 1, "", "viridis"), 200)
    assert bar[0, 3].tolist() == [253, 231, 37]  # viridis at 1
    assert np.abs(bar[-1, 3].astype(int) - [68, 1, 84]).max() <= 1  # and at 0


def test_text_is_cut_to_its_room_and_stays_in_it():
    canvas = np.full((30, 200, 3), 255, np.uint8)
    draw_text(canvas, (10, 15), "Δ a very long name of a method that nobody could ever show", 14, most_px=80)
    dark = np.flatnonzero((canvas < 128).any(axis=(0, 2)))
    assert dark.size
    assert dark.min() >= 8
    assert dark.max() <= 92
    assert text_width_px("mm", 14) > text_width_px("i", 14)


def test_a_figure_shows_every_method_its_boxes_and_larger_crops():
    pairs = [make_pair("a", 0), make_pair("b", 1)]
    crop = (30, 20, 40, 24)
    rows = [make_row(pair, [predict(pair, 0), predict(pair, 60)], crops=[crop], truth=True) for pair in pairs]
    figure = draw_figure(rows, ["input pair", "right", "wrong", "truth"], WIDTH)
    assert _has(figure, BOX_COLOURS[0])
    assert not _has(figure, BOX_COLOURS[1])
    # The crop of the truth, four times as large, is in there pixel by pixel.
    inside = pairs[0].truth[crop[1] + 2 : crop[1] + 22, crop[0] + 2 : crop[0] + 38]
    large = cv2.resize(inside, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    found = cv2.matchTemplate(figure, large, cv2.TM_SQDIFF_NORMED)
    assert found.min() < 1e-4
    # Twice: the method that is right shows it, too.
    assert np.count_nonzero(found < 1e-4) >= 2
    with pytest.raises(ValueError, match="caption"):
        draw_figure(rows, ["input pair", "right"], WIDTH)


def test_crops_are_found_where_methods_differ():
    pair = make_pair()
    right, wrong = predict(pair), predict(pair)
    wrong.first_pass[60:80, 100:130, 0] ^= 0x7F
    (x, y, width, height), *_ = find_crops(pair, [right, wrong], 2)
    assert x <= 115 <= x + width
    assert y <= 70 <= y + height


@pytest.mark.parametrize("crop", [(0, 0, 4, 20), (WIDTH - 10, 0, 20, 20), (0, HEIGHT - 5, 20, 20)])
def test_crops_that_do_not_lie_in_the_image_are_refused(crop):
    pair = make_pair()
    with pytest.raises(ValueError, match="crop"):
        make_row(pair, [predict(pair)], crops=[crop])


@pytest.mark.parametrize("ending", [".avi", ".mp4"])
def test_a_video_holds_every_pair_and_its_colours(tmp_path: Path, ending: str):
    pairs = [make_pair(f"p{i}", i) for i in range(3)]
    frames = [(p.name, [p.mono, p.truth]) for p in pairs]
    seen: list[int] = []
    path = tmp_path / f"video{ending}"
    look = VideoLook(("mono", "truth"), 5.0, hold=2)
    assert write_video(path, frames, look, on_frame=seen.append) == 3
    assert seen == [1, 2, 3]
    reader = cv2.VideoCapture(str(path))
    shown = []
    while (read := reader.read())[0]:
        shown.append(read[1][..., ::-1])
    reader.release()
    assert len(shown) == 6
    strip = (shown[0].shape[0] - HEIGHT) // 2
    right = shown[0][strip : strip + HEIGHT, -WIDTH:]
    error = np.abs(right.astype(int) - pairs[0].truth).mean()
    assert error < 12
    assert list(tmp_path.iterdir()) == [path]


def test_motion_jpeg_keeps_gray_gray(tmp_path: Path):
    ramp = np.repeat(np.arange(0, 256, dtype=np.uint8)[None], 64, axis=0)
    write_video(tmp_path / "a.avi", [("a", [ramp])], VideoLook(("a",), labels=False))
    reader = cv2.VideoCapture(str(tmp_path / "a.avi"))
    picture = reader.read()[1]
    reader.release()
    assert np.abs(picture.astype(int) - ramp[..., None]).max() <= 1


def test_a_cancelled_video_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "a.avi"
    path.write_bytes(b"an older one")
    frames = [("a", [WHITE]), ("b", [WHITE])]
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        write_video(path, frames, VideoLook(("a",)), is_cancelled=lambda: next(answers))
    assert path.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [path]


def test_videos_that_cannot_be_are_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"\.mp4 or \.avi"):
        write_video(tmp_path / "a.gif", [("a", [WHITE])], VideoLook(("a",)))
    with pytest.raises(DatasetError, match="no pair"):
        write_video(tmp_path / "a.avi", [], VideoLook(("a",)))
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot write"):
        write_video(tmp_path / "file" / "a.avi", [("a", [WHITE])], VideoLook(("a",)))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_pictures_are_written_whole_and_never_over_another(tmp_path: Path):
    path = free_name(tmp_path / "new" / "view.png")
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    write_png(path, picture)
    assert (cv2.imread(str(path))[..., ::-1] == picture).all()
    assert free_name(path).name == "view-2.png"
    with pytest.raises(DatasetError, match=re.escape(str(path / "a.png"))):
        write_png(path / "a.png", picture)


def _write_pairs(folder: Path, count: int = 3) -> Path:
    for index in range(count):
        pair = make_pair(f"p{index}", index)
        for kind, image in (("mono", pair.mono), ("color", pair.reference), ("truth", pair.truth)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            bgr = image if image.ndim == 2 else image[..., ::-1]
            cv2.imwrite(str(folder / kind / f"{pair.name}.png"), bgr)
    return folder


@pytest.fixture
def results(tmp_path: Path) -> EvaluatedResults:
    source = open_pairs(_write_pairs(tmp_path / "pairs"))
    methods = open_methods(["sgbm", "copy"], tmp_path / "weights")
    return EvaluatedResults(DataSet("pairs", source, None), methods, tmp_path / "work")


class _Page(HTMLParser):
    """Tags that are open, tables' sizes, and whatever would need the network."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.images, self.outside = 0, 0, []

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        self.images += tag == "img"
        self.outside += [v for k, v in attrs if k in ("src", "href") and not v.startswith("data:")]
        self.outside += [tag] if tag in ("link", "iframe") else []


def test_the_report_is_one_file_that_needs_no_network(tmp_path: Path, results: EvaluatedResults):
    cache = MeasuresCache(tmp_path / "measures")
    rows = list(measured_rows(results, cache))
    assert [(row.item, row.method) for row in rows[:3]] == [("p0", "sgbm"), ("p0", "copy"), ("p1", "sgbm")]
    by = usual_column(rows)
    assert by.key == "delta_e"
    grids = worst_grids(results, rows, by, 2)
    path = tmp_path / "out" / "report.html"
    write_report(path, rows, grids, {"data": "<b>&"}, by=by)
    text = path.read_text()
    page = _Page()
    page.feed(text)
    assert page.outside == []
    assert "<b>&" not in text
    assert page.images >= 8
    assert page.rows == 1 + 2 + 1 + 1 + 1 + 6  # means, gains, every result
    # The table begins with the worst.
    table = text[text.index("Every pair") :]
    first = re.search(r"<tbody><tr><th>([^<]*)", table)
    worst = max(rows, key=lambda row: row.value("delta_e"))
    assert first is not None
    assert first[1] == f"{worst.item}, {worst.method}"
    assert f'data-value="{worst.value("delta_e")!r}"' in table


def test_what_was_measured_is_not_measured_again(
    tmp_path: Path, results: EvaluatedResults, monkeypatch: pytest.MonkeyPatch
):
    cache = MeasuresCache(tmp_path / "measures")
    rows = list(measured_rows(results, cache, items=["p1"]))
    monkeypatch.setattr(results, "prediction", None)  # what is called now fails
    again = list(measured_rows(results, cache, items=["p1"]))
    assert [dict(row.values) for row in again] == [dict(row.values) for row in rows]
    assert list(measured_rows(results, cache, is_cancelled=lambda: True)) == []


def test_another_truth_is_measured_anew(tmp_path: Path, results: EvaluatedResults):
    before = results.key("p0", "sgbm")
    truth = tmp_path / "pairs" / "truth" / "p0.png"
    cv2.imwrite(str(truth), 255 - cv2.imread(str(truth)))
    fresh = EvaluatedResults(
        DataSet("pairs", open_pairs(tmp_path / "pairs"), None),
        open_methods(["sgbm"], tmp_path / "weights"),
        tmp_path / "work",
    )
    assert fresh.key("p0", "sgbm") != before


def test_a_scatter_chart_has_a_dot_for_each_pair_and_escapes_names():
    rows = [
        Row(f"<p{i}>", method, {"delta_e": value + i})
        for method, value in (("a", 1.0), ("b", 2.0))
        for i in range(4)
    ]
    chart = scatter_svg(rows, BY_KEY["delta_e"], "a", "b")
    assert chart.count("<circle") == 4
    assert "<p0>" not in chart
    assert "a wins 4" in chart
    assert scatter_svg(rows, BY_KEY["psnr_db"], "a", "b") == ""
