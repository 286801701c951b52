"""Recipes on cameras as they are met elsewhere: odd names, triggers left on, settings that do not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.frames import ROLES, Role
from capture.node_settings import NodeSettings
from capture.rig import SettingValue
from capture.sync.config import SyncConfig
from capture.sync.described import DescribedCamera
from capture.sync.names import RECIPE_NODES
from capture.sync.recipes import run_recipe
from capture.sync.report import SyncReport
from capture.sync.script import Step

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<RegisterDescription ModelName="Odd" VendorName="Test" ToolTip="" StandardNameSpace="None"
  SchemaMajorVersion="1" SchemaMinorVersion="1" SchemaSubMinorVersion="0" MajorVersion="1" MinorVersion="0"
  SubMinorVersion="0" ProductGuid="1" VersionGuid="1" xmlns="http://www.genicam.org/GenApi/Version_1_1">
<Port Name="Device"/>
"""


def enumeration(name: str, *entries: str, address: int, read_only: bool = False) -> str:
    listed = "".join(
        f'<EnumEntry Name="{entry}"><Value>{value}</Value></EnumEntry>' for value, entry in enumerate(entries)
    )
    access = "RO" if read_only else "RW"
    return f"""<Enumeration Name="{name}">{listed}<pValue>{name}Reg</pValue></Enumeration>
<IntReg Name="{name}Reg"><Address>{address}</Address><Length>4</Length><AccessMode>{access}</AccessMode>
<pPort>Device</pPort><Sign>Unsigned</Sign><Endianess>BigEndian</Endianess></IntReg>
"""


def boolean(name: str, *, address: int) -> str:
    return f"""<Boolean Name="{name}"><pValue>{name}Reg</pValue></Boolean>
<IntReg Name="{name}Reg"><Address>{address}</Address><Length>4</Length><AccessMode>RW</AccessMode>
<pPort>Device</pPort><Sign>Unsigned</Sign><Endianess>BigEndian</Endianess></IntReg>
"""


HIKROBOT_LIKE = (
    enumeration("TriggerSelector", "FrameBurstStart", address=0x00)
    + enumeration("TriggerMode", "Off", "On", address=0x04)
    + enumeration("TriggerSource", "Line0", "Line2", "Counter0", "Software", address=0x08)
    + enumeration("TriggerActivation", "RisingEdge", "FallingEdge", address=0x0C)
    + enumeration("LineSelector", "Line1", address=0x10)
    + enumeration("LineMode", "Input", "Strobe", address=0x14)
    + enumeration("LineSource", "AcquisitionStartActive", "ExposureStartActive", address=0x18)
    + boolean("StrobeEnable", address=0x1C)
)


def cameras(tmp_path: Path, body: str) -> dict[Role, NodeSettings]:
    path = tmp_path / "odd.xml"
    path.write_text(f"{HEAD}{body}</RegisterDescription>")
    return {role: NodeSettings(DescribedCamera(path, RECIPE_NODES).node_map) for role in ROLES}


def read(report: SyncReport, role: Role) -> dict[str, object]:
    return {step.node: step.read_back for step in report.steps if step.role == role}


def test_a_strobe_pin_with_its_switch_and_a_burst_trigger_will_do(tmp_path: Path) -> None:
    nodes = cameras(tmp_path, HIKROBOT_LIKE)
    report = run_recipe(SyncConfig("hardware", activation="FallingEdge"), nodes)
    assert report.complete, report.summary
    leader, follower = read(report, "mono"), read(report, "color")
    assert leader["LineMode"] == "Strobe"
    assert leader["LineSource"] == "ExposureStartActive"
    assert leader["StrobeEnable"] is True
    assert follower["TriggerSelector"] == "FrameBurstStart"
    assert follower["TriggerSource"] == "Line0"
    assert follower["TriggerActivation"] == "FallingEdge"
    assert follower["TriggerMode"] == "On"


def test_what_was_refused_leaves_both_cameras_running_freely(tmp_path: Path) -> None:
    nodes = cameras(tmp_path, HIKROBOT_LIKE)
    report = run_recipe(SyncConfig("external", mono_line="Line0", color_line="Line5"), nodes)
    assert not report.complete
    (failure,) = report.failures
    assert (failure.role, failure.node, failure.wanted) == ("color", "TriggerSource", "Line5")
    assert failure.reason == "it takes Line0, Line2, Counter0, Software"
    assert {role: each.value("TriggerMode") for role, each in nodes.items()} == dict.fromkeys(ROLES, "Off")
    assert not report.shares_trigger
    assert report.trigger_rate_hz is None


def test_a_trigger_that_somebody_left_on_is_switched_off(tmp_path: Path, shared_dir: Path) -> None:
    """A burst trigger that waits holds every frame back, whatever the frame trigger says."""
    path = shared_dir / "data" / "genicam_xml" / "Basler-a2A2600-20gmBAS.xml"
    nodes = {role: NodeSettings(DescribedCamera(path, RECIPE_NODES).node_map) for role in ROLES}
    nodes["mono"].apply("TriggerSelector", "FrameBurstStart")
    nodes["mono"].apply("TriggerMode", "On")
    report = run_recipe(SyncConfig("software"), nodes)
    assert report.complete
    nodes["mono"].apply("TriggerSelector", "FrameBurstStart")
    assert nodes["mono"].value("TriggerMode") == "Off"
    assert [(s.node, s.wanted) for s in report.steps[:2]] == [
        ("TriggerSelector", "FrameBurstStart"),
        ("TriggerMode", "Off"),
    ]
    assert len(report.steps) > 2


def test_a_setting_that_is_locked_is_refused_with_its_value(tmp_path: Path) -> None:
    body = (
        enumeration("TriggerMode", "Off", "On", address=0x04, read_only=True)
        + enumeration("TriggerSource", "Line0", "Software", address=0x08)
        + enumeration("TriggerActivation", "RisingEdge", address=0x0C)
    )
    report = run_recipe(SyncConfig("external"), cameras(tmp_path, body))
    failure = next(step for step in report.steps if step.node == "TriggerMode" and step.failed)
    assert (failure.outcome, failure.read_back) == ("refused", "Off")
    assert failure.reason == "it cannot be written now"
    assert "mono camera: TriggerMode = On was refused" in report.summary


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Step("mono", "TriggerMode", "On", "On", "set", essential=True), "mono camera: TriggerMode = On"),
        (
            Step("color", "AcquisitionFrameRate", 20.0, 19.2, "differs", essential=True),
            "colour camera: AcquisitionFrameRate = 20.0 became 19.2",
        ),
        (
            Step("mono", "PtpStatus", None, "Slave", "read", essential=False),
            "mono camera: PtpStatus is Slave",
        ),
    ],
)
def test_steps_read_like_sentences(step: Step, line: str) -> None:
    assert str(step) == line


class _Watched(NodeSettings):
    """Notes the pins that were turned to output."""

    def __init__(self, node_map: object) -> None:
        super().__init__(node_map)
        self.turned: set[str] = set()

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        if (name, value) == ("LineMode", "Output"):
            self.turned.add(str(self.value("LineSelector")))
        return super().apply(name, value)


def test_no_pin_but_the_leaders_is_turned_to_output(shared_dir: Path) -> None:
    """Something else may drive the others."""
    folder = shared_dir / "data" / "genicam_xml"
    for file, pin in (("Basler-a2A2600-20gmBAS.xml", "Line2"), ("FLIR-BFS-PGE-13Y3M.xml", "Line0")):
        described = {role: DescribedCamera(folder / file, RECIPE_NODES) for role in ROLES}
        nodes = {role: _Watched(camera.node_map) for role, camera in described.items()}
        assert run_recipe(SyncConfig("hardware"), nodes).complete
        assert nodes["mono"].turned == {pin}
        assert nodes["color"].turned == set()
