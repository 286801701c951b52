from __future__ import annotations

import numpy as np
import pytest

from app.ui.layers import CHOICES, FIXED, LAYERS, Scene, value_text
from tests.app.ui.conftest import HEIGHT, SHIFT, WIDTH, make_pair, make_scene


@pytest.mark.parametrize("key", LAYERS)
def test_every_layer_has_a_picture_and_values(key: str) -> None:
    picture = LAYERS[key].picture(make_scene())
    assert picture is not None
    assert picture.size == (WIDTH, HEIGHT)
    assert value_text(picture, 3, 60)


@pytest.mark.parametrize("key", [layer.key for layer in CHOICES])
def test_maps_say_what_is_missing(key: str) -> None:
    layer = LAYERS[key]
    assert layer.picture(Scene(make_pair())) is None
    assert layer.missing


def test_only_the_first_two_follow_the_cameras() -> None:
    assert [layer.key for layer in FIXED if layer.picture(Scene(make_pair())) is not None] == [
        "gray",
        "reference",
    ]


def test_values_are_those_of_the_arrays() -> None:
    scene = make_scene()
    assert scene.result is not None
    assert scene.pair is not None
    colorization = scene.result.colorization
    gray, refined, disparity = (LAYERS[key].picture(scene) for key in ("gray", "refined", "disparity"))
    assert gray is not None
    assert refined is not None
    assert disparity is not None
    assert value_text(gray, 5, 9) == str(scene.pair.mono[9, 5])
    assert value_text(refined, 5, 9).split() == [str(v) for v in colorization.refined[9, 5]]
    assert value_text(disparity, 5, 40) == f"{SHIFT:.1f} px"


def test_errors_against_truth() -> None:
    scene = make_scene()
    assert scene.result is not None
    assert scene.result.truth is not None
    error = LAYERS["disparity_error"].source(scene)
    assert error is not None
    assert np.all(error[40] == 1.0)
    color = LAYERS["color_error"].source(scene)
    assert color is not None
    expected = np.abs(scene.result.colorization.refined.astype(int) - scene.result.truth.color).mean(axis=2)
    assert np.allclose(color, expected, atol=1e-4)


def test_another_colour_map_replaces_the_layers_own() -> None:
    picture = LAYERS["confidence"].picture(make_scene(), "magma")
    assert picture is not None
    assert picture.scale is not None
    assert picture.scale.colour_map == "magma"
