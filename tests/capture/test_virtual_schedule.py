"""When frames of the virtual rig arrive, are late, are lost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from capture.frames import ROLES
from capture.virtual.schedule import BUFFERED_TRIGGERS, READOUT_NS, Schedule, Shot
from capture.virtual.sensor import SENSORS

MS = 1_000_000
START = 77_000 * MS


def make(frame_rate_hz: float = 20.0) -> Schedule:
    schedule = Schedule(0, frame_rate_hz, {role: SENSORS[role].look for role in ROLES})
    schedule.restart(START)
    return schedule


def play(schedule: Schedule, until_ns: int, step_ns: int = MS) -> list[Shot]:
    """Take every frame as soon as it is there, from the start on."""
    shots = []
    for now_ns in range(START, until_ns + 1, step_ns):
        while (shot := schedule.take(now_ns)) is not None:
            shots.append(shot)
    return shots


def test_both_cameras_get_every_trigger_in_rhythm() -> None:
    schedule = make()
    shots = play(schedule, START + 1000 * MS)
    for role in ROLES:
        mine = [shot for shot in shots if shot.role == role]
        assert [shot.frame_id for shot in mine] == list(range(20))
        for shot in mine:
            assert 0 <= shot.device_ns - shot.frame_id * 50 * MS < 0.03 * MS
            exposure_ns = shot.look.exposure_us * 1000
            assert shot.arrival_ns - START == pytest.approx(shot.device_ns + exposure_ns + READOUT_NS)
    skews = {
        color.device_ns - mono.device_ns
        for mono in shots
        for color in shots
        if (mono.role, color.role) == ("mono", "color") and mono.frame_id == color.frame_id
    }
    assert len(skews) > 10, "cameras are never exactly in step"


def test_the_same_seed_gives_the_same_times() -> None:
    assert play(make(), START + 500 * MS) == play(make(), START + 500 * MS)


def test_a_slow_reader_misses_frames_that_are_counted_and_never_lags() -> None:
    schedule = make()
    assert schedule.take(START + 20 * MS) is not None
    late = START + 10_020 * MS
    shots = []
    while (shot := schedule.take(late)) is not None:
        shots.append(shot)
    assert 2 * BUFFERED_TRIGGERS - 1 <= len(shots) <= 2 * BUFFERED_TRIGGERS
    for role in ROLES:
        counters = schedule.counters[role]
        assert counters.id_gaps == 0
        assert counters.delivered + counters.overrun == pytest.approx(201, abs=1)
    now_ns = schedule.next_event_ns()
    assert now_ns is not None
    assert now_ns <= late + 50 * MS, "back in rhythm at once"


def test_a_dropped_frame_leaves_a_gap_of_one_camera() -> None:
    schedule = make()
    schedule.advance(START)
    schedule.drop_next("color")
    shots = play(schedule, START + 300 * MS)
    ids = {role: [shot.frame_id for shot in shots if shot.role == role] for role in ROLES}
    assert ids["mono"] == [0, 1, 2, 3, 4, 5]
    assert ids["color"] == [0, 2, 3, 4, 5]
    assert schedule.counters["color"].id_gaps == 1
    assert schedule.counters["mono"].id_gaps == 0


def test_a_late_frame_holds_up_its_successors_but_none_is_lost() -> None:
    schedule = make()
    schedule.advance(START)
    schedule.delay_next("mono")
    shots = play(schedule, START + 500 * MS)
    mono = [shot for shot in shots if shot.role == "mono"]
    assert [shot.frame_id for shot in mono] == list(range(10))
    assert mono[1].arrival_ns - mono[0].arrival_ns > 150 * MS
    assert mono[2].arrival_ns - mono[1].arrival_ns < MS
    assert mono[-1].arrival_ns - mono[-2].arrival_ns == pytest.approx(50 * MS, abs=MS)


def test_rate_and_exposure_change_the_rhythm_without_a_jump() -> None:
    schedule = make()
    play(schedule, START + 120 * MS)
    schedule.change_rate(100.0, START + 120 * MS)
    shots = [shot for shot in play(schedule, START + 400 * MS) if shot.role == "mono"]
    steps = [later.device_ns - first.device_ns for first, later in pairwise(shots)]
    # The default exposure and its readout take longer than 10 ms.
    longest_ns = max(look.exposure_us for look in schedule.looks.values()) * 1000
    assert schedule.period_ns == longest_ns + READOUT_NS
    assert all(step == pytest.approx(schedule.period_ns, abs=0.05 * MS) for step in steps)
    look = replace(schedule.looks["mono"], exposure_us=40_000.0)
    schedule.change_look("mono", look, START + 400 * MS)
    assert schedule.period_ns == 43 * MS


def test_by_software_a_pair_comes_per_trigger() -> None:
    schedule = make()
    play(schedule, START + 100 * MS)
    schedule.change_trigger(True, START + 100 * MS)
    play(schedule, START + 200 * MS)
    assert schedule.next_event_ns() is None
    schedule.trigger(START + 500 * MS)
    shots = play(schedule, START + 600 * MS)
    assert [shot.role for shot in shots] == ["mono", "color"]
    assert all(0 <= shot.device_ns - 500 * MS < 0.03 * MS for shot in shots)
    assert shots[0].frame_id == shots[1].frame_id
    schedule.change_trigger(False, START + 600 * MS)
    assert play(schedule, START + 800 * MS)
    schedule.trigger(START + 800 * MS)
    assert schedule.counters["mono"].overrun == 0


def test_a_halted_schedule_sends_nothing() -> None:
    schedule = make()
    schedule.advance(START)
    schedule.halt()
    assert schedule.take(START + 500 * MS) is None
    assert schedule.next_event_ns() is None
