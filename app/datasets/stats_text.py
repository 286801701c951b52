"""The figures of a dataset for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.datasets.stats import Column, Statistics

_BARS = " ▁▂▃▄▅▆▇█"
_BINS = 32
_MOST_WORDS = 12


def as_text(stats: Statistics) -> str:
    """Return all figures as lines of text; histograms are drawn with block characters."""
    lines = [headline(stats), "", *_session_lines(stats)]
    for title, counts in (("tags", stats.tags), ("mode", stats.modes), ("warnings", stats.warnings)):
        lines += _word_lines(title, counts, stats.pairs)
    rows: list[tuple[str, ...]] = [("", "", "smallest", "5 %", "median", "95 %", "largest", "")]
    rows += [_row(column) for column in stats.columns]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines.append("")
    for row in rows:
        first, drawn, *figures, last = row
        cells = [first.ljust(widths[0]), drawn.ljust(widths[1])]
        cells += [figure.rjust(width) for figure, width in zip(figures, widths[2:-1], strict=True)]
        lines.append("  ".join([*cells, last]).rstrip())
    if stats.search_px is not None:
        lines.append(f"the calibration searches disparities {stats.search_px[0]} … {stats.search_px[1]} px")
    return "\n".join(lines)


def headline(stats: Statistics) -> str:
    """Return the dataset in one line."""
    parts = [f"{stats.pairs} pairs", f"{len(stats.sessions)} sessions", f"{stats.size_bytes / 1e6:,.1f} MB"]
    parts += [f"{stats.excluded} excluded"] if stats.excluded else []
    parts += [f"{stats.trashed} in the trash"] if stats.trashed else []
    return f"{stats.name}: {', '.join(parts)}"


def figure(value: float) -> str:
    """Return a number with the digits that one looks at."""
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        return f"{value:.1e}"
    decimals = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def _row(column: Column) -> tuple[str, ...]:
    title = f"{column.title} ({column.unit})" if column.unit else column.title
    figures = [figure(column.quantile(share)) for share in (0, 0.05, 0.5, 0.95, 1)]
    more = f"{column.missing} unknown" if column.missing else ""
    if column.limit is not None:
        more = f"limit {figure(column.limit)}{', ' if more else ''}{more}"
    return title, _drawn(column.values), *figures, more


def _drawn(values: Sequence[float]) -> str:
    """Return a histogram of one line; what occurs at all is seen."""
    low, high = min(values), max(values)
    if low == high:
        return "█".rjust(_BINS // 2).ljust(_BINS)
    counts = np.histogram(values, bins=_BINS, range=(low, high))[0]
    levels = np.ceil(counts / counts.max() * (len(_BARS) - 1)).astype(int)
    return "".join(_BARS[level] for level in levels)


def _session_lines(stats: Statistics) -> list[str]:
    lines = []
    for session in stats.sessions:
        parts = [session.started, session.rig, f"{session.pairs} pairs"]
        parts += [f"over {session.minutes:.1f} min"] if session.minutes else []
        parts += [f"by {session.operator}"] if session.operator else []
        parts += [session.lens_note] if session.lens_note else []
        parts += [] if session.calibration else ["no calibration"]
        lines.append(f"session {session.number}: " + ", ".join(part for part in parts if part))
    return lines


def _word_lines(title: str, counts: Mapping[str, int], pairs: int) -> list[str]:
    if not counts:
        return []
    shown = list(counts.items())[:_MOST_WORDS]
    words = ", ".join(f"{word} {count} ({count / max(1, pairs):.0%})" for word, count in shown)
    more = f", and {len(counts) - len(shown)} more" if len(counts) > len(shown) else ""
    return [f"{title}: {words}{more}"]
