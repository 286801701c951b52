"""The recipes against the descriptions of real cameras: every name they rely on is one that cameras have."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from capture.errors import CaptureError, SettingRejected
from capture.frames import ROLES
from capture.node_settings import NodeSettings
from capture.sync.config import SyncConfig
from capture.sync.described import DescribedCamera
from capture.sync.names import RECIPE_NODES
from capture.sync.recipes import run_recipe
from capture.sync.report import SyncReport
from capture.sync.table import DescribedResult, main, markdown, run_on_description

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def descriptions(shared_dir: Path) -> Path:
    return shared_dir / "data" / "genicam_xml"


def nodes_of(path: Path) -> NodeSettings:
    return NodeSettings(DescribedCamera(path, RECIPE_NODES).node_map)


def run(path: Path, config: SyncConfig) -> SyncReport:
    return run_recipe(config, {role: nodes_of(path) for role in ROLES})


def values(report: SyncReport, role: str) -> dict[str, object]:
    """What each node of a camera was in the end, by the recipe's own reading back."""
    return {step.node: step.read_back for step in report.steps if step.role == role}


@pytest.fixture(scope="module")
def results(descriptions: Path) -> list[DescribedResult]:
    return [run_on_description(path) for path in sorted(descriptions.glob("*.xml"))]


def test_every_described_camera_runs_freely_by_software_and_by_an_external_trigger(
    results: list[DescribedResult],
) -> None:
    assert len(results) == 12
    for result in results:
        for mode in ("free_run", "software", "external"):
            assert result.reports[mode].complete, f"{result.file}: {result.reports[mode].summary}"


# The pin that sends, the signal's name, the switch of PTP and the action's name are each vendor's own.
@pytest.mark.parametrize(
    ("file", "selector", "pin", "signal", "name"),
    [
        ("AVT_Manta_G235C.xml", "SyncOutSelector", "SyncOut1", "SyncOutSource", "Exposing"),
        ("Basler-a2A2600-20gmBAS.xml", "LineSelector", "Line2", "LineSource", "ExposureActive"),
        ("Basler-acA1300-30gm.xml", "LineSelector", "Out1", "LineSource", "ExposureActive"),
        ("FLIR-BFS-PGE-13Y3C.xml", "LineSelector", "Line0", "LineSource", "ExposureActive"),
    ],
)
def test_the_leader_sends_its_exposure_by_the_names_of_its_vendor(
    descriptions: Path, file: str, selector: str, pin: str, signal: str, name: str
) -> None:
    report = run(descriptions / file, SyncConfig(mode="hardware", leader="color"))
    leader, follower = values(report, "color"), values(report, "mono")
    assert report.complete
    assert report.start_order == ("mono", "color")  # the follower waits before the leader begins
    assert (leader[selector], leader[signal], leader["TriggerMode"]) == (pin, name, "Off")
    assert follower["TriggerMode"] == "On"
    assert str(follower["TriggerSource"]).startswith("Line")
    assert follower["TriggerActivation"] == "RisingEdge"


@pytest.mark.parametrize(
    ("file", "switch", "state", "source", "selector"),
    [
        ("AVT_Manta_G235C.xml", "PtpMode", "Auto", "Action0", 0),
        ("Basler-a2A2600-20gmBAS.xml", "PtpEnable", True, "Action1", 1),
        ("FLIR-BFS-PGE-13Y3C.xml", "GevIEEE1588", True, "Action0", "Action0"),
    ],
)
def test_action_commands_and_ptp_go_by_the_names_of_each_vendor(
    descriptions: Path, file: str, switch: str, state: object, source: str, selector: object
) -> None:
    config = SyncConfig(mode="action", device_key=7, group_key=8, group_mask=9)
    report = run(descriptions / file, config)
    camera = values(report, "mono")
    assert report.complete, report.summary
    assert (camera[switch], camera["TriggerSource"], camera["ActionSelector"]) == (state, source, selector)
    assert (camera["ActionDeviceKey"], camera["ActionGroupKey"], camera["ActionGroupMask"]) == (7, 8, 9)


def test_a_camera_without_a_pin_or_an_action_says_what_it_would_take(descriptions: Path) -> None:
    path = descriptions / "arv-fake-camera.xml"
    assert "no pin" in run(path, SyncConfig(mode="hardware")).summary
    summary = run(path, SyncConfig(mode="action")).summary
    assert "TriggerSource = Action0 or Action1 was refused: it takes Line0, Software" in summary


def test_a_pin_that_is_named_is_taken_or_refused_with_those_there_are(descriptions: Path) -> None:
    path = descriptions / "Basler-a2A2600-20gmBAS.xml"
    report = run(path, SyncConfig(mode="hardware", mono_line="Line3", color_line="Line2"))
    assert values(report, "mono")["LineSelector"] == "Line3"
    assert values(report, "color")["TriggerSource"] == "Line2"
    summary = run(path, SyncConfig(mode="hardware", mono_line="Line9")).summary
    assert "LineSelector = Line9 was refused: it takes Line1, Line2, Line3" in summary


def test_basler_takes_its_first_line_for_input_only(descriptions: Path) -> None:
    """A fact in the description itself: the direction of Line1 of this camera is constant."""
    nodes = nodes_of(descriptions / "Basler-a2A2600-20gmBAS.xml")
    nodes.apply("LineSelector", "Line1")
    with pytest.raises(SettingRejected, match="LineMode"):
        nodes.apply("LineMode", "Output")


def test_the_switch_of_the_frame_rate_is_found_on_each_vendor(descriptions: Path) -> None:
    for path in sorted(descriptions.glob("*.xml")):
        nodes = nodes_of(path)
        assert nodes.has("AcquisitionFrameRate"), path.name
        if not path.name.startswith(("AVT", "arv")):
            assert nodes.apply("AcquisitionFrameRateEnable", value=True) is True, path.name


def test_the_table_in_the_docs_is_what_the_recipes_do(results: list[DescribedResult]) -> None:
    assert markdown(results) in (ROOT / "docs" / "hardware-trigger.md").read_text(encoding="utf-8")


def test_the_command_prints_the_table(
    descriptions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(descriptions / "arv-fake-camera.xml", tmp_path)
    monkeypatch.setattr(sys, "argv", ["table", str(tmp_path)])
    assert main() == 0
    assert (
        capsys.readouterr()
        .out.splitlines()[2]
        .startswith("| Aravis Fake (arv-fake-camera.xml) | TriggerMode")
    )
    monkeypatch.setattr(sys, "argv", ["table", str(tmp_path / "absent")])
    assert main() == 2
    assert "no description" in capsys.readouterr().err


def test_a_file_that_is_no_description_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "not.xml"
    path.write_text("<RegisterDescription>")
    with pytest.raises(CaptureError, match="no GenICam description"):
        DescribedCamera(path, RECIPE_NODES)
