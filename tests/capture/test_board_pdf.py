"""The PDF is read back: shapes where the target says, to a micrometre, and a camera finds them there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import main
from capture.board_pdf import PAPERS, SCALE_BAR_MM, board_pdf, lay_out, usual_target, write_board
from capture.errors import CalibrationError
from capture.targets import Charuco, Chessboard, CircleGrid, Detection, Target, parse_target
from capture.targets.drawing import Disc, Rectangle, Shape
from tests.capture.targets.pictures import drawn, seen

TARGETS: list[Target] = [
    Chessboard(9, 6, 25.0),
    Charuco(12, 8, 20.0, 15.0),
    Charuco(7, 9, 20.0, 14.0, "DICT_4X4_50", legacy=True),
    CircleGrid(4, 11, 18.0, 12.5),
]
PER_MM = 4


@dataclass(frozen=True)
class Sheet:
    """What a page says in mm from its upper left corner: shapes that are filled, lines, words."""

    size_mm: tuple[float, float]
    shapes: tuple[Shape, ...]
    lines: tuple[tuple[float, float, float, float], ...]
    words: tuple[str, ...]


def read_pdf(data: bytes) -> Sheet:
    """Interpret the operators that a page of ours may contain; anything else fails."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF", data)[1])  # type: ignore[index]
    offsets = [int(line[:10]) for line in data[start:].split(b"\n")[3:8]]
    for number, offset in enumerate(offsets, 1):
        assert data[offset:].startswith(b"%d 0 obj" % number), "the cross-reference table points at objects"
    assert b"/PrintScaling /None" in data
    box = [float(v) for v in re.search(rb"/MediaBox \[([^\]]+)\]", data)[1].split()]  # type: ignore[index]
    length = int(re.search(rb"/Length (\d+)", data)[1])  # type: ignore[index]
    body = data[data.index(b"stream\n") + 7 :][:length]
    assert data[data.index(b"stream\n") + 7 + length :].startswith(b"\nendstream")
    operators = body.decode("cp1252").split("\n")
    scale, zero, zero_too, flip, left, top = (float(v) for v in operators[0].split()[:6])
    assert operators[0].endswith("cm")
    assert (zero, zero_too, left) == (0, 0, 0)
    assert scale == -flip
    assert top == pytest.approx(box[3], abs=1e-5)
    to_mm = scale * 25.4 / 72  # page units after cm, in mm on paper
    shapes, lines, words, curve = [], [], [], []
    for line in operators[1:]:
        values = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", line)]
        if line.endswith(" re"):
            shapes.append(Rectangle(*(v * to_mm for v in values)))
        elif line.endswith(" m"):
            curve = [values]
        elif line.endswith(" c"):
            curve.append(values[-2:])
        elif line == "h":
            ends = np.array(curve) * to_mm
            middle = (ends[0] + ends[2]) / 2
            shapes.append(Disc(float(middle[0]), float(middle[1]), float(ends[0, 0] - middle[0])))
        elif line.endswith("l S"):
            lines.append(tuple(v * to_mm for v in values))
        elif line.endswith("ET"):
            words.append(re.search(r"\((.*)\) Tj", line)[1].replace("\\", ""))  # type: ignore[index]
        else:
            assert line in ("0 g", "f", "0.25 w 0 G"), line
    return Sheet((box[2] * 25.4 / 72, box[3] * 25.4 / 72), tuple(shapes), tuple(lines), tuple(words))


def numbers(shape: Shape) -> tuple[float, ...]:
    if isinstance(shape, Rectangle):
        return shape.x_mm, shape.y_mm, shape.width_mm, shape.height_mm
    return shape.x_mm, shape.y_mm, shape.radius_mm


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_page_is_true_to_scale(target: Target, paper: str) -> None:
    page = lay_out(target, paper)
    sheet = read_pdf(board_pdf(target, page))
    assert sorted(sheet.size_mm) == pytest.approx(sorted(PAPERS[paper]), abs=1e-3)
    expected = target.shapes()
    assert len(sheet.shapes) == len(expected)
    for drawn_shape, shape in zip(sheet.shapes, expected, strict=True):
        assert type(drawn_shape) is type(shape)
        at = np.array(numbers(shape)) + np.array([page.left_mm, page.top_mm, 0, 0][: len(numbers(shape))])
        assert numbers(drawn_shape) == pytest.approx(at.tolist(), abs=1e-3)
    assert any(str(target) in line for line in sheet.words)
    lengths = [np.hypot(x2 - x1, y2 - y1) for x1, y1, x2, y2 in sheet.lines]
    assert sum(length == pytest.approx(SCALE_BAR_MM, abs=1e-3) for length in lengths) == 2
    # The bars, and everything else, keep clear of the target and of the edge that printers leave.
    for x1, y1, x2, y2 in sheet.lines:
        assert 4 < min(x1, x2) <= max(x1, x2) < page.width_mm - 4
        assert 4 < min(y1, y2) <= max(y1, y2) < page.height_mm - 4
        inside_x = page.left_mm <= max(x1, x2) and min(x1, x2) <= page.left_mm + target.extent_mm[0]
        inside_y = page.top_mm <= max(y1, y2) and min(y1, y2) <= page.top_mm + target.extent_mm[1]
        assert not (inside_x and inside_y)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_printed_page_is_found_by_the_detector(target: Target) -> None:
    page = lay_out(target, "A4")
    sheet = read_pdf(board_pdf(target, page))
    origin = page.left_mm + target.origin_mm[0], page.top_mm + target.origin_mm[1]
    texture = drawn(sheet.shapes, sheet.size_mm, PER_MM)
    image, expected = seen(texture, PER_MM, origin, target, seed=1)
    found = target.detect(image)
    assert isinstance(found, Detection)
    assert len(found.ids) == len(target.points_mm)
    points = found.points_px
    if isinstance(target, Chessboard):
        points = min((points, points[::-1]), key=lambda each: float(np.abs(each - expected).max()))
    assert np.sqrt(((points - expected) ** 2).sum(axis=1).mean()) < 0.08


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("kind", ["chessboard", "charuco", "circles"])
def test_a_kind_alone_fills_the_paper(kind: str, paper: str) -> None:
    page = lay_out(usual_target(kind, paper), paper)
    width, height = usual_target(kind, paper).extent_mm
    assert max(width / page.width_mm, height / page.height_mm) > 0.75


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"400 × 280 mm, A4 has room for 277 × 178 mm"):
        write_board(Chessboard(9, 6, 40.0), tmp_path / "a.pdf")
    with pytest.raises(CalibrationError, match="no paper known here: A4, A3, Letter"):
        write_board(Chessboard(9, 6, 25.0), tmp_path / "a.pdf", "B5")
    (tmp_path / "file").write_text("")
    with pytest.raises(CalibrationError, match="cannot write"):
        write_board(Chessboard(9, 6, 25.0), tmp_path / "file" / "a.pdf")


def test_the_command_writes_page_and_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.pdf"
    assert main.main(["board", "charuco:12x8:20:15", "--paper", "a4", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "297 × 210 mm" in said
    assert read_pdf(out.read_bytes()).shapes
    assert parse_target(str(out.with_suffix(".toml"))) == Charuco(12, 8, 20.0, 15.0)
    again = ["board", str(out.with_suffix(".toml")), "--paper", "A3", "--out", str(tmp_path / "b.pdf")]
    assert main.main(again) == 0
    for arguments, words in (
        (["rings"], "no kind of target"),
        (["chessboard:9x6:60"], "has room for"),
        (["--out", str(tmp_path / "a.png")], "must end in .pdf"),
    ):
        assert main.main(["board", *arguments]) == 2
        assert words in capsys.readouterr().err
