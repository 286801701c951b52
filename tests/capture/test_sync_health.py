"""Numbers and verdicts of synchronization, on pairs whose true skew is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.clocks import ClockState
from capture.frames import Frame, FramePair, Layout, Role, frozen
from capture.pairing import Pairer, PairingCounters
from capture.rig import CameraCounters
from capture.sync.config import SyncMode
from capture.sync_health import SPAN_NS, SyncHealth, SyncState
from capture.sync_skew import BINS
from capture.sync_verdict import duration

MS = 1_000_000
S = 1_000_000_000
PIXEL = frozen(np.zeros((1, 1), np.uint8))
TICKS: dict[Role, ClockState] = {"mono": ClockState(ticks=True), "color": ClockState(ticks=True)}
NONE_MISSED: dict[Role, int] = {"mono": 0, "color": 0}


def frame(
    role: Role, frame_id: int, device_ns: int | None, host_ns: int, exposure_us: float = 5000.0
) -> Frame:
    return Frame(role, PIXEL, Layout.MONO, 8, "Mono8", frame_id, device_ns, host_ns, exposure_us)


def pair(index: int, skew_ns: int, *, period_ms: float = 50.0, origin_ns: int | None = 10**13) -> FramePair:
    """Two frames of one trigger; `origin_ns`: difference of the clocks, None without clocks."""
    time_ns = round(index * period_ms * MS)
    device = (None, None) if origin_ns is None else (time_ns, time_ns + skew_ns + origin_ns)
    mono = frame("mono", index, device[0], time_ns + 9 * MS)
    return FramePair(index, mono, frame("color", index, device[1], time_ns + 9 * MS), skew_ns)


def judge(
    pairs: Iterable[FramePair],
    *,
    mode: SyncMode | None = "hardware",
    shares_trigger: bool = True,
    clocks: dict[Role, ClockState] | None = None,
    missed: dict[Role, int] | None = None,
    cameras: dict[Role, CameraCounters] | None = None,
    pairing: PairingCounters | None = None,
) -> SyncState:
    health = SyncHealth(mode, shares_trigger)
    for role, counters in (cameras or {}).items():
        for _ in range(counters.delivered):
            health.saw(role)
    count, now_ns = 0, 0
    start: dict[Role, CameraCounters] = {"mono": CameraCounters(), "color": CameraCounters()}
    health.state(0, start, PairingCounters(), TICKS, NONE_MISSED)
    for each in pairs:
        health.add(each)
        count += 1
        now_ns = max(each.mono.host_ns, each.color.host_ns)
    delivered = CameraCounters(delivered=count)
    return health.state(
        now_ns,
        cameras or {"mono": delivered, "color": delivered},
        pairing or PairingCounters(paired=count, pushed_mono=count, pushed_color=count),
        clocks or TICKS,
        missed or NONE_MISSED,
    )


def said(state: SyncState) -> str:
    return " ".join(f"{finding.text} {finding.advice}" for finding in state.findings)


@given(st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=200))
@settings(deadline=None, max_examples=60)
def test_numbers_hold_whatever_the_skews_are(skews: list[int]) -> None:
    state = judge(pair(index, skew) for index, skew in enumerate(skews))
    assert state.skew is not None
    assert state.skew.low_ns <= state.skew.median_ns <= state.skew.high_ns
    assert state.skew.spread_ns <= state.skew.high_ns - state.skew.low_ns
    judged = len(skews) if len(skews) < 84 else len(skews) - 64  # the first are left out if there are others
    assert state.counts.sum() == judged
    assert len(skews) == state.pairs == len(state.skews_ms) == len(state.times_s)
    assert len(state.counts) == BINS
    assert (np.diff(state.edges_ms) > 0).all()
    assert state.edges_ms[0] <= state.skew.low_ns / 1e6
    assert state.skew.high_ns / 1e6 <= state.edges_ms[-1]
    assert state.findings
    assert state.level == state.findings[0].level != "unknown"


@pytest.mark.parametrize(
    ("value_ns", "told"),
    [(488, "0.5 µs"), (-48_400, "48 µs"), (120_000, "0.12 ms"), (5_049_000, "5.05 ms"), (-27.4e6, "27 ms")],
)
def test_times_are_told_in_a_unit_that_fits(value_ns: float, told: str) -> None:
    assert duration(value_ns) == told


def test_only_the_last_minute_counts() -> None:
    early = [pair(index, 40 * MS) for index in range(20)]
    late = [replace(pair(2000 + index, 1000), index=index) for index in range(100)]
    state = judge([*early, *late])
    assert state.pairs == 100
    assert state.times_s.min() >= -SPAN_NS / 1e9
    assert state.level == "good"


@pytest.mark.parametrize(
    ("spread_ms", "shares", "level"),
    [(0.02, True, "good"), (0.6, True, "good"), (4, True, "fair"), (20, True, "bad"), (20, False, "fair")],
)
def test_the_spread_of_the_skew_decides(spread_ms: float, shares: bool, level: str) -> None:
    rng = np.random.default_rng(0)
    skews = (rng.uniform(-1, 1, 300) * spread_ms * MS).astype(int).tolist()
    state = judge(
        (pair(i, skew) for i, skew in enumerate(skews)),
        shares_trigger=shares,
        mode="hardware" if shares else "free_run",
    )
    assert state.level == level, said(state)
    assert state.matched_by == ("frame id" if shares else "time")


def test_clocks_that_show_one_time_tell_the_skew_themselves() -> None:
    """The pairing's own skew contains 7 ms of transfer; the clocks know better."""
    pairs = [replace(pair(i, 30_000, origin_ns=0), skew_ns=7 * MS) for i in range(50)]
    exact = judge(pairs).skew
    assert exact is not None
    assert exact.basis == "one time"
    assert exact.median_ns == 30_000
    estimated = judge([replace(pair(i, 30_000), skew_ns=7 * MS) for i in range(50)]).skew
    assert estimated is not None
    assert estimated.basis == "two clocks"
    assert estimated.median_ns == 7 * MS


def test_on_one_trigger_two_clocks_tell_the_spread_without_drift_and_without_the_way_to_the_computer() -> (
    None
):
    """Exposures 3 µs apart, clocks that part by 20 ppm, arrivals that wobble by 60 µs."""
    rng = np.random.default_rng(0)
    pairs = []
    for index in range(300):
        drifted = round(index * 50 * MS * 20e-6 + rng.uniform(-3_000, 3_000))
        arrived = 3 * MS + round(rng.uniform(-60_000, 60_000))
        pairs.append(replace(pair(index, drifted), skew_ns=arrived))
    skew = judge(pairs).skew
    assert skew is not None
    assert skew.basis == "two clocks"
    assert 2_000 < skew.spread_ns < 4_000
    assert skew.median_ns == pytest.approx(3 * MS, abs=20_000)
    # Running freely the same drift is real: the exposures part.
    free = judge(pairs, shares_trigger=False, mode="free_run").skew
    assert free is not None
    assert free.basis == "arrival"
    assert free.spread_ns > 40_000


def test_a_single_wrong_pair_stands_out_and_does_not_tilt_the_rest() -> None:
    pairs = [pair(index, round(index * 50 * MS * 20e-6)) for index in range(300)]
    pairs[200] = replace(pair(200, 50 * MS), skew_ns=0)
    skew = judge([replace(each, skew_ns=0) for each in pairs]).skew
    assert skew is not None
    assert skew.spread_ns < 100
    assert skew.high_ns > 40 * MS


def test_a_follower_on_the_wrong_edge_is_told_by_its_skew() -> None:
    assert "other edge" in said(judge(pair(i, 5_050_000, origin_ns=0) for i in range(60)))
    assert "other edge" not in said(judge(pair(i, 12_000, origin_ns=0) for i in range(60)))


def test_ids_that_are_off_by_one_are_a_bad_sign() -> None:
    state = judge(pair(i, 50 * MS + 1000 * (i % 3)) for i in range(60))
    assert state.level == "bad"
    assert "counts from elsewhere" in state.findings[0].text


def test_cameras_that_pass_each_other_are_told_with_the_difference_of_their_rates() -> None:
    """200 ppm: 0.2 ms more every second, and a jump of a period where they pass."""
    skews = [round(((i * 50 * 0.0002 + 12) % 50 - 25) * MS) for i in range(6000)]
    state = judge((pair(i, s) for i, s in enumerate(skews)), shares_trigger=False, mode="free_run")
    assert "differ by 200 ppm" in said(state)
    assert "every 250 s" in said(state)


@given(
    lost=st.integers(0, 500),
    overrun=st.integers(0, 500),
    unpaired=st.integers(0, 500),
)
@settings(deadline=None, max_examples=40)
def test_what_was_lost_is_counted_and_judged(lost: int, overrun: int, unpaired: int) -> None:
    fine = CameraCounters(delivered=1000)
    state = judge(
        (pair(i, 0) for i in range(1000)),
        cameras={"mono": CameraCounters(1000, 0, lost, overrun), "color": fine},
        pairing=PairingCounters(1000, 1000 + unpaired, 1000, unpaired, 0),
    )
    mono, color = state.cameras["mono"], state.cameras["color"]
    assert (mono.lost, mono.overrun, mono.unpaired) == (lost, overrun, unpaired)
    assert mono.recent_loss == pytest.approx(lost / (1000 + lost + overrun))
    assert color.recent_loss == color.recent_overrun == color.recent_unpaired == 0
    assert ("mono camera lost" in said(state)) == (lost > 0)
    assert ("too slow for" in said(state)) == (overrun > 0)
    assert ("mono frames have no partner" in said(state)) == (unpaired / (1000 + unpaired) > 0.02)
    assert "colour camera lost" not in said(state)


def test_a_step_of_37_seconds_is_called_by_its_name() -> None:
    clock = ClockState(ticks=True, jumps=1, last_jump_ns=37 * S + 3 * MS, last_jump_at_ns=2 * S)
    state = judge((pair(i, 0) for i in range(60)), clocks={**TICKS, "color": clock})
    assert state.level == "fair"
    assert "colour camera stepped 37 s forward" in said(state)
    assert "TAI" in said(state)
    other = replace(clock, last_jump_ns=-5 * S)
    assert "5 s back" in said(judge((pair(i, 0) for i in range(60)), clocks={**TICKS, "color": other}))


def test_drift_beyond_any_quartz_and_missed_triggers_are_told() -> None:
    fast = ClockState(ticks=True, drift_ppm=900.0, drift_error_ppm=5.0)
    assert "+900 ppm" in said(judge((pair(i, 0) for i in range(60)), clocks={**TICKS, "mono": fast}))
    usual = replace(fast, drift_ppm=40.0)
    assert "ppm" not in said(judge((pair(i, 0) for i in range(60)), clocks={**TICKS, "mono": usual}))
    state = judge((pair(i, 0) for i in range(60)), missed={"mono": 0, "color": 2})
    assert "did not answer 2 triggers" in said(state)


@given(ppm=st.floats(-150, 150))
@settings(deadline=None, max_examples=20)
def test_clocks_on_one_trigger_tell_their_drift_to_a_tenth_of_a_ppm(ppm: float) -> None:
    rng = np.random.default_rng(0)
    skews = [round(i * 50 * MS * ppm * 1e-6 + rng.uniform(-20_000, 20_000)) for i in range(600)]
    state = judge(replace(pair(i, skew), skew_ns=0) for i, skew in enumerate(skews))
    assert state.relative_drift_ppm == pytest.approx(ppm, abs=0.3)


@pytest.mark.parametrize(
    ("delivered", "mode", "level", "text"),
    [
        ((0, 0), "external", "unknown", "wait for the external trigger"),
        ((0, 0), "free_run", "unknown", "Neither camera"),
        ((90, 0), "hardware", "bad", "nothing comes from the colour camera"),
        ((90, 90), "free_run", "bad", "no frames belong together"),
    ],
)
def test_without_pairs_it_says_what_is_missing(
    delivered: tuple[int, int], mode: SyncMode, level: str, text: str
) -> None:
    cameras: dict[Role, CameraCounters] = {
        "mono": CameraCounters(delivered[0]),
        "color": CameraCounters(delivered[1]),
    }
    state = judge([], mode=mode, cameras=cameras)
    assert state.level == level
    assert text in said(state)


def test_counters_that_begin_anew_are_no_loss() -> None:
    health = SyncHealth("hardware", shares_trigger=True)
    for index in range(40):
        health.add(pair(index, 0))
    lossy: dict[Role, CameraCounters] = {"mono": CameraCounters(100, 0, 50), "color": CameraCounters(100)}
    fresh: dict[Role, CameraCounters] = {"mono": CameraCounters(5), "color": CameraCounters(5)}
    health.state(S, lossy, PairingCounters(), TICKS, NONE_MISSED)
    state = health.state(2 * S, fresh, PairingCounters(), TICKS, NONE_MISSED)
    assert state.cameras["mono"].recent_loss == 0


def test_pairing_and_verdict_together_survive_a_step_of_37_seconds() -> None:
    """The whole way: frames into the pairer, its clocks and pairs into the verdict."""
    pairer, health = Pairer(shares_trigger=True), SyncHealth("hardware", shares_trigger=True)
    rng = np.random.default_rng(0)
    pairs, now_ns = 0, 0
    for index in range(400):
        stepped = 37 * S if index >= 200 else 0
        for role in ("mono", "color"):
            now_ns = round(index * 50 * MS + 4 * MS + rng.uniform(0, MS))
            device_ns = index * 50 * MS + (stepped if role == "color" else 0)
            made = pairer.push(frame(role, index, device_ns, now_ns))
            if made is not None:
                health.add(made)
                pairs += 1
    delivered = CameraCounters(delivered=400)
    state = health.state(
        now_ns, {"mono": delivered, "color": delivered}, pairer.counters, pairer.clocks(), pairer.slips
    )
    assert pairs == 400
    assert state.cameras["color"].clock.jumps == 1
    assert "37 s forward" in said(state)
    assert state.level == "fair"
    assert state.skew is not None
    assert state.skew.spread_ns < 2 * MS
