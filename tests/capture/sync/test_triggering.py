"""Triggers at a rate, action commands, and rigs that are set up: virtual, replayed and in a process."""

from __future__ import annotations

import socket
import struct
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import FrameTimeout, SettingRejected
from capture.frames import ROLES
from capture.node_settings import NodeSettings
from capture.process import RigProcess
from capture.spec import VirtualSpec, open_rig
from capture.sync import action
from capture.sync.action import ActionSender, action_packet
from capture.sync.conductor import Conductor
from capture.sync.config import SyncConfig
from capture.sync.described import DescribedCamera
from capture.sync.names import RECIPE_NODES
from capture.sync.pacer import FIRST_AFTER_NS, TriggerPacer
from tests.capture import rig_specs
from tests.capture.rig_specs import take

PATIENCE_S = 20.0


@given(rate=st.floats(1, 500), looks=st.lists(st.integers(0, 30_000_000), min_size=1, max_size=200))
def test_triggers_keep_in_step_and_never_come_in_bursts(rate: float, looks: list[int]) -> None:
    """However irregularly it is asked: never closer than 0.8 periods, never more than there were periods."""
    pacer, now_ns, given_ns = TriggerPacer(rate), 10**12, []
    for passed_ns in [0, *looks, *[100_000] * 50]:
        now_ns += passed_ns
        if pacer.due(now_ns):
            given_ns.append(now_ns)
    period_ns = 1e9 / rate
    assert all(later - earlier >= 0.8 * period_ns for earlier, later in pairwise(given_ns))
    assert all(each >= 10**12 + FIRST_AFTER_NS for each in given_ns)
    periods = max(0.0, (now_ns - 10**12 - FIRST_AFTER_NS) / period_ns + 1)
    assert len(given_ns) + pacer.left_out <= periods


@given(rate=st.floats(1, 200))
def test_triggers_that_are_asked_for_in_time_come_at_the_rate(rate: float) -> None:
    pacer = TriggerPacer(rate)
    given_ns = [now_ns for now_ns in range(0, 2 * 10**9, 10**6) if pacer.due(now_ns)]
    assert len(given_ns) == pytest.approx(1.9 * rate, abs=1)
    assert pacer.left_out == 0


def test_an_action_command_is_the_packet_of_the_standard() -> None:
    packet = action_packet(SyncConfig("action", device_key=0x11223344, group_key=5, group_mask=0xFF), 0x0102)
    assert packet.hex() == "42000100000c01021122334400000005000000ff"


def test_action_commands_go_out_by_udp_where_no_producer_sends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.bind(("127.0.0.1", 0))
        camera.settimeout(PATIENCE_S)
        monkeypatch.setattr(action, "GVCP_PORT", camera.getsockname()[1])
        sender = ActionSender(SyncConfig("action", broadcast="127.0.0.1", group_key=3), [])
        sender.send()
        sender.send()
        packets = [camera.recv(100), camera.recv(100)]
        sender.close()
        sender.close()
    requests = [struct.unpack(">BBHHHIII", packet)[4] for packet in packets]
    assert requests == [1, 2]
    assert struct.unpack(">BBHHHIII", packets[0])[6] == 3


def test_an_address_that_is_none_is_refused_before_anything_is_set() -> None:
    with pytest.raises(SettingRejected, match="IPv4 address"):
        ActionSender(SyncConfig("action", broadcast="cameras.local"), [])


class _Busy:
    """A camera that does not take every trigger; all that the conductor asks of one."""

    interface_nodes = None
    frame_rate_hz = None

    def __init__(self, path: Path) -> None:
        self.nodes = NodeSettings(DescribedCamera(path, RECIPE_NODES).node_map)
        self.asked = 0

    def check_alive(self) -> None:
        pass

    def trigger(self) -> None:
        self.asked += 1
        raise SettingRejected("TriggerSoftware", "execute", "the camera is busy")


def test_a_trigger_that_a_camera_does_not_take_does_not_end_the_stream(shared_dir: Path) -> None:
    path = shared_dir / "data" / "genicam_xml" / "arv-fake-camera.xml"
    cameras = {role: _Busy(path) for role in ROLES}
    conductor = Conductor()
    assert conductor.set_up(SyncConfig("software", frame_rate_hz=100.0), cameras).complete
    conductor.started()
    for now_ns in range(0, 10**9, 10**6):
        conductor.beat(now_ns, cameras)
    assert cameras["mono"].asked >= 80


def test_the_virtual_rig_is_triggered_at_a_rate_from_its_process() -> None:
    spec = VirtualSpec(width=64, height=64, sync=SyncConfig("software", frame_rate_hz=25.0))
    with RigProcess(spec) as rig:
        info = rig.info
        assert info.sync is not None
        assert info.sync.complete
        assert (info.frame_rate_hz, info.shares_trigger) == (25.0, True)
        assert rig.settings("mono")["TriggerMode"].value == "On"
        rig.start()
        frames = take(rig, 20)
        rig.stop()
    for role in ROLES:
        times = [frame.device_ns for frame in frames if frame.role == role]
        gaps = [(later - earlier) / 1e6 for earlier, later in pairwise(times) if later and earlier]
        assert all(round(gap / 40) >= 1 for gap in gaps)  # none closer than the period
        assert [f.frame_id for f in frames if f.role == role] == list(range(len(times)))


def test_without_a_rate_no_trigger_comes_but_by_hand() -> None:
    with open_rig(VirtualSpec(width=64, height=64, sync=SyncConfig("software"))) as rig:
        rig.start()
        with pytest.raises(FrameTimeout):
            rig.next_frame(0.05)
        rig.execute("TriggerSoftware")
        assert {frame.role for frame in take(rig, 2)} == set(ROLES)


def test_a_mode_that_cannot_be_had_leaves_the_cameras_running_and_says_why() -> None:
    with RigProcess(VirtualSpec(width=64, height=64, frame_rate_hz=60)) as rig:
        report = rig.synchronize(SyncConfig("hardware"))
        assert not report.complete
        assert rig.info.sync == report
        assert "this camera has no" in report.summary
        assert report.summary in rig.info.notice
        assert report.refusals
        assert not rig.info.shares_trigger
        rig.start()
        assert len(take(rig, 6)) == 6
        with pytest.raises(SettingRejected, match="stop acquisition first"):
            rig.synchronize(SyncConfig("free_run"))
        rig.stop()
        assert rig.synchronize(SyncConfig("free_run", frame_rate_hz=30.0)).complete
        assert rig.settings("color")["AcquisitionFrameRate"].value == 30.0


def test_a_replay_says_that_it_cannot_be_triggered_otherwise(tmp_path: Path) -> None:
    with (
        open_rig(rig_specs.replay(tmp_path / "pairs")) as rig,
        pytest.raises(SettingRejected, match="replay"),
    ):
        rig.synchronize(SyncConfig("software"))
