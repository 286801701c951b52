"""Each case is measured in a process of its own, and what cannot be measured says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import bench
from models.bench import Case, Measurement
from models.errors import WeightsMismatch
from models.metrics import psnr

SMALL = Case("live", "live", 96, 64, 16, "cpu", repeats=2, threads=1)


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def finished(label: str, total_ms: float, memory_mb: float, **changes: object) -> Measurement:
    stages = {"first_pass": total_ms * 0.4, "second_pass": total_ms * 0.4, "refine": total_ms * 0.2}
    return Measurement(
        replace(SMALL, label=label, **changes), "CPU", total_ms, stages, runs=3, memory_mb=memory_mb
    )


def test_a_case_is_measured_in_another_process(capfd: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    found = bench.measure(SMALL)
    assert found.error == ""
    assert found.case == SMALL
    assert found.device_name == "CPU (1 threads)"
    assert torch.get_num_threads() == threads
    assert found.runs == 2
    assert {"first_pass", "second_pass", "refine"} <= set(found.stages_ms)
    assert all(ms > 0 for ms in found.stages_ms.values())
    # The median of two runs is their mean, so that sums compare.
    assert sum(found.stages_ms.values()) <= found.total_ms * 1.001
    assert 0 < found.passes_ms < found.total_ms
    assert found.cpu_ms > 0
    assert 5 < found.memory_mb < 2000
    shown = capfd.readouterr().err
    assert "warm-up:" in shown
    assert "run 2/2:" in shown


def test_the_reason_of_a_failure_comes_back() -> None:
    found = bench.measure(replace(SMALL, width=16, height=16))
    assert "16×16 is too small" in found.error
    assert found.runs == 0


def test_peak_memory_of_the_process_counts() -> None:
    before = 0
    first = bench._peak_bytes("cpu", before)
    block = np.ones(60_000_000, np.uint8)
    block[::4096] += 1
    assert bench._peak_bytes("cpu", before) >= max(first, block.nbytes)
    assert bench._peak_bytes("cpu", 1000) == bench._peak_bytes("cpu", before) - 1000


def test_slow_cases_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SLOW_MS", 0.0)
    found = bench.run_case(SMALL)
    assert found.runs == 1
    assert found.total_ms > 0


def test_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    for model in ("absent", str(tmp_path / "absent.safetensors"), str(tmp_path / "absent.h5")):
        with pytest.raises(WeightsMismatch, match="no such weights file"):
            bench.prepare(model, tmp_path)
    assert bench.prepare("live", tmp_path) == ("live", "live")


def test_released_file_is_converted(shared_dir: Path, tmp_path: Path) -> None:
    source = shared_dir / "reference" / "released_cycle_cnn.h5"
    if not source.is_file():
        pytest.skip("the released weights are not here")
    label, model = bench.prepare(str(source), tmp_path)
    assert label == "released"
    assert bench.prepare(model, tmp_path) == ("released", model)


def test_ratios_compare_what_is_comparable() -> None:
    yardstick = finished("released", 1000, 900)
    ours = finished("live", 20, 300)
    elsewhere = finished("live", 20, 300, width=97)
    failed = Measurement(replace(SMALL, label="paper"), error="out of memory")
    (ratio,) = bench.ratios([ours, yardstick, elsewhere, failed], "released")
    assert (ratio.label, ratio.yardstick, ratio.width) == ("live", "released", 96)
    assert ratio.times_faster == pytest.approx(40)  # two passes, 800 ms, against our whole cycle
    assert ratio.times_less_memory == pytest.approx(3)
    assert bench.ratios([ours, elsewhere], "released") == []


def test_textured_pair_is_a_pair() -> None:
    mono, reference = bench.textured_pair(96, 64, 5)
    assert mono.shape == (64, 96)
    assert reference.shape == (64, 96, 3)
    luma = (reference @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    assert psnr(mono[:, :91], luma[:, 5:]) > 45
    assert psnr(mono, luma) < 25
