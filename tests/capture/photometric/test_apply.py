"""Corrections as they are applied: against plain arithmetic, in rectified images, and from the file."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tomli_w

from capture.calibration import RigCalibration, dump_calibration, load_calibration, save_calibration
from capture.errors import CalibrationError
from capture.frames import Image
from capture.photometric.apply import Corrector
from capture.photometric.curve import to_light, to_values
from capture.photometric.measure import gains_at
from capture.photometric.model import CameraPhotometric, Photometric
from capture.rectify import Rectifier
from tests.capture.rigs_on_paper import make_calibration

BALANCE = np.array([1.4, 1.0, 1.8])
MATRIX = np.array([[1.5, -0.4, -0.1], [-0.2, 1.4, -0.2], [0.05, -0.45, 1.4]])
VIGNETTE = 1 + 0.4 * np.add.outer(np.linspace(-1, 1, 12) ** 2, np.linspace(-1, 1, 16) ** 2) / 2


def noise(shape: tuple[int, ...], dtype: type) -> Image:
    image: Image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    return image


def expected(image: Image, camera: CameraPhotometric, gains: np.ndarray | None) -> np.ndarray:
    """Return what the formula of the model gives, in values 0 … 1."""
    light = to_light(image / np.iinfo(image.dtype).max, camera.gamma, camera.black_level)
    if gains is not None:
        light = light * (gains if image.ndim == 3 else gains[..., 0])
    if camera.white_balance is not None:
        light = light * camera.white_balance
    if camera.color_matrix is not None:
        light = light @ camera.color_matrix.T
    return to_values(light, camera.gamma)


CAMERAS = {
    "black": CameraPhotometric(0.45, 0.2),
    "balance": CameraPhotometric(0.45, 0.1, white_balance=BALANCE),
    "flat": CameraPhotometric(0.45, 0.0, np.stack([VIGNETTE] * 3)),
    "all but colours": CameraPhotometric(0.6, 0.1, np.stack([VIGNETTE, VIGNETTE**2, VIGNETTE]), BALANCE),
    "matrix": CameraPhotometric(1.0, 0.02, None, BALANCE, MATRIX),
    "all": CameraPhotometric(0.45, 0.2, np.stack([VIGNETTE] * 3), BALANCE, MATRIX),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", CAMERAS)
def test_tables_do_what_the_formula_says(name: str, dtype: type) -> None:
    camera = CAMERAS[name]
    image = noise((60, 80, 3), dtype)
    gains = None if camera.flat_field is None else gains_at(camera, (60, 80))
    before = image.copy()
    corrected = Corrector(camera, 3, gains).apply(image)
    assert corrected.dtype == image.dtype
    assert np.array_equal(image, before)
    with pytest.raises(ValueError, match="read-only"):
        corrected[0, 0] = 0
    off = corrected / np.iinfo(dtype).max - expected(image, camera, gains)
    # A rounded step of 8 bits before a flat field of up to 1.4; 14 bits of light where the curve is steep.
    bright = expected(image, camera, gains) > 0.1
    assert np.abs(off[bright]).max() < (1.5 / 255 if dtype == np.uint8 else 0.002)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_mono_images(dtype: type) -> None:
    camera = CameraPhotometric(0.45, 0.1, VIGNETTE[None])
    image = noise((60, 80), dtype)
    gains = gains_at(camera, (60, 80))
    corrected = Corrector(camera, 1, gains).apply(image)
    assert corrected.shape == image.shape
    off = corrected / np.iinfo(dtype).max - expected(image, camera, gains)
    assert np.abs(off).max() < (1.5 / 255 if dtype == np.uint8 else 0.001)


def test_nothing_known_changes_nothing() -> None:
    for image in (noise((40, 50), np.uint8), noise((40, 50, 3), np.uint16)):
        corrected = Corrector(CameraPhotometric(), 1 if image.ndim == 2 else 3).apply(image.copy())
        assert np.array_equal(corrected, image)


# In a rig


def rig(color: CameraPhotometric | None = None, mono: CameraPhotometric | None = None) -> RigCalibration:
    return replace(make_calibration("left", color_size=(400, 300)), photometric=Photometric(mono, color))


def test_rectified_images_are_corrected_with_the_flat_field_of_the_raw_image() -> None:
    """A white wall through two vignetting lenses is level after rectification."""
    camera = CameraPhotometric(1.0, 0.0, VIGNETTE[None])
    calibration = rig(replace(camera, flat_field=np.stack([VIGNETTE] * 3)), camera)
    mono = (50_000 / gains_at(camera, (240, 320))[..., 0]).astype(np.uint16)
    color = (50_000 / gains_at(camera, (300, 400)) * np.ones(3)).astype(np.uint16)
    rectifier = Rectifier(calibration)
    ours, theirs = rectifier.rectify(mono, color)
    # What lies at the border is mixed with the black outside.
    inside = cv2.erode(rectifier.mono_valid.astype(np.uint8), np.ones((5, 5))).astype(bool)
    inside_color = cv2.erode(rectifier.reference_valid.astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert np.abs(ours[inside] / 50_000 - 1).max() < 0.002
    assert np.abs(theirs[inside_color] / 50_000 - 1).max() < 0.002
    raw_mono, raw_color = Rectifier(calibration, photometric=False).rectify(mono, color)
    assert np.ptp(raw_mono[inside].astype(float)) > 5000
    assert np.array_equal(raw_color, Rectifier(replace(calibration, photometric=None)).rectify_color(color))


def test_what_is_outside_stays_black() -> None:
    calibration = rig(CameraPhotometric(0.45, 0.1, None, BALANCE, MATRIX))
    rectifier = Rectifier(calibration)
    _, color = rectifier.rectify(np.full((240, 320), 120, np.uint8), np.full((300, 400, 3), 120, np.uint8))
    nothing = cv2.erode((~rectifier.reference_valid).astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert (color[nothing] == 0).all()


# In the file


@pytest.mark.parametrize("name", CAMERAS)
def test_what_was_measured_comes_back_from_the_file(tmp_path: Path, name: str) -> None:
    camera = CAMERAS[name]
    save_calibration(rig(camera), tmp_path / "rig.toml")
    back = load_calibration(tmp_path / "rig.toml").photometric
    assert back is not None
    assert back.mono is None
    assert back.color is not None
    assert (back.color.gamma, back.color.black_level) == (camera.gamma, camera.black_level)
    for array, kept in (
        (camera.flat_field, back.color.flat_field),
        (camera.white_balance, back.color.white_balance),
        (camera.color_matrix, back.color.color_matrix),
    ):
        assert (array is None) == (kept is None)
        if array is not None:
            assert kept == pytest.approx(array, abs=1e-5)


@pytest.mark.parametrize(
    ("role", "key", "value", "said"),
    [
        ("color", "gamma", 5.0, r"photometric\.color\.gamma = 5\.0 is not within"),
        ("color", "gamma", "linear", r"photometric\.color\.gamma must hold numbers"),
        ("color", "black_level", 0.5, r"black_level = 0\.5 is not within"),
        ("color", "white_balance", [1.0, 1.0], r"white_balance must be 3 numbers"),
        ("color", "white_balance", [1.0, 1.0, 90.0], r"white_balance = .* is not within"),
        ("color", "color_matrix", [[1.0, 0.0, 0.0]], r"color_matrix must be 3×3 numbers, not 1×3"),
        ("color", "flat_field", [[[1.0, 0.5]]], "flat_field holds a gain that is not within"),
        ("color", "flat_field", [[[1.0, 1.5]], [[1.0, 1.5]]], "1 or 3 channels"),
        ("color", "flat_field", [[[1.0, 1.5]], [[1.0]], [[1.0]]], "differ in size"),
        ("color", "flat_field", 3, "1 or 3 channels"),
        ("color", "tint", 1.0, r"photometric\.color\.tint is not a known key"),
        ("mono", "white_balance", [1.0, 1.0, 1.0], "a mono camera has no white_balance"),
        ("mono", "flat_field", [[[1.0, 1.5]]] * 3, "mono camera has one channel"),
        ("left", "gamma", 1.0, r"photometric\.left is not a known key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, role: str, key: str, value: object, said: str) -> None:
    document = tomllib.loads(dump_calibration(rig(CAMERAS["all"], CameraPhotometric(0.5))))
    document["photometric"].setdefault(role, {})[key] = value
    (tmp_path / "rig.toml").write_text(tomli_w.dumps(document))
    with pytest.raises(CalibrationError, match=said) as caught:
        load_calibration(tmp_path / "rig.toml")
    assert "rig.toml" in str(caught.value)


def test_older_files_have_none(tmp_path: Path) -> None:
    document = tomllib.loads(dump_calibration(make_calibration()))
    document["schema"] = 1
    path = tmp_path / "old.toml"
    path.write_text(tomli_w.dumps(document))
    old = load_calibration(path)
    assert old.photometric is None
    assert old.quality is None
    assert dict(old.target) == {}
    # What an old version did not know is no part of its files.
    document["photometric"] = {"mono": {"gamma": 1.0}}
    path.write_text(tomli_w.dumps(document))
    with pytest.raises(CalibrationError, match="photometric is not a known key"):
        load_calibration(path)
