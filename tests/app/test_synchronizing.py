"""Synchronization in the running pipeline: set up, judged, and set up again after the rig was lost."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from app.pipeline.live import LiveConfig
from capture.errors import SettingRejected
from capture.simulator.rig import simulator_spec
from capture.spec import ReplaySpec, RigSpec, VirtualSpec
from capture.sync.config import SyncConfig
from tests.app.pipelines import Watched, write_replay

pytestmark = pytest.mark.usefixtures("no_leaks")

VIRTUAL = VirtualSpec(width=64, height=64, frame_rate_hz=20)


def watched(rig: RigSpec) -> Watched:
    return Watched(LiveConfig(rig, device="cpu", colorize=False))


def wait_for_pairs(run: Watched, matched_by: str) -> None:
    def there() -> bool:
        state = run.pipeline.sync_state()
        return state.pairs >= 5 and state.matched_by == matched_by

    run.wait_for(f"pairs by {matched_by}", there)


def test_a_mode_chosen_while_running_holds_after_the_rig_was_lost() -> None:
    with watched(VIRTUAL) as run:
        wait_for_pairs(run, "frame id")
        report = run.pipeline.synchronize(SyncConfig("software", frame_rate_hz=30.0))
        assert report.complete
        wait_for_pairs(run, "frame id")
        assert run.pipeline.settings("mono")["TriggerMode"].value == "On"
        pid = run.pipeline.capture_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        run.wait_for("the rig to be back", lambda: run.pipeline.status().recovery.outages)
        wait_for_pairs(run, "frame id")  # no trigger comes but from us
        rig = run.pipeline.status().rig
        assert rig is not None
        assert rig.sync is not None
        assert rig.sync.config == SyncConfig("software", frame_rate_hz=30.0)
        status = run.pipeline.status()
    pairing = run.pipeline.status().pairing
    assert status.recovery.outages[0].refused == ()
    assert pairing.pushed_mono == pairing.paired + pairing.unpaired_mono + pairing.waiting_mono


def test_a_replay_cannot_be_set_up_and_plays_on(tmp_path: Path) -> None:
    with watched(ReplaySpec(write_replay(tmp_path / "pairs", 3))) as run:
        run.wait_for_views(1)
        with pytest.raises(SettingRejected, match="as they were recorded"):
            run.pipeline.synchronize(SyncConfig("software"))
        run.wait_for_views(1)


def test_the_simulated_cameras_change_modes_without_losing_a_pair_in_the_books(simulator: Path) -> None:
    spec = simulator_spec(simulator)
    with watched(spec) as run:
        run.wait_for_views(1)
        for config, matched_by in (
            (SyncConfig("free_run", frame_rate_hz=30.0), "time"),
            (SyncConfig("hardware", leader="color", frame_rate_hz=30.0), "frame id"),
            (SyncConfig("action", frame_rate_hz=30.0), "frame id"),
            (SyncConfig("hardware", frame_rate_hz=30.0), "frame id"),
        ):
            report = run.pipeline.synchronize(config)
            assert report.complete, report.summary
            wait_for_pairs(run, matched_by)
        assert run.pipeline.status().error == ""
    stopped = run.pipeline.status()
    pairing, cameras = stopped.pairing, stopped.cameras
    assert cameras["mono"].delivered == pairing.paired + pairing.unpaired_mono + pairing.waiting_mono
    assert cameras["color"].delivered == pairing.paired + pairing.unpaired_color + pairing.waiting_color


def test_a_rig_file_that_asks_for_too_much_runs_freely_with_a_notice(simulator: Path) -> None:
    spec = replace(simulator_spec(simulator), sync=SyncConfig("external", mono_line="Line9"))
    with watched(spec) as run:
        run.wait_for_views(1)
        assert "TriggerSource = Line9 was refused: it takes" in run.pipeline.status().notice
