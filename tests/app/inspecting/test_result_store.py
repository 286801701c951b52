"""Results are made once, kept by what they depend on, and let go of when there is no room."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from app.inspecting.cache import result_path, size_of, trim
from app.inspecting.kept import Kept
from app.inspecting.runner import Failed, Made, Progress, Runner
from app.inspecting.sources import open_source
from app.inspecting.store import ResultStore
from models.errors import ModelError
from models.evaluation.evaluated import note_evaluated
from models.evaluation.methods import open_methods
from models.evaluation.predictions import plan, predict
from models.evaluation.sets import open_sets
from tests.app.inspecting.folders import write_pairs, write_rgb


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs", 2)
    return tmp_path / "pairs"


def open_store(pairs: Path, cache: Path, *methods: str) -> ResultStore:
    store = ResultStore(open_source(pairs), cache)
    store.use_methods(methods)
    return store


def test_what_was_made_is_there_for_the_next_store(pairs: Path, tmp_path: Path) -> None:
    store = open_store(pairs, tmp_path / "cache", "sgbm", "copy")
    assert store.prediction("p0", "sgbm") is None
    made = store.make("p0", "sgbm")
    assert made is not None
    assert store.prediction("p0", "sgbm") is made
    assert store.prediction("p0", "copy") is None, "another method's result is not its own"
    again = open_store(pairs, tmp_path / "cache", "sgbm").prediction("p0", "sgbm")
    assert again is not None
    assert np.array_equal(again.first_pass, made.first_pass)


def test_a_changed_picture_has_no_result_yet(pairs: Path, tmp_path: Path) -> None:
    store = open_store(pairs, tmp_path / "cache", "sgbm")
    store.make("p0", "sgbm")
    image = np.array(store.pair("p0").mono)
    image[40, 40] ^= 1
    write_rgb(pairs / "mono/p0.png", image)
    changed = open_store(pairs, tmp_path / "cache", "sgbm")
    assert changed.prediction("p0", "sgbm") is None


def test_measures_have_a_key_of_their_own_for_other_truths(pairs: Path, tmp_path: Path) -> None:
    store = open_store(pairs, tmp_path / "cache", "sgbm")
    assert store.key("p0", "sgbm") is None
    store.make("p0", "sgbm")
    before = store.key("p0", "sgbm")
    truth = np.array(store.pair("p0").truth)
    truth[0, 0] ^= 1
    write_rgb(pairs / "truth/p0.png", truth)
    after = open_store(pairs, tmp_path / "cache", "sgbm").key("p0", "sgbm")
    assert before is not None
    assert after is not None
    assert before != after


def test_an_evaluations_own_predictions_are_used(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict(plan(open_methods(["sgbm"], out), open_sets([pairs], {})), out / "predictions")
    note_evaluated(out, [pairs], ["sgbm"], {})
    store = open_store(out, tmp_path / "cache", "sgbm")
    assert store.prediction("p1", "sgbm") is not None
    assert size_of(tmp_path / "cache").count == 0


def test_networks_explain_and_their_result_is_kept(pairs: Path, tmp_path: Path) -> None:
    store = open_store(pairs, tmp_path / "cache", "live", "sgbm")
    explained = store.explain("p0", "live")
    assert explained is not None
    assert explained.weight_curve(50, 40).sum() == pytest.approx(1, abs=1e-3)
    assert store.explain("p0", "live") is explained
    kept = store.prediction("p0", "live")
    assert kept is not None
    assert np.array_equal(kept.first_pass, explained.first_pass)
    assert store.explain("p0", "sgbm") is None
    assert [store.explains(name) for name in store.methods] == [True, False]


def test_methods_that_nobody_knows(pairs: Path, tmp_path: Path) -> None:
    store = open_store(pairs, tmp_path / "cache", "sgbm")
    with pytest.raises(ModelError, match="no method is called live"):
        store.make("p0", "live")


def test_trimming_lets_the_oldest_go(tmp_path: Path) -> None:
    paths = [result_path(tmp_path, f"{n}{n}rest") for n in range(4)]
    for age, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(100))
        os.utime(path, (1000 + age, 1000 + age))
    os.utime(paths[0], (2000, 2000))  # used again
    assert size_of(tmp_path).bytes == 400
    assert trim(tmp_path, 250) == 2
    assert [path.exists() for path in paths] == [True, False, False, True]
    assert trim(tmp_path, 250) == 0


def test_a_store_keeps_its_cache_within_the_limit(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inspecting.store.TRIM_EVERY_BYTES", 0)
    store = open_store(pairs, tmp_path / "cache", "sgbm", "copy", "dis")
    for method in store.methods:
        store.make("p0", method)
    largest = size_of(tmp_path / "cache").bytes
    store.limit_bytes = largest // 2
    store.make("p1", "sgbm")
    assert 0 < size_of(tmp_path / "cache").bytes <= largest // 2


def test_memory_is_bounded_and_the_newest_stays() -> None:
    kept: Kept[bytes] = Kept(10, len)
    for letter in "abc":
        kept.put(letter, bytes(4))
    assert [kept.get(letter) is not None for letter in "abc"] == [False, True, True]
    kept.get("b")
    kept.put("d", bytes(4))
    assert kept.get("c") is None, "b was used after it"
    kept.put("huge", bytes(50))
    assert (len(kept), kept.bytes) == (1, 50)
    first = kept.get("huge")
    assert kept.put("huge", bytes(1)) is first


class Listener:
    """Gathers what a runner tells; waits for what is asked for."""

    def __init__(self) -> None:
        self.events: list[Made | Failed | Progress] = []
        self._changed = threading.Condition()

    def __call__(self, event: Made | Failed | Progress) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify()

    def progress(self) -> list[Progress]:
        return [event for event in self.events if isinstance(event, Progress)]

    def wait_for_end(self) -> Progress:
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.progress()) > 1 and not self.progress()[-1].running, timeout=60
            )
        return self.progress()[-1]


def test_a_run_goes_on_after_a_pair_that_fails(pairs: Path, tmp_path: Path) -> None:
    (pairs / "mono/p0.png").write_bytes((pairs / "mono/p0.png").read_bytes()[:200])
    store = open_store(pairs, tmp_path / "cache", "sgbm")
    listener = Listener()
    runner = Runner(store, listener)
    runner.start()
    try:
        runner.run_all(store.items, store.methods)
        end = listener.wait_for_end()
    finally:
        runner.close()
    assert (end.total, end.done, end.failed) == (2, 2, 1)
    failed = [event for event in listener.events if isinstance(event, Failed)]
    assert [(event.item, event.method) for event in failed] == [("p0", "sgbm")]
    assert "p0.png" in failed[0].problem
    assert store.prediction("p1", "sgbm") is not None


def test_a_cancelled_run_keeps_what_was_made(pairs: Path, tmp_path: Path) -> None:
    store = open_store(pairs, tmp_path / "cache", "sgbm")
    ended = threading.Event()

    def tell(event: Made | Failed | Progress) -> None:
        if isinstance(event, Made):
            runner.cancel()
        elif isinstance(event, Progress) and not event.running and event.total:
            ended.set()

    runner = Runner(store, tell)
    runner.start()
    try:
        runner.run_all(store.items, store.methods)
        assert ended.wait(60)
    finally:
        runner.close()
    there = [store.prediction(item, "sgbm") is not None for item in store.items]
    assert there == [True, False]
