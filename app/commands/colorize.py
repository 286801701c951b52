"""`main.py colorize`: pairs of image files in, colour pictures and their measures out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.commands.summary import Json, write_json
from capture.calibration import load_calibration
from capture.errors import DatasetError
from capture.images import image_files, read_color, read_mono
from capture.png import write_png
from capture.rectify import Rectifier

if TYPE_CHECKING:
    from app.search import SearchWish
    from capture.calibration import RigCalibration
    from models.engine import Colorization, Engine, SearchRange

_FULL_SCALE_16 = 257  # 65535 / 255


@dataclass(frozen=True)
class PairFiles:
    """The two files of one pair, and what their results are called."""

    name: str
    mono: Path
    color: Path


@dataclass(frozen=True)
class PairMeasures:
    """One pair in `metrics.json`; SSIM with window 11 σ 1.5 on 0 … 255, a 10-pixel border left out.

    Attributes:
        cycle_ssim_cb, cycle_ssim_cr: chroma of the second pass against the reference's.
        cycle_ssim_rgb: the second pass with the reference's luma against the reference, mean over R, G, B.
        structure_ssim_y: averaged luma of the first pass against the mono image.
        ms: both passes, refinement and measures.
    """

    cycle_ssim_cb: float
    cycle_ssim_cr: float
    cycle_ssim_rgb: float
    structure_ssim_y: float
    ms: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "--mono", type=Path, required=True, metavar="FILE|DIR", help="gray picture, or a folder of them"
    )
    parser.add_argument(
        "--color",
        type=Path,
        required=True,
        metavar="FILE|DIR",
        help="colour picture, or a folder; same names as mono",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where pictures and metrics.json go"
    )
    parser.add_argument(
        "--model",
        default="live",
        help="live, live+fine (finer matching, slower), paper, or a .safetensors file (default: live)",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument(
        "--max-disparity",
        type=_positive,
        metavar="N",
        help="candidates to search, px (default: calibration, else a fifth of the width, at most 128)",
    )
    parser.add_argument(
        "--offset", type=int, metavar="PX", help="first candidate, px; may be negative (default: 0)"
    )
    rectified = parser.add_mutually_exclusive_group()
    rectified.add_argument(
        "--already-rectified", action="store_true", help="take the pictures as they are (default)"
    )
    rectified.add_argument(
        "--calibration", type=Path, metavar="FILE", help="rectify with this calibration first"
    )


def run(args: argparse.Namespace) -> int:
    """Colorize every pair. Raises CalibrationError, DatasetError, ModelError."""
    pairs = find_pairs(args.mono, args.color)
    calibration = load_calibration(args.calibration) if args.calibration else None
    rectifier = Rectifier(calibration) if calibration else None
    # Loading torch takes seconds: what can go wrong with the arguments has gone wrong before.
    from app.search import SearchWish
    from models.engine import Engine

    engine = Engine(args.model, args.device)
    engine.load()
    made_for = None if calibration else engine.max_disparity
    wish = SearchWish(args.max_disparity or made_for, args.offset)
    _make_folder(args.out)
    measures: dict[str, PairMeasures] = {}
    print(f"{len(pairs)} pairs, model {args.model}, {engine.device_name}", flush=True)
    try:
        began = time.perf_counter()
        for number, pair in enumerate(pairs, start=1):
            measures[pair.name], search = _colorize(pair, engine, wish, calibration, rectifier, args.out)
            rate = number / (time.perf_counter() - began)
            print(
                f"{number}/{len(pairs)} {pair.name}: {_describe(search)}  {_line(measures[pair.name])}  "
                f"{rate:.2f} pairs/s",
                flush=True,
            )
    finally:
        # What was done before an error or Ctrl-C stays of use.
        if measures:
            write_json(report(measures), args.out / "metrics.json")
    print(f"mean: {_line(_mean(measures))}\nwrote {args.out}")
    return 0


def find_pairs(mono: Path, color: Path) -> list[PairFiles]:
    """Return the pairs of two files, or of two folders by the files' names without ending, sorted.

    Raises DatasetError: missing, one file and one folder, no images, or half of a pair.
    """
    for path in (mono, color):
        if not path.exists():
            raise DatasetError(f"{path} does not exist")
    if mono.is_dir() != color.is_dir():
        folder, file = (mono, color) if mono.is_dir() else (color, mono)
        raise DatasetError(f"{folder} is a folder but {file} is a file: give two files or two folders")
    if not mono.is_dir():
        return [PairFiles(mono.stem, mono, color)]
    monos, colors = image_files(mono), image_files(color)
    for have, lack, folder in ((monos, colors, color), (colors, monos, mono)):
        halves = [path.name for name, path in have.items() if name not in lack]
        if halves:
            more = f" and {len(halves) - 1} more" if len(halves) > 1 else ""
            raise DatasetError(f"half of a pair: nothing in {folder} belongs to {halves[0]}{more}")
    return [PairFiles(name, path, colors[name]) for name, path in monos.items()]


def report(measures: Mapping[str, PairMeasures]) -> dict[str, Json]:
    """Return what `metrics.json` holds."""
    return {
        "pairs": {name: asdict(pair) for name, pair in measures.items()},
        "mean": asdict(_mean(measures)),
    }


def measure(reference: NDArray[np.uint8], result: Colorization, ms: float) -> PairMeasures:
    """Return the measures of one result. `reference`: H×W×3 RGB, as the engine saw it but in 8 bits."""
    from models.metrics import BORDER, ssim

    inside = slice(BORDER, -BORDER)
    return PairMeasures(
        cycle_ssim_cb=result.cycle_ssim_cb,
        cycle_ssim_cr=result.cycle_ssim_cr,
        cycle_ssim_rgb=ssim(result.second_pass, reference),
        structure_ssim_y=float(result.structure_similarity[inside, inside].mean(dtype=np.float64)),
        ms=ms,
    )


def _colorize(
    pair: PairFiles,
    engine: Engine,
    wish: SearchWish,
    calibration: RigCalibration | None,
    rectifier: Rectifier | None,
    out: Path,
) -> tuple[PairMeasures, SearchRange]:
    """Read, rectify, colorize, write and measure one pair; return also what was searched."""
    mono, reference = read_mono(pair.mono), read_color(pair.color)
    if rectifier is not None:
        mono, reference = rectifier.rectify(mono, reference)
    elif mono.shape != reference.shape[:2]:
        raise DatasetError(
            f"{pair.mono} is {mono.shape[1]}×{mono.shape[0]} but {pair.color} is "
            f"{reference.shape[1]}×{reference.shape[0]}: rectify them to one size (--calibration)"
        )
    began = time.perf_counter()
    result = engine.colorize(mono, reference, wish.range(calibration, mono.shape[1]))
    ms = (time.perf_counter() - began) * 1000
    confidence = np.round(result.confidence * 255).astype(np.uint8)
    for kind, picture in (
        ("first", result.first_pass),
        ("second", result.second_pass),
        ("refined", result.refined),
        ("confidence", confidence),
    ):
        write_png(picture, out / f"{pair.name}_{kind}.png")
    levels = np.round(reference / _FULL_SCALE_16) if reference.dtype == np.uint16 else reference
    return measure(levels.astype(np.uint8), result, ms), result.search


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot make the folder {folder}: {error.strerror or error}") from error


def _mean(measures: Mapping[str, PairMeasures]) -> PairMeasures:
    names = [field.name for field in fields(PairMeasures)]
    return PairMeasures(**{name: fmean(getattr(pair, name) for pair in measures.values()) for name in names})


def _line(pair: PairMeasures) -> str:
    return (
        f"cycle SSIM Cb {pair.cycle_ssim_cb:.4f} Cr {pair.cycle_ssim_cr:.4f} RGB {pair.cycle_ssim_rgb:.4f}  "
        f"structure {pair.structure_ssim_y:.4f}  {pair.ms:.0f} ms"
    )


def _describe(search: SearchRange) -> str:
    first, last = search.offset, search.offset + search.max_disparity - 1
    return f"disparities {first} … {last} px" + (", colour camera right" if search.mirrored else "")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number
