"""Verdicts, and what of a solution is kept in the file."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from capture.calibration import dump_calibration, load_calibration, save_calibration
from capture.errors import CalibrationError
from capture.quality import EpipolarErrors, Quality, judge
from capture.targets import Chessboard, target_from_table, target_to_table
from tests.capture.rigs_on_paper import make_calibration

EVERYWHERE_GOOD = np.full((6, 8), 0.05)


def errors(median: float, p95: float, *, held_out: bool = True) -> EpipolarErrors:
    return EpipolarErrors(12, 640, median, 1.5 * median, p95, 2 * p95, held_out)


def quality() -> Quality:
    return Quality(
        errors(0.08, 0.25),
        np.linspace(0, 2.5, 9),
        np.linspace(0.1, 3, 9),
        np.array([0.01, 0.02, 0.003]),
        np.array([0.1, 0.02, 0.5]),
        0.11,
        np.linspace(0.01, 0.2, 48).reshape(6, 8),
    )


@pytest.mark.parametrize(
    ("median", "p95", "grade"),
    [
        (0.05, 0.2, "excellent"),
        (0.099, 0.39, "excellent"),
        (0.1, 0.3, "acceptable"),
        (0.05, 0.5, "acceptable"),  # a good middle does not make up for bad edges
        (0.24, 0.9, "acceptable"),
        (0.25, 0.9, "poor"),
        (0.2, 1.2, "poor"),
        (0.9, 3.0, "poor"),
        (1.0, 2.0, "unusable"),
        (0.5, 6.0, "unusable"),
    ],
)
def test_verdicts_have_known_limits(median: float, p95: float, grade: str) -> None:
    verdict = judge(errors(median, p95), EVERYWHERE_GOOD)
    assert verdict.grade == grade
    assert verdict.words.lower().startswith(grade)
    assert f"{median:.3f} px" in verdict.words


def test_a_verdict_on_the_views_used_says_that_it_flatters() -> None:
    assert "flatters" in judge(errors(0.05, 0.1, held_out=False), EVERYWHERE_GOOD).words
    assert "kept back" in judge(errors(0.05, 0.1), EVERYWHERE_GOOD).words


@pytest.mark.parametrize(
    ("std", "grade", "said"),
    [
        (0.1, "excellent", "better than matching"),
        (0.2, "acceptable", "over the whole image 0.13 px are likely"),
        (0.5, "poor", "over the whole image 0.34 px are likely"),
        (3.0, "unusable", "over the whole image 2.02 px are likely"),
        (1e6, "unusable", "over the whole image anything is likely"),
    ],
)
def test_agreement_where_the_board_was_is_not_enough(std: float, grade: str, said: str) -> None:
    """Views that are all alike agree with each other whatever is solved from them."""
    row_std = np.full((6, 8), std)
    row_std[2:4, 3:5] = 0.01
    verdict = judge(errors(0.05, 0.2), row_std)
    assert verdict.grade == grade
    assert said in verdict.words


def test_statistics_are_of_all_corners() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(0, 0.1, size) for size in (54, 40, 7)]
    measured = EpipolarErrors.of(rows, held_out=True)
    everything = np.abs(np.concatenate(rows))
    assert (measured.views, measured.corners) == (3, 101)
    assert measured.median_px == pytest.approx(np.median(everything))
    assert measured.max_px == everything.max()
    assert measured.rms_px == pytest.approx(np.sqrt((everything**2).mean()))


def test_quality_and_target_come_back_from_the_file(tmp_path: Path) -> None:
    board = Chessboard(9, 6, 25.0)
    path = tmp_path / "rig.toml"
    save_calibration(replace(make_calibration(), quality=quality(), target=target_to_table(board)), path)
    back = load_calibration(path)
    assert back.quality is not None
    assert back.quality.epipolar == quality().epipolar
    for name in ("mono_std", "color_std", "rotation_std_deg", "translation_std_mm", "row_std_px"):
        assert getattr(back.quality, name) == pytest.approx(getattr(quality(), name), rel=1e-4)
    assert back.quality.baseline_std_mm == pytest.approx(0.11)
    assert back.quality.verdict.grade == "excellent"
    assert target_from_table(back.target) == board
    with pytest.raises(ValueError, match="read-only"):
        back.quality.row_std_px[0, 0] = 1


@pytest.mark.parametrize(
    ("table", "key", "value", "said"),
    [
        ("accuracy", "mono_std", None, r"accuracy\.mono_std is missing"),
        ("accuracy", "mono_std", [1.0] * 8, r"accuracy\.mono_std must be 9 numbers"),
        ("accuracy", "mono_std", [-1.0] * 9, r"accuracy\.mono_std holds a negative value"),
        ("accuracy", "row_std_px", [[0.1], [0.1, 0.2]], r"accuracy\.row_std_px: rows differ"),
        ("accuracy", "row_std_px", [0.1, 0.2], r"accuracy\.row_std_px must be rows of numbers"),
        ("accuracy", "baseline_std_mm", "small", r"accuracy\.baseline_std_mm must hold numbers"),
        ("accuracy", "mood", 1.0, r"accuracy\.mood is not a known key"),
        ("epipolar", "views", 0, r"accuracy\.epipolar\.views = 0"),
        ("epipolar", "held_out", 1, "held_out must be true or false"),
        ("epipolar", "median_px", float("nan"), "median_px holds a value that is not finite"),
        ("epipolar", "p99_px", 0.1, "p99_px is not a known key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, table: str, key: str, value: object, said: str) -> None:
    document = tomllib.loads(dump_calibration(replace(make_calibration(), quality=quality())))
    where = document["accuracy"] if table == "accuracy" else document["accuracy"]["epipolar"]
    if value is None:
        del where[key]
    else:
        where[key] = value
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(document))
    with pytest.raises(CalibrationError, match=said):
        load_calibration(path)
