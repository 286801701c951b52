"""What the recipes make of the descriptions of real cameras: `python -m capture.sync.table FOLDER`.

Prints the table of docs/hardware-trigger.md. Each description plays both cameras of a rig.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.errors import CaptureError
from capture.frames import ROLES
from capture.node_settings import NodeSettings
from capture.sync.config import MODES, SyncConfig, SyncMode
from capture.sync.described import DescribedCamera
from capture.sync.names import PTP_SWITCHES, RECIPE_NODES
from capture.sync.recipes import run_recipe
from capture.sync.report import SyncReport
from capture.sync.script import Step

HEAD = (
    "camera",
    "free run",
    "software",
    "hardware: leader sends",
    "follower listens",
    "external",
    "action, PTP",
)


@dataclass(frozen=True)
class DescribedResult:
    """What came of every mode on one description."""

    file: str
    camera: str
    reports: Mapping[SyncMode, SyncReport]

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row, in the order of HEAD."""
        hardware = self.reports["hardware"]
        return (
            f"{self.camera} ({self.file})",
            _cell(self.reports["free_run"], "TriggerMode"),
            _cell(self.reports["software"], "TriggerSource"),
            _output(hardware),
            _cell(hardware, "TriggerSource"),
            _cell(self.reports["external"], "TriggerSource"),
            f"{_cell(self.reports['action'], 'TriggerSource')}; {_ptp(self.reports['action'])}",
        )


def run_on_description(path: Path) -> DescribedResult:
    """Run every recipe on a description. Raises CaptureError if it is none."""
    described = {role: DescribedCamera(path, RECIPE_NODES) for role in ROLES}
    reports: dict[SyncMode, SyncReport] = {}
    for mode in MODES:
        for camera in described.values():
            camera.reset()
        nodes = {role: NodeSettings(described[role].node_map) for role in ROLES}
        reports[mode] = run_recipe(SyncConfig(mode=mode), nodes)
    return DescribedResult(path.name, described["mono"].model.replace("_", " "), reports)


def markdown(results: list[DescribedResult]) -> str:
    """Return the table."""
    rows = [HEAD, tuple("---" for _ in HEAD), *(result.row() for result in results)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _cell(report: SyncReport, node: str) -> str:
    """Return what a node was set to, or what stood in the way."""
    step = next((step for step in reversed(report.steps) if step.node == node and not step.failed), None)
    if step is not None and (report.complete or node != "TriggerMode"):
        return f"{node} = {step.read_back}"
    return "**no**: " + (_why(report.failures[0]) if report.failures else f"no {node}")


def _output(report: SyncReport) -> str:
    signals = [s for s in report.steps if s.node.endswith("Source") and s.node != "TriggerSource"]
    pins = [s for s in report.steps if s.node.endswith("Selector") and s.role == report.config.leader]
    if signals and not signals[-1].failed:
        return f"{pins[-1].read_back}: {signals[-1].node} = {signals[-1].read_back}"
    return "**no**: " + (_why(report.failures[0]) if report.failures else "no pin")


def _ptp(report: SyncReport) -> str:
    switches = {name for name, _ in PTP_SWITCHES}
    step = next(step for step in report.steps if step.node in switches)
    return f"{step.node} = {step.read_back}" if step.outcome == "set" else "no PTP"


def _why(step: Step) -> str:
    return f"{step.node} has no {step.wanted}" if step.outcome == "refused" else step.reason


def main() -> int:
    """Print the table for the folder that is named."""
    arguments = argparse.ArgumentParser(prog="python -m capture.sync.table", description=__doc__)
    arguments.add_argument("folder", type=Path, help="GenICam descriptions (*.xml)")
    files = sorted(arguments.parse_args().folder.glob("*.xml"))
    if not files:
        print("error: there is no description (*.xml) in this folder", file=sys.stderr)
        return 2
    try:
        print(markdown([run_on_description(path) for path in files]))
    except CaptureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
