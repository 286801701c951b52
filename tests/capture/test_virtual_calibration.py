"""A calibration solved from pictures of the virtual board is right against the true geometry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capture.board_images import find_board_images
from capture.calibrate import see_boards, solve
from capture.calibration import RigCalibration, load_calibration
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.targets import Chessboard
from capture.virtual.board import CYCLE_S, HOLD_S, INNER_CORNERS, SQUARE_MM, Board
from capture.virtual.boards import main
from capture.virtual.geometry import BASELINE_M, rig_geometry, true_calibration
from capture.virtual.rig import SHIPPED_CALIBRATION

SPEC = VirtualSpec()
BOARD = Chessboard(*INNER_CORNERS, SQUARE_MM)


def epipolar_errors_px(calibration: RigCalibration, spec: VirtualSpec = SPEC) -> np.ndarray:
    """Return row differences after rectification of true points all over the view, 0.42 m to 4 m away."""
    rig, rectifier = rig_geometry(spec), Rectifier(calibration)
    rng = np.random.default_rng(0)
    depth = 1 / rng.uniform(1 / 4.0, 1 / 0.42, (20_000, 1))
    local = np.hstack([rng.uniform([-0.55, -0.42], [0.55, 0.42], (depth.size, 2)) * depth, depth])
    points = local @ rig.mono.rotation + rig.mono.position
    mono, color = rig.mono.project(points), rig.color.project(points)
    last = np.array([spec.width - 1, spec.height - 1])
    seen = np.all([(side >= 0).all(axis=1) & (side <= last).all(axis=1) for side in (mono, color)], axis=0)
    assert seen.sum() > 5000
    rows = rectifier.mono_points(mono[seen])[:, 1] - rectifier.color_points(color[seen])[:, 1]
    return np.abs(rows)


def test_the_exact_calibration_is_exact() -> None:
    assert epipolar_errors_px(true_calibration(SPEC)).max() < 1e-3


def test_the_measure_notices_a_small_error() -> None:
    exact = true_calibration(SPEC)
    tilted = replace(exact, rotation=exact.rotation @ np.array([[1, 0, 0], [0, 1, -0.002], [0, 0.002, 1]]))
    assert np.median(epipolar_errors_px(tilted)) > 0.5


def test_boards_of_the_command_give_a_right_calibration(tmp_path: Path) -> None:
    assert main([str(tmp_path), "--pairs", "12", "--seed", "5"]) == 0
    views = see_boards(find_board_images([tmp_path]), BOARD)
    assert len(views) >= 11, "the board is always in sight of both cameras"
    calibration = solve(views, BOARD).calibration
    errors = epipolar_errors_px(calibration)
    assert np.median(errors) < 0.25
    assert calibration.color_side == "left"
    assert calibration.baseline_mm == pytest.approx(BASELINE_M * 1000, rel=0.01)
    # The board is drawn as large as it says: its corners lie where it has them, at the same distances.
    board, rig = Board(rig_geometry(SPEC), seed=5), rig_geometry(SPEC)
    scales = []
    for view in views:
        assert view.mono is not None
        time_s = int(view.name.removeprefix("board_")) * CYCLE_S + HOLD_S / 2
        expected = rig.mono.project(board.inner_corners(time_s))
        scales.append(view.mono.points_px.std(axis=0) / expected.std(axis=0))
    assert np.median(scales) == pytest.approx(1, abs=0.0004)
    focal = rig_geometry(SPEC).mono.matrix[0, 0]
    assert calibration.mono.camera_matrix[0, 0] == pytest.approx(focal, rel=0.01)


def test_the_shipped_calibration_fits_the_rig() -> None:
    calibration = load_calibration(SHIPPED_CALIBRATION)
    assert calibration.mono.size_px == (SPEC.width, SPEC.height)
    errors = epipolar_errors_px(calibration)
    assert np.median(errors) < 0.1
    assert np.percentile(errors, 99) < 0.5


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert main([str(blocked), "--pairs", "1", "--width", "64", "--height", "64"]) == 2
    assert str(blocked) in capsys.readouterr().err
