"""Targets are named on the command line and kept in files; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import CalibrationError
from capture.targets import (
    Charuco,
    Chessboard,
    CircleGrid,
    Target,
    parse_target,
    save_target,
    target_from_table,
    target_to_table,
)

NAMED: list[tuple[str, Target]] = [
    ("chessboard:9x6:25", Chessboard(9, 6, 25.0)),
    ("charuco:12x9:20:15", Charuco(12, 9, 20.0, 15.0)),
    ("charuco:12X9:20:15:DICT_6X6_250:legacy", Charuco(12, 9, 20.0, 15.0, "DICT_6X6_250", legacy=True)),
    ("circles:4x11:20:14.5", CircleGrid(4, 11, 20.0, 14.5)),
]


@pytest.mark.parametrize(("text", "target"), NAMED)
def test_names_and_files(tmp_path: Path, text: str, target: Target) -> None:
    assert parse_target(text) == target
    save_target(target, tmp_path / "boards" / "a.toml")
    assert parse_target(str(tmp_path / "boards" / "a.toml")) == target
    assert target_from_table(target_to_table(target)) == target


@given(columns=st.integers(3, 20), rows=st.integers(3, 20), square=st.floats(0.1, 500))
def test_any_chessboard_comes_back(columns: int, rows: int, square: float) -> None:
    board = Chessboard(columns, rows, square)
    assert target_from_table(target_to_table(board)) == board


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dots:3x3:4", "is no target"),
        ("chessboard", "is no target"),
        ("chessboard:9*6:25", "COLUMNSxROWS"),
        ("chessboard:9x6", "square_mm is missing"),
        ("chessboard:9x6:wide", "must be a length"),
        ("chessboard:9x6:25:3", "too many parts"),
        ("chessboard:2x6:25", "cannot be used"),
        ("chessboard:9x6:nan", "cannot measure"),
        ("charuco:12x9:20:19.5", "do not fit"),
        ("charuco:12x9:20:15:DICT_9X9_50", "no dictionary"),
        ("charuco:12x9:20:15:DICT_4X4_50", "needs 54 markers, DICT_4X4_50 has 50"),
        ("charuco:12x9:20:15:DICT_5X5_100:old", "legacy"),
        ("circles:4x10:20:14", "upside down"),
        ("circles:4x11:20:30", "do not suit"),
        ("circles:2x11:20:14", "cannot be used"),
        ("nowhere.toml", "cannot read"),
    ],
)
def test_what_is_no_target_is_said(text: str, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        parse_target(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kind = 3", "target.kind is 3"),
        ('kind = "chessboard"\ncolumns = 9\nrows = 6', "square_mm is missing"),
        ('kind = "chessboard"\ncolumns = 9.0\nrows = 6\nsquare_mm = 2', "columns is 9.0, must be a whole"),
        ('kind = "chessboard"\ncolumns = 9\nrows = 6\nsquare_mm = "2"', "square_mm is '2', must be a number"),
        ('kind = "chessboard"\ncolumns = 9\nrows = 6\nsquare_mm = 2\nmm = 1', "mm is not a known key"),
        ("kind = ", "not a TOML file"),
    ],
)
def test_files_are_read_strictly(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "target.toml"
    path.write_text(content)
    with pytest.raises(CalibrationError, match=said) as caught:
        parse_target(str(path))
    assert str(path) in str(caught.value)
