"""`python main.py evaluate`: predictions, then scores, then the report. Needs neither Qt nor cameras."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import ModelError

if TYPE_CHECKING:
    from models.engine import SearchRange
    from models.evaluation.methods import Contestant
    from models.evaluation.pictures import Grid
    from models.evaluation.sets import DataSet

STAGES = ("predict", "score", "report")
ALL = "all"
DEFAULT_METHODS = ("live", "paper", "sgbm", "dis", "copy")
_RANGE = re.compile(r"(?P<name>.+)=(?:(?P<first>-?\d+):)?(?P<count>\d+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "stage",
        nargs="?",
        choices=(*STAGES, ALL),
        default=ALL,
        help="predict: only make predictions; score: only score those that are there; report: score and "
        "write the report; all: everything (default). What is there already is not made again",
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders of pairs (mono/ + color/, or reference/ + truth/), or folders of these",
    )
    parser.add_argument(
        "--methods",
        nargs="*",
        default=list(DEFAULT_METHODS),
        metavar="M",
        help="presets, weights files (the authors' .h5 too), sgbm, dis, copy; NAME=M gives it another name, "
        "NAME=FILE,FILE,… judges each pair by the file whose training held it out "
        f"(default: {' '.join(DEFAULT_METHODS)})",
    )
    parser.add_argument(
        "--ablation", nargs="+", default=[], metavar="NAME=FILE", help="weights files for Table 4"
    )
    parser.add_argument(
        "--judge",
        metavar="NAME|FILE",
        help="network that makes the second passes of all of --ablation (default: each its own)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/evaluation"), metavar="DIR", help="where everything goes"
    )
    parser.add_argument(
        "--max-disparity",
        nargs="+",
        type=_range,
        default=[],
        metavar="SET=[FIRST:]N",
        help="candidates for a set, px, e.g. my_pairs=64 or my_pairs=-4:24",
    )
    parser.add_argument(
        "--fresh",
        nargs="+",
        default=[],
        metavar="NAME",
        help="make the predictions of these methods anew (for code that changed while weights did not)",
    )
    parser.add_argument(
        "--pictures", type=_count, default=3, metavar="N", help="pairs of each set in the report (default: 3)"
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--threads", type=_positive, metavar="N", help="CPU threads (default: all cores)")


def run(args: argparse.Namespace) -> int:
    """Evaluate. Raises ModelError."""
    _use_threads(args.threads)
    # Loading torch takes seconds: arguments that argparse can judge were judged before.
    from models.evaluation.evaluated import note_evaluated
    from models.evaluation.methods import judged_by, open_methods
    from models.evaluation.sets import open_sets

    ranges = _ranges(args.max_disparity)
    sets = open_sets(args.data, ranges)
    ablation = [_named(spec) for spec in args.ablation]
    if not args.methods and not ablation:
        raise ModelError("nothing to evaluate: name --methods or --ablation")
    methods = open_methods([*args.methods, *args.ablation], args.out / "weights", args.device)
    if args.judge is not None:
        (judge,) = open_methods([args.judge], args.out / "weights", args.device)
        methods = [judged_by(judge, method) if method.name in ablation else method for method in methods]
    unknown = [name for name in args.fresh if name not in {method.name for method in methods}]
    if unknown:
        raise ModelError(f"--fresh {unknown[0]}: no such method in this run")
    note_evaluated(args.out, args.data, [*args.methods, *args.ablation], ranges)
    try:
        if args.stage in ("predict", ALL):
            _predict(methods, sets, args.out, frozenset(args.fresh))
        if args.stage != "predict":
            _score(methods, ablation, sets, args)
    except KeyboardInterrupt:
        print("stopped: what was done is kept, the same command goes on from there", file=sys.stderr)
        raise
    return 0


def _predict(
    methods: Sequence[Contestant], sets: Sequence[DataSet], out: Path, fresh: frozenset[str]
) -> None:
    from models.evaluation.predictions import plan, predict

    jobs = plan(methods, sets)
    made = predict(jobs, out / "predictions", fresh=fresh)
    print(f"{len(jobs)} predictions: {made} made, {len(jobs) - made} there already", file=sys.stderr)


def _score(
    methods: Sequence[Contestant], ablation: Sequence[str], sets: Sequence[DataSet], args: argparse.Namespace
) -> None:
    from models.evaluation.report import markdown, write_report
    from models.evaluation.scoring import score
    from models.evaluation.tables import Results, all_tables

    scores = score(methods, sets, args.out)
    if args.stage == "score":
        print(f"{len(scores)} scores of {len(methods)} methods")
        return
    results = Results.of(scores, [method.name for method in methods], ablation)
    tables = all_tables(results)
    about = _about(methods, sets)
    grids = _grids(methods, sets, args.out, args.pictures)
    write_report(args.out, scores, tables, grids, about)
    print(markdown(tables, {}))
    print(f"wrote {args.out}/report.html, report.md, report.json, scores.csv")


def _grids(methods: Sequence[Contestant], sets: Sequence[DataSet], out: Path, count: int) -> list[Grid]:
    from models.evaluation.pictures import make_grid
    from models.evaluation.predictions import load_prediction, prediction_path

    grids = []
    for data in sets:
        total = len(data.source)
        # Spread over the set by number, not by what looks good.
        chosen = sorted({i * total // min(count, total) for i in range(min(count, total))})
        for index in chosen:
            pair = data.source.read(index)
            members = [m for method in methods if (m := method.member_for(pair.name)) is not None]
            paths = {m.name: prediction_path(out / "predictions", m, data.name, pair.name) for m in members}
            predictions = {name: load_prediction(path) for name, path in paths.items()}
            if predictions:
                grids.append(make_grid(f"{data.name}/{pair.name}", pair, predictions))
    return grids


def _about(methods: Sequence[Contestant], sets: Sequence[DataSet]) -> dict[str, Any]:
    return {
        "methods": ", ".join(f"{method.name} ({method.fingerprint[:12]})" for method in methods),
        "sets": ", ".join(f"{data.name} ({len(data.source)} pairs)" for data in sets),
    }


def _use_threads(threads: int | None) -> None:
    if threads is None:
        return
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _ranges(named: Sequence[tuple[str, int, int]]) -> dict[str, SearchRange]:
    from models.engine import SearchRange

    return {name: SearchRange(count, offset=first) for name, first, count in named}


def _named(spec: str) -> str:
    name, equals, _ = spec.rpartition("=")
    if not equals or not name:
        raise ModelError(f"--ablation {spec}: expected NAME=FILE")
    return name


def _range(text: str) -> tuple[str, int, int]:
    found = _RANGE.fullmatch(text)
    if not found or int(found["count"]) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not like SET=64 or SET=-4:24")
    return found["name"], int(found["first"] or 0), int(found["count"])


def _positive(text: str) -> int:
    number = _count(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a count")
    return int(text)
