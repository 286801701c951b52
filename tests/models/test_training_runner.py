"""The runner: exact resuming, interrupts, losses that are no numbers, early stopping, files it leaves."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import os
import signal
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.errors import ModelError
from models.training.checkpoints import Provenance
from models.training.config import RunConfig
from models.training.monitor import Monitor
from models.training.runner import Runner
from models.training.stepping import learning_rate
from models.weights_io import load_weights
from tests.models.tiny_task import TinyTask

CONFIG = RunConfig(
    steps=8,
    optimizer="adamw",
    learning_rate=1e-2,
    schedule="cosine",
    warmup_steps=2,
    clip_norm=1.0,
    checkpoint_every=3,
    validate_every=4,
)
PROVENANCE = Provenance({"seed": 0, "stage": {"steps": 8}}, {"real": "3 pairs", "real_sha256": "ab"})


def _runner(folder: Path, config: RunConfig = CONFIG, task: TinyTask | None = None, **more: Any) -> Runner:
    return Runner(task or TinyTask(), config, folder, more.pop("provenance", PROVENANCE), **more)


def _states(runner: Runner) -> dict[str, Tensor]:
    saved = torch.load(runner.checkpoint, weights_only=True)
    return {f"{m}.{k}": v for m, state in saved["modules"].items() for k, v in state.items()}


def _same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adamw"])
@pytest.mark.parametrize("stop", [2, 3, 7])
def test_a_resumed_run_ends_bit_for_bit_where_an_unbroken_one_does(
    tmp_path: Path, optimizer: str, stop: int
) -> None:
    config = replace(CONFIG, optimizer=optimizer)
    unbroken = _runner(tmp_path / "unbroken", config)
    assert unbroken.run()
    assert not _runner(tmp_path / "broken", config).run(stop_after=stop)
    resumed = _runner(tmp_path / "broken", config)
    assert resumed.run()
    assert resumed.step == unbroken.step == 8
    assert _same(_states(resumed), _states(unbroken))
    assert (tmp_path / "broken" / "tiny.safetensors").read_bytes() == (
        tmp_path / "unbroken" / "tiny.safetensors"
    ).read_bytes()


def test_batches_made_by_workers_are_the_same(tmp_path: Path) -> None:
    runners = [_runner(tmp_path / str(workers), workers=workers) for workers in (0, 2)]
    for runner in runners:
        runner.run()
    assert _same(*map(_states, runners))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_checkpoint_of_whole_steps(
    tmp_path: Path, number: signal.Signals, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signal arrives in the fifth step, between two checkpoints, in all processes as from a terminal."""
    before = signal.getsignal(number)
    runner, done = _runner(tmp_path / "run", workers=workers), []

    def interrupt(losses: object) -> None:
        done.append(losses)
        if len(done) == 5:
            for child in multiprocessing.active_children():
                assert child.pid is not None
                os.kill(child.pid, number)
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        runner.run(on_step=interrupt)
    assert signal.getsignal(number) is before
    assert len(done) == runner.step == 5
    assert "stopped after step 5 of 8; the same command goes on" in capsys.readouterr().err
    resumed, unbroken = _runner(tmp_path / "run"), _runner(tmp_path / "unbroken")
    assert resumed.run()
    assert unbroken.run()
    assert _same(_states(resumed), _states(unbroken))


def test_a_loss_that_is_no_number_stops_the_run_with_the_batch(tmp_path: Path) -> None:
    runner = _runner(tmp_path, task=TinyTask(bad_step=5))
    with pytest.raises(ModelError, match="tiny, step 5: a loss or its gradient is not a number"):
        runner.run()
    saved = torch.load(tmp_path / "bad_batch_0.pt", weights_only=True)
    assert saved["step"] == 5
    assert torch.equal(saved["batch"]["inputs"], TinyTask().batch(5, 0, 1).inputs)
    assert saved["batch"]["targets"].isnan().all()
    assert all(value.isfinite().all() for value in runner.task.modules()["network"].state_dict().values())


def test_a_run_ends_when_held_out_measures_get_worse_and_keeps_the_best(tmp_path: Path) -> None:
    """What is held out is the opposite of what is learnt: the first validation is the best one."""
    config = replace(CONFIG, steps=40, validate_every=2, patience=3, learning_rate=0.05, warmup_steps=0)
    stopped = _runner(tmp_path / "run", config, TinyTask(sign=-1))
    assert stopped.run()
    assert stopped.step == 8
    card, states = load_weights(tmp_path / "run" / "tiny.safetensors")
    assert card["step"] == 2
    assert stopped.run()  # it is complete: nothing more happens
    assert stopped.step == 8
    short = _runner(tmp_path / "short", config, TinyTask(sign=-1))
    short.run(stop_after=2)
    network = {k.removeprefix("network."): v for k, v in _states(short).items() if k.startswith("network.")}
    assert _same(states["network"], network)


def test_weights_to_start_from_are_kept_if_training_makes_them_worse(tmp_path: Path) -> None:
    config = replace(CONFIG, steps=4, validate_every=2, validate_first=True, learning_rate=0.05)
    _runner(tmp_path, config, TinyTask(sign=-1)).run()
    card, states = load_weights(tmp_path / "tiny.safetensors")
    assert card["step"] == 0
    assert _same(states["network"], TinyTask().network.state_dict())


@pytest.mark.parametrize("stop", [None, 5])
def test_a_share_of_the_change_is_kept(tmp_path: Path, stop: int | None) -> None:
    """Weights that are written lie between start and end; training and resuming do not notice."""
    config = replace(CONFIG, change=0.25)
    start = {f"network.{k}": v.clone() for k, v in TinyTask().network.state_dict().items()}
    whole = _runner(tmp_path / "whole")
    whole.run()
    if stop is not None:
        _runner(tmp_path / "part", config).run(stop_after=stop)
    part = _runner(tmp_path / "part", config)
    part.run()
    reached = _states(whole)
    assert _same(_states(part), reached)
    card, written = load_weights(tmp_path / "part" / "tiny.safetensors")
    assert card["step"] == CONFIG.steps, "the last weights were the best ones"
    for key, value in written["network"].items():
        if value.is_floating_point():
            begin, end = start[f"network.{key}"], reached[f"network.{key}"]
            torch.testing.assert_close(value, begin + 0.25 * (end - begin))
    assert written["network"]["1.num_batches_tracked"] == CONFIG.steps
    task = TinyTask()
    task.network.load_state_dict(written["network"])
    task.network.eval()
    assert card["measures"]["score"] == pytest.approx(task.validate()["score"]), "these were measured"


def test_learning_that_helps_is_not_stopped(tmp_path: Path) -> None:
    config = replace(CONFIG, steps=40, validate_every=10, patience=1, learning_rate=0.02, warmup_steps=0)
    runner, losses = _runner(tmp_path, config), []
    runner.run(on_step=lambda values: losses.append(values["loss"]))
    assert runner.step == 40
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_what_is_beside_the_weights_tells_where_they_came_from(tmp_path: Path) -> None:
    _runner(tmp_path).run()
    card, _ = load_weights(tmp_path / "tiny.safetensors")
    assert card["training"] == PROVENANCE.config
    assert card["data"] == PROVENANCE.data
    assert card["step"] in (4, 8)
    assert card["measures"]["score"] < 0
    written = tomllib.loads((tmp_path / "config.toml").read_text(encoding="utf-8"))
    origin = written.pop("origin")
    assert written == PROVENANCE.config
    assert origin == {"git_commit": card["git_commit"], "data": PROVENANCE.data}


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        (replace(PROVENANCE, config={"seed": 0, "stage": {"steps": 9}}), "another stage.steps"),
        (replace(PROVENANCE, data={"real": "3 pairs", "real_sha256": "cd"}), "another data.real_sha256"),
    ],
)
def test_a_run_does_not_go_on_with_other_settings_or_data(
    tmp_path: Path, changed: Provenance, key: str
) -> None:
    _runner(tmp_path).run(stop_after=3)
    with pytest.raises(ModelError, match=key):
        _runner(tmp_path, provenance=changed).run()


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: bytes) -> None:
    _runner(tmp_path).run(stop_after=3)
    (tmp_path / "checkpoint.pt").write_bytes(damage)
    with pytest.raises(ModelError, match=r"checkpoint\.pt: damaged checkpoint"):
        _runner(tmp_path).run()


def test_bfloat16_learns_like_float32_but_not_the_same(tmp_path: Path) -> None:
    curves: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    for precision, curve in curves.items():
        config = replace(CONFIG, precision=precision)
        _runner(tmp_path / precision, config).run(on_step=lambda v, curve=curve: curve.append(v["loss"]))
    exact, rough = (torch.tensor(curve) for curve in curves.values())
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.02)


def test_float16_needs_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="float16 needs a GPU"):
        _runner(tmp_path, replace(CONFIG, precision="float16"))


def test_frozen_norms_keep_their_statistics(tmp_path: Path) -> None:
    before = TinyTask().network.state_dict()
    for freeze in (True, False):
        runner = _runner(tmp_path / str(freeze), replace(CONFIG, freeze_norms=freeze))
        runner.run()
        after = _states(runner)
        assert torch.equal(after["network.1.running_mean"], before["1.running_mean"]) is freeze
        assert not torch.equal(after["network.1.weight"], before["1.weight"])


def test_the_learning_rate_warms_up_and_falls() -> None:
    config = RunConfig(steps=1000, learning_rate=1.0, schedule="cosine", warmup_steps=10)
    rates = [learning_rate(config, step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1, abs=1e-3)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)
    assert all(learning_rate(replace(config, schedule="constant"), s) == 1 for s in (10, 999))


def test_tensorboard_gets_scalars_and_pictures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _runner(tmp_path, replace(CONFIG, steps=20, validate_every=10)).run()
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "train/learning_rate", "validation/score"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("train/loss")] == [10, 20]
    assert tags["images"] == ["validation"]


def test_without_tensorboard_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with caplog.at_level(logging.WARNING, "models.training"):
        assert _runner(tmp_path).run()
    assert [r.message for r in caplog.records if "TensorBoard is not installed" in r.message]
    assert (tmp_path / "history.jsonl").is_file()


def test_without_safetensors_the_same_command_writes_the_weights_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as missing:
        missing.setitem(__import__("sys").modules, "safetensors.torch", None)
        assert _runner(tmp_path).run()
    assert "is not installed: the weights stay in" in caplog.text
    assert not (tmp_path / "tiny.safetensors").is_file()
    assert _runner(tmp_path).run()
    assert load_weights(tmp_path / "tiny.safetensors")[0]["step"] == 8


def test_the_history_has_each_step_once_after_resuming(tmp_path: Path) -> None:
    """The run is cut off after entries that its last checkpoint does not know of."""
    config = replace(CONFIG, steps=40, validate_every=0, checkpoint_every=15)
    runner = _runner(tmp_path, config)

    def crash(losses: object) -> None:
        if runner.step == 22:
            raise RuntimeError("power failure")

    with pytest.raises(RuntimeError, match="power failure"):
        runner.run(on_step=crash)
    assert _runner(tmp_path, config).run()
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert [e["step"] for e in entries if "train/loss" in e] == [10, 20, 30, 40]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), _Terminal()])
def test_progress_tells_the_time_left(tmp_path: Path, stream: io.StringIO) -> None:
    with Monitor(tmp_path, "tiny", 10, 0, stream) as monitor:
        monitor.step(10, {"loss": 0.5}, 1e-3)
    shown = stream.getvalue()
    assert "tiny 10/10" in shown
    assert "left  loss 0.5000" in shown
    assert shown.endswith("\n")
