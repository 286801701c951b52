"""What the doctor found, and how it is put in lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from capture.bandwidth import Budget, budget_lines
from capture.discovery import is_simulated
from capture.probe import ProducerReport
from capture.traps.finding import Finding
from capture.traps.network import Adapter


@dataclass(frozen=True)
class Report:
    """Everything the doctor found; what `--json` prints."""

    versions: dict[str, str]
    producers: list[ProducerReport]
    gpu: dict[str, Any]
    display: dict[str, Any]
    shared_memory_mb: int | None
    adapters: list[Adapter] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def report_lines(report: Report) -> Iterator[str]:
    """Return the report as it is printed."""
    yield "Versions"
    for name, version in report.versions.items():
        yield f"  {name:24} {version or 'not installed'}"
    yield "Cameras"
    for producer in report.producers:
        simulated = "  (simulated)" if is_simulated(producer.path) else ""
        yield f"  {producer.path}{simulated}"
        if producer.problem:
            yield "    does not work, see below"
        if producer.library is not None:
            yield f"    {producer.library.made_by or 'does not say who made it'}"
        for device in producer.devices:
            busy = "" if device.accessible else ", taken by another program"
            yield f"    serial {device.serial}: {device.vendor} {device.model}, {device.transport}{busy}"
    yield from _link_lines(report)
    yield "GPU"
    yield f"  {_gpu_line(report.gpu)}"
    yield "Display"
    yield f"  {_display_line(report.display)}"
    if report.shared_memory_mb is not None:
        yield "Shared memory"
        yield f"  {report.shared_memory_mb} MB free"
    for severity, title in (("problem", "Problems"), ("note", "Notes")):
        found = [finding for finding in report.findings if finding.severity == severity]
        if found:
            yield title
            for finding in found:
                yield f"  - {finding.text}"
                if finding.fix:
                    yield f"      $ {finding.fix}"
    if not any(finding.severity == "problem" for finding in report.findings):
        yield "No problem found."


def _link_lines(report: Report) -> Iterator[str]:
    if report.adapters:
        yield "Network"
        for adapter in report.adapters:
            speed = f"{adapter.mbit_per_s} Mbit/s" if adapter.mbit_per_s else "speed unknown"
            yield f"  {adapter.name}: {speed}, packets of {adapter.mtu} bytes"
    for found in report.budgets:
        yield f"Bandwidth of {found.link.name}"
        yield from (f"  {line}" for line in budget_lines(found))


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
