"""`main.py calibrate`, from images to a file that can be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import main
from capture.calibration import load_calibration
from capture.rectify import Rectifier
from capture.targets import Chessboard, save_target, target_from_table
from tests.capture.test_calibrate import draw_board, pinhole_boards

SIZE = (320, 240)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def board_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with mono/ and color/: nine boards, and a tenth that nobody sees."""
    folder = tmp_path_factory.mktemp("boards")
    for index, corners in enumerate(pinhole_boards(9, 3, SIZE, (0, 60))):
        for role, each in zip(("mono", "color"), corners, strict=True):
            (folder / role).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / role / f"{index}.png"), draw_board(each, SIZE))
    for role in ("mono", "color"):
        cv2.imwrite(str(folder / role / "9.png"), np.full(SIZE[::-1], 120, np.uint8))
    return folder


def test_images_become_a_calibration(
    board_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rigs" / "bench.toml"
    code = main.main(
        [
            "calibrate",
            str(board_folder),
            "--board",
            "9x6",
            "--square",
            "25",
            "--note",
            "8 mm",
            "--out",
            str(out),
        ]
    )
    said = capsys.readouterr()
    assert code == 0
    assert "[ 1/10] 0: board found" in said.out
    assert "[10/10] 9: mono: The image has hardly any contrast" in said.err
    assert "Solving from 9 views" in said.out
    for word in (
        "reprojection:",
        "epipolar:",
        "baseline:",
        "coverage:",
        "search:",
        "colour camera on the left",
        "kept back",
    ):
        assert word in said.out
    calibration = load_calibration(out)
    assert calibration.baseline_mm == pytest.approx(60, rel=0.03)
    assert calibration.notes["note"] == "8 mm"
    assert Rectifier(calibration).size_px == SIZE


def test_lists_and_sides(board_folder: Path, tmp_path: Path) -> None:
    lists = ["--mono-images", str(board_folder / "color"), "--color-images", str(board_folder / "mono")]
    assert main.main(["calibrate", *lists, "--out", str(tmp_path / "a.toml")]) == 0
    assert load_calibration(tmp_path / "a.toml").color_side == "right"


def test_a_target_from_a_file_and_pairs_that_are_left_out(
    board_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_target(Chessboard(9, 6, 25.0), tmp_path / "board.toml")
    out = tmp_path / "a.toml"
    given = ["--target", str(tmp_path / "board.toml"), "--exclude", "3", "--keep-all", "--out", str(out)]
    assert main.main(["calibrate", str(board_folder), *given]) == 0
    said = capsys.readouterr().out
    assert "excluded" in said
    assert "8 of 9 used" in said
    assert "verdict:" in said
    calibration = load_calibration(out)
    assert calibration.quality is not None
    assert calibration.quality.epipolar.views == 8
    assert target_from_table(calibration.target) == Chessboard(9, 6, 25.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which images?"),
        (["BOARDS", "--target", "rings:3x3:2"], "is no target"),
        (["BOARDS", "--exclude", "nobody"], "there is no such pair"),
        (["nowhere"], "nowhere does not exist"),
        (["BOARDS", "--mono-images", "BOARDS"], "belong together"),
        (["--mono-images", "BOARDS"], "belong together"),
        (["BOARDS", "--board", "nine"], "is no board"),
        (["BOARDS", "--square", "-1"], "cannot measure"),
        (["BOARDS/mono"], "does not tell its camera"),
        (["BOARDS", "--board", "13x11"], "no target (13x11 inner corners"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    board_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    given = [argument.replace("BOARDS", str(board_folder)) for argument in arguments]
    assert main.main(["calibrate", *given, "--out", str(tmp_path / "out.toml")]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(error) == 1
    assert said in error[0]
    assert not (tmp_path / "out.toml").exists()


def test_an_output_that_cannot_be_written_is_found_before_the_work(
    board_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["calibrate", str(board_folder), "--out", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "is a folder: name a file" in said.err
    assert "board found" not in said.out


def test_help_tells_how_images_may_be_named() -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "calibrate", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    for word in (
        "mono/ and color/",
        "leftNAME/rightNAME",
        "--mono-images",
        "--square",
        "found from the images",
    ):
        assert word in done.stdout
