"""The doctor: what it reports of this machine, and that whatever is broken does not break it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from app import qt_check
from app.commands import doctor
from app.commands.doctor_report import Report, report_lines
from app.qt_check import debian_package, display_hint, install_hint, missing_qt_libraries, needed_libraries
from capture.discovery import PATH_VARIABLE, viky_producer
from capture.traps.finding import Finding

ROOT = Path(__file__).resolve().parents[2]


def run_doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    code = doctor.run(parser.parse_args(arguments))
    return code, capsys.readouterr().out


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vendor's software, and a display that needs no screen."""
    monkeypatch.setattr("capture.discovery.VENDOR_FOLDERS", {})
    monkeypatch.delenv(PATH_VARIABLE, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


@pytest.mark.usefixtures("bare_machine")
def test_a_healthy_machine(capsys: pytest.CaptureFixture[str]) -> None:
    code, output = run_doctor(capsys, "--json")
    report: dict[str, Any] = json.loads(output)
    assert report["versions"]["torch"] == metadata.version("torch")
    assert report["versions"]["harvesters"] == metadata.version("harvesters")
    simulated = report["producers"][-1]  # after our own simulator, where it is built
    assert Path(simulated["path"]) == viky_producer()
    assert [device["serial"] for device in simulated["devices"]] == ["0", "1", "2"]
    assert report["display"]["platform"] == "offscreen"
    assert "error" not in report["gpu"]
    notes = [finding["text"] for finding in report["findings"] if finding["severity"] == "note"]
    assert any("No GenTL producer" in note and f"{PATH_VARIABLE} is not set" in note for note in notes)
    problems = [finding for finding in report["findings"] if finding["severity"] == "problem"]
    assert (code == 1) == bool(problems)


@pytest.mark.usefixtures("bare_machine")
def test_a_broken_machine_is_described_not_crashed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.cti").write_text("nonsense")
    monkeypatch.setenv(PATH_VARIABLE, os.pathsep.join([str(tmp_path), str(tmp_path / "nowhere")]))
    monkeypatch.setenv("QT_QPA_PLATFORM", "no-such-platform")
    monkeypatch.setattr(doctor, "GPU_CODE", "import os; os.abort()")
    monkeypatch.setattr(doctor, "_shared_memory_mb", lambda: 64)
    code, output = run_doctor(capsys)
    assert code == 1
    problems = output.partition("Problems")[2]
    for expected in (
        "bad.cti is no GenTL producer",
        "nowhere, which does not exist",
        "torch does not work",
        "Qt cannot open a window",
        "Only 64 MB of shared memory",
    ):
        assert expected in problems
    assert "Traceback" not in output


@pytest.mark.usefixtures("bare_machine")
def test_a_rig_whose_cameras_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.toml"
    path.write_text('kind = "genicam"\n[mono]\nserial = "0"\n[color]\nserial = "40012346"\n')
    code, output = run_doctor(capsys, "--rig", str(path))
    assert code == 1
    assert "Camera 40012346 of rig bench is not found" in output
    assert "Camera 0 of" not in output


def test_a_fix_is_a_command_of_its_own_line() -> None:
    finding = Finding("problem", "Something is small.", "sudo make it larger")
    report = Report({}, [], {"error": "none"}, {}, None, findings=[finding])
    assert "      $ sudo make it larger" in list(report_lines(report))


# -- Qt's system libraries


def test_debian_names() -> None:
    assert debian_package("libxcb-cursor.so.0") == "libxcb-cursor0"
    assert debian_package("libxcb-icccm.so.4") == "libxcb-icccm4"
    assert debian_package("libxkbcommon-x11.so.0") == "libxkbcommon-x11-0"
    assert debian_package("libX11-xcb.so.1") == "libx11-xcb1"
    assert debian_package("libX11.so.6") == "libx11-6"
    assert debian_package("libEGL.so.1") == "libegl1"
    assert debian_package("libdbus-1.so.3") == "libdbus-1-3"
    assert debian_package("libglib-2.0.so.0") == "libglib2.0-0"


def test_the_hint_is_one_line_with_the_command() -> None:
    hint = install_hint(["libxcb-cursor0", "libxcb-icccm4"])
    assert hint.endswith("sudo apt install libxcb-cursor0 libxcb-icccm4")
    assert "\n" not in hint
    assert install_hint([]) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="X11")
def test_a_display_where_nobody_answers_is_named() -> None:
    nobody = ":29999"  # X servers have small numbers
    assert missing_qt_libraries({"DISPLAY": nobody}) or nobody in display_hint({"DISPLAY": nobody})
    assert display_hint({"DISPLAY": nobody, "QT_QPA_PLATFORM": "offscreen"}) == ""
    assert display_hint({"WAYLAND_DISPLAY": "wayland-0"}) == ""


def test_qt_without_a_screen_needs_no_x11() -> None:
    assert missing_qt_libraries({"QT_QPA_PLATFORM": "offscreen"}) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux wheels lean on system libraries")
def test_a_missing_library_is_named_with_its_package(tmp_path: Path) -> None:
    """The real xcb plugin, asking for libraries that exist nowhere."""
    import PySide6

    assert PySide6.__file__ is not None
    real = Path(PySide6.__file__).parent
    plugin = real / "Qt/plugins/platforms/libqxcb.so"
    assert "libxcb-cursor.so.0" in needed_libraries(plugin) + needed_libraries(
        real / "Qt/lib/libQt6XcbQpa.so.6"
    )
    package = tmp_path / "PySide6"
    (package / "Qt/plugins/platforms").mkdir(parents=True)
    (package / "Qt/lib").mkdir()
    (package / "__init__.py").touch()
    altered = (real / "Qt/lib/libQt6XcbQpa.so.6").read_bytes()
    for name, other in (
        (b"libxcb-cursor.so.0", b"libxcb-nopeee.so.0"),
        (b"libxcb-icccm.so.4", b"libxcb-nooo.so.44"),
    ):
        altered = altered.replace(name, other[: len(name)])
    (package / "Qt/lib/libQt6XcbQpa.so.6").write_bytes(altered)
    shutil.copy(plugin, package / "Qt/plugins/platforms")
    for library in (real / "Qt/lib").glob("*.so*"):
        if library.name != "libQt6XcbQpa.so.6":
            (package / "Qt/lib" / library.name).symlink_to(library)
    code = "from app.qt_check import missing_qt_libraries; print(missing_qt_libraries({'DISPLAY': ':0'}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'libxcb-nopeee0'" in done.stdout
    assert "'libxcb-nooo4" in done.stdout


def test_looking_does_not_import_qt() -> None:
    code = (
        "import sys, app.qt_check as q; q.missing_qt_libraries(); "
        "print([name for name in sys.modules if 'PySide6' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_files_need_nothing(tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("not a library")
    assert needed_libraries(text) == []
    assert qt_check._unloadable("libc.so.6") == []
