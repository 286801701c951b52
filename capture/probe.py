"""Asking producers for their devices, each in a process of its own, so that a crashing one harms nobody.

python -m capture.probe FILE.cti        prints what the producer offers, as JSON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from capture.discovery import Device, check_producer, describe, describe_library
from capture.errors import CaptureError
from capture.libraries import LoadedLibrary

UPDATE_TIMEOUT_MS = 1000


@dataclass(frozen=True)
class ProducerReport:
    """What came of asking one producer.

    Attributes:
        problem: one line, empty if it works.
        library: what the file says of itself, None if it could not be asked.
        repeated: serial numbers that it lists more than once.
    """

    path: Path
    devices: tuple[Device, ...] = ()
    problem: str = ""
    repeated: tuple[str, ...] = ()
    library: LoadedLibrary | None = None


def probe_producers(paths: Sequence[Path], timeout_s: float = 20.0) -> list[ProducerReport]:
    """Ask all producers at the same time, each in its own process; return their reports in the same order."""
    root = Path(__file__).resolve().parents[1]
    deadline = time.monotonic() + timeout_s
    with_process = []
    for path in paths:
        process = subprocess.Popen(
            [sys.executable, "-m", "capture.probe", os.fspath(path.absolute())],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with_process.append((path, process))
    return [_collect(path, process, deadline) for path, process in with_process]


def _collect(path: Path, process: subprocess.Popen[str], deadline: float) -> ProducerReport:
    with process:
        try:
            output, _ = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            return ProducerReport(
                path, problem=f"Producer {path} did not answer in time; is its driver installed?"
            )
    if process.returncode < 0:
        return ProducerReport(path, problem=f"Producer {path} crashed (signal {-process.returncode}).")
    # Vendor libraries write to stdout as they like: our answer is the last line.
    try:
        answer = json.loads(output.strip().rpartition("\n")[2])
        # Some producers give their name where their path is asked for; we know where it was found.
        devices = tuple(Device(**{**device, "producer": os.fspath(path)}) for device in answer["devices"])
        found = answer["library"]
        library = LoadedLibrary(**{**found, "path": Path(found["path"])}) if found is not None else None
        return ProducerReport(path, devices, answer["problem"], tuple(answer["repeated"]), library)
    except (ValueError, KeyError, TypeError):
        return ProducerReport(path, problem=f"Producer {path} failed (exit code {process.returncode}).")


def examine(path: Path) -> tuple[LoadedLibrary, list[Device]]:
    """Load a producer into this process; return it and its devices as listed. Raises CaptureError."""
    from genicam import gentl

    file = check_producer(path)
    producer = gentl.GenTLProducer.create_producer()
    try:
        producer.open(os.fspath(file))
        system = producer.create_system()
        system.open()
        system.update_interface_info_list(UPDATE_TIMEOUT_MS)
        infos = []
        for interface_info in system.interface_info_list:
            interface = interface_info.create_interface()
            interface.open()
            interface.update_device_info_list(UPDATE_TIMEOUT_MS)
            infos += list(interface.device_info_list)
        return describe_library(file, system), [describe(info) for info in infos]
    except gentl.GenericException as error:
        raise CaptureError(f"Producer {path} does not work: {error}.") from error


def main(arguments: Sequence[str]) -> int:
    """Print the devices of one producer as a line of JSON."""
    path = Path(arguments[0])
    library: LoadedLibrary | None = None
    listed: list[Device] = []
    problem = ""
    try:
        library, listed = examine(path)
    except CaptureError as error:
        problem = str(error)
    devices = {device.serial: device for device in reversed(listed)}
    times = Counter(device.serial for device in listed)
    answer = {
        "devices": [asdict(devices[serial]) for serial in times],
        "problem": problem,
        "repeated": [serial for serial, count in times.items() if count > 1],
        "library": asdict(library) if library is not None else None,
    }
    print(json.dumps(answer, default=str), flush=True)
    # Leaves without unloading: some vendor libraries crash on the way out, which must not spoil the answer.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
