"""Traps about GenTL producers: which are known to misbehave, and where they are looked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from capture.discovery import PATH_VARIABLE, Device, is_simulated, path_folders
from capture.probe import ProducerReport
from capture.traps.finding import Finding

HIKROBOT = re.compile(r"MvProducer\w+\.cti", re.IGNORECASE)
HIKROBOT_FAILS_FROM = (3, 11)

LICENSED: dict[str, tuple[re.Pattern[str], str]] = {
    "mvGenTLProducer.cti": (re.compile(r"balluff|matrix.?vision", re.IGNORECASE), "Balluff (MATRIX VISION)"),
}
"""Producers that open any maker's cameras but want a licence for those of others, by file name."""


def hikrobot_and_python(
    paths: Iterable[Path], version: tuple[int, int] = sys.version_info[:2]
) -> Iterator[Finding]:
    """Hikrobot's producer lists its cameras, but opening one fails under newer Pythons.

    Source: harvesters, issues 503 and 505 (`UnicodeDecodeError` in `Harvester.create`; 3.10 works).
    """
    if version < HIKROBOT_FAILS_FROM:
        return
    for path in paths:
        if HIKROBOT.fullmatch(path.name):
            yield Finding(
                "problem",
                f"{path}: Hikrobot's producer lists cameras, but opening one raises UnicodeDecodeError under "
                f"Python 3.11 and newer (this is {version[0]}.{version[1]}; harvesters issue 503). Its "
                "cameras keep to the GenICam standards: open them with another producer for their transport, "
                "or ask Hikrobot for a corrected one.",
            )


def trial_overlays(reports: Sequence[ProducerReport]) -> Iterator[Finding]:
    """Some producers draw over the pictures of other makers' cameras unless a licence was bought.

    Source: harvesters, issues 372 and 451: a moving box, some seconds after the stream starts.
    """
    used = _used_producers(reports)
    for report in reports:
        if report.path.name not in LICENSED:
            continue
        own, maker = LICENSED[report.path.name]
        others = [d for d in report.devices if not own.search(d.vendor) and used[d.serial] is report]
        if not others:
            continue
        elsewhere = _other_producer({device.serial for device in others}, reports)
        fix = f"export {PATH_VARIABLE}={elsewhere.path.parent}" if elsewhere is not None else ""
        advice = "" if elsewhere else " Install the producer of the camera's own maker."
        yield Finding(
            "problem",
            f"{_listed(others)} would be opened through {report.path.name} of {maker}, which without a "
            "licence draws a moving box over the pictures of other makers' cameras after some "
            f"seconds.{advice}",
            fix,
        )


def _used_producers(reports: Sequence[ProducerReport]) -> dict[str, ProducerReport]:
    """Return through which producer each camera is opened, by serial number: the first that lists it."""
    used: dict[str, ProducerReport] = {}
    for report in reports:
        for device in report.devices:
            used.setdefault(device.serial, report)
    return used


def _other_producer(serials: set[str], reports: Sequence[ProducerReport]) -> ProducerReport | None:
    for report in reports:
        offered = {device.serial for device in report.devices}
        if serials <= offered and report.path.name not in LICENSED:
            return report
    return None


def _listed(devices: Sequence[Device]) -> str:
    return ", ".join(map(str, devices))


def listed_twice(reports: Sequence[ProducerReport]) -> Iterator[Finding]:
    """One camera may show up through several producers, or several times through one."""
    real = [report for report in reports if not is_simulated(report.path)]
    used = _used_producers(real)
    for report in real:
        for other in dict.fromkeys(used[d.serial].path for d in report.devices):
            shared = [device for device in report.devices if used[device.serial].path == other]
            if other == report.path:
                continue
            yield Finding(
                "note",
                f"{_listed(shared)}: offered by {other} and by {report.path}; the first is used. Name the "
                "other one under `producers` in the rig file to change that.",
            )
        if report.repeated:
            yield Finding(
                "note",
                f"{report.path.name} lists {', '.join(report.repeated)} more than once, as producers do "
                "where a camera is reached by several network adapters or filter drivers; it counts once.",
            )


def taken_cameras(reports: Sequence[ProducerReport]) -> Iterator[Finding]:
    """A GenICam camera belongs to one program at a time."""
    seen: set[str] = set()
    for report in reports:
        for device in report.devices:
            if device.serial not in seen and not device.accessible:
                yield Finding("problem", f"{device} is taken by another program; close it.")
            seen.add(device.serial)


def broken_producers(reports: Sequence[ProducerReport]) -> Iterator[Finding]:
    """A `.cti` that cannot be loaded: wrong processor (seen in its ELF, PE or Mach-O header), no library …"""
    return (Finding("problem", report.problem) for report in reports if report.problem)


def exposed_libraries(reports: Sequence[ProducerReport]) -> Iterator[Finding]:
    """A library that others may change is code of theirs that runs with one's own rights."""
    for report in reports:
        if report.library is not None and report.library.warning:
            text, _, fix = report.library.warning.rpartition(": ")
            yield Finding("problem", f"{text}.", fix)


def search_path(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The variable that names the folders of producers: unset, misspelt, or for 32 bits only."""
    old = PATH_VARIABLE.replace("64", "32")
    if old in environ and PATH_VARIABLE not in environ:
        yield Finding(
            "problem",
            f"{old} is set but {PATH_VARIABLE} is not: only 32-bit programs find those producers.",
            f"export {PATH_VARIABLE}=FOLDER_OF_THE_64_BIT_CTI",
        )
    for folder in path_folders(environ):
        if not folder.exists():
            yield Finding(
                "problem", f"{PATH_VARIABLE} names {folder}, which does not exist; correct or remove it."
            )
        elif folder.is_file() and folder.suffix.lower() != ".cti":
            yield Finding(
                "problem",
                f"{PATH_VARIABLE} names {folder}, which is not loaded: its name does not end in .cti.",
            )
        elif folder.is_dir() and not any(folder.glob("*.cti")):
            yield Finding("note", f"{PATH_VARIABLE} names {folder}, in which there is no .cti file.")


def no_cameras(
    reports: Sequence[ProducerReport], environ: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """Nothing was found: which half is missing, the software or the camera?"""
    real = [report for report in reports if not is_simulated(report.path)]
    if not real:
        unset = "" if environ.get(PATH_VARIABLE) else f" and {PATH_VARIABLE} is not set"
        yield Finding(
            "note",
            f"No GenTL producer (.cti) was found in the vendors' usual folders{unset}: only the virtual, "
            "replayed and simulated rigs work. Install the camera vendor's software, or set "
            f"{PATH_VARIABLE} to its folder.",
        )
    elif not any(report.devices for report in real):
        yield Finding("note", "Producers are there but no camera answers; check power, cable and network.")
