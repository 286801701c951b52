"""The figures of a dataset as one HTML page that needs no other file: drawings are SVG in it."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from app.datasets.stats import Column, Statistics
from app.datasets.stats_text import figure, headline

WIDTH, HEIGHT, MARGIN, RIGHT = 380, 130, 8, 22
BINS = 40
ROW = 16
_MOST_SESSIONS = 12


def as_page(stats: Statistics) -> str:
    """Return the page."""
    body = [f"<h1>{_text(stats.name)}</h1>", f"<p>{_text(headline(stats).split(': ', 1)[1])}</p>"]
    body.append(_sessions_table(stats))
    words = (
        ("Scene tags", stats.tags),
        ("Saved by", stats.modes),
        ("Gates beyond their limit", stats.warnings),
    )
    body.append('<div class="grid">')
    body += [_bars(title, counts, stats.pairs) for title, counts in words if counts]
    body += [_figure(column, stats) for column in stats.columns]
    body.append("</div>")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(stats.name)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(body)}</body></html>\n"
    )


def histogram(column: Column, search_px: tuple[int, int] | None = None) -> str:
    """Return the histogram of a column as SVG: bars, axis, limit; below, one line per session.

    A session's line reaches from the 5 % to the 95 % quantile, the dot is the median.
    """
    low, high = min(column.values), max(column.values)
    marks = [mark for mark in (column.limit, *(search_px or ())) if mark is not None]
    if marks:  # a limit far away must not press the values together
        reach = max(high - low, abs(high), 1e-9)
        near = [mark for mark in marks if low - reach <= mark <= high + reach]
        low, high = min([low, *near]), max([high, *near])
    if low == high:
        spread = abs(low) * 0.1 or 1.0
        low, high = low - spread, high + spread
    sessions = sorted(set(column.sessions))[:_MOST_SESSIONS]
    rows = len(sessions) if len(sessions) > 1 else 0
    total = HEIGHT + 24 + ROW * rows

    def x(value: float) -> float:
        return MARGIN + (WIDTH - MARGIN - RIGHT) * (value - low) / (high - low)

    parts = [*_histogram_bars(column, low, high, x), *_axis(low, high, x)]
    for mark in marks:
        if low <= mark <= high:
            words = "limit" if mark == column.limit else "searched"
            parts.append(
                f'<line class="limit" x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="0" y2="{HEIGHT}">'
                f"<title>{words} {figure(mark)}</title></line>"
            )
    for place, number in enumerate(sessions if rows else ()):
        parts.append(_session_line(column.of_session(number), number, x, HEIGHT + 30 + ROW * place))
    box, label = f"0 0 {WIDTH} {total}", _text(column.title)
    return f'<svg viewBox="{box}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _histogram_bars(column: Column, low: float, high: float, x: Callable[[float], float]) -> Iterator[str]:
    counts, edges = np.histogram(column.values, bins=BINS, range=(low, high))
    most = max(1, int(counts.max()))
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            tall = max(1.5, (HEIGHT - 12) * count / most)
            yield (
                f'<rect x="{x(left):.1f}" y="{HEIGHT - tall:.1f}" width="{x(right) - x(left) - 0.5:.1f}" '
                f'height="{tall:.1f}"><title>{figure(left)} … {figure(right)}: {count}</title></rect>'
            )


def _axis(low: float, high: float, x: Callable[[float], float]) -> Iterator[str]:
    yield f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - RIGHT}" y1="{HEIGHT}" y2="{HEIGHT}"/>'
    for tick in ticks(low, high):
        anchor = "start" if x(tick) < 25 else "end" if x(tick) > WIDTH - 30 else "middle"
        yield f'<line class="axis" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{HEIGHT}" y2="{HEIGHT + 4}"/>'
        yield f'<text x="{x(tick):.1f}" y="{HEIGHT + 16}" text-anchor="{anchor}">{tick:,.6g}</text>'


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers within a range, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _session_line(column: Column, number: int, x: Callable[[float], float], y: float) -> str:
    left, middle, right = (x(column.quantile(share)) for share in (0.05, 0.5, 0.95))
    words = f"session {number}: median {figure(column.quantile(0.5))}, {len(column.values)} values"
    return (
        f'<g><title>{words}</title><line class="range" x1="{left:.1f}" x2="{right:.1f}" y1="{y}" y2="{y}"/>'
        f'<circle cx="{middle:.1f}" cy="{y}" r="3.5"/><text class="faint" x="{WIDTH}" y="{y + 4}" '
        f'text-anchor="end">{number}</text></g>'
    )


def _figure(column: Column, stats: Statistics) -> str:
    search_px = stats.search_px if column.key == "disparity_px" else None
    unit = f" <small>{_text(column.unit)}</small>" if column.unit else ""
    figures = (
        f"median {figure(column.quantile(0.5))}, 5 … 95 %: {figure(column.quantile(0.05))} … "
        f"{figure(column.quantile(0.95))}"
    )
    if column.limit is not None:
        figures += f"; limit {figure(column.limit)}"
    if search_px is not None:
        figures += f"; searched {search_px[0]} … {search_px[1]}"
    if column.missing:
        figures += f"; {column.missing} unknown"
    return (
        f"<figure><h2>{_text(column.title)}{unit}</h2>{histogram(column, search_px)}"
        f"<figcaption>{figures}</figcaption></figure>"
    )


def _bars(title: str, counts: Mapping[str, int], pairs: int) -> str:
    """Return words with a bar for each: how many pairs have it."""
    most = max(counts.values())
    rows = "".join(
        f'<tr><th>{_text(word)}</th><td class="bar"><i style="width:{100 * count / most:.1f}%"></i></td>'
        f"<td>{count}</td><td>{count / max(1, pairs):.0%}</td></tr>"
        for word, count in counts.items()
    )
    return f"<figure><h2>{_text(title)}</h2><table>{rows}</table></figure>"


def _sessions_table(stats: Statistics) -> str:
    if not stats.sessions:
        return ""
    head = ("", "started", "rig", "pairs", "minutes", "operator", "lenses", "calibration")
    rows = [
        (
            str(session.number),
            session.started,
            session.rig,
            str(session.pairs),
            "" if session.minutes is None else f"{session.minutes:.1f}",
            session.operator,
            session.lens_note,
            session.calibration or "none",
        )
        for session in stats.sessions
    ]
    body = "".join(_table_row(row, "td") for row in rows)
    return f'<div class="wide"><table>{_table_row(head, "th")}{body}</table></div>'


def _table_row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_text(cell)}</{tag}>' for cell in cells)}</tr>"


def _text(value: str) -> str:
    return html.escape(value)


_STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; --ink: #2a788e; --limit: #c2640c; }
body { max-width: 1500px; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1rem; margin: 0 0 .4rem; font-weight: 600; }
small { font-weight: 400; opacity: .7; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 1.6rem 2rem; }
.grid { margin-top: 1.5rem; }
.wide { overflow-x: auto; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .82rem; opacity: .75; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; overflow: visible; } rect, circle { fill: var(--ink); }
svg text { font-size: 11px; fill: CanvasText; } .faint { opacity: .6; }
.axis { stroke: #8889; } .limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 4 3; }
.range { stroke: var(--ink); stroke-width: 1.5; opacity: .6; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; font-size: .88rem; font-weight: 400; }
th, td { white-space: nowrap; }
.wide th { font-weight: 600; border-bottom: 1px solid #8886; }
figure table { width: 100%; } figure td { text-align: right; }
.bar { width: 60%; } .bar i { display: block; height: .7em; background: var(--ink); border-radius: 2px; }
"""
