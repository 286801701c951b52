"""What an explanation draws over the pictures: candidates, their cells, and the line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.inspecting.why import LineWhy, PixelWhy
from app.ui.marking import Disc, Outline, Shape
from app.ui.theme import ACCENT, SKY

LEAST_WEIGHT = 0.004
"""Lighter candidates are not drawn: hundreds of dots would hide the picture."""
LABELLED, LEAST_NAMED = 3, 0.03
CELLS = 60
"""Cells whose outline is drawn, the heaviest ones."""


def candidate_shapes(why: PixelWhy, *, mirrored: bool) -> tuple[Shape, ...]:
    """Return what to draw over the reference: cells as they are, candidates by weight, the heaviest named."""
    sources = why.contributions
    order = np.argsort(sources.box_weights)[::-1][:CELLS]
    cells = [
        _cell(sources.boxes[n], float(sources.box_weights[n]))
        for n in order
        if sources.box_weights[n] >= LEAST_WEIGHT
    ]
    return (*cells, *_discs(why, mirrored))


def line_shapes(line: LineWhy, *, mirrored: bool) -> tuple[tuple[Shape, ...], tuple[Shape, ...]]:
    """Return the line as it lies on the mono image, and where its matches lie in the reference."""
    mono = Outline(
        ((line.xs[0] + 0.5, line.ys[0] + 0.5), (line.xs[-1] + 0.5, line.ys[-1] + 0.5)), SKY, thickness=1.6
    )
    matches = line.xs - line.peak_px if mirrored else line.xs + line.peak_px
    points = tuple((float(x) + 0.5, float(y) + 0.5) for x, y in zip(matches, line.ys, strict=True))
    return (mono,), (Outline(points, SKY, thickness=1.2),)


def _cell(box: NDArray[np.float64], weight: float) -> Outline:
    left, top, right, bottom = (float(edge) for edge in box)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Outline(corners, ACCENT, closed=True, fill=min(weight, 1.0) ** 0.5 * 0.8, thickness=0.6)


def _discs(why: PixelWhy, mirrored: bool) -> list[Shape]:
    """Return one disc for each candidate, where it lies for this pixel: what the curve of W says."""
    sources = why.contributions
    middles = (sources.boxes[:, 1] + sources.boxes[:, 3]) / 2
    y = float(sources.box_weights @ middles)
    pictured = sources.pictured
    discs: list[Shape] = []
    for rank, k in enumerate(np.argsort(sources.weights)[::-1]):
        weight = float(sources.weights[k])
        if weight < LEAST_WEIGHT:
            break
        shift = float(sources.disparities[k])
        red, green, blue = (int(v) for v in pictured[k])
        label = f"{weight:.0%}" if rank < LABELLED and weight >= LEAST_NAMED else ""
        x = why.x + 0.5 + (-shift if mirrored else shift)
        discs.append(Disc(x, y, weight, f"#{red:02x}{green:02x}{blue:02x}", label))
    return discs
