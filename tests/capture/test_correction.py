from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capture.calibration import dump_calibration, load_calibration, save_calibration
from capture.correction import with_turn, without_correction
from capture.errors import CalibrationError
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from tests.capture.test_virtual_calibration import epipolar_errors_px

EXACT = true_calibration(VirtualSpec())


def test_a_turn_is_seen_in_the_rows_and_gone_once_undone() -> None:
    turned = with_turn(EXACT, [0.2, 0.0, 0.1])
    assert np.median(epipolar_errors_px(turned)) > 1.0
    assert np.median(epipolar_errors_px(with_turn(turned, [-0.2, 0.0, -0.1]))) < 0.02
    undone = without_correction(turned)
    assert undone.correction is None
    assert undone.rotation == pytest.approx(EXACT.rotation, abs=1e-12)
    assert undone.translation_mm == pytest.approx(EXACT.translation_mm, abs=1e-9)


def test_turns_add_up_and_come_out_in_one() -> None:
    twice = with_turn(with_turn(EXACT, [0.2, 0, 0]), [0, 0, 0.3])
    assert twice.correction is not None
    assert twice.correction.rotation_deg == pytest.approx((0.2, 0.0, 0.3), abs=1e-3)
    assert without_correction(twice).rotation == pytest.approx(EXACT.rotation, abs=1e-12)


def test_a_correction_is_kept_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    turned = with_turn(EXACT, [0.2, 0.0, -0.1])
    save_calibration(turned, path)
    loaded = load_calibration(path)
    assert loaded.correction == turned.correction
    assert without_correction(loaded).rotation == pytest.approx(EXACT.rotation, abs=1e-9)
    assert "correction" not in dump_calibration(EXACT)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("rotation_deg = [0.1, 0.2]", "correction.rotation_deg"),
        ("rotation_deg = [0.1, 0.2, 0.3]\nangle = 1", "correction.angle"),
        ("", "correction.rotation_deg is missing"),
    ],
)
def test_a_broken_correction_is_named(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "rig.toml"
    text = dump_calibration(replace(EXACT, notes={}))
    path.write_text(f"{text}\n[correction]\ndate = 2026-03-01T00:00:00Z\n{line}\n")
    with pytest.raises(CalibrationError, match=named):
        load_calibration(path)
