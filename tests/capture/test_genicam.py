"""GenICam cameras, on the simulated producer of the `genicam` package and on node maps read from XML."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genicam import genapi
from hypothesis import given
from hypothesis import strategies as st

from capture import genicam
from capture.discovery import PATH_VARIABLE, architecture, check_producer, installed_producers, viky_producer
from capture.errors import (
    AcquisitionLocked,
    CaptureError,
    DeviceLost,
    DeviceNotFound,
    FrameTimeout,
    RigFileError,
    SettingRejected,
)
from capture.frames import Layout
from capture.genicam import GenicamRig
from capture.gentl_camera import missing_ids, processed_notice
from capture.node_settings import NodeSettings
from capture.probe import probe_producers
from capture.spec import CameraSpec
from tests.capture.rig_specs import take, viky

# -- the rig


def test_cameras_are_opened_by_serial_number_and_set_up() -> None:
    with GenicamRig(viky(mono={"Width": 320})) as rig:
        info = rig.info
        assert (info.mono.serial, info.color.serial) == ("0", "1")
        assert (info.mono.width, info.mono.pixel_format) == (320, "Mono8")
        assert info.color.pixel_format == "RGBa8"
        assert info.frame_rate_hz == 100.0
        assert rig.settings("mono")["AcquisitionFrameRate"].unit == "Hz"
        assert "ExposureTime" not in rig.settings("mono"), "this camera has none"


def test_images_have_the_cameras_picture() -> None:
    """The producer draws balls on a ground: both cameras must show something, the colour one in colour."""
    with GenicamRig(viky(color={"Width": 400, "Height": 400})) as rig:
        rig.start()
        by_role = {frame.role: frame for frame in take(rig, 6)}
    assert by_role["mono"].layout is Layout.MONO
    assert by_role["mono"].image.shape == (120, 160)
    assert by_role["color"].layout is Layout.RGB
    assert by_role["color"].image.shape == (400, 400, 3)
    assert len(np.unique(by_role["mono"].image)) > 1
    assert len(np.unique(by_role["color"].image.reshape(-1, 3), axis=0)) > 1
    assert by_role["mono"].device_ns is None, "this producer has no clock"


def test_the_interrupt_handler_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    with GenicamRig(viky()):
        assert signal.getsignal(signal.SIGINT) is before


def test_frames_the_producer_had_no_buffer_for_are_gaps() -> None:
    """Only the colour camera is read for a while: the other one's buffers run full, its ids tell."""
    with GenicamRig(viky()) as rig:
        rig.start()
        frames = take(rig, 8)
        seen = 0
        while seen < 60:
            seen += rig._cameras["color"].fetch() is not None
        frames += take(rig, 30)
        ids = [frame.frame_id for frame in frames if frame.role == "mono"]
        counters = rig.counters()["mono"]
        assert counters.id_gaps > 20
        assert counters.delivered == len(ids)
        assert counters.delivered + counters.id_gaps == ids[-1] - ids[0] + 1


def test_an_incomplete_frame_is_counted_once() -> None:
    with GenicamRig(viky()) as rig:
        rig.start()
        take(rig, 10)
        camera = rig._cameras["mono"]
        before = camera.counters
        # The way harvesters tells: it hands the buffer back itself, so that the next id is one further.
        acquirer = camera._acquirer
        acquirer._emit_callbacks(acquirer.Events.INCOMPLETE_BUFFER)
        assert camera._last_id is not None
        camera._count(camera._last_id + 2)
        assert camera.counters.incomplete == before.incomplete + 1
        assert camera.counters.id_gaps == before.id_gaps
        camera._count(camera._last_id + 2)
        assert camera.counters.id_gaps == before.id_gaps + 1


def test_geometry_waits_until_acquisition_ends() -> None:
    with GenicamRig(viky()) as rig:
        rig.start()
        assert rig.settings("mono")["Width"].while_stopped
        with pytest.raises(AcquisitionLocked, match="only while acquisition is stopped"):
            rig.apply("mono", "Width", 320)
        rig.stop()
        assert not rig.settings("mono")["Width"].while_stopped
        assert rig.apply("mono", "Width", 320) == 320
        assert rig.info.mono.width == 320
        rig.start()
        assert {frame.image.shape[1] for frame in take(rig, 6) if frame.role == "mono"} == {320}


def test_any_node_of_the_camera_can_be_set_by_name() -> None:
    with GenicamRig(viky(mono={"BouncingBallSize": 11})) as rig:
        assert rig.apply("mono", "BouncingBallSize", 17) == 17


def test_the_image_is_found_among_several_parts() -> None:
    """With its range component on, the producer sends the image first, then three planes of floats."""
    with GenicamRig(viky()) as rig:
        for name, value in (
            ("ComponentSelector", "Range"),
            ("ComponentEnable", True),
            ("ComponentSelector", "Intensity"),
        ):
            rig.apply("color", name, value)
        rig.start()
        frames = [frame for frame in take(rig, 8) if frame.role == "color"]
        assert frames
        assert all(frame.image.shape == (120, 160, 3) for frame in frames)


def test_silence_is_a_timeout_while_the_camera_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genicam, "SILENCE_S", 0.05)
    with GenicamRig(viky({"AcquisitionFrameRate": 1.0}, {"AcquisitionFrameRate": 1.0})) as rig:
        rig.start()
        with pytest.raises(FrameTimeout, match="trigger"):  # no frame is due yet; one may have waited
            take(rig, 3, patience_s=0.2)


def test_a_camera_that_vanishes_is_lost_and_closes_quietly() -> None:
    spec = viky()
    with GenicamRig(spec) as rig:
        rig.start()
        take(rig, 4)
        rig._cameras["mono"]._acquirer.device.module.close()  # what a pulled cable does to the handle
        with pytest.raises(DeviceLost, match=r"Camera 0 \(mono\)"):
            take(rig, 1000)
        with pytest.raises(DeviceLost):
            rig.apply("mono", "NoSuchSetting", 1)
    with GenicamRig(spec) as rig:
        rig.start()
        take(rig, 4)


def test_unknown_serial_number_names_the_cameras_found() -> None:
    spec = replace(viky(), color=CameraSpec("4711"))
    with pytest.raises(DeviceNotFound, match=r"Camera 4711 not found.*Viky \(0\)"), GenicamRig(spec):
        pass


def test_one_camera_cannot_be_both() -> None:
    with (
        pytest.raises(RigFileError, match="both camera 0"),
        GenicamRig(replace(viky(), color=CameraSpec("0"))),
    ):
        pass


def test_a_format_that_does_not_fit_is_refused_with_those_that_do() -> None:
    spec = replace(viky(), mono=CameraSpec("0", "RGBa8"))
    with pytest.raises(RigFileError, match="mono camera but sends RGBa8; set pixel_format to one of Mono8"):
        GenicamRig(spec).__enter__()
    spec = replace(viky(), color=CameraSpec("1", "Mono8"))
    with pytest.raises(RigFileError, match="color camera but sends Mono8"):
        GenicamRig(spec).__enter__()


def test_colours_the_camera_processed_are_pointed_out() -> None:
    notice = processed_notice("YUV422_8", ("Mono8", "BayerRG8", "BayerRG12p", "YUV422_8"))
    assert "YUV422_8" in notice
    assert "BayerRG8" in notice
    assert processed_notice("BayerRG8", ("BayerRG8", "RGB8")) == ""
    assert processed_notice("RGBa8", ("Mono8", "RGBa8")) == "", "this camera has nothing better"


def test_a_refused_setting_of_the_spec_leaves_nothing_open() -> None:
    with pytest.raises(SettingRejected, match="Width = 5000"):
        GenicamRig(viky(color={"Width": 5000})).__enter__()
    with GenicamRig(viky()) as rig:
        assert rig.info.color.width == 160


@given(st.integers(0, 2**63), st.integers(1, 1000))
def test_a_growing_id_shows_what_is_missing(previous: int, growth: int) -> None:
    assert missing_ids(previous, previous + growth) == (growth - 1, growth)


@given(st.integers(0, 200), st.integers(1, 200))
def test_ids_of_gige_vision_start_over_at_one(before_end: int, after_start: int) -> None:
    missing, growth = missing_ids(0xFFFF - before_end, after_start)
    assert missing == before_end + after_start - 1
    assert growth == missing + 1


def test_a_new_count_is_no_gap() -> None:
    assert missing_ids(5000, 1) == (0, 1)


# -- settings


XML = """<?xml version="1.0" encoding="UTF-8"?>
<RegisterDescription ModelName="Older" VendorName="Paper" ToolTip="" StandardNameSpace="GEV"
  SchemaMajorVersion="1" SchemaMinorVersion="1" SchemaSubMinorVersion="0"
  MajorVersion="1" MinorVersion="0" SubMinorVersion="0"
  ProductGuid="11111111-1111-1111-1111-111111111111" VersionGuid="11111111-1111-1111-1111-111111111112"
  xmlns="http://www.genicam.org/GenApi/Version_1_1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.genicam.org/GenApi/Version_1_1
                      http://www.genicam.org/GenApi/GenApiSchema_Version_1_1.xsd">
<Category Name="Root"><pFeature>Width</pFeature><pFeature>ExposureTimeAbs</pFeature></Category>
<Integer Name="Width"><Value>640</Value><Min>16</Min><Max>1920</Max><Inc>16</Inc></Integer>
<Integer Name="BlackLevel"><Value>0</Value></Integer>
<Float Name="ExposureTimeAbs"><Value>5000</Value><Min>10</Min><Max>100000</Max><Unit>us</Unit></Float>
<Boolean Name="ReverseX"><Value>0</Value><OnValue>1</OnValue><OffValue>0</OffValue></Boolean>
<Enumeration Name="ExposureAuto"><EnumEntry Name="Off"><Value>0</Value></EnumEntry>
  <EnumEntry Name="Continuous"><Value>1</Value></EnumEntry><Value>0</Value></Enumeration>
<String Name="DeviceUserID"><Value>bench</Value></String>
<Integer Name="Locked"><ImposedAccessMode>RO</ImposedAccessMode><Value>3</Value></Integer>
</RegisterDescription>"""


@pytest.fixture
def older_camera() -> NodeSettings:
    """A camera of SFNC 1.x."""
    node_map = genapi.NodeMap()
    node_map.load_xml_from_string(XML)
    return NodeSettings(node_map)


def test_older_names_appear_under_todays(older_camera: NodeSettings) -> None:
    setting = older_camera.read_all()["ExposureTime"]
    assert (setting.value, setting.minimum, setting.maximum, setting.unit) == (5000.0, 10.0, 100000.0, "µs")
    assert older_camera.apply("ExposureTime", 250.5) == 250.5
    assert older_camera.number("ExposureTimeAbs") == 250.5


def test_all_types_of_nodes_can_be_set(older_camera: NodeSettings) -> None:
    assert older_camera.apply("ReverseX", True) is True
    assert older_camera.apply("ExposureAuto", "Continuous") == "Continuous"
    assert older_camera.apply("DeviceUserID", "left") == "left"
    assert older_camera.apply("Width", 1001) == 992, "steps of 16, counted from the minimum"


def test_no_limit_is_none(older_camera: NodeSettings) -> None:
    setting = older_camera.read_all()["BlackLevel"]
    assert (setting.minimum, setting.maximum) == (None, None)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Width", 8, "it takes 16 … 1920 px"),
        ("Width", 20.5, "whole numbers"),
        ("Width", True, "it takes 16"),
        ("ExposureTime", float("nan"), "it takes 10 … 100000 µs"),
        ("ExposureTime", "long", "it takes 10"),
        ("ReverseX", 1, "true or false"),
        ("ExposureAuto", "Once", "it takes Off, Continuous"),
        ("Locked", 4, "cannot be written now"),
        ("Gain", 1.0, "no such setting"),
    ],
)
def test_a_refusal_says_what_would_do(older_camera: NodeSettings, name: str, value: Any, reason: str) -> None:
    with pytest.raises(SettingRejected, match=reason) as caught:
        older_camera.apply(name, value)
    assert (caught.value.setting, caught.value.value) == (name, value)


# -- discovery


@pytest.fixture
def foreign_library(tmp_path: Path) -> Path:
    """This Python's own kind of program file, but for another processor."""
    program = bytearray(Path(sys.executable).read_bytes()[:4096])
    if program[:4] != b"\x7fELF":
        pytest.skip("made for ELF systems")
    struct.pack_into("<H", program, 18, 183 if architecture(Path(sys.executable)) != "aarch64" else 62)
    path = tmp_path / "foreign.cti"
    path.write_bytes(program)
    return path


def test_the_search_path_is_read(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "one.cti").touch()
    (folders[1] / "two.cti").touch()
    (folders[1] / "readme.txt").touch()
    (folders[1] / "again.cti").symlink_to(folders[0] / "one.cti")
    path = os.pathsep.join([*map(str, folders), str(tmp_path / "missing"), ""])
    assert [found.name for found in installed_producers({PATH_VARIABLE: path})][:2] == ["one.cti", "two.cti"]
    assert "again.cti" not in [found.name for found in installed_producers({PATH_VARIABLE: path})]


def test_a_file_that_is_no_producer_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.cti"
    text.write_text("not a library")
    with pytest.raises(CaptureError, match="not even a shared library"):
        check_producer(text)
    with pytest.raises(CaptureError, match="No such file"):
        check_producer(tmp_path / "missing.cti")
    library = tmp_path / "library.cti"
    shutil.copy(Path(genapi.__file__).with_name("_genapi.so"), library)
    with pytest.raises(CaptureError, match=r"without GCInitLib|cannot be loaded"):
        check_producer(library)


def test_a_producer_for_another_processor_is_refused(foreign_library: Path) -> None:
    with pytest.raises(CaptureError, match="is built for"):
        check_producer(foreign_library)


def test_a_bad_producer_of_the_rig_file_is_the_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.cti"
    bad.write_text("nonsense")
    with (
        pytest.raises(CaptureError, match=r"bad\.cti is no GenTL producer"),
        GenicamRig(replace(viky(), producers=(bad,))),
    ):
        pass


def test_bad_producers_elsewhere_do_not_stand_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.cti").write_text("nonsense")
    (tmp_path / "viky.cti").symlink_to(viky_producer())
    monkeypatch.setenv(PATH_VARIABLE, str(tmp_path))
    with GenicamRig(replace(viky(), producers=())) as rig:
        assert rig.info.mono.model == "Viky"


def test_probing_reports_devices_and_problems_apart(tmp_path: Path) -> None:
    bad = tmp_path / "bad.cti"
    bad.write_text("nonsense")
    good, broken = probe_producers([viky_producer(), bad])
    assert [device.serial for device in good.devices] == ["0", "1", "2"]
    assert not good.problem
    assert not broken.devices
    assert "no GenTL producer" in broken.problem


def test_a_producer_that_crashes_takes_only_its_probe_down(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source = tmp_path / "crash.c"
    source.write_text("#include <stdlib.h>\nint GCInitLib(void) { abort(); }\n")
    producer = tmp_path / "crash.cti"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", producer, source], check=True)
    (report,) = probe_producers([producer])
    assert report.problem
    assert not report.devices
