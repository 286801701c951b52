"""Snapshots and presets, on a camera on paper that makes it difficult, and on rigs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from capture.errors import AcquisitionLocked, PresetError, SettingRejected
from capture.genicam import GenicamRig
from capture.preset_file import CameraPreset, Preset, file_stem, load_preset, preset_names, save_preset
from capture.presets import ApplyReport, CameraOf, Snapshot, StoredValue, apply_values, compare
from capture.process import RigProcess
from capture.rig import SettingValue
from capture.user_sets import LOAD, SAVE, UserSets, read_user_set, use_user_set, user_sets
from capture.virtual.rig import VirtualRig
from tests.capture.paper_camera import PaperCamera
from tests.capture.rig_specs import viky, virtual

RED, BLUE = (("BalanceRatioSelector", "Red"),), (("BalanceRatioSelector", "Blue"),)


@pytest.fixture
def camera() -> PaperCamera:
    return PaperCamera()


def give(camera: PaperCamera, wanted: Snapshot) -> ApplyReport:
    return apply_values(wanted, camera)


def have(camera: PaperCamera) -> dict[str, SettingValue]:
    return {value.label: value.value for value in camera.snapshot()}


def test_a_snapshot_reads_every_position_of_a_selector_and_puts_it_back(camera: PaperCamera) -> None:
    camera.nodes.apply("BalanceRatioSelector", "Blue")
    assert have(camera) == {
        "Width": 1920,
        "Height": 1200,
        "OffsetX": 0,
        "OffsetY": 0,
        "PixelFormat": "Mono8",
        "ExposureAuto": "Off",
        "ExposureTime": 5000.0,
        "BalanceRatio [Red]": 1.5,
        "BalanceRatio [Blue]": 2.0,
    }
    assert camera.nodes.value("BalanceRatioSelector") == "Blue"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ((1920, 0), (640, 1280)),  # the size must make room for the offset
        ((640, 1280), (1920, 0)),  # the offset must make room for the size
        ((640, 0), (960, 960)),
        ((960, 960), (1600, 16)),
    ],
)
def test_regions_are_moved_whatever_the_order(
    camera: PaperCamera, first: tuple[int, int], then: tuple[int, int]
) -> None:
    for width, offset in (first, then):
        for wanted in (
            (StoredValue("OffsetX", offset), StoredValue("Width", width)),
            (StoredValue("Width", width), StoredValue("OffsetX", offset)),
        ):
            report = give(camera, wanted)
            assert report.refused == ()
        assert (camera.nodes.value("Width"), camera.nodes.value("OffsetX")) == (width, offset)


def test_automatic_control_is_switched_off_before_and_on_after(camera: PaperCamera) -> None:
    manual = camera.snapshot()
    camera.nodes.apply("ExposureTime", 800.0)
    camera.nodes.apply("ExposureAuto", "Continuous")
    automatic = camera.snapshot()
    assert StoredValue("ExposureTime", 800.0) in automatic, "read-only for now, but it belongs to the picture"
    assert give(camera, manual).refused == ()
    assert camera.nodes.value("ExposureTime") == 5000.0
    assert give(camera, automatic).refused == ()
    assert have(camera)["ExposureTime"] == 800.0
    assert camera.nodes.value("ExposureAuto") == "Continuous"


def test_only_what_differs_is_written_and_undo_brings_it_back(camera: PaperCamera) -> None:
    before = have(camera)
    wanted = (
        StoredValue("ExposureTime", 250.0),
        StoredValue("Width", 1920),
        StoredValue("BalanceRatio", 4.0, BLUE),
    )
    report = give(camera, wanted)
    assert report.unchanged == 1
    assert {value.label for value in report.applied} == {"ExposureTime", "BalanceRatio [Blue]"}
    assert have(camera) == before | {"ExposureTime": 250.0, "BalanceRatio [Blue]": 4.0}
    assert camera.nodes.value("BalanceRatioSelector") == "Red", "selectors end up where they were"
    assert give(camera, report.before).refused == ()
    assert have(camera) == before


def test_refusals_are_reported_with_what_the_camera_has(camera: PaperCamera) -> None:
    report = give(
        camera,
        (
            StoredValue("ExposureTime", 5e6),
            StoredValue("Width", 1000),
            StoredValue("Focus", 3),
            StoredValue("OffsetY", 8),
            StoredValue("Height", 1184),
        ),
    )
    refused = {refusal.label: refusal for refusal in report.refused}
    assert set(refused) == {"ExposureTime", "Width", "Focus"}
    assert "10 … 1e+06 µs" in refused["ExposureTime"].reason
    assert (refused["Width"].has, refused["Width"].reason) == (992, "the camera made it 992")
    assert (refused["Focus"].has, refused["Focus"].reason) == (None, "this camera has no such setting")
    assert "Width = 1000 (it has 992)" in str(refused["Width"])
    assert {value.label for value in report.applied} == {"OffsetY", "Height"}


def test_comparison_lists_what_differs_and_what_one_side_lacks(camera: PaperCamera) -> None:
    now = camera.snapshot()
    stored = tuple(
        replace(value, value=7.0) if value.label == "BalanceRatio [Red]" else value
        for value in now
        if value.name != "Height"
    )
    lines = compare(now, (*stored, StoredValue("Focus", 3)))
    assert [(line.label, line.now, line.stored) for line in lines] == [
        ("BalanceRatio [Red]", 1.5, 7.0),
        ("Focus", None, 3),
        ("Height", 1200, None),
    ]
    assert compare(now, now) == ()


def test_user_sets_are_saved_and_loaded(camera: PaperCamera) -> None:
    default = have(camera)
    camera.nodes.apply("ExposureTime", 123.0)
    use_user_set(camera, "UserSet1", SAVE)
    use_user_set(camera, "Default", LOAD)
    assert have(camera) == default
    use_user_set(camera, "UserSet1", LOAD)
    assert have(camera) == default | {"ExposureTime": 123.0}
    with pytest.raises(SettingRejected, match="it takes Default, UserSet1"):
        use_user_set(camera, "UserSet9", LOAD)


def test_user_sets_are_named_where_there_are_any(camera: PaperCamera) -> None:
    sets = user_sets(camera.features())
    assert sets == UserSets(("Default", "UserSet1"), "Default", can_load=True, can_save=True)
    with VirtualRig(virtual()) as rig:
        assert user_sets(rig.features("mono")) is None


def test_the_factory_set_is_read_and_everything_put_back(camera: PaperCamera) -> None:
    default = camera.snapshot()
    give(camera, (StoredValue("Width", 640), StoredValue("OffsetX", 1000), StoredValue("ExposureTime", 77.0)))
    mine = camera.snapshot()
    read = read_user_set(camera, "Default")
    assert read.values == default
    assert read.not_restored == ()
    assert camera.snapshot() == mine


# -- on rigs


def test_a_running_camera_asks_to_be_stopped_for_its_size() -> None:
    with GenicamRig(viky()) as rig:
        before = rig.snapshot("mono")
        wanted = tuple(replace(v, value=320) if v.name == "Width" else v for v in before)
        assert wanted != before
        give_it = partial(apply_values, wanted, CameraOf(rig, "mono"))
        rig.start()
        with pytest.raises(AcquisitionLocked, match="stopped"):
            give_it()
        rig.stop()
        assert [value.name for value in give_it().applied] == ["Width"]
        assert rig.info.mono.width == 320


def test_snapshots_cross_to_the_capture_process() -> None:
    with VirtualRig(virtual()) as here, RigProcess(virtual()) as there:
        assert here.snapshot("color") == there.snapshot("color")
        assert here.features("color") == there.features("color")
        labels = {value.label for value in there.snapshot("color")}
        assert {"BalanceRatio [Red]", "BalanceRatio [Blue]", "ExposureTime"} <= labels
        there.start()
        with pytest.raises(AcquisitionLocked):
            there.apply("color", "PixelFormat", "BayerRG12")


# -- on disk


def preset(camera: PaperCamera) -> Preset:
    stored = CameraPreset("Paper", "1", camera.snapshot())
    return Preset("bench", datetime(2026, 11, 24, 14, 0, tzinfo=UTC), {"mono": stored})


def test_a_preset_survives_the_disk(camera: PaperCamera, tmp_path: Path) -> None:
    path = tmp_path / "bench" / "bright room.toml"
    save_preset(path, preset(camera))
    assert load_preset(path) == preset(camera)
    assert preset_names(path.parent) == ("bright room",)
    assert preset_names(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("rig = ", "rug = ", "lacks rig"),
        ("[mono]", "[mono]\ncolour = 1", "mono has an unknown key colour"),
        ("value = 1920", 'value = 1920\nunit = "px"', r"values\[0\] has an unknown key unit"),
        ("value = 1920", "value = [1920]", r"values\[0\]\.value is \[1920\]"),
        ("at = [", 'at = [["BalanceRatioSelector"], ', "pairs of selector and value"),
        ('model = "Paper"', "model = 1", r"mono\.model is 1"),
        ("saved = 2026-11-24", "saved = 2026-11-99", "not valid TOML"),
        ("[mono]", "[left]", "unknown key left"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    camera: PaperCamera, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = tmp_path / "p.toml"
    save_preset(path, preset(camera))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(PresetError, match=complaint):
        load_preset(path)


def test_names_become_files() -> None:
    assert file_stem("Bright room, 2 lamps/left") == "Bright room_ 2 lamps_left"
    with pytest.raises(PresetError, match="no name"):
        file_stem("../..")
