"""What torchrun starts in the tests: `python -m tests.models.distributed_worker FOLDER`, in every process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from models.data.batches import CropShape
from models.errors import ModelError
from models.live import LiveColorizer
from models.refiner import Refiner
from models.training.checkpoints import Provenance
from models.training.colorizer_task import ColorizerTask, TrainingData
from models.training.config import ColorizerStage, LossConfig, RealConfig, RunConfig, SupervisedConfig
from models.training.distributed import Group, process_group
from models.training.runner import Runner
from tests.models.tiny_task import TINY_NETWORK, TINY_REFINER, TinyTask

SCENES = SupervisedConfig(shapes=(CropShape(48, 64, 16, 2, 1.0),))


def train_colorizer(batch_size: int, folder: Path, group: Group) -> list[float]:
    """Train colorizer and refiner on generated scenes; return the losses of all steps, means over
    processes.
    """
    run = RunConfig(
        steps=6, batch_size=batch_size, optimizer="adamw", learning_rate=2e-4, clip_norm=1.0, validate_every=6
    )
    stage = ColorizerStage(
        run=run,
        losses=LossConfig(structure="ssim"),
        real=RealConfig(every=0),
        supervised=SCENES,
        joint_refiner=True,
    )
    torch.manual_seed(0)
    networks = LiveColorizer(TINY_NETWORK), Refiner(TINY_REFINER)
    task = ColorizerTask(stage, *networks, TrainingData(), 0, None, lambda folder, card: folder / "nothing")
    losses: list[float] = []
    runner = Runner(task, run, folder, Provenance({}, {}), group=group)
    runner.run(on_step=lambda values: losses.append(values["loss"]))
    return losses


def train_on_a_bad_batch(folder: Path, group: Group) -> str:
    """Return what is said of a loss that is no number in the first process alone."""
    run = RunConfig(steps=6, optimizer="adamw")
    try:
        Runner(TinyTask(bad_step=3), run, folder, Provenance({}, {}), group=group).run()
    except ModelError as error:
        return str(error)
    return "nothing"


def main(folder: Path) -> None:
    """Train in all processes that torchrun started; each writes what it saw."""
    torch.set_num_threads(1)
    with process_group(torch.device("cpu")) as (group, _):
        losses = train_colorizer(2, folder / "colorizer", group)
        error = train_on_a_bad_batch(folder / "bad", group)
        seen = {"world": group.world, "losses": losses, "error": error}
        (folder / f"seen_{group.rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
