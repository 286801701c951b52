from __future__ import annotations

import numpy as np
import pytest

from app.ui.history import History
from app.ui.meter import ScreenMeter, exposure_began_ns
from tests.app.ui.conftest import make_pair

SECOND = 1_000_000_000


def test_a_pair_counts_once_however_many_panes_show_it() -> None:
    meter = ScreenMeter()
    for index in range(20):
        for _pane in range(6):
            meter.painted(index, index * SECOND // 10 - 30_000_000, index * SECOND // 10)
    now = 19 * SECOND // 10
    assert meter.total == 20
    assert meter.rate_hz(now) == pytest.approx(10.0)
    assert meter.latency_ms(now) == pytest.approx(30.0)


def test_slow_results_have_a_rate_and_a_latency_too() -> None:
    meter = ScreenMeter()
    meter.painted(0, 0, 5 * SECOND)
    meter.painted(1, 5 * SECOND, 10 * SECOND)
    assert meter.rate_hz(11 * SECOND) == pytest.approx(0.2)
    assert meter.rate_hz(30 * SECOND) == pytest.approx(0.05), "nothing came for 20 s"
    assert meter.latency_ms(30 * SECOND) == pytest.approx(5000.0)


def test_exposure_began_before_the_later_frame_arrived() -> None:
    pair = make_pair(3).pair
    assert pair.color.exposure_us is not None
    assert exposure_began_ns(pair) == pair.color.host_ns - pair.color.exposure_us * 1000


def test_history_keeps_the_newest() -> None:
    history = History(capacity=5)
    for second in range(12):
        history.add(second, second * 10.0)
    times, values = history.since(9.0)
    assert np.array_equal(times, [9, 10, 11])
    assert np.array_equal(values, [90, 100, 110])
    assert len(history) == 5
    history.clear()
    assert history.since(0)[0].size == 0
