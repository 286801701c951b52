"""The desk at which running cameras are asked and told things, on real pipelines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.pipeline.live import LiveConfig
from capture.errors import SettingRejected
from capture.frames import ROLES
from capture.presets import StoredValue, compare
from capture.simulator.rig import simulator_spec
from capture.spec import RigSpec, VirtualSpec
from tests.app.pipelines import Watched
from tests.capture.rig_specs import viky

pytestmark = pytest.mark.usefixtures("no_leaks")


def running(rig: RigSpec) -> Watched:
    return Watched(LiveConfig(rig, colorize=False))


def test_a_size_is_changed_while_running_and_pairs_go_on() -> None:
    with running(viky()) as watched:
        desk = watched.pipeline.cameras
        watched.wait_for_views(2)
        for role in ROLES:
            assert desk.settings(role)["Width"].while_stopped
            assert desk.apply(role, "Width", 200) == 200
        watched.wait_for("pairs of the new size", lambda: watched.views[-1].pair.mono.image.shape[1] == 200)
        last = watched.views[-1].pair
        assert last.color.image.shape[1] == 200
        indices = [view.pair.index for view in watched.views]
        assert indices == sorted(set(indices)), "pair numbers go on"
        info = watched.pipeline.status().rig
        assert info is not None
        assert (info.mono.width, info.color.width) == (200, 200)
        with pytest.raises(SettingRejected, match="100 … 800 px"):
            desk.apply("mono", "Width", 1000)
        watched.wait_for_views(2)


def test_a_preset_is_put_back_and_undone_while_running() -> None:
    with running(VirtualSpec(width=160, height=120, frame_rate_hz=30.0)) as watched:
        desk = watched.pipeline.cameras
        watched.wait_for_views(1)
        before = desk.snapshot("color")
        report = desk.restore(
            "color",
            (
                StoredValue("PixelFormat", "BayerRG12"),
                StoredValue("Gain", 9.0),
                StoredValue("Gain", 90.0),
                StoredValue("BalanceRatio", 1.2, (("BalanceRatioSelector", "Blue"),)),
            ),
        )
        assert report.before == before
        assert [str(refusal) for refusal in report.refused] == [
            "Gain = 90.0 (it has 9.0): it takes 0 … 24 dB"
        ]
        assert {value.label for value in report.applied} == {"PixelFormat", "Gain", "BalanceRatio [Blue]"}
        watched.wait_for("12 bits", lambda: watched.views[-1].pair.color.bits == 12)
        assert desk.settings("color")["Gain"].value == 9.0, "what is on screen follows"
        assert desk.restore("color", report.before).refused == ()
        assert compare(desk.snapshot("color"), before) == ()
        watched.wait_for("8 bits again", lambda: watched.views[-1].pair.color.bits == 8)


def test_a_preset_outlives_the_loss_of_a_camera() -> None:
    with running(VirtualSpec(width=160, height=120, frame_rate_hz=30.0)) as watched:
        desk = watched.pipeline.cameras
        watched.wait_for_views(1)
        blue = StoredValue("BalanceRatio", 1.2, (("BalanceRatioSelector", "Blue"),))
        desk.restore("color", (StoredValue("Gain", 9.0), blue))
        wanted = desk.snapshot("color")
        desk.execute("LoseDevice:color")
        watched.wait_for("the rig to return", lambda: len(watched.pipeline.status().recovery.outages) == 1)
        assert compare(desk.snapshot("color"), wanted) == ()
        gain = desk.features("color").get("Gain")
        assert gain is not None
        assert (gain.value, gain.default) == (9.0, 4.0), "compared with what it had when it was opened first"


def test_features_tell_what_differs_since_the_rig_was_opened() -> None:
    with running(viky()) as watched:
        desk = watched.pipeline.cameras
        watched.wait_for_views(1)
        ball = desk.features("mono").get("BouncingBallSize")
        assert ball is not None
        assert isinstance(ball.value, int)
        desk.apply("mono", ball.name, 41 - ball.value)
        tree = desk.features("mono")
        changed = tree.get("BouncingBallSize")
        assert tree.origin == "opened"
        assert changed == replace(ball, value=41 - ball.value)
        assert changed.differs
        desk.execute("DeviceFeaturePersistenceStart:mono")
        with pytest.raises(SettingRejected, match="UserSetSelector"):
            desk.read_factory("mono")
        watched.wait_for_views(2)


def test_a_region_is_put_back_on_simulated_cameras(simulator: Path) -> None:
    """Through GenApi, locked while acquiring, with limits that hang on each other."""
    with running(replace(simulator_spec(simulator), calibration=None)) as watched:
        desk = watched.pipeline.cameras
        watched.wait_for_views(1)
        region = (("Width", 80), ("Height", 64), ("OffsetX", 40), ("OffsetY", 20))
        wanted = tuple(StoredValue(name, value) for name, value in reversed(region))
        for role in ROLES:
            report = desk.restore(role, (*wanted, StoredValue("PixelFormat", "NoSuchFormat")))
            assert {value.name for value in report.applied} == {name for name, _ in region}
            assert [refusal.label for refusal in report.refused] == ["PixelFormat"]
        watched.wait_for("pairs of the region", lambda: watched.views[-1].pair.mono.image.shape == (64, 80))
        assert desk.restore("color", report.before).refused == ()
        assert desk.settings("color")["Width"].value == 160


def test_what_is_switched_off_is_shown_and_not_offered(simulator: Path) -> None:
    with running(simulator_spec(simulator)) as watched:
        desk = watched.pipeline.cameras
        watched.wait_for_views(1)
        desk.apply("mono", "AcquisitionFrameRateEnable", False)
        assert not desk.settings("mono")["AcquisitionFrameRate"].writable
        desk.refresh()
        assert desk.settings("mono")["AcquisitionFrameRateEnable"].value is False
