"""The virtual scene: a pure function of seed and time, seen by two cameras that need rectification."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from capture.frames import ROLES, Role
from capture.spec import VirtualSpec
from capture.virtual.draw import see_all
from capture.virtual.geometry import BASELINE_M, rig_geometry, true_calibration
from capture.virtual.lighting import Lighting
from capture.virtual.render import Painter
from capture.virtual.scene import Scene, build_scene
from capture.virtual.sensor import MONO, SENSORS
from capture.virtual.stage import Stage
from capture.virtual.tour import Tour, build_room, room_of
from capture.virtual.view import pixel_grid, raw_view
from tests.capture.virtual_stage import SECOND_NS, SPEC, stage

SMALL = VirtualSpec(width=96, height=64)


@pytest.mark.parametrize("role", ROLES)
def test_a_picture_depends_on_seed_time_and_frame_only(role: Role) -> None:
    look = SENSORS[role].look
    first = stage().image(role, 5, 2 * SECOND_NS, look)
    stage().image(role, 6, 3 * SECOND_NS, look, with_board=True)
    again = stage().image(role, 5, 2 * SECOND_NS, look)
    np.testing.assert_array_equal(first, again)
    other_noise = stage().image(role, 6, 2 * SECOND_NS, look)
    assert (first != other_noise).mean() > 0.5
    np.testing.assert_array_equal(
        stage().light(role, 2 * SECOND_NS), stage().light(role, 2 * SECOND_NS), strict=True
    )


def test_two_rigs_of_one_seed_see_the_same_and_another_seed_something_else() -> None:
    pictures = [Stage(replace(SMALL, seed=seed)).light("color", SECOND_NS) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert np.abs(pictures[0] - pictures[2]).mean() > 0.02


def test_things_move() -> None:
    changed = np.abs(stage().light("mono", 0) - stage().light("mono", SECOND_NS)) > 0.02
    assert 0.01 < changed.mean() < 0.25
    blocks = changed.reshape(6, 40, 8, 40).any(axis=(1, 3))
    assert blocks.sum() >= 10, "movement all over the picture"


def test_drawing_what_moves_over_what_stands_gives_the_whole_scene() -> None:
    """The short cut of every frame must not differ from drawing everything."""
    rig = rig_geometry(SMALL)
    scene = build_scene(0, float(rig.mono.matrix[0, 0]))
    view = raw_view(rig.mono, 2)
    painter = Painter(scene, Lighting(scene.still, 1, 1), view, MONO.response)
    for time_s in (0.0, 4.0, 1.0):
        painted = painter.paint(time_s)
        posed = [
            replace(thing, pose=thing.pose_at(time_s))
            for thing in (*scene.still, *scene.moving)
            if not thing.is_shadow
        ]
        np.testing.assert_array_equal(painted.depth, see_all(posed, view).depth)
    still = Painter(Scene(scene.still, ()), Lighting(scene.still, 1, 1), view, MONO.response)
    outside = np.ones((64, 96), np.bool_)
    for region in painted.changed:
        outside[region] = False
    assert outside.any()
    np.testing.assert_array_equal(painted.light[outside], still.paint(1.0).light[outside])


@pytest.mark.parametrize("role", ROLES)
def test_rays_are_where_the_lens_puts_them(role: Role) -> None:
    camera = rig_geometry(SPEC).mono if role == "mono" else rig_geometry(SPEC).color
    rays = raw_view(camera, 2).rays.reshape(-1, 3)
    expected = pixel_grid(SPEC.width, SPEC.height, 2).reshape(-1, 2)
    np.testing.assert_allclose(camera.distort(rays[:, :2]), expected, atol=2e-3)
    points = rng_points(camera.rotation, camera.position)
    rotation = cv2.Rodrigues(camera.rotation)[0]
    theirs, _ = cv2.projectPoints(
        points, rotation, -camera.rotation @ camera.position, camera.matrix, camera.distortion
    )
    np.testing.assert_allclose(camera.project(points), np.asarray(theirs).reshape(-1, 2), atol=1e-6)


def rng_points(rotation: np.ndarray, position: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.4, 4, (200, 1))
    local = np.hstack([rng.uniform(-0.4, 0.4, (200, 2)) * depth, depth])
    return local @ rotation + position


def test_the_colour_camera_stands_left_and_neither_image_is_rectified() -> None:
    spec = VirtualSpec()
    rig, calibration = rig_geometry(spec), true_calibration(spec)
    assert calibration.baseline_mm == pytest.approx(BASELINE_M * 1000, rel=1e-3)
    assert calibration.color_side == "left"
    points = rng_points(rig.mono.rotation, rig.mono.position)
    shift = rig.color.project(points) - rig.mono.project(points)
    assert np.abs(shift[:, 1]).max() > 5, "rows differ before rectification"


def test_disparities_fill_the_range_at_every_size() -> None:
    for width, height in ((96, 64), (160, 120)):
        spec = VirtualSpec(width=width, height=height)
        rig = rig_geometry(spec)
        depth = see_all(build_scene(0, float(rig.mono.matrix[0, 0])).still, raw_view(rig.mono, 1)).depth
        assert np.isfinite(depth).all(), "no hole in the room"
        disparity = rig.mono.matrix[0, 0] * BASELINE_M / depth * 640 / width
        assert 7.5 < disparity.min() < 10
        assert 65 < disparity.max() < 95
        assert len(np.unique(np.round(disparity))) > 40, "many depths"


def test_a_tour_shows_another_room_after_a_while_and_the_calibration_holds() -> None:
    spec = replace(SMALL, seed=3, room_s=2.0)
    tour = Tour(spec)
    try:
        first, still_first, second = (tour.stage(n * SECOND_NS) for n in (0, 1, 2))
    finally:
        tour.close()
    assert first is still_first
    assert second is not first
    np.testing.assert_array_equal(
        second.light("mono", 2 * SECOND_NS), build_room(spec, 1).light("mono", 2 * SECOND_NS)
    )
    assert np.abs(first.light("mono", 0) - second.light("mono", 0)).mean() > 0.02
    usual, moved = true_calibration(spec), true_calibration(spec, second.rig)
    np.testing.assert_allclose(moved.rotation, usual.rotation, atol=1e-9)
    np.testing.assert_allclose(moved.translation_mm, usual.translation_mm, atol=1e-9)
    assert np.abs(second.rig.mono.position - first.rig.mono.position).max() > 0.01


def test_a_rig_that_stays_is_always_in_its_first_room() -> None:
    assert room_of(SMALL, 10**15) == 0
