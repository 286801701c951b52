"""Two processes that train together take the steps of one with the doubled batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from models.training.distributed import Group
from tests.models.distributed_worker import train_colorizer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left that torchrun started, with gloo over the loopback."""
    folder = tmp_path_factory.mktemp("together")
    launcher = ["torch.distributed.run", "--nproc-per-node=2", "--local-addr=127.0.0.1"]
    launcher += ["--master-addr=127.0.0.1", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    done = subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "tests.models.distributed_worker", str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return folder


@pytest.fixture
def seen(folder: Path) -> list[dict[str, Any]]:
    """What each process saw."""
    return [json.loads((folder / f"seen_{rank}.json").read_text()) for rank in range(2)]


def test_two_processes_take_the_steps_of_one_with_the_doubled_batch(
    seen: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Batch norms of both networks share their statistics; losses are means over samples."""
    assert [process["world"] for process in seen] == [2, 2]
    assert seen[0]["losses"] == seen[1]["losses"]
    together = torch.tensor(seen[0]["losses"])
    doubled = torch.tensor(train_colorizer(4, tmp_path / "doubled", Group()))
    half = torch.tensor(train_colorizer(2, tmp_path / "half", Group()))
    assert len(together) == 6
    torch.testing.assert_close(together, doubled, rtol=1e-3, atol=0)
    assert (half - doubled).abs().max() > 20 * (together - doubled).abs().max()


def test_all_processes_stop_when_one_meets_a_loss_that_is_no_number(
    seen: list[dict[str, Any]], folder: Path
) -> None:
    assert all("step 3: a loss or its gradient is not a number" in process["error"] for process in seen)
    assert [path.name for path in (folder / "bad").glob("bad_batch*")] == ["bad_batch_0.pt"]
