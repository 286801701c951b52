"""The study of the occlusion threshold counts right, and says when there is nothing to count."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.inspecting.occlusions import area_under_curve, main, score
from models.data.layers import generate_pair

MISSED = np.array([0.0, 1.0, 5.0, 9.0, 9.0], np.float32)
HIDDEN = np.array([False, False, True, True, False])


def test_precision_and_recall_of_a_threshold() -> None:
    found = score(MISSED, HIDDEN, 4.0)
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), 1.0)
    assert found.f1 == pytest.approx(0.8)
    assert score(MISSED, HIDDEN, 20.0).f1 == 0


def test_the_area_counts_ties_half() -> None:
    assert area_under_curve(MISSED, HIDDEN) == pytest.approx((2 + 0 + 2 + 0.5) / 6)
    assert np.isnan(area_under_curve(MISSED, np.zeros(5, np.bool_)))


def test_the_table_is_printed_of_pairs_whose_visibility_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = generate_pair(np.random.default_rng(3), 96, 144, 24, [])
    images = {"mono": made.mono, "color": made.reference}
    for kind, image in images.items():
        (tmp_path / kind).mkdir()
        levels = np.asarray(np.round(image * 255), np.uint8)
        cv2.imwrite(str(tmp_path / kind / "a.png"), levels if levels.ndim == 2 else levels[..., ::-1])
    assert main([str(tmp_path)]) == 2
    assert "of none of these pairs" in capsys.readouterr().err
    (tmp_path / "visible").mkdir()
    cv2.imwrite(str(tmp_path / "visible" / "a.png"), np.asarray(made.visible, np.uint8) * 255)
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("1 pairs, ")
