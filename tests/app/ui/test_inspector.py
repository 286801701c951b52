from __future__ import annotations

import numpy as np
import pytest

from app.ui.inspector import Marks, entropy_bits, locate, marks_for, searched_span
from tests.app.ui.conftest import DEPTH, SHIFT, STRIDE, WIDTH, make_colorization

ROW = 40  # where the disparity is SHIFT


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_place_in_the_reference_is_the_match(mirrored: bool) -> None:
    colorization = make_colorization(mirrored=mirrored)
    place = locate(colorization, "mono", 30, ROW)
    assert place.pixel("mono") == (30, ROW)
    assert place.reference_x == colorization.match(30, ROW) == (30 - SHIFT if mirrored else 30 + SHIFT)


@pytest.mark.parametrize("mirrored", [False, True])
def test_there_and_back(mirrored: bool) -> None:
    colorization = make_colorization(mirrored=mirrored)
    x = round(colorization.match(40, ROW))
    assert locate(colorization, "reference", x, ROW).mono == (40, ROW)


def test_what_nobody_matches_has_no_place_in_mono() -> None:
    place = locate(make_colorization(), "reference", SHIFT - 3, ROW)
    assert place.mono is None
    assert place.pixel("reference") == (SHIFT - 3, ROW)


def test_without_a_result_a_place_is_known_in_its_own_image_only() -> None:
    assert locate(None, "mono", 3, 4).pixel("reference") is None
    assert locate(None, "reference", 3, 4).pixel("mono") is None


def test_the_span_is_what_was_searched_within_the_image() -> None:
    assert searched_span(make_colorization(), 10) == (10, 10 + DEPTH * STRIDE - 1)
    assert searched_span(make_colorization(), WIDTH - 5) == (WIDTH - 5, WIDTH - 1)
    assert searched_span(make_colorization(mirrored=True), 50) == (50 - DEPTH * STRIDE + 1, 50)


def test_marks_in_both_images() -> None:
    colorization = make_colorization()
    hovered, pinned = locate(colorization, "mono", 20, ROW), locate(colorization, "mono", 33, 50)
    assert marks_for("mono", hovered, pinned, colorization) == Marks(cross=(20, ROW), pin=(33, 50))
    assert marks_for("reference", hovered, pinned, colorization) == Marks(
        cross=(20 + SHIFT, ROW), row=ROW, span=searched_span(colorization, 20), pin=(33 + SHIFT, 50)
    )


def test_an_occluded_place_leaves_its_row_in_the_mono_image() -> None:
    colorization = make_colorization()
    place = locate(colorization, "reference", 2, ROW)
    assert marks_for("mono", place, None, colorization) == Marks(row=ROW)


def test_entropy() -> None:
    assert entropy_bits(np.full(32, 1 / 32, np.float32)) == pytest.approx(5.0)
    certain = np.zeros(32, np.float32)
    certain[4] = 1
    assert entropy_bits(certain) == 0.0
