"""The rig in the making, without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.ui.rig.covering import MEMORY, PATIENCE, CoverWatch, covered_one
from app.ui.rig.draft import (
    RigDraft,
    draft_of,
    draft_problems,
    fitting_formats,
    guessed_role,
    planned_cameras,
    rebased,
    usual_format,
    with_limits,
)
from capture.discovery import Device
from capture.preview import PreviewCamera
from capture.rig_budget import link_budgets
from capture.rig_file import load_rig_file, save_rig_file
from capture.spec import CameraSpec, GenicamSpec
from capture.sync.config import SyncConfig


def camera(serial: str, *formats: str, transport: str = "GEV", interface: str = "eno1") -> PreviewCamera:
    device = Device(serial, "Vendor", "Model", transport, f"/opt/{transport}.cti", True, interface)
    return PreviewCamera(device, formats, formats[0], 1920, 1200, 20.0, 125e6)


MONO = camera("1", "Mono8", "Mono12p")
COLOR = camera("2", "BayerRG8", "BayerRG12p", "RGB8", "Mono8")


def test_a_camera_has_one_role_at_a_time() -> None:
    draft = RigDraft().with_camera("mono", MONO).with_camera("color", COLOR)
    assert draft.complete
    moved = draft.with_camera("color", MONO)
    assert moved.role_of("1") == "color"
    assert moved.mono is None
    assert moved.role_of("2") is None
    assert draft.without("2").color is None


def test_sides_follow_the_colour_camera() -> None:
    draft = RigDraft()
    assert (draft.role_at("left"), draft.role_at("right")) == ("color", "mono")
    swapped = draft.swapped_sides()
    assert (swapped.role_at("left"), swapped.side_of("color")) == ("mono", "right")
    assert swapped.swapped_sides() == draft


def test_formats_that_fit_a_role_raw_ones_first() -> None:
    assert fitting_formats("color", ("RGB8", "Mono8", "BayerRG12p")) == ("BayerRG12p", "RGB8")
    assert fitting_formats("mono", COLOR.pixel_formats) == ("Mono8",)
    assert usual_format("color", replace(COLOR, pixel_format="RGB8")) == "BayerRG8"
    assert usual_format("mono", replace(MONO, pixel_format="Mono12p")) == "Mono12p"


def test_what_a_camera_is_shows_in_what_it_can_send() -> None:
    assert guessed_role(MONO) == "mono"
    assert guessed_role(COLOR) == "color"
    assert guessed_role(camera("3", "Mono8", "RGB8")) is None
    assert guessed_role(replace(COLOR, color_filter="None")) == "mono", "the sensor knows best"
    assert guessed_role(replace(MONO, color_filter="BayerGB")) == "color"


def test_saved_opened_and_edited_it_keeps_what_the_page_does_not_show(tmp_path: Path) -> None:
    made = RigDraft("Bench 2", color_side="right").with_camera("mono", MONO).with_camera("color", COLOR)
    path = tmp_path / made.file_name()
    assert path.name == "bench_2.toml"
    save_rig_file(made.spec(), path)
    spec = load_rig_file(path)
    assert isinstance(spec, GenicamSpec)
    assert (spec.mono, spec.color) == (CameraSpec("1", "Mono8"), CameraSpec("2", "BayerRG8"))
    assert spec.producers == (Path("/opt/GEV.cti"),)
    richer = replace(
        spec,
        buffers=40,
        calibration=tmp_path / "c.toml",
        mono=replace(spec.mono, settings={"ExposureTime": 8000.0}),
    )
    edited = replace(draft_of(richer), rate_hz=15.0).spec()
    assert edited.buffers == 40
    assert edited.calibration == tmp_path / "c.toml"
    assert edited.mono.settings == {
        "ExposureTime": 8000.0,
        "AcquisitionFrameRateEnable": True,
        "AcquisitionFrameRate": 15.0,
    }
    assert draft_of(edited).rate_hz == 15.0
    assert replace(draft_of(edited), rate_hz=None).spec().mono.settings == {"ExposureTime": 8000.0}


def test_a_camera_that_cannot_have_its_role_is_named() -> None:
    draft = RigDraft().with_camera("mono", COLOR).with_camera("color", MONO)
    (problem,) = draft_problems(draft, {"1": MONO, "2": COLOR})
    assert "Vendor Model (1) cannot be the colour camera" in problem, "the other one offers Mono8 too"
    assert draft_problems(draft, {"1": replace(MONO, pixel_formats=())}) == []


def test_what_other_pages_wrote_meanwhile_is_kept() -> None:
    opened = RigDraft("bench").with_camera("mono", MONO).with_camera("color", COLOR).spec()
    edited = replace(draft_of(opened), color_side="right", rate_hz=10.0)
    meanwhile = replace(
        opened,
        sync=SyncConfig("hardware"),
        mono=replace(opened.mono, settings={"Gain": 3.0, "AcquisitionFrameRate": 50.0}),
    )
    spec = rebased(edited, meanwhile).spec()
    assert spec.sync == SyncConfig("hardware")
    assert spec.color_side == "right"
    assert spec.mono.settings == {
        "Gain": 3.0,
        "AcquisitionFrameRateEnable": True,
        "AcquisitionFrameRate": 10.0,
    }


def test_half_a_rig_is_no_rig() -> None:
    with pytest.raises(ValueError, match="two cameras"):
        RigDraft().with_camera("mono", MONO).spec()


def test_two_cameras_on_one_adapter_share_its_link() -> None:
    draft = RigDraft().with_camera("mono", MONO).with_camera("color", COLOR)
    cameras = {"1": MONO, "2": COLOR}
    (shared,) = link_budgets(planned_cameras(draft, cameras))
    assert [stream.name for stream in shared.streams] == ["Mono", "Colour"]
    assert shared.streams[0].rate_hz == 20.0
    apart = {"1": MONO, "2": replace(COLOR, device=replace(COLOR.device, interface="eno2"))}
    alone, _ = link_budgets(planned_cameras(draft, apart))
    assert alone.load == pytest.approx(shared.load / 2)
    (faster,) = link_budgets(planned_cameras(replace(draft, rate_hz=40.0), cameras))
    assert not faster.fits
    assert planned_cameras(draft, {}) == []


def test_each_camera_is_held_to_its_share_of_the_link_where_wanted() -> None:
    mono = replace(MONO, limit_nodes=("DeviceLinkThroughputLimitMode", "DeviceLinkThroughputLimit"))
    color = replace(COLOR, limit_nodes=("StreamBytesPerSecond",))
    cameras = {"1": mono, "2": color}
    draft = RigDraft(limited=True).with_camera("mono", mono).with_camera("color", color)
    spec = with_limits(draft, cameras).spec()
    (shared,) = link_budgets(planned_cameras(draft, cameras))
    assert spec.mono.settings == {
        "DeviceLinkThroughputLimitMode": "On",
        "DeviceLinkThroughputLimit": shared.limits[0],
    }
    assert spec.color.settings == {"StreamBytesPerSecond": shared.limits[1]}
    again = draft_of(spec)
    assert again.limited
    assert again.spec() == spec, "kept while the cameras are not there to ask"
    assert replace(again, limited=False).spec().mono.settings == {}


def test_a_camera_with_a_link_of_its_own_is_not_limited() -> None:
    nodes = ("DeviceLinkThroughputLimit",)
    mono = replace(MONO, limit_nodes=nodes)
    color = replace(COLOR, limit_nodes=nodes, device=replace(COLOR.device, interface="eno2"))
    draft = RigDraft(limited=True).with_camera("mono", mono).with_camera("color", color)
    assert with_limits(draft, {"1": mono, "2": color}).spec().mono.settings == {}


def watch(*levels: float) -> CoverWatch:
    made = CoverWatch()
    for level in levels:
        made.add(level)
    return made


def test_a_hand_over_the_lens_is_noticed_and_its_going() -> None:
    lens = watch(*[0.4] * 10)
    assert lens.add(0.05)
    assert lens.add(0.25), "half removed is still covered"
    assert not lens.add(0.35)


def test_a_scene_that_dims_slowly_is_not_covered() -> None:
    lens = CoverWatch()
    assert not any(lens.add(0.4 * 0.99**n) for n in range(3 * MEMORY))


def test_the_light_going_out_becomes_usual() -> None:
    lens = watch(*[0.4] * 10, *[0.02] * (PATIENCE + 1))
    assert not lens.covered


def test_all_at_once_is_the_light_and_no_hand() -> None:
    bright, dark = [0.4] * 10, [0.4] * 10 + [0.05]
    assert covered_one({"1": watch(*dark), "2": watch(*bright)}) == "1"
    assert covered_one({"1": watch(*dark), "2": watch(*dark)}) is None
    assert covered_one({"1": watch(*bright)}) is None


def test_a_black_picture_is_no_hand() -> None:
    assert not watch(*[0.01] * 10).add(0.0)
