"""`main.py export`: figures, videos and reports of results, and what a user study says, without a window."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture.errors import DatasetError
from models.errors import ModelError

if TYPE_CHECKING:
    from app.inspecting.export_figure import Crop
    from app.inspecting.results import EvaluatedResults
    from models.evaluation.methods import Prediction

_CROP = re.compile(r"(?:(?P<pair>.+)=)?(?P<box>\d+,\d+,\d+,\d+)")
_RANGE = re.compile(r"(?:(?P<first>-?\d+):)?(?P<count>\d+)")
_STAGES = ("refined", "first", "second")
_FIGURE_ROWS = 4
GUIDE = "Results that are there already (of `evaluate`, or of an earlier export) are not made again."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    kinds = parser.add_subparsers(title="what to export", dest="kind", metavar="KIND", required=True)
    figure = _add(kinds, "figure", "a PNG like the paper's Figures 8 to 11: rows are pairs, columns methods")
    _stage(figure)
    figure.add_argument(
        "--rows", type=_count, default=_FIGURE_ROWS, metavar="N", help="pairs, if none are named (4)"
    )
    figure.add_argument(
        "--crop",
        type=_crop,
        nargs="+",
        default=[],
        metavar="[PAIR=]X,Y,W,H",
        help="what to show larger below each picture, px (default: two places where methods differ most)",
    )
    figure.add_argument("--truth", action="store_true", help="a last column with the truth")
    figure.add_argument(
        "--cell", type=_count, metavar="PX", help="width of a cell (that of the images, at most 640)"
    )
    video = _add(kinds, "video", "an .mp4 or .avi with the methods side by side, a frame for each pair")
    _stage(video)
    video.add_argument("--fps", type=_rate, default=10.0, metavar="HZ", help="frames per second (10)")
    video.add_argument(
        "--hold", type=_count, default=1, metavar="N", help="frames for which a pair stays (1)"
    )
    video.add_argument("--no-labels", action="store_true", help="pictures only, no titles and names")
    report = _add(kinds, "report", "one HTML file with measures, charts and pictures, for any browser")
    report.add_argument("--worst", type=_whole, default=5, metavar="N", help="pairs with pictures (5)")
    report.add_argument(
        "--by", metavar="MEASURE", help="what the worst are worst by (delta_e, else cycle_ssim)"
    )
    study = kinds.add_parser("study", help="results of a user study: CSV, JSON, SVG")
    study.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")
    study.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the three files go")


def run(args: argparse.Namespace) -> int:
    """Export. Raises DatasetError and ModelError."""
    if args.kind == "study":
        return _export_study(args)
    if args.threads is not None:
        import torch

        torch.set_num_threads(args.threads)
    results = _open(args)
    items = _items(results, args.pairs)
    {"figure": _export_figure, "video": _export_video, "report": _export_report}[args.kind](
        results, items, args
    )
    return 0


def _export_figure(results: EvaluatedResults, items: Sequence[str], args: argparse.Namespace) -> None:
    from app.inspecting.export_figure import draw_figure, make_row
    from app.inspecting.export_files import write_png

    if args.pairs is None:
        # Spread over the set by number, not by what looks good.
        count = min(args.rows, len(items))
        items = [items[i * len(items) // count] for i in range(count)]
    crops: list[tuple[str | None, Crop]] = args.crop
    unknown = next((pair for pair, _ in crops if pair is not None and pair not in items), None)
    if unknown is not None:
        raise DatasetError(f"--crop {unknown}=…: no such pair in the figure ({', '.join(items)})")
    rows = []
    for number, item in enumerate(items, start=1):
        predictions = [_need(results, item, method) for method in results.methods]
        mine = [box for pair, box in crops if pair in (None, item)]
        try:
            rows.append(
                make_row(results.pair(item), predictions, stage=args.stage, crops=mine, truth=args.truth)
            )
        except ValueError as error:
            raise DatasetError(f"{item}: {error}") from error
        _say(number, len(items), item)
    with_truth = args.truth and all(results.pair(item).truth is not None for item in items)
    if args.truth and not with_truth:
        raise DatasetError("--truth: not every pair of the figure has one")
    columns = ["input pair", *results.methods, *(["truth"] if with_truth else [])]
    write_png(args.out, draw_figure(rows, columns, args.cell))
    print(f"wrote {args.out}")


def _export_video(results: EvaluatedResults, items: Sequence[str], args: argparse.Namespace) -> None:
    from app.inspecting.export_figure import picture_of
    from app.inspecting.export_video import VideoLook, write_video
    from models.color import as_uint8

    def frames() -> Iterator[tuple[str, list[NDArray[np.uint8]]]]:
        for item in items:
            pair = results.pair(item)
            found = [picture_of(_need(results, item, method), args.stage) for method in results.methods]
            yield item, [as_uint8(pair.mono), as_uint8(pair.reference), *found]

    look = VideoLook(("mono", "reference", *results.methods), args.fps, args.hold, not args.no_labels)
    count = write_video(
        args.out, frames(), look, on_frame=lambda done: _say(done, len(items), items[done - 1])
    )
    print(f"wrote {args.out}: {count} pairs")


def _export_report(results: EvaluatedResults, items: Sequence[str], args: argparse.Namespace) -> None:
    from app.inspecting.export_report import usual_column, worst_grids, write_report
    from app.inspecting.measures import BY_KEY
    from app.inspecting.measures_cache import MeasuresCache
    from app.inspecting.measures_run import measured_rows

    if args.by is not None and args.by not in BY_KEY:
        raise DatasetError(f"--by {args.by}: known are {', '.join(BY_KEY)}")
    rows = []
    for row in measured_rows(results, MeasuresCache(args.work / "measures"), items=items):
        rows.append(row)
        _say(len(rows), len(items) * len(results.methods), f"{row.item} {row.method}")
    by = BY_KEY[args.by] if args.by else usual_column(rows)
    if all(row.value(by.key) is None for row in rows):
        raise DatasetError(f"--by {by.key}: no result has a value (no truth?)")
    about = {
        "data": ", ".join(str(folder) for folder in args.data),
        "methods": ", ".join(results.methods),
        "pairs": str(len(items)),
    }
    write_report(args.out, rows, worst_grids(results, rows, by, args.worst), about, by=by)
    print(f"wrote {args.out}")


def _export_study(args: argparse.Namespace) -> int:
    from app.inspecting.study_export import export_study
    from app.inspecting.study_store import all_votes, read_plan

    plan = read_plan(args.study)
    for path in export_study(args.out, plan, all_votes(args.study, plan)):
        print(f"wrote {path}")
    return 0


def _open(args: argparse.Namespace) -> EvaluatedResults:
    # Loading torch takes seconds: arguments that argparse can judge were judged before.
    from app.inspecting.results import EvaluatedResults
    from app.training_data import open_training_pairs
    from models.engine import SearchRange
    from models.evaluation.methods import open_methods
    from models.evaluation.sets import KNOWN_RANGES, DataSet

    source = open_training_pairs(args.data)
    name = args.data[0].resolve().name
    search = None if len(args.data) > 1 else KNOWN_RANGES.get(name)
    if args.max_disparity is not None:
        search = SearchRange(*args.max_disparity)
    methods = open_methods(args.methods, args.work / "weights", args.device)
    return EvaluatedResults(DataSet(name, source, search), methods, args.work)


def _items(results: EvaluatedResults, wanted: Sequence[str] | None) -> list[str]:
    if wanted is None:
        return list(results.items)
    unknown = next((name for name in wanted if name not in results.items), None)
    if unknown is not None:
        raise DatasetError(f"--pairs {unknown}: no such pair (there are {', '.join(results.items[:8])} …)")
    return list(wanted)


def _need(results: EvaluatedResults, item: str, method: str) -> Prediction:
    prediction = results.prediction(item, method)
    if prediction is None:
        raise ModelError(f"{method} has no result for {item}")
    return prediction


def _say(done: int, total: int, what: str) -> None:
    print(f"[{done}/{total}] {what}", file=sys.stderr, flush=True)


def _add(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=GUIDE)
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="captured datasets, or folders of pairs (mono/ + color/, or reference/ + truth/)",
    )
    parser.add_argument("--pairs", nargs="+", metavar="NAME", help="which pairs (default: all)")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["live", "sgbm"],
        metavar="M",
        help="presets, weights files, sgbm, dis, copy; NAME=M gives another name (default: live sgbm)",
    )
    parser.add_argument(
        "--max-disparity", type=_range, metavar="[FIRST:]N", help="candidates, px (default: what pairs say)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("runs/evaluation"),
        metavar="DIR",
        help="where results are kept (runs/evaluation, as of `evaluate`)",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--threads", type=_count, metavar="N", help="CPU threads (default: all cores)")
    return parser


def _stage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", choices=_STAGES, default="refined", help="picture of a method (refined)")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 1 on")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from 0 on")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.1 <= rate <= 240:
        raise argparse.ArgumentTypeError(f"{text!r}: give 0.1 to 240 Hz")
    return rate


def _crop(text: str) -> tuple[str | None, Crop]:
    found = _CROP.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: give X,Y,W,H or PAIR=X,Y,W,H in px")
    x, y, width, height = (int(part) for part in found["box"].split(","))
    return found["pair"], (x, y, width, height)


def _range(text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if found is None or not 1 <= int(found["count"]) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: give N or FIRST:N, 1 to 1024 candidates")
    return int(found["count"]), int(found["first"] or 0)
