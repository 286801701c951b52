"""Virtual scenes that several test modules look at; building one takes a second."""

from __future__ import annotations

from functools import cache

from capture.spec import VirtualSpec
from capture.virtual.stage import Stage

SPEC = VirtualSpec(width=320, height=240)
SECOND_NS = 1_000_000_000


@cache
def stage() -> Stage:
    return Stage(SPEC)
