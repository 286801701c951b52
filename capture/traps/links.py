"""Traps about links that cameras share: they fit or not, and what to set so that bursts do not collide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capture.bandwidth import Budget
from capture.traps.finding import Finding


def crowded_links(budgets: Sequence[Budget]) -> Iterator[Finding]:
    """Several cameras on one link, or one that is too fast for it."""
    for found in budgets:
        names = " and ".join(stream.name for stream in found.streams)
        need, usable = sum(found.needed) / 1e6, found.usable / 1e6
        limits = ", ".join(
            f"{stream.name} = {limit}" for stream, limit in zip(found.streams, found.limits, strict=True)
        )
        if not found.fits:
            yield Finding(
                "problem",
                f"{names} send {need:.1f} MB/s through {found.link.name}, which carries {usable:.1f} MB/s: "
                f"frames will be lost. Lower the rate to {found.highest_rate_hz:.1f} Hz, use fewer bits or a "
                "smaller region, or give each camera a link of its own.",
            )
        elif len(found.streams) > 1:
            yield Finding(
                "note",
                f"{names} share {found.link.name}: {need:.1f} of {usable:.1f} MB/s ({found.load:.0%}). "
                "Images taken together are sent together: set DeviceLinkThroughputLimitMode = On and "
                f"DeviceLinkThroughputLimit (bytes/s): {limits}.",
            )
