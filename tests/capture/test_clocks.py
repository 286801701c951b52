"""What is told of a camera's clock, and triggers that a camera missed, on simulated cameras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.clocks import StreamClock
from capture.frames import Frame, Layout, Role, frozen
from capture.pairing import Pairer

MS = 1_000_000
S = 1_000_000_000
PIXEL = frozen(np.zeros((1, 1), np.uint8))


def frame(role: Role, frame_id: int, device_ns: int | None, host_ns: int) -> Frame:
    return Frame(role, PIXEL, Layout.MONO, 8, "Mono8", frame_id, device_ns, host_ns)


def run_clock(
    ppm: float,
    seconds: int = 60,
    jump_ns: int = 0,
    jump_at_s: float = 1e9,
    jitter_ms: float = 2.0,
    seed: int = 0,
) -> StreamClock:
    """A camera at 20 Hz whose clock runs `ppm` fast, started at some time, behind a busy computer."""
    clock = StreamClock()
    rng = np.random.default_rng(seed)
    arrived_ns = 0
    for index in range(seconds * 20):
        true_ns = index * 50 * MS
        device_ns = round(true_ns * (1 + ppm * 1e-6)) + 123_456_789_000
        if true_ns >= jump_at_s * S:
            device_ns += jump_ns
        arrived_ns = max(arrived_ns + 1, true_ns + 4 * MS + round(rng.exponential(jitter_ms) * MS))
        clock.time_ns(frame("mono", index, device_ns, arrived_ns))
    return clock


@given(ppm=st.floats(-200, 200), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=15)
def test_drift_is_told_within_its_own_error(ppm: float, seed: int) -> None:
    state = run_clock(ppm, seed=seed).state()
    assert state.drift_ppm is not None
    assert abs(state.drift_ppm - ppm) < max(6 * state.drift_error_ppm, 1.0)
    assert state.drift_error_ppm < 5
    assert state.jumps == 0


@given(
    jump=st.integers(100 * MS, 10**6 * S) | st.integers(-(10**6) * S, -100 * MS) | st.just(37 * S),
    at_s=st.floats(2, 50),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=25)
def test_a_step_of_the_clock_is_counted_and_measured(jump: int, at_s: float, seed: int) -> None:
    state = run_clock(20, jump_ns=jump, jump_at_s=at_s, seed=seed).state()
    assert state.jumps == 1
    assert abs(state.last_jump_ns - jump) < 25 * MS
    assert state.last_jump_at_ns is not None
    assert abs(state.last_jump_at_ns - at_s * S) < 120 * MS


def test_drift_begins_anew_after_a_step() -> None:
    state = run_clock(80, seconds=60, jump_ns=37 * S, jump_at_s=30).state()
    assert state.drift_ppm == pytest.approx(80, abs=4)
    assert state.offsets[0][0] >= 30 * S
    assert max(abs(offset) for _, offset in state.offsets) < 10 * MS


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_irregular_triggers_of_a_busy_computer_are_no_steps_of_the_clock(seed: int) -> None:
    """Triggers up to two periods late, frames up to 150 ms late, the first ones above all."""
    clock = StreamClock(15.0)
    rng = np.random.default_rng(seed)
    exposed_ns = arrived_ns = 0
    for index in range(300):
        exposed_ns += round((66 + max(0.0, rng.normal(-30, 60))) * MS)
        late_ns = round((60 if index < 5 else max(0.0, rng.normal(-150, 100))) * MS)
        arrived_ns = max(arrived_ns + 1, exposed_ns + 4 * MS + late_ns)
        clock.time_ns(frame("mono", index, exposed_ns + 77 * S, arrived_ns))
    assert clock.jumps == 0
    # A step of 37 s is still seen at once.
    clock.time_ns(frame("mono", 300, exposed_ns + 66 * MS + 114 * S, exposed_ns + 70 * MS))
    assert clock.jumps == 1


def test_a_clock_that_is_not_there_is_said_to_be_so() -> None:
    clock = StreamClock()
    for index in range(100):
        assert clock.time_ns(frame("mono", index, None, index * 50 * MS)) == index * 50 * MS
    assert not clock.state().ticks
    assert clock.state().drift_ppm is None


def paired(
    exposed: dict[Role, list[int]], *, latency_ms: dict[Role, float], step: tuple[Role, int] | None = None
) -> tuple[Pairer, list[int]]:
    """Pair frames whose ids count what each camera exposed; return true skews in the order of the pairs."""
    rng = np.random.default_rng(0)
    stream: list[tuple[Frame, int]] = []
    for role, times in exposed.items():
        for index, true_ns in enumerate(times):
            stepped = 37 * S if step is not None and step[0] == role and index >= step[1] else 0
            arrived = true_ns + round((latency_ms[role] + rng.exponential(1.0)) * MS)
            device = true_ns + stepped + (7 * S if role == "color" else 0)
            stream.append((frame(role, index, device, arrived), true_ns))
    stream.sort(key=lambda entry: entry[0].host_ns)
    truth = {id(each): true_ns for each, true_ns in stream}
    pairer = Pairer(shares_trigger=True)
    pairs = [pair for each, _ in stream if (pair := pairer.push(each)) is not None] + list(pairer.flush())
    return pairer, [truth[id(pair.color)] - truth[id(pair.mono)] for pair in pairs]


@given(
    who=st.sampled_from(["mono", "color"]),
    missed=st.sets(st.integers(20, 180), min_size=1, max_size=3),
    latency=st.floats(1, 70),
)
@settings(deadline=None, max_examples=30)
def test_missed_triggers_are_noticed_and_put_right(who: Role, missed: set[int], latency: float) -> None:
    """A camera that was still exposing does not count the trigger: its ids lag from then on."""
    triggers = [index * 33 * MS for index in range(220)]
    exposed: dict[Role, list[int]] = {"mono": list(triggers), "color": list(triggers)}
    exposed[who] = [time for index, time in enumerate(triggers) if index not in missed]
    pairer, skews = paired(exposed, latency_ms={"mono": 3, "color": latency})
    assert pairer.slips == {who: len(missed), ({"mono": "color", "color": "mono"}[who]): 0}
    assert not any(skews)
    assert len(skews) == 220 - len(missed)


def test_a_camera_that_answers_every_second_trigger_only_is_paired_with_its_own() -> None:
    triggers = [index * 33 * MS for index in range(200)]
    pairer, skews = paired({"mono": triggers, "color": triggers[::2]}, latency_ms={"mono": 3, "color": 40})
    assert not any(skews)
    assert len(skews) == 100
    assert pairer.slips == {"mono": 0, "color": 99}
    assert pairer.counters.unpaired_mono == 100


def test_no_trigger_is_held_to_be_missed_because_a_clock_steps_or_frames_are_late() -> None:
    triggers = [index * 33 * MS for index in range(200)]
    exposed: dict[Role, list[int]] = {"mono": triggers, "color": triggers}
    for step in (None, ("mono", 100), ("color", 101)):
        pairer, skews = paired(exposed, latency_ms={"mono": 3, "color": 90}, step=step)
        assert pairer.slips == {"mono": 0, "color": 0}
        assert len(skews) == 200
        assert not any(skews)


@pytest.mark.parametrize("who", ["mono", "color"])
def test_clocks_that_show_one_time_put_even_the_first_pair_right(who: Role) -> None:
    """The camera was not ready for the first trigger: its count begins one late from the start."""
    triggers = [index * 33 * MS for index in range(60)]
    exposed: dict[Role, list[int]] = {"mono": list(triggers), "color": list(triggers)}
    exposed[who] = triggers[1:]
    pairer = Pairer(shares_trigger=True, frame_rate_hz=1000 / 33)
    stream = [
        (frame(role, index, true_ns, true_ns + 5 * MS), true_ns)
        for role, times in exposed.items()
        for index, true_ns in enumerate(times)
    ]
    stream.sort(key=lambda entry: entry[1])
    pairs = [pair for each, _ in stream if (pair := pairer.push(each)) is not None]
    assert len(pairs) >= 58
    assert all(pair.mono.device_ns == pair.color.device_ns for pair in pairs)
