"""The truth of the virtual rig agrees with what its cameras see."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.calibration import RigCalibration
from capture.errors import CalibrationError
from capture.frames import Frame, Layout, frozen
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.geometry import BASELINE_M, rig_geometry, rotation_from, true_calibration
from capture.virtual.render import Painter
from capture.virtual.sensor import COLOR, Look, balance, develop, encode
from capture.virtual.truth import TruthImages, VirtualTruth
from capture.virtual.view import raw_view
from tests.capture.virtual_stage import SECOND_NS, SPEC, stage

TIME_NS = 2 * SECOND_NS + 300_000_000
BORDER_PX = 8


@cache
def teller() -> VirtualTruth:
    return VirtualTruth(SPEC)


@cache
def exact() -> RigCalibration:
    return true_calibration(SPEC)


def clean_reference(
    calibration: RigCalibration, look: Look = COLOR.look, *, with_board: bool = False
) -> NDArray[np.uint8]:
    """Return what the colour camera would give without noise, blur and mosaic, rectified."""
    color = stage()._cameras["color"]
    held = (stage().board.thing,) if with_board else ()
    painted = color.painter.paint(TIME_NS / 1e9, held).light
    light = painted * color._shading[..., None]
    raw = encode(balance(develop(light, COLOR, look), look), look)
    return np.asarray(Rectifier(calibration).rectify_color(frozen(raw)), np.uint8)


def warped(reference: NDArray[np.uint8], disparity: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the reference as the mono camera would see it."""
    height, width = disparity.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(cv2.remap(reference, x + disparity.astype(np.float32), y, cv2.INTER_LINEAR), np.uint8)


def error(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.abs(first.astype(np.float64) - second).mean(axis=2)


def inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    result = np.zeros_like(mask)
    cut = slice(BORDER_PX, -BORDER_PX)
    result[cut, cut] = mask[cut, cut]
    return result


@pytest.mark.parametrize("with_board", [False, True])
def test_the_reference_shifted_by_the_disparity_is_the_truth(with_board: bool) -> None:
    truth = teller().render(TIME_NS, exact(), with_board=with_board)
    reference = clean_reference(exact(), with_board=with_board)
    seen = inner(~truth.occluded)
    assert 0.6 < seen.mean() < 0.95
    textured = seen & (np.abs(cv2.Sobel(truth.color, cv2.CV_32F, 1, 0)).max(axis=2) > 60)
    by_shift = {
        shift: error(warped(reference, truth.disparity + shift), truth.color)[textured].clip(max=40).mean()
        for shift in (-0.6, -0.3, 0.0, 0.3, 0.6)
    }
    assert min(by_shift, key=by_shift.__getitem__) == 0.0, by_shift
    usual = np.median(error(warped(reference, truth.disparity), truth.color)[seen])
    assert usual < 4
    hidden = inner(truth.occluded)
    assert np.median(error(warped(reference, truth.disparity), truth.color)[hidden]) > 4 * usual


def test_what_moves_agrees_too() -> None:
    """Where something is that was not there before, colour and disparity are those of the moving thing."""
    earlier = teller().render(0, exact())
    now = teller().render(TIME_NS, exact())
    moved = inner((np.abs(now.disparity - earlier.disparity) > 1) & ~now.occluded)
    assert moved.sum() > 300
    difference = error(warped(clean_reference(exact()), now.disparity), now.color)[moved]
    assert np.median(difference) < 8
    assert (np.abs(now.color.astype(int) - earlier.color)[moved].mean(axis=1) > 8).mean() > 0.5


def test_depth_follows_from_disparity() -> None:
    rectifier = Rectifier(exact())
    truth = teller().render(TIME_NS, exact())
    depth_m = rectifier.depth_mm(truth.disparity) / 1000
    assert 3.8 < depth_m.max() < 4.6
    assert 0.40 < depth_m.min() < 0.55
    assert rectifier.baseline_mm == pytest.approx(1000 * BASELINE_M, rel=1e-3)


def test_a_wrong_calibration_is_told_the_truth_as_it_shows_it() -> None:
    """The truth is aligned with the rectified images, however they were rectified."""
    wrong = replace(exact(), rotation=rotation_from([0.0, 0.4, 0.0]) @ exact().rotation)
    truth = VirtualTruth(SPEC).render(TIME_NS, wrong)
    reference = clean_reference(wrong)
    seen = inner(~truth.occluded)
    right = np.median(error(warped(reference, truth.disparity), truth.color)[seen])
    naive = teller().render(TIME_NS, exact())
    assert right < 4
    assert right < 0.7 * np.median(error(warped(reference, naive.disparity), naive.color)[seen])


def test_without_a_calibration_it_is_aligned_with_the_raw_image() -> None:
    truth = VirtualTruth(SPEC).render(TIME_NS, None)
    rig = rig_geometry(SPEC)
    view = raw_view(rig.mono, 1)
    camera = stage()._cameras["mono"].painter
    assert isinstance(camera, Painter)
    depth = camera.paint(TIME_NS / 1e9).depth[::2, ::2]
    points = (view.rays * depth[..., None]).reshape(-1, 3) @ rig.mono.rotation + rig.mono.position
    columns = np.tile(np.arange(SPEC.width), SPEC.height)
    expected = (rig.color.project(points)[:, 0] - columns).reshape(depth.shape)
    assert np.median(np.abs(expected - truth.disparity)) < 0.1
    assert 0.05 < truth.occluded.mean() < 0.4


def test_settings_of_the_colour_camera_show() -> None:
    usual = teller().render(TIME_NS, exact())
    frame = Frame(
        "color", frozen(np.zeros((2, 2), np.uint8)), Layout.BAYER_RG, 8, "BayerRG8", 0, 0, 0, 3000.0, 0.0
    )
    look = COLOR.look.of_frame(frame)
    assert (look.exposure_us, look.gain_db) == (3000.0, 0.0)
    dark = teller().render(TIME_NS, exact(), look)
    assert dark.color.mean() < 0.75 * usual.color.mean()
    np.testing.assert_array_equal(dark.disparity, usual.disparity)
    reference = clean_reference(exact(), look)
    difference = error(warped(reference, dark.disparity), dark.color)
    assert np.median(difference[inner(~dark.occluded)]) < 4


def test_two_tellers_agree() -> None:
    small = VirtualSpec(width=96, height=64)
    calibration = true_calibration(small)
    first, second = (VirtualTruth(small).render(TIME_NS, calibration) for _ in range(2))
    for name in TruthImages.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert not getattr(first, name).flags.writeable


def test_a_calibration_of_another_size_is_refused() -> None:
    other = true_calibration(VirtualSpec(width=640, height=480))
    with pytest.raises(CalibrationError, match="640×480"):
        VirtualTruth(SPEC).render(0, other)
