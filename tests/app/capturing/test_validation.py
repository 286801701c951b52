"""The default limits part good shots from bad ones in rooms of the virtual rig (more in decision 117)."""

from __future__ import annotations

from functools import cache

import pytest

from app.capturing.validation import (
    Room,
    Shot,
    clipping_shots,
    duplicate_shots,
    motion_shots,
    sharpness_shots,
    table,
    texture_shots,
)

MILD = ("mono out of focus, σ 1 px", "colour out of focus, σ 2 px")
"""Sharpness lets some of these pass."""


@cache
def rooms() -> tuple[Room, ...]:
    return tuple(Room.build(number) for number in range(2))


@pytest.mark.parametrize(
    "make", [sharpness_shots, clipping_shots, motion_shots, duplicate_shots, texture_shots]
)
def test_bad_shots_are_refused_and_good_ones_pass(make) -> None:  # type: ignore[no-untyped-def]
    shots = [shot for shot in make(rooms()) if shot.condition not in MILD]
    assert {shot.good for shot in shots} == {True, False}
    wrong = [shot for shot in shots if shot.refused == shot.good]
    assert not wrong


def test_the_table_counts_both_kinds_of_mistake() -> None:
    shots = [
        Shot("motion_px", "still", True, 0.2, 0.1),
        Shot("motion_px", "still", True, 1.5, 0.9),
        Shot("motion_px", "panned", False, 3.0, 2.9),
        Shot("motion_px", "panned", False, None),
    ]
    lines = table(shots)
    assert lines[0] == "motion_px ≤ 1: refused 1 of 2 bad and 1 of 2 good ones"
    assert "refused  1 of  2   0.200 … 1.500 (truth 0.100 … 0.900)" in lines[1]
