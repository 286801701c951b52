"""Targets are found where they are, to a fraction of a pixel, and refusals say why."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from capture.targets import Charuco, Chessboard, CircleGrid, Detection, NotSeen, Target, common_ids
from capture.targets.drawing import Disc, Rectangle
from tests.capture.targets.pictures import drawn, seen

TARGETS: list[Target] = [
    Chessboard(9, 6, 22.0),
    Charuco(12, 9, 18.0, 13.5),
    Charuco(8, 6, 25.0, 15.0, "DICT_APRILTAG_36h11"),
    CircleGrid(4, 11, 18.0, 12.0),
]
WHITE_MM = 20.0
PER_MM = 4


def sheet(target: Target) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the target with white around it, and where the sheet has its point (0, 0)."""
    shapes = tuple(
        Disc(s.x_mm + WHITE_MM, s.y_mm + WHITE_MM, s.radius_mm)
        if isinstance(s, Disc)
        else Rectangle(s.x_mm + WHITE_MM, s.y_mm + WHITE_MM, s.width_mm, s.height_mm)
        for s in target.shapes()
    )
    width, height = target.extent_mm
    image = drawn(shapes, (width + 2 * WHITE_MM, height + 2 * WHITE_MM), PER_MM)
    return image, (target.origin_mm[0] + WHITE_MM, target.origin_mm[1] + WHITE_MM)


@pytest.fixture(scope="module")
def sheets() -> dict[Target, tuple[np.ndarray, tuple[float, float]]]:
    return {target: sheet(target) for target in TARGETS}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_points_are_found_to_a_fraction_of_a_pixel(
    target: Target, seed: int, sheets: dict[Target, tuple[np.ndarray, tuple[float, float]]]
) -> None:
    texture, origin = sheets[target]
    image, expected = seen(texture, PER_MM, origin, target, seed=seed)
    found = target.detect(image)
    assert isinstance(found, Detection)
    assert found.size_px == (800, 600)
    assert np.array_equal(found.ids, np.unique(found.ids))
    points = found.points_px
    if isinstance(target, Chessboard):  # may be read from either end
        points = min((points, points[::-1]), key=lambda each: float(np.abs(each - expected).max()))
    off = points - expected[found.ids]
    assert np.sqrt((off**2).sum(axis=1).mean()) < 0.08
    assert np.abs(off.mean(axis=0)).max() < 0.02  # nor a common shift, such as half a pixel
    spacing = np.linalg.norm(expected[1] - expected[0])
    assert found.spacing_px == pytest.approx(spacing, rel=0.45)
    assert 2.0 < found.edge_px < 3.2
    quick = target.detect(image, quick=True)
    assert isinstance(quick, Detection)
    assert np.abs(np.sort(quick.points_px, axis=0) - np.sort(found.points_px, axis=0)).max() < 0.05


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_blur_shows_as_wider_edges(
    target: Target, sheets: dict[Target, tuple[np.ndarray, tuple[float, float]]]
) -> None:
    texture, origin = sheets[target]
    image, _ = seen(texture, PER_MM, origin, target)
    sharp = target.detect(image)
    blurred = target.detect(cv2.GaussianBlur(image, (0, 0), 0.8))
    assert isinstance(sharp, Detection)
    assert isinstance(blurred, Detection)
    assert blurred.edge_px > sharp.edge_px + 0.3


def test_a_part_of_a_charuco_board_is_enough(
    sheets: dict[Target, tuple[np.ndarray, tuple[float, float]]],
) -> None:
    target = TARGETS[1]
    texture, origin = sheets[target]
    image, expected = seen(texture, PER_MM, origin, target)
    left, right = image.copy(), image.copy()
    left[:, 480:] = 120
    right[:, :320] = 120
    one, other = target.detect(left), target.detect(right)
    assert isinstance(one, Detection)
    assert isinstance(other, Detection)
    assert 8 <= len(one.ids) < len(target.points_mm)
    assert np.abs(one.points_px - expected[one.ids]).max() < 0.3
    ids, ours, theirs = common_ids(*target.paired(one, other))
    assert 0 < ids.size < len(one.ids)
    assert np.abs(ours - theirs).max() < 0.1


def test_colour_images_of_another_size_are_read_from_the_same_end(
    sheets: dict[Target, tuple[np.ndarray, tuple[float, float]]],
) -> None:
    target = TARGETS[0]
    texture, origin = sheets[target]
    small, small_points = seen(texture, PER_MM, origin, target, size=(500, 375))
    large, large_points = seen(texture, PER_MM, origin, target, size=(1000, 750))
    mono, color = target.detect(small), target.detect(np.rot90(large, 2).copy())
    assert isinstance(mono, Detection)
    assert isinstance(color, Detection)
    turned = Detection(
        (np.array([999, 749]) - color.points_px).astype(np.float32), color.ids, (1000, 750), 1.0, 1.0
    )
    one, other = target.paired(mono, turned)
    same_end = np.abs(one.points_px - small_points).max() < 1
    expected = large_points if same_end else large_points[::-1]
    assert np.abs(other.points_px - expected).max() < 1


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_refusals_say_why(target: Target) -> None:
    rng = np.random.default_rng(0)
    pictures = {
        "too dark": np.full((240, 320), 12, np.uint8),
        "nearly white": np.full((240, 320), 250, np.uint8),
        "hardly any contrast": np.full((240, 320), 120, np.uint8),
        "is seen": rng.integers(0, 256, (240, 320), np.uint8),
    }
    for said, picture in pictures.items():
        found = target.detect(picture)
        assert isinstance(found, NotSeen)
        assert said in found.reason


def test_too_little_of_a_charuco_board_or_another_one(
    sheets: dict[Target, tuple[np.ndarray, tuple[float, float]]],
) -> None:
    target = TARGETS[1]
    texture, origin = sheets[target]
    image, expected = seen(texture, PER_MM, origin, target)
    x, y = expected[0].astype(int)
    corner = np.full_like(image, 120)
    part = np.s_[max(0, y - 60) : y + 60, max(0, x - 60) : x + 60]
    corner[part] = image[part]
    found = target.detect(corner)
    assert isinstance(found, NotSeen)
    assert "8 are needed" in found.reason
    other = Charuco(12, 9, 18.0, 13.5, "DICT_APRILTAG_36h11").detect(image)
    assert isinstance(other, NotSeen)
    assert "DICT_APRILTAG_36h11" in other.reason


def test_corners_of_a_large_image_are_as_exact_as_it_allows(
    sheets: dict[Target, tuple[np.ndarray, tuple[float, float]]],
) -> None:
    """Searched in a smaller image, refined in the full one; a far board is found there too."""
    target = TARGETS[0]
    texture, origin = sheets[target]
    for distance in ((500, 520), (4000, 4100)):
        image, expected = seen(texture, PER_MM, origin, target, size=(1920, 1440), distance_mm=distance)
        found = target.detect(image)
        assert isinstance(found, Detection)
        points = min(
            (found.points_px, found.points_px[::-1]), key=lambda each: float(np.abs(each - expected).max())
        )
        assert np.sqrt(((points - expected) ** 2).sum(axis=1).mean()) < 0.12
