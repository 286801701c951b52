"""What a session notes of its cameras: read from a rig that runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.pipeline.live import LiveConfig
from app.pipeline.nodes import THAT_MATTER, nodes_that_matter
from app.version import APP_VERSION
from capture.dataset import DatasetReader
from capture.features import Feature, FeatureTree
from capture.presets import StoredValue
from capture.simulator.rig import simulator_spec
from tests.app.pipelines import Watched


def test_values_are_named_with_the_place_of_their_selectors() -> None:
    tree = FeatureTree(
        (
            Feature("DeviceFirmwareVersion", "string", access="RO", value="1.2"),
            Feature("BalanceRatio", "float", value=1.5, selectors=(("BalanceRatioSelector", "Red"),)),
            Feature("DeviceReset", "command"),
            Feature("Gamma", "float", access="NA"),
            Feature("UserSetSelector", "enumeration", value="Default"),
        )
    )
    snapshot = tuple(
        StoredValue("BalanceRatio", value, (("BalanceRatioSelector", place),))
        for place, value in (("Red", 1.5), ("Blue", 1.7))
    )
    assert nodes_that_matter(tree, snapshot) == {
        "DeviceFirmwareVersion": "1.2",
        "BalanceRatio [Red]": 1.5,
        "BalanceRatio [Blue]": 1.7,
    }


@pytest.mark.usefixtures("no_leaks")
def test_a_session_tells_how_its_cameras_were_set(simulator: Path, tmp_path: Path) -> None:
    config = LiveConfig(simulator_spec(simulator), device="cpu", colorize=False)
    with Watched(config) as watched:
        watched.wait_for_views(1)
        watched.pipeline.apply("mono", "BlackLevel", 3.0)
        watched.pipeline.open_dataset(tmp_path / "set")
        watched.pipeline.save_pair()
        watched.wait_for("the pair", lambda: watched.pipeline.status().recorder.saved)
    (session,) = DatasetReader.open(tmp_path / "set").sessions
    nodes = session["nodes"]
    assert isinstance(nodes, dict)
    assert nodes["mono"]["BlackLevel"] == 3.0
    assert nodes["mono"]["DeviceFirmwareVersion"]
    assert {"BalanceRatio [Red]", "BalanceRatio [Blue]", "Gamma", "ExposureTime"} <= set(nodes["color"])
    assert {name.partition(" ")[0] for name in (*nodes["mono"], *nodes["color"])} <= THAT_MATTER
    assert session["app_version"] == APP_VERSION
    assert len(str(session["calibration_sha256"])) == 64


def test_the_version_is_the_project_s() -> None:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == APP_VERSION
