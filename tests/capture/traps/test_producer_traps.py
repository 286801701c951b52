"""Traps about producers."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.discovery import PATH_VARIABLE, Device, architecture, check_producer, viky_producer
from capture.errors import CaptureError
from capture.probe import ProducerReport
from capture.traps import producers

HIKROBOT = Path("/opt/MVS/lib/64/MvProducerU3V.cti")
BALLUFF = Path("/opt/ImpactAcquire/lib/x86_64/mvGenTLProducer.cti")


def device(serial: str, vendor: str = "Vendor", *, accessible: bool = True) -> Device:
    return Device(serial, vendor, "Model", "U3V", "x.cti", accessible)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 14)])
def test_hikrobots_producer_and_newer_pythons(version: tuple[int, int]) -> None:
    (finding,) = producers.hikrobot_and_python([Path("/opt/other.cti"), HIKROBOT], version)
    assert finding.severity == "problem"
    assert str(HIKROBOT) in finding.text
    assert f"this is {version[0]}.{version[1]}" in finding.text


def test_hikrobots_producer_is_fine_with_the_python_it_works_with() -> None:
    assert list(producers.hikrobot_and_python([HIKROBOT], (3, 10))) == []
    assert list(producers.hikrobot_and_python([BALLUFF], (3, 12))) == []


def test_a_trial_overlay_on_a_camera_of_another_maker() -> None:
    stranger, own = device("1", "Basler"), device("2", "MATRIX VISION GmbH")
    trial = ProducerReport(BALLUFF, (stranger, own))
    (finding,) = producers.trial_overlays([trial])
    assert "Basler Model (1)" in finding.text
    assert finding.fix == ""
    basler = ProducerReport(Path("/opt/pylon/lib/ProducerU3V.cti"), (stranger,))
    (finding,) = producers.trial_overlays([trial, basler])
    assert finding.fix == f"export {PATH_VARIABLE}=/opt/pylon/lib"
    assert list(producers.trial_overlays([basler, trial])) == [], "it is opened through the other one"


def test_cameras_listed_twice_by_two_producers_or_by_one() -> None:
    both = device("1")
    reports = [
        ProducerReport(Path("/a/a.cti"), (both, device("2"))),
        ProducerReport(Path("/b/b.cti"), (both,), repeated=("1",)),
        ProducerReport(Path("/c/viky.cti"), (both,)),
    ]
    first, second = producers.listed_twice(reports)
    assert "Vendor Model (1): offered by /a/a.cti and by /b/b.cti; the first is used" in first.text
    assert "b.cti lists 1 more than once" in second.text


def test_a_camera_that_is_taken() -> None:
    taken = device("2", accessible=False)
    reports = [ProducerReport(Path("a.cti"), (device("1"), taken)), ProducerReport(Path("b.cti"), (taken,))]
    (finding,) = producers.taken_cameras(reports)
    assert "Vendor Model (2) is taken by another program" in finding.text


def test_the_variable_that_names_the_folders(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.cti").touch()
    (tmp_path / "empty").mkdir()
    places = [str(tmp_path / name) for name in ("full", "empty", "gone")]
    empty, gone = producers.search_path({PATH_VARIABLE: ":".join(places)})
    assert "empty, in which there is no .cti" in empty.text
    assert "gone, which does not exist" in gone.text
    assert gone.severity == "problem"
    (old,) = producers.search_path({"GENICAM_GENTL32_PATH": places[0]})
    assert PATH_VARIABLE in old.fix
    assert list(producers.search_path({})) == []


def test_nothing_found_tells_software_and_cameras_apart() -> None:
    (software,) = producers.no_cameras([ProducerReport(viky_producer(), (device("0"),))], {})
    assert f"{PATH_VARIABLE} is not set" in software.text
    (camera,) = producers.no_cameras([ProducerReport(Path("/opt/a.cti"))], {})
    assert "power, cable" in camera.text


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


def pe(machine: int) -> bytes:
    return b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + machine.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("head", "processor"),
    [
        (elf(62), "x86_64"),
        (elf(183), "aarch64"),
        (elf(3), "x86"),
        (pe(0x8664), "x86_64"),
        (pe(0x14C), "x86"),
        (pe(0xAA64), "aarch64"),
        (b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"NE\0\0", None),
        (b"#!/bin/sh\n", None),
        (b"", None),
    ],
)
def test_the_processor_a_library_is_for(tmp_path: Path, head: bytes, processor: str | None) -> None:
    path = tmp_path / "some.cti"
    path.write_bytes(head)
    assert architecture(path) == processor


def test_a_producer_for_another_processor_names_both(tmp_path: Path) -> None:
    path = tmp_path / "other.cti"
    other, number = ("aarch64", 183) if architecture(viky_producer()) == "x86_64" else ("x86_64", 62)
    path.write_bytes(elf(number))
    with pytest.raises(CaptureError, match=f"is built for {other}, this Python for"):
        check_producer(path)
    (finding,) = producers.broken_producers([ProducerReport(path, problem=f"built for {other}")])
    assert finding.severity == "problem"
