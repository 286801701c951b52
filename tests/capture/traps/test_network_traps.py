"""Traps of network and USB, on trees of files like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.bandwidth import Link, Stream, budget
from capture.discovery import Device
from capture.preview import PreviewCamera
from capture.rig_budget import PlannedCamera, link_budgets
from capture.spec import CameraSpec
from capture.traps import network, usb
from capture.traps.links import crowded_links
from capture.traps.network import adapter_of, adapters
from capture.traps.usb import UsbCamera


def files(root: Path, tree: dict[str, str]) -> None:
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def gige(serial: str, interface: str = "eno1") -> Device:
    return Device(serial, "Vendor", "Model", "GEV", "a.cti", accessible=True, interface=interface)


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Two adapters with a cable, one without, and the loopback."""
    for name, state, speed, mtu in (
        ("eno1", "up", "1000", "1500"),
        ("eno2", "up", "100", "9000"),
        ("eno3", "down", "-1", "1500"),
    ):
        folder = f"sys/class/net/{name}"
        address = f"00:11:22:33:44:{name[-1]}{name[-1]}"
        tree = {"operstate": state, "speed": speed, "mtu": mtu, "address": address, "device/vendor": "x"}
        files(tmp_path, {f"{folder}/{key}": value for key, value in tree.items()})
    files(tmp_path, {"sys/class/net/lo/operstate": "unknown", "sys/class/net/lo/mtu": "65536"})
    files(tmp_path, {"proc/sys/net/core/rmem_max": "212992"})
    return tmp_path


def test_adapters_with_a_cable(kernel: Path, tmp_path: Path) -> None:
    first, second = adapters(kernel)
    assert (first.name, first.mbit_per_s, first.mtu) == ("eno1", 1000, 1500)
    assert (second.name, second.mbit_per_s) == ("eno2", 100)
    assert adapters(tmp_path / "nowhere") == []


def test_the_adapter_a_camera_is_behind(kernel: Path) -> None:
    known = adapters(kernel)
    assert adapter_of(gige("1", "eno2"), known) is known[1]
    assert adapter_of(gige("1", "Ethernet (eno2)"), known) is known[1]
    assert adapter_of(gige("1", "GigE 00-11-22-33-44-11"), known) is known[0]
    assert adapter_of(gige("1", "Intel I210"), known) is None
    assert adapter_of(gige("1", "Intel I210"), known[:1]) is known[0], "there is no other"


def test_mtu_speed_and_buffer_of_what_cameras_use(kernel: Path) -> None:
    known = adapters(kernel)
    (mtu,) = network.small_packets([gige("1"), gige("2")], known)
    assert mtu.fix == "sudo ip link set eno1 mtu 9000"
    (slow,) = network.slow_links([gige("1"), gige("2", "eno2")], known)
    assert "eno2 runs at 100 Mbit/s" in slow.text
    (buffer,) = network.small_receive_buffer([gige("1")], kernel)
    assert buffer.fix == "sudo sysctl -w net.core.rmem_max=33554432"


def test_without_gige_cameras_the_network_is_nobodys_business(kernel: Path) -> None:
    usb_camera = Device("1", "V", "M", "U3V", "a.cti", accessible=True)
    assert list(network.small_packets([usb_camera], adapters(kernel))) == []
    assert list(network.small_receive_buffer([usb_camera], kernel)) == []
    files(kernel, {"proc/sys/net/core/rmem_max": "33554432"})
    assert list(network.small_receive_buffer([gige("1")], kernel)) == []


def planned(name: str, interface: str, spec: CameraSpec | None = None) -> PlannedCamera:
    camera = PreviewCamera(gige(name, interface), ("Mono8",), "Mono8", 2448, 2048, 20.0, 125e6)
    return PlannedCamera(name, camera, spec)


def test_two_cameras_over_one_link(kernel: Path) -> None:
    known = adapters(kernel)[:1]
    (found,) = link_budgets([planned("mono", "a"), planned("colour", "b")], known)
    assert found.link == Link("eno1", "GEV", 1000), "the only adapter there is carries both"
    (finding,) = crowded_links([found])
    assert finding.severity == "problem"
    assert f"Lower the rate to {found.highest_rate_hz:.1f} Hz" in finding.text


def test_what_the_rig_file_sets_counts() -> None:
    slow = CameraSpec("1", "Mono8", {"AcquisitionFrameRate": 5.0, "Width": 1224, "GevSCPSPacketSize": 9000})
    (found,) = link_budgets([planned("mono", "eno1", slow), planned("colour", "eno1", slow)])
    assert found.streams[0] == Stream("mono", "Mono8", 1224, 2048, 5.0, 9000)
    (finding,) = crowded_links([found])
    assert finding.severity == "note"
    assert f"mono = {found.limits[0]}, colour = {found.limits[1]}" in finding.text


def test_a_link_of_its_own_for_each_camera_is_no_finding() -> None:
    budgets = link_budgets([planned("mono", "eno1"), planned("colour", "eno2")])
    assert len(budgets) == 2
    assert list(crowded_links(budgets)) == []


def test_one_camera_that_is_too_fast_for_its_link() -> None:
    fast = budget(Link("eno1", "GEV", 1000), Stream("mono", "Mono12", 4096, 3000, 20.0))
    (finding,) = crowded_links([fast])
    assert finding.severity == "problem"


@pytest.fixture
def bus(tmp_path: Path) -> Path:
    """A camera at USB 3, one at USB 2, a keyboard."""
    for name, speed, kind in (("2-1", "5000", "ef"), ("1-4", "480", "ef"), ("1-5", "12", "03")):
        folder = f"sys/bus/usb/devices/{name}"
        tree = {
            "idVendor": "2676",
            "manufacturer": "Basler",
            "product": f"acA {name}",
            "serial": f"40{name[-1]}",
            "speed": speed,
            "busnum": name[0],
            "devnum": name[-1],
            f"{name}:1.0/bInterfaceClass": kind,
            f"{name}:1.0/bInterfaceSubClass": "05",
        }
        files(tmp_path, {f"{folder}/{key}": value for key, value in tree.items()})
    files(tmp_path, {"sys/module/usbcore/parameters/usbfs_memory_mb": "16"})
    return tmp_path


def test_cameras_on_the_bus(bus: Path) -> None:
    slow, fast = usb.usb_cameras(bus)
    assert fast == UsbCamera("Basler acA 2-1", "401", "2676", 5000, bus / "dev/bus/usb/002/001")
    assert slow.mbit_per_s == 480
    assert usb.usb_cameras(bus / "nowhere") == []


def test_missing_rights_are_one_rule_per_maker(bus: Path) -> None:
    cameras = usb.usb_cameras(bus)
    (finding,) = usb.missing_rights(cameras, lambda _: False)
    assert "Basler acA 2-1 (401)" in finding.text
    assert 'ATTR{idVendor}=="2676"' in finding.fix
    assert "udevadm trigger" in finding.fix
    assert list(usb.missing_rights(cameras, lambda _: True)) == []


def test_ports_memory_and_cameras_that_nobody_lists(bus: Path) -> None:
    cameras = usb.usb_cameras(bus)
    (port,) = usb.slow_ports(cameras)
    assert "480 Mbit/s" in port.text
    (memory,) = usb.small_transfer_memory(cameras, bus)
    assert memory.fix.startswith("echo 1000 | sudo tee ")
    assert list(usb.small_transfer_memory([], bus)) == []
    (unseen,) = usb.unseen_cameras(cameras, frozenset({"401"}))
    assert "Basler acA 1-4" in unseen.text
