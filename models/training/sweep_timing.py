"""Times a design of the sweep like any network, in a process of its own.

The child is `python -m models.training.sweep_timing CASE`, as in `models.bench`; `Case.model` is the name
of a variant. Its weights are random, which costs the same time.
"""

from __future__ import annotations

import sys

import torch

from models.bench import Case, Measurement, main, measure
from models.presets import Networks
from models.refiner import Refiner
from models.training.sweep_variants import VARIANTS, Variant

WIDTH, HEIGHT, MAX_DISPARITY = 1024, 780, 128
_REPEATS, _THREADS = 5, 2


def time_variant(variant: Variant) -> Measurement:
    """Return what the whole cycle (encoding, both passes, refiner) takes at 1024×780 with 128 candidates."""
    case = Case(variant.name, variant.name, WIDTH, HEIGHT, MAX_DISPARITY, "cpu", _REPEATS, _THREADS)
    return measure(case, child="models.training.sweep_timing")


def untrained(name: str) -> Networks:
    """Return the networks of the variant of this name, with random weights."""
    variant = next(v for v in VARIANTS if v.name == name)
    torch.manual_seed(0)
    colorizer, refiner = variant.network(variant.config), Refiner(variant.refiner)
    return Networks(name, colorizer.eval(), refiner.eval(), {}, None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], untrained))
