"""The sweep over designs: variants that work, results that last, the Pareto front and its picture."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch

from models.errors import ModelError
from models.live import LiveColorizer, LiveConfig, matching_stride
from models.training import sweep
from models.training.pareto import Panel, Point, draw, pareto_front
from models.training.passes import first_pass
from models.training.sweep import Accuracy, Times, read, results_in, table
from models.training.sweep_variants import VARIANTS, CoarseChromaColorizer, FlatColorizer, Variant
from tests.models.planted import planted_pair, write

SVG = "{http://www.w3.org/2000/svg}"
COLORIZERS = [v for v in VARIANTS if v.trains == "colorizer" and v.weights_of is None]


def images(height: int = 32, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.rand(1, 1, height, width), torch.rand(1, 3, height, width) - torch.tensor(0.25)


@pytest.mark.parametrize("variant", COLORIZERS, ids=lambda v: v.name)
def test_every_variant_trains_and_its_weights_sum_to_one(variant: Variant) -> None:
    network = variant.network(variant.config)
    luma, reference = images()
    output = first_pass(network, luma, reference, max_disparity=16, stride=2)
    assert output.chroma.shape == (1, 2, 32, 64)
    torch.testing.assert_close(output.volume.weights.sum(dim=1), torch.ones_like(output.volume.log_total))
    output.chroma.square().mean().backward()
    reached = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert {"features", "aggregation"} <= reached
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("variant", COLORIZERS, ids=lambda v: v.name)
def test_every_variant_says_the_same_with_and_without_gradients(variant: Variant) -> None:
    network = variant.network(variant.config).eval()
    luma, reference = images()
    with_gradients = first_pass(network, luma, reference, max_disparity=16, stride=2)
    with torch.no_grad():
        without = first_pass(network, luma, reference, max_disparity=16, stride=2)
    torch.testing.assert_close(without.chroma, with_gradients.chroma, atol=1e-4, rtol=1e-3)


def test_variants_differ_from_the_default_in_one_knob_and_have_names_of_their_own() -> None:
    assert len({v.name for v in VARIANTS}) == len({v.label for v in VARIANTS}) == len(VARIANTS)
    default = VARIANTS[0]
    for variant in VARIANTS[1:]:
        differences = [
            variant.config != default.config,
            variant.network is not default.network,
            variant.refiner != default.refiner,
            variant.seed != default.seed,
        ]
        assert sum(differences) == (0 if variant.name == "refiner-default" else 1), variant.name


@pytest.mark.parametrize(("name", "stride"), [("default", 4), ("stride-2", 2), ("stride-8", 8)])
def test_budgets_give_the_strides_they_are_named_after(name: str, stride: int) -> None:
    budget = next(v.config.volume_budget for v in VARIANTS if v.name == name)
    assert matching_stride(780, 1024, 128, budget) == stride
    assert matching_stride(480, 640, 96, budget) == stride


def test_the_coarse_chroma_grid_is_the_matching_grid() -> None:
    luma, reference = images(64, 64)
    coarse = first_pass(CoarseChromaColorizer().eval(), luma, reference, 16, stride=4).volume
    usual = first_pass(LiveColorizer().eval(), luma, reference, 16, stride=4).volume
    assert (coarse.stride, coarse.logits.shape[1:]) == (4, (4, 16, 16))
    assert (usual.stride, usual.logits.shape[1:]) == (2, (8, 32, 32))


def test_two_dimensional_aggregation_refuses_more_candidates_than_it_has_channels() -> None:
    luma, reference = images()
    with pytest.raises(ModelError, match="32 candidates"):
        first_pass(FlatColorizer(LiveConfig()), luma, reference, 40, stride=1)


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    cheap, good, beaten, twin = (
        Point("cheap", 1, 0.5),
        Point("good", 3, 0.9),
        Point("beaten", 4, 0.8),
        Point("twin", 3, 0.7),
    )
    again = Point("good again", 2, 0.95, competes=False)
    assert pareto_front([beaten, twin, good, again, cheap]) == [cheap, good]
    assert pareto_front([]) == []


def test_the_picture_is_xml_with_every_label_and_none_covers_another() -> None:
    # In a row, side by side, the labels would cover each other.
    points = tuple(Point(f"design <{n}> & more", 100 + 9 * n, 0.9 + 0.001 * (n % 2)) for n in range(9))
    panels = [
        Panel("First", "ms", "SSIM", points),
        Panel("Second", "ms", "SSIM", (Point("lone", 5.0, 0.9),)),
    ]
    root = ET.fromstring(draw(panels))
    texts = {t.text: t for t in root.iter(f"{SVG}text")}
    assert {p.label for p in points} | {"lone", "First", "Second", "ms", "SSIM"} <= set(texts)
    places = [(float(texts[p.label].attrib["x"]), float(texts[p.label].attrib["y"])) for p in points]
    width, height = 6.5 * len(points[0].label), 13
    for (x, y), (other_x, other_y) in itertools.combinations(places, 2):
        assert abs(x - other_x) >= width or abs(y - other_y) >= height


def test_the_front_in_the_picture_runs_from_cheap_to_dear() -> None:
    points = (Point("a", 1, 0.1), Point("b", 2, 0.3), Point("c", 3, 0.2))
    root = ET.fromstring(draw([Panel("", "", "", points)]))
    (line,) = root.iter(f"{SVG}polyline")
    corners = [tuple(map(float, corner.split(","))) for corner in line.attrib["points"].split()]
    assert len(corners) == 2
    assert corners[0][0] < corners[1][0]  # dearer is further right
    assert corners[0][1] > corners[1][1]  # better is further up


def test_ticks_can_be_told_apart() -> None:
    points = (Point("a", 1, 0.96591), Point("b", 2, 0.96604))
    root = ET.fromstring(draw([Panel("", "", "", points)]))
    ticks = [text for t in root.iter(f"{SVG}text") if (text := t.text or "").startswith("0.96")]
    assert len(set(ticks)) == len(ticks) >= 2


def test_results_are_kept_and_tabled_with_the_best_first(tmp_path: Path) -> None:
    known = {
        "default": (Accuracy(0.95, 30.0, 1000, 5), Times(100.0, 60.0, 1)),
        "flat": (Accuracy(0.96, 31.0, 1000, 5), Times(90.0, 50.0, 1)),
    }
    for variant in VARIANTS:
        for value in known.get(variant.name, ()):
            sweep.write(value, tmp_path, variant)
    for variant in VARIANTS:
        if variant.name in ("concatenation", "refiner-default"):
            sweep.write(Accuracy(0.9, 29.0, 1000, 5), tmp_path, variant)
    results = results_in(tmp_path)
    assert set(results) == {"default", "refiner-default", "flat"}  # concatenation is not timed yet
    assert results["refiner-default"].times == results["default"].times  # the same networks
    rows = table(results).splitlines()[2:]
    assert rows[0].startswith("| aggregation 2-D | 0.9600 | 31.00 |")
    assert rows[0].endswith("● |")
    assert rows[1].startswith("| default | 0.9500 |")
    assert not rows[1].endswith("● |")


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "default" / "accuracy.json"
    path.parent.mkdir()
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"accuracy\.json"):
        read(Accuracy, tmp_path, VARIANTS[0])


def test_a_sweep_measures_once_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stereo, out = tmp_path / "stereo", tmp_path / "out"
    for seed, name in enumerate(("oak", "elm", "fir")):
        pair = planted_pair(name, seed)
        assert pair.truth is not None
        assert pair.disparity is not None
        write(stereo / "reference" / f"{name}.png", pair.reference)
        write(stereo / "truth" / f"{name}.png", pair.truth)
        (stereo / "disparity").mkdir(exist_ok=True)
        np.save(stereo / "disparity" / f"{name}.npy", pair.disparity)
    arguments = ["--stereo", str(stereo), "--out", str(out), "--part", "accuracy", "--steps", "1"]
    chosen = ["--only", "default", "refiner-small", "stride-8"]
    assert sweep.main([*arguments, *chosen]) == 0
    first = {name: read(Accuracy, out, v) for v in VARIANTS if (name := v.name) in chosen}
    assert all(first.values())
    assert first["refiner-small"] != first["default"]
    capsys.readouterr()
    assert sweep.main([*arguments, *chosen]) == 0
    assert capsys.readouterr().out == ""  # nothing was measured again
    assert (
        sweep.main(["--stereo", str(tmp_path / "none"), "--out", str(tmp_path / "new"), "--steps", "1"]) == 2
    )
