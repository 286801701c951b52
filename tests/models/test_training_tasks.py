"""Colorizer and refiner as tasks, and `train` from pairs on disk to weights that load."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from models.data.batches import CropShape, SupervisedBatch
from models.data.layers import generate_pair
from models.data.pair_batches import PairBatch
from models.data.pairs import open_pairs
from models.errors import ModelError, WeightsMismatch
from models.live import LiveColorizer
from models.presets import load_networks
from models.refiner import Refiner
from models.training import command
from models.training.checkpoints import Provenance
from models.training.colorizer_task import ColorizerTask, MixedBatches, TrainingData
from models.training.config import (
    ColorizerStage,
    LossConfig,
    RealConfig,
    RefinerStage,
    RunConfig,
    SupervisedConfig,
)
from models.training.pair_set import PairSet, open_pair_sets
from models.training.refiner_task import RefinerTask
from models.training.runner import Runner
from models.weights_io import Card, load_weights
from tests.models.tiny_task import TINY_NETWORK, TINY_REFINER

SCENES = SupervisedConfig(
    shapes=(CropShape(48, 64, 16, 2, 1.0),), stereo_crop=(48, 64), stereo_max_disparity=16
)
REAL = RealConfig(every=2, crop=(48, 64), max_disparity=16)
RUN = RunConfig(
    steps=4, batch_size=1, optimizer="adamw", learning_rate=5e-3, checkpoint_every=2, validate_every=2
)
STAGE = ColorizerStage(RUN, LossConfig(structure="ssim"), REAL, SCENES, joint_refiner=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of four real pairs and a colour stereo set of three, drawn: one scene each."""
    real, stereo = tmp_path_factory.mktemp("real"), tmp_path_factory.mktemp("stereo")
    for folder, kinds in ((real, ("mono", "color")), (stereo, ("reference", "truth"))):
        for kind in kinds:
            (folder / kind).mkdir()
    for index, name in enumerate(("oak", "elm", "fir", "ash")):
        pair = generate_pair(np.random.default_rng(index), 60, 80, 16, [])
        images = {
            "mono": pair.mono,
            "color": pair.reference,
            "reference": pair.reference,
            "truth": pair.truth,
        }
        for kind, image in images.items():
            levels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
            folder = real if kind in ("mono", "color") else stereo
            if folder == real or name != "ash":
                bgr = levels if levels.ndim == 2 else levels[..., ::-1]
                assert cv2.imwrite(str(folder / kind / f"{name}.png"), bgr)
    return real, stereo


@pytest.fixture(scope="module")
def data(folders: tuple[Path, Path]) -> TrainingData:
    real, stereo = (open_pair_sets(open_pairs(folder), 0, 0.3) for folder in folders)
    return TrainingData(real[0], stereo[0], (real[1], stereo[1]), real[0].photos())


def _no_weights(folder: Path, card: Card) -> Path:
    return folder / "nothing"


def _colorizer_task(data: TrainingData, stage: ColorizerStage = STAGE) -> ColorizerTask:
    torch.manual_seed(0)
    refiner = Refiner(TINY_REFINER) if stage.joint_refiner else None
    return ColorizerTask(stage, LiveColorizer(TINY_NETWORK), refiner, data, 0, None, _no_weights)


def _run(
    task: Any, folder: Path, config: RunConfig = RUN, **more: Any
) -> tuple[Runner, list[dict[str, float]]]:
    runner, losses = Runner(task, config, folder, Provenance({}, {}), **more), []
    runner.run(on_step=lambda values: losses.append(dict(values)))
    return runner, losses


def test_steps_on_real_pairs_come_every_so_often(data: TrainingData) -> None:
    def kinds(data: TrainingData, every: int, pretrain_steps: int = 0) -> str:
        batches = MixedBatches(data, 0, 1, replace(REAL, every=every), SCENES, pretrain_steps)
        return "".join("r" if isinstance(batches.batch(s, 0, 1), PairBatch) else "s" for s in range(6))

    assert kinds(data, every=3) == "rssrss"
    assert kinds(data, every=1) == "rrrrrr"
    assert kinds(data, every=0) == "ssssss"
    assert kinds(data, every=1, pretrain_steps=4) == "ssssrr"
    assert kinds(replace(data, real=None), every=3) == "ssssss"
    with pytest.raises(ModelError, match="name some with --pairs"):
        kinds(replace(data, real=None), every=1)


def test_steps_with_truth_are_on_scenes_and_on_stereo_pairs(data: TrainingData) -> None:
    batches = MixedBatches(data, 0, 1, replace(REAL, every=0), SCENES)
    strides = [batches.batch(step, 0, 1) for step in range(12)]
    assert all(isinstance(batch, SupervisedBatch) for batch in strides)
    assert {batch.stride for batch in strides if isinstance(batch, SupervisedBatch)} == {0, 2}


def test_a_joint_run_resumes_exactly(data: TrainingData, tmp_path: Path) -> None:
    unbroken, losses = _run(_colorizer_task(data), tmp_path / "unbroken")
    assert {"L_ss", "L_cc", "L_smooth", "cycle_refined"} <= set(losses[0])
    assert {"matching", "first", "refined"} <= set(losses[1])
    Runner(_colorizer_task(data), RUN, tmp_path / "broken", Provenance({}, {})).run(stop_after=2)
    resumed, _ = _run(_colorizer_task(data), tmp_path / "broken")
    for name, module in unbroken.task.modules().items():
        other = resumed.task.modules()[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in module.state_dict().items())


def test_a_short_run_learns_to_match(tmp_path: Path) -> None:
    """Forty steps on one kind of scene bring the cross-entropy of W well below that of knowing nothing."""
    stage = replace(STAGE, real=replace(REAL, every=0), joint_refiner=False)
    config = replace(RUN, steps=40, validate_every=0, checkpoint_every=100, batch_size=2)
    _, losses = _run(_colorizer_task(TrainingData(), stage), tmp_path, config)
    matching = [values["matching"] for values in losses]
    assert np.mean(matching[-8:]) < 0.9 * np.mean(matching[:3])


@pytest.mark.parametrize("every", [1, 0])
def test_the_refiner_learns_while_the_colorizer_stays(data: TrainingData, tmp_path: Path, every: int) -> None:
    torch.manual_seed(0)
    colorizer, refiner = LiveColorizer(TINY_NETWORK), Refiner(TINY_REFINER)
    before = {key: value.clone() for key, value in colorizer.state_dict().items()}
    stage = RefinerStage(RUN, replace(REAL, every=every), SCENES)
    task = RefinerTask(stage, colorizer, refiner, data, 0, _no_weights)

    one_batch = task.batch(0, 0, 1)
    task.batch = lambda step, rank, world, /: one_batch
    config = replace(RUN, steps=30, validate_every=0, checkpoint_every=100)
    _, losses = _run(task, tmp_path, config)
    assert losses[-1]["refined"] < 0.9 * losses[0]["refined"]
    assert all(torch.equal(value, colorizer.state_dict()[key]) for key, value in before.items())


def test_held_out_pairs_are_measured_with_and_without_truth(data: TrainingData) -> None:
    real_only = replace(data, held_out=data.held_out[:1])
    for chosen, has_truth in ((data, True), (real_only, False), (TrainingData(), True)):
        stage = STAGE if chosen.real else replace(STAGE, real=replace(REAL, every=0))
        task = _colorizer_task(chosen, stage)
        task.colorizer.eval()  # type: ignore[attr-defined]
        with torch.no_grad():
            measures = task.validate()
        assert ("refined_psnr" in measures) is has_truth
        assert 0 < measures["cycle_ssim"] <= 1
        images = task.images()
        assert images is not None
        assert images.shape[0] == 3
        assert 0 <= images.min() <= images.max() <= 1


def test_pairs_are_split_by_scene_or_by_name(folders: tuple[Path, Path]) -> None:
    source = open_pairs(folders[0])

    def names(pairs: tuple[PairSet, PairSet]) -> list[set[str]]:
        return [set(part.names) for part in pairs]

    training, held_out = names(open_pair_sets(source, 0, 0.3))
    assert training | held_out == {"oak", "elm", "fir", "ash"}
    assert not training & held_out
    assert held_out
    assert names(open_pair_sets(source, 0, 0.0)) == [{"oak", "elm", "fir", "ash"}, set()]
    assert names(open_pair_sets(source, 0, 0.3, ["fir"])) == [{"oak", "elm", "ash"}, {"fir"}]
    with pytest.raises(ModelError, match="no pair is called yew"):
        open_pair_sets(source, 0, 0.3, ["yew"])
    with pytest.raises(ModelError, match="nothing is left to train on"):
        open_pair_sets(source, 0, 0.3, list(source.names))


def test_the_hash_of_the_data_changes_with_its_content(folders: tuple[Path, Path], tmp_path: Path) -> None:
    before = open_pair_sets(open_pairs(folders[0]), 0)[0].digest
    for kind in ("mono", "color"):
        (tmp_path / kind).mkdir()
        for path in (folders[0] / kind).glob("*.png"):
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    assert open_pair_sets(open_pairs(tmp_path), 0)[0].digest == before
    image = cv2.imread(str(tmp_path / "mono" / "oak.png"), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    image[3, 4] ^= 1
    assert cv2.imwrite(str(tmp_path / "mono" / "oak.png"), image)
    assert open_pair_sets(open_pairs(tmp_path), 0)[0].digest != before


RECIPE = """
preset = "live"
[network]
feature_channels = 8
feature_blocks = 1
groups = 2
volume_channels = [4, 8]
[refiner_network]
channels = [8, 8, 8]
[structure.run]
steps = 1
validate_every = 1
[structure.network]
filters = 2
blocks = 1
[structure.samples]
crop = [32, 32]
region_crop = [32, 32]
[colorizer.run]
steps = 2
validate_every = 1
[colorizer.real]
crop = [48, 64]
max_disparity = 16
[refiner.run]
steps = 1
validate_every = 1
[refiner.real]
crop = [48, 64]
max_disparity = 16
"""


def _train(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([*map(str, arguments), "--workers", "0"]))


def test_one_command_trains_all_stages_and_fine_tunes_from_them(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    run = ("--config", tmp_path / "tiny.toml", "--pairs", folders[0], "--out", tmp_path / "run")
    assert _train("all", *run) == 0
    networks = load_networks(tmp_path / "run" / "live.safetensors")
    assert isinstance(networks.colorizer, LiveColorizer)
    assert networks.card["training"]["refiner"]["run"]["steps"] == 1
    assert len(networks.card["data"]["real_sha256"]) == 64
    colorizer_card, _ = load_weights(tmp_path / "run" / "colorizer" / "live.safetensors")
    assert "structure_network" in colorizer_card["data"]  # the learned metric was the one of this run
    before = (tmp_path / "run" / "live.safetensors").read_bytes()
    for what in (
        "all",
        "colorizer",
    ):  # complete: nothing is trained, and the colorizer's file replaces nothing
        assert _train(what, *run) == 0
    assert (tmp_path / "run" / "live.safetensors").read_bytes() == before
    start = (
        "--from",
        tmp_path / "run" / "live.safetensors",
        "--structure",
        tmp_path / "run/structure.safetensors",
    )
    tuned = ("--config", tmp_path / "tiny.toml", "--pairs", folders[0], "--out", tmp_path / "tuned")
    capsys.readouterr()
    assert _train("colorizer", *tuned, *start, "--steps", 1, "--set", "colorizer.run.learning_rate=0") == 0
    assert "colorizer: " in capsys.readouterr().out
    card, states = load_weights(tmp_path / "tuned" / "live.safetensors")
    assert card["data"]["start"].startswith("live, sha256 ")
    _, original = load_weights(tmp_path / "run" / "live.safetensors")
    assert torch.equal(states["colorizer"]["aggregation.mix"], original["colorizer"]["aggregation.mix"])
    assert json.loads((tmp_path / "tuned" / "live.json").read_text())["sha256"]


def test_weights_without_a_refiner_do_not_take_on_the_one_that_ships(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Else `train refiner` behind them would not begin from scratch."""
    (tmp_path / "tiny.toml").write_text(RECIPE)
    data = ("--config", tmp_path / "tiny.toml", "--pairs", folders[0])
    plain = ("--set", 'colorizer.losses.structure="ssim"', "--steps", 1)
    first, second = tmp_path / "first", tmp_path / "second"
    assert _train("colorizer", *data, *plain, "--out", first) == 0
    assert _train("colorizer", *data, *plain, "--from", first / "live.safetensors", "--out", second) == 0
    for folder in (first, second):
        card, states = load_weights(folder / "live.safetensors")
        assert states.keys() == {"colorizer"}
        assert "refiner" not in card


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("refiner",), ModelError, "train the colorizer first"),
        (("colorizer", "--config", "paper"), ModelError, "name some with --pairs"),
        (("colorizer", "--from", "nowhere.safetensors"), WeightsMismatch, "no such weights file"),
        (("colorizer", "--config", "papre"), ModelError, "papre: no such recipe"),
        (("colorizer", "--device", "quantum"), ModelError, "device quantum is not at hand"),
        (("colorizer", "--pairs", "nowhere"), ModelError, "nowhere is not a folder"),
        (("colorizer", "--set", "colorizer.run.step=1"), ModelError, "unknown key colorizer.run.step "),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(
    arguments: tuple[str, ...], error: type[ModelError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message) as caught:
        _train(*arguments, "--set", "refiner.run.steps=1", "--out", tmp_path / "run")
    assert "\n" not in str(caught.value)
