"""Slots, queues, meters and the gate: what threads hand each other, and how it is counted."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.gate import PairGate
from app.pipeline.slots import LatestSlot, LosslessQueue
from app.pipeline.stages import StageMeter
from capture.frames import Frame, FramePair, Layout, Role

SOON_S = 5.0


def test_the_newest_wins_and_what_it_overwrites_is_counted() -> None:
    slot: LatestSlot[str] = LatestSlot()
    assert slot.put("first") is None
    assert slot.put("second") == "first"
    assert slot.put("third") == "second"
    assert slot.overwritten == 2
    assert slot.try_take() == "third"
    assert slot.try_take() is None


def test_take_waits_for_the_next_item_and_gives_up_in_time() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert slot.take(timeout_s=0.001) is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slot.take, SOON_S)
        slot.put(7)
        assert waiting.result(SOON_S) == 7


def test_closing_wakes_those_who_wait_and_refuses_what_comes_after() -> None:
    slot: LatestSlot[int] = LatestSlot()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slot.take)
        slot.close()
        assert waiting.result(SOON_S) is None
    assert slot.put(1) == 1
    assert slot.try_take() is None
    assert slot.closed


def test_closing_gives_back_what_nobody_took() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    assert slot.close() == 1
    assert slot.close() is None


def test_the_callback_may_use_the_slot() -> None:
    taken: list[int | None] = []
    slot: LatestSlot[int] = LatestSlot(on_put=lambda: taken.append(slot.try_take()))
    slot.put(1)
    slot.put(2)
    assert taken == [1, 2]


@given(st.lists(st.booleans(), max_size=60))
def test_every_item_is_either_taken_overwritten_or_still_there(puts: list[bool]) -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken = 0
    for number, put in enumerate(puts):
        if put:
            slot.put(number)
        else:
            taken += slot.try_take() is not None
    left = slot.try_take() is not None
    assert sum(puts) == taken + slot.overwritten + left


def test_a_queue_loses_nothing_and_says_when_it_is_full() -> None:
    queue: LosslessQueue[int] = LosslessQueue(capacity=2)
    assert [queue.put(number) for number in (1, 2, 3)] == [True, True, False]
    assert len(queue) == 2
    assert queue.take() == 1
    assert queue.put(4)
    queue.close()
    assert not queue.put(5)
    assert [queue.take(), queue.take(), queue.take()] == [2, 4, None]


def test_a_producer_may_wait_for_room() -> None:
    queue: LosslessQueue[int] = LosslessQueue(capacity=1)
    queue.put(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.put, 2, None)
        assert queue.take(SOON_S) == 1
        assert waiting.result(SOON_S)
        waiting = pool.submit(queue.put, 3, None)
        queue.close()
        assert not waiting.result(SOON_S)
    assert queue.take() == 2


def test_a_closed_queue_wakes_its_reader() -> None:
    queue: LosslessQueue[int] = LosslessQueue(capacity=1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.take)
        queue.close()
        assert waiting.result(SOON_S) is None


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        LosslessQueue[int](capacity=0)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_a_meter_counts_and_rates_the_last_two_seconds() -> None:
    clock = Clock()
    meter = StageMeter(clock)
    for _ in range(40):  # 10 Hz for four seconds, each taking 30 ms
        clock.now_ns += 100_000_000
        meter.take()
        meter.finish(since_ns=clock.now_ns - 30_000_000)
    meter.take(2)
    meter.drop(error="the second failed")
    status = meter.status()
    assert (status.taken, status.finished, status.dropped) == (42, 40, 1)
    assert status.rate_hz == pytest.approx(10, rel=0.06)
    assert status.latency_ms == pytest.approx(30)
    assert status.last_error == "the second failed"
    clock.now_ns += 3_000_000_000
    assert meter.status().rate_hz == pytest.approx(1 / 3)  # nothing for three seconds: at most that


def test_a_meter_does_not_boast_in_its_first_moments() -> None:
    clock = Clock()
    meter = StageMeter(clock)
    clock.now_ns = 1_000_000
    meter.finish(since_ns=0)
    assert meter.status().rate_hz == 2


def pair(index: int) -> FramePair:
    def frame(role: Role) -> Frame:
        return Frame(role, np.zeros((1, 1), np.uint8), Layout.MONO, 8, "Mono8", index, None, 0)

    return FramePair(index, frame("mono"), frame("color"), 0)


class Gated:
    """A gate with what came through it, what it turned away and how often it asked for more."""

    def __init__(self, *, waits: bool = False, every_pair: bool = False) -> None:
        self.through: list[FramePair] = []
        self.held = 0
        self.requests = 0
        self.gate = PairGate(
            self.through.append, self._hold, self._request if waits else None, every_pair=every_pair
        )
        self.made = 0

    def _hold(self, count: int) -> None:
        self.held += count

    def _request(self) -> None:
        self.requests += 1

    def offer(self, count: int = 1) -> None:
        for _ in range(count):
            self.gate.offer(pair(self.made))
            self.made += 1

    def settle(self) -> None:
        self.gate.settle(self.through[-1])

    @property
    def indices(self) -> list[int]:
        return [passed.index for passed in self.through]


def test_an_open_gate_lets_everything_through() -> None:
    gated = Gated()
    gated.offer(3)
    gated.gate.step()  # means nothing while open
    gated.offer()
    assert gated.indices == [0, 1, 2, 3]
    assert gated.held == 0


def test_a_frozen_gate_turns_pairs_away_and_lets_one_through_per_step() -> None:
    gated = Gated()
    gated.offer()
    gated.settle()
    gated.gate.set_frozen(True)
    gated.offer(2)
    gated.gate.step()
    gated.offer(2)
    assert gated.indices == [0, 3]
    assert gated.held == 3
    gated.gate.set_frozen(False)
    gated.offer()
    assert gated.indices == [0, 3, 5]


def test_a_step_waits_until_the_one_before_it_is_settled() -> None:
    gated = Gated()
    gated.gate.set_frozen(True)
    gated.gate.step()
    gated.gate.step()
    gated.offer(2)
    assert gated.indices == [0]
    gated.settle()
    gated.offer()
    assert gated.indices == [0, 2]


def test_stepping_through_a_replay_skips_nothing() -> None:
    gated = Gated(waits=True)
    gated.offer()
    gated.gate.set_frozen(True)
    gated.offer(2)  # were under way when the rig was told to wait
    gated.settle()
    for expected in range(1, 6):
        gated.gate.step()
        if gated.indices[-1] != expected:
            assert gated.requests == expected - 2
            gated.offer()
        assert gated.indices == list(range(expected + 1))
        gated.settle()
    assert gated.held == 0
    assert gated.gate.idle


def test_quick_steps_through_a_replay_ask_for_as_many_pairs() -> None:
    gated = Gated(waits=True)
    gated.gate.set_frozen(True)
    for _ in range(3):
        gated.gate.step()
    assert gated.requests == 3
    gated.offer(3)
    assert gated.indices == [0]
    gated.settle()
    gated.settle()
    gated.settle()
    assert gated.indices == [0, 1, 2]


def test_what_a_replay_kept_goes_on_when_the_gate_opens() -> None:
    gated = Gated(waits=True)
    gated.gate.set_frozen(True)
    gated.offer(2)
    assert gated.indices == []
    assert not gated.gate.idle
    gated.gate.set_frozen(False)
    assert gated.indices == [0, 1]


def test_every_pair_of_a_replay_goes_through_one_by_one() -> None:
    gated = Gated(waits=True, every_pair=True)
    gated.gate.restart()
    for expected in range(4):
        assert gated.requests == expected + 1
        gated.offer()
        assert gated.indices == list(range(expected + 1))
        gated.settle()


def test_a_rig_that_comes_back_is_asked_again() -> None:
    gated = Gated(waits=True)
    gated.gate.set_frozen(True)
    gated.gate.step()
    gated.gate.restart()
    assert gated.requests == 2
    gated.offer()
    assert gated.indices == [0]


def test_freezing_halts_a_walk_through_every_pair() -> None:
    gated = Gated(waits=True, every_pair=True)
    gated.gate.restart()
    gated.gate.set_frozen(True)
    gated.offer()
    assert gated.indices == []
    gated.gate.set_frozen(False)
    assert gated.indices == [0]
    gated.settle()
    assert gated.requests == 2


def test_settling_an_older_pair_changes_nothing() -> None:
    gated = Gated()
    gated.offer(2)
    gated.gate.settle(gated.through[0])
    assert not gated.gate.idle
    gated.gate.settle(gated.through[1])
    assert gated.gate.idle


def test_slots_stay_consistent_under_two_threads() -> None:
    slot: LatestSlot[int] = LatestSlot()
    count = 2000
    seen: list[int] = []

    def consume() -> None:
        while (item := slot.take()) is not None:
            seen.append(item)

    consumer = threading.Thread(target=consume)
    consumer.start()
    displaced = sum(slot.put(number + 1) is not None for number in range(count))
    while (left := slot.try_take()) is not None:
        seen.append(left)
    slot.close()
    consumer.join(SOON_S)
    assert seen[-1] == count or count in seen
    assert len(seen) + displaced == count
    assert seen == sorted(seen)
