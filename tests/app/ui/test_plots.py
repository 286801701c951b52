from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.plots import SPAN_S, Strip, decades, round_range
from app.ui.theme import SKY


@given(st.floats(-1e4, 1e4), st.floats(0, 1e4))
def test_a_round_range_holds_its_values(low: float, extent: float) -> None:
    high = low + extent
    first, last = round_range(low, high)
    rounding = 1e-8 * max(abs(low), abs(high), 1.0)
    assert first <= low + rounding
    assert high <= last + rounding
    assert last - first <= 3 * max(extent, abs(high) * 0.015, 3e-3) + rounding


def test_a_range_does_not_follow_every_wobble() -> None:
    ranges = {round_range(0.90 + wobble, 0.93 - wobble, 1.0) for wobble in np.linspace(0, 0.004, 20)}
    assert len(ranges) <= 2


def test_ssim_never_exceeds_one() -> None:
    assert round_range(0.97, 0.9999, 1.0)[1] == 1.0


@pytest.mark.parametrize(("low", "high", "expected"), [(2, 900, (0, 3)), (15, 20, (1, 2)), (10, 10, (1, 2))])
def test_decades(low: float, high: float, expected: tuple[float, float]) -> None:
    assert decades(low, high) == expected


def test_a_strip_shows_the_last_minute(qapp, qtbot) -> None:
    strip = Strip("x", {"a": SKY}, "")
    qtbot.addWidget(strip)
    for second in range(100):
        strip.add("a", second, second)
    strip.draw(99.0)
    times, values = strip._curves["a"].getData()
    assert (times[0], times[-1]) == (-SPAN_S, 0)
    assert (values[0], values[-1]) == (99 - SPAN_S, 99)
    strip.clear()
    assert strip._curves["a"].getData()[0] is None or len(strip._curves["a"].getData()[0]) == 0
