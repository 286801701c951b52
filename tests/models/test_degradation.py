"""Degradation on a planted pair: results are wrong where they were made wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.data.pairs import Pair
from models.errors import ModelError
from models.evaluation import degradation as module
from models.evaluation import standalone
from models.evaluation.degradation import LEFT, RIGHT, degradation, mean_degradation
from models.evaluation.methods import Prediction
from models.evaluation.places import (
    CAMERA,
    DEPTH_EDGES,
    FIRST,
    OCCLUDED,
    OUTSIDE,
    PLACES,
    REFINED,
    TEXTURED,
    TEXTURELESS,
    places_of,
)
from models.evaluation.regions import WHOLE
from tests.models.planted import FAR, NEAR, planted_pair, write


def muted_pair() -> Pair:
    """Return the planted pair with colours that leave room on both sides."""
    pair = planted_pair()
    assert pair.truth is not None
    return replace(pair, truth=(pair.truth // 4 + 90).astype(np.uint8))


def prediction(pair: Pair, wrong: np.ndarray, confidence: np.ndarray) -> Prediction:
    """Return a result like the truth, but greener where it is wrong."""
    assert pair.truth is not None
    result = pair.truth.copy()
    result[wrong] = result[wrong] + np.array([-20, 34, -20])
    return Prediction(result, pair.reference, confidence.astype(np.float32), refined=pair.truth)


def test_places_are_those_of_the_planted_scene() -> None:
    pair = muted_pair()
    places = places_of(pair)
    assert tuple(places) == PLACES
    columns = np.flatnonzero(places[OUTSIDE].any(axis=0))
    assert (columns[0], columns[-1]) == (140 - FAR, 139)
    # The square hides a strip of the wall as wide as the difference of the disparities, right of itself.
    square = slice(15, 45), slice(46, 46 + 35)
    hidden = np.flatnonzero(places[OCCLUDED].any(axis=0))
    assert (hidden[0], hidden[-1]) == (46 + 35, 46 + 35 + NEAR - FAR - 1)
    edges = places[DEPTH_EDGES]
    assert edges[20, 46 - 3 : 46 + 3].all()
    assert not edges[20, [46 - 4, 46 + 3]].any()
    assert places[TEXTURED][square].all()
    assert not places[TEXTURELESS].any()


def test_errors_and_confidence_are_told_by_place() -> None:
    pair = muted_pair()
    places = places_of(pair)
    wrong = places[OCCLUDED] | places[OUTSIDE]
    found = degradation(prediction(pair, wrong, np.where(wrong, 0.1, 0.9)), pair)
    for place in (OCCLUDED, OUTSIDE):
        assert found[place][FIRST].far_off == 1
        assert found[place][FIRST].error > 10
        assert found[place][FIRST].confidence == pytest.approx(0.1)
    assert found[TEXTURED][FIRST].error == 0
    assert found[TEXTURED][FIRST].confidence == pytest.approx(0.9)
    assert found[TEXTURED][FIRST].auc is None
    assert found[WHOLE][FIRST].auc == 1
    assert found[WHOLE][REFINED].error == 0


def test_the_camera_is_measured_where_it_sees_the_pixel() -> None:
    pair = planted_pair()
    right = np.zeros(pair.mono.shape, np.bool_)
    found = degradation(prediction(muted_pair(), right, ~right), pair)
    assert found[TEXTURED][CAMERA].error == 0
    assert found[TEXTURED][CAMERA].pixels == found[TEXTURED][FIRST].pixels
    assert found[TEXTURED][CAMERA].confidence is None
    assert found[WHOLE][CAMERA].pixels < pair.mono.size
    assert CAMERA not in found[OCCLUDED]
    assert CAMERA not in found[OUTSIDE]


def test_confidence_that_says_nothing_has_an_auc_of_a_half() -> None:
    pair = muted_pair()
    wrong = places_of(pair)[OCCLUDED]
    found = degradation(prediction(pair, wrong, np.full(wrong.shape, 0.5)), pair)
    assert found[WHOLE][FIRST].auc == 0.5


def test_a_green_margin_shows_in_the_bias_of_the_outermost_columns() -> None:
    pair = muted_pair()
    margin = np.zeros(pair.mono.shape, np.bool_)
    margin[:, -2:] = True
    found = degradation(prediction(pair, margin, np.ones(margin.shape)), pair)
    green, clean = found[RIGHT][FIRST], found[LEFT][FIRST]
    assert green.pixels == 120
    assert max(green.bias_cb, green.bias_cr) < -10
    assert (clean.bias_cb, clean.bias_cr) == (0, 0)


def test_the_mean_weighs_pairs_by_their_pixels() -> None:
    pair = muted_pair()
    every, none = np.ones(pair.mono.shape, np.bool_), np.zeros(pair.mono.shape, np.bool_)
    bad, good = (degradation(prediction(pair, wrong, ~wrong), pair) for wrong in (every, none))
    mean = mean_degradation([bad, good, good, good])[WHOLE][FIRST]
    assert (mean.far_off, mean.confidence) == (0.25, 0.75)
    assert mean.pixels == 4 * pair.mono.size
    assert mean_degradation([bad, {}])[WHOLE][FIRST].far_off == 1


def test_a_pair_without_truth_is_refused() -> None:
    pair = muted_pair()
    made = prediction(pair, np.zeros(pair.mono.shape, np.bool_), np.ones(pair.mono.shape))
    with pytest.raises(ModelError, match="truth/"):
        degradation(made, replace(pair, disparity=None))


def test_the_command_prints_a_table_and_writes_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = muted_pair()
    assert pair.truth is not None
    assert pair.disparity is not None
    folder = tmp_path / "pairs"
    write(folder / "truth" / "a.png", pair.truth)
    write(folder / "reference" / "a.png", pair.reference)
    (folder / "disparity").mkdir()
    np.save(folder / "disparity" / "a.npy", pair.disparity)
    out = tmp_path / "degradation.json"
    arguments = [str(folder), "--model", "copy", "--out", str(out)]
    assert standalone.main("degradation", "Measure.", module.measure_folders, module.table, arguments) == 0
    figures = json.loads(out.read_text())["copy"]
    assert figures[WHOLE]["first"]["pixels"] == pair.mono.size
    assert "occluded" in capsys.readouterr().out
