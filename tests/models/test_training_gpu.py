"""Mixed precision on a GPU; skipped where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.data.batches import CropShape
from models.live import LiveColorizer
from models.refiner import Refiner
from models.training.checkpoints import Provenance
from models.training.colorizer_task import ColorizerTask, TrainingData
from models.training.config import ColorizerStage, LossConfig, RealConfig, RunConfig, SupervisedConfig
from models.training.runner import Runner
from tests.models.tiny_task import TINY_NETWORK, TINY_REFINER

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float32"])
def test_colorizer_and_refiner_learn_in_every_precision(tmp_path: Path, precision: str) -> None:
    run = RunConfig(
        steps=40,
        batch_size=2,
        optimizer="adamw",
        learning_rate=5e-3,
        clip_norm=1.0,
        validate_every=20,
        precision=precision,  # type: ignore[arg-type]
    )
    scenes = SupervisedConfig(shapes=(CropShape(48, 64, 16, 2, 1.0),))
    stage = ColorizerStage(run, LossConfig(structure="ssim"), RealConfig(every=0), scenes, joint_refiner=True)
    torch.manual_seed(0)
    networks = LiveColorizer(TINY_NETWORK), Refiner(TINY_REFINER)
    task = ColorizerTask(stage, *networks, TrainingData(), 0, None, lambda folder, card: folder / "nothing")
    losses: list[float] = []
    runner = Runner(task, run, tmp_path, Provenance({}, {}), torch.device("cuda"))
    runner.run(on_step=lambda values: losses.append(values["matching"]))
    assert sum(losses[-8:]) / 8 < 0.9 * sum(losses[:3]) / 3
