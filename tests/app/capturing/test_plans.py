"""Gates and plans: pure decisions."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from app.capturing.gates import (
    GATE,
    GATES,
    GateLimit,
    Verdict,
    default_limits,
    judge,
    limits_from,
    limits_table,
    reason,
)
from app.capturing.modes import KINDS, Plan, Situation, decide, pause_s
from app.capturing.state import FILE_NAME, CaptureState, read_state, write_state
from capture.errors import DatasetError

GOOD = {spec.key: spec.default_limit for spec in GATES}
"""A value at its limit keeps it."""


def walls() -> dict[str, GateLimit]:
    return {spec.key: GateLimit(spec.default_limit, "wall") for spec in GATES}


@pytest.mark.parametrize("spec", GATES, ids=lambda spec: spec.key)
def test_each_gate_refuses_beyond_its_limit_only(spec) -> None:  # type: ignore[no-untyped-def]
    beyond = spec.default_limit + (0.001 if spec.better == "low" else -0.001)
    values = {**GOOD, spec.key: beyond}
    assert judge(GOOD, walls()) == Verdict(GOOD)
    assert judge(values, walls()).refused == (spec.key,)
    assert judge(values, {**walls(), spec.key: GateLimit(spec.default_limit, "warn")}).warnings == (spec.key,)
    off = judge(values, {**walls(), spec.key: GateLimit(spec.default_limit, "off")})
    assert (off.refused, off.warnings) == ((), ())
    assert judge({**values, spec.key: None}, walls()).refused == (), "what is unknown passes"


def test_a_reason_names_value_unit_and_limit() -> None:
    assert reason("skew_ms", 3.2, 2) == "Skew 3.20 ms: at most 2.00 ms"
    assert reason("sharpness", 0.512, 0.7) == "Sharpness 0.51: at least 0.70"


def test_limits_come_back_from_a_table_and_a_wrong_one_is_named() -> None:
    limits = {**default_limits(), "skew_ms": GateLimit(1.25, "wall")}
    assert limits_from(limits_table(limits)) == limits
    for table in (
        {"skew": {"limit": 1, "mode": "wall"}},
        {"skew_ms": {"limit": True, "mode": "wall"}},
        {"skew_ms": {"limit": 1.0, "mode": "perhaps"}},
        {"skew_ms": {"limit": math.nan, "mode": "wall"}},
        {"skew_ms": {"limit": 10**400, "mode": "wall"}},
        {"skew_ms": 3},
    ):
        with pytest.raises(DatasetError, match="skew"):
            limits_from(table)


def situation(changed: float | None = None, due_in_s: float = 0.0, **values: float) -> Situation:
    return Situation(judge({**GOOD, **values}, default_limits()), changed, due_in_s)


def test_a_timed_plan_waits_until_it_is_due_and_for_a_pair_that_passes() -> None:
    plan, limits = Plan("timed", period_s=5), default_limits()
    assert pause_s(plan) == 5
    assert not decide(plan, situation(due_in_s=0.2), limits).save
    assert decide(plan, situation(due_in_s=-0.2), limits).save
    shaken = decide(plan, situation(motion_px=3.0), limits)
    assert not shaken.save
    assert shaken.reason == "Motion 3.00 px: at most 1.00 px"
    assert decide(plan, situation(row_error_px=3.0), limits).save, "a warning does not stop it"


def test_on_change_compares_with_the_pair_saved_last() -> None:
    plan, limits = Plan("change"), default_limits()
    assert decide(plan, situation(changed=None), limits).save
    assert decide(plan, situation(changed=0.5), limits).save
    assert not decide(plan, situation(changed=0.01), limits).save


def test_a_walk_through_asks_for_everything() -> None:
    plan, limits = Plan("walk"), default_limits()
    assert decide(plan, situation(), limits).save
    assert decide(plan, situation(motion_px=2.0), limits).reason == "Waiting until the picture stands still"
    assert decide(plan, situation(duplicate_distance=0.0), limits).reason.startswith("Seen already")
    only_warned = decide(plan, situation(texture_share=0.1), limits)
    assert not only_warned.save
    assert only_warned.reason == "Texture 0.10: at least 0.30"
    waits = Situation(judge({**GOOD, "cycle_ssim": None}, limits), None, 0, colors_to_come=True)
    assert decide(plan, waits, limits).reason == "Waiting for the colours of this scene"
    assert decide(plan, waits, {**limits, "cycle_ssim": GateLimit(0.9, "off")}).save
    assert decide(Plan("timed"), waits, limits).save
    off = {**limits, "texture_share": GateLimit(0.3, "off")}
    now = Situation(judge({**GOOD, "texture_share": 0.1}, off), None, 0)
    assert decide(plan, now, off).save


@pytest.mark.parametrize(
    "values", [{"count": 0}, {"target": 0}, {"period_s": 0.0}, {"period_s": float("nan")}]
)
def test_a_plan_that_makes_no_sense_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Plan("timed", **values)  # type: ignore[arg-type]


def test_what_a_session_remembers_comes_back(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    state = CaptureState(
        target=300,
        plan=Plan("walk", target=300),
        limits={**default_limits(), "motion_px": GateLimit(0.25, "wall")},
        palette=("a", "b"),
        tags=("a",),
        operator="Zoë",
        lens_note='6 mm "fast"',
        sharpest={"mono": 1.1, "color": 0.9},
    )
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("target = 0", "target"),
        ("target = true", "target"),
        ("tags = 'x'", "tags"),
        ("tags = [' x']", "tag"),
        ("running = {kind='fly', count=1, period_s=1.0}", "fly"),
        ("running = {kind='timed', count=1, period_s=0.0}", "running"),
        ("gates = 3", "gates"),
        ("sharpest = {mono = -1.0}", "sharpest"),
        ("sharpest = {infrared = 1.0}", "sharpest"),
        ("operator = 3", "operator"),
        ("colour = 1", "colour"),
        ("target = ", "capture.toml"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(DatasetError, match=named):
        read_state(tmp_path)


INNER = ["kind", "count", "period_s", "mono", "skew_ms", "limit", "mode"]
TOML = st.recursive(
    st.one_of(st.integers(-(2**60), 2**60), st.floats(), st.booleans(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(INNER), inner),
    ),
    max_leaves=8,
)
KEYS = ["target", "palette", "tags", "operator", "lens_note", "gates", "running", "sharpest"]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), TOML))
def test_whatever_stands_in_the_file_is_read_or_refused(table: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        path.write_text(tomli_w.dumps(table), encoding="utf-8", errors="replace")
        try:
            state = read_state(Path(folder))
        except DatasetError:
            return
    assert state is not None
    assert state.plan is None or state.plan.kind in KINDS
    assert set(state.limits) == set(GATE)
