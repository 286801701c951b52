"""Which disparities are searched."""

from __future__ import annotations

import pytest

from app.search import SearchWish
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration


@pytest.mark.parametrize(("side", "mirrored"), [("left", False), ("right", True)])
def test_the_rig_files_side_counts_until_there_is_a_calibration(side, mirrored: bool) -> None:
    wish = SearchWish(color_side=side)
    assert wish.range(None, 640).mirrored is mirrored
    calibration = true_calibration(VirtualSpec())
    assert wish.range(calibration, 640).mirrored is calibration.mirrored


def test_what_was_asked_for_comes_first() -> None:
    calibration = true_calibration(VirtualSpec())
    found = SearchWish(max_disparity=33, offset=-4).range(calibration, 640)
    assert (found.max_disparity, found.offset) == (33, -4)
    assert SearchWish().range(calibration, 640).max_disparity == calibration.max_disparity
