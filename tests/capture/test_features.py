"""Feature trees: of a camera on paper, of real cameras' descriptions, of simulated and virtual cameras."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from capture.errors import AcquisitionLocked, SettingRejected
from capture.features import Defaults, Feature
from capture.frames import ROLES
from capture.genicam import GenicamRig
from capture.node_features import read_tree
from capture.simulator.rig import simulator_spec
from capture.virtual.rig import VirtualRig
from tests.capture.paper_camera import PaperCamera, Registers, connected, real_descriptions
from tests.capture.rig_specs import viky, virtual

PARTS = 12
"""Real descriptions in the shared data."""


@pytest.fixture
def camera() -> PaperCamera:
    return PaperCamera()


def feature(camera: PaperCamera, name: str) -> Feature:
    found = camera.nodes.tree().get(name)
    assert found is not None, name
    return found


def test_a_feature_says_all_that_the_camera_says(camera: PaperCamera) -> None:
    width = feature(camera, "Width")
    assert (width.kind, width.access, width.value) == ("integer", "RW", 1920)
    assert (width.minimum, width.maximum, width.increment) == (16, 1920, 16)
    assert width.category == ("Image Format Control",)
    exposure = feature(camera, "ExposureTime")
    assert (exposure.unit, exposure.description) == ("µs", "How long the sensor sees light.")
    assert exposure.logarithmic
    assert not width.logarithmic
    temperature = feature(camera, "SensorTemperature")
    assert (temperature.access, temperature.visibility, temperature.unit) == ("RO", "Guru", "C")
    assert feature(camera, "PixelFormat").choices == ("Mono8", "Mono12")
    assert feature(camera, "UserSetLoad").kind == "command"


def test_what_the_maker_hides_stays_hidden(camera: PaperCamera) -> None:
    names = {found.name for found in camera.nodes.tree()}
    assert "Secret" not in names
    assert "TLParamsLocked" not in names


def test_limits_follow_what_they_depend_on(camera: PaperCamera) -> None:
    camera.nodes.apply("Width", 1024)
    assert feature(camera, "OffsetX").maximum == 1920 - 1024
    camera.nodes.apply("OffsetX", 400)
    assert feature(camera, "Width").maximum == 1920 - 400
    with pytest.raises(SettingRejected, match="16 … 1520 px"):
        camera.nodes.apply("Width", 1536)


def test_a_selected_value_carries_the_position_and_a_default_for_each(camera: PaperCamera) -> None:
    assert feature(camera, "BalanceRatio").selectors == (("BalanceRatioSelector", "Red"),)
    camera.nodes.apply("BalanceRatio", 3.0)
    assert feature(camera, "BalanceRatio").differs
    camera.nodes.apply("BalanceRatioSelector", "Blue")
    blue = feature(camera, "BalanceRatio")
    assert (blue.value, blue.default, blue.differs) == (2.0, 2.0, False)
    camera.nodes.apply("BalanceRatioSelector", "Red")
    red = feature(camera, "BalanceRatio")
    assert (red.value, red.default, red.differs) == (3.0, 1.5, True)


def test_what_acquisition_locks_can_be_told_apart_from_what_is_read_only(camera: PaperCamera) -> None:
    writable = frozenset(found.name for found in camera.nodes.tree() if found.writable)
    camera.nodes.apply("TLParamsLocked", 1)
    assert feature(camera, "Width").access == "RO"
    tree = camera.nodes.tree(writable)
    width, temperature = tree.get("Width"), tree.get("SensorTemperature")
    assert width is not None
    assert temperature is not None
    assert (width.access, width.while_stopped) == ("RW", True)
    assert (temperature.access, temperature.while_stopped) == ("RO", False)


def test_a_second_look_asks_the_camera_for_little(camera: PaperCamera) -> None:
    first = camera.nodes.tree()
    asked = camera.registers.reads
    assert camera.nodes.tree() == first
    assert camera.registers.reads - asked <= 2  # only what the description forbids to keep


@pytest.mark.parametrize("number", range(PARTS))
@pytest.mark.parametrize("fill", [0x00, 0xFF])
def test_real_descriptions_give_whole_trees(shared_dir: Path, number: int, fill: int) -> None:
    """All registers zero: most is not implemented. All ones: nearly everything is there."""
    paths = real_descriptions(shared_dir)
    assert len(paths) == PARTS
    registers = Registers(fill)
    tree = read_tree(connected(paths[number].read_text(encoding="utf-8"), registers), Defaults())
    assert len(tree) > 20
    if fill:
        assert {"Width", "PixelFormat"} <= {found.name for found in tree}
    for found in tree:
        assert found.category
        assert found.title
        assert found.default == found.value
        if found.minimum is not None and found.maximum is not None and found.kind == "float":
            assert not found.logarithmic or found.minimum > 0
    assert Counter(found.access for found in tree)["RW"] >= 15


def test_text_that_is_no_text_is_no_value(shared_dir: Path) -> None:
    """Some cameras answer names in Latin-1, or with memory that nobody ever wrote."""
    path = next(path for path in real_descriptions(shared_dir) if "Manta" in path.name)
    tree = read_tree(connected(path.read_text(encoding="utf-8"), Registers(0xFF)), Defaults())
    texts = [found for found in tree if found.kind == "string" and found.access in ("RO", "RW")]
    assert texts
    assert all(found.value is None for found in texts)


def test_simulated_cameras_have_their_whole_tree() -> None:
    with GenicamRig(viky()) as rig:
        for role in ROLES:
            tree = rig.features(role)
            component, ball = tree.get("ComponentEnable"), tree.get("BouncingBallSize")
            assert component is not None
            assert ball is not None
            assert isinstance(ball.value, int)
            rig.apply(role, ball.name, 41 - ball.value)
            changed = rig.features(role).get(ball.name)
            assert changed is not None
            assert (changed.default, changed.differs, ball.differs) == (ball.value, True, False)
            assert component.selectors == (("ComponentSelector", "Intensity"),)
            assert tree.has_command("DeviceFeaturePersistenceStart")
            assert set(rig.settings(role)) <= {found.name for found in tree}
        rig.start()
        locked = rig.features("mono").get("Width")
        assert locked is not None
        assert (locked.access, locked.while_stopped) == ("RW", True)
        rig.execute("DeviceFeaturePersistenceStart:mono")
        with pytest.raises(SettingRejected, match="no such command"):
            rig.execute("NoSuchCommand:mono")


def test_a_rig_without_node_map_has_a_small_tree() -> None:
    with VirtualRig(virtual()) as rig:
        rig.apply("color", "Gain", 6.0)
        tree = rig.features("color")
        assert {found.name for found in tree} == set(rig.settings("color"))
        gain, ratio = tree.get("Gain"), tree.get("BalanceRatio")
        assert gain is not None
        assert ratio is not None
        assert (gain.category, gain.unit, gain.default, gain.differs) == (
            ("Analog Control",),
            "dB",
            4.0,
            True,
        )
        assert ratio.selectors == (("BalanceRatioSelector", "Red"),)
        categories = [found.category for found in tree]
        assert [categories.index(c) for c in categories] == sorted(categories.index(c) for c in categories)


def test_what_is_controlled_automatically_is_not_taken_for_locked(simulator: Path) -> None:
    """Both are read-only: stopping helps only with what acquisition locks."""
    with GenicamRig(simulator_spec(simulator)) as rig:
        rig.start()
        assert rig.settings("mono")["Width"].while_stopped
        rig.apply("mono", "AcquisitionFrameRateEnable", False)
        rate = rig.settings("mono")["AcquisitionFrameRate"]
        assert (rate.writable, rate.while_stopped) == (False, False)
        found = rig.features("mono").get("AcquisitionFrameRate")
        assert found is not None
        assert (found.access, found.while_stopped) == ("RO", False)
        with pytest.raises(SettingRejected, match="cannot be written now"):
            rig.apply("mono", "AcquisitionFrameRate", 10.0)
        load = rig.features("mono").get("UserSetLoad")
        assert load is not None
        assert (load.access, load.while_stopped) == ("WO", True)
        with pytest.raises(AcquisitionLocked):
            rig.execute("UserSetLoad:mono")
        rig.stop()
        rig.execute("UserSetLoad:mono")
