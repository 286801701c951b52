"""The proposed search range holds the scene, not its wrong matches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import CalibrationError
from capture.search_range import Cost, disparities_of, propose, whole_steps


def scene(low: float, high: float, count: int = 2000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, count)


@given(low=st.floats(-5, 80), extent=st.floats(1, 150), seed=st.integers(0, 100))
def test_the_scene_is_held_with_a_margin(low: float, extent: float, seed: int) -> None:
    proposal = propose(scene(low, low + extent, seed=seed), 1280)
    assert proposal.outside == 0
    assert proposal.offset <= low - 1
    assert proposal.offset + proposal.count - 1 >= low + extent
    assert proposal.count % 16 == 0
    # Not wasteful: margins of a tenth and one step of 16 at most.
    assert proposal.count <= 1.2 * extent + 4 + 2 + 16


def test_wrong_matches_do_not_widen_it() -> None:
    matches = np.concatenate([scene(20, 60), [-200.0, 300.0, 310.0, np.nan, np.inf]])
    proposal = propose(matches, 1280)
    assert (proposal.offset, proposal.count) == (15, 64) or proposal.count <= 64
    assert 19.5 < proposal.lowest_px < 21
    assert 59 < proposal.highest_px < 60.5
    assert 0 < proposal.outside < 0.002


def test_infinity_can_be_kept_in() -> None:
    assert propose(scene(40, 60), 1280).offset > 0
    kept = propose(scene(40, 60), 1280, include_infinity=True)
    assert kept.offset == -2
    assert kept.offset + kept.count - 1 >= 62


def test_what_it_costs_is_told() -> None:
    asked: list[int] = []

    def cost(count: int) -> Cost:
        asked.append(count)
        return Cost(count * 1e-3, count << 20)

    proposal = propose(scene(0, 40), 640, cost=cost)
    assert asked == [proposal.count]
    assert proposal.words.startswith(f"{proposal.count} disparities from {proposal.offset}")
    assert f"{proposal.count} ms and {proposal.count} MB" in proposal.words


def test_disparities_of_matched_points() -> None:
    mono = np.array([[100, 50], [200, 60], [300, 70]], float)
    reference = mono + np.array([[12, 0.4], [30, -1.0], [5, 9]])
    assert disparities_of(mono, reference, mirrored=False) == pytest.approx([12, 30])
    assert disparities_of(mono, reference, mirrored=True) == pytest.approx([-12, -30])


def test_limits() -> None:
    assert whole_steps(17, 640) == 32
    assert whole_steps(1000, 640) == 320
    with pytest.raises(CalibrationError, match="only 3 matches: 20 are needed"):
        propose(np.array([1.0, 2.0, 3.0, np.nan]), 640)
