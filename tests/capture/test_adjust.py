"""The adjustment against OpenCV's solver and against truth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from capture.adjust import Bundle, Sighting, adjust, first_guess, project
from capture.errors import CalibrationError
from tests.capture.rigs_on_paper import make_calibration
from tests.capture.test_calibrate import BOARD, views_of


def mono_sightings(count: int, noise_px: float, seed: int = 0) -> list[Sighting]:
    views = views_of(make_calibration(), count, noise_px, seed)
    return [
        Sighting(index, 0, BOARD.points_mm, view.mono.points_px)
        for index, view in enumerate(views)
        if view.mono is not None
    ]


def start(sightings: list[Sighting]) -> Bundle:
    intrinsics, poses = first_guess(0, (320, 240), sightings, len(sightings))
    return Bundle(intrinsics[None], np.zeros(6), poses)


def test_one_camera_as_opencv_solves_it() -> None:
    """The same minimum and the same standard deviations: noise is all that is wrong with these views."""
    sightings = mono_sightings(14, 0.1)
    solved = adjust(start(sightings), sightings, [])
    rms, matrix, lens, _, _, std, _, _ = cv2.calibrateCameraExtended(
        [s.target_mm for s in sightings],
        [s.points_px for s in sightings],
        (320, 240),
        np.eye(3),
        np.zeros(5),
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-12),
    )
    values = solved.bundle.cameras[0]
    residuals = np.concatenate(solved.residuals_px)
    assert np.sqrt((residuals**2).sum(axis=1).mean()) == pytest.approx(rms, rel=1e-4)
    expected = [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *np.ravel(lens)]
    ours = np.sqrt(np.diag(solved.covariance))
    # Well within the uncertainty of either.
    assert (np.abs(values - expected) < 0.05 * ours).all()
    # OpenCV knows no "sandwich": ours may be wider, by what chance makes of 14 views.
    ratio = ours / np.ravel(std)[:9]
    assert ratio.min() > 0.95
    assert ratio.max() < 1.6


def test_without_noise_it_is_exact() -> None:
    sightings = mono_sightings(10, 0.0)
    solved = adjust(start(sightings), sightings, [])
    truth = make_calibration().mono
    assert solved.bundle.cameras[0, :4] == pytest.approx(
        [truth.camera_matrix[0, 0], truth.camera_matrix[1, 1], *truth.camera_matrix[:2, 2]], abs=0.02
    )
    projected = project(solved.bundle, 3, 0, BOARD.points_mm)
    assert np.abs(projected - sightings[3].points_px).max() < 1e-3


def test_fixed_parameters_stay() -> None:
    sightings = mono_sightings(10, 0.05)
    solved = adjust(start(sightings), sightings, [8])
    assert solved.bundle.cameras[0, 8] == 0
    assert 8 not in solved.free
    assert solved.covariance.shape == (8, 8)


def test_errors_common_to_a_view_widen_the_uncertainty() -> None:
    """A bent board is wrong everywhere in a view: single corners do not average that out."""
    clean = mono_sightings(12, 0.1)
    rng = np.random.default_rng(3)
    grid = BOARD.points_mm[:, :2] / np.abs(BOARD.points_mm[:, :2]).max()
    bent = []
    for seen in clean:
        bow = 0.5 * rng.standard_normal(2) * (grid[:, :1] ** 2 + rng.standard_normal() * grid[:, 1:] ** 2)
        bent.append(
            Sighting(
                seen.view, 0, seen.target_mm, (seen.points_px + bow - bow.mean(axis=0)).astype(np.float32)
            )
        )
    solved = adjust(start(bent), bent, [])
    residuals = np.concatenate(solved.residuals_px)
    plain = adjust(start(clean), clean, [])
    plain_residuals = np.concatenate(plain.residuals_px)
    noise = np.sqrt((residuals**2).mean() / (plain_residuals**2).mean())
    widened = np.sqrt(np.diag(solved.covariance) / np.diag(plain.covariance))
    assert np.median(widened) > 1.3 * noise


def test_a_wrong_corner_bends_a_robust_solution_less() -> None:
    sightings = mono_sightings(8, 0.05)
    points = sightings[2].points_px.copy()
    points[10] += 15
    sightings[2] = Sighting(2, 0, BOARD.points_mm, points)
    truth = make_calibration().mono.camera_matrix[0, 0]
    off = [
        abs(adjust(start(sightings), sightings, [], robust=robust).bundle.cameras[0, 0] - truth)
        for robust in (False, True)
    ]
    assert off[1] < 0.5 * off[0]


def test_what_on_step_raises_ends_the_work() -> None:
    sightings = mono_sightings(8, 0.05)

    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    with pytest.raises(Enough):
        adjust(start(sightings), sightings, [], on_step=stop)


def test_points_on_a_line_have_no_pose() -> None:
    line = np.zeros((8, 3), np.float32)
    line[:, 0] = np.arange(8) * 10
    seen = [Sighting(0, 0, line, (line[:, :2] + 50).astype(np.float32))]
    with pytest.raises(CalibrationError, match="lie on a line"):
        first_guess(0, (320, 240), seen, 1)
