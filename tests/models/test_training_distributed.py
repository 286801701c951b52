"""Two processes that train together take the steps of one with the doubled batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.models.distributed_worker import train

ROOT = Path(__file__).resolve().parents[2]


def _together(task: str, batch_size: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Train in two processes, with gloo over the loopback."""
    launcher = [
        "torch.distributed.run",
        "--nproc-per-node=2",
        "--master-addr=127.0.0.1",
        "--local-addr=127.0.0.1",
    ]
    launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    worker = ["-m", "tests.models.distributed_worker", task, str(batch_size), str(folder)]
    return subprocess.run(
        [sys.executable, "-m", *launcher, *worker],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_two_processes_take_the_steps_of_one_with_the_doubled_batch(tmp_path: Path) -> None:
    """Batch norms of both networks share their statistics; losses are means over samples."""
    done = _together("colorizer", 2, tmp_path)
    assert done.returncode == 0, done.stderr
    together = torch.tensor(json.loads((tmp_path / "losses.json").read_text()))
    doubled = torch.tensor(train("colorizer", 4, tmp_path / "doubled"))
    half = torch.tensor(train("colorizer", 2, tmp_path / "half"))
    assert len(together) == 6
    torch.testing.assert_close(together, doubled, rtol=1e-3, atol=0)
    assert (half - doubled).abs().max() > 20 * (together - doubled).abs().max()


def test_all_processes_stop_when_one_meets_a_loss_that_is_no_number(tmp_path: Path) -> None:
    done = _together("bad", 2, tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("step 3: a loss or its gradient is not a number") >= 2
    assert [path.name for path in tmp_path.glob("bad_batch*")] == ["bad_batch_0.pt"]
