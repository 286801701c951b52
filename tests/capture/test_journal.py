"""Setting again what was changed, on real node maps of the simulated producer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from capture.errors import DeviceLost
from capture.frames import Role
from capture.genicam import GenicamRig
from capture.journal import MOST_LOSSES, Call, Change, SettingsJournal
from capture.process import RigProcess
from capture.rig import Setting, SettingValue
from tests.capture.rig_specs import viky, virtual


@pytest.fixture(scope="module")
def rig() -> Iterator[GenicamRig]:
    with GenicamRig(viky()) as opened:
        yield opened


def test_everything_that_goes_through_the_process_is_written_down() -> None:
    journal = SettingsJournal()
    with RigProcess(virtual(), journal) as rig:
        rig.settings("color")
        rig.apply("mono", "Gain", 6.0)
        rig.apply("color", "BalanceRatioSelector", "Blue")
        rig.apply("color", "BalanceRatio", 1.5)
        rig.apply("mono", "Gain", 3.0)
    assert journal.entries == (
        Change("color", "BalanceRatioSelector", "Blue", "Blue", ()),
        Change("color", "BalanceRatio", 1.5, 1.5, (("BalanceRatioSelector", "Blue"),)),
        Change("mono", "Gain", 3.0, 3.0, ()),
    )
    with RigProcess(virtual()) as another:
        assert journal.replay(another) == ()
        assert another.settings("mono")["Gain"].value == 3.0
        assert another.settings("color")["BalanceRatio"].value == 1.5


def test_each_place_a_selector_points_at_keeps_its_own_value() -> None:
    journal = SettingsJournal()
    with RigProcess(virtual(), journal) as rig:
        rig.settings("color")  # the selector stands at red
        rig.apply("color", "BalanceRatio", 2.0)
        rig.apply("color", "BalanceRatioSelector", "Blue")
        rig.apply("color", "BalanceRatio", 3.0)
    with RigProcess(virtual()) as another:
        another.apply("color", "BalanceRatioSelector", "Blue")  # where a camera that kept its power stands
        assert journal.replay(another) == ()
        assert another.settings("color")["BalanceRatio"].value == 3.0
        another.apply("color", "BalanceRatioSelector", "Red")
        assert another.settings("color")["BalanceRatio"].value == 2.0


def test_refusals_and_other_values_are_reported_and_the_rest_is_set(rig: GenicamRig) -> None:
    journal = SettingsJournal()
    journal.applied("mono", "NoSuchNode", 1, 1)
    journal.applied("color", "AcquisitionFrameRate", 70.0, 60.0)
    journal.applied("mono", "AcquisitionFrameRate", 50.0, 50.0)
    refused, other = journal.replay(rig)
    assert (
        refused == "mono camera: NoSuchNode = 1: NoSuchNode = 1 was refused: this camera has no such setting"
    )
    assert other == "colour camera: AcquisitionFrameRate = 60.0 reads back as 70.0."
    assert rig.settings("mono")["AcquisitionFrameRate"].value == 50.0


def test_a_value_that_a_later_setting_changed_is_noticed_in_the_end(rig: GenicamRig) -> None:
    journal = SettingsJournal()
    journal.applied("mono", "AcquisitionFrameRate", 50.0, 50.0)
    journal.called("meddle")

    class Meddling(GenicamRig):
        def meddle(self) -> None:
            rig.apply("mono", "AcquisitionFrameRate", 20.0)

    meddling = Meddling(viky())
    meddling._cameras = rig._cameras
    meddling._refresh_info()
    assert journal.replay(meddling) == (
        "mono camera: AcquisitionFrameRate = 50.0 reads back as 20.0 in the end.",
    )


@dataclass(frozen=True)
class Report:
    refusals: tuple[str, ...]


class Recorded:
    """Takes down what is asked of a rig; cameras of which one is lost while a certain node is set."""

    def __init__(self, deadly: str = "") -> None:
        self.asked: list[object] = []
        self._deadly = deadly

    def settings(self, role: Role) -> dict[str, Setting]:
        return {}

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        if name == self._deadly:
            raise DeviceLost("gone")
        self.asked.append((role, name, value))
        return value

    def execute(self, command: str) -> None:
        self.asked.append(command)

    def synchronize(self, mode: str) -> Report:
        self.asked.append(mode)
        return Report(("the mono camera has no Line2",))


def test_recipes_and_stored_sets_are_repeated_in_their_place() -> None:
    journal = SettingsJournal()
    journal.applied("mono", "Gain", 1.0, 1.0)
    journal.applied("color", "Gain", 2.0, 2.0)
    journal.called("synchronize", "free_run")
    journal.applied("mono", "UserSetSelector", "UserSet1", "UserSet1")
    journal.executed("UserSetLoad:mono")  # what was set on this camera before is overwritten
    journal.executed("TriggerSoftware:mono")
    journal.called("synchronize", "hardware")
    journal.applied("mono", "Gamma", 0.5, 0.5)
    assert Call("synchronize", ("hardware",)) in journal.entries
    rig = Recorded()
    assert journal.replay(rig) == ("the mono camera has no Line2",)  # type: ignore[arg-type]
    first_round = [
        ("color", "Gain", 2.0),
        ("mono", "UserSetSelector", "UserSet1"),
        "UserSetLoad:mono",
        "hardware",
        ("mono", "Gamma", 0.5),
    ]
    assert rig.asked[: len(first_round)] == first_round


def test_a_change_that_kills_the_driver_is_left_out() -> None:
    journal = SettingsJournal()
    journal.applied("mono", "Deadly", 1, 1)
    journal.applied("mono", "Gain", 2.0, 2.0)
    for _ in range(MOST_LOSSES):
        with pytest.raises(DeviceLost):
            journal.replay(Recorded("Deadly"))  # type: ignore[arg-type]
    rig = Recorded("Deadly")
    (line,) = journal.replay(rig)  # type: ignore[arg-type]
    assert line == "mono camera: Deadly = 1 was left out: the camera was lost 2 times while it was set."
    assert rig.asked == [("mono", "Gain", 2.0)]
    assert journal.replay(Recorded("Deadly")) == ()  # type: ignore[arg-type]


def test_switches_that_break_simulated_cameras_are_thrown_once() -> None:
    journal = SettingsJournal()
    journal.applied("mono", "SimulatorHangFetch", 3600.0, 3600.0)
    assert journal.entries == ()
