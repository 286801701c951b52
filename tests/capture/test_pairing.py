"""Pairing, on simulated cameras whose true exposure times are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.frames import Frame, FramePair, Layout, Role, frozen
from capture.pairing import LONGEST_WAIT_FRAMES, Pairer

MS = 1_000_000
PIXEL = frozen(np.zeros((1, 1), np.uint8))


def make_frame(role: Role, frame_id: int, device_ns: int | None, host_ns: int) -> Frame:
    return Frame(role, PIXEL, Layout.MONO, 8, "Mono8", frame_id, device_ns, host_ns)


@dataclass
class Camera:
    """A simulated camera; all times in ns. `stall` are host times between which nothing is delivered."""

    role: Role
    exposed_ns: np.ndarray
    has_clock: bool = True
    clock_origin_ns: int = 0
    drift_ppm: float = 0.0
    jump_at: int | None = None
    jump_ns: int = 0
    latency_ns: int = 5 * MS
    jitter_ns: int = 0
    lost: float = 0.0
    restart_at: int | None = None
    stall_ns: tuple[int, int] = (0, 0)
    seed: int = 0
    truth: dict[int, int] = field(default_factory=dict)  # id(frame) → index of the exposure

    def frames(self) -> list[Frame]:
        rng = np.random.default_rng(self.seed)
        arrived_ns = 0
        frames = []
        for index, exposed_ns in enumerate(self.exposed_ns.tolist()):
            way_ns = (
                self.latency_ns + int(rng.exponential(self.jitter_ns)) if self.jitter_ns else self.latency_ns
            )
            if rng.random() < self.lost:
                continue
            arrived_ns = max(arrived_ns + 1, exposed_ns + way_ns)
            if self.stall_ns[0] <= arrived_ns < self.stall_ns[1]:
                arrived_ns = self.stall_ns[1]
            device_ns = int(self.clock_origin_ns + exposed_ns * (1 + self.drift_ppm * 1e-6))
            if self.jump_at is not None and index >= self.jump_at:
                device_ns += self.jump_ns
            number = index if self.restart_at is None or index < self.restart_at else index - self.restart_at
            frame = make_frame(self.role, number, device_ns if self.has_clock else None, arrived_ns)
            self.truth[id(frame)] = index
            frames.append(frame)
        return frames


@dataclass
class Outcome:
    pairs: list[FramePair]
    exposures: list[tuple[int, int]]  # index of the mono and of the colour exposure
    skews_ns: np.ndarray  # true skew of each pair
    pushed: list[Frame]
    pairer: Pairer


def run(mono: Camera, color: Camera, pairer: Pairer) -> Outcome:
    frames = sorted(mono.frames() + color.frames(), key=lambda frame: frame.host_ns)
    pairs = [pair for frame in frames if (pair := pairer.push(frame)) is not None]
    pairs += pairer.flush()
    exposures = [(mono.truth[id(pair.mono)], color.truth[id(pair.color)]) for pair in pairs]
    skews = np.array([color.exposed_ns[c] - mono.exposed_ns[m] for m, c in exposures])
    check_books(pairer, frames, pairs)
    return Outcome(pairs, exposures, skews, frames, pairer)


def check_books(pairer: Pairer, frames: Iterable[Frame], pairs: list[FramePair]) -> None:
    """Every frame is in one place, once; pairs are numbered and in the order of both cameras."""
    counters = pairer.counters
    pushed = list(frames)
    assert counters.pushed_mono == sum(frame.role == "mono" for frame in pushed)
    assert counters.pushed_color == sum(frame.role == "color" for frame in pushed)
    assert counters.pushed_mono == counters.paired + counters.unpaired_mono + counters.waiting_mono
    assert counters.pushed_color == counters.paired + counters.unpaired_color + counters.waiting_color
    assert counters.paired == len(pairs)
    assert [pair.index for pair in pairs] == list(range(len(pairs)))
    position = {id(frame): index for index, frame in enumerate(pushed)}
    for ordered in ([position[id(p.mono)] for p in pairs], [position[id(p.color)] for p in pairs]):
        assert ordered == sorted(set(ordered))
    assert all(pair.mono.role == "mono" and pair.color.role == "color" for pair in pairs)


def steady(count: int, period_ms: float, start_ms: float = 100.0) -> np.ndarray:
    return (np.arange(count) * period_ms * MS + start_ms * MS).astype(np.int64)


# With a shared trigger


@given(seed=st.integers(0, 10_000), lost=st.floats(0, 0.4), late=st.integers(0, 300))
@settings(deadline=None, max_examples=40)
def test_shared_trigger_pairs_every_trigger_both_delivered(seed: int, lost: float, late: int) -> None:
    exposed = steady(120, 33)
    mono = Camera("mono", exposed, lost=lost, jitter_ns=3 * MS, seed=seed)
    color = Camera("color", exposed, lost=lost, latency_ns=late * MS, jitter_ns=9 * MS, seed=seed + 1)
    outcome = run(mono, color, Pairer(shares_trigger=True))
    both = set(mono.truth.values()) & set(color.truth.values())
    assert outcome.exposures == [(index, index) for index in sorted(both)]


def test_shared_trigger_survives_a_restart_of_both_counters() -> None:
    exposed = steady(100, 33)
    mono = Camera("mono", exposed, restart_at=40)
    color = Camera("color", exposed, restart_at=40, latency_ns=80 * MS)  # still delivers while mono restarted
    outcome = run(mono, color, Pairer(shares_trigger=True))
    assert outcome.exposures == [(index, index) for index in range(100)]


@pytest.mark.parametrize("restarted", ["mono", "color"])
def test_shared_trigger_is_aligned_anew_after_one_counter_restarted(restarted: str) -> None:
    exposed = steady(100, 33)
    mono = Camera("mono", exposed, jitter_ns=2 * MS, restart_at=40 if restarted == "mono" else None)
    color = Camera(
        "color", exposed, jitter_ns=2 * MS, seed=1, restart_at=40 if restarted == "color" else None
    )
    outcome = run(mono, color, Pairer(shares_trigger=True))
    assert all(m == c for m, c in outcome.exposures)
    assert len(outcome.exposures) >= 100 - 12
    assert outcome.exposures[-1] == (99, 99)


def test_skew_is_measured_with_a_shared_trigger_too() -> None:
    exposed = steady(100, 33)
    mono = Camera("mono", exposed, clock_origin_ns=77_000 * MS, jitter_ns=MS)
    color = Camera("color", exposed + 4 * MS, clock_origin_ns=-5 * MS, jitter_ns=MS, seed=1)
    outcome = run(mono, color, Pairer(shares_trigger=True))
    assert abs(np.median([pair.skew_ns for pair in outcome.pairs]) - 4 * MS) < 0.5 * MS


# By clock


@given(
    seed=st.integers(0, 10_000),
    phase=st.floats(-0.4, 0.4),
    origin=st.integers(-(10**15), 10**15),
    drift=st.floats(-50, 50),
    lost=st.floats(0, 0.3),
)
@settings(deadline=None, max_examples=40)
def test_clocks_pair_the_nearest_exposures(
    seed: int, phase: float, origin: int, drift: float, lost: float
) -> None:
    period = 40.0
    mono = Camera("mono", steady(200, period), lost=lost, jitter_ns=8 * MS, seed=seed)
    color = Camera(
        "color",
        steady(200, period, 100 + phase * period),
        clock_origin_ns=origin,
        drift_ppm=drift,
        lost=lost,
        jitter_ns=8 * MS,
        seed=seed + 1,
    )
    outcome = run(mono, color, Pairer(shares_trigger=False, frame_rate_hz=25))
    # The first frames may be delayed before the clocks are known; from then on nothing may go wrong.
    settled = [pair for pair in outcome.exposures if min(pair) >= 30]
    both = {index for index in set(mono.truth.values()) & set(color.truth.values()) if index >= 30}
    assert settled == [(index, index) for index in sorted(both)]
    errors = [
        p.skew_ns - s
        for p, s, (m, _) in zip(outcome.pairs, outcome.skews_ns, outcome.exposures, strict=True)
        if m > 60
    ]
    assert np.abs(np.median(errors)) < 2 * MS


@given(
    jump=st.sampled_from([-(10**13), -700 * MS, -60 * MS, 60 * MS, 700 * MS, 10**13]),
    which=st.sampled_from(["mono", "color"]),
)
@settings(deadline=None, max_examples=12)
def test_a_jump_of_a_clock_costs_no_wrong_pair(jump: int, which: str) -> None:
    mono = Camera("mono", steady(200, 33), jitter_ns=MS)
    color = Camera("color", steady(200, 33, 104), jitter_ns=MS, seed=1)
    jumping = mono if which == "mono" else color
    jumping.jump_at, jumping.jump_ns = 100, jump
    outcome = run(mono, color, Pairer(shares_trigger=False))
    assert (np.abs(outcome.skews_ns) == 4 * MS).all()
    assert len(outcome.pairs) >= 198
    assert max(abs(pair.skew_ns) for pair in outcome.pairs[2:]) < 16 * MS


def test_a_stalled_computer_does_not_mix_up_clocked_frames() -> None:
    mono = Camera("mono", steady(200, 33), jitter_ns=MS, stall_ns=(2000 * MS, 3000 * MS))
    color = Camera("color", steady(200, 33, 103), jitter_ns=MS, seed=1, stall_ns=(2000 * MS, 2900 * MS))
    outcome = run(mono, color, Pairer(shares_trigger=False))
    assert (outcome.skews_ns == 3 * MS).all()
    # The colour camera's burst arrives first; what exceeds the waiting room is given up and counted.
    assert len(outcome.pairs) >= 200 - 30 + LONGEST_WAIT_FRAMES


def test_a_pause_of_the_cameras_is_no_jump() -> None:
    exposed = np.concatenate([steady(50, 33), steady(50, 33, 60_000)])
    mono = Camera("mono", exposed, clock_origin_ns=5, jitter_ns=MS)
    color = Camera("color", exposed + 6 * MS, clock_origin_ns=10**12, jitter_ns=MS, seed=1)
    outcome = run(mono, color, Pairer(shares_trigger=False))
    assert outcome.exposures == [(index, index) for index in range(100)]


@pytest.mark.parametrize(("mono_ms", "color_ms"), [(10.0, 33.0), (50.0, 20.0), (16.6, 16.7)])
def test_unlike_rates_pair_the_slow_camera_with_its_nearest(mono_ms: float, color_ms: float) -> None:
    mono = Camera("mono", steady(400, mono_ms), jitter_ns=MS // 5)
    color = Camera("color", steady(400, color_ms, 101), jitter_ns=MS // 5, seed=1)
    end = min(mono.exposed_ns[-1], color.exposed_ns[-1])
    mono.exposed_ns = mono.exposed_ns[mono.exposed_ns <= end]
    color.exposed_ns = color.exposed_ns[color.exposed_ns <= end]
    outcome = run(mono, color, Pairer(shares_trigger=False, tolerance_ns=100 * MS))
    slow = min(len(mono.exposed_ns), len(color.exposed_ns))
    assert len(outcome.pairs) >= 0.97 * slow
    assert np.abs(outcome.skews_ns[5:]).max() <= 0.51 * min(mono_ms, color_ms) * MS


# By arrival


@given(seed=st.integers(0, 1000), phase=st.floats(-0.3, 0.3))
@settings(deadline=None, max_examples=20)
def test_without_clocks_arrival_decides(seed: int, phase: float) -> None:
    mono = Camera("mono", steady(100, 10), has_clock=False, jitter_ns=MS // 5, lost=0.1, seed=seed)
    color = Camera(
        "color",
        steady(100, 10, 100 + 10 * phase),
        has_clock=False,
        jitter_ns=MS // 5,
        lost=0.1,
        seed=seed + 1,
    )
    outcome = run(mono, color, Pairer(shares_trigger=False, frame_rate_hz=100))
    assert (np.abs(outcome.skews_ns) < 5 * MS).all()
    both = len(set(mono.truth.values()) & set(color.truth.values()))
    assert len(outcome.pairs) >= 0.95 * both
    for pair in outcome.pairs:
        assert pair.skew_ns == pair.color.host_ns - pair.mono.host_ns


def test_cameras_in_step_pair_without_waiting_for_the_next_frame() -> None:
    pairer = Pairer(shares_trigger=False)
    waits = []
    for index in range(50):
        start_ns = index * 33 * MS
        assert pairer.push(make_frame("mono", index, None, start_ns)) is None
        pair = pairer.push(make_frame("color", index, None, start_ns + 2 * MS))
        waits.append(pair is None)
    assert not any(waits)


def test_a_tolerance_is_kept() -> None:
    mono = Camera("mono", steady(50, 33), has_clock=False)
    color = Camera("color", steady(50, 33, 106), has_clock=False)
    assert run(mono, color, Pairer(shares_trigger=False, tolerance_ns=5 * MS)).pairs == []
    assert len(run(mono, color, Pairer(shares_trigger=False, tolerance_ns=7 * MS)).pairs) == 50


# Whatever comes


@given(
    shares_trigger=st.booleans(),
    stream=st.lists(
        st.tuples(
            st.sampled_from(["mono", "color"]),
            st.integers(0, 20) | st.integers(0, 2**63),
            st.none() | st.integers(0, 10**9) | st.integers(-(2**62), 2**62),
            st.integers(0, 50 * MS),
        ),
        max_size=120,
    ),
    tolerance=st.none() | st.integers(0, 10**9),
)
@settings(deadline=None, max_examples=150)
def test_nothing_is_lost_or_doubled_whatever_comes(
    shares_trigger: bool, stream: list[tuple[Role, int, int | None, int]], tolerance: int | None
) -> None:
    pairer = Pairer(shares_trigger, tolerance_ns=tolerance)
    host_ns = 0
    frames, pairs = [], []
    for role, frame_id, device_ns, passed_ns in stream:
        host_ns += passed_ns
        frames.append(make_frame(role, frame_id, device_ns, host_ns))
        if (pair := pairer.push(frames[-1])) is not None:
            pairs.append(pair)
        check_books(pairer, frames, pairs)
        assert max(pairer.counters.waiting_mono, pairer.counters.waiting_color) <= 2 * LONGEST_WAIT_FRAMES
    pairs += pairer.flush()
    check_books(pairer, frames, pairs)
    assert pairer.counters.waiting_mono == pairer.counters.waiting_color == 0


@pytest.mark.parametrize("make", [lambda: Pairer(True), lambda: Pairer(False)])
def test_a_silent_camera_does_not_fill_memory(make: Callable[[], Pairer]) -> None:
    pairer = make()
    for index in range(100):
        assert pairer.push(make_frame("mono", index, index * MS, index * MS)) is None
    assert pairer.counters.waiting_mono == LONGEST_WAIT_FRAMES
    assert pairer.counters.unpaired_mono == 100 - LONGEST_WAIT_FRAMES
