from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inspecting.study import LEVELS, Question, StudyPlan, draw_plan, questions
from app.inspecting.study_export import export_study, result_svg
from app.inspecting.study_results import check_rater_votes, evaluate_study, wilson
from app.inspecting.study_store import (
    Ballot,
    Vote,
    all_votes,
    check_rater,
    create_study,
    raters,
    read_plan,
    read_votes,
)
from capture.errors import DatasetError

PLAN = StudyPlan(7, tuple(f"pair{i}" for i in range(12)), ("live", "paper", "sgbm"), again_share=0.1)


@given(
    st.integers(1, 30), st.integers(1, 5), st.floats(0, 1), st.integers(0, 2**32), st.sampled_from(["a", "b"])
)
@settings(max_examples=60, deadline=None)
def test_everyone_is_asked_everything_once_and_some_again_later(pairs, methods, share, seed, rater):
    plan = StudyPlan(
        seed, tuple(f"p{i}" for i in range(pairs)), tuple(f"m{i}" for i in range(methods)), share
    )
    asked = questions(plan, rater)
    first = [q for q in asked if not q.again]
    assert sorted((q.item, q.method) for q in first) == sorted(
        (i, m) for i in plan.items for m in plan.methods
    )
    for place, question in enumerate(asked):
        if question.again:
            before = asked.index(Question(question.item, question.method, again=False))
            assert place - before > min(10, plan.results // 2)
    again = [q for q in asked if q.again]
    assert len(set(again)) == len(again) <= max(1, round(share * plan.results))
    assert (len(again) > 0) == (share > 0 and plan.results > 0)
    assert questions(plan, rater) == asked


def test_raters_and_seeds_have_orders_of_their_own():
    orders = {questions(PLAN, "ann"), questions(PLAN, "ben")}
    orders.add(questions(StudyPlan(8, PLAN.items, PLAN.methods), "ann"))
    assert len(orders) == 3
    # Not pair by pair or method by method, either.
    assert len({q.method for q in questions(PLAN, "ann")[:6]}) > 1


def test_pairs_are_drawn_at_random_and_the_same_again():
    names = [f"n{i:03d}" for i in range(300)]
    plan = draw_plan(names, ["a"], count=100, seed=3)
    assert len(plan.items) == 100
    assert plan == draw_plan(names, ["a"], count=100, seed=3)
    assert set(plan.items) != set(draw_plan(names, ["a"], count=100, seed=4).items)
    assert draw_plan(names[:5], ["a"], count=100).items == tuple(names[:5])


def test_a_study_without_pairs_or_with_one_name_twice_is_refused():
    with pytest.raises(DatasetError, match="at least one pair"):
        draw_plan([], ["a"])
    with pytest.raises(DatasetError, match="method twice"):
        StudyPlan(0, ("p",), ("a", "a"))
    with pytest.raises(DatasetError, match="too many"):
        StudyPlan(0, tuple(map(str, range(40_000))), ("a", "b", "c"))


def test_the_plan_and_every_vote_are_read_back(tmp_path: Path):
    create_study(tmp_path, PLAN)
    assert read_plan(tmp_path) == PLAN
    ballot = Ballot(tmp_path, "ann")
    assert ballot.next_open == 0
    ballot.vote(0, 2)
    ballot.vote(1, 5)
    ballot.vote(0, 3)  # a person went back and thought again
    again = Ballot(tmp_path, "ann")
    assert {q: v.level for q, v in again.votes.items()} == {0: 3, 1: 5}
    assert again.next_open == 2
    Ballot(tmp_path, "ben").vote(0, 1)
    assert raters(tmp_path) == ["ann", "ben"]
    with pytest.raises(DatasetError, match="holds a study already"):
        create_study(tmp_path, PLAN)


def test_a_torn_line_is_no_vote_and_goes_away(tmp_path: Path):
    create_study(tmp_path, PLAN)
    Ballot(tmp_path, "ann").vote(0, 2)
    path = tmp_path / "votes" / "ann.jsonl"
    whole = path.read_bytes()
    for cut in range(1, len(whole) + 1):
        path.write_bytes(whole + whole[:-cut])
        ballot = Ballot(tmp_path, "ann")
        assert {q: v.level for q, v in ballot.votes.items()} == {0: 2}
        ballot.vote(1, 4)
        assert {q: v.level for q, v in Ballot(tmp_path, "ann").votes.items()} == {0: 2, 1: 4}


def _vote_until_killed(folder: str, pipe) -> None:
    ballot = Ballot(Path(folder), "ann")
    for question in range(len(ballot.questions)):
        ballot.vote(question, 1 + question % 5)
        pipe.send(question)
    os.kill(os.getpid(), signal.SIGSTOP)


def test_a_kill_loses_no_vote(tmp_path: Path):
    create_study(tmp_path, PLAN)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_vote_until_killed, args=(str(tmp_path), theirs))
    process.start()
    told = [ours.recv() for _ in range(9)]
    process.kill()
    process.join()
    while ours.poll():
        told.append(ours.recv())
    votes = read_votes(tmp_path, PLAN, "ann")
    assert set(told) <= set(votes)
    assert all(vote.level == 1 + question % 5 for question, vote in votes.items())


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "é", "-x", "x" * 41])
def test_a_rater_needs_a_name_that_a_file_can_have(name: str):
    with pytest.raises(DatasetError, match="letters"):
        check_rater(name)


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"question":0,"item":"other","method":"live","again":false,"level":1,"at":""}',
        b'{"question":99999999,"item":"pair0","method":"live","again":false,"level":1,"at":""}',
        b'{"question":true,"item":"pair0","method":"live","again":false,"level":1,"at":""}',
    ],
)
def test_lines_that_are_no_votes_are_refused_by_number(tmp_path: Path, line: bytes):
    create_study(tmp_path, PLAN)
    Ballot(tmp_path, "ann").vote(0, 2)
    with (tmp_path / "votes" / "ann.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(DatasetError, match="line 2"):
        Ballot(tmp_path, "ann")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schema = 2", "schema 1"),
        ("schema = 1\nseed = 1", "items is missing"),
        (
            'schema = 1\nseed = "x"\nitems = ["a"]\nmethods = ["a"]\nagain_share = 0.1\nallowed_slips = 0',
            "whole",
        ),
        (
            'schema = 1\nseed = 1\nitems = ["a"]\nmethods = ["a"]\nagain_share = 0\nallowed_slips = 0\nx = 1',
            "x is not a known key",
        ),
    ],
)
def test_a_broken_plan_says_what_is_wrong(tmp_path: Path, text: str, says: str):
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(DatasetError, match=says):
        read_plan(tmp_path)


def _votes(plan: StudyPlan, rater: str, level_of) -> dict[int, Vote]:
    return {
        i: Vote(i, q.item, q.method, q.again, level_of(q), "2026-01-01T00:00:00+00:00")
        for i, q in enumerate(questions(plan, rater))
    }


def _by_method(question: Question) -> int:
    return {"live": 1, "paper": 2, "sgbm": 4}[question.method]


def test_a_rater_off_by_more_than_one_level_is_dropped():
    steady = _votes(PLAN, "ann", _by_method)
    near = _votes(PLAN, "ben", lambda q: _by_method(q) + q.again)
    wild = _votes(PLAN, "cat", lambda q: 5 if q.again else 1)
    result = evaluate_study(PLAN, {"ann": steady, "ben": near, "cat": wild})
    assert {c.rater: c.dropped for c in result.raters} == {"ann": False, "ben": False, "cat": True}
    # Counted: first answers of two raters on twelve pairs; the second answers only check.
    assert [(m.method, m.counts) for m in result.methods] == [
        ("live", (24, 0, 0, 0, 0)),
        ("paper", (0, 24, 0, 0, 0)),
        ("sgbm", (0, 0, 0, 24, 0)),
    ]
    slips = check_rater_votes(PLAN, "cat", list(wild.values())).slips
    tolerant = StudyPlan(PLAN.seed, PLAN.items, PLAN.methods, PLAN.again_share, allowed_slips=slips)
    assert not check_rater_votes(tolerant, "cat", list(wild.values())).dropped


def test_one_slip_beyond_what_is_allowed_is_one_too_many():
    repeated = next(q for q in questions(PLAN, "dan") if q.again)
    once = _votes(PLAN, "dan", lambda q: 5 if q == repeated else 1)
    check = check_rater_votes(PLAN, "dan", list(once.values()))
    assert (check.slips, check.dropped) == (1, True)


def test_intervals_hold_the_share():
    # Newcombe 1998, table I: 81 of 263, Wilson without continuity correction.
    estimate = wilson(81, 263)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 20).low == 0
    assert round(wilson(0, 20).high, 4) == 0.1611
    mixed = _votes(PLAN, "ann", lambda q: 1 if int(q.item[4:]) % 2 else 3)
    for method in evaluate_study(PLAN, {"ann": mixed}).methods:
        assert method.good.low < method.good.value == 0.5 < method.good.high
        assert method.mean_level.value == 2


def test_the_exports_say_the_same(tmp_path: Path):
    votes = {
        "ann": _votes(PLAN, "ann", _by_method),
        "cat": _votes(PLAN, "cat", lambda q: 5 if q.again else 1),
    }
    paths = export_study(tmp_path / "out", PLAN, votes)
    lines = list(csv.DictReader(io.StringIO(paths[0].read_text())))
    assert len(lines) == 2 * len(questions(PLAN, "ann"))
    assert {line["rater"] for line in lines if line["dropped"] == "1"} == {"cat"}
    document = json.loads(paths[1].read_text())
    assert document["methods"]["live"]["counts"] == {LEVELS[0]: 12, **dict.fromkeys(LEVELS[1:], 0)}
    drawing = ET.fromstring(paths[2].read_text())
    bars = [r for r in drawing.iter("{http://www.w3.org/2000/svg}rect") if r.get("height") == "28"]
    assert len(bars) == 3  # every method got one level only: a full bar each
    assert len({bar.get("width") for bar in bars}) == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in paths)


def test_names_of_methods_cannot_break_the_drawing():
    plan = StudyPlan(0, ("a", "b"), ("<script>&", "x" * 80))
    drawn = result_svg(evaluate_study(plan, {"ann": _votes(plan, "ann", lambda q: 3)}))
    assert "<script>" not in drawn
    ET.fromstring(drawn)


def test_nothing_answered_is_no_result(tmp_path: Path):
    create_study(tmp_path, PLAN)
    Ballot(tmp_path, "ann")
    assert all_votes(tmp_path, PLAN) == {}
    assert evaluate_study(PLAN, {}).methods == []
