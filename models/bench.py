"""How long every stage takes and how much memory it needs, honestly: each case runs in a process of its own.

The parent describes a `Case`; the child, `python -m models.bench CASE`, runs it and answers with JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from models.engine import Device, Engine, SearchRange
from models.errors import ModelError
from models.presets import Networks, load_networks, weights_path

ROOT = Path(__file__).resolve().parents[1]
SLOW_MS = 20_000.0
"""A case whose first run takes longer is not run again: what a warm-up gains is less than the noise."""
PASSES = ("first_pass", "second_pass")
CANCEL_S = 0.2
"""How often a measurement asks whether it is still wanted."""
_MB = 1e6


@dataclass(frozen=True)
class Case:
    """One thing to measure: the whole cycle on one size and device.

    Attributes:
        label: what to call the network.
        model: preset or weights file.
        width, height: pixels of both images.
        max_disparity: candidates.
        device: "cpu", "cuda" or "mps".
        repeats: measured runs after the warm-up.
        threads: CPU threads, None for torch's own choice.
    """

    label: str
    model: str
    width: int
    height: int
    max_disparity: int
    device: Device
    repeats: int = 5
    threads: int | None = None


@dataclass(frozen=True)
class Measurement:
    """What a case took; times in ms are medians over the runs.

    Attributes:
        device_name: the device for people.
        total_ms: from images in memory to results in memory, everything included.
        stages_ms: the same by stage.
        cpu_ms: processor time of all threads together; other programs lengthen it far less than wall time.
        runs: runs that count; 1 if the case is so slow that it ran once, without warm-up.
        memory_mb: peak beyond what the process held before it loaded the networks (10⁶ bytes); on CUDA, the
            peak that torch allocated on the device.
        error: why there are no figures, empty if all went well.
    """

    case: Case
    device_name: str = ""
    total_ms: float = 0.0
    stages_ms: dict[str, float] = field(default_factory=dict)
    cpu_ms: float = 0.0
    runs: int = 0
    memory_mb: float = 0.0
    error: str = ""

    @property
    def passes_ms(self) -> float:
        """Return the time of the two passes of the colorizer alone."""
        return sum(self.stages_ms[name] for name in PASSES)


@dataclass(frozen=True)
class Ratio:
    """A whole cycle, refinement included, against the two passes of the yardstick; same size and device."""

    label: str
    yardstick: str
    width: int
    height: int
    device: str
    times_faster: float
    times_less_memory: float


def available_devices() -> list[Device]:
    """Return the devices of this machine, the CPU first."""
    there: list[tuple[Device, bool]] = [
        ("cpu", True),
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ]
    return [name for name, available in there if available]


def prepare(model: str, folder: Path) -> tuple[str, str]:
    """Return label and usable model for what a person named.

    The authors' HDF5 file is converted into `folder`. Raises ModelError for what cannot be used.
    """
    from models.convert_released import CARD, load_released
    from models.weights_io import save_weights

    if model.endswith((".h5", ".hdf5")):
        path = folder / "released.safetensors"
        save_weights(path, {"colorizer": load_released(Path(model))}, CARD)
        return "released", str(path)
    weights_path(model)
    return Path(model).stem, model


def measure(
    case: Case, child: str = "models.bench", cancelled: Callable[[], bool] = lambda: False
) -> Measurement:
    """Run a case in a process of its own; its progress goes to stderr. What fails is told in `error`.

    `child` is the module that runs it: one that hands `main` other networks. `cancelled` is asked now and
    then; once it returns True the process is killed.
    """
    with subprocess.Popen(
        [sys.executable, "-m", child, json.dumps(asdict(case))],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while True:
            try:
                output, _ = process.communicate(timeout=CANCEL_S)
                break
            except subprocess.TimeoutExpired:
                if cancelled():
                    process.kill()
    answer = output.strip().rpartition("\n")[2]
    if process.returncode != 0 or not answer:
        reason = answer or f"the process ended with code {process.returncode} (out of memory?)"
        return Measurement(case, error=reason)
    return Measurement(case, **json.loads(answer))


def ratios(measurements: Iterable[Measurement], yardstick: str) -> list[Ratio]:
    """Compare everything with the cases labelled `yardstick`, where size and device are the same."""
    whole = [m for m in measurements if not m.error]
    rulers = {(m.case.width, m.case.height, m.case.device): m for m in whole if m.case.label == yardstick}
    found = []
    for m in whole:
        ruler = rulers.get((m.case.width, m.case.height, m.case.device))
        if ruler is not None and m.case.label != yardstick:
            faster, less = ruler.passes_ms / m.total_ms, ruler.memory_mb / max(m.memory_mb, 1.0)
            found.append(
                Ratio(m.case.label, yardstick, m.case.width, m.case.height, m.case.device, faster, less)
            )
    return found


def textured_pair(width: int, height: int, disparity: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return mono (H×W) and reference (H×W×3 RGB) of a textured wall, `disparity` px apart."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (height // 6 + 2, (width + disparity) // 6 + 2, 3), dtype=np.uint8)
    wall = cv2.resize(small, (width + disparity, height), interpolation=cv2.INTER_CUBIC)
    mono = cv2.cvtColor(wall[:, disparity:], cv2.COLOR_RGB2GRAY)
    return np.asarray(mono, np.uint8), np.ascontiguousarray(wall[:, :width], np.uint8)


def run_case(case: Case, networks_of: Callable[[str], Networks] = load_networks) -> Measurement:
    """Run a case in this process; `networks_of` makes networks of `case.model`. Raises ModelError."""
    if case.threads is not None:
        torch.set_num_threads(case.threads)
    mono, reference = textured_pair(case.width, case.height, case.max_disparity // 4)
    search = SearchRange(case.max_disparity)
    before = psutil.Process().memory_info().rss
    engine = Engine(case.model, case.device)
    engine.use(networks_of(case.model))
    runs: list[tuple[float, float, dict[str, float]]] = []
    for number in range(case.repeats + 1):
        began, cpu_began = time.perf_counter(), time.process_time()
        # Ends with the results in host memory: on a GPU nothing is left to wait for.
        stages_ms = dict(engine.colorize(mono, reference, search).stages_ms)
        total_ms, cpu_ms = (time.perf_counter() - began) * 1000, (time.process_time() - cpu_began) * 1000
        kind = "warm-up" if number == 0 else f"run {number}/{case.repeats}"
        print(f"  {kind}: {total_ms:.1f} ms", file=sys.stderr, flush=True)
        runs.append((total_ms, cpu_ms, stages_ms))
        if total_ms > SLOW_MS:
            break
    counted = runs if len(runs) == 1 else runs[1:]
    return Measurement(
        case,
        device_name=engine.device_name,
        total_ms=median(total_ms for total_ms, _, _ in counted),
        stages_ms={name: median(stages_ms[name] for _, _, stages_ms in counted) for name in counted[0][2]},
        cpu_ms=median(cpu_ms for _, cpu_ms, _ in counted),
        runs=len(counted),
        memory_mb=_peak_bytes(case.device, before) / _MB,
    )


def _peak_bytes(device: Device, before: int) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset) - before
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # Not ru_maxrss, which on Linux remembers the memory of the process that this one was forked from.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024 - before


def main(argv: Sequence[str], networks_of: Callable[[str], Networks] = load_networks) -> int:
    """Run one case, given as JSON, and print its measurement as JSON; on failure print the reason."""
    case = Case(**json.loads(argv[0]))
    try:
        result = asdict(run_case(case, networks_of))
    except ModelError as error:
        print(" ".join(str(error).split()))
        return 2
    del result["case"]
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
