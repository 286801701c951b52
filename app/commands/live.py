"""`main.py live`: the app on a rig, or the same pipeline without a window."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.capturing.gates import GATE, GateLimit
from app.capturing.gates import MODES as GATE_MODES
from app.capturing.modes import KINDS
from app.capturing.state import CaptureState, read_state
from capture.calibration import load_calibration
from capture.dataset_records import check_tag
from capture.errors import DatasetError
from capture.spec import ReplaySpec

if TYPE_CHECKING:
    from app.pipeline.live import LiveConfig

DEFAULT_PAIRS = 30  # of a run without a window that was given no limit
EXIT_BAD_INPUT = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "--rig",
        metavar="RIG",
        help="virtual, simulator, viky, replay:DIR or a rig file (.toml); default: what is found",
    )
    parser.add_argument(
        "--model",
        default="live",
        help="live, live+fine (finer matching, slower), paper, or a .safetensors file (default: live)",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--threads", type=_positive, metavar="N", help="CPU threads for the networks")
    parser.add_argument("--calibration", type=Path, metavar="FILE", help="use this in place of the rig's own")
    parser.add_argument("--max-disparity", type=_positive, metavar="N", help="candidates to search, px")
    parser.add_argument("--offset", type=int, metavar="PX", help="first candidate, px; may be negative")
    window = parser.add_argument_group("without a window (implied by each of these)")
    window.add_argument("--headless", action="store_true", help="run without a window, print progress")
    window.add_argument("--frames", type=_positive, metavar="N", help="stop after N pairs")
    window.add_argument("--duration", type=_seconds, metavar="S", help="stop after S seconds of capture")
    window.add_argument("--out", type=Path, metavar="DIR", help="write pictures and summary.json here")
    window.add_argument(
        "--capture-only", action="store_true", help="do not colorize: count what capture and pairing do"
    )
    capture = parser.add_argument_group("capturing without a window (docs/capture.md)")
    capture.add_argument("--capture", choices=KINDS, help="save pairs that pass the gates, until it is done")
    capture.add_argument("--dataset", type=Path, metavar="DIR", help="where to: made, or gone on with")
    capture.add_argument("--target", type=_positive, metavar="N", help="pairs wanted in all (default: 1000)")
    capture.add_argument("--burst", type=_positive, default=10, metavar="N", help="pairs of a burst (10)")
    capture.add_argument("--every", type=_seconds, default=2.0, metavar="S", help="timed: seconds (2)")
    capture.add_argument("--tags", metavar="TAG,…", help="scene tags of these pairs")
    capture.add_argument("--operator", metavar="NAME", help="who captures")
    capture.add_argument("--lens", metavar="NOTE", help="lenses, apertures, filters")
    capture.add_argument(
        "--gate",
        action="append",
        default=[],
        type=_gate,
        metavar="KEY=MODE[:LIMIT]",
        help="change a gate, e.g. sharpness=wall:0.8; MODE is off, warn or wall",
    )


def run(args: argparse.Namespace) -> int:
    """Open the app, or run headless. Raises CaptureError, CalibrationError, DatasetError, ModelError."""
    asked = args.headless or args.frames or args.duration or args.out or args.capture_only or args.capture
    if asked or not has_display():
        if not asked:
            print("no display: running without a window (--headless)")
        return _run_headless(args)
    return _run_app(args)


def has_display() -> bool:
    """Return whether Qt has a screen to draw on. Naming a Qt platform answers for it."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _run_headless(args: argparse.Namespace) -> int:
    if args.capture:
        return _run_capture(args)
    from app.commands.headless import Limits, run_headless

    config = _config(args)
    limits = Limits(args.frames, args.duration)
    unlimited = limits == Limits()
    if isinstance(config.rig, ReplaySpec):
        # Without a window nobody watches it live: take the time that every pair needs, once through.
        config = replace(
            config, every_pair=True, rig=replace(config.rig, loop=config.rig.loop and not unlimited)
        )
    elif unlimited:
        limits = Limits(pairs=DEFAULT_PAIRS)
    run_headless(config, limits, args.out, sys.stdout)
    return 0


def _run_capture(args: argparse.Namespace) -> int:
    from app.capturing.modes import Plan
    from app.commands.capturing import CaptureWish, run_capture
    from app.commands.headless import interrupt_as_event

    if args.dataset is None:
        raise DatasetError("say where the pairs go: --dataset DIR")
    remembered = read_state(args.dataset)
    target = args.target or (remembered or CaptureState()).target
    wish = CaptureWish(
        args.dataset,
        Plan(args.capture, args.burst, args.every, target),
        None if args.tags is None else tuple(check_tag(tag) for tag in args.tags.split(",")),
        args.operator,
        args.lens,
        tuple(args.gate),
        args.duration,
    )
    with interrupt_as_event() as interrupted:
        run_capture(_config(args), wish, interrupted, sys.stdout)
    return 0


def _run_app(args: argparse.Namespace) -> int:
    from app.qt_check import display_hint, missing_libraries_hint

    hint = missing_libraries_hint() or display_hint()
    if hint:
        print(hint, file=sys.stderr)
        return EXIT_BAD_INPUT
    from app.ui.application import run_app

    return run_app(_config(args), reopen_last=args.rig is None)


def _config(args: argparse.Namespace) -> LiveConfig:
    from capture.rig_file import parse_rig

    rig = parse_rig(args.rig)
    if args.calibration is not None:
        load_calibration(args.calibration)  # a bad file is better noticed before anything starts
    from app.pipeline.live import LiveConfig

    return LiveConfig(
        rig=rig,
        model=args.model,
        device=args.device,
        calibration=args.calibration,
        max_disparity=args.max_disparity,
        offset=args.offset,
        threads=args.threads,
        colorize=not args.capture_only,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _gate(text: str) -> tuple[str, GateLimit]:
    key, _, rule = text.partition("=")
    mode, _, limit = rule.partition(":")
    if key not in GATE or mode not in GATE_MODES:
        raise argparse.ArgumentTypeError(
            f"{text} is not KEY=MODE[:LIMIT] with KEY one of {', '.join(GATE)} and MODE of "
            + ", ".join(GATE_MODES)
        )
    return key, GateLimit(float(limit) if limit else GATE[key].default_limit, mode)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive time")
    return seconds
