"""Rectification, against points whose place in both cameras is known exactly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.calibration import CameraCalibration, RigCalibration
from capture.errors import CalibrationError
from capture.rectify import Rectifier
from tests.capture.rigs_on_paper import make_calibration, make_camera

RIGS = {
    "left": make_calibration("left"),
    "right": make_calibration("right"),
    "finer colour camera": make_calibration("left", color_size=(640, 480)),
    "other shape": make_calibration("right", mono_size=(320, 240), color_size=(300, 300)),
    "mounted higher": replace(make_calibration("left"), translation_mm=np.array([60.0, 20.0, -5.0])),
    "8 coefficients": replace(
        make_calibration("left"),
        mono=CameraCalibration(
            (320, 240),
            make_camera(320, 240, 350).camera_matrix,
            np.array([0.1, -0.05, 0.001, 0, 0.01, 0.2, 0, 0]),
        ),
    ),
}


def project(
    points: NDArray[np.float64], calibration: RigCalibration
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the pixels of points (mm, mono camera coordinates) in both raw images."""
    mono, color = calibration.mono, calibration.color
    in_mono, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), mono.camera_matrix, mono.distortion)
    turn = cv2.Rodrigues(calibration.rotation)[0]
    in_color, _ = cv2.projectPoints(
        points, turn, calibration.translation_mm, color.camera_matrix, color.distortion
    )
    return in_mono.reshape(-1, 2), in_color.reshape(-1, 2)


def cloud(seed: int = 0, count: int = 500) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(500, 5000, count)
    return np.stack(
        [rng.uniform(-0.3, 0.3, count) * depth, rng.uniform(-0.25, 0.25, count) * depth, depth], axis=1
    )


@pytest.mark.parametrize("name", RIGS)
def test_the_same_point_lies_in_the_same_row_at_its_disparity(name: str) -> None:
    calibration = RIGS[name]
    rectifier = Rectifier(calibration)
    points = cloud()
    in_mono, in_color = project(points, calibration)
    mono, color = rectifier.mono_points(in_mono), rectifier.color_points(in_color)
    np.testing.assert_allclose(mono[:, 1], color[:, 1], atol=1e-3)
    depth = (points @ rectifier.mono_rotation.T)[:, 2]
    sign = -1 if calibration.mirrored else 1
    disparity = sign * (color - mono)[:, 0]
    np.testing.assert_allclose(disparity, rectifier.disparity_px(depth), atol=1e-3)
    np.testing.assert_allclose(rectifier.depth_mm(disparity), depth, rtol=1e-3)
    seen = points @ rectifier.mono_rotation.T @ rectifier.camera_matrix.T
    np.testing.assert_allclose(mono, seen[:, :2] / seen[:, 2:], atol=1e-3)
    assert np.isinf(rectifier.depth_mm(np.array([0.0, -1.0]))).all()


def draw_dots(points_px: NDArray[np.float64], size: tuple[int, int], sigma: float) -> NDArray[np.uint8]:
    """Return an image with a soft dot at each point: its centroid is the point, to a hundredth of a pixel."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.zeros((size[1], size[0]))
    for px, py in points_px:
        image += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2))
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)


def centroid(image: NDArray[np.generic], near: NDArray[np.float64], radius: int = 7) -> NDArray[np.float64]:
    x, y = np.round(near).astype(int)
    window = np.asarray(image[y - radius : y + radius + 1, x - radius : x + radius + 1], np.float64)
    assert window.shape == (2 * radius + 1, 2 * radius + 1)
    ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.array([x + (window * xs).sum() / window.sum(), y + (window * ys).sum() / window.sum()])


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_images_are_moved_where_points_are(name: str, dtype: type) -> None:
    calibration = RIGS[name]
    rectifier = Rectifier(calibration)
    steps = np.stack(np.meshgrid(np.linspace(-0.25, 0.25, 4), np.linspace(-0.15, 0.15, 3)), axis=-1).reshape(
        -1, 2
    )
    points = np.concatenate([steps, np.ones((len(steps), 1))], axis=1) * 1500
    in_mono, in_color = project(points, calibration)
    mono_image = draw_dots(in_mono, calibration.mono.size_px, 1.2)
    scale = calibration.color.size_px[0] / calibration.mono.size_px[0]
    color_image = np.repeat(
        draw_dots(in_color, calibration.color.size_px, 1.2 * max(1, scale))[..., None], 3, axis=2
    )
    factor = 257 if dtype is np.uint16 else 1
    mono, reference = rectifier.rectify(
        mono_image.astype(dtype) * dtype(factor), color_image.astype(dtype) * dtype(factor)
    )
    assert mono.dtype == reference.dtype == dtype
    width, height = rectifier.size_px
    assert (mono.shape, reference.shape) == ((height, width), (height, width, 3))
    assert not mono.flags.writeable
    assert not reference.flags.writeable
    compared = 0
    for expected, image in (
        (rectifier.mono_points(in_mono), mono),
        (rectifier.color_points(in_color), reference[..., 1]),
    ):
        for point in expected:
            if 8 <= point[0] < width - 8 and 8 <= point[1] < height - 8:
                np.testing.assert_allclose(centroid(image, point), point, atol=0.06)
                compared += 1
    assert compared >= 12


@pytest.mark.parametrize("name", sorted(RIGS.keys() - {"mounted higher"}))
def test_there_is_no_empty_border(name: str) -> None:
    calibration = RIGS[name]
    rectifier = Rectifier(calibration)
    assert rectifier.mono_valid.mean() > 0.995
    assert rectifier.reference_valid.mean() > 0.995
    white = [np.full(camera.size_px[::-1], 255, np.uint8) for camera in (calibration.mono, calibration.color)]
    mono, reference = rectifier.rectify(white[0], cv2.cvtColor(white[1], cv2.COLOR_GRAY2RGB))
    assert (mono[rectifier.mono_valid] == 255).mean() > 0.999
    assert (reference[rectifier.reference_valid] == 255).mean() > 0.999


def test_a_rig_far_from_level_keeps_its_view_and_marks_what_is_empty() -> None:
    calibration = RIGS["mounted higher"]
    rectifier = Rectifier(calibration)
    narrower = max(camera.camera_matrix[0, 0] for camera in (calibration.mono, calibration.color))
    assert rectifier.focal_px == pytest.approx(1.25 * narrower)
    white = np.full((240, 320), 255, np.uint8)
    for image, valid in (
        (rectifier.rectify_mono(white), rectifier.mono_valid),
        (rectifier.rectify_color(np.repeat(white[..., None], 3, axis=2))[..., 0], rectifier.reference_valid),
    ):
        assert 0.8 < valid.mean() < 1
        assert (image[valid] == 255).mean() > 0.999
        assert (image[~valid] < 255).mean() > 0.9


@pytest.mark.parametrize(
    ("mono_size", "color_size", "said"),
    [
        ((240, 321), (240, 320), "the mono image is 321×240, the calibration is for 320×240"),
        ((240, 320), (480, 640), "the color image is 640×480, the calibration is for 320×240"),
    ],
)
def test_images_of_another_size_are_refused(
    mono_size: tuple[int, int], color_size: tuple[int, int], said: str
) -> None:
    rectifier = Rectifier(make_calibration())
    with pytest.raises(CalibrationError, match=said):
        rectifier.rectify(np.zeros(mono_size, np.uint8), np.zeros((*color_size, 3), np.uint8))


def test_cameras_that_look_elsewhere_are_refused() -> None:
    away = replace(make_calibration(), rotation=cv2.Rodrigues(np.array([1.2, 0.0, 0.0]))[0])
    with pytest.raises(CalibrationError, match=r"share|no rectified view"):
        Rectifier(away)
