"""The [sync] table of rig files: read strictly, written, and read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import RigFileError
from capture.frames import ROLES
from capture.rig_file import load_rig_file, save_rig_file
from capture.spec import CameraSpec, GenicamSpec, VirtualSpec
from capture.sync.config import EDGES, LARGEST_KEY, MODES, SyncConfig

GENICAM = """
kind = "genicam"
[mono]
serial = "1"
[color]
serial = "2"
"""


def read(folder: Path, table: str) -> GenicamSpec:
    path = folder / "bench.toml"
    path.write_text(GENICAM + table)
    spec = load_rig_file(path)
    assert isinstance(spec, GenicamSpec)
    return spec


def test_without_the_table_no_trigger_is_touched(tmp_path: Path) -> None:
    assert read(tmp_path, "").sync is None


def test_every_key_is_read_and_only_the_mode_is_needed(tmp_path: Path) -> None:
    table = """[sync]
mode = "hardware"
leader = "color"
frame_rate_hz = 20
mono_line = "Line1"
color_line = "Line2"
activation = "FallingEdge"
device_key = 7
group_key = 8
group_mask = 9
broadcast = "192.168.10.255"
"""
    assert read(tmp_path, table).sync == SyncConfig(
        "hardware", "color", 20.0, "Line1", "Line2", "FallingEdge", 7, 8, 9, "192.168.10.255"
    )
    assert read(tmp_path, '[sync]\nmode = "software"').sync == SyncConfig("software")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("[sync]", "sync.mode is missing"),
        ('[sync]\nmode = "wired"', "sync.mode is 'wired', must be one of free_run, software, hardware"),
        ('[sync]\nmode = "hardware"\nleader = "left"', "sync.leader is 'left', must be one of mono, color"),
        ('[sync]\nmode = "hardware"\nline = "Line1"', "sync.line is not a known key"),
        ('[sync]\nmode = "action"\ngroup_mask = 4294967296', "sync.group_mask .* 32 bits"),
        ('[sync]\nmode = "software"\nframe_rate_hz = -1.0', "sync.frame_rate_hz is -1.0"),
        ('[sync]\nmode = "action"\nbroadcast = "cameras.local"', "sync.broadcast .* IPv4 address"),
        ('sync = "hardware"', "color.sync is not a known key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, table: str, complaint: str) -> None:
    with pytest.raises(RigFileError, match=complaint):
        read(tmp_path, table)


@given(
    mode=st.sampled_from(MODES),
    leader=st.sampled_from(ROLES),
    rate=st.none() | st.floats(0.1, 500),
    line=st.sampled_from(["", "Line0", "SyncOut1"]),
    activation=st.sampled_from(EDGES),
    key=st.integers(0, LARGEST_KEY),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, mode, leader, rate, line, activation, key
) -> None:
    sync = SyncConfig(mode, leader, rate, line, "Line5", activation, key, 2, 3)
    spec = GenicamSpec("bench", CameraSpec("1"), CameraSpec("2"), sync=sync)
    path = tmp_path_factory.getbasetemp() / "written.toml"
    save_rig_file(spec, path)
    assert load_rig_file(path) == spec
    save_rig_file(replace(spec, sync=None), path)
    assert load_rig_file(path) == replace(spec, sync=None)


def test_a_virtual_rig_may_have_one_too(tmp_path: Path) -> None:
    path = tmp_path / "virtual.toml"
    path.write_text('kind = "virtual"\n[sync]\nmode = "software"\nframe_rate_hz = 5.0\n')
    assert load_rig_file(path) == VirtualSpec(sync=SyncConfig("software", frame_rate_hz=5.0))
