"""The solver, on rigs whose truth is known and on published board images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.board_images import BoardImages, find_board_images, match_board_images
from capture.calibrate import RigSolution, SolveCancelled, see_boards, solve
from capture.calibration import RigCalibration, load_calibration
from capture.coverage import BoardView
from capture.dataset import DatasetWriter
from capture.errors import CalibrationError
from capture.frames import Frame, FramePair, Layout, frozen
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.targets import Charuco, Chessboard, CircleGrid, Detection, Target, target_from_table
from capture.virtual.geometry import true_calibration
from tests.capture.dataset_pairs import RIG
from tests.capture.rigs_on_paper import make_calibration
from tests.capture.test_rectify import cloud, project

BOARD = Chessboard(9, 6, 25.0)


def board_poses(count: int, seed: int) -> list[np.ndarray]:
    """Return corners (mm, mono camera coordinates) of a board, tilted in all directions."""
    rng = np.random.default_rng(seed)
    poses = []
    for _ in range(count):
        turn = cv2.Rodrigues(rng.uniform([-0.5, -0.5, -0.4], [0.5, 0.5, 0.4]))[0]
        depth = rng.uniform(400, 900)
        centre = np.array([rng.uniform(-0.22, 0.22) * depth, rng.uniform(-0.18, 0.18) * depth, depth])
        poses.append((BOARD.points_mm - BOARD.points_mm.mean(axis=0)) @ turn.T + centre)
    return poses


def seen_at(points_px: np.ndarray, size_px: tuple[int, int]) -> Detection:
    return Detection(
        points_px.astype(np.float32), np.arange(len(points_px), dtype=np.int32), size_px, 20.0, 2.3
    )


def color_moved(view: BoardView, by_px: np.ndarray) -> BoardView:
    assert view.color is not None
    return replace(
        view, color=replace(view.color, points_px=(view.color.points_px + by_px).astype(np.float32))
    )


def rows_of(solution: RigSolution) -> list[bool]:
    return [view.used for view in solution.views]


def views_of(
    calibration: RigCalibration, count: int, noise_px: float = 0.05, seed: int = 0
) -> list[BoardView]:
    rng = np.random.default_rng(seed + 1)
    views = []
    for index, points in enumerate(board_poses(10 * count, seed)):
        mono, color = (px + rng.normal(0, noise_px, px.shape) for px in project(points, calibration))
        sizes = {"mono": calibration.mono.size_px, "color": calibration.color.size_px}
        if all(
            (px > 0).all() and (px < np.array(size)).all()
            for px, size in zip((mono, color), sizes.values(), strict=True)
        ):
            views.append(
                BoardView(f"{index:02d}", seen_at(mono, sizes["mono"]), seen_at(color, sizes["color"]))
            )
        if len(views) == count:
            return views
    raise AssertionError("the board left the image too often")


def true_epipolar_px(solution: RigSolution, truth: RigCalibration) -> float:
    """Return the median row difference of points anywhere in the room, projected by the true rig."""
    rectifier = Rectifier(solution.calibration)
    in_mono, in_color = project(cloud(seed=5), truth)
    return float(np.median(np.abs(rectifier.mono_points(in_mono) - rectifier.color_points(in_color))[:, 1]))


@pytest.mark.parametrize(
    "truth",
    [make_calibration("left"), make_calibration("right"), make_calibration("left", color_size=(640, 480))],
    ids=["left", "right", "unlike sizes"],
)
def test_a_known_rig_is_found_again(truth: RigCalibration) -> None:
    solution = solve(views_of(truth, 16), BOARD)
    solved = solution.calibration
    assert solved.color_side == truth.color_side
    assert solved.baseline_mm == pytest.approx(truth.baseline_mm, rel=0.01)
    assert (solved.mono.size_px, solved.color.size_px) == (truth.mono.size_px, truth.color.size_px)
    assert solved.reprojection_px < 0.1
    assert solution.quality.epipolar.held_out
    assert solution.quality.epipolar.views == 16
    assert solved.epipolar_px < 0.1
    assert solution.verdict.grade == "excellent"
    assert true_epipolar_px(solution, truth) < 0.1
    assert all(view.used for view in solution.views)


def test_the_search_range_reaches_a_third_nearer_than_the_board() -> None:
    truth = make_calibration("right")
    views = views_of(truth, 12)
    solved = solve(views, BOARD).calibration
    rectifier = Rectifier(solved)
    largest = max(
        float(
            (rectifier.mono_points(v.mono.points_px) - rectifier.color_points(v.color.points_px))[:, 0].max()
        )
        for v in views
        if v.mono and v.color
    )
    assert solved.offset == 0
    assert solved.max_disparity % 16 == 0
    assert 4 / 3 * largest <= solved.max_disparity < 4 / 3 * largest + 16


def test_views_that_do_not_fit_are_left_out() -> None:
    truth = make_calibration("left")
    views = views_of(truth, 14)
    views[5] = color_moved(views[5], np.linspace(0, 6, 54)[:, None])
    solution = solve(views, BOARD)
    assert [view.used for view in solution.views] == [index != 5 for index in range(14)]
    assert solution.views[5].why == "does not fit"
    assert solution.calibration.notes["views"] == "13 of 14"
    assert true_epipolar_px(solution, truth) < 0.1


def test_single_misread_corners_are_left_out_and_their_view_is_kept() -> None:
    truth = make_calibration("left")
    views = views_of(truth, 14)
    by = np.zeros((54, 2))
    by[[7, 30]] = [[4, -3], [-2, 5]]
    views[3] = color_moved(views[3], by)
    solution = solve(views, BOARD)
    assert all(view.used for view in solution.views)
    assert [view.dropped for view in solution.views] == [2 if index == 3 else 0 for index in range(14)]
    residuals = solution.views[3].color_residuals_px
    assert residuals is not None
    assert set(np.argsort(np.hypot(*residuals.T))[-2:]) == {7, 30}
    assert true_epipolar_px(solution, truth) < 0.1


def test_a_person_decides_what_is_left_out() -> None:
    views = views_of(make_calibration("left"), 12)
    views[5] = color_moved(views[5], np.linspace(0, 6, 54)[:, None])
    excluded = solve(views, BOARD, exclude={"03"} | {views[5].name}, find_outliers=False)
    assert [view.why for view in excluded.views].count("excluded") >= 1
    assert not excluded.views[5].used
    kept = solve(views, BOARD, find_outliers=False)
    assert all(view.used for view in kept.views)
    assert kept.quality.epipolar.median_px > 2 * excluded.quality.epipolar.median_px
    # Undo: the same views give the same solution again.
    again = solve(views, BOARD, exclude={view.name for view in excluded.views if not view.used})
    assert again.calibration.baseline_mm == pytest.approx(excluded.calibration.baseline_mm, rel=1e-9)


def test_a_solution_tells_how_far_it_is_and_can_be_cancelled() -> None:
    views = views_of(make_calibration("left"), 8)
    told: list[tuple[int, int]] = []
    solve(views, BOARD, on_progress=lambda progress: told.append((progress.done, progress.total)))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    asked = iter([False] * 5)
    with pytest.raises(SolveCancelled):
        solve(views, BOARD, cancelled=lambda: next(asked, True))
    assert next(asked, None) is None


def test_a_view_of_one_camera_counts_for_that_camera() -> None:
    truth = make_calibration("left")
    views = views_of(truth, 14)
    half = [replace(view, color=None) if index >= 8 else view for index, view in enumerate(views)]
    with_half, without = solve(half, BOARD), solve(half[:8], BOARD)
    assert with_half.quality.mono_std[0] < 0.9 * without.quality.mono_std[0]
    assert with_half.views[10].color_px is None
    assert with_half.views[10].epipolar_px is None
    assert with_half.views[10].used
    assert with_half.quality.epipolar.views == 8


def test_uncertainties_are_what_they_say() -> None:
    """Over many rigs solved from noisy views, errors are as large as the uncertainties claim."""
    truth = make_calibration("left")
    off, rows = [], []
    for seed in range(6):
        solution = solve(views_of(truth, 10, noise_px=0.2, seed=seed), BOARD)
        quality, solved = solution.quality, solution.calibration
        off += [
            (solved.baseline_mm - truth.baseline_mm) / quality.baseline_std_mm,
            (solved.mono.camera_matrix[0, 0] - truth.mono.camera_matrix[0, 0]) / quality.mono_std[0],
            (solved.color.camera_matrix[0, 2] - truth.color.camera_matrix[0, 2]) / quality.color_std[2],
        ]
        rows.append(true_epipolar_px(solution, truth) / float(np.median(quality.row_std_px)))
    assert 0.5 < float(np.sqrt(np.mean(np.square(off)))) < 1.6
    assert 0.3 < float(np.median(rows)) < 2.0


def test_the_map_shows_where_the_board_never_was() -> None:
    views = [
        view
        for view in views_of(make_calibration("left"), 60)
        if view.mono is not None and view.mono.points_px[:, 0].max() < 235
    ]
    assert len(views) >= 6
    row_std = solve(views, BOARD).quality.row_std_px
    assert row_std.shape == (6, 8)
    assert row_std[:, -1].mean() > 2 * row_std[:, 1:4].mean()


def test_too_few_views() -> None:
    views = views_of(make_calibration(), 6)
    assert not solve(views, BOARD).quality.epipolar.held_out
    with pytest.raises(CalibrationError, match="in 5 of 5 pairs: 6 are needed"):
        solve(views[:5], BOARD)


GRID = BOARD.points_mm[:, :2]
NO_RIGS = {
    "noise": lambda rng: rng.uniform(0, 240, (2, 54, 2)),
    "always the same": lambda rng: np.stack([GRID * 0.8 + 40] * 2),
    "never tilted": lambda rng: (GRID * 0.8 + 40 + rng.normal(0, 0.1, (54, 2)))[None] + [[[0, 0]], [[5, 0]]],
    "a point": lambda rng: np.full((2, 54, 2), 100.0),
    "a line": lambda rng: np.stack([np.column_stack([GRID[:, 0]] * 2)] * 2),
    "read from two ends": lambda rng: np.stack([GRID * rng.uniform(0.3, 1) + 20, (GRID * 0.7 + 9)[::-1]]),
}


@pytest.mark.parametrize("seed", [0, 2, 236])  # 236: never tilted, and yet rows agree
@pytest.mark.parametrize("name", NO_RIGS)
def test_views_of_no_rig_are_one_clear_error(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    views = []
    for index in range(8):
        mono, color = NO_RIGS[name](rng)
        views.append(BoardView(str(index), seen_at(mono, (320, 240)), seen_at(color, (320, 240))))
    # Something may be solved by chance; then the verdict must not be fooled.
    assert re.search("(?i)tilt the board|lie on a line|one board|same row|^unusable", outcome(views))


def outcome(views: list[BoardView]) -> str:
    """Return the verdict, or why there is no solution."""
    try:
        return solve(views, BOARD).verdict.grade
    except CalibrationError as error:
        return str(error)


def test_too_many_excluded() -> None:
    views = views_of(make_calibration(), 7)
    with pytest.raises(CalibrationError, match=r"5 pairs are left .* Exclude fewer"):
        solve(views, BOARD, exclude=[view.name for view in views[:2]])


def test_views_in_one_corner_bring_advice() -> None:
    truth = make_calibration()
    views = views_of(truth, 30)
    corner = [
        view
        for view in views
        if view.mono and (view.mono.points_px.mean(axis=0) < np.array([175, 130])).all()
    ]
    assert len(corner) >= 6
    assert any("covers" in line for line in solve(corner, BOARD).advice)
    assert not any("covers" in line for line in solve(views, BOARD).advice)


@pytest.mark.parametrize("target", [Charuco(10, 7, 25.0, 18.0), CircleGrid(4, 11, 18.0, 12.0)], ids=str)
def test_other_targets_and_parts_of_them_solve_a_rig(target: Target) -> None:
    """Cameras of unlike size; of a ChArUco board each camera sees another part."""
    truth = make_calibration("left", color_size=(640, 480))
    rng = np.random.default_rng(4)
    views: list[BoardView] = []
    for index in range(400):
        turn = cv2.Rodrigues(rng.uniform(-0.5, 0.5, 3))[0]
        depth = rng.uniform(350, 800)
        centre = np.array([rng.uniform(-0.3, 0.3) * depth, rng.uniform(-0.22, 0.22) * depth, depth])
        points = (target.points_mm - target.points_mm.mean(axis=0)) @ turn.T + centre
        seen: list[Detection] = []
        for pixels, camera in zip(project(points, truth), (truth.mono, truth.color), strict=True):
            inside = ((pixels > 0) & (pixels < np.array(camera.size_px) - 1)).all(axis=1)
            noisy = (pixels + rng.normal(0, 0.05, pixels.shape)).astype(np.float32)
            ids = np.flatnonzero(inside).astype(np.int32)
            seen.append(Detection(noisy[inside], ids, camera.size_px, 20.0, 2.3))
        whole = all(len(each.ids) == len(target.points_mm) for each in seen)
        if whole or (isinstance(target, Charuco) and min(len(each.ids) for each in seen) >= 20):
            views.append(BoardView(str(index), *seen))
        if len(views) == 14:
            break
    solution = solve(views, target)
    assert true_epipolar_px(solution, truth) < 0.1
    assert solution.calibration.baseline_mm == pytest.approx(truth.baseline_mm, rel=0.01)
    assert target_from_table(solution.calibration.target) == target


# Boards in images


def draw_board(corners_px: np.ndarray, size: tuple[int, int], board: Chessboard = BOARD) -> np.ndarray:
    """Return an image of a board whose inner corners lie at these points of a plane seen in perspective."""
    fine = 4
    cell = 40
    rows, columns = board.rows + 1, board.columns + 1
    y, x = np.mgrid[0 : rows * cell, 0 : columns * cell]
    texture = np.where((x // cell + y // cell) % 2, 225, 30).astype(np.uint8)
    texture = cv2.copyMakeBorder(texture, cell, cell, cell, cell, cv2.BORDER_CONSTANT, value=225)
    u, v = np.meshgrid(np.arange(board.columns), np.arange(board.rows))
    from_px = (np.stack([u, v], axis=-1).reshape(-1, 2) + 2.0) * cell - 0.5
    to_px = (corners_px + 0.5) * fine - 0.5
    warp, _ = cv2.findHomography(from_px, to_px)
    large = cv2.warpPerspective(texture, warp, (size[0] * fine, size[1] * fine), borderValue=120)
    return cv2.resize(large, size, interpolation=cv2.INTER_AREA)


def pinhole_boards(
    count: int, seed: int, size: tuple[int, int], shifts_mm: Sequence[float] = (0,)
) -> list[list[np.ndarray]]:
    """Return corners of boards that lie whole in the images of pinhole cameras beside each other."""
    boards = []
    for pose in board_poses(20 * count, seed):
        corners = [pinhole_corners(pose + np.array([shift, 0, 0]), size) for shift in shifts_mm]
        margin = size[0] / 12
        if all((each > margin).all() and (each < np.array(size) - margin).all() for each in corners):
            boards.append(corners)
        if len(boards) == count:
            return boards
    raise AssertionError("the board left the image too often")


def pinhole_corners(pose: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return pose[:, :2] / pose[:, 2:] * size[0] * 1.1 + np.array(size) / 2


@pytest.mark.parametrize("seed", range(4))
def test_corners_are_found_to_a_fraction_of_a_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    expected = pinhole_boards(1, seed, (640, 480))[0][0]
    image = draw_board(expected, (640, 480))
    image = np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    found = BOARD.detect(image)
    assert isinstance(found, Detection)
    _, read_alike = BOARD.paired(seen_at(expected, (640, 480)), found)
    ordered = read_alike.points_px
    assert np.abs(ordered - expected).max() < 0.2
    assert np.abs((ordered - expected).mean(axis=0)).max() < 0.03  # nor a common shift, such as half a pixel


@given(seed=st.integers(0, 1000), columns=st.integers(3, 9), rows=st.integers(3, 7), turns=st.integers(0, 3))
@settings(deadline=None, max_examples=50)
def test_corners_read_from_another_end_are_put_in_order(
    seed: int, columns: int, rows: int, turns: int
) -> None:
    board = Chessboard(columns, rows, 20.0)
    turn = cv2.Rodrigues(np.random.default_rng(seed).uniform(-0.5, 0.5, 3))[0]
    points = (board.points_mm - board.points_mm.mean(axis=0)) @ turn.T + np.array([0, 0, 700])
    mono = (points[:, :2] / points[:, 2:] * 700).astype(np.float32)
    shifted = points + np.array([60, 1, 0])
    color = (shifted[:, :2] / shifted[:, 2:] * 700).astype(np.float32)
    if rows != columns:
        turns = 2 * (turns % 2)
    read = np.rot90(color.reshape(rows, columns, 2), turns).reshape(-1, 2)
    _, ordered = board.paired(seen_at(mono, (640, 480)), seen_at(read, (640, 480)))
    assert np.array_equal(ordered.points_px, color)


@pytest.mark.parametrize(
    ("text", "said"), [("9", "no board"), ("9x", "no board"), ("2x6", "cannot be used"), ("9*6", "no board")]
)
def test_boards_that_are_none(text: str, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        Chessboard.parse(text, 25.0)
    with pytest.raises(CalibrationError, match="cannot measure"):
        Chessboard.parse("9x6", float("nan"))
    assert Chessboard.parse(" 9X6 ", 25.0) == BOARD


# Images on disk


def write_images(folder: Path, names: list[str], size: tuple[int, int] = (160, 120)) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((size[1], size[0]), np.uint8))


def names_of(images: list[BoardImages], folder: Path) -> list[tuple[str, str]]:
    return [(str(i.mono.relative_to(folder)), str(i.color.relative_to(folder))) for i in images]


@pytest.mark.parametrize(
    ("files", "pairs"),
    [
        (
            ["left10.png", "left2.png", "right10.png", "right2.png"],
            [("left2.png", "right2.png"), ("left10.png", "right10.png")],
        ),
        (["left_a.jpg", "right_a.jpg", "pattern.png"], [("left_a.jpg", "right_a.jpg")]),
        (["b0L.png", "b0R.png", "b1L.png", "b1R.png"], [("b0L.png", "b0R.png"), ("b1L.png", "b1R.png")]),
        (["x_left.png", "x_right.png"], [("x_left.png", "x_right.png")]),
        (
            ["mono/1.png", "color/1.png", "mono/2.jpg", "color/2.png"],
            [("mono/1.png", "color/1.png"), ("mono/2.jpg", "color/2.png")],
        ),
    ],
)
def test_names_tell_which_images_belong_together(
    tmp_path: Path, files: list[str], pairs: list[tuple[str, str]]
) -> None:
    write_images(tmp_path, files)
    assert names_of(find_board_images([tmp_path]), tmp_path) == pairs
    if "/" not in files[0]:
        swapped = [(color, mono) for mono, color in pairs]
        assert names_of(find_board_images([tmp_path], "right"), tmp_path) == swapped


def test_two_lists_are_matched_in_order(tmp_path: Path) -> None:
    write_images(tmp_path, ["m/1.png", "m/2.png", "c/10.png", "c/9.png"])
    found = match_board_images([tmp_path / "m"], [tmp_path / "c" / "10.png", tmp_path / "c" / "9.png"])
    assert names_of(found, tmp_path) == [("m/1.png", "c/9.png"), ("m/2.png", "c/10.png")]
    with pytest.raises(CalibrationError, match="2 mono images, but 1 colour images"):
        match_board_images([tmp_path / "m"], [tmp_path / "c" / "9.png"])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "there are no images"),
        (["left1.png", "left2.png", "right1.png"], "half of pair '2' is missing: no right image"),
        (["mono/1.png", "mono/2.png", "color/1.png"], "half of pair '2' is missing: .* no color image"),
        (["one.png", "two.png"], "does not tell its camera"),
    ],
)
def test_images_that_are_no_pairs(tmp_path: Path, files: list[str], said: str) -> None:
    write_images(tmp_path, files)
    with pytest.raises(CalibrationError, match=said):
        find_board_images([tmp_path])
    with pytest.raises(CalibrationError, match="does not exist"):
        find_board_images([tmp_path / "nowhere"])


def test_images_of_unlike_sizes_or_none_at_all(tmp_path: Path) -> None:
    write_images(tmp_path / "empty", ["left1.png", "right1.png"])
    with pytest.raises(CalibrationError, match=r"no target \(9x6 inner corners.* in any of 1 pairs"):
        see_boards(find_board_images([tmp_path / "empty"]), BOARD)
    board = draw_board(pinhole_boards(1, 1, (320, 240))[0][0], (320, 240))
    for name in ("left1", "right1", "left2", "right2"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), board)
    images = find_board_images([tmp_path])
    with pytest.raises(CalibrationError, match="see the board in 2 of 2 pairs: 6 are needed"):
        see_boards(images, BOARD)
    cv2.imwrite(str(tmp_path / "right2.png"), board[:-1])
    with pytest.raises(CalibrationError, match="color image of 2 is 320×239, that of 1 320×240"):
        see_boards(images, BOARD)
    (tmp_path / "right2.png").write_bytes(b"no image")
    with pytest.raises(CalibrationError, match=r"right2\.png is no image"):
        see_boards(images, BOARD)
    (tmp_path / "right2.png").unlink()
    with pytest.raises(CalibrationError, match="cannot read"):
        see_boards(images, BOARD)


def test_a_captured_dataset_is_solved_from_its_raw_frames(tmp_path: Path) -> None:
    """12-bit mono and a Bayer mosaic, as recorded: developed before the board is looked for."""
    size = (320, 240)
    with DatasetWriter(tmp_path, RIG) as writer:
        for index, corners in enumerate(pinhole_boards(8, 3, size, (0, 60))):
            mono, color = (draw_board(each, size) for each in corners)
            frames = (
                Frame(
                    "mono", frozen(mono.astype(np.uint16) * 16), Layout.MONO, 12, "Mono12", index, None, index
                ),
                Frame("color", frozen(color), Layout.BAYER_RG, 8, "BayerRG8", index, None, index),
            )
            writer.save(FramePair(index, *frames, skew_ns=0))
    seen = []
    views = see_boards(
        find_board_images([tmp_path]),
        BOARD,
        lambda position, name, why: seen.append((position, name, why)),
    )
    assert [view.name for view in views] == [f"{index:06d}" for index in range(8)]
    assert seen[-1] == (7, "000007", "")
    solved = solve(views, BOARD).calibration
    assert solved.color_side == "left"
    assert solved.baseline_mm == pytest.approx(60, rel=0.03)


# The virtual rig


def test_the_shipped_calibration_of_the_virtual_rig_is_close_to_its_truth() -> None:
    shipped = load_calibration(Path(__file__).resolve().parents[2] / "calibration_data" / "virtual.toml")
    truth = true_calibration(VirtualSpec())
    assert shipped.reprojection_px > 0  # solved from pictures, not copied from the truth
    rectifier = Rectifier(shipped)
    in_mono, in_color = project(cloud(seed=5, count=2000), truth)
    rows = (rectifier.mono_points(in_mono) - rectifier.color_points(in_color))[:, 1]
    assert np.median(np.abs(rows)) < 0.25
    assert np.percentile(np.abs(rows), 95) < 0.5
