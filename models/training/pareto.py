"""The Pareto front of accuracy against time, and a plot of it as SVG, written by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

# Okabe and Ito's colours, which the colour-blind can tell apart; a front is also drawn filled.
_FRONT, _BEHIND, _INK, _FAINT = "#D55E00", "#0072B2", "#222222", "#DDDDDD"
_FONT, _SIZE, _LETTER, _LINE = "Helvetica, Arial, sans-serif", 13, 6.9, 16.0  # px; width of a mean letter
_RADIUS = 5.0
_MARGINS = (44.0, 24.0, 52.0, 88.0)  # px above, right, below, left of the axes
_DISTANCES = (
    9.0,
    16.0,
    26.0,
    38.0,
    52.0,
    68.0,
    86.0,
    108.0,
    134.0,
)  # px of a label from its point, nearest first
_DIRECTIONS = 16
_FAR_APART = 2.0  # largest by smallest
_AROUND = 0.12  # of the range of values, left free at both ends of an axis
_LOGARITHMIC_TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8)

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in px."""


@dataclass(frozen=True)
class Point:
    """One design: what it costs (the less the better) and what it reaches (the more the better).

    One that does not compete is shown, but is never part of the front: a repetition, to show the noise.
    """

    label: str
    cost: float
    gain: float
    competes: bool = True


@dataclass(frozen=True)
class Panel:
    """One plot: its title, axes and points, and its height in px."""

    title: str
    cost_axis: str
    gain_axis: str
    points: tuple[Point, ...]
    height: int = 460


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Return the competing points that none beats in both, cheapest first; of equal ones the first."""
    front: list[Point] = []
    for point in sorted((p for p in points if p.competes), key=lambda p: (p.cost, -p.gain)):
        if not front or point.gain > front[-1].gain:
            front.append(point)
    return front


def draw(panels: Sequence[Panel], width: int = 860) -> str:
    """Return an SVG, `width` px wide, with the panels one below the other."""
    tops = list(itertools.accumulate((panel.height for panel in panels), initial=0))
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{tops[-1]}" '
        f'viewBox="0 0 {width} {tops[-1]}" font-family="{_FONT}" font-size="{_SIZE}" fill="{_INK}">'
    )
    return "\n".join(
        [
            opening,
            f'<rect width="{width}" height="{tops[-1]}" fill="white"/>',
            *(_panel(panel, width, top) for panel, top in zip(panels, tops, strict=False)),
            "</svg>",
            "",
        ]
    )


@dataclass(frozen=True)
class _Axis:
    """Maps values to px, `end` lying where the larger values are; values far apart by their logarithm."""

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    @classmethod
    def around(cls, values: Sequence[float], begin: float, end: float) -> _Axis:
        low, high = min(values), max(values)
        if low > 0 and high / low > _FAR_APART:
            margin = (high / low) ** _AROUND
            return cls(low / margin, high * margin, begin, end, logarithmic=True)
        spread = high - low or abs(low) or 1.0
        return cls(low - _AROUND * spread, high + _AROUND * spread, begin, end)

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.begin + (value - low) / (high - low) * (self.end - self.begin)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)))
            ticks = [m * 10.0**p for p in powers for m in _LOGARITHMIC_TICKS]
            return [tick for tick in ticks if self.low <= tick <= self.high]
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [n * step for n in range(first, last + 1)]


def _panel(panel: Panel, width: int, top: int) -> str:
    height = panel.height
    above, right, below, left = _MARGINS
    x = _Axis.around([p.cost for p in panel.points], left, width - right)
    y = _Axis.around([p.gain for p in panel.points], top + height - below, top + above)
    frame = (left, top + above, width - right, top + height - below)
    front = pareto_front(panel.points)
    spots = [(x(p.cost), y(p.gain)) for p in panel.points]
    line = " ".join(f"{x(p.cost):.1f},{y(p.gain):.1f}" for p in front)
    return "\n".join(
        [
            f'<text x="{left}" y="{top + 26}" font-size="16" font-weight="bold">{escape(panel.title)}</text>',
            *_grid(panel, x, y, frame),
            f'<polyline points="{line}" fill="none" stroke="{_FRONT}" stroke-width="2"/>',
            *(_dot(spot, chosen=point in front) for point, spot in zip(panel.points, spots, strict=True)),
            *_labels(panel.points, spots, _along([(x(p.cost), y(p.gain)) for p in front]), frame),
        ]
    )


def _grid(panel: Panel, x: _Axis, y: _Axis, frame: Box) -> list[str]:
    left, top, right, bottom = frame
    digits = _digits(y.ticks())
    lines = [
        f'<path d="M{x(v):.1f} {top}V{bottom}" stroke="{_FAINT}"/>'
        f'<text x="{x(v):.1f}" y="{bottom + 18}" text-anchor="middle">{v:.0f}</text>'
        for v in x.ticks()
    ]
    lines += [
        f'<path d="M{left} {y(v):.1f}H{right}" stroke="{_FAINT}"/>'
        f'<text x="{left - 6}" y="{y(v) + 4.5:.1f}" text-anchor="end">{v:.{digits}f}</text>'
        for v in y.ticks()
    ]
    middle = (top + bottom) / 2
    across, upwards = f"translate({(left + right) / 2} {bottom + 40})", f"translate(18 {middle}) rotate(-90)"
    return [
        *lines,
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="{_INK}"/>',
        f'<text transform="{across}" text-anchor="middle">{escape(panel.cost_axis)}</text>',
        f'<text transform="{upwards}" text-anchor="middle">{escape(panel.gain_axis)}</text>',
    ]


def _digits(ticks: Sequence[float]) -> int:
    """Return how many digits after the point tell ticks apart."""
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=1.0)
    return max(0, math.ceil(-math.log10(step) - 1e-6))


def _dot(spot: tuple[float, float], *, chosen: bool) -> str:
    fill, stroke = (_FRONT, _FRONT) if chosen else ("white", _BEHIND)
    return (
        f'<circle cx="{spot[0]:.1f}" cy="{spot[1]:.1f}" r="{_RADIUS}" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="2"/>'
    )


def _along(corners: Sequence[tuple[float, float]]) -> list[Box]:
    """Return small boxes that cover the line through the corners."""
    boxes = []
    for (ax, ay), (bx, by) in itertools.pairwise(corners):
        count = max(1, round(math.hypot(bx - ax, by - ay) / 4))
        for n in range(count + 1):
            x, y = ax + (bx - ax) * n / count, ay + (by - ay) * n / count
            boxes.append((x - 2, y - 2, x + 2, y + 2))
    return boxes


def _labels(
    points: Sequence[Point], spots: Sequence[tuple[float, float]], drawn: Sequence[Box], frame: Box
) -> list[str]:
    """Put every label where it covers nothing, as near to its point as that goes; far ones get a line."""
    taken: list[Box] = [*drawn, *((a - 7, b - 7, a + 7, b + 7) for a, b in spots)]
    found = []
    for point, (x, y) in zip(points, spots, strict=True):
        distance, box = _free_place(x, y, len(point.label) * _LETTER, taken, frame)
        taken.append(box)
        left, top, right, bottom = box
        if distance > _DISTANCES[1]:
            nearest = min(max(x, left), right), min(max(y, top), bottom)
            found.append(
                f'<path d="M{x:.1f} {y:.1f}L{nearest[0]:.1f} {nearest[1]:.1f}" stroke="{_INK}" '
                'stroke-width="0.6"/>'
            )
        found.append(f'<text x="{left:.1f}" y="{bottom - 4:.1f}">{escape(point.label)}</text>')
    return found


def _free_place(x: float, y: float, width: float, taken: Sequence[Box], frame: Box) -> tuple[float, Box]:
    """Return how far from (x, y) a box `width` px wide finds room, and the box; the last resort overlaps."""
    box: Box = (x, y, x + width, y + _LINE)
    for distance in _DISTANCES:
        for turn in range(_DIRECTIONS):
            angle = 2 * math.pi * turn / _DIRECTIONS
            across, down = math.cos(angle), math.sin(angle)
            # The box touches the circle around the point with the side that faces it.
            left = x + distance * across - (0.5 - across / 2) * width
            top = y + distance * down - (0.5 - down / 2) * _LINE
            box = (left, top, left + width, top + _LINE)
            inside = box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]
            if inside and not any(_overlap(box, other) for other in taken):
                return distance, box
    return _DISTANCES[-1], box


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
