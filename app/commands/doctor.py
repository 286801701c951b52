"""`main.py doctor`: versions, producers and cameras, GPU, display, and the traps that we know of.

Everything that could crash, hang or take long (vendors' libraries, CUDA, Qt) is tried in a process of its
own, all at the same time. Exit code 1 if something is broken, else 0; what is merely absent is not broken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from app.commands.doctor_report import Report, report_lines
from app.qt_check import install_hint, missing_qt_libraries
from capture.discovery import Device, installed_producers, simulated_producers
from capture.preview import describe_cameras
from capture.probe import ProducerReport, probe_producers
from capture.rig_budget import DEFAULT_LINK_MBIT, PlannedCamera, link_budgets
from capture.rig_file import load_rig_file
from capture.spec import GenicamSpec, RigSpec
from capture.traps import network, producers, usb
from capture.traps.finding import Finding
from capture.traps.links import crowded_links

ROOT = Path(__file__).resolve().parents[2]
CHILD_TIMEOUT_S = 60.0
SMALL_SHARED_MEMORY_MB = 256

GPU_CODE = """
import json, torch
count = torch.cuda.device_count() if torch.cuda.is_available() else 0
names = [torch.cuda.get_device_name(i) for i in range(count)]
print(json.dumps({"cuda": names, "cuda_version": torch.version.cuda or "",
                  "mps": torch.backends.mps.is_available(), "threads": torch.get_num_threads()}))
"""

DISPLAY_CODE = """
import json
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
screen = app.primaryScreen()
size = screen.size()
print(json.dumps({"platform": app.platformName(), "screen": f"{size.width()}×{size.height()}",
                  "scale": screen.devicePixelRatio()}))
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--rig", type=Path, metavar="FILE", help="a rig file (.toml): whether its cameras fit their link"
    )


def run(args: argparse.Namespace) -> int:
    """Examine this machine and print what was found; 1 if something is broken, else 0.

    Raises RigFileError: the rig file cannot be used.
    """
    report = examine(load_rig_file(args.rig) if args.rig is not None else None)
    if args.json:
        print(json.dumps(asdict(report), indent=2, default=str, ensure_ascii=False))
    else:
        print("\n".join(report_lines(report)))
    return 1 if any(finding.severity == "problem" for finding in report.findings) else 0


def examine(rig: RigSpec | None = None) -> Report:
    """Look at everything. With a rig, its cameras are judged as its file sets them, else all as they are."""
    missing = missing_qt_libraries()
    gpu_child = _start(GPU_CODE)
    display_child = _start(DISPLAY_CODE) if _has_display() and not missing else None
    paths = installed_producers()
    named = rig.producers if isinstance(rig, GenicamSpec) else ()
    every = {path.resolve(): path for path in (*named, *paths, *simulated_producers())}
    reports = probe_producers(list(every.values()))
    adapters, usb_cameras = network.adapters(), usb.usb_cameras()
    budgets = link_budgets(_planned(reports, rig), adapters)
    versions = _versions()
    gpu = _answer(gpu_child)
    display = _answer(display_child) if display_child is not None else {}
    memory = _shared_memory_mb()
    devices = [device for report in reports for device in report.devices]
    findings = [
        *_about_packages(versions),
        *_about_producers(reports),
        *_about_rig(rig, devices),
        *crowded_links(budgets),
        *_about_network(devices, adapters),
        *_about_usb(usb_cameras, devices),
        *_about_memory(memory),
        *_about_gpu(gpu),
        *_about_display(display, missing),
    ]
    return Report(versions, reports, gpu, display, memory, adapters, budgets, findings)


# -- looking


def _versions() -> dict[str, str]:
    """Return the versions of Python, the system and the packages of requirements.txt; "" is a missing one."""
    versions = {"python": platform.python_version(), "system": platform.platform()}
    for name, _ in _pinned():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def _pinned() -> list[tuple[str, str]]:
    """Return (package, version) of each line of requirements.txt."""
    try:
        text = (ROOT / "requirements.txt").read_text()
    except OSError:
        return []
    return re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)


def _planned(reports: Sequence[ProducerReport], rig: RigSpec | None) -> list[PlannedCamera]:
    """Return the cameras whose links can be judged: all that are free, or the rig's own."""
    specs = {}
    if isinstance(rig, GenicamSpec):
        specs = {rig.mono.serial: ("mono", rig.mono), rig.color.serial: ("colour", rig.color)}
    planned: dict[str, PlannedCamera] = {}
    for report in reports:
        wanted = frozenset(
            device.serial
            for device in report.devices
            if device.accessible
            and device.transport in DEFAULT_LINK_MBIT
            and device.serial not in planned
            and (not specs or device.serial in specs)
        )
        for camera in describe_cameras(report.path, wanted) if wanted else ():
            serial = camera.device.serial
            name, spec = specs.get(serial, (f"{camera.device.model} {serial}", None))
            planned[serial] = PlannedCamera(name, camera, spec)
    return list(planned.values())


def _start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what a child printed as JSON, or {"error": one line} if it came to nothing."""
    with process:
        try:
            output, complaints = process.communicate(timeout=CHILD_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return {"error": f"no answer within {CHILD_TIMEOUT_S:g} s"}
    try:
        answer: dict[str, Any] = json.loads(output.strip().rpartition("\n")[2])
    except ValueError:
        last = complaints.strip().rpartition("\n")[2] or f"exit code {process.returncode}"
        return {"error": last}
    return answer


def _has_display() -> bool:
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _shared_memory_mb() -> int | None:
    folder = Path("/dev/shm")  # noqa: S108 (where Linux keeps it)
    return shutil.disk_usage(folder).free // 1_000_000 if folder.is_dir() else None


# -- judging


def _about_packages(versions: dict[str, str]) -> Iterator[Finding]:
    for name, pinned in _pinned():
        found = versions.get(name, "")
        if not found:
            yield Finding("problem", f"Package {name} is not installed; run `make setup`.")
        elif found.partition("+")[0] != pinned:
            yield Finding(
                "note", f"{name} {found} is installed, tested is {pinned}; `make setup` installs it."
            )
    for name in ("opencv-python", "opencv-contrib-python"):
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        yield Finding(
            "problem",
            f"{name} brings a second Qt that breaks PySide6; run `pip uninstall {name}`, then "
            "`pip install --force-reinstall --no-deps opencv-python-headless`.",
        )


def _about_producers(reports: Sequence[ProducerReport]) -> Iterator[Finding]:
    yield from producers.broken_producers(reports)
    yield from producers.exposed_libraries(reports)
    yield from producers.search_path()
    yield from producers.hikrobot_and_python(report.path for report in reports)
    yield from producers.trial_overlays(reports)
    yield from producers.no_cameras(reports)
    yield from producers.listed_twice(reports)
    yield from producers.taken_cameras(reports)


def _about_rig(rig: RigSpec | None, devices: Sequence[Device]) -> Iterator[Finding]:
    if not isinstance(rig, GenicamSpec):
        return
    there = {device.serial for device in devices}
    for camera in (rig.mono, rig.color):
        if camera.serial not in there:
            yield Finding("problem", f"Camera {camera.serial} of rig {rig.name} is not found.")


def _about_network(devices: Sequence[Device], adapters: Sequence[network.Adapter]) -> Iterator[Finding]:
    yield from network.slow_links(devices, adapters)
    yield from network.small_packets(devices, adapters)
    yield from network.small_receive_buffer(devices)


def _about_usb(cameras: Sequence[usb.UsbCamera], devices: Sequence[Device]) -> Iterator[Finding]:
    yield from usb.missing_rights(cameras)
    yield from usb.slow_ports(cameras)
    yield from usb.small_transfer_memory(cameras)
    yield from usb.unseen_cameras(cameras, frozenset(device.serial for device in devices))


def _about_memory(shared_memory_mb: int | None) -> Iterator[Finding]:
    if shared_memory_mb is not None and shared_memory_mb < SMALL_SHARED_MEMORY_MB:
        yield Finding(
            "problem",
            f"Only {shared_memory_mb} MB of shared memory are free: large frames will not fit. "
            "Start a container with --shm-size=1g.",
        )


def _about_gpu(gpu: dict[str, Any]) -> Iterator[Finding]:
    if "error" in gpu:
        yield Finding("problem", f"torch does not work: {gpu['error']}")
    elif not gpu["cuda"] and not gpu["mps"]:
        yield Finding(
            "note", f"No GPU that torch can use: the networks run on the CPU, {gpu['threads']} threads."
        )


def _about_display(display: dict[str, Any], missing: list[str]) -> Iterator[Finding]:
    if missing:
        yield Finding("problem" if _has_display() else "note", install_hint(missing))
    if not _has_display():
        yield Finding("note", "No display: `live` runs without a window (--headless).")
    if "error" in display:
        yield Finding("problem", f"Qt cannot open a window: {display['error']}")
