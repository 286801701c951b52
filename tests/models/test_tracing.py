"""Every colour can be traced: the average of what contributed is what the first pass said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models import color
from models.colorizer import WeightVolume, average_candidates, shift_reference
from models.data.layers import generate_pair
from models.data.pairs import open_pairs
from models.engine import Colorization, Engine, SearchRange
from models.live import LiveColorizer
from models.presets import load_networks
from models.tracing import Tracer

Rgb = NDArray[np.uint8]


@pytest.fixture(scope="module")
def engine() -> Engine:
    loaded = Engine("live", "cpu")
    loaded.load()
    return loaded


@pytest.fixture(scope="module")
def coarse() -> Engine:
    """The same weights on cells of 4 pixels, as large images get them."""
    networks = load_networks("live")
    assert isinstance(networks.colorizer, LiveColorizer)
    networks.colorizer.config = replace(networks.colorizer.config, volume_budget=1000)
    engine = Engine("live", "cpu")
    engine.use(networks)
    return engine


def _scene(height: int, width: int) -> tuple[Rgb, Rgb]:
    pair = generate_pair(np.random.default_rng(5), height, width, 24, [])
    return tuple(np.asarray(np.round(image * 255), np.uint8) for image in (pair.mono, pair.reference))  # type: ignore[return-value]


def _places(shape: tuple[int, ...], count: int = 40) -> list[tuple[int, int]]:
    rng = np.random.default_rng(0)
    corners = [(0, 0), (shape[1] - 1, 0), (0, shape[0] - 1), (shape[1] - 1, shape[0] - 1)]
    return corners + [(int(rng.integers(shape[1])), int(rng.integers(shape[0]))) for _ in range(count)]


def _largest_residual(result: Colorization, mono: NDArray[np.uint8], reference: Rgb) -> float:
    """Return by how many levels traced averages, as pictures, differ at most from the result's pictures."""
    tracer = Tracer(result.weights, reference, result.rows, mirrored=result.search.mirrored)
    worst = 0.0
    for x, y in _places(mono.shape):
        average = torch.tensor(tracer.trace(x, y).average, dtype=torch.float32)
        luma = torch.tensor([mono[y, x] / 255], dtype=torch.float32).reshape(1, 1, 1)
        rgb = (color.combine(luma, average[1:].reshape(2, 1, 1)) * 255).round().clamp(0, 255)
        shown = result.first_pass[y, x].astype(float)
        worst = max(worst, float(np.abs(rgb.flatten().numpy() - shown).max()))
        worst = max(worst, abs(float(average[0]) * 255 - float(result.warped_luma[y, x])) - 0.5)
    return worst


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("offset", [-5, 0, 3])
@pytest.mark.parametrize(("grid", "stride"), [("engine", 1), ("coarse", 4)])
def test_the_average_of_what_contributed_is_the_first_pass(
    request: pytest.FixtureRequest, grid: str, stride: int, offset: int, mirrored: bool
) -> None:
    mono, reference = _scene(98, 150)
    result = request.getfixturevalue(grid).colorize(mono, reference, SearchRange(24, offset, mirrored))
    assert result.weights.stride == stride
    assert _largest_residual(result, mono, reference) <= 1.0


def test_rows_that_were_evened_out_are_followed(engine: Engine) -> None:
    mono, reference = _scene(160, 240)
    lower = np.roll(reference, 1, axis=0)
    result = engine.colorize(mono, lower, SearchRange(24))
    assert result.rows is not None
    assert _largest_residual(result, mono, lower) <= 1.0
    boxes = Tracer(result.weights, lower, result.rows).trace(120, 80).boxes
    np.testing.assert_allclose(boxes[:, 1] - 80, result.rows.offset_px, atol=0.2)


def test_the_paper_preset_is_traced_too() -> None:
    engine = Engine("paper", "cpu")
    engine.load()
    mono, reference = _scene(64, 90)
    result = engine.colorize(mono, reference, SearchRange(24))
    assert _largest_residual(result, mono, reference) <= 1.0


def test_real_pairs_are_traced(engine: Engine, shared_dir: Path) -> None:
    pair = open_pairs(shared_dir / "data" / "real_pairs").read(0)
    result = engine.colorize(pair.mono, pair.reference, SearchRange(48))
    assert result.rows is not None
    assert _largest_residual(result, pair.mono, pair.reference) <= 1.0


def test_candidates_outside_count_as_black_where_the_network_has_it_so() -> None:
    rng = np.random.default_rng(3)
    reference = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    logits = torch.tensor(rng.normal(size=(1, 4, 6, 9)), dtype=torch.float32)
    volume = WeightVolume(logits, logits.logsumexp(1), 1, 4, 0, black_outside=True)
    weights = volume.weights[0, :, 2, 8].numpy()
    average = Tracer(volume, reference, None).trace(8, 2).average
    inside = torch.cat(color.split(torch.from_numpy(reference[2, 8] / 255.0).reshape(3, 1, 1))).flatten()
    black = np.array([0, -128 / 255, -128 / 255])
    np.testing.assert_allclose(average, weights[0] * inside.numpy() + (1 - weights[0]) * black, atol=1e-6)


def test_one_certain_candidate_and_no_idea() -> None:
    logits = torch.zeros(1, 8, 3, 20)
    logits[0, 5, 1, :4] = 50.0
    reference = np.random.default_rng(1).integers(0, 256, (3, 20, 3), dtype=np.uint8)
    tracer = Tracer(WeightVolume(logits, logits.logsumexp(1), 1, 8, 2), reference, None)
    certain, unsure = tracer.trace(2, 1), tracer.trace(10, 1)
    assert certain.entropy_bits == pytest.approx(0, abs=1e-9)
    assert certain.effective == pytest.approx(1)
    assert certain.disparities[certain.weights.argmax()] == 7
    best = certain.box_weights.argmax()
    np.testing.assert_array_equal(certain.boxes[best], [9, 1, 10, 2])
    assert unsure.entropy_bits == pytest.approx(3)
    assert unsure.effective == pytest.approx(8)
    planes = torch.cat(color.split(torch.from_numpy(reference / 255.0).movedim(-1, 0)))[None]
    uniform = average_candidates(logits.softmax(1).double(), shift_reference(planes, 2))
    np.testing.assert_allclose(unsure.average, uniform[0, :, 1, 10], atol=1e-6)


def test_a_mirrored_curve_is_the_curve_in_a_mirror_at_any_width(coarse: Engine) -> None:
    """Padding lies on the other side of a mirrored rig's images: the curve must not move with it."""
    mono, reference = _scene(98, 150)
    plain = coarse.colorize(mono, reference, SearchRange(24))
    turned = coarse.colorize(mono[:, ::-1].copy(), reference[:, ::-1].copy(), SearchRange(24, mirrored=True))
    for x, y in _places(mono.shape, 10):
        np.testing.assert_allclose(
            turned.weight_curve(149 - x, y), plain.weight_curve(x, y), atol=1e-4, err_msg=f"{x}, {y}"
        )
