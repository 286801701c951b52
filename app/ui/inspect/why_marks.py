"""What an explanation draws over the pictures: candidates, their cells, and the line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.inspecting.why import LineWhy, PixelWhy
from app.ui.marking import Disc, Outline, Shape
from app.ui.theme import ACCENT, SKY
from models.tracing import Contributions

LEAST_WEIGHT = 0.004
"""Lighter candidates are not drawn: hundreds of dots would hide the picture."""
LABELLED = 3
CELLS = 60
"""Cells whose outline is drawn, the heaviest ones."""


def candidate_shapes(why: PixelWhy) -> tuple[Shape, ...]:
    """Return what to draw over the reference: cells as they are, candidates by weight, the heaviest named."""
    sources = why.contributions
    order = np.argsort(sources.box_weights)[::-1][:CELLS]
    cells = [
        _cell(sources.boxes[n], float(sources.box_weights[n]))
        for n in order
        if sources.box_weights[n] >= LEAST_WEIGHT
    ]
    return (*cells, *_discs(sources))


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


def _discs(sources: Contributions) -> list[Shape]:
    """Return one disc for each column of cells, where their weight lies."""
    columns, number = np.unique(sources.boxes[:, 0], return_inverse=True)
    weights = np.bincount(number, sources.box_weights, len(columns))
    middles = (sources.boxes[:, :2] + sources.boxes[:, 2:]) / 2
    x, y = (
        np.bincount(number, sources.box_weights * middles[:, axis], len(columns)) / np.maximum(weights, 1e-12)
        for axis in (0, 1)
    )
    moments = np.bincount(number, sources.box_weights * sources.box_disparities, len(columns))
    disparities = moments / np.maximum(weights, 1e-12)
    heaviest = np.argsort(weights)[::-1]
    named = set(heaviest[:LABELLED].tolist())
    discs: list[Shape] = []
    for n in heaviest:
        if weights[n] < LEAST_WEIGHT:
            break
        nearest = int(np.abs(sources.disparities - disparities[n]).argmin())
        red, green, blue = (int(v) for v in sources.pictured[nearest])
        label = f"{weights[n]:.0%}" if n in named and weights[n] >= 0.03 else ""
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        discs.append(Disc(float(x[n]), float(y[n]), float(weights[n]), colour, label))
    return discs
