"""Black level, flat field, white balance and matrix are found again from the virtual rig's sensors."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from capture.errors import CalibrationError
from capture.frames import Image, Role
from capture.photometric.apply import Corrector
from capture.photometric.checker import estimate_gamma, fit_colors, read_patches, reference_light
from capture.photometric.curve import to_light
from capture.photometric.finder import find_checker
from capture.photometric.measure import gains_at, measure_black, measure_flat_field, measure_grey
from capture.photometric.model import CameraPhotometric
from capture.targets import NotSeen
from capture.virtual.sensor import SENSORS
from tests.capture.photometric.virtual_cameras import (
    CORNERS,
    SPEC,
    chart,
    look_of,
    photograph,
    shading,
    white,
)

ROLES: tuple[Role, Role] = ("mono", "color")
BLACK = 0.03


@pytest.mark.parametrize("gamma", [1.0, 0.45])
@pytest.mark.parametrize("role", ROLES)
def test_the_black_level_of_a_capped_lens(role: Role, gamma: float) -> None:
    images = [
        photograph(white(0.0), role, look_of(role, gamma=gamma), black=BLACK, seed=seed) for seed in range(2)
    ]
    black = measure_black(images)
    assert black.level == pytest.approx(BLACK**gamma, rel=0.03)
    assert 0 < black.noise < 0.05
    assert black.advice == ()


def test_a_camera_that_cuts_off_black_is_told() -> None:
    black = measure_black([photograph(white(0.0), "mono", look_of("mono", bits=8, gamma=1.0))])
    assert "Raise BlackLevel" in black.advice[0]
    with pytest.raises(CalibrationError, match="put the cap on"):
        measure_black([photograph(white(0.3), "mono", look_of("mono"))])
    with pytest.raises(CalibrationError, match="no image"):
        measure_black([])


@pytest.mark.parametrize("role", ROLES)
def test_the_flat_field_is_the_sensors_vignetting(role: Role) -> None:
    known = CameraPhotometric(gamma=0.45, black_level=BLACK**0.45)
    images = [photograph(white(), role, look_of(role), black=BLACK, seed=seed) for seed in range(3)]
    flat = measure_flat_field(images, known)
    truth = shading(role)
    assert flat.falloff == pytest.approx(1 - truth.min() / truth.max(), abs=0.04)
    assert flat.unevenness < 0.01
    assert flat.advice == ()
    gains = gains_at(CameraPhotometric(flat_field=flat.gains), truth.shape)
    assert gains.shape == (*truth.shape, 1 if role == "mono" else 3)
    assert np.abs(gains * truth[..., None] / truth.max() - 1).max() < 0.02


def test_targets_that_are_no_flat_field() -> None:
    plain = CameraPhotometric(gamma=0.45)
    with pytest.raises(CalibrationError, match="overexposed"):
        measure_flat_field([photograph(white(2.0), "mono", look_of("mono"))], plain)
    with pytest.raises(CalibrationError, match="too dark"):
        measure_flat_field([photograph(white(0.001), "mono", look_of("mono", gamma=1.0))], plain)
    half = white(0.5)
    half[:, : SPEC.width // 2] = 0.02
    with pytest.raises(CalibrationError, match="evenly lit white target"):
        measure_flat_field([photograph(half, "mono", look_of("mono"))], plain)
    spotted = white(0.3)
    spotted[::2] = 0.2
    spotted[100:300, 200:400] = 0.35
    assert "uneven" in measure_flat_field([photograph(spotted, "mono", look_of("mono"))], plain).advice[0]
    with pytest.raises(CalibrationError, match="differ in size"):
        measure_flat_field([np.zeros((48, 64), np.uint8), np.zeros((64, 48), np.uint8)], plain)
    with pytest.raises(CalibrationError, match="too small"):
        measure_flat_field([np.full((20, 20), 120, np.uint8)], plain)


def test_a_grey_card_balances_the_channels() -> None:
    known = CameraPhotometric(gamma=0.45)
    image = photograph(white(0.3) * np.array([1.2, 1.0, 0.6, 1.0]), "color", look_of("color"))
    gains = measure_grey(image, (200, 150, 240, 180), known)
    assert gains[1] == 1
    corrected = Corrector(CameraPhotometric(gamma=0.45, white_balance=gains), 3).apply(image)
    middle = corrected[150:330, 200:440].reshape(-1, 3).mean(axis=0)
    assert np.ptp(middle) < 0.01 * middle.mean()
    for region, said in (((600, 0, 100, 100), "not within"), ((0, 0, 2, 2), "not within")):
        with pytest.raises(CalibrationError, match=said):
            measure_grey(image, region, known)
    with pytest.raises(CalibrationError, match="no colours"):
        measure_grey(image[..., 0], (0, 0, 50, 50), known)
    with pytest.raises(CalibrationError, match="overexposed"):
        measure_grey(photograph(white(3.0), "color", look_of("color")), (200, 150, 240, 180), known)
    with pytest.raises(CalibrationError, match="too dark"):
        measure_grey(photograph(white(0.0), "color", look_of("color")), (200, 150, 240, 180), known)


# The colour checker


def fitted(image: Image, known: CameraPhotometric, corners: np.ndarray = CORNERS) -> np.ndarray:
    """Return the whole correction: matrix · diag(white balance)."""
    fit = fit_colors(read_patches(image, corners, known), known)
    return fit.color_matrix * fit.white_balance


@pytest.mark.parametrize("light", [(1, 1, 1), (1.25, 1.0, 0.7)], ids=["white", "lamp"])
def test_the_matrix_undoes_the_sensors_filters(light: tuple[float, float, float]) -> None:
    known = CameraPhotometric(gamma=0.45)
    look = look_of("color", exposure=0.6)
    image = photograph(chart(CORNERS, light), "color", look, shaded=False)
    fit = fit_colors(read_patches(image, CORNERS, known), known)
    assert fit.used.all()
    assert fit.delta_e_mean < 2.0
    assert fit.delta_e_mean < 0.5 * fit.delta_e_before
    assert fit.color_matrix.sum(axis=1) == pytest.approx([1, 1, 1])
    # Correction · (camera's own balance · filters · light) must leave every colour in its proportions.
    balance = np.array([look.balance_red, 1.0, look.balance_blue])
    through = (
        fit.color_matrix * fit.white_balance @ (balance[:, None] * SENSORS["color"].response[:, :3] * light)
    )
    assert through / np.trace(through) * 3 == pytest.approx(np.eye(3), abs=0.06)


def test_the_curve_is_read_from_the_greys() -> None:
    for gamma, black in ((0.45, 0.0), (1.0, 0.02), (0.7, 0.01)):
        look = look_of("color", gamma=gamma, exposure=0.6)
        image = photograph(chart(CORNERS), "color", look, black=black, shaded=False)
        patches = read_patches(image, CORNERS, CameraPhotometric())
        assert estimate_gamma(patches, black**gamma) == pytest.approx(gamma, rel=0.04)


def test_the_flat_field_is_taken_off_before_the_colours() -> None:
    look = look_of("color", exposure=0.5)
    wide = np.array([[40, 40], [600, 45], [598, 440], [42, 436]], float)
    flat = measure_flat_field([photograph(white(), "color", look_of("color"))], CameraPhotometric(gamma=0.45))
    image = photograph(chart(wide), "color", look)
    without = CameraPhotometric(gamma=0.45)
    with_flat = CameraPhotometric(gamma=0.45, flat_field=flat.gains)
    off = [fit_colors(read_patches(image, wide, known), known).delta_e_mean for known in (without, with_flat)]
    assert off[1] < 0.6 * off[0]
    assert off[1] < 2.0


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("turn", range(4))
def test_the_chart_is_found_whichever_way_it_is_held(turn: int, bits: int) -> None:
    corners = CORNERS if turn % 2 == 0 else np.array([[225, 60], [415, 66], [420, 420], [215, 414]], float)
    corners = np.roll(corners, turn, axis=0)
    image = photograph(
        chart(corners, (1.2, 1.0, 0.75)), "color", look_of("color", bits=bits, exposure=0.6), shaded=False
    )
    known = CameraPhotometric(gamma=0.45)
    found = find_checker(image, known)
    assert not isinstance(found, NotSeen)
    assert np.abs(found - corners).max() < 6
    by_hand, by_itself = (fitted(image, known, each) for each in (corners, found))
    assert by_itself == pytest.approx(by_hand, abs=0.05)


def test_what_is_no_chart_is_not_found() -> None:
    known = CameraPhotometric(gamma=0.45)
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    board = np.kron(np.indices((8, 10)).sum(axis=0) % 2, np.ones((40, 40))).astype(np.uint8) * 200 + 20
    for image in (noise, np.full((240, 320, 3), 90, np.uint8), cv2.merge([board] * 3)):
        assert isinstance(find_checker(image, known), NotSeen)
    assert isinstance(find_checker(board, known), NotSeen)


def test_corners_and_exposures_that_cannot_be() -> None:
    known = CameraPhotometric(gamma=0.45)
    image = photograph(chart(CORNERS), "color", look_of("color", exposure=0.6), shaded=False)
    for corners, said in (
        (CORNERS + 400, "outside the image"),
        (CORNERS[::-1], "clockwise"),
        (CORNERS * 0.002 + 100, "few pixels small"),
    ):
        with pytest.raises(CalibrationError, match=said):
            read_patches(image, corners, known)
    bright = photograph(chart(CORNERS), "color", look_of("color", exposure=40), shaded=False)
    with pytest.raises(CalibrationError, match="well exposed"):
        fit_colors(read_patches(bright, CORNERS, known), known)
    with pytest.raises(CalibrationError, match="too few grey"):
        estimate_gamma(read_patches(bright, CORNERS, known), 0.0)
    with pytest.raises(CalibrationError, match="no colours"):
        read_patches(image[..., 0], CORNERS, known)


def test_a_corrected_picture_has_the_colours_of_the_chart() -> None:
    """Everything at once: black level, vignetting, coloured light, filters; raw in, chart's colours out."""
    look = look_of("color", exposure=0.5)
    capped = photograph(white(0.0), "color", look, black=BLACK)
    known = CameraPhotometric(gamma=0.45, black_level=measure_black([capped]).level)
    flat = measure_flat_field([photograph(white(), "color", look, black=BLACK)], known)
    known = CameraPhotometric(0.45, known.black_level, flat.gains)
    image = photograph(chart(CORNERS, (1.2, 1.0, 0.75)), "color", look, black=BLACK)
    fit = fit_colors(read_patches(image, CORNERS, known), known)
    full = CameraPhotometric(0.45, known.black_level, flat.gains, fit.white_balance, fit.color_matrix)
    corrected = Corrector(full, 3, gains_at(full, image.shape[:2])).apply(image)
    assert corrected.dtype == image.dtype
    after = read_patches(corrected, CORNERS, CameraPhotometric(gamma=0.45))
    light = to_light(after.values, 0.45, 0.0)
    wanted = reference_light() * (light[19:23].mean() / reference_light()[19:23].mean())
    error = np.sqrt(((light - wanted) ** 2).mean())
    assert error < 0.01
    before = to_light(read_patches(image, CORNERS, CameraPhotometric()).values, 0.45, 0.0)
    before_wanted = reference_light() * (before[19:23].mean() / reference_light()[19:23].mean())
    assert error < 0.25 * np.sqrt(((before - before_wanted) ** 2).mean())
