"""What gates measure, held against pictures whose sharpness, motion, clipping and texture are known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from app.capturing.measuring import PairMeasurer
from app.capturing.picture_measures import clipped_share, edge_steepness, small_picture, texture_share
from capture.frames import Frame, Layout, Role
from capture.virtual.sensor import SENSORS, expose
from tests.app.capturing.session import PERIOD_NS, shot
from tests.capture.virtual_stage import stage

LAYOUT: dict[Role, Layout] = {"mono": Layout.MONO, "color": Layout.BAYER_RG}


def frame(
    role: Role, *, exposure: float = 1.0, gain_db: float = 0.0, bits: int = 8, blur_px: float = 0.0
) -> Frame:
    look = SENSORS[role].look
    look = replace(look, exposure_us=look.exposure_us * exposure, gain_db=look.gain_db + gain_db, bits=bits)
    light = stage().light(role, 10**9)
    if blur_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur_px), np.float32)
    return Frame(role, expose(light, SENSORS[role], look, (1,)), LAYOUT[role], bits, "", 0, 0, 0)


def steepness(taken: Frame) -> float:
    value = edge_steepness(taken)
    assert value is not None
    return value


@pytest.mark.parametrize("role", ["mono", "color"])
def test_sharpness_is_the_same_at_any_exposure_noise_and_depth(role: Role) -> None:
    sharp = steepness(frame(role))
    assert steepness(frame(role, exposure=0.5)) == pytest.approx(sharp, rel=0.05)
    assert steepness(frame(role, exposure=0.25, gain_db=12)) == pytest.approx(sharp, rel=0.05)
    assert steepness(frame(role, bits=12)) == pytest.approx(sharp, rel=0.05)


def test_blur_costs_sharpness_as_the_formula_says() -> None:
    """Ratios of gradients at σ 0.8 and 2.4 px of an edge that is blurred by b px, less 1."""
    sharp = steepness(frame("mono"))
    for blur_px in (1.0, 2.0, 3.0):
        value = steepness(frame("mono", blur_px=blur_px))
        formula = np.sqrt((2.4**2 + blur_px**2) / (0.8**2 + blur_px**2)) - 1
        assert value == pytest.approx(formula, rel=0.4), "edges of the scene are not ideal steps"
        assert value < sharp
        sharp = value


def test_a_pan_while_open_shows_although_level_edges_stay_sharp() -> None:
    light = stage().light("mono", 10**9)
    panned = np.asarray(cv2.blur(light, (7, 1)), np.float32)
    taken = [
        Frame("mono", expose(part, SENSORS["mono"], SENSORS["mono"].look, (1,)), Layout.MONO, 8, "", 0, 0, 0)
        for part in (light, panned)
    ]
    assert steepness(taken[1]) < 0.5 * steepness(taken[0])


def test_without_edges_sharpness_is_unknown() -> None:
    flat = np.random.default_rng(0).normal(100, 3, (240, 320)).astype(np.uint8)
    assert edge_steepness(Frame("mono", flat, Layout.MONO, 8, "Mono8", 0, 0, 0)) is None


def test_sharpness_is_relative_to_the_best_so_far_and_the_worse_camera_counts() -> None:
    measurer = PairMeasurer()
    assert measurer.measure(shot(0, blur_px=2), None).values["sharpness"] == 1.0
    assert measurer.measure(shot(1), None).values["sharpness"] == 1.0
    blurred = measurer.measure(shot(2, blur_px=2), None).values["sharpness"]
    assert blurred is not None
    assert blurred < 0.5
    again = PairMeasurer(measurer.best)
    assert again.measure(shot(2, blur_px=2), None).values["sharpness"] == pytest.approx(blurred)


@pytest.mark.parametrize("step_px", [0, 2, 6, 16])
def test_motion_is_speed_times_the_time_between_first_and_last_light(step_px: int) -> None:
    before, after = shot(0), shot(1, step_px, skew_ms=12, exposure_us=8000)
    expected = step_px / (PERIOD_NS / 1e6) * (12 + 8)
    value = PairMeasurer().measure(after, before).values["motion_px"]
    assert value == pytest.approx(expected, rel=0.2, abs=0.1)


def test_motion_is_unknown_without_a_pair_just_before() -> None:
    measurer = PairMeasurer()
    assert measurer.measure(shot(5), None).values["motion_px"] is None
    untold = [
        replace(pair, mono=replace(pair.mono, exposure_us=None), color=replace(pair.color, exposure_us=None))
        for pair in (shot(0), shot(1, 8))
    ]
    assert measurer.measure(untold[1], untold[0]).values["motion_px"] is None, (
        "open for nobody knows how long"
    )
    late = shot(500)
    late = replace(late, mono=replace(late.mono, host_ns=shot(5).mono.host_ns + 20 * 10**9))
    assert measurer.measure(late, shot(5)).values["motion_px"] is None


def test_clipped_pixels_are_counted() -> None:
    image = np.full((100, 100), 100, np.uint8)
    image[:7] = 255
    assert clipped_share(Frame("mono", image, Layout.MONO, 8, "Mono8", 0, 0, 0)) == pytest.approx(0.07)
    deep = np.full((100, 100), 254, np.uint16)  # much of 8 bits, little of 12
    deep[:3] = 4095
    assert clipped_share(Frame("mono", deep, Layout.MONO, 12, "Mono12", 0, 0, 0)) == pytest.approx(0.03)


def test_texture_is_where_something_can_be_matched() -> None:
    assert texture_share(small_picture(frame("mono"))) > 0.8
    wall = np.random.default_rng(0).normal(120, 4, (240, 320)).astype(np.uint8)
    assert texture_share(small_picture(Frame("mono", wall, Layout.MONO, 8, "", 0, 0, 0))) == 0.0
    half = wall.copy()
    half[:, :160] = frame("mono").image[:, :160]
    assert 0.3 < texture_share(small_picture(Frame("mono", half, Layout.MONO, 8, "", 0, 0, 0))) < 0.6


def test_a_picture_smaller_than_a_tile_has_no_texture() -> None:
    tiny = np.zeros((8, 8), np.uint8)
    assert texture_share(small_picture(Frame("mono", tiny, Layout.MONO, 8, "", 0, 0, 0))) == 0.0
