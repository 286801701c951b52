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
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from app.qt_check import install_hint, missing_qt_libraries
from capture.discovery import PATH_VARIABLE, Device, installed_producers, path_folders, viky_producer
from capture.errors import CaptureError
from capture.probe import ProducerReport, probe_producers

ROOT = Path(__file__).resolve().parents[2]
CHILD_TIMEOUT_S = 60.0
SMALL_SHARED_MEMORY_MB = 256
SMALL_RECEIVE_BUFFER = 4 << 20
SMALL_USB_MEMORY_MB = 256

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


@dataclass(frozen=True)
class Finding:
    """Something to know. "problem": broken, with what to do; "note": fine, but worth knowing."""

    severity: Literal["problem", "note"]
    text: str


@dataclass(frozen=True)
class Report:
    """Everything the doctor found; what `--json` prints."""

    versions: dict[str, str]
    producers: list[ProducerReport]
    gpu: dict[str, Any]
    display: dict[str, Any]
    shared_memory_mb: int | None
    findings: list[Finding] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Examine this machine and print what was found; 1 if something is broken, else 0."""
    report = examine()
    if args.json:
        print(json.dumps(asdict(report), indent=2, default=str, ensure_ascii=False))
    else:
        print("\n".join(_lines(report)))
    return 1 if any(finding.severity == "problem" for finding in report.findings) else 0


def examine() -> Report:
    """Look at everything."""
    missing = missing_qt_libraries()
    gpu_child = _start(GPU_CODE)
    display_child = _start(DISPLAY_CODE) if _has_display() and not missing else None
    paths = installed_producers()
    producers = probe_producers([*paths, *_simulated(paths)])
    versions = _versions()
    gpu = _answer(gpu_child)
    display = _answer(display_child) if display_child is not None else {}
    memory = _shared_memory_mb()
    findings = [
        *_about_packages(versions),
        *_about_producers(producers),
        *_about_system(producers, memory),
        *_about_gpu(gpu),
        *_about_display(display, missing),
    ]
    return Report(versions, producers, gpu, display, memory, findings)


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


def _simulated(installed: list[Path]) -> list[Path]:
    try:
        viky = viky_producer()
    except CaptureError:
        return []
    return [] if viky.resolve() in {path.resolve() for path in installed} else [viky]


def _is_simulated(report: ProducerReport) -> bool:
    return report.path.name == "viky.cti"


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


def _about_producers(producers: list[ProducerReport]) -> Iterator[Finding]:
    for report in producers:
        if report.problem:
            yield Finding("problem", report.problem)
    for folder in path_folders():
        if not folder.exists():
            yield Finding("problem", f"{PATH_VARIABLE} names {folder}, which does not exist; correct it.")
    real = [report for report in producers if not _is_simulated(report)]
    if not real:
        unset = "" if os.environ.get(PATH_VARIABLE) else f" and {PATH_VARIABLE} is not set"
        yield Finding(
            "note",
            f"No GenTL producer (.cti) was found in the vendors' usual folders{unset}: only the virtual, "
            "replayed and simulated rigs work. Install the camera vendor's software, or set "
            f"{PATH_VARIABLE} to its folder.",
        )
    elif not any(report.devices for report in real):
        yield Finding("note", "Producers are there but no camera answers; check power, cable and network.")
    seen: dict[str, Device] = {}
    for report in real:
        for device in report.devices:
            if device.serial in seen:
                yield Finding(
                    "note", f"{device} is offered by several producers; the first one listed is used."
                )
            elif not device.accessible:
                yield Finding("problem", f"{device} is taken by another program; close it.")
            seen.setdefault(device.serial, device)


def _about_system(producers: list[ProducerReport], shared_memory_mb: int | None) -> Iterator[Finding]:
    if shared_memory_mb is not None and shared_memory_mb < SMALL_SHARED_MEMORY_MB:
        yield Finding(
            "problem",
            f"Only {shared_memory_mb} MB of shared memory are free: large frames will not fit. "
            "Start a container with --shm-size=1g.",
        )
    transports = {device.transport for report in producers for device in report.devices}
    receive_buffer = _kernel_number("/proc/sys/net/core/rmem_max")
    if "GEV" in transports and receive_buffer is not None and receive_buffer < SMALL_RECEIVE_BUFFER:
        yield Finding(
            "problem",
            f"The network receive buffer is {receive_buffer} bytes, GigE cameras will lose frames: "
            "sudo sysctl -w net.core.rmem_max=33554432",
        )
    usb_mb = _kernel_number("/sys/module/usbcore/parameters/usbfs_memory_mb")
    if "U3V" in transports and usb_mb is not None and 0 < usb_mb < SMALL_USB_MEMORY_MB:
        yield Finding(
            "problem",
            f"USB transfers may use {usb_mb} MB, USB3 cameras will lose frames: "
            "echo 1000 | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb",
        )


def _kernel_number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None


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


# -- printing


def _lines(report: Report) -> Iterator[str]:
    yield "Versions"
    for name, version in report.versions.items():
        yield f"  {name:24} {version or 'not installed'}"
    yield "Cameras"
    for producer in report.producers:
        simulated = "  (simulated: --rig viky)" if _is_simulated(producer) else ""
        yield f"  {producer.path}{simulated}"
        if producer.problem:
            yield "    does not work, see below"
        for device in producer.devices:
            busy = "" if device.accessible else ", taken by another program"
            yield f"    serial {device.serial}: {device.vendor} {device.model}, {device.transport}{busy}"
    yield "GPU"
    yield f"  {_gpu_line(report.gpu)}"
    yield "Display"
    yield f"  {_display_line(report.display)}"
    if report.shared_memory_mb is not None:
        yield "Shared memory"
        yield f"  {report.shared_memory_mb} MB free"
    for severity, title in (("problem", "Problems"), ("note", "Notes")):
        texts = [finding.text for finding in report.findings if finding.severity == severity]
        if texts:
            yield title
            yield from (f"  - {text}" for text in texts)
    if not any(finding.severity == "problem" for finding in report.findings):
        yield "No problem found."


def _gpu_line(gpu: dict[str, Any]) -> str:
    if "error" in gpu:
        return "torch does not work, see below"
    if gpu["cuda"]:
        return f"{', '.join(gpu['cuda'])} (CUDA {gpu['cuda_version']})"
    return "Apple GPU (MPS)" if gpu["mps"] else f"none; CPU with {gpu['threads']} threads"


def _display_line(display: dict[str, Any]) -> str:
    if "platform" not in display:
        return "none that works" if display else "none"
    return f"Qt platform {display['platform']}, {display['screen']}, scale {display['scale']:g}"
