"""A replay that waits: with TriggerMode On, pairs come one by one and in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.errors import FrameTimeout, SettingRejected
from capture.replay import ReplayRig
from tests.capture import rig_specs

PAIRS = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pairs"


def test_each_trigger_plays_the_next_pair(folder: Path) -> None:
    with ReplayRig(rig_specs.replay(folder, pairs=PAIRS, loop=False)) as rig:
        rig.apply("mono", "TriggerMode", "On")
        assert rig.settings("color")["TriggerMode"].value == "On"
        rig.start()
        with pytest.raises(FrameTimeout, match="TriggerSoftware"):
            rig.next_frame(0.01)
        for number in range(PAIRS):
            rig.execute("TriggerSoftware")
            mono, color = rig.next_frame(1.0), rig.next_frame(1.0)
            assert mono is not None
            assert color is not None
            assert (mono.frame_id, color.frame_id) == (number, number)
            with pytest.raises(FrameTimeout):
                rig.next_frame(0.0)
        rig.execute("TriggerSoftware")
        assert rig.next_frame(1.0) is None


def test_triggers_are_counted_while_nobody_reads(folder: Path) -> None:
    with ReplayRig(rig_specs.replay(folder, pairs=PAIRS)) as rig:
        rig.apply("color", "TriggerMode", "On")
        rig.start()
        rig.execute("TriggerSoftware")
        rig.execute("TriggerSoftware")
        frames = [rig.next_frame(1.0) for _ in range(4)]
        assert [frame.frame_id for frame in frames if frame is not None] == [0, 0, 1, 1]
        with pytest.raises(FrameTimeout):
            rig.next_frame(0.0)
        rig.apply("mono", "TriggerMode", "Off")
        frame = rig.next_frame(1.0)
        assert frame is not None
        assert frame.frame_id == 2


def test_a_trigger_needs_trigger_mode(folder: Path) -> None:
    with ReplayRig(rig_specs.replay(folder, pairs=PAIRS)) as rig:
        assert rig.info.commands == ("TriggerSoftware",)
        with pytest.raises(SettingRejected, match="TriggerMode"):
            rig.execute("TriggerSoftware")
        with pytest.raises(SettingRejected, match="Off, On"):
            rig.apply("mono", "TriggerMode", "Maybe")
