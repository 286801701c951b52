"""Hostile datasets: a few of those that `python -m app.datasets.fuzz` makes by the hundred thousand."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from app.datasets.fuzz.actions import ACTIONS, Scene, run_action
from app.datasets.fuzz.command import main as fuzz
from app.datasets.fuzz.mutations import mutate
from capture.dataset import DatasetEditor, DatasetEvent, DatasetReader, DatasetWriter, Edit, PairNote
from tests.capture.dataset_pairs import RIG, make_pair
from tests.capture.rigs_on_paper import make_calibration

SEEDS = range(12)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "pristine"
    with DatasetWriter(folder, RIG, make_calibration(mono_size=(40, 30), color_size=(40, 30))) as writer:
        for index in range(3):
            writer.save(make_pair(index), PairNote({"skew_ms": 1.0}, tags=("desk",)))
        writer.note(DatasetEvent("rig_lost", {"cause": "unplugged"}))
    DatasetEditor(folder).apply(Edit(("000001",), excluded=True, add_tags=("x",)))
    return folder


@pytest.mark.parametrize("action", ACTIONS)
def test_hostile_datasets_are_refused_or_reported(pristine: Path, tmp_path: Path, action: str) -> None:
    reader = DatasetReader.open(pristine)
    scene = Scene(tmp_path / "dataset", pristine, tmp_path / "out", reader.load(reader.records[0]))
    results = []
    for seed in SEEDS:
        shutil.rmtree(scene.dataset, ignore_errors=True)
        shutil.rmtree(scene.out, ignore_errors=True)
        shutil.copytree(pristine, scene.dataset)
        outside = tmp_path / "outside"
        shutil.rmtree(outside, ignore_errors=True)
        rng = random.Random(f"{action} {seed}")
        mutate(scene.dataset, rng)
        shutil.rmtree(outside, ignore_errors=True)
        outside.mkdir()
        (outside / "kept.png").write_bytes(b"kept")
        results.append(run_action(action, scene, rng))
        assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("kept.png", b"kept")]
    assert set(results) <= {"fine", "refused"}
    assert len(results) == len(SEEDS)


def test_the_long_run_counts_and_can_find_something(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz([str(pristine), "--inputs", "6", "--room", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("6 inputs in")
    assert "nothing found" in said
    assert fuzz([str(tmp_path / "nowhere")]) == 2
