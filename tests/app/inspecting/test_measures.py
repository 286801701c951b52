from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inspecting.measures import BY_KEY, MEASURES, Measure, comparable_truth, measure
from app.inspecting.measures_cache import MeasuresCache
from app.inspecting.measures_duel import duel
from app.inspecting.measures_table import Row, brushed, columns_of, histogram, of_methods, worst_first
from models import color
from models.engine import SearchRange
from tests.app.inspecting.scenes import SHIFT, WIDTH, make_pair, predict

SEARCH = SearchRange(2 * SHIFT)


def test_a_right_result_has_perfect_values():
    pair = make_pair()
    values = measure(pair, predict(pair), SEARCH)
    for key in ("ssim_rgb", "cycle_ssim", "structure"):
        assert values[key] == pytest.approx(1, abs=1e-6), key
    assert values["psnr_db"] == 100
    assert values["delta_e"] == values["wrong_share"] == 0
    assert values["confidence"] == pytest.approx(0.725)
    assert values["unsure_share"] == 0.25
    assert values["occluded_share"] == pytest.approx(SHIFT / WIDTH)
    assert values["row_residual_px"] < 0.05


def test_a_worse_result_is_worse_by_every_measure_of_its_colours():
    pair = make_pair()
    right, near, far = (measure(pair, predict(pair, error), SEARCH) for error in (0, 10, 60))
    for key in ("ssim_rgb", "psnr_db", "delta_e", "wrong_share", "cycle_ssim"):
        sign = 1 if BY_KEY[key].better == "high" else -1
        assert sign * right[key] >= sign * near[key] > sign * far[key], key


def test_without_a_truth_the_measures_that_need_none_remain():
    with_truth = make_pair()
    blind = replace(with_truth, truth=None, disparity=None)
    values = measure(blind, predict(with_truth, 5), SEARCH)
    assert {key for key, value in values.items() if value is None} == {
        "ssim_rgb",
        "psnr_db",
        "delta_e",
        "wrong_share",
    }


def test_another_sensors_luma_is_no_error_of_colour():
    pair = make_pair()
    darker = replace(pair, mono=(pair.mono * 0.7).astype(np.uint8), mono_is_luma=False)
    perfect = comparable_truth(darker)
    # Colours that no display can show at that luma are clipped: a few per cent of them.
    assert np.mean(np.abs(color.luma_uint8(perfect).astype(int) - darker.mono) > 1) < 0.1
    values = measure(darker, replace(predict(pair), first_pass=perfect), SEARCH)
    assert values["delta_e"] == 0
    # As it lies in the folder, the truth would blame every method for the darker sensor.
    blamed = replace(darker, mono_is_luma=True)
    assert measure(blamed, replace(predict(pair), first_pass=perfect), SEARCH)["delta_e"] > 5


def test_a_row_that_is_off_is_measured():
    pair = make_pair()
    lower = replace(pair, reference=np.roll(pair.reference, 2, axis=0))
    assert measure(lower, predict(pair), SEARCH)["row_residual_px"] == pytest.approx(2, abs=0.1)


def test_a_mirrored_rig_has_the_same_hidden_part():
    pair = make_pair()
    seen = predict(pair)
    mirrored = replace(
        pair, mono=pair.mono[:, ::-1].copy(), reference=pair.reference[:, ::-1].copy(), disparity=None
    )
    values = measure(mirrored, seen, replace(SEARCH, mirrored=True))
    assert values["occluded_share"] == pytest.approx(SHIFT / WIDTH)
    assert values["row_residual_px"] < 0.05


def test_measured_values_are_kept_and_damage_is_noticed(tmp_path: Path):
    cache = MeasuresCache(tmp_path / "measures")
    values = {key: None if key == "psnr_db" else 0.5 for key in BY_KEY}
    assert cache.get("a") is None
    cache.put("a", values)
    assert cache.get("a") == values
    assert cache.get("b") is None
    (file,) = (tmp_path / "measures").rglob("*.json")
    whole = file.read_bytes()
    for broken in (
        whole[:-3],
        b"[]",
        b"{}",
        whole.replace(b"0.5", b'"x"', 1),
        whole.replace(b"0.5", b"NaN", 1),
    ):
        file.write_bytes(broken)
        assert cache.get("a") is None


def _rows(key: str, **values: list[float | None]) -> list[Row]:
    return [
        Row(f"p{i}", method, {key: value})
        for method, given in values.items()
        for i, value in enumerate(given)
    ]


def test_the_worst_come_first_whatever_worse_means():
    psnr = _rows("psnr_db", live=[30.0, None, 20.0, math.nan, 40.0])
    assert [row.item for row in worst_first(psnr, BY_KEY["psnr_db"])] == ["p2", "p0", "p4", "p1", "p3"]
    assert [r.item for r in worst_first(psnr, BY_KEY["psnr_db"], best_first=True)][:3] == ["p4", "p0", "p2"]
    error = _rows("delta_e", live=[3.0, 1.0, 2.0])
    assert [row.item for row in worst_first(error, BY_KEY["delta_e"])] == ["p0", "p2", "p1"]


def test_columns_are_those_that_have_values():
    rows = [Row("p0", "live", {"delta_e": 1.0, "psnr_db": None, "skew_ms": 0.3, "odd": 1.0})]
    skew = Measure("skew_ms", "Skew", "ms", "", "low", 2, 0.0)
    assert [c.heading for c in columns_of(rows, {"skew_ms": skew})] == ["ΔE00", "odd", "Skew, ms"]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=300))
@settings(deadline=None)
def test_a_histogram_counts_every_value_once(values: list[float]):
    found = histogram(values)
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        assert found is None
        return
    assert found is not None
    assert found.counts.sum() == len(finite)
    assert len(found.edges) == len(found.counts) + 1
    assert found.edges[0] <= min(finite) <= max(finite) <= found.edges[-1]


def test_brushing_keeps_what_lies_in_the_span():
    rows = _rows("delta_e", live=[1.0, 2.0, 3.0, None])
    assert [row.item for row in brushed(rows, "delta_e", (2.0, 3.0))] == ["p1", "p2"]
    assert brushed(rows, "delta_e", None) == rows
    assert of_methods(rows, ["sgbm"]) == []


def test_two_networks_against_each_other():
    rows = _rows("delta_e", live=[1.0, 2.0, 3.0, 4.0], paper=[2.0, 2.01, 5.0, None])
    found = duel(rows, BY_KEY["delta_e"], "live", "paper")
    assert found is not None
    assert (found.wins, found.losses, found.ties) == (2, 0, 1)
    assert [dot.item for dot in found.dots] == ["p0", "p1", "p2"]
    assert found.gain.value == pytest.approx((1.0 + 0.01 + 2.0) / 3)
    assert found.win_share.value == pytest.approx(2.5 / 3)
    other = duel(rows, BY_KEY["delta_e"], "paper", "live")
    assert other is not None
    assert (other.wins, other.losses) == (0, 2)
    assert other.gain.value == pytest.approx(-found.gain.value)
    assert duel(rows, BY_KEY["delta_e"], "live", "live") is None
    assert duel(rows, BY_KEY["psnr_db"], "live", "paper") is None


def test_the_verdict_claims_no_more_than_the_interval():
    clear = _rows(
        "psnr_db", live=[30.0 + 0.1 * i for i in range(20)], paper=[28.0 + 0.1 * i for i in range(20)]
    )
    found = duel(clear, BY_KEY["psnr_db"], "live", "paper")
    assert found is not None
    assert found.verdict.startswith("live is better")
    noise = np.random.default_rng(0).normal(size=20)
    open_ = _rows("psnr_db", live=list(30 + noise), paper=list(30 - noise + 2 * noise.mean()))
    undecided = duel(open_, BY_KEY["psnr_db"], "live", "paper")
    assert undecided is not None
    assert undecided.verdict.startswith("no difference")
    single = duel(clear[:1] + clear[20:21], BY_KEY["psnr_db"], "live", "paper")
    assert single is not None
    assert "says nothing" in single.verdict


def test_every_column_says_how_to_read_it():
    assert len({m.key for m in MEASURES}) == len(MEASURES)
    for column in MEASURES:
        assert len(column.tip) > 20
        assert column.text(None) == column.text(math.inf) == "–"
