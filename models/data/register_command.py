"""`python main.py register`: cuts registered regions out of pairs, to train the structure network on."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2

from models.data.image_files import Image
from models.data.pairs import PairSource, open_pairs
from models.data.register import Region, RegisterConfig, register_pair
from models.errors import ModelError

REPORT = "registration.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument("pairs", type=Path, help="folder with mono/ and color/")
    parser.add_argument("out", type=Path, help="folder to make: mono/, color/ and a report")
    parser.add_argument("--min-size", type=int, help="shortest side of a region in px (default: 36)")
    parser.add_argument("--max-residual", type=float, help="motion that may be left, in px (default: 0.5)")


def run(args: argparse.Namespace) -> int:
    """Register all pairs. The folder appears when everything is in it, or not at all."""
    given = {"min_size_px": args.min_size, "max_residual_px": args.max_residual}
    config = replace(RegisterConfig(), **{k: v for k, v in given.items() if v is not None})
    if config.min_size_px < 1 or config.max_residual_px <= 0:
        raise ModelError("--min-size and --max-residual have to be positive")
    source = open_pairs(args.pairs)
    out: Path = args.out
    if out.exists():
        raise ModelError(f"{out} exists already: name a new folder")
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        regions = _register_all(source, partial, config)
        if not regions:
            raise ModelError(f"{args.pairs}: no region is registered well enough to train on")
        report = {"config": asdict(config), "regions": regions}
        (partial / REPORT).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise ModelError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{len(regions)} regions of {len(source)} pairs in {out}")
    return 0


def _register_all(source: PairSource, folder: Path, config: RegisterConfig) -> list[dict[str, Any]]:
    for kind in ("mono", "color"):
        (folder / kind).mkdir(parents=True)
    described = []
    for index in range(len(source)):
        pair = source.read(index)
        regions = register_pair(pair.mono, pair.reference, config)
        for number, region in enumerate(regions):
            name = f"{pair.name.replace('/', '_')}-{number}"
            _write_png(folder / "mono" / f"{name}.png", region.mono)
            _write_png(folder / "color" / f"{name}.png", cv2.cvtColor(region.color, cv2.COLOR_RGB2BGR))
            described.append({"name": name, "pair": pair.name, **_describe(region)})
        found = ", ".join(f"{r.mono.shape[1]}×{r.mono.shape[0]}" for r in regions) or "none"
        print(f"{index + 1}/{len(source)} {pair.name}: {found}", file=sys.stderr, flush=True)
    return described


def _describe(region: Region) -> dict[str, Any]:
    height, width = region.mono.shape
    return {
        "x": region.x,
        "y": region.y,
        "width": width,
        "height": height,
        "matches": region.matches,
        "residual_px": round(region.residual_px, 3),
        "correlation": round(region.correlation, 3),
        "checked": round(region.checked, 3),
    }


def _write_png(path: Path, image: Image | cv2.typing.MatLike) -> None:
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
