"""What torchrun starts in the tests: trains a task and has the leader write the loss of every step.

`python -m tests.models.distributed_worker TASK BATCH_SIZE FOLDER`
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch

from models.data.batches import CropShape
from models.live import LiveColorizer
from models.refiner import Refiner
from models.training.checkpoints import Provenance
from models.training.colorizer_task import ColorizerTask, TrainingData
from models.training.config import ColorizerStage, LossConfig, RealConfig, RunConfig, SupervisedConfig
from models.training.distributed import process_group
from models.training.runner import Runner, Task
from tests.models.tiny_task import TINY_NETWORK, TINY_REFINER, TinyTask

SCENES = SupervisedConfig(shapes=(CropShape(48, 64, 16, 2, 1.0),))


def make_task(name: str, batch_size: int) -> tuple[Task, RunConfig]:
    """Return a colorizer with its refiner, or a task that meets a loss that is no number in one process
    only, and how it is trained.
    """
    run = RunConfig(
        steps=6, batch_size=batch_size, optimizer="adamw", learning_rate=2e-4, clip_norm=1.0, validate_every=3
    )
    if name == "bad":
        return TinyTask(batch_size, bad_step=3), run
    torch.manual_seed(0)
    colorizer, refiner = LiveColorizer(TINY_NETWORK), Refiner(TINY_REFINER)
    stage = ColorizerStage(
        run=run,
        losses=LossConfig(structure="ssim"),
        real=RealConfig(every=0),
        supervised=SCENES,
        joint_refiner=True,
    )

    def save(folder: Path, card: object) -> Path:
        return folder / "nothing"

    data = TrainingData()
    return ColorizerTask(stage, colorizer, refiner, data, 0, None, save), run


def train(name: str, batch_size: int, folder: Path) -> list[float]:
    """Train on the CPU and return the losses of all steps, means over the processes."""
    losses: list[float] = []
    with process_group(torch.device("cpu")) as (group, device):
        task, run = make_task(name, batch_size)
        runner = Runner(task, run, folder, Provenance({}, {}), device, group=group)
        runner.run(on_step=lambda values: losses.append(values["loss"]))
    return losses


def main(name: str, batch_size: str, folder: str) -> None:
    """Train in as many processes as torchrun started."""
    losses = train(name, int(batch_size), Path(folder))
    if os.environ["RANK"] == "0":
        (Path(folder) / "losses.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main(*sys.argv[1:])
