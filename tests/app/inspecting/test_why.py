"""Explanations hold: averages, confidence and lines agree with what the engine said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.inspecting.why import MOST_SAMPLES, Explainer
from models.data.layers import generate_pair
from models.data.pairs import Pair
from models.engine import Engine, SearchRange
from models.evaluation.measures import chroma_planes


@pytest.fixture(scope="module")
def pair() -> Pair:
    made = generate_pair(np.random.default_rng(4), 96, 144, 32, [])
    mono, reference, truth = (
        np.asarray(np.round(image * 255), np.uint8) for image in (made.mono, made.reference, made.truth)
    )
    return Pair("made", "made", mono, reference, truth)


@pytest.fixture(scope="module")
def explainer(pair: Pair) -> Explainer:
    engine = Engine("live", "cpu")
    engine.load()
    return Explainer(pair, engine.colorize(pair.mono, pair.reference, SearchRange(32)))


def test_what_is_shown_adds_up_to_the_picture(explainer: Explainer) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        why = explainer.at(int(rng.integers(144)), int(rng.integers(96)))
        assert why.residual_levels <= 1
        assert why.contributions.box_weights.sum() == pytest.approx(1)
        assert math.prod(factor.factor for factor in why.factors) == pytest.approx(why.confidence, rel=2e-3)


def test_the_refiner_s_part_is_the_rest(explainer: Explainer) -> None:
    changed = [explainer.at(x, 50) for x in range(0, 144, 7)]
    for why in changed:
        assert why.refined_rgb is not None
        assert why.refined_chroma is not None
        planes = chroma_planes(np.array([[why.first_rgb, why.refined_rgb]], np.uint8))[0]
        np.testing.assert_allclose(planes[1] - planes[0], why.refined_chroma)
        assert (why.refined_delta_e == 0) == (why.first_rgb == why.refined_rgb)
        assert why.truth_delta_e is not None
    assert any(why.refined_delta_e for why in changed)


def test_a_method_without_a_refiner_has_none_to_blame(pair: Pair, explainer: Explainer) -> None:
    why = Explainer(pair, explainer.result, refines=False).at(70, 40)
    assert why.refined_rgb is None
    assert why.refined_chroma is None
    assert why.truth_delta_e is not None


def test_a_line_says_what_its_pixels_say(explainer: Explainer) -> None:
    line = explainer.along((130, 80), (20, 25))
    assert len(line.xs) == 111
    assert line.distances_px[0] == 0
    assert line.distances_px[-1] == pytest.approx(math.hypot(110, 55))
    assert set(line.chroma) == {"first", "refined", "truth"}
    for n in (0, 37, 110):
        why = explainer.at(int(line.xs[n]), int(line.ys[n]))
        np.testing.assert_allclose(line.weights[n], why.contributions.weights, atol=1e-6)
        np.testing.assert_array_equal(line.disparities, why.contributions.disparities)
        assert line.peak_px[n] == pytest.approx(why.peak_px)
        assert line.luma[n] == why.mono_level


def test_a_line_is_moved_into_the_image_and_never_too_long(explainer: Explainer) -> None:
    line = explainer.along((-50, 10), (5000, 10))
    assert (line.xs[0], line.xs[-1]) == (0, 143)
    assert len(line.xs) <= MOST_SAMPLES
    assert len(explainer.along((5, 5), (5, 5)).xs) == 1


def test_nothing_is_said_of_pixels_outside(explainer: Explainer) -> None:
    with pytest.raises(IndexError, match="outside"):
        explainer.at(144, 3)


def test_colours_of_candidates_are_those_of_the_reference(explainer: Explainer, pair: Pair) -> None:
    why = explainer.at(60, 40)
    best = int(why.contributions.weights.argmax())
    left, top, right, bottom = why.contributions.boxes[int(why.contributions.box_weights.argmax())]
    if explainer.result.rows is None and explainer.result.weights.stride == 1:
        assert (right - left, bottom - top) == (1, 1)
        np.testing.assert_array_equal(why.contributions.pictured[best], pair.reference[int(top), int(left)])
    else:
        pytest.fail("the scene should need no rows moved, and be matched pixel by pixel")
