"""What waits to be written: bounded by memory, kept until it is safe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.write_queue import QueueState, WriteQueue

SOON_S = 5.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_an_item_counts_until_it_is_done() -> None:
    clock = Clock()
    queue: WriteQueue[str] = WriteQueue(100, clock)
    assert queue.put("a", 60)
    clock.now_ns = 2_000_000_000
    assert queue.put("b", 40)
    assert not queue.put("c", 1)
    assert queue.first(8) == ["a", "b"]
    assert queue.state() == QueueState(2, 100, 2.0)
    queue.done(1)
    assert queue.state() == QueueState(1, 40, 0.0)
    assert queue.put("c", 60)
    assert queue.first(1) == ["b"]
    queue.done(2)
    assert queue.state() == QueueState()


def test_one_item_is_taken_whatever_its_size() -> None:
    queue: WriteQueue[str] = WriteQueue(100)
    assert queue.put("large", 1000)
    assert not queue.put("small", 1)
    assert queue.put("event", 0) is False  # beyond the budget nothing more is taken, however small


def test_closing_refuses_what_is_new_and_hands_out_what_is_in() -> None:
    queue: WriteQueue[int] = WriteQueue(100)
    assert queue.first(1, timeout_s=0.001) == []
    queue.put(1, 10)
    queue.close()
    assert queue.closed
    assert not queue.put(2, 10)
    assert queue.first(5) == [1]
    queue.done(1)
    assert queue.first(5) == []


def test_a_reader_that_waits_is_woken() -> None:
    queue: WriteQueue[int] = WriteQueue(100)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.first, 4)
        queue.put(7, 1)
        assert waiting.result(SOON_S) == [7]
        queue.done(1)
        waiting = pool.submit(queue.first, 4)
        queue.close()
        assert waiting.result(SOON_S) == []


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), max_size=60))
def test_nothing_is_lost_and_the_budget_holds(steps: list[tuple[int, int]]) -> None:
    queue: WriteQueue[int] = WriteQueue(100)
    accepted: list[int] = []
    taken: list[int] = []
    for number, (size, most) in enumerate(steps):
        if queue.put(number, size):
            accepted.append(number)
        assert queue.state().size_bytes <= 100
        group = queue.first(most, timeout_s=0)
        taken += group
        queue.done(len(group))
    while group := queue.first(7, timeout_s=0):
        taken += group
        queue.done(len(group))
    assert taken == accepted
