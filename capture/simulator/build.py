"""Builds the simulator: compiles the producer and draws its scene. `python -m capture.simulator.build`."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from capture.calibration import save_calibration
from capture.errors import CaptureError
from capture.simulator.rig import BUILD_FOLDER, CALIBRATION_NAME, SCENE_NAME, producer_path
from capture.simulator.scene import TILE, Progress, SceneLength, write_scene
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration

SOURCES = Path(__file__).resolve().parent
FLAGS = (
    *("-std=c++17", "-O2", "-ftree-vectorize", "-fno-math-errno"),
    *("-fPIC", "-shared", "-pthread", "-fvisibility=hidden"),
)
COMPILERS = ("c++", "g++", "clang++")
COMPILE_TIMEOUT_S = 600

Maker = Callable[[Path], None]


def find_compiler() -> str | None:
    """Return the C++ compiler: $CXX, else the first of COMPILERS that is there; None where there is none."""
    named = os.environ.get("CXX")
    candidates = (named,) if named else COMPILERS
    return next((found for name in candidates if (found := shutil.which(name))), None)


def build(
    folder: Path,
    spec: VirtualSpec,
    length: SceneLength | None = None,
    *,
    flags: Sequence[str] = (),
    progress: Progress | None = None,
) -> Path:
    """Build the producer with scene and calibration into a folder; return the producer's path.

    What is there already and was made from the same sources is kept.

    Raises CaptureError: no such size, no compiler, it fails, or the folder cannot be written.
    """
    if spec.width % TILE or spec.height % TILE:
        raise CaptureError(
            f"The simulated sensors cannot have {spec.width}×{spec.height} px; use multiples of {TILE}."
        )
    length = length or SceneLength()
    sources = sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")])
    drawing = [SOURCES / "scene.py", *sorted((SOURCES.parent / "virtual").glob("*.py"))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        library = producer_path(folder)
        _keep(library, _fingerprint(sources, (*FLAGS, *flags)), lambda path: _compile(path, flags))
        scene_made_from = _fingerprint(drawing, (repr(spec), repr(length)))
        _keep(folder / SCENE_NAME, scene_made_from, lambda path: write_scene(spec, path, length, progress))
        save_calibration(true_calibration(spec), folder / CALIBRATION_NAME)
    except OSError as error:
        raise CaptureError(
            f"The simulator cannot be built in {folder}: {error.strerror or error}."
        ) from error
    return library


def _fingerprint(files: Sequence[Path], words: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _keep(path: Path, fingerprint: str, make: Maker) -> None:
    """Make a file unless it was made from the same; it appears whole or not at all."""
    stamp = path.with_name(f"{path.name}.made-from")
    if path.is_file() and stamp.is_file() and stamp.read_text() == fingerprint:
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        make(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    stamp.write_text(fingerprint)


def _compile(library: Path, flags: Sequence[str]) -> None:
    compiler = find_compiler()
    if compiler is None:
        raise CaptureError(
            "The simulator needs a C++ compiler; on Debian and Ubuntu: sudo apt install g++, on macOS: "
            "xcode-select --install."
        )
    # In one piece: the standard library's headers take longer than our own code.
    program = "".join(f'#include "{path.name}"\n' for path in sorted(SOURCES.glob("*.cpp")))
    linked = ("-ldl",) if sys.platform == "linux" else ()
    reading = ("-I", os.fspath(SOURCES), "-x", "c++", "-", "-x", "none")
    command = [compiler, *FLAGS, *flags, "-o", os.fspath(library), *reading, *linked]
    try:
        done = subprocess.run(
            command, input=program, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CaptureError(f"{compiler} did not finish in {COMPILE_TIMEOUT_S} s.") from error
    if done.returncode != 0:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
        raise CaptureError(f"{compiler} cannot compile the simulator: {first}")


def _show(done: int, pictures: int) -> None:
    print(f"  {done} of {pictures} pictures of the scene", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m capture.simulator.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=BUILD_FOLDER, metavar="DIR", help="where to build")
    parser.add_argument("--seed", type=int, default=0, help="which room (default: 0)")
    parser.add_argument("--width", type=int, default=640, help="of the sensors, px (default: 640)")
    parser.add_argument("--height", type=int, default=480, help="of the sensors, px (default: 480)")
    args = parser.parse_args(arguments)
    try:
        print("Building the simulated cameras …", flush=True)
        library = build(args.out, VirtualSpec(args.seed, args.width, args.height), progress=_show)
    except CaptureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{library}\nOpen them with: python main.py live --rig simulator")
    return 0


if __name__ == "__main__":
    sys.exit(main())
