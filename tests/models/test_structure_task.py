"""Samples and training of the structure network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.data.pairs import Pair
from models.data.registered import RegisteredSamples, SampleConfig
from models.metrics import ssim_map
from models.structure import StructureConfig, load_structure
from models.training.checkpoints import Provenance
from models.training.config import RunConfig, StructureStage
from models.training.runner import Runner
from models.training.structure_task import StructureTask

SMALL = SampleConfig(crop=(48, 56), region_crop=(40, 40))


class Regions:
    """Registered regions in memory: the mono image is twice as dark as the luma of the other."""

    names = ("a", "b")

    def __len__(self) -> int:
        return len(self.names)

    def scene_of(self, index: int) -> str:
        return self.names[index]

    def read(self, index: int) -> Pair:
        gray = np.random.default_rng(index).integers(0, 255, (30 + 20 * index, 50), np.uint8)
        return Pair(self.names[index], self.names[index], gray // 2, np.dstack([gray] * 3))


def test_a_batch_depends_on_its_step_alone_however_it_is_divided() -> None:
    samples = RegisteredSamples(3, SMALL, (), Regions())
    for step in range(4):
        whole = samples.batch(step, 4)
        halves = [RegisteredSamples(3, SMALL, (), Regions()).batch(step, 2, first) for first in (0, 2)]
        torch.testing.assert_close(whole.luma, torch.cat([h.luma for h in halves]), rtol=0, atol=0)
        torch.testing.assert_close(whole.truth, torch.cat([h.truth for h in halves]), rtol=0, atol=0)
    assert not torch.equal(samples.batch(0, 1).mono, samples.batch(1, 1).mono)


def test_without_a_warp_the_truth_is_one_whatever_the_sensors_do() -> None:
    batch = RegisteredSamples(0, replace(SMALL, unwarped_share=1.0)).batch(0, 3)
    assert (batch.truth == 1).all()
    assert (batch.strength_px == 0).all()
    assert not torch.equal(batch.mono, batch.luma)


def test_the_truth_is_the_ssim_that_the_same_warp_gives_within_the_mono_image() -> None:
    """With a luma that is just the mono image, brighter, the truth can be computed from the input."""
    samples = RegisteredSamples(0, replace(SMALL, region_share=1.0, unwarped_share=0.0), (), Regions())
    batch = samples.batch(0, 4)
    expected = ssim_map(batch.mono, batch.luma / 2)
    inside = (..., slice(10, -10), slice(10, -10))
    torch.testing.assert_close(batch.truth[inside], expected[inside], rtol=0, atol=0.02)
    assert batch.truth[inside].mean() < 0.9


def test_regions_are_used_in_their_share_and_only_those_chosen() -> None:
    samples = RegisteredSamples(0, SMALL, (), Regions(), chosen=[1])
    heights = [samples.batch(step, 1).mono.shape[-2] for step in range(60)]
    assert 8 < heights.count(SMALL.region_crop[0]) < 30
    only = samples.batch(0, 1, only_regions=True)
    assert only.mono.shape == (1, 1, *SMALL.region_crop)


def _task(steps: int) -> StructureTask:
    run = RunConfig(steps=steps, batch_size=2, optimizer="adamw", learning_rate=5e-3, validate_every=steps)
    stage = StructureStage(run=run, network=StructureConfig(4, 1), samples=SMALL)
    return StructureTask(stage, 0, (), Regions(), chosen=[0], held_out=[1])


def test_a_short_run_learns_and_its_weights_load(tmp_path: Path) -> None:
    task = _task(60)
    run = RunConfig(
        steps=60, batch_size=2, optimizer="adamw", learning_rate=5e-3, validate_every=60, checkpoint_every=60
    )
    before = task.network.eval().requires_grad_(requires_grad=True)
    with torch.no_grad():
        untrained = task.validate()
    runner = Runner(task, run, tmp_path, Provenance({"data_licence": "MIT"}, {"scenes": "generated"}))
    assert runner.run()
    loaded = load_structure(tmp_path / "structure.safetensors")
    for key, value in before.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], value, rtol=0, atol=0)
    with torch.no_grad():
        trained = task.validate()
    assert trained["score"] > untrained["score"]
    assert trained["error_regions"] < untrained["error_regions"]
    assert trained["plain_error_generated"] == untrained["plain_error_generated"]


def test_validation_shows_pictures() -> None:
    task = _task(1)
    assert task.images() is None
    with torch.no_grad():
        task.network.eval()
        task.validate()
    grid = task.images()
    assert grid is not None
    assert grid.shape[0] == 3
    assert 0 <= grid.min() <= grid.max() <= 1
