"""The training loop: objectives, resuming, and refusing to go on with a loss that is no number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.colorizer import WeightVolume
from models.data.batches import CropShape
from models.errors import ModelError
from models.presets import load_networks
from models.training.loop import Training, TrainingConfig
from models.training.objectives import disparity_loss, smoothness_loss

TINY = TrainingConfig(
    steps=4,
    batch_size=1,
    shapes=(CropShape(48, 64, 16, 2, 1.0),),
    real_every=2,
    real_crop=(40, 48, 16),
    checkpoint_every=2,
)


@pytest.fixture
def real_pairs(tmp_path: Path) -> Path:
    """One plain pair folder."""
    rng = np.random.default_rng(0)
    rgb = cv2.resize(rng.integers(0, 255, (8, 12, 3), np.uint8), (96, 64), interpolation=cv2.INTER_CUBIC)
    for name, image in (("mono", cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)), ("color", np.roll(rgb, 5, axis=1))):
        (tmp_path / "pairs" / name).mkdir(parents=True)
        assert cv2.imwrite(str(tmp_path / "pairs" / name / "a.png"), image)
    return tmp_path / "pairs"


def _train(config: TrainingConfig, folder: Path, real: Path, stop_after: int | None = None) -> Training:
    training = Training(config, folder, real / "color", real, "cpu", workers=0)
    training.resume()
    training.run(stop_after)
    return training


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path, real_pairs: Path) -> None:
    unbroken = _train(TINY, tmp_path / "unbroken", real_pairs)
    _train(TINY, tmp_path / "broken", real_pairs, stop_after=2)
    resumed = _train(TINY, tmp_path / "broken", real_pairs)
    assert resumed.step == unbroken.step == 4
    for key, value in unbroken.colorizer.state_dict().items():
        torch.testing.assert_close(resumed.colorizer.state_dict()[key], value, rtol=0, atol=0)


def test_the_weights_of_a_run_load_again(tmp_path: Path, real_pairs: Path) -> None:
    trained = _train(TINY, tmp_path / "run", real_pairs)
    networks = load_networks(tmp_path / "run" / "live.safetensors")
    assert networks.card["step"] == 4
    assert isinstance(networks.refiner, torch.nn.Module)
    torch.testing.assert_close(networks.refiner.state_dict(), trained.refiner.state_dict())


def test_a_loss_that_is_no_number_stops_the_run_with_the_batch(tmp_path: Path, real_pairs: Path) -> None:
    training = Training(TINY, tmp_path / "run", None, real_pairs, "cpu", workers=0)
    with torch.no_grad():
        training.colorizer.temperature.fill_(float("nan"))
    with pytest.raises(ModelError, match="not a number"):
        training.run()
    assert (tmp_path / "run" / "bad_batch.pt").is_file()


def test_a_short_run_learns_to_match(tmp_path: Path) -> None:
    """Forty steps on one kind of scene bring the cross-entropy of W well below that of knowing nothing."""
    config = replace(TINY, steps=40, real_every=0, checkpoint_every=1000, learning_rate=5e-3)
    training = Training(config, tmp_path / "run", None, None, "cpu", workers=0)
    history: list[float] = []
    training.run(on_step=lambda losses: history.append(losses["matching"]))
    assert np.mean(history[-8:]) < 0.85 * np.mean(history[:3])


def test_disparity_loss_is_zero_for_a_certain_and_right_volume() -> None:
    disparity = torch.full((1, 1, 8, 8), 4.0)
    visible = torch.ones_like(disparity)
    logits = torch.full((1, 6, 4, 4), -50.0)
    logits[:, 2] = 50
    assert disparity_loss(logits, disparity, visible, stride=2).item() == pytest.approx(0, abs=1e-5)
    assert disparity_loss(logits.roll(1, dims=1), disparity, visible, stride=2).item() > 10


def test_smoothness_counts_every_neighbour_twice() -> None:
    weights = torch.zeros(1, 2, 2, 2)
    weights[0, 0, 0, 0] = 1  # three neighbours, each met from both sides
    volume = WeightVolume(weights, weights[:, 0], 1, 2, 0)
    assert smoothness_loss(volume).item() == pytest.approx(2 * 3 / 8)
