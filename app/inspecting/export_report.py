"""The report of what is open: one HTML file, pictures and all, that needs no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

from app.inspecting.export_files import write_file
from app.inspecting.measures import BY_KEY, Measure, comparable_truth
from app.inspecting.measures_duel import duel
from app.inspecting.measures_table import Row, columns_of, worst_first
from app.inspecting.results import Results
from models.evaluation.pictures import Grid, make_grid
from models.evaluation.report import page
from models.evaluation.statistics import Estimate, mean_estimate
from models.evaluation.tables import Cell, Table

USUAL_COLUMNS = ("delta_e", "cycle_ssim", "confidence")
"""By what the worst are chosen where nobody says: the first of these that has values."""
_ASIDE, _PLOT = 52, 300


def usual_column(rows: Sequence[Row]) -> Measure:
    """Return the column to begin with. Raises ValueError without rows that hold a value."""
    there = columns_of(rows)
    for key in USUAL_COLUMNS:
        if BY_KEY[key] in there:
            return BY_KEY[key]
    if not there:
        raise ValueError("nothing was measured")
    return there[0]


def write_report(
    path: Path,
    rows: Sequence[Row],
    grids: Sequence[Grid],
    about: Mapping[str, str],
    *,
    gates: Mapping[str, Measure] | None = None,
    by: Measure | None = None,
) -> None:
    """Write the report.

    Args:
        path: of the HTML file.
        rows: what was measured.
        grids: pictures, as of `worst_grids`.
        about: what was run, for people: name → value.
        gates: how gates of the dataset are called.
        by: the column that orders the table, worst first.

    Raises:
        DatasetError: it cannot be written.
        ValueError: nothing was measured.
    """
    by = by or usual_column(rows)
    columns = columns_of(rows, gates)
    methods = list(dict.fromkeys(row.method for row in rows))
    tables = [_means(rows, columns, methods), *_duels(rows, columns, methods), _every_pair(rows, columns, by)]
    charts = "".join(scatter_svg(rows, by, methods[0], other) for other in methods[1:])
    sections = [
        _what_is_measured(columns),
        f'<div style="display:flex;flex-wrap:wrap;gap:2rem">{charts}</div>',
    ]
    write_file(path, page(tables, grids, about, title="Inspection", sections=sections).encode())


def worst_grids(results: Results, rows: Sequence[Row], by: Measure, count: int) -> list[Grid]:
    """Return pictures of the pairs with the worst values, all methods side by side. Raises ModelError."""
    worst = dict.fromkeys(row.item for row in worst_first(rows, by) if row.value(by.key) is not None)
    methods = list(dict.fromkeys(row.method for row in rows))
    grids = []
    for item in list(worst)[:count]:
        found = {method: results.prediction(item, method) for method in methods}
        predictions = {method: prediction for method, prediction in found.items() if prediction is not None}
        if predictions:
            pair = results.pair(item)
            grids.append(make_grid(item, replace(pair, truth=comparable_truth(pair)), predictions))
    return grids


def scatter_svg(rows: Sequence[Row], column: Measure, first: str, second: str) -> str:
    """Return one method over the other, and who wins, as a piece of HTML; empty if they share no pair."""
    found = duel(rows, column, first, second)
    if found is None:
        return ""
    values = [value for dot in found.dots for value in (dot.first, dot.second)]
    low, high = min(values), max(values)
    spread = (high - low) or max(abs(high), 1.0) * 0.1
    low, high = low - 0.05 * spread, high + 0.05 * spread

    def place(value: float) -> float:
        return _PLOT * (value - low) / (high - low)

    colours = {1: "#0072b2", 0: "#888888", -1: "#d55e00"}
    dots = "".join(
        f'<circle cx="{_ASIDE + place(dot.first):.1f}" cy="{_PLOT - place(dot.second):.1f}" r="4" '
        f'fill="{colours[dot.outcome]}" fill-opacity="0.75"><title>{escape(dot.item)}: '
        f"{column.text(dot.first)}, {column.text(dot.second)}</title></circle>"
        for dot in found.dots
    )
    frame = (
        f'<path d="M{_ASIDE} 0V{_PLOT}H{_ASIDE + _PLOT}" fill="none" stroke="currentColor"/>'
        f'<path d="M{_ASIDE} {_PLOT}L{_ASIDE + _PLOT} 0" stroke="currentColor" stroke-dasharray="3 4"/>'
        f'<text x="{_ASIDE + _PLOT / 2}" y="{_PLOT + 32}" text-anchor="middle">{escape(first)}</text>'
        f'<text x="14" y="{_PLOT / 2}" text-anchor="middle" transform="rotate(-90 14 {_PLOT / 2})">'
        f"{escape(second)}</text>"
        f'<g font-size="11"><text x="{_ASIDE}" y="{_PLOT + 15}">{column.text(low)}</text>'
        f'<text x="{_ASIDE + _PLOT}" y="{_PLOT + 15}" text-anchor="end">{column.text(high)}</text></g>'
    )
    return (
        '<section style="max-width:24rem">'
        f"<h2>{escape(column.heading)}: {escape(first)} and {escape(second)}</h2>"
        f"<p>{escape(first)} wins {found.wins}, loses {found.losses}, ties {found.ties} of "
        f"{len(found.dots)}: {escape(found.verdict)}.</p>"
        f'<svg width="{_ASIDE + _PLOT + 12}" height="{_PLOT + 40}" fill="currentColor" font-size="13">'
        f"{frame}{dots}</svg></section>"
    )


def _what_is_measured(columns: Sequence[Measure]) -> str:
    lines = "".join(f"<dt>{escape(c.heading)}</dt><dd>{escape(c.tip)}</dd>" for c in columns)
    return f"<details><summary>What is measured</summary><dl>{lines}</dl></details>"


def _means(rows: Sequence[Row], columns: Sequence[Measure], methods: Sequence[str]) -> Table:
    by_column = [_column_means(rows, column, methods) for column in columns]
    cells = [(method, [means[i] for means in by_column]) for i, method in enumerate(methods)]
    return Table(
        "Methods",
        "Means over the pairs.",
        ["method", *(column.heading for column in columns)],
        cells,
    )


def _column_means(rows: Sequence[Row], column: Measure, methods: Sequence[str]) -> list[Cell]:
    estimates = []
    for method in methods:
        values = [v for row in rows if row.method == method and (v := row.value(column.key)) is not None]
        estimates.append(mean_estimate(values) if values else None)
    found = [estimate.value for estimate in estimates if estimate is not None]
    # Of what is the same for all (what the camera sees), none is the best.
    best = (max if column.better == "high" else min)(found) if len(set(found)) > 1 else None
    return [
        Cell(estimate, column.decimals, best=estimate is not None and estimate.value == best)
        for estimate in estimates
    ]


def _duels(rows: Sequence[Row], columns: Sequence[Measure], methods: Sequence[str]) -> list[Table]:
    if len(methods) < 2:
        return []
    body = []
    for other in methods[1:]:
        found = [duel(rows, column, methods[0], other) for column in columns]
        cells = [
            Cell(None if d is None else d.gain, c.decimals, signed=True)
            for d, c in zip(found, columns, strict=True)
        ]
        body.append((f"{methods[0]} against {other}", cells))
    return [
        Table(
            "Paired gains",
            "By how much the first is better on the same pair (positive: better, whichever way the measure "
            "goes); an interval without 0 is a difference that the choice of pairs does not explain.",
            ["methods", *(column.heading for column in columns)],
            body,
        )
    ]


def _every_pair(rows: Sequence[Row], columns: Sequence[Measure], by: Measure) -> Table:
    def cell(row: Row, column: Measure) -> Cell:
        value = row.value(column.key)
        return Cell(None if value is None else Estimate(value, math.nan, math.nan, 1), column.decimals)

    several = len({row.method for row in rows}) > 1
    return Table(
        "Every pair",
        f"Worst {by.title} first.",
        ["pair", *(column.heading for column in columns)],
        [
            (f"{row.item}, {row.method}" if several else row.item, [cell(row, column) for column in columns])
            for row in worst_first(rows, by)
        ],
    )
